//! Peaks over threshold: the level that calm scores exceed at a stated rate, by the tail of the calibration
//! scores rather than by their few largest.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. Scores that are not finite do not count.
//! Scores above an initial quantile t are given a generalised Pareto tail; the level is
//! t + σ/γ · ((rate · n / n_above)^−γ − 1). Where there is no tail to fit, the plain quantile is taken and
//! the words say so.
//! Source: Siffer, Fouque, Termier and Largouët, KDD 2017, "Anomaly Detection in Streams with Extreme Value
//! Theory", algorithm 1 (POT). We differ: the fit is stored with the model and no day moves it.

use serde::{Deserialize, Serialize};

use super::tail::Tail;
use super::{ByQuantile, Rate, Uncalibrated, ascending};
use crate::range::{OutOfRange, Quantile};

/// `[threshold.peaks]`: `rate` .005, `initial` .98.
///
/// Invariant: `rate + initial < 1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct ByPeaks {
    rate: Rate,
    initial: Quantile,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    rate: Rate,
    initial: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: Rate::default(), initial: ByPeaks::INITIAL }
    }
}

impl TryFrom<Settings> for ByPeaks {
    type Error = OutOfRange;

    fn try_from(settings: Settings) -> Result<Self, OutOfRange> {
        Self::new(settings.rate, Quantile::try_from(settings.initial)?)
    }
}

impl From<ByPeaks> for Settings {
    fn from(peaks: ByPeaks) -> Self {
        Self { rate: peaks.rate, initial: peaks.initial.get() }
    }
}

impl ByPeaks {
    /// Siffer's initial quantile.
    pub const INITIAL: f64 = 0.98;

    /// A rate and the quantile that its tail begins at.
    ///
    /// # Errors
    /// Unless `rate + initial < 1`: the level would lie below the tail.
    pub fn new(rate: Rate, initial: Quantile) -> Result<Self, OutOfRange> {
        if rate.get() + initial.get() < 1.0 {
            Ok(Self { rate, initial })
        } else {
            Err(OutOfRange { what: "rate", expected: "rate + initial < 1", found: rate.get() })
        }
    }

    /// The share of calm scores above the level.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The level and the tail it comes from.
    ///
    /// # Errors
    /// No finite score.
    pub fn calibrate(&self, scores: &[f64]) -> Result<(f64, Tail), Uncalibrated> {
        let ascending = ascending(scores)?;
        let tail = Tail::fit(&ascending, ByQuantile { q: self.initial }.of_ascending(&ascending));
        if let Some(level) = tail.level(ascending.len(), self.rate.get()) {
            return Ok((level, tail));
        }
        // So many scores tie at the initial quantile that fewer than the stated rate lie above it, or there
        // are too few of them.
        let n_above = match tail {
            Tail::Pareto { n_above, .. } | Tail::TooFew { n_above } => n_above,
        };
        let q = Quantile::try_from(1.0 - self.rate.get()).unwrap_or(self.initial);
        Ok((ByQuantile { q }.of_ascending(&ascending), Tail::TooFew { n_above }))
    }

    pub(super) fn words(&self, n: usize, tail: Option<&Tail>) -> String {
        let (initial, rate) = (self.initial.get(), self.rate.get());
        let unknown = Tail::TooFew { n_above: 0 };
        tail.unwrap_or(&unknown).words(initial, rate, n)
    }
}

#[cfg(test)]
mod tests;
