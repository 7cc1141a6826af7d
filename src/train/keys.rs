//! What the keys of models are made of, up to the rows: these make the keys of one model for all tickers, or of
//! each ticker's own.

use oddlot_engine::Error;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::SCORING_VERSION;
use oddlot_nets::Engine;
use oddlot_series::Spans;
use sha2::{Digest, Sha256};

use super::Keys;
use crate::plan::{DetectorPlan, ModelPlan, Plan, hex};
use crate::prices::{is_own, sql_of};

/// Hashes that have yet to see the rows.
#[derive(Clone)]
pub struct KeyBase {
    training: Sha256,
    judging: Sha256,
    /// Whether a ticker's features may depend on rows of other tickers.
    is_across: bool,
}

impl KeyBase {
    /// Of `model` in `plan`, split at `spans` and computed by `engine`: by its name only, so that another
    /// processor makes nothing stale.
    pub fn of(plan: &Plan, model: &ModelPlan, spans: Spans, engine: Engine) -> Result<Self, Error> {
        let sql = sql_of(plan)?;
        // The plan may give fractions, of which other rows make other dates.
        let Spans { train_to, validation_to, calibration_to } = spans;
        let engine = match model.detector {
            DetectorPlan::Network(_) | DetectorPlan::Archive(_) => engine.name(),
            DetectorPlan::Baseline(_) => "none",
        };
        let versions = format!(
            "scoring {SCORING_VERSION} engine {engine} spans {train_to} {validation_to} {calibration_to}"
        );
        let shared = [sql.features.text.as_str(), sql.windows.text.as_str(), versions.as_str()];
        let key = |own: &str| {
            let mut hasher = Sha256::new();
            for part in shared.into_iter().chain([own]) {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher
        };
        Ok(Self {
            training: key(&plan.training_json(model)),
            judging: key(&plan.judging_json(model)),
            // The embedded queries do not look at other tickers; of a user's own nothing is known.
            is_across: is_own(&plan.features) || is_own(&plan.windows.sql),
        })
    }

    /// Of one model over the rows that the hash `learnt_from` is of.
    pub fn over(&self, learnt_from: &[u8]) -> Keys {
        let key = |base: &Sha256| hex(&base.clone().chain_update(learnt_from).finalize());
        Keys { training: key(&self.training), judging: key(&self.judging) }
    }

    /// Of the own model of `ticker`: over its rows, and over all rows where its features may depend on them.
    pub fn of_ticker(&self, digest: &InputDigest, ticker: &str) -> Keys {
        let own = digest.learnt_by(ticker);
        match self.is_across {
            false => self.over(&own),
            true => self.over(&[own, digest.learnt_from].concat()),
        }
    }

    /// Of the settings alone.
    pub fn of_settings(&self) -> Keys {
        self.over(&[])
    }
}
