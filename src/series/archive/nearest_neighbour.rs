//! 1-nearest neighbour: where a series differs from the most similar stretch elsewhere in it.
//!
//! Windows of half a period, one period and two are each held against the window that is nearest to it by
//! Euclidean distance over rows and features; windows that overlap are no neighbours. A row's squared error is
//! the mean of its squared differences from the neighbours of all windows that cover it, then that over the
//! lengths; then [`Standardised::smoothed`]. So a score tells the very rows that differ, not the windows
//! that they lie in. Beyond [`ROWS_WHOLE`] rows every eighth of a window is asked for, and at most
//! [`REFERENCES_MAX`] evenly spaced windows can be neighbours.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series. Time: O(n²).
//! Source: Ramaswamy, Rastogi and Shim, SIGMOD 2000, "Efficient algorithms for mining outliers from large
//! data sets", of windows. We differ: differences are merged row by row, and several lengths are looked at.

use serde::{Deserialize, Serialize};

use super::Standardised;
use super::neighbours::{Pairs, nearest};
use super::spaced::evenly;
use crate::squared_distance::squared_distance;
use crate::statistics::to_real;

/// Rows up to which every window is compared with every other.
const ROWS_WHOLE: usize = 3000;

/// At most so many windows can be neighbours in a longer series.
const REFERENCES_MAX: usize = 4000;

/// Windows that are asked for in one window's length.
const QUERIES_PER_WINDOW: usize = 8;

/// `[detector.nearest_neighbour]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearestNeighbour {}

impl NearestNeighbour {
    pub(super) fn score(self, series: &Standardised) -> Vec<f64> {
        let lengths = series.compared();
        let mut squares = vec![0.0; series.len()];
        for &length in lengths.iter().filter(|&&length| length <= series.len()) {
            let differences = squared_differences(series, length);
            for (square, difference) in squares.iter_mut().zip(differences) {
                *square += difference / to_real(lengths.len());
            }
        }
        series.smoothed(&squares)
    }
}

/// Each row's mean squared difference from the neighbours of the windows that cover it, `[time]`; features
/// are summed.
fn squared_differences(series: &Standardised, length: usize) -> Vec<f64> {
    let pairs: Vec<(usize, usize)> = if series.len() <= ROWS_WHOLE {
        nearest(series, length, &Differences).iter().map(|other| other.first).enumerate().collect()
    } else {
        sampled(series, length)
    };
    let mut sums = vec![0.0; series.len()];
    let mut covering = vec![0_usize; series.len()];
    for (window, other) in pairs {
        for column in series.columns() {
            let both = column[window..window + length].iter().zip(&column[other..other + length]);
            for (sum, (a, b)) in sums[window..window + length].iter_mut().zip(both) {
                *sum += (a - b) * (a - b);
            }
        }
        for count in &mut covering[window..window + length] {
            *count += 1;
        }
    }
    sums.into_iter().zip(covering).map(|(sum, count)| sum / to_real(count.max(1))).collect()
}

/// Plain Euclidean distance: the sum is the squared distance.
struct Differences;

impl Pairs for Differences {
    fn term(a: f64, b: f64) -> f64 {
        (a - b) * (a - b)
    }

    fn add(&self, _: usize, _: usize, _: usize, sums: &[f64], distances: &mut [f64]) {
        for (distance, sum) in distances.iter_mut().zip(sums) {
            *distance += sum;
        }
    }
}

/// Some windows, the last among them, and the nearest of some others: the first rows of both.
fn sampled(series: &Standardised, length: usize) -> Vec<(usize, usize)> {
    let n_windows = series.len() + 1 - length;
    let references = evenly(n_windows, REFERENCES_MAX);
    let mut queries: Vec<usize> =
        (0..n_windows).step_by((length / QUERIES_PER_WINDOW).max(1)).collect();
    if queries.last() != Some(&(n_windows - 1)) {
        queries.push(n_windows - 1);
    }
    let neighbour = |query: usize| {
        let apart = references.iter().filter(|&&reference| reference.abs_diff(query) >= length);
        let (_, other) = apart.fold((f64::INFINITY, query), |(best, nearest), &reference| {
            let square = squared_distance_of(series, query, reference, length, best);
            if square < best { (square, reference) } else { (best, nearest) }
        });
        (query, other)
    };
    queries.into_iter().map(neighbour).collect()
}

/// Squared distance of two windows; any number from `best` on where it is not less than `best`.
fn squared_distance_of(series: &Standardised, a: usize, b: usize, length: usize, best: f64) -> f64 {
    let columns = series.columns().iter();
    squared_distance(columns.map(|c| (&c[a..a + length], &c[b..b + length])), best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tests::{NoNetworks, scores};
    use crate::archive::{Archive, Series};

    fn standardised(values: &[f64]) -> Standardised {
        Standardised::of(&Series { values, features: 1, period: 10 }).unwrap()
    }

    #[test]
    fn differences_of_a_small_case_by_hand() {
        // 16 rows of 0 1 0 1 …: every window has its like elsewhere, nothing differs.
        let mut values: Vec<f64> = (0..16).map(|k| f64::from(k % 2)).collect();
        let detector = Archive::NearestNeighbour(NearestNeighbour {});
        assert_eq!(scores(&detector, &values, 10), [0.0; 16]);
        // With the last value 3 only the last window differs, by 3 − 1 and in its last row, whatever its length.
        values[15] = 3.0;
        let sd = crate::moments::Moments::of(values.iter().copied()).sd();
        let series = standardised(&values);
        for length in [2, 4] {
            let found = squared_differences(&series, length);
            assert_eq!(found[..15], [0.0; 15], "{length}");
            assert!((found[15] - 4.0 / (sd * sd)).abs() < 1e-13, "{length}: {}", found[15]);
        }
        // Of 16 rows nothing is smoothed: the score is the root.
        let found = scores(&detector, &values, 10);
        assert_eq!(found[..15], [0.0; 15]);
        assert!((found[15] - 2.0 / sd).abs() < 1e-13, "{}", found[15]);
    }

    #[test]
    fn both_ways_to_the_nearest_agree() {
        // Noise, so that no two windows are equally near.
        let values: Vec<f64> = (0..700_u64)
            .map(|k| u32::try_from(k.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).unwrap())
            .map(f64::from)
            .collect();
        let series = standardised(&values);
        // Every window is asked for (a window of four has no eighth) and can be a neighbour.
        let whole = nearest(&series, 4, &Differences);
        for (whole, (query, other)) in whole.iter().zip(sampled(&series, 4)) {
            assert_eq!(whole.first, other, "{query}");
            let square = squared_distance_of(&series, query, other, 4, f64::INFINITY);
            // Sums along diagonals against sums afresh.
            assert!((whole.square - square).abs() < 1e-11, "{whole:?} {square}");
        }
    }

    #[test]
    fn a_series_without_a_second_window_differs_from_nothing() {
        for n in [1, 2, 3] {
            let values: Vec<f64> = (0..n).map(f64::from).collect();
            let found = scores(&Archive::NearestNeighbour(NearestNeighbour {}), &values, 10);
            assert_eq!(found, vec![0.0; values.len()]);
        }
    }

    #[test]
    fn features_count_alike() {
        let values: Vec<f64> = (0..300).map(|k| f64::from(k * k % 37)).collect();
        let twice: Vec<f64> = values.iter().flat_map(|&value| [value, value]).collect();
        let detector = Archive::NearestNeighbour(NearestNeighbour {});
        let both = detector.score(&Series { values: &twice, features: 2, period: 12 }, &NoNetworks);
        for (both, one) in both.unwrap().iter().zip(scores(&detector, &values, 12)) {
            assert!((both - 2.0_f64.sqrt() * one).abs() < 1e-12, "{both} {one}");
        }
    }
}
