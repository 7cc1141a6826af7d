//! Scores and flags against labels: how well anomalies that are known were found.
//!
//! One metric a file. A metric that needs an anomaly is undefined where there is none, never 0. A row without a
//! score counts as the lowest of all. Nothing is chosen on labels but by the oracle, which says so.
//!
//! Point adjustment is not here, and [`PointAdjustment`] says why.

mod affiliation;
mod auc_pr;
mod auc_roc;
pub mod figures;
#[cfg(test)]
mod golden;
mod hits;
mod length_rank;
mod nab;
mod null_rows;
mod point_f1;
mod range_f1;
mod ranges;
mod ranking;
mod vus;

pub use affiliation::{Affiliation, affiliation};
pub use auc_pr::auc_pr;
pub use auc_roc::auc_roc;
pub use hits::Hits;
pub use length_rank::{LENGTH_WITHOUT_PERIOD, length_rank};
pub use nab::{Nab, NabProfile, nab};
pub use null_rows::{highest_flagged, one_liner};
pub use point_f1::{PointF1, flagged_from, oracle_threshold, point_f1};
pub use range_f1::{Bias, RangeF1, RangeRule, range_f1};
pub use ranges::ranges;
pub use vus::{Vus, vus};

/// Somebody asked for figures after point adjustment.
///
/// Source: Kim et al., AAAI 2022, "Towards a Rigorous Evaluation of Time-Series Anomaly Detection".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "point adjustment counts a whole event as found once one of its rows is flagged, so that random scores reach \
     F1 of .90 and more"
)]
pub struct PointAdjustment;
