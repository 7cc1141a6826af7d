//! k-means of windows: how far each window is from the nearest of a few typical ones.
//!
//! Windows of two periods of the standardised series, all features side by side, at most
//! [`WINDOWS_MAX`] evenly spaced ones to learn from. Centres are chosen by k-means++ and moved by Lloyd's
//! steps until no window changes its centre, at most [`STEPS_MAX`] times. A row's score is the mean
//! distance of the windows that cover it.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: Yairi, Kato and Hori 2001, "Fault detection by mining association rules from house-keeping data";
//! Arthur and Vassilvitskii, SODA 2007, "k-means++". `KMeansAD` of TSB-AD is the same on windows that are
//! standardised one by one, which finds less.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::smoothing::windows_to_points;
use super::spaced::evenly;
use super::{Standardised, draws};
use crate::squared_distance::squared_distance;
use crate::statistics::to_real;

/// Windows that centres are learnt from.
const WINDOWS_MAX: usize = 4000;

/// Lloyd's steps; the default of scikit-learn is 300, which is hardly ever reached.
const STEPS_MAX: usize = 100;

/// `[detector.k_means]`: `clusters` 20, `seed` 42.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KMeans {
    /// Typical windows.
    pub clusters: NonZeroUsize,
    /// Of the first centres.
    pub seed: u64,
}

impl Default for KMeans {
    fn default() -> Self {
        const CLUSTERS: NonZeroUsize = NonZeroUsize::new(20).unwrap();
        Self { clusters: CLUSTERS, seed: 42 }
    }
}

impl KMeans {
    pub(super) fn score(&self, series: &Standardised) -> Vec<f64> {
        let length = series.double_window();
        let n_windows = (series.len() + 1).saturating_sub(length);
        let window = |first: usize| -> Vec<f64> {
            let columns = series.columns().iter();
            columns.flat_map(|column| column[first..first + length].iter().copied()).collect()
        };
        let learnt: Vec<Vec<f64>> =
            evenly(n_windows, WINDOWS_MAX).into_iter().map(window).collect();
        let centres = fit(&learnt, self.clusters.get(), self.seed);
        let mut hint = 0;
        let distance = |first| {
            let (nearest, square) = nearest(&centres, &window(first), hint);
            hint = nearest;
            square.sqrt()
        };
        let distances: Vec<f64> = (0..n_windows).map(distance).collect();
        windows_to_points(&distances, length)
    }
}

/// Typical rows of `rows`, at most `n_centres` of them.
pub(crate) fn fit(rows: &[Vec<f64>], n_centres: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut centres = first_centres(rows, n_centres, seed);
    let mut belongs = vec![0; rows.len()];
    for step in 0..STEPS_MAX {
        let mut has_moved = step == 0;
        for (row, belongs) in rows.iter().zip(&mut belongs) {
            let (centre, _) = nearest(&centres, row, *belongs);
            has_moved |= centre != *belongs;
            *belongs = centre;
        }
        if !has_moved {
            break;
        }
        move_centres(&mut centres, rows, &belongs);
    }
    centres
}

/// k-means++: each next centre is a row, drawn by its squared distance from the centres before.
fn first_centres(rows: &[Vec<f64>], n_centres: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut centres: Vec<Vec<f64>> = Vec::new();
    let mut squares = vec![1.0; rows.len()];
    while centres.len() < n_centres {
        let sum: f64 = squares.iter().sum();
        // Every row is a centre already: more would be copies.
        if sum <= 0.0 || rows.is_empty() {
            break;
        }
        let goal = draws::uniform(seed, &[centres.len()]) * sum;
        let mut reached = 0.0;
        let drawn = squares.iter().position(|square| {
            reached += square;
            reached > goal
        });
        let last = squares.iter().rposition(|&square| square > 0.0);
        let Some(drawn) = drawn.or(last) else { break };
        let centre = rows[drawn].clone();
        for (square, row) in squares.iter_mut().zip(rows) {
            let distance = squared_distance([(&row[..], &centre[..])], f64::INFINITY);
            *square = if centres.is_empty() { distance } else { square.min(distance) };
        }
        centres.push(centre);
    }
    centres
}

/// Each centre becomes the mean of its rows; one without rows stays where it is.
fn move_centres(centres: &mut [Vec<f64>], rows: &[Vec<f64>], belongs: &[usize]) {
    let mut sums = vec![vec![0.0; rows.first().map_or(0, Vec::len)]; centres.len()];
    let mut counts = vec![0_usize; centres.len()];
    for (row, &centre) in rows.iter().zip(belongs) {
        counts[centre] += 1;
        for (sum, value) in sums[centre].iter_mut().zip(row) {
            *sum += value;
        }
    }
    for ((centre, sum), count) in centres.iter_mut().zip(sums).zip(counts).filter(|(_, n)| *n > 0) {
        for (value, sum) in centre.iter_mut().zip(sum) {
            *value = sum / to_real(count);
        }
    }
}

/// The nearest centre and its squared distance; of equally near ones `hint`, else the first.
pub(crate) fn nearest(centres: &[Vec<f64>], row: &[f64], hint: usize) -> (usize, f64) {
    let Some(centre) = centres.get(hint) else { return (0, 0.0) };
    let start = (hint, squared_distance([(row, &centre[..])], f64::INFINITY));
    centres.iter().enumerate().filter(|(k, _)| *k != hint).fold(start, |best, (k, centre)| {
        let square = squared_distance([(row, &centre[..])], best.1);
        if square < best.1 { (k, square) } else { best }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    fn rows(values: &[f64]) -> Vec<Vec<f64>> {
        values.iter().map(|&value| vec![value]).collect()
    }

    #[test]
    fn clear_groups_are_found_from_every_seed() {
        // Means 1, 10 and 100.
        let rows = rows(&[0.0, 1.0, 2.0, 9.0, 11.0, 99.0, 100.0, 101.0]);
        for seed in 0..40 {
            let mut centres: Vec<f64> = fit(&rows, 3, seed).into_iter().map(|c| c[0]).collect();
            centres.sort_by(f64::total_cmp);
            // Draws may fall into one group twice; Lloyd's steps do not always mend that.
            let is_optimal = centres == [1.0, 10.0, 100.0];
            assert!(is_optimal || centres.len() == 3, "{seed} {centres:?}");
        }
        let n_optimal = (0..40)
            .filter(|&seed| fit(&rows, 3, seed).iter().any(|centre| centre[0] == 10.0))
            .count();
        assert!(n_optimal >= 36, "{n_optimal}");
    }

    #[test]
    fn no_more_centres_than_different_rows() {
        assert_eq!(fit(&rows(&[4.0; 9]), 20, 1), [[4.0]]);
        assert_eq!(fit(&rows(&[4.0, 7.0, 4.0]), 20, 1).len(), 2);
        assert!(fit(&[], 20, 1).is_empty());
    }

    #[test]
    fn a_tie_goes_to_the_hint_and_else_to_the_first() {
        let centres = rows(&[0.0, 2.0, 0.0]);
        assert_eq!(nearest(&centres, &[1.0], 1), (1, 1.0));
        assert_eq!(nearest(&centres, &[0.5], 1), (0, 0.25));
        assert_eq!(nearest(&[], &[0.5], 0), (0, 0.0));
    }

    #[test]
    fn an_odd_stretch_lies_far_from_typical_windows() {
        let mut values: Vec<f64> = (0..400).map(|k| f64::from(k % 20)).collect();
        values[200..210].fill(40.0);
        let few = KMeans { clusters: NonZeroUsize::new(3).unwrap(), seed: 1 };
        let found = scores(&Archive::KMeans(few), &values, 20);
        let top = (0..400).max_by(|&a, &b| found[a].total_cmp(&found[b])).unwrap();
        assert!((160..250).contains(&top), "{top}");
    }

    proptest! {
        #[test]
        fn every_centre_lies_within_the_range_of_its_rows(
            values in prop::collection::vec(-9.0_f64..9.0, 1..60),
            clusters in 1_usize..9,
            seed in any::<u64>(),
        ) {
            let (low, high) = values.iter().fold((9.0_f64, -9.0_f64), |(l, h), &v| (l.min(v), h.max(v)));
            let centres = fit(&rows(&values), clusters, seed);
            prop_assert!((1..=clusters).contains(&centres.len()));
            prop_assert!(centres.iter().all(|c| c[0] >= low - 1e-12 && c[0] <= high + 1e-12));
        }
    }
}
