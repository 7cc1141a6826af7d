//! From scores of windows to scores of points, and how point scores are smoothed.
//!
//! Shapes: `[time]` → `[time]`, or `[window]` → `[time]`. Units are kept. Every mean is summed afresh in
//! a fixed order (see [`rolling::mean`](crate::rolling::mean)): no sum runs along and gathers rounding.

use crate::rolling;
use crate::statistics::to_real;

/// Centred moving average of `length` rows; beyond the ends the first and the last value go on.
///
/// Row `t` is the mean of rows `t - length / 2 ..` (`length` of them), as in SciPy's
/// `uniform_filter1d(mode="nearest")`. A length below 1 counts as 1.
pub fn moving_average(values: &[f64], length: usize) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return Vec::new() };
    let length = length.max(1);
    let (before, after) = (length / 2, length - 1 - length / 2);
    let mut padded = Vec::with_capacity(before + values.len() + after);
    padded.resize(before, first);
    padded.extend_from_slice(values);
    padded.resize(before + values.len() + after, last);
    padded.windows(length).map(rolling::mean).collect()
}

/// `MA(√MA(squares))`, both over `length` rows: a root mean square, then smoothed once more.
///
/// The squares of errors enter, not the errors.
pub fn rms2(squares: &[f64], length: usize) -> Vec<f64> {
    let roots: Vec<f64> = moving_average(squares, length).into_iter().map(f64::sqrt).collect();
    moving_average(&roots, length)
}

/// The mean of [`rms2`] over several `lengths`, so that scores stand out whether an anomaly is short or long;
/// of no length at all, zeros.
pub fn rms2_at(squares: &[f64], lengths: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; squares.len()];
    let mut last: Option<(usize, Vec<f64>)> = None;
    for &length in lengths {
        let smooth = match last.take() {
            Some((known, smooth)) if known == length => smooth,
            _ => rms2(squares, length),
        };
        for (sum, value) in sums.iter_mut().zip(&smooth) {
            *sum += value;
        }
        last = Some((length, smooth));
    }
    let n_lengths = to_real(lengths.len().max(1));
    sums.into_iter().map(|sum| sum / n_lengths).collect()
}

/// Each point's mean score of all windows of `length` rows that cover it.
///
/// Window `k` covers rows `k..k + length`, so that the result has `scores.len() + length - 1` rows.
pub fn windows_to_points(scores: &[f64], length: usize) -> Vec<f64> {
    if scores.is_empty() {
        return Vec::new();
    }
    let n_rows = scores.len() + length.saturating_sub(1);
    (0..n_rows)
        .map(|row_idx| {
            let first = (row_idx + 1).saturating_sub(length);
            rolling::mean(&scores[first..=row_idx.min(scores.len() - 1)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_moving_average_is_centred_and_its_edges_are_replicated() {
        // (1+1+4)/3, (1+4+7)/3, (4+7+7)/3.
        assert_eq!(moving_average(&[1.0, 4.0, 7.0], 3), [2.0, 4.0, 6.0]);
        // Of an even length the row itself is the first of the later half: (1+1)/2, (1+4)/2, (4+7)/2.
        assert_eq!(moving_average(&[1.0, 4.0, 7.0], 2), [1.0, 2.5, 5.5]);
        assert_eq!(moving_average(&[1.0, 4.0], 1), [1.0, 4.0]);
    }

    #[test]
    fn rms2_is_the_smoothed_root_of_smoothed_squares() {
        // Means of 9 0 0 0 over three: 6 3 0 0; roots √6 √3 0 0; means over three again.
        let (six, three) = (6.0_f64.sqrt(), 3.0_f64.sqrt());
        let expected = [(six + six + three) / 3.0, (six + three) / 3.0, three / 3.0, 0.0];
        assert_eq!(rms2(&[9.0, 0.0, 0.0, 0.0], 3), expected);
    }

    #[test]
    fn several_lengths_are_averaged_and_one_may_count_twice() {
        let squares = [9.0, 0.0, 0.0, 4.0, 0.0];
        let (one, three) = (rms2(&squares, 1), rms2(&squares, 3));
        let found = rms2_at(&squares, &[1, 3, 3]);
        for row_idx in 0..5 {
            let expected = (one[row_idx] + three[row_idx] + three[row_idx]) / 3.0;
            assert_eq!(found[row_idx], expected);
        }
        assert_eq!(rms2_at(&squares, &[3]), three);
        assert_eq!(rms2_at(&squares, &[]), [0.0; 5]);
        assert!(rms2_at(&[], &[1, 2]).is_empty());
    }

    #[test]
    fn a_point_gets_the_mean_of_the_windows_that_cover_it() {
        // Windows of two rows: rows 0..2, 1..3, 2..4.
        assert_eq!(windows_to_points(&[1.0, 3.0, 8.0], 2), [1.0, 2.0, 5.5, 8.0]);
        assert_eq!(windows_to_points(&[5.0], 3), [5.0; 3]);
    }

    #[test]
    fn smoothing_of_nothing_is_nothing_and_short_series_are_padded() {
        assert!(moving_average(&[], 5).is_empty());
        assert!(rms2(&[], 5).is_empty());
        assert!(windows_to_points(&[], 5).is_empty());
        assert_eq!(moving_average(&[3.0], 50), [3.0]);
        assert_eq!(moving_average(&[3.0, 4.0], 0), [3.0, 4.0]);
        assert!(moving_average(&[1.0, f64::NAN, 1.0], 2)[1].is_nan());
    }

    proptest! {
        #[test]
        fn smoothed_values_stay_within_the_range_and_as_many(
            values in prop::collection::vec(-9.0_f64..9.0, 1..60),
            length in 1_usize..80,
        ) {
            let (low, high) = values.iter().fold((9.0_f64, -9.0_f64), |(l, h), &v| (l.min(v), h.max(v)));
            let smooth = moving_average(&values, length);
            prop_assert_eq!(smooth.len(), values.len());
            // A mean of 80 numbers below 9 rounds by less than this.
            prop_assert!(smooth.iter().all(|&v| v >= low - 1e-13 && v <= high + 1e-13));
            prop_assert_eq!(windows_to_points(&values, length).len(), values.len() + length - 1);
        }

        #[test]
        fn a_constant_is_left_as_it_is(n in 1_usize..40, length in 1_usize..60) {
            prop_assert_eq!(moving_average(&vec![0.5; n], length), vec![0.5; n]);
            prop_assert_eq!(windows_to_points(&vec![0.5; n], length), vec![0.5; n + length - 1]);
        }
    }
}
