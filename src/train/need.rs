//! What becomes of a model, and why: its keys of today beside those that are stored.

use oddlot_engine::Error;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::Engine;
use oddlot_series::Split;

use super::keys::KeyBase;
use super::{Keys, OwnNeeds, Policy};
use crate::artifact::{Artifact, Pointer};
use crate::plan::{ModelPlan, Plan, unhex};
use crate::settings::retrain::Retrain;

/// What becomes of a model and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The stored one fits.
    Load,
    /// The rows that it learnt from are others by now, and it is kept all the same.
    Keep(Change),
    /// Its weights fit, its threshold does not.
    Calibrate,
    /// Its weights were imported and something has changed: they are kept, all else is fitted anew.
    Adjust,
    /// There is none.
    First,
    /// What it depends on has changed.
    Changed(Change),
    /// The user asked for it.
    Asked,
}

/// What a stored model and one of today would not have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The rows that it learnt from or was calibrated on.
    Rows,
    /// The split has moved, and so there are other such rows.
    Split,
    /// Settings, SQL or the version of oddlot.
    Settings,
}

impl Need {
    /// Whether the stored model is used as it is.
    pub fn is_stored(self) -> bool {
        matches!(self, Self::Load | Self::Keep(_))
    }

    /// Why it is kept, where what it learnt from has changed.
    pub fn kept(self) -> Option<&'static str> {
        matches!(self, Self::Keep(_)).then(|| self.why())
    }

    /// For people.
    pub fn why(self) -> &'static str {
        match self {
            Self::Load => "trained already",
            Self::Keep(Change::Split) => "kept, though the split has moved on: retrain = \"never\"",
            Self::Keep(_) => "kept, though its training rows have changed: retrain = \"never\"",
            Self::Calibrate => "calibrate: only the threshold has changed",
            Self::Adjust => {
                "calibrate: the weights are imported, settings or training rows have changed"
            }
            Self::First => "train: no model yet",
            Self::Changed(Change::Rows) => "train: its training rows have changed",
            Self::Changed(Change::Split) => "train: the split has moved on with the data",
            Self::Changed(Change::Settings) => "train: its settings, SQL or version have changed",
            Self::Asked => "train: full refresh",
        }
    }
}

/// A model of the plan beside what is stored of it.
pub struct Looked {
    /// Of today.
    pub keys: Keys,
    /// What the pipeline uses now.
    pub stored: Option<Pointer>,
    /// What is to be done.
    pub need: Need,
}

/// What becomes of a model, of one for all tickers or of each ticker's own.
pub struct Outlook {
    /// Its name.
    pub name: String,
    /// Whether nothing is to be made.
    pub is_stored: bool,
    /// In words.
    pub why: String,
    /// Rows to learn from and to calibrate on.
    pub n_learnt: usize,
    /// What the pipeline uses now, where it is one for all.
    pub stored: Option<Pointer>,
    /// Ticker by ticker, where each has its own.
    pub own: Option<OwnNeeds>,
}

/// Where and of what to look.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// What will be done.
    pub plan: &'a Plan,
    /// Of the rows of today.
    pub digest: &'a InputDigest,
    /// Of today.
    pub split: &'a Split,
    /// What computes networks.
    pub engine: Engine,
    /// What may be done.
    pub policy: Policy,
}

impl Look<'_> {
    /// What is to be done about `model`; `root` is `None` where nothing was ever written.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn at(&self, model: &ModelPlan, root: Option<&OutputRoot>) -> Result<Looked, Error> {
        let Self { plan, digest, split, engine, policy } = *self;
        let keys = Keys::of(plan, model, digest, split, engine)?;
        let Some(root) = root else {
            let need = keys.need(None, policy, Change::Settings);
            return Ok(Looked { keys, stored: None, need });
        };
        let stored = Pointer::load(root, plan.pipeline.as_str(), model.name.as_str()).await?;
        let mut need = keys.need(stored.as_ref(), policy, Change::Settings);
        if let (Need::Changed(_) | Need::Adjust, Some(pointer)) = (need, &stored) {
            // What cannot be read any more is made anew, whatever has changed.
            if let Ok(artifact) = Artifact::load(root, &pointer.model_id).await {
                need = self.refined(model, pointer, &artifact, need)?;
            }
        }
        Ok(Looked { keys, stored, need })
    }

    /// What becomes of `model`, and of which rows.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn outlook(
        &self,
        model: &ModelPlan,
        root: Option<&OutputRoot>,
    ) -> Result<Outlook, Error> {
        let name = model.name.as_str().to_owned();
        let last_day = self.split.spans().calibration_to;
        if !model.scope.is_pooled() {
            let needs = OwnNeeds::of(self, model, root).await?;
            return Ok(Outlook {
                name,
                is_stored: needs.is_fresh(),
                why: needs.why(),
                n_learnt: needs.n_learnt(self.digest, last_day),
                stored: None,
                own: Some(needs),
            });
        }
        let Looked { stored, need, .. } = self.at(model, root).await?;
        Ok(Outlook {
            name,
            is_stored: need.is_stored(),
            why: need.why().to_owned(),
            n_learnt: if need.is_stored() { 0 } else { self.digest.n_rows_until(last_day) },
            stored,
            own: None,
        })
    }

    /// What becomes of those models in a pack that were not made of the rows of today.
    pub(super) fn refined_own(&self, model: &ModelPlan, pack: &Artifact) -> Result<Need, Error> {
        let then = KeyBase::of(self.plan, model, pack.spans, self.engine)?.of_settings();
        let change = self.change(pack);
        Ok(match (then.training == pack.training_key, model.retrain == Retrain::Never) {
            (true, true) if then.judging == pack.judging_key => Need::Keep(change),
            (true, true) => Need::Calibrate,
            (true, false) => Need::Changed(change),
            (false, _) => Need::Changed(Change::Settings),
        })
    }

    /// Of a model of the same settings.
    fn change(&self, stored: &Artifact) -> Change {
        match stored.spans == self.split.spans() {
            true => Change::Rows,
            false => Change::Split,
        }
    }

    /// Of a model that would be made anew: what has changed, and whether it is kept nevertheless.
    fn refined(
        &self,
        model: &ModelPlan,
        stored: &Pointer,
        artifact: &Artifact,
        need: Need,
    ) -> Result<Need, Error> {
        let Some(learnt_from) = unhex(&artifact.learnt_from) else { return Ok(need) };
        // If it were over the rows and spans of then, would it be the same?
        let then = KeyBase::of(self.plan, model, artifact.spans, self.engine)?.over(&learnt_from);
        let change = self.change(artifact);
        let is_kept = model.retrain == Retrain::Never;
        Ok(match then.training == stored.training_key {
            true if is_kept && then.judging == stored.judging_key => Need::Keep(change),
            true if is_kept && need != Need::Adjust => Need::Calibrate,
            true if need != Need::Adjust => Need::Changed(change),
            _ => need,
        })
    }
}
