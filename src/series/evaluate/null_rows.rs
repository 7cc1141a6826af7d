//! What needs no detector: a figure is worth nothing unless it beats these.
//!
//! Shapes: values `[time]` -> scores `[time]`.

use super::ranking::known;
use crate::statistics::{median, to_real};

/// Rows over which [`one_liner`] smooths.
const SMOOTHED_ROWS: usize = 50;

/// The share of rows that a null row flags, as it has no threshold of its own.
const FLAGGED_SHARE: f64 = 0.01;

/// `|x − median|`, its mean over 50 rows around: one line of code that outscores published networks.
///
/// Values that are not finite do not count; a row whose neighbourhood has none has no score (NaN).
/// The median is that of all rows, so that this looks ahead: it is a rival for archives, not for nights.
pub fn one_liner(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let Some(middle) = median(&mut finite) else { return vec![f64::NAN; values.len()] };
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let smoothed = |row_idx: usize| {
        let from = row_idx.saturating_sub(SMOOTHED_ROWS / 2);
        let to = (row_idx + SMOOTHED_ROWS / 2).min(distances.len());
        let near = distances[from..to].iter().filter(|distance| distance.is_finite());
        let (sum, n) = near.fold((0.0, 0_usize), |(sum, n), distance| (sum + distance, n + 1));
        sum / to_real(n)
    };
    (0..values.len()).map(smoothed).collect()
}

/// Flags of the highest hundredth of the scores, at least one row; none where all are equal.
///
/// Where scores tie at the limit, none of those is flagged rather than more than a hundredth.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 … n")]
pub fn highest_flagged(scores: &[f64]) -> Vec<bool> {
    let scores = known(scores);
    let mut descending = scores.clone();
    descending.sort_unstable_by(|a, b| b.total_cmp(a));
    let n_flagged = ((FLAGGED_SHARE * to_real(scores.len())) as usize).max(1);
    let limit = descending.get(n_flagged).copied().unwrap_or(f64::NEG_INFINITY);
    scores.iter().map(|score| *score > limit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_one_liner_smooths_distances_from_the_median() {
        // 99 zeros and a 50 at row 60: distance 50 there, smoothed over rows 36 … 85, 50 / 50.
        let mut values = vec![0.0; 100];
        values[60] = 50.0;
        let scores = one_liner(&values);
        let lit: Vec<usize> = (0..100).filter(|&row_idx| scores[row_idx] > 0.0).collect();
        assert_eq!((lit[0], lit[lit.len() - 1], scores[60]), (36, 85, 1.0));
    }

    #[test]
    fn the_one_liner_agrees_with_numpy() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(200.)**2); d=abs(x-np.median(x)); \
        //   s=[d[max(0,i-25):i+25].mean() for i in range(200)]; print(s[0], s[100], s[199])"
        let values: Vec<f64> = (0..200).map(|k| (f64::from(k) * f64::from(k)).sin()).collect();
        let scores = one_liner(&values);
        for (row_idx, expected) in SMOOTHED {
            assert!((scores[row_idx] - expected).abs() < 1e-12, "{}", scores[row_idx]);
        }
    }
    const SMOOTHED: [(usize, f64); 3] = [
        (0, 0.629_508_367_057_837_7),
        (100, 0.661_269_195_368_777_5),
        (199, 0.569_029_105_321_724_7),
    ];

    #[test]
    fn a_hundredth_is_flagged_and_ties_never_flag_more() {
        let scores: Vec<f64> = (0..300).map(f64::from).collect();
        let flagged = |scores: &[f64]| highest_flagged(scores).iter().filter(|flag| **flag).count();
        assert_eq!(flagged(&scores), 3);
        assert_eq!(flagged(&[5.0; 300]), 0);
        assert_eq!(flagged(&[1.0, 9.0, 2.0]), 1);
        assert_eq!(flagged(&[f64::NAN; 4]), 0);
        assert_eq!(flagged(&[]), 0);
    }

    #[test]
    fn degenerate_values() {
        assert!(one_liner(&[]).is_empty());
        assert!(one_liner(&[f64::NAN; 3]).iter().all(|score| score.is_nan()));
        assert_eq!(one_liner(&[7.0; 3]), [0.0; 3]);
        assert_eq!(one_liner(&[1.0, f64::NAN, 3.0]), [1.0; 3]);
        assert_eq!(one_liner(&[1.0, f64::INFINITY, 3.0]), [1.0; 3]);
    }

    proptest! {
        #[test]
        fn the_level_of_a_series_does_not_matter(values in prop::collection::vec(-99_i32..99, 1..99)) {
            let low: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let high: Vec<f64> = values.iter().map(|value| f64::from(*value + 1000)).collect();
            prop_assert_eq!(one_liner(&low), one_liner(&high));
        }
    }
}
