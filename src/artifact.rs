//! What is stored of a trained model: everything that scoring needs, and how to tell a mismatch.
//!
//! `<root>/models/<model_id>/model.json` and, for a network, `weights.safetensors`. Both are
//! immutable; the identity is the SHA-256 of the first, which holds the SHA-256 of the second.
//! `<root>/_state/models/pipeline=<slug>/<name>.json` says which model a pipeline uses now.

mod losses;
mod pack;
pub mod verify;

pub use pack::{
    Member, Own, OwnJudge, OwnModel, OwnOutcome, Pack, PackPointer, Packed, PackedKind,
};

use std::path::Path;
use std::sync::Arc;

use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::layouts::ForeignLayout;
use oddlot_nets::{Engine, checkpoint};
use oddlot_series::{
    Archive, ArchiveJudge, ByTicker, Calibrated, CalibratedDetector, Detector, EventRule, Fitted,
    FittedBaseline, Form, Judge, Merge, ModelSpec, PriceLink, Scalers, Scaling, Spans, Split,
    Threshold, Thresholds, fallback,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::plan::hex;

pub use losses::Losses;

/// Version of `model.json`.
pub const FORMAT: u32 = 2;

/// Everything that scoring needs, but for the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Version of this file.
    pub format: u32,
    /// Version of oddlot that trained it.
    pub tool_version: String,
    /// Version of the scoring code.
    pub scoring_version: u32,
    /// Processor and operating system; another one is only warned about.
    pub machine: String,
    /// Pipeline and name.
    pub pipeline: String,
    /// Name in the pipeline.
    pub name: String,
    /// `lstm_autoencoder`, `ewma_z` …
    pub detector: String,
    /// Hash of what the weights depend on.
    pub training_key: String,
    /// Hash of what the thresholds depend on besides.
    pub judging_key: String,
    /// SHA-256 of the price rows that it learnt from.
    pub learnt_from: String,
    /// The queries in full.
    pub features_sql: String,
    /// The query that cuts windows.
    pub windows_sql: String,
    /// Features in the order of the windows.
    pub features: Vec<String>,
    /// Rows of a window.
    pub length: usize,
    /// The spans as dates, days since 1970-01-01.
    pub spans: Spans,
    /// How features are scaled.
    pub scaling: Scaling,
    /// Of the training rows.
    pub scalers: Scalers,
    /// What it judges by.
    pub judge: StoredJudge,
    /// How hindsight is merged where it decides.
    pub merge: Option<Merge>,
    /// What errors are turned into.
    #[serde(default, skip_serializing_if = "Form::is_default")]
    pub form: Form,
    /// Thresholds and what they were calibrated on; `None` where each ticker sets its own as it is scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
}

/// What every version of `model.json` begins with.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

/// A detector's own part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StoredJudge {
    /// A network; its weights lie beside.
    Network {
        /// Layers and training.
        spec: Box<ModelSpec>,
        /// What trained it, as in `fused avx512`; another one may score, and is only warned about.
        engine: String,
        /// SHA-256 of `weights.safetensors`.
        weights_sha256: String,
        /// How training went.
        training: TrainingRecord,
        /// Where the weights come from, if they were not trained here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        imported: Option<Box<Import>>,
    },
    /// A baseline.
    Baseline(FittedBaseline),
    /// A detector that learns from each series that it scores: there is nothing else to store.
    Archive {
        /// Which, with its settings.
        archive: Archive,
        /// Of each ticker's scores, for that ticker.
        threshold: Threshold,
        /// What computes its networks, as in `fused avx512`.
        engine: String,
    },
    /// A model for each ticker of a part: they lie beside.
    PerTicker(Box<Packed>),
}

/// Where weights come from that another library has trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Whose names and shapes the file has.
    pub layout: ForeignLayout,
    /// The file's name, without its folder.
    pub file_name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What the file calls each layer with weights, in the network's order.
    pub layers: Vec<String>,
}

/// How training went. Losses are means per element in scaled units.
///
/// Of imported weights: no window and no epoch, and their loss on the validation windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Windows learnt from.
    pub n_train_windows: usize,
    /// Windows stopped on.
    pub n_validation_windows: usize,
    /// Epochs that were run.
    pub epochs: usize,
    /// The one whose weights were kept.
    pub best_epoch: usize,
    /// Its validation loss; `None` without validation windows.
    pub validation_loss: Option<f64>,
    /// What published protocols report besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
}

/// Losses of single epochs, whichever weights were kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Of the last epoch, dropout active.
    pub last_train_loss: f64,
    /// Of the last epoch.
    pub last_validation_loss: Option<f64>,
    /// Of the best epoch.
    pub best_validation_loss: Option<f64>,
}

/// An artifact with its identity and its network in memory.
#[derive(Clone)]
pub struct Model {
    /// From the content.
    pub model_id: String,
    /// What is stored.
    pub artifact: Artifact,
    /// The network, where it is one.
    pub network: Option<Arc<dyn Fitted>>,
    /// What computes networks.
    pub engine: Engine,
    /// How training went, where it was trained just now.
    pub losses: Losses,
}

/// Which model a pipeline uses under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointer {
    /// The model.
    pub model_id: String,
    /// Its keys, so that nothing else need be read to know that it is stale.
    pub training_key: String,
    /// The other key.
    pub judging_key: String,
    /// Whether its weights were trained elsewhere: they are never trained over unasked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_imported: bool,
}

impl Artifact {
    /// Where its weights come from, if they were not trained here.
    pub fn imported(&self) -> Option<&Import> {
        match &self.judge {
            StoredJudge::Network { imported, .. } => imported.as_deref(),
            StoredJudge::Baseline(_) | StoredJudge::Archive { .. } | StoredJudge::PerTicker(_) => {
                None
            }
        }
    }

    /// What it says of a pack, where it is the head of one.
    pub fn packed(&self) -> Option<&Packed> {
        match &self.judge {
            StoredJudge::PerTicker(packed) => Some(packed),
            _ => None,
        }
    }

    /// The layers, where it is of a network or of networks.
    pub fn spec(&self) -> Option<&ModelSpec> {
        match &self.judge {
            StoredJudge::Network { spec, .. } => Some(spec),
            StoredJudge::PerTicker(packed) => match &packed.kind {
                PackedKind::Network { spec, .. } => Some(spec),
                PackedKind::Baseline(_) => None,
            },
            StoredJudge::Baseline(_) | StoredJudge::Archive { .. } => None,
        }
    }

    /// Whether it is of a baseline or of baselines.
    pub fn is_baseline(&self) -> bool {
        match &self.judge {
            StoredJudge::Baseline(_) => true,
            StoredJudge::PerTicker(packed) => matches!(packed.kind, PackedKind::Baseline(_)),
            StoredJudge::Network { .. } | StoredJudge::Archive { .. } => false,
        }
    }

    /// The thresholds of the deciding score; `None` where each ticker sets its own as it is scored.
    pub fn deciding(&self) -> Option<&ByTicker<Calibrated>> {
        let thresholds = self.thresholds.as_ref()?;
        Some(match (&thresholds.hindsight, self.merge) {
            (Some(hindsight), Some(_)) => hindsight,
            _ => &thresholds.causal,
        })
    }

    /// Reads what is stored of a model besides its weights.
    ///
    /// # Errors
    /// [`Kind::Model`]: it is gone, damaged or of another version.
    pub async fn load(root: &OutputRoot, model_id: &str) -> Result<Self, Error> {
        let folder = format!("models/{model_id}");
        let json = root.get(&format!("{folder}/model.json")).await?;
        let place = format!("{}/{folder}", root.name());
        let json = json.ok_or_else(|| damaged(&place, "model.json is gone"))?;
        let found = &hex(&Sha256::digest(&json))[..16];
        if found != model_id {
            return Err(damaged(&place, &format!("model.json has the identity {found}")));
        }
        let unreadable = |error: serde_json::Error| damaged(&place, &error.to_string());
        let Versioned { format } = serde_json::from_slice(&json).map_err(unreadable)?;
        if format != FORMAT {
            let found = format!("format {format}, this oddlot reads {FORMAT}");
            return Err(damaged(&place, &found));
        }
        serde_json::from_slice(&json).map_err(unreadable)
    }
}

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

impl Pointer {
    /// Which model `pipeline` uses as `name`; `None` where none was trained.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(
        root: &OutputRoot,
        pipeline: &str,
        name: &str,
    ) -> Result<Option<Self>, Error> {
        let json = root.get(&pointer_path(pipeline, name)).await?;
        // A pointer that cannot be read points nowhere: the model is trained again.
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
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

/// The weights of a network as they are stored.
///
/// # Errors
/// A bug: weights that do not fit their shapes.
pub fn weights_bytes(network: &dyn Fitted) -> Result<Vec<u8>, Error> {
    checkpoint::to_safetensors(&network.weights())
        .map_err(|error| Error::bug(format!("weights cannot be written: {error}")))
}

fn pointer_path(pipeline: &str, name: &str) -> String {
    format!("_state/models/pipeline={pipeline}/{name}.json")
}

fn to_json(artifact: &Artifact) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(artifact)
        .map_err(|error| Error::bug(format!("a model cannot be written: {error}")))
}

fn damaged(place: &str, found: &str) -> Error {
    Error::new(
        Kind::Model,
        Report::new("a stored model cannot be used")
            .at(place)
            .expected("model.json and weights as `oddlot train` wrote them")
            .found(found)
            .hint("train it again: `oddlot train <pipeline> --full-refresh`"),
    )
}
