//! k-means of windows: how far the window that ends in a row is from the nearest of a few typical ones.
//!
//! Typical windows are centres of the kept training windows ([`super::kept_windows`]), chosen by k-means++ and
//! moved by Lloyd's steps as those of an archive are. What is expected of a row is the newest row of the nearest
//! centre; its error is the distance of the whole window, a row, in deviations of the kept values. Each feature
//! has centres of its own.
//!
//! Shapes: window `[row]`, oldest first → one expectation. Units: those of the feature.
//! Source: Yairi, Kato and Hori 2001, "Fault detection by mining association rules from house-keeping data";
//! Arthur and Vassilvitskii, SODA 2007, "k-means++". We differ: a window counts for its last row only, so that no
//! score waits for later rows.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Expectation;
use super::kept_windows::{Gathered, KeptWindows};
use crate::archive::{centres_of, nearest_centre};

/// `[detector.k_means]`: `rows` 30, `clusters` 20, `seed` 42.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KMeans {
    /// Rows of a window.
    pub rows: NonZeroUsize,
    /// Typical windows.
    pub clusters: NonZeroUsize,
    /// Of the first centres.
    pub seed: u64,
}

impl Default for KMeans {
    fn default() -> Self {
        const ROWS: NonZeroUsize = NonZeroUsize::new(30).unwrap();
        const CLUSTERS: NonZeroUsize = NonZeroUsize::new(20).unwrap();
        Self { rows: ROWS, clusters: CLUSTERS, seed: 42 }
    }
}

impl KMeans {
    pub(super) fn learn(&self, gathered: &Gathered) -> KeptWindows {
        gathered.keep_as(|windows| centres_of(windows, self.clusters.get(), self.seed))
    }
}

/// `None` unless all rows of the window are there.
pub(super) fn expect(centres: &KeptWindows, past: &[f64], value: f64) -> Option<Expectation> {
    let window = centres.window(past, value)?;
    let (nearest, square) = nearest_centre(&centres.windows, &window, 0);
    centres.expectation(nearest, square)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::tests::{
        distances, is_silent_where_nothing_varies_or_is_missing, trained,
    };
    use crate::baseline::{Baseline, FittedBaseline};

    fn baseline(rows: usize, clusters: usize) -> Baseline {
        let [rows, clusters] = [rows, clusters].map(|n| NonZeroUsize::new(n).unwrap());
        Baseline::KMeans(KMeans { rows, clusters, seed: 1 })
    }

    #[test]
    fn two_shapes_by_hand() {
        // Pairs of 0 4 0 4 … are (0, 4) and (4, 0), which are the centres; values deviate by 2.
        let values: Vec<f64> = (0..101).map(|k| f64::from(k % 2) * 4.0).collect();
        let fitted = trained(baseline(2, 2), &values, 999);
        // (4, 0), (0, 1), (1, 7): 0, 3 from (0, 4), √(1 + 9) from it, over √2 rows and 2.
        let found = distances(&fitted, &[4.0, 0.0, 1.0, 7.0]);
        let expected = [0.0, 3.0 / 8.0_f64.sqrt(), 10.0_f64.sqrt() / 8.0_f64.sqrt()];
        assert!(found[0].is_none());
        for (found, expected) in found[1..].iter().zip(expected) {
            assert!((found.unwrap() - expected).abs() < 1e-14, "{found:?} {expected}");
        }
    }

    #[test]
    fn distances_agree_with_scikit_learn() {
        let golden = crate::baseline::tests::golden();
        let values = &golden.values;
        let FittedBaseline::KMeans { centres, .. } = trained(baseline(8, 6), values, 299) else {
            panic!()
        };
        // Centres are a matter of draws; where they are those that scikit-learn found, from its own.
        assert_eq!(centres.pooled[0].windows.len(), golden.centres.len());
        let mut theirs = centres.pooled[0].clone();
        theirs.windows = golden.centres;
        for (row_idx, expected) in golden.to_centres {
            let found = expect(&theirs, &values[..row_idx], values[row_idx]).unwrap();
            // Sums of eight squares of numbers below 3.
            assert!((found.distance.unwrap() - expected).abs() < 1e-12, "{row_idx}: {found:?}");
        }
        // Ours explain as much of the training windows, within a tenth: Lloyd's steps end in some optimum.
        let mean_square: f64 = (7..300)
            .map(|row| expect(&centres.pooled[0], &values[..row], values[row]).unwrap())
            .map(|found| found.distance.unwrap().powi(2))
            .sum::<f64>()
            / 293.0;
        assert!(mean_square < 1.1 * golden.mean_square, "{mean_square} {}", golden.mean_square);
    }

    #[test]
    fn degenerate_series_have_no_scale_and_holes_no_score() {
        is_silent_where_nothing_varies_or_is_missing(baseline(3, 99));
    }

    proptest! {
        #[test]
        fn distances_do_not_depend_on_the_unit_nor_on_later_rows(
            values in prop::collection::vec(-9_i32..9, 12..60),
        ) {
            let in_units = |unit: f64| -> Vec<f64> { values.iter().map(|&v| f64::from(v) * unit).collect() };
            let (plain, scaled) = (in_units(1.0), in_units(1024.0));
            let fitted = trained(baseline(4, 3), &plain, 99);
            let found = distances(&fitted, &plain);
            prop_assert_eq!(&found, &distances(&trained(baseline(4, 3), &scaled, 99), &scaled));
            let n = plain.len() / 2;
            prop_assert_eq!(&found[..n], &distances(&fitted, &plain[..n])[..]);
        }
    }
}
