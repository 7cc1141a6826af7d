//! The table `models`: one row a model.

use std::path::Path;

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::tables::run_tables::{self, ModelRow};
use oddlot_nets::n_weights;

use crate::artifact::StoredJudge;
use crate::plan::Plan;
use crate::run_id::RunId;
use crate::train::Ready;

/// Writes the rows of the models that have none yet: also of those that a run has trained which was
/// killed before it got here.
///
/// # Errors
/// The output cannot be written.
pub async fn write_models(
    plan: &Plan,
    models: &[Ready],
    run_id: &RunId,
    root: &OutputRoot,
    staging: &Path,
) -> Result<(), Error> {
    for model in models.iter().flat_map(Ready::all) {
        let artifact = &model.artifact;
        let (training, spec) = match &artifact.judge {
            // Imported weights are of no epoch of ours.
            StoredJudge::Network { spec, training, .. } => {
                (Some(training), serde_json::to_string(spec))
            }
            StoredJudge::Baseline(baseline) => (None, serde_json::to_string(&baseline.baseline())),
            StoredJudge::Archive { archive, .. } => (None, serde_json::to_string(archive)),
            StoredJudge::PerTicker(packed) => (None, serde_json::to_string(&packed.kind)),
        };
        let weights = model.network.as_ref().map(|network| network.weights()).unwrap_or_default();
        let n_parameters: usize = match (artifact.packed(), artifact.spec()) {
            // Of all its networks.
            (Some(packed), Some(spec)) => n_weights(spec).unwrap_or(0) * packed.n_own,
            _ => weights.iter().map(|tensor| tensor.values.len()).sum(),
        };
        let spans = artifact.spans;
        let deciding = artifact.deciding();
        let row = ModelRow {
            model_id: model.model_id.clone(),
            model: artifact.name.clone(),
            detector: artifact.detector.clone(),
            run_id: run_id.as_str().to_owned(),
            trained_at: run_id.started_at_us(),
            window_length: i32::try_from(artifact.length).unwrap_or(i32::MAX),
            n_parameters: i64::try_from(n_parameters).unwrap_or(i64::MAX),
            best_epoch: training
                .filter(|training| training.best_epoch > 0)
                .map(|training| i32::try_from(training.best_epoch).unwrap_or(i32::MAX)),
            validation_loss: training.and_then(|training| training.validation_loss),
            spans: [spans.train_to, spans.validation_to, spans.calibration_to],
            threshold: deciding.map(|deciding| deciding.pooled.threshold),
            n_calibration: deciding.map_or(0, |deciding| {
                i64::try_from(deciding.pooled.distribution.n()).unwrap_or(i64::MAX)
            }),
            spec: spec.map_err(|error| Error::bug(format!("a spec cannot be written: {error}")))?,
        };
        run_tables::write_model(root, staging, plan.pipeline.as_str(), &row).await?;
    }
    Ok(())
}
