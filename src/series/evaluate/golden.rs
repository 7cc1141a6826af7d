//! The cases of `tests/golden/evaluate/metrics.json`, which `metrics.py` beside it writes.

use serde::Deserialize;

use super::ranges::rows_of;

/// Labels, scores and flags, and what other libraries make of them.
#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) n: usize,
    events: Vec<(usize, usize)>,
    pub(super) window: usize,
    pub(super) scores: Vec<f64>,
    flags: Vec<(usize, usize)>,
    pub(super) vus_roc: f64,
    pub(super) vus_pr: f64,
    pub(super) auc_roc: f64,
    pub(super) auc_pr: f64,
    pub(super) range_recall: f64,
    pub(super) range_precision: f64,
    pub(super) range_f1: f64,
    pub(super) affiliation_precision: Option<f64>,
    pub(super) affiliation_recall: Option<f64>,
    /// Flat, front, middle, back.
    pub(super) biased_recall: Option<[f64; 4]>,
    pub(super) biased_precision: Option<[f64; 4]>,
}

impl Case {
    pub(super) fn labels(&self) -> Vec<bool> {
        rows_of(self.n, &self.events)
    }

    pub(super) fn flags(&self) -> Vec<bool> {
        rows_of(self.n, &self.flags)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let text = include_str!("../../../tests/golden/evaluate/metrics.json");
    serde_json::from_str(text).unwrap()
}
