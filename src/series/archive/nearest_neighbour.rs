//! 1-nearest neighbour: how far each window is from the nearest other, as it stands.
//!
//! Windows of two periods of the standardised series, Euclidean distance over rows and features; windows that
//! overlap are no neighbours. A row's score is the mean over the windows that cover it. Beyond
//! [`ROWS_WHOLE`] rows every eighth of a window is asked for and what lies between is interpolated, and
//! at most [`REFERENCES_MAX`] evenly spaced windows can be neighbours.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: Ramaswamy, Rastogi and Shim, SIGMOD 2000, "Efficient algorithms for mining outliers from large
//! data sets", of windows.

use serde::{Deserialize, Serialize};

use super::Standardised;
use super::neighbours::{Pairs, nearest};
use super::smoothing::windows_to_points;
use super::spaced::{evenly, interpolate};
use crate::squared_distance::squared_distance;

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
        let length = series.double_window();
        let squares = if series.len() <= ROWS_WHOLE {
            nearest(series, length, &Differences)
        } else {
            sampled(series, length)
        };
        let distances: Vec<f64> = squares.into_iter().map(f64::sqrt).collect();
        windows_to_points(&distances, length)
    }
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

/// Squared distances of some windows to some others; roots are interpolated between them.
fn sampled(series: &Standardised, length: usize) -> Vec<f64> {
    let n_windows = series.len() + 1 - length;
    let references = evenly(n_windows, REFERENCES_MAX);
    let mut queries: Vec<usize> =
        (0..n_windows).step_by((length / QUERIES_PER_WINDOW).max(1)).collect();
    if queries.last() != Some(&(n_windows - 1)) {
        queries.push(n_windows - 1);
    }
    let nearest = |&query: &usize| {
        let apart = references.iter().filter(|&&reference| reference.abs_diff(query) >= length);
        let nearest = apart.fold(f64::INFINITY, |best, &reference| {
            let columns = series.columns().iter();
            let pairs =
                columns.map(|c| (&c[query..query + length], &c[reference..reference + length]));
            best.min(squared_distance(pairs, best))
        });
        nearest.sqrt()
    };
    let roots: Vec<f64> = queries.iter().map(nearest).collect();
    interpolate(&queries, &roots, n_windows).into_iter().map(|root| root * root).collect()
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
    fn distances_of_a_small_case_by_hand() {
        // 16 rows of 0 1 0 1 …, windows of four. Of windows that do not overlap an equal one is always near:
        // all 0. With the last value 3 only the last window differs, by 3 − 1.
        let mut values: Vec<f64> = (0..16).map(|k| f64::from(k % 2)).collect();
        let detector = Archive::NearestNeighbour(NearestNeighbour {});
        assert_eq!(scores(&detector, &values, 10), [0.0; 16]);
        values[15] = 3.0;
        let sd = crate::moments::Moments::of(values.iter().copied()).sd();
        let found = scores(&detector, &values, 10);
        assert_eq!(found[..12], [0.0; 12]);
        // The last four rows are covered by four, three, two windows and one, of which one is far.
        for (row_idx, covering) in [(12, 4.0), (13, 3.0), (14, 2.0), (15, 1.0)] {
            let expected = 2.0 / sd / covering;
            assert!((found[row_idx] - expected).abs() < 1e-14, "{} {expected}", found[row_idx]);
        }
    }

    #[test]
    fn both_ways_to_the_nearest_agree() {
        let values: Vec<f64> = (0..700).map(|k| f64::from(k * k % 101)).collect();
        let series = standardised(&values);
        // Every window is asked for (a window of four has no eighth) and can be a neighbour.
        let (whole, some) = (nearest(&series, 4, &Differences), sampled(&series, 4));
        for (whole, some) in whole.iter().zip(&some) {
            // Sums along diagonals against sums afresh.
            assert!((whole - some).abs() < 1e-11, "{whole} {some}");
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
