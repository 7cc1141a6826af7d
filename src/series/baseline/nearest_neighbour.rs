//! k-th nearest neighbour: how far the window that ends in a row is from windows of the training span.
//!
//! Neighbours are the kept training windows ([`super::kept_windows`]), as they are. What is expected of a row is the
//! newest row of its nearest neighbour; its error is the distance of the whole window to its k-th nearest one, a
//! row, in deviations of the kept values. Each feature has neighbours of its own. In the training span a window
//! may be its own neighbour: scores there are too low, as of everything that learnt from them.
//!
//! Shapes: window `[row]`, oldest first → one expectation. Units: those of the feature.
//! Source: Ramaswamy, Rastogi and Shim, SIGMOD 2000, "Efficient algorithms for mining outliers from large data
//! sets", of windows; for their last row only, so that no score waits for later rows.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Expectation;
use super::kept_windows::KeptWindows;
use crate::squared_distance::squared_distance;

/// `[detector.nearest_neighbour]`: `rows` 30, `neighbours` 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearestNeighbour {
    /// Rows of a window.
    pub rows: NonZeroUsize,
    /// Which neighbour counts; the farthest where there are fewer.
    pub neighbours: NonZeroUsize,
}

impl Default for NearestNeighbour {
    fn default() -> Self {
        const ROWS: NonZeroUsize = NonZeroUsize::new(30).unwrap();
        Self { rows: ROWS, neighbours: NonZeroUsize::MIN }
    }
}

impl NearestNeighbour {
    /// `None` unless all rows of the window are there.
    pub(super) fn expect(
        &self,
        kept: &KeptWindows,
        past: &[f64],
        value: f64,
    ) -> Option<Expectation> {
        let window = kept.window(past, value)?;
        // The nearest so far, ascending, the first of equals before the others.
        let mut nearest: Vec<(f64, usize)> = Vec::with_capacity(self.neighbours.get().min(16));
        for (idx, other) in kept.windows.iter().enumerate() {
            let is_full = nearest.len() == self.neighbours.get();
            let best = nearest.last().filter(|_| is_full).map_or(f64::INFINITY, |last| last.0);
            let square = squared_distance([(&window[..], &other[..])], best);
            if square < best {
                if is_full {
                    nearest.pop();
                }
                nearest.insert(nearest.partition_point(|near| near.0 <= square), (square, idx));
            }
        }
        kept.expectation(nearest.first()?.1, nearest.last()?.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::Baseline;
    use crate::baseline::tests::{
        distances, golden, is_silent_where_nothing_varies_or_is_missing, trained,
    };

    fn baseline(rows: usize, neighbours: usize) -> Baseline {
        let [rows, neighbours] = [rows, neighbours].map(|n| NonZeroUsize::new(n).unwrap());
        Baseline::NearestNeighbour(NearestNeighbour { rows, neighbours })
    }

    #[test]
    fn first_and_second_neighbours_by_hand() {
        // Pairs of 0 2 6: (0, 2) and (2, 6), whose values deviate by √4.75 from 2.5. (1, 4) is √5 from both,
        // (2, 5) is 1 from the second and √13 from the first.
        let values = [0.0, 2.0, 6.0];
        let unit = (2.0 * 4.75_f64).sqrt();
        for (neighbours, expected) in [(1, [5.0, 1.0]), (2, [5.0, 13.0]), (9, [5.0, 13.0])] {
            let fitted = trained(baseline(2, neighbours), &values, 999);
            let found = [[1.0, 4.0], [2.0, 5.0]].map(|pair| distances(&fitted, &pair)[1].unwrap());
            for (found, square) in found.into_iter().zip(expected) {
                assert!((found - f64::sqrt(square) / unit).abs() < 1e-14, "{neighbours}: {found}");
            }
        }
    }

    #[test]
    fn distances_agree_with_scikit_learn() {
        let golden = golden();
        for (neighbours, all) in [(1, golden.to_first), (3, golden.to_third)] {
            let found =
                distances(&trained(baseline(8, neighbours), &golden.values, 299), &golden.values);
            for (row_idx, expected) in all {
                // Sums of eight squares of numbers below 3.
                assert!((found[row_idx].unwrap() - expected).abs() < 1e-12, "{row_idx} {expected}");
            }
        }
    }

    #[test]
    fn degenerate_series_have_no_scale_and_holes_no_score() {
        is_silent_where_nothing_varies_or_is_missing(baseline(3, 1));
        // A window that was learnt is its own neighbour.
        let values: Vec<f64> = (0..40).map(|k| f64::from(k * k % 7)).collect();
        let fitted = trained(baseline(3, 1), &values, 99);
        assert_eq!(distances(&fitted, &values)[2..], [Some(0.0); 38]);
    }

    proptest! {
        #[test]
        fn a_further_neighbour_is_no_nearer_and_the_unit_does_not_matter(
            values in prop::collection::vec(-9_i32..9, 12..60),
            neighbours in 1_usize..9,
        ) {
            let in_units = |unit: f64| -> Vec<f64> { values.iter().map(|&v| f64::from(v) * unit).collect() };
            let (plain, scaled) = (in_units(1.0), in_units(1024.0));
            let of = |k: usize, values: &[f64]| distances(&trained(baseline(4, k), values, 8), values);
            let found = of(neighbours, &plain);
            prop_assert_eq!(&found, &of(neighbours, &scaled));
            for (near, far) in found.iter().zip(of(neighbours + 1, &plain)) {
                prop_assert!(near.is_none() == far.is_none() && *near <= far);
            }
        }
    }
}
