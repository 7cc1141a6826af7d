//! Thresholds: the level above which a score is an anomaly, from calibration scores.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. A score is flagged if it is
//! greater than the level. Scores that are not finite do not count. Only `dynamic` looks at their order,
//! which is that of time, ticker after ticker.
//!
//! `quantile`, `peaks`, `conformal` and `budget` state how often a calm day is flagged; the others state
//! no rate, and whoever tells their level says so.

mod budget;
mod conformal;
mod dynamic;
mod fixed;
mod k_sigma;
mod mad;
mod peaks;
mod quantile;
pub mod rate;
pub mod tail;

pub use budget::{Alerts, ByBudget};
pub use conformal::ByConformal;
pub use dynamic::{ByDynamic, prune};
pub use fixed::{Fixed, Level};
pub use k_sigma::ByKSigma;
pub use mad::ByMad;
pub use peaks::ByPeaks;
pub use quantile::ByQuantile;
pub use rate::{Rate, Stated};

use serde::{Deserialize, Serialize};

use crate::statistics::sort;
use tail::Tail;

/// Which threshold: `[threshold.quantile]`, `[threshold.fixed]` …
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// A number of the user's.
    Fixed(Fixed),
    /// A quantile of the calibration scores.
    Quantile(ByQuantile),
    /// So many standard deviations above the mean.
    KSigma(ByKSigma),
    /// So many median deviations above the median.
    Mad(ByMad),
    /// The level that a generalised Pareto tail exceeds at a stated rate.
    Peaks(ByPeaks),
    /// Split conformal p-values.
    Conformal(ByConformal),
    /// The level whose excesses disturb mean and deviation most (Hundman 2018).
    Dynamic(ByDynamic),
    /// At most so many alerts.
    Budget(ByBudget),
}

impl Default for Threshold {
    fn default() -> Self {
        Self::Quantile(ByQuantile::default())
    }
}

/// There is no level.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Uncalibrated {
    /// Nothing to go by.
    #[error("no score to calibrate on")]
    NoScores,
    /// No p-value of so few scores can be so small: see [`ByConformal`].
    #[error(
        "{n} calibration scores give no p-value below 1/{}, and alpha is {alpha}: {} are needed",
        n + 1,
        conformal::needed(*alpha)
    )]
    TooFewScores {
        /// Finite scores there are.
        n: usize,
        /// What was asked for.
        alpha: f64,
    },
}

/// A level and what it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Scores above it are flagged.
    pub level: f64,
    /// The tail of the scores, where the threshold looks at one.
    pub tail: Option<Tail>,
}

impl Threshold {
    /// The level for scores like `scores`.
    ///
    /// # Errors
    /// A threshold that depends on scores and is given none, or too few.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        self.fit(scores).map(|fit| fit.level)
    }

    /// The level for scores like `scores`, and what it came from.
    ///
    /// # Errors
    /// As [`Threshold::calibrate`].
    pub fn fit(&self, scores: &[f64]) -> Result<Found, Uncalibrated> {
        let level = match self {
            Self::Fixed(fixed) => Ok(fixed.value.get()),
            Self::Quantile(quantile) => quantile.calibrate(scores),
            Self::KSigma(k_sigma) => k_sigma.calibrate(scores),
            Self::Mad(mad) => mad.calibrate(scores),
            Self::Peaks(peaks) => {
                let (level, tail) = peaks.calibrate(scores)?;
                return Ok(Found { level, tail: Some(tail) });
            }
            Self::Conformal(conformal) => conformal.calibrate(scores),
            Self::Dynamic(dynamic) => dynamic.calibrate(scores),
            Self::Budget(budget) => budget.calibrate(scores),
        };
        level.map(|level| Found { level, tail: None })
    }

    /// How often a score like those it was calibrated on is flagged; `None` where nothing is promised.
    pub fn stated_rate(&self) -> Option<Stated> {
        match self {
            Self::Quantile(quantile) => Some(Stated::About(1.0 - quantile.q.get())),
            Self::Peaks(peaks) => Some(Stated::About(peaks.rate().get())),
            Self::Conformal(conformal) => Some(Stated::AtMost(conformal.alpha.get())),
            Self::Budget(budget) => Some(Stated::AtMost(budget.alerts.rate())),
            Self::Fixed(_) | Self::KSigma(_) | Self::Mad(_) | Self::Dynamic(_) => None,
        }
    }

    /// Its name in a pipeline file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "fixed",
            Self::Quantile(_) => "quantile",
            Self::KSigma(_) => "k_sigma",
            Self::Mad(_) => "mad",
            Self::Peaks(_) => "peaks",
            Self::Conformal(_) => "conformal",
            Self::Dynamic(_) => "dynamic",
            Self::Budget(_) => "budget",
        }
    }

    /// Kind, parameters and what they were applied to, of `n` calibration scores, in words: no level.
    pub fn words(&self, n: usize, tail: Option<&Tail>) -> String {
        let of = format!("of {n} calibration scores");
        match self {
            Self::Fixed(fixed) => format!("fixed at {}", fixed.value.get()),
            Self::Quantile(quantile) => format!("quantile {} {of}", quantile.q.get()),
            Self::KSigma(by) => format!("mean + {} standard deviations {of}", by.k.get()),
            Self::Mad(by) => format!("median + {} × 1.4826 × MAD {of}", by.k.get()),
            Self::Peaks(by) => by.words(n, tail),
            Self::Conformal(by) => {
                format!(
                    "conformal p-value of at most {} among {n} calibration scores",
                    by.alpha.get()
                )
            }
            Self::Dynamic(by) => by.words(n),
            Self::Budget(by) => {
                let alerts = by.alerts.get();
                format!("at most {alerts} alerts per 1,000 ticker-days, {of}")
            }
        }
    }
}

/// The finite ones among `scores`, ascending.
///
/// # Errors
/// There is none.
fn ascending(scores: &[f64]) -> Result<Vec<f64>, Uncalibrated> {
    let mut finite: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
    sort(&mut finite);
    if finite.is_empty() { Err(Uncalibrated::NoScores) } else { Ok(finite) }
}

/// The level that exactly `n_above` of the ascending `scores` exceed, or fewer where scores tie: the one
/// just below them.
fn level_below(ascending: &[f64], n_above: usize) -> f64 {
    let last = ascending.len() - 1;
    ascending[last - n_above.min(last)]
}

#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod tests;
