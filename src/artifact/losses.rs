//! Losses of every epoch of a network, for those who want to look at them.
//!
//! They lie beside the models, under the weights that training ended with: they are no part of a model's identity,
//! nothing needs them, and a model that is calibrated anew keeps them.

use std::path::Path;

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind};
use oddlot_report::page::LossCurve;
use oddlot_series::EpochReport;
use serde::{Deserialize, Serialize};

use super::{Artifact, StoredJudge};

/// Losses per value in scaled units, of epoch 1 and on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// On the training windows, dropout active.
    pub train: Vec<f64>,
    /// On the validation windows; `None` where there are none.
    pub validation: Vec<Option<f64>>,
}

impl Losses {
    /// Adds an epoch.
    pub fn add(&mut self, epoch: &EpochReport) {
        self.train.push(epoch.train_loss);
        self.validation.push(epoch.validation_loss);
    }

    /// Keeps them under the weights of `artifact`, unless there are none.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn store(
        &self,
        root: &OutputRoot,
        staging: &Path,
        artifact: &Artifact,
    ) -> Result<(), Error> {
        let Some(path) = path(artifact).filter(|_| !self.train.is_empty()) else { return Ok(()) };
        let json = serde_json::to_vec(self)
            .map_err(|error| Error::bug(format!("losses cannot be written: {error}")))?;
        root.put(staging, &path, &json).await
    }

    /// Those of a stored model; `None` where none were kept or they cannot be understood.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(root: &OutputRoot, model_id: &str) -> Result<Option<Self>, Error> {
        let artifact = match Artifact::load(root, model_id).await {
            Err(error) if error.kind == Kind::Model => return Ok(None),
            artifact => artifact?,
        };
        let Some(path) = path(&artifact) else { return Ok(None) };
        let json = root.get(&path).await?;
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
    }

    /// As a report draws them.
    pub fn curve(self, model: &str, best_epoch: Option<u32>) -> LossCurve {
        LossCurve {
            model: model.to_owned(),
            train: self.train,
            validation: self.validation.into_iter().map(|loss| loss.unwrap_or(f64::NAN)).collect(),
            best_epoch: best_epoch.unwrap_or_default(),
        }
    }
}

/// `None` of what is no network, or many.
fn path(artifact: &Artifact) -> Option<String> {
    match &artifact.judge {
        StoredJudge::Network { weights_sha256, .. } => {
            Some(format!("_state/losses/{}.json", weights_sha256.get(..16)?))
        }
        // Those of many tickers' own networks are not kept.
        StoredJudge::PerTicker(_) => None,
        StoredJudge::Baseline(_) | StoredJudge::Archive { .. } => None,
    }
}
