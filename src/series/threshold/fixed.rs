//! A fixed threshold: a number of the user's, whatever the scores.

use serde::{Deserialize, Serialize};

use crate::range::OutOfRange;

/// `[threshold.fixed]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// Scores above it are flagged.
    pub value: Level,
}

/// A score that can be a threshold.
///
/// Invariant: finite and above 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Level(f64);

impl Level {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Level {
    type Error = OutOfRange;

    fn try_from(level: f64) -> Result<Self, OutOfRange> {
        if level > 0.0 && level < f64::INFINITY {
            Ok(Self(level))
        } else {
            Err(OutOfRange { what: "threshold", expected: "0 < value < inf", found: level })
        }
    }
}

impl From<Level> for f64 {
    fn from(level: Level) -> f64 {
        level.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::threshold::Threshold;

    fn flags(value: f64, scores: &[f64]) -> usize {
        let threshold = Threshold::Fixed(Fixed { value: Level::try_from(value).unwrap() });
        let level = threshold.calibrate(scores).unwrap();
        scores.iter().filter(|&&score| score > level).count()
    }

    #[test]
    fn a_score_at_the_threshold_is_no_anomaly() {
        assert_eq!(flags(0.65, &[0.64, 0.65, 0.66]), 1);
    }

    #[test]
    fn flags_agree_with_numpy() {
        // python3 -c "import numpy as np; print((np.sin(np.arange(200.)**2) > .65).sum())"
        let scores: Vec<f64> = (0..200).map(|k| f64::from(k * k).sin()).collect();
        assert_eq!(flags(0.65, &scores), 57);
    }

    #[test]
    fn degenerate_scores_leave_it_alone() {
        for scores in [&[][..], &[0.1], &[0.1; 9], &[f64::NAN]] {
            assert_eq!(flags(0.65, scores), 0);
        }
        for outside in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Level::try_from(outside).is_err(), "{outside}");
        }
    }

    proptest! {
        #[test]
        fn raising_it_never_adds_a_flag(
            scores in prop::collection::vec(0.0_f64..9.0, 0..40),
            value in 0.1_f64..9.0,
            rise in 0.0_f64..9.0,
        ) {
            prop_assert!(flags(value + rise, &scores) <= flags(value, &scores));
        }
    }
}
