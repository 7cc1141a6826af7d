//! So many standard deviations above the mean of the calibration scores.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. Scores that are not finite do not count.
//! The deviation is the population's (divided by n), as NumPy has it. No rate is stated: how many scores
//! lie beyond k deviations depends on their distribution (Chebyshev allows 1/(1 + k²)), and one huge
//! calibration score lifts mean and deviation alike. `mad` does not have that weakness.

use serde::{Deserialize, Serialize};

use super::{Level, Uncalibrated, ascending};
use crate::statistics::to_real;

/// `[threshold.k_sigma]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByKSigma {
    /// Standard deviations above the mean.
    pub k: Level,
}

impl ByKSigma {
    /// `mean + k × sd`, at most the largest number there is.
    ///
    /// # Errors
    /// No finite score.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        let (mean, sd) = mean_and_sd(&ascending(scores)?);
        Ok((mean + self.k.get() * sd).min(f64::MAX))
    }
}

/// Mean and population deviation of finite numbers, which is not empty; both finite.
///
/// Taken in units of the largest magnitude, so that no sum overflows.
pub(super) fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let unit = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    if unit == 0.0 {
        return (0.0, 0.0);
    }
    let n = to_real(values.len());
    let mean = values.iter().map(|value| value / unit).sum::<f64>() / n;
    let squares = values.iter().map(|value| (value / unit - mean) * (value / unit - mean));
    let sd = (squares.sum::<f64>() / n).sqrt();
    (mean * unit, sd * unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(k: f64, scores: &[f64]) -> Result<f64, Uncalibrated> {
        ByKSigma { k: Level::try_from(k).unwrap() }.calibrate(scores)
    }

    #[test]
    fn two_deviations_above_the_mean_of_a_small_case() {
        // 2 4 4 4 5 5 7 9: mean 5, squares 9 1 1 1 0 0 4 16 = 32, / 8 = 4, sd 2.
        let scores = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert!((level(2.0, &scores).unwrap() - 9.0).abs() < 1e-14);
        assert!((level(0.5, &scores).unwrap() - 6.0).abs() < 1e-14);
    }

    #[test]
    fn the_level_agrees_with_numpy() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(200.)**2)**2; print(repr(x.mean()+3*x.std()))"
        let scores: Vec<f64> = (0..200).map(|k| f64::from(k * k).sin().powi(2)).collect();
        // NumPy sums in pairs: some roundings of numbers near 1.
        assert!((level(3.0, &scores).unwrap() - GOLDEN).abs() < 1e-13);
    }
    const GOLDEN: f64 = 1.5341702514499396;

    #[test]
    fn degenerate_scores() {
        assert_eq!(level(3.0, &[]), Err(Uncalibrated::NoScores));
        assert_eq!(level(3.0, &[f64::NAN, f64::NEG_INFINITY]), Err(Uncalibrated::NoScores));
        assert_eq!(level(3.0, &[0.7]), Ok(0.7));
        assert_eq!(level(3.0, &[0.5; 9]), Ok(0.5));
        assert_eq!(level(3.0, &[0.0; 9]), Ok(0.0));
        // Sums and squares of these are infinite; the level is not.
        assert_eq!(level(3.0, &[1e308, 1e308]), Ok(1e308));
        assert_eq!(level(30.0, &[0.0, 1.5e308]), Ok(f64::MAX));
    }

    proptest! {
        #[test]
        fn no_more_scores_exceed_the_level_than_cantelli_allows(
            scores in prop::collection::vec(0.0_f64..9.0, 1..200),
            k in 0.1_f64..6.0,
        ) {
            let level = level(k, &scores).unwrap();
            // An ulp of the largest score, where mean and level coincide.
            let n_above = scores.iter().filter(|score| **score > level + 1e-14).count();
            prop_assert!(to_real(n_above) <= to_real(scores.len()) / (1.0 + k * k));
        }

        #[test]
        fn a_common_amount_moves_the_level_by_itself(
            scores in prop::collection::vec(0_i32..90, 1..200),
            (k, amount) in (0.1_f64..6.0, 0_i32..90),
        ) {
            let of = |amount: i32| {
                let moved: Vec<f64> = scores.iter().map(|score| f64::from(score + amount)).collect();
                level(k, &moved).unwrap()
            };
            // Roundings of a few hundred numbers below 1,000.
            prop_assert!((of(amount) - of(0) - f64::from(amount)).abs() < 1e-10);
        }
    }
}
