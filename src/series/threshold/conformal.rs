//! Split conformal p-values: a score is flagged where its p-value among the calibration scores,
//! (1 + those at or above it) / (n + 1), is at most α.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. Scores that are not finite do not count.
//! If a calm day's score and the calibration scores are exchangeable, it is flagged with probability α at
//! most, whatever their distribution and however few they are. Days that follow each other are not quite
//! exchangeable: see the realised rate.
//! Source: Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World"; Laxhammar 2014 for
//! anomalies. The p-value is that of the tables ([`crate::distribution::Rank::p_value`]).

use serde::{Deserialize, Serialize};

use super::{Rate, Uncalibrated, ascending, level_below};
use crate::statistics::to_real;

/// `[threshold.conformal]`: `alpha` .005.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByConformal {
    /// The largest p-value that is flagged.
    pub alpha: Rate,
}

impl ByConformal {
    /// The score that a p-value above α begins with: scores above it have p ≤ α, and no others.
    ///
    /// # Errors
    /// No finite score, or so few that no p-value can be as small as α.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        let sorted = ascending(scores)?;
        let (n, alpha) = (sorted.len(), self.alpha.get());
        let is_flagged =
            |n_at_or_above: usize| to_real(1 + n_at_or_above) / to_real(n + 1) <= alpha;
        if !is_flagged(0) {
            return Err(Uncalibrated::TooFewScores { n, alpha });
        }
        // α (n + 1) rounds either way, so the guess is set right by the test that the tables make.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounds down")]
        let guess = (alpha * to_real(n + 1)) as usize;
        let mut most = guess.saturating_sub(2);
        while most + 1 < n && is_flagged(most + 1) {
            most += 1;
        }
        Ok(level_below(&sorted, most))
    }
}

/// So many scores have a p-value of `alpha`.
pub(super) fn needed(alpha: f64) -> f64 {
    (1.0 / alpha).ceil() - 1.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distribution::Distribution;

    fn level(alpha: f64, scores: &[f64]) -> Result<f64, Uncalibrated> {
        ByConformal { alpha: Rate::try_from(alpha).unwrap() }.calibrate(scores)
    }

    #[test]
    fn of_nine_scores_the_two_largest_p_values_of_one_fifth_are_flagged() {
        // 1 … 9: above 8 one score is as large or none: p = (1 + 1)/10 or 1/10, at most .2. At 8: 3/10.
        let scores: Vec<f64> = (1..10).map(f64::from).collect();
        assert_eq!(level(0.2, &scores), Ok(8.0));
        assert_eq!(level(0.1, &scores), Ok(9.0));
        assert_eq!(level(0.95, &scores), Ok(1.0));
    }

    #[test]
    fn the_level_agrees_with_a_numpy_search_over_all_scores() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(400.)**2)**2; p=[(1+(x>=s).sum())/401 for s in x]; print([repr(max(s for s,q in zip(x,p) if q>a)) for a in (.005,.01,.29)])"
        let scores: Vec<f64> = (0..400).map(|k| f64::from(k * k).sin().powi(2)).collect();
        for (alpha, golden) in [0.005, 0.01, 0.29].into_iter().zip(GOLDEN) {
            assert!((level(alpha, &scores).unwrap() - golden).abs() < 1e-15, "{alpha}");
        }
    }
    const GOLDEN: [f64; 3] = [0.9999888409962684, 0.9999817245661123, 0.814465937379392];

    #[test]
    fn an_alpha_that_no_p_value_reaches_is_refused_with_the_number_that_is_needed() {
        let refused = level(0.005, &[1.0; 100]).unwrap_err();
        assert_eq!(refused, Uncalibrated::TooFewScores { n: 100, alpha: 0.005 });
        assert_eq!(
            refused.to_string(),
            "100 calibration scores give no p-value below 1/101, and alpha is 0.005: 199 are needed"
        );
        // 199 are just enough: 1/200 = .005.
        assert!(level(0.005, &[1.0; 199]).is_ok());
        assert!(level(0.005, &[1.0; 198]).is_err());
    }

    #[test]
    fn degenerate_scores() {
        assert_eq!(level(0.5, &[]), Err(Uncalibrated::NoScores));
        assert_eq!(level(0.5, &[f64::NAN]), Err(Uncalibrated::NoScores));
        assert_eq!(level(0.5, &[3.0]), Ok(3.0));
        assert_eq!(level(0.01, &[3.0; 400]), Ok(3.0));
        assert_eq!(level(0.5, &[1.0, f64::INFINITY, f64::NAN, 3.0]), Ok(3.0));
    }

    proptest! {
        #[test]
        fn what_lies_above_the_level_is_what_has_a_small_p_value(
            scores in prop::collection::vec(0_u8..30, 3..120),
            alpha in 0.25_f64..0.99,
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let (level, calibration) = (level(alpha, &scores).unwrap(), Distribution::new(&scores));
            for tenth in -5..320 {
                let score = f64::from(tenth) / 10.0;
                let p_value = calibration.p_value(score).unwrap();
                prop_assert_eq!(score > level, p_value <= alpha, "{} {}", score, p_value);
            }
        }

        /// Each of n + 1 exchangeable scores is as likely to be the new one: leave each out in turn.
        #[test]
        fn of_exchangeable_scores_no_more_than_alpha_are_flagged(
            scores in prop::collection::vec(0_u8..60, 20..80),
            alpha in 0.06_f64..0.99,
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let is_flagged = |new: usize| {
                let mut others = scores.clone();
                let score = others.remove(new);
                score > level(alpha, &others).unwrap()
            };
            let n_flagged = (0..scores.len()).filter(|&new| is_flagged(new)).count();
            prop_assert!(to_real(n_flagged) <= alpha * to_real(scores.len()));
        }
    }
}
