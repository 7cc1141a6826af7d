//! Thresholds: the level above which a score is an anomaly, from calibration scores.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. A score is flagged if it is
//! greater than the level. Scores that are not finite do not count.

mod fixed;
mod quantile;

pub use fixed::{Fixed, Level};
pub use quantile::ByQuantile;

use serde::{Deserialize, Serialize};

/// Which threshold: `[threshold.quantile]`, `[threshold.fixed]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// A number of the user's.
    Fixed(Fixed),
    /// A quantile of the calibration scores.
    Quantile(ByQuantile),
}

impl Default for Threshold {
    fn default() -> Self {
        Self::Quantile(ByQuantile::default())
    }
}

/// There is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no score to calibrate on")]
pub struct NoScores;

impl Threshold {
    /// The level for scores like `scores`.
    ///
    /// # Errors
    /// A threshold that depends on scores and is given none.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, NoScores> {
        match self {
            Self::Fixed(fixed) => Ok(fixed.value.get()),
            Self::Quantile(quantile) => quantile.calibrate(scores),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        threshold: Threshold,
    }

    fn read(text: &str) -> Result<Threshold, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| file.threshold)
    }

    #[test]
    fn a_threshold_is_read_from_a_table_named_after_it() {
        assert_eq!(read("[threshold.quantile]").unwrap(), Threshold::default());
        assert_eq!(read("[threshold.fixed]\nvalue = 0.65").unwrap().calibrate(&[]), Ok(0.65));
        for wrong in [
            "[threshold.fixed]",
            "[threshold.fixed]\nvalue = nan",
            "[threshold.fixed]\nvalue = 0.0",
            "[threshold.quantile]\nq = nan",
            "[threshold.quantile]\nq = 0.5\nr = 1",
            "[threshold.median]",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
