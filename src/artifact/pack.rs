//! Each ticker's own model, those of one part packed into one artifact.
//!
//! `<root>/models/<model_id>/model.json` says what all of them share, `tickers.json` has each ticker's scaler,
//! record and thresholds, and `weights.safetensors` each array of the network with one axis more in front: the
//! tickers that have a network, in their order. The first holds the SHA-256 of the others and gives the pack its
//! identity. `<root>/_state/models/pipeline=<slug>/<name>/part-<part>.json` says which pack a pipeline uses, and
//! from which keys each ticker of it was made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use oddlot_engine::Error;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::{Engine, checkpoint};
use oddlot_series::{
    Baseline, Calibrated, Fitted, FittedBaseline, Form, ModelSpec, NamedTensor, Scaler, Scalers,
    Threshold, Thresholds,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Artifact, Model, StoredJudge, TrainingRecord, damaged, to_json};
use crate::plan::hex;

mod detectors;
mod pointer;
mod stacked;

pub use pointer::PackPointer;
pub(super) use pointer::part_of_file;
use pointer::pointer_path;
use stacked::{stacked, unstacked};

/// What all models of a pack share: their part of `model.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Which part of the tickers.
    pub part: u32,
    /// Of how many.
    pub parts: u32,
    /// What they are.
    pub kind: PackedKind,
    /// Of each ticker's calibration scores, for that ticker.
    pub threshold: Threshold,
    /// Tickers that have a model of their own.
    pub n_own: usize,
    /// Those that have none, and why.
    pub without: BTreeMap<String, String>,
    /// SHA-256 of `tickers.json`.
    pub tickers_sha256: String,
    /// SHA-256 of `weights.safetensors`; `None` where no ticker has weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
}

/// What the models of a pack are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PackedKind {
    /// Networks.
    Network {
        /// Layers and training.
        spec: Box<ModelSpec>,
        /// What trained those that were not carried over, as in `fused avx512`.
        engine: String,
        /// Rows of a window that each gives an expectation for.
        steps: usize,
    },
    /// Baselines.
    Baseline(Baseline),
}

/// What is stored of one ticker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// Hash of what its weights depend on.
    pub training_key: String,
    /// Hash of what its thresholds depend on besides.
    pub judging_key: String,
    /// What came of it.
    pub outcome: OwnOutcome,
}

/// A model of a ticker's own, or what speaks for it instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OwnOutcome {
    /// It has one.
    Model(Box<OwnModel>),
    /// It has none.
    Without {
        /// Why.
        reason: String,
        /// Of its fallback scores; without any the fallback flags nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback: Option<Box<Calibrated>>,
    },
}

/// A model of a ticker's own, but for its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnModel {
    /// Of its training rows.
    pub scaler: Scaler,
    /// What it judges by.
    pub judge: OwnJudge,
    /// What errors are turned into.
    #[serde(default, skip_serializing_if = "Form::is_default")]
    pub form: Form,
    /// Of its calibration rows.
    pub thresholds: Thresholds,
}

/// What a model of a ticker's own judges by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OwnJudge {
    /// A network; its weights lie beside.
    Network(TrainingRecord),
    /// A baseline.
    Baseline(FittedBaseline),
}

/// One ticker of a pack in memory.
#[derive(Clone, Debug)]
pub struct Member {
    /// What `tickers.json` has of it.
    pub own: Own,
    /// Its weights, where it has a network, in the order of their names.
    pub weights: Option<Vec<NamedTensor>>,
}

/// A pack in memory.
#[derive(Clone)]
pub struct Pack {
    /// What all of them share, and the identity.
    pub head: Model,
    /// By ticker.
    pub members: BTreeMap<String, Member>,
}

impl Member {
    fn has_model(&self) -> bool {
        matches!(self.own.outcome, OwnOutcome::Model(_))
    }
}

impl Pack {
    /// Packs `members`; `common` is what `model.json` says of all, with a judge whose sums and counts are set here.
    ///
    /// # Errors
    /// A bug: weights of different shapes, or something that cannot be written.
    pub fn new(
        mut common: Artifact,
        members: BTreeMap<String, Member>,
        engine: Engine,
    ) -> Result<Self, Error> {
        let StoredJudge::PerTicker(packed) = &mut common.judge else {
            return Err(Error::bug("a pack whose models are not of single tickers"));
        };
        packed.n_own = members.values().filter(|member| member.has_model()).count();
        packed.without = members
            .iter()
            .filter_map(|(ticker, member)| match &member.own.outcome {
                OwnOutcome::Without { reason, .. } => Some((ticker.clone(), reason.clone())),
                OwnOutcome::Model(_) => None,
            })
            .collect();
        packed.tickers_sha256 = sha256(&tickers_json(&members)?);
        packed.weights_sha256 = weights_bytes(&members)?.map(|bytes| sha256(&bytes));
        Ok(Self { head: Model::new(common, None, engine)?, members })
    }

    /// Writes weights and tickers first, then `model.json`, then the pointer.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn store(&self, root: &OutputRoot, staging: &Path) -> Result<(), Error> {
        failpoint::pass(Failpoint::ModelTrained)?;
        let folder = format!("models/{}", self.head.model_id);
        if let Some(bytes) = weights_bytes(&self.members)? {
            root.put(staging, &format!("{folder}/weights.safetensors"), &bytes).await?;
        }
        let tickers = tickers_json(&self.members)?;
        root.put(staging, &format!("{folder}/tickers.json"), &tickers).await?;
        failpoint::pass(Failpoint::WeightsStored)?;
        let artifact = &self.head.artifact;
        root.put(staging, &format!("{folder}/model.json"), &to_json(artifact)?).await?;
        failpoint::pass(Failpoint::ModelStored)?;
        let packed = packed(artifact)?;
        let keys =
            |Member { own, .. }: &Member| [own.training_key.clone(), own.judging_key.clone()];
        let pointer = PackPointer {
            model_id: self.head.model_id.clone(),
            parts: packed.parts,
            tickers: self.members.iter().map(|(name, own)| (name.clone(), keys(own))).collect(),
        };
        let json = serde_json::to_vec(&pointer)
            .map_err(|error| Error::bug(format!("a pointer cannot be written: {error}")))?;
        let path = pointer_path(&artifact.pipeline, &artifact.name, packed.part);
        root.put(staging, &path, &json).await?;
        failpoint::pass(Failpoint::ModelUsed)
    }

    /// Reads a stored pack whole and checks every checksum.
    ///
    /// # Errors
    /// [`Kind::Model`](oddlot_engine::Kind::Model): it is gone, damaged or of another version.
    pub async fn load(root: &OutputRoot, model_id: &str, engine: Engine) -> Result<Self, Error> {
        Self::of(root, Model::load(root, model_id, engine).await?).await
    }

    /// The same of a head that is read already.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn of(root: &OutputRoot, head: Model) -> Result<Self, Error> {
        let folder = format!("models/{}", head.model_id);
        let place = format!("{}/{folder}", root.name());
        let packed = packed(&head.artifact)?;
        let object = async |name: &str, expected: &str| {
            let bytes = root.get(&format!("{folder}/{name}")).await?;
            let bytes = bytes.ok_or_else(|| damaged(&place, &format!("{name} is gone")))?;
            match sha256(&bytes) == *expected {
                true => Ok(bytes),
                false => Err(damaged(&place, &format!("{name} has another checksum"))),
            }
        };
        let json = object("tickers.json", &packed.tickers_sha256).await?;
        let tickers: BTreeMap<String, Own> =
            serde_json::from_slice(&json).map_err(|error| damaged(&place, &error.to_string()))?;
        let mut weights = match &packed.weights_sha256 {
            None => Vec::new(),
            Some(expected) => {
                let bytes = object("weights.safetensors", expected).await?;
                let stacked = checkpoint::from_safetensors(&bytes)
                    .map_err(|error| damaged(&place, &error.to_string()))?;
                unstacked(&stacked).map_err(|error| damaged(&place, &error))?
            }
        }
        .into_iter();
        let mut members = BTreeMap::new();
        for (ticker, own) in tickers {
            let weights = match has_weights(&own) {
                false => None,
                true => {
                    let own = weights.next();
                    Some(own.ok_or_else(|| damaged(&place, "weights of fewer tickers"))?)
                }
            };
            members.insert(ticker, Member { own, weights });
        }
        match weights.next() {
            None => Ok(Self { head, members }),
            Some(_) => Err(damaged(&place, "weights of more tickers")),
        }
    }

    /// The network of `ticker`, where it has one, as a model that stands by itself.
    ///
    /// # Errors
    /// Weights that do not fit the layers.
    pub fn alone(&self, ticker: &str) -> Result<Option<Model>, Error> {
        let Some(Member { own, weights: Some(weights) }) = self.members.get(ticker) else {
            return Ok(None);
        };
        let (OwnOutcome::Model(model), PackedKind::Network { spec, engine, .. }) =
            (&own.outcome, &packed(&self.head.artifact)?.kind)
        else {
            return Ok(None);
        };
        let OwnJudge::Network(training) = &model.judge else { return Ok(None) };
        let network = self.network(spec, weights)?;
        let bytes = super::weights_bytes(network.as_ref())?;
        let judge = StoredJudge::Network {
            spec: spec.clone(),
            engine: engine.clone(),
            weights_sha256: sha256(&bytes),
            training: *training,
            imported: None,
        };
        let artifact = Artifact {
            judge,
            scalers: Scalers::pooled(model.scaler.clone()),
            form: model.form.clone(),
            thresholds: Some(model.thresholds.clone()),
            ..self.head.artifact.clone()
        };
        Ok(Some(Model { artifact, network: Some(network), ..self.head.clone() }))
    }

    /// The scaler of each ticker that has a model.
    pub fn scalers(&self) -> BTreeMap<String, Scaler> {
        let scaler = |(ticker, member): (&String, &Member)| match &member.own.outcome {
            OwnOutcome::Model(own) => Some((ticker.clone(), own.scaler.clone())),
            OwnOutcome::Without { .. } => None,
        };
        self.members.iter().filter_map(scaler).collect()
    }

    /// A network from its weights.
    ///
    /// # Errors
    /// They do not fit the layers.
    fn network(&self, spec: &ModelSpec, weights: &[NamedTensor]) -> Result<Arc<dyn Fitted>, Error> {
        let place = format!("models/{}", self.head.model_id);
        let network = self.head.engine.load(spec.clone(), weights);
        network.map(Arc::from).map_err(|error| damaged(&place, &error.to_string()))
    }
}

/// What a head says of its pack.
///
/// # Errors
/// A bug: it is the head of none.
pub fn packed(artifact: &Artifact) -> Result<&Packed, Error> {
    match &artifact.judge {
        StoredJudge::PerTicker(packed) => Ok(packed),
        _ => Err(Error::bug(format!("`{}` is no pack", artifact.name))),
    }
}

fn has_weights(own: &Own) -> bool {
    match &own.outcome {
        OwnOutcome::Model(model) => matches!(model.judge, OwnJudge::Network(_)),
        OwnOutcome::Without { .. } => false,
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn tickers_json(members: &BTreeMap<String, Member>) -> Result<Vec<u8>, Error> {
    let tickers: BTreeMap<&String, &Own> =
        members.iter().map(|(ticker, member)| (ticker, &member.own)).collect();
    serde_json::to_vec(&tickers)
        .map_err(|error| Error::bug(format!("tickers cannot be written: {error}")))
}

/// All weights, one axis more in front of each array; `None` where nobody has any.
fn weights_bytes(members: &BTreeMap<String, Member>) -> Result<Option<Vec<u8>>, Error> {
    let all: Vec<&Vec<NamedTensor>> =
        members.values().filter_map(|member| member.weights.as_ref()).collect();
    if all.is_empty() {
        return Ok(None);
    }
    let bug = |what: &str| Error::bug(format!("weights cannot be packed: {what}"));
    let stacked = stacked(&all).map_err(bug)?;
    let bytes = checkpoint::to_safetensors(&stacked).map_err(|error| bug(&error.to_string()))?;
    Ok(Some(bytes))
}
