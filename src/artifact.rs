//! What is stored of a trained model: everything that scoring needs, and how to tell a mismatch.
//!
//! `<root>/models/<model_id>/model.json` and, for a network, `weights.safetensors`. Both are
//! immutable; the identity is the SHA-256 of the first, which holds the SHA-256 of the second.
//! `<root>/_state/models/pipeline=<slug>/<name>.json` says which model a pipeline uses now.

mod losses;
mod model;
mod pack;
pub mod verify;

pub use pack::{
    Member, Own, OwnJudge, OwnModel, OwnOutcome, Pack, PackPointer, Packed, PackedKind,
};

use std::sync::Arc;

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::layouts::ForeignLayout;
use oddlot_nets::{Engine, checkpoint};
use oddlot_series::{
    Archive, ByTicker, Calibrated, Fitted, FittedBaseline, Form, Merge, ModelSpec, Scalers,
    Scaling, Spans, Threshold, Thresholds,
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
