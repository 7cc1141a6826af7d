//! What a run uses under a name: one model for all tickers, or packs of each ticker's own.

use std::collections::BTreeSet;
use std::time::Duration;

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::Engine;

use crate::artifact::{Model, PackPointer, Pointer};
use crate::plan::Plan;

/// A model and whether this run made it.
pub struct Ready {
    /// The model; of packs the first one's head, which says what all share.
    pub model: Model,
    /// The heads of the packs, rising by part; none of a model for all tickers.
    pub packs: Vec<Model>,
    /// Tickers that came after the packs were made, where none may be made.
    pub newcomers: BTreeSet<String>,
    /// Whether it is new, or one of its packs.
    pub is_new: bool,
    /// Why it is kept, where what it learnt from has changed.
    pub kept: Option<&'static str>,
    /// Rows that it was made of just now.
    pub n_learnt: usize,
    /// How long that took, beside others.
    pub spent: Duration,
}

impl Ready {
    /// One model for all tickers.
    pub fn one(model: Model, is_new: bool) -> Self {
        let (packs, newcomers) = Default::default();
        let (kept, n_learnt, spent) = Default::default();
        Self { model, packs, newcomers, is_new, kept, n_learnt, spent }
    }

    /// Packs of each ticker's own.
    ///
    /// # Errors
    /// A bug: there is no pack.
    pub fn packed(packs: Vec<Model>, is_new: bool) -> Result<Self, Error> {
        let first = packs.first().ok_or_else(|| Error::bug("a model without a pack"))?.clone();
        Ok(Self { packs, ..Self::one(first, is_new) })
    }

    /// Whether each ticker has its own.
    pub fn is_packed(&self) -> bool {
        !self.packs.is_empty()
    }

    /// The model, or all heads.
    pub fn all(&self) -> &[Model] {
        if self.is_packed() { &self.packs } else { std::slice::from_ref(&self.model) }
    }

    /// The ids of them all.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().iter().map(|model| model.model_id.as_str())
    }

    /// What judges the tickers of `part`: the model, or that part's head; `None` where it has no ticker.
    pub fn of_part(&self, part: u32) -> Option<&Model> {
        self.all().iter().find(|model| model.part().is_none_or(|own| own == part))
    }

    /// Why `ticker` has no model of its own, if it ought to have one.
    pub fn lack_of(&self, ticker: &str, part: u32) -> Option<&str> {
        if self.newcomers.contains(ticker) {
            return Some("it came after the models were trained");
        }
        let packed = self.of_part(part).filter(|_| self.is_packed())?.artifact.packed()?;
        packed.without.get(ticker).map(String::as_str)
    }

    /// Tickers that have a model of their own.
    pub fn n_own(&self) -> usize {
        self.packs.iter().filter_map(|head| head.artifact.packed()).map(|pack| pack.n_own).sum()
    }
}

/// Which of `models` speaks for all, in whose units errors are told: the first network, else the first.
pub fn reference_idx(models: &[Ready]) -> usize {
    models.iter().position(|ready| ready.model.steps().is_some()).unwrap_or(0)
}

/// The models that a pipeline uses now, in the order of its file.
///
/// # Errors
/// One is gone or damaged.
pub async fn stored(plan: &Plan, root: &OutputRoot, engine: Engine) -> Result<Vec<Ready>, Error> {
    let mut ready = Vec::new();
    let pipeline = plan.pipeline.as_str();
    for model in &plan.models {
        let name = model.name.as_str();
        if model.scope.is_pooled() {
            if let Some(pointer) = Pointer::load(root, pipeline, name).await? {
                ready.push(Ready::one(Model::load(root, &pointer.model_id, engine).await?, false));
            }
            continue;
        }
        let mut heads = Vec::new();
        for pointer in PackPointer::all(root, pipeline, name).await?.values() {
            heads.push(Model::load(root, &pointer.model_id, engine).await?);
        }
        if !heads.is_empty() {
            ready.push(Ready::packed(heads, false)?);
        }
    }
    Ok(ready)
}
