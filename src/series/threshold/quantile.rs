//! A quantile of the calibration scores: the share 1 − q of them lies above it.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. Scores that are not finite do not
//! count.
//! Source: Hyndman and Fan 1996, "Sample quantiles in statistical packages", definition 7, the default
//! of NumPy, with NumPy's interpolation, so that both give the same bits.

use serde::{Deserialize, Serialize};

use super::{Uncalibrated, ascending};
use crate::range::Quantile;
use crate::statistics::to_real;

/// `[threshold.quantile]`: `q` .995.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByQuantile {
    /// Share of calibration scores at or below the threshold.
    pub q: Quantile,
}

impl ByQuantile {
    /// The q-quantile of the finite scores.
    ///
    /// # Errors
    /// No finite score.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        Ok(self.of_ascending(&ascending(scores)?))
    }

    /// The q-quantile of ascending finite scores, of which there is one.
    pub(super) fn of_ascending(&self, finite: &[f64]) -> f64 {
        let last = finite.len() - 1;
        let position = to_real(last) * self.q.get();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounds down a position in the sample"
        )]
        let below = position.floor() as usize;
        let (low, high) = (finite[below], finite[last.min(below + 1)]);
        between(low, high, position - position.floor())
    }
}

/// `low + share × (high - low)`, from the nearer end.
fn between(low: f64, high: f64, share: f64) -> f64 {
    let step = high - low;
    let level = if share < 0.5 { low + step * share } else { high - step * (1.0 - share) };
    level.clamp(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(q: f64, scores: &[f64]) -> Result<f64, Uncalibrated> {
        ByQuantile { q: Quantile::try_from(q).unwrap() }.calibrate(scores)
    }

    fn flags(q: f64, scores: &[f64]) -> usize {
        level(q, scores).map_or(0, |level| scores.iter().filter(|&&s| s > level).count())
    }

    #[test]
    fn quantile_of_a_small_case() {
        // Position .75 · 3 = 2.25: between 30 and 40, a quarter of the way.
        assert_eq!(level(0.75, &[40.0, 10.0, 30.0, 20.0]), Ok(32.5));
        assert_eq!(level(0.5, &[1.0, 2.0, 9.0]), Ok(2.0));
    }

    #[test]
    fn quantiles_have_the_bits_of_numpy() {
        // python3 -c "import numpy as np; x=(np.arange(1000.)**2*.37)%1; print([float(np.quantile(x,q)) for q in (.001,.5,.9,.995)])"
        let scores: Vec<f64> =
            (0..1000).map(|k| (f64::from(k) * f64::from(k) * 0.37) % 1.0).collect();
        let found = [0.001, 0.5, 0.9, 0.995].map(|q| level(q, &scores).unwrap());
        assert_eq!(found, [0.0, 0.3699999999953434, 0.9199999999982538, 0.9700000000011642]);
    }

    #[test]
    fn degenerate_scores() {
        assert_eq!(level(0.995, &[]), Err(Uncalibrated::NoScores));
        assert_eq!(level(0.995, &[f64::NAN, f64::INFINITY]), Err(Uncalibrated::NoScores));
        assert_eq!(level(0.995, &[3.0]), Ok(3.0));
        assert_eq!(level(0.995, &[3.0; 40]), Ok(3.0));
        assert_eq!(level(0.5, &[1.0, f64::NAN, 3.0]), Ok(2.0));
        assert_eq!(flags(0.995, &[3.0; 40]), 0);
    }

    proptest! {
        #[test]
        fn raising_q_never_adds_a_flag(
            scores in prop::collection::vec(0.0_f64..9.0, 0..40),
            (low, high) in (0.001_f64..0.999, 0.001_f64..0.999),
        ) {
            prop_assert!(flags(low.max(high), &scores) <= flags(low.min(high), &scores));
        }

        #[test]
        fn no_more_than_the_share_above_q_is_flagged(
            scores in prop::collection::vec(0.0_f64..9.0, 1..200),
            q in 0.001_f64..0.999,
        ) {
            let most = ((1.0 - q) * to_real(scores.len())).ceil();
            prop_assert!(to_real(flags(q, &scores)) <= most);
        }
    }
}
