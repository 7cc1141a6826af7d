//! A model in memory: ready to judge, stored, loaded.

use std::path::Path;
use std::sync::Arc;

use oddlot_engine::Error;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::{Engine, checkpoint};
use oddlot_series::{
    ArchiveJudge, CalibratedDetector, Detector, EventRule, Fitted, Judge, PriceLink, Split,
    Thresholds, fallback,
};
use sha2::{Digest, Sha256};

use super::{
    Artifact, Losses, Model, PackedKind, Pointer, StoredJudge, damaged, pointer_path, to_json,
    weights_bytes,
};
use crate::plan::hex;

impl Model {
    /// Gives an artifact its identity.
    ///
    /// # Errors
    /// A bug: it cannot be written as JSON.
    pub fn new(
        artifact: Artifact,
        network: Option<Arc<dyn Fitted>>,
        engine: Engine,
    ) -> Result<Self, Error> {
        let model_id = hex(&Sha256::digest(to_json(&artifact)?))[..16].to_owned();
        Ok(Self { model_id, artifact, network, engine, losses: Losses::default() })
    }

    /// Ready to judge.
    ///
    /// # Errors
    /// Stored dates that are not in order.
    pub fn detector(
        &self,
        price_links: Vec<PriceLink>,
        events: EventRule,
    ) -> Result<CalibratedDetector, Error> {
        let artifact = &self.artifact;
        let judge = match (&artifact.judge, &self.network) {
            (StoredJudge::Baseline(baseline), _) => Judge::Baseline(baseline.clone()),
            (StoredJudge::Archive { archive, threshold, .. }, _) => Judge::Archive(ArchiveJudge {
                archive: archive.clone(),
                networks: Arc::new(self.engine),
                threshold: *threshold,
            }),
            (StoredJudge::Network { .. }, Some(network)) => {
                Judge::Network { network: Arc::clone(network), scalers: artifact.scalers.clone() }
            }
            (StoredJudge::PerTicker(_), _) => {
                return Err(Error::bug(format!("each ticker has its own {}", artifact.name)));
            }
            (StoredJudge::Network { .. }, None) => {
                return Err(Error::bug(format!("the network of {} was not loaded", artifact.name)));
            }
        };
        let split = Split::try_from(artifact.spans)
            .map_err(|error| damaged(&format!("models/{}", self.model_id), &error.to_string()))?;
        Ok(CalibratedDetector {
            detector: Detector {
                name: artifact.name.clone(),
                model_id: self.model_id.clone(),
                judge,
                merge: artifact.merge,
                form: artifact.form.clone(),
                price_links,
            },
            thresholds: artifact.thresholds.clone().unwrap_or_else(Thresholds::unset),
            split,
            events,
        })
    }

    /// Which part of the tickers it is for; `None` of a model for all.
    pub fn part(&self) -> Option<u32> {
        self.artifact.packed().map(|packed| packed.part)
    }

    /// Rows of a window that its network gives an expectation for; `None` of what is no network.
    pub fn steps(&self) -> Option<usize> {
        match (&self.artifact.judge, &self.network) {
            (StoredJudge::PerTicker(packed), _) => match &packed.kind {
                PackedKind::Network { steps, .. } => Some(*steps),
                PackedKind::Baseline(_) => None,
            },
            (_, network) => network.as_ref().map(|network| network.steps()),
        }
    }

    /// Rows before and after a row that its results depend on, of windows of `length` rows; features looked
    /// back before.
    ///
    /// # Errors
    /// As [`Self::detector`].
    pub fn reach(&self, length: usize) -> Result<(usize, usize), Error> {
        let Some(packed) = self.artifact.packed() else {
            let detector = self.detector(Vec::new(), EventRule::default())?.detector;
            let rows_after = match detector.is_archive() {
                true => usize::MAX,
                false => length.saturating_sub(1) + detector.form.rows_after(),
            };
            return Ok((detector.rows_before(length), rows_after));
        };
        let own = match &packed.kind {
            PackedKind::Network { .. } => length,
            PackedKind::Baseline(baseline) => baseline.lookback() + 1,
        };
        let form = &self.artifact.form;
        let rows_before = own.max(fallback::LOOKBACK) + form.rows_before();
        Ok((rows_before, length.saturating_sub(1) + form.rows_after()))
    }

    /// Writes weights first, then `model.json`, then the pointer.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn store(&self, root: &OutputRoot, staging: &Path) -> Result<(), Error> {
        failpoint::pass(Failpoint::ModelTrained)?;
        let folder = format!("models/{}", self.model_id);
        if let Some(network) = &self.network {
            let weights = weights_bytes(network.as_ref())?;
            root.put(staging, &format!("{folder}/weights.safetensors"), &weights).await?;
            failpoint::pass(Failpoint::WeightsStored)?;
        }
        self.losses.store(root, staging, &self.artifact).await?;
        root.put(staging, &format!("{folder}/model.json"), &to_json(&self.artifact)?).await?;
        failpoint::pass(Failpoint::ModelStored)?;
        let Artifact { pipeline, name, training_key, judging_key, .. } = &self.artifact;
        let pointer = Pointer {
            model_id: self.model_id.clone(),
            training_key: training_key.clone(),
            judging_key: judging_key.clone(),
            is_imported: self.artifact.imported().is_some(),
        };
        let json = serde_json::to_vec_pretty(&pointer)
            .map_err(|error| Error::bug(format!("a pointer cannot be written: {error}")))?;
        root.put(staging, &pointer_path(pipeline, name), &json).await?;
        failpoint::pass(Failpoint::ModelUsed)
    }

    /// Reads a stored model and checks every checksum; `engine` will compute it.
    ///
    /// # Errors
    /// [`Kind::Model`]: it is gone, damaged or of another version.
    pub async fn load(root: &OutputRoot, model_id: &str, engine: Engine) -> Result<Self, Error> {
        let folder = format!("models/{model_id}");
        let place = format!("{}/{folder}", root.name());
        let artifact = Artifact::load(root, model_id).await?;
        let (here, there) = (crate::machine::describe(), &artifact.machine);
        if here != *there {
            tracing::warn!(
                model_id,
                here,
                there,
                "this model comes from another kind of machine: scores may differ in their last digits"
            );
        }
        let network = match &artifact.judge {
            StoredJudge::Baseline(_) => None,
            StoredJudge::PerTicker(packed) => {
                if let PackedKind::Network { engine: there, .. } = &packed.kind {
                    warn_of_engine(model_id, engine, there);
                }
                None
            }
            StoredJudge::Archive { engine: there, .. } => {
                warn_of_engine(model_id, engine, there);
                None
            }
            StoredJudge::Network { spec, engine: there, weights_sha256, .. } => {
                warn_of_engine(model_id, engine, there);
                let bytes = root.get(&format!("{folder}/weights.safetensors")).await?;
                let bytes = bytes.ok_or_else(|| damaged(&place, "its weights are gone"))?;
                if hex(&Sha256::digest(&bytes)) != *weights_sha256 {
                    return Err(damaged(&place, "its weights have another checksum"));
                }
                let weights = checkpoint::from_safetensors(&bytes)
                    .and_then(|weights| engine.load(spec.as_ref().clone(), &weights))
                    .map_err(|error| damaged(&place, &error.to_string()))?;
                Some(Arc::from(weights))
            }
        };
        let losses = Losses::default();
        Ok(Self { model_id: model_id.to_owned(), artifact, network, engine, losses })
    }
}

fn warn_of_engine(model_id: &str, here: Engine, there: &str) {
    let here = here.to_string();
    if here != *there {
        tracing::warn!(
            model_id,
            here,
            there,
            "this model was trained with other arithmetic: scores may differ in their last digits"
        );
    }
}
