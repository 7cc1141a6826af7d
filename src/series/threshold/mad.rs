//! So many median deviations above the median of the calibration scores.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. Scores that are not finite do not count.
//! Half of the calibration scores may be anything without moving the level beyond reason. The deviation
//! is 1.4826 × the median absolute deviation, which is σ of a normal sample; where more than half of the
//! scores are equal, 1.2533 × the mean absolute deviation from the median takes its place. No rate is stated.
//! Source: Iglewicz and Hoaglin 1993, "How to detect and handle outliers": the modified z-score.

use serde::{Deserialize, Serialize};

use super::{Level, Uncalibrated, ascending};
use crate::statistics::{
    SIGMA_PER_MAD, SIGMA_PER_MEAN_DEVIATION, median, median_of_sorted, to_real,
};

/// `[threshold.mad]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByMad {
    /// Deviations above the median.
    pub k: Level,
}

impl ByMad {
    /// `median + k × 1.4826 × MAD`, at most the largest number there is.
    ///
    /// # Errors
    /// No finite score.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        let sorted = ascending(scores)?;
        let centre = median_of_sorted(&sorted).ok_or(Uncalibrated::NoScores)?;
        let mut sizes: Vec<f64> = sorted.iter().map(|score| (score - centre).abs()).collect();
        let middle = SIGMA_PER_MAD * median(&mut sizes).unwrap_or(0.0);
        let deviation = if middle > 0.0 { middle } else { mean_deviation(&sorted, centre) };
        Ok((centre + self.k.get() * deviation).min(f64::MAX))
    }
}

/// 1.2533 × the mean distance of ascending scores from their centre, each divided before it is added.
fn mean_deviation(sorted: &[f64], centre: f64) -> f64 {
    let n = to_real(sorted.len());
    SIGMA_PER_MEAN_DEVIATION * sorted.iter().map(|score| (score - centre).abs() / n).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(k: f64, scores: &[f64]) -> Result<f64, Uncalibrated> {
        ByMad { k: Level::try_from(k).unwrap() }.calibrate(scores)
    }

    #[test]
    fn two_median_deviations_above_the_median_of_a_small_case() {
        // 1 1 2 2 4 6 900: median 2, distances 1 1 0 0 2 4 898, median 1.
        let scores = [900.0, 1.0, 2.0, 6.0, 4.0, 1.0, 2.0];
        assert_eq!(level(2.0, &scores), Ok(2.0 + 2.0 * SIGMA_PER_MAD));
    }

    #[test]
    fn where_most_scores_are_equal_their_mean_deviation_counts() {
        // 5 5 5 9: median 5, distances 0 0 0 4: median 0, mean 1.
        assert_eq!(level(2.0, &[5.0, 9.0, 5.0, 5.0]), Ok(5.0 + 2.0 * SIGMA_PER_MEAN_DEVIATION));
    }

    #[test]
    fn the_level_agrees_with_scipy() {
        // python3 -c "import numpy as np, scipy.stats as s; x=np.sin(np.arange(200.)**2)**2; print(repr(np.median(x)+3*s.median_abs_deviation(x,scale='normal')))"
        let scores: Vec<f64> = (0..200).map(|k| f64::from(k * k).sin().powi(2)).collect();
        assert!((level(3.0, &scores).unwrap() - GOLDEN).abs() < 1e-13);
    }
    const GOLDEN: f64 = 2.017972462986038;

    #[test]
    fn degenerate_scores() {
        assert_eq!(level(3.0, &[]), Err(Uncalibrated::NoScores));
        assert_eq!(level(3.0, &[f64::INFINITY]), Err(Uncalibrated::NoScores));
        assert_eq!(level(3.0, &[0.7]), Ok(0.7));
        assert_eq!(level(3.0, &[0.5; 9]), Ok(0.5));
        assert_eq!(level(3.0, &[1e308, 0.0, 1.7e308]), Ok(f64::MAX));
    }

    proptest! {
        #[test]
        fn fewer_than_half_of_the_scores_may_be_anything(
            scores in prop::collection::btree_set(0_u16..900, 2..60),
            wild in 1e3_f64..1e300,
            k in 0.1_f64..6.0,
        ) {
            let calm: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
            let (least, most) = (calm[0], calm[calm.len() - 1]);
            let mut spoilt = calm.clone();
            spoilt.extend(vec![wild; calm.len() - 1]);
            let found = level(k, &spoilt).unwrap();
            // Centre and median distance are those of calm scores, all of them different.
            prop_assert!(found >= least && found <= most + k * SIGMA_PER_MAD * (most - least) + 1e-9);
        }

        #[test]
        fn half_of_the_scores_lie_within_one_median_deviation(
            scores in prop::collection::btree_set(0_u16..900, 3..200),
        ) {
            let scores: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
            let centre = median_of_sorted(&scores).unwrap();
            let mad = level(1.0 / SIGMA_PER_MAD, &scores).unwrap() - centre;
            let n_within = scores.iter().filter(|score| (*score - centre).abs() <= mad + 1e-9).count();
            prop_assert!(2 * n_within >= scores.len(), "{n_within}");
        }
    }
}
