//! Principal components of windows: what the usual shapes of a window do not explain.
//!
//! Each feature's windows of two periods, one a row, are centred and projected on their first principal
//! components; a row's squared error is the mean of its squared residuals in all windows that cover it, and
//! of several features the sum; then [`Standardised::smoothed`]. Every feature has components of its own.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: Aggarwal 2017, "Outlier Analysis", §3.3, of windows. We differ: residuals are merged to points
//! as squares, and the number of components follows from their share of the variance.

use std::num::NonZeroUsize;

use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};

use super::Standardised;
use crate::range::Quantile;
use crate::statistics::to_real;

/// `[detector.window_pca]`: `variance` .9.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowPca {
    /// As many components as reach this share of the windows' variance.
    pub variance: Quantile,
    /// So many components instead, whatever they explain.
    pub components: Option<NonZeroUsize>,
}

/// 90 % of the variance did better on development series than three components.
impl Default for WindowPca {
    fn default() -> Self {
        Self { variance: Quantile::NINE_TENTHS, components: None }
    }
}

impl WindowPca {
    pub(super) fn score(&self, series: &Standardised) -> Vec<f64> {
        let length = series.double_window();
        let mut squares = vec![0.0; series.len()];
        for column in series.columns() {
            if let Some(components) = self.fit(column, length) {
                components.add_residuals(column, &mut squares);
            }
        }
        series.smoothed(&squares)
    }

    /// `None` where there is no window, or the decomposition does not converge.
    fn fit(&self, column: &[f64], length: usize) -> Option<Components> {
        let (mean, covariance) = window_moments(column, length)?;
        let variance = covariance.trace();
        let eigen = SymmetricEigen::try_new(covariance, f64::EPSILON, 0)?;
        let mut order: Vec<usize> = (0..length).collect();
        // A stable sort: equal eigenvalues stay in the decomposition's order.
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let kept = match self.components {
            Some(components) => components.get().min(length),
            None => {
                reach(order.iter().map(|&k| eigen.eigenvalues[k]), self.variance.get() * variance)
            }
        };
        let (kept, left) = order.split_at(kept);
        // Whichever are fewer are computed with: a window is the sum of both parts.
        let (axes, part) =
            if kept.len() <= left.len() { (kept, Part::Kept) } else { (left, Part::Left) };
        let columns = axes.iter().map(|&k| eigen.eigenvectors.column(k));
        let axes = columns.flat_map(|column| column.iter().copied().collect::<Vec<_>>()).collect();
        Some(Components { mean, axes, part })
    }
}

/// How many of the descending `sizes` sum to at least `goal`.
fn reach(sizes: impl Iterator<Item = f64>, goal: f64) -> usize {
    let mut sum = 0.0;
    let short = |size: &f64| {
        let is_short = sum < goal;
        sum += size.max(0.0);
        is_short
    };
    sizes.take_while(short).count()
}

/// Mean window and covariance of all windows, `[offset]` and `[offset, offset]`.
///
/// The sum of products of the offsets a and b differs from that of a − 1 and b − 1 by one product at
/// either end, so that only the first row is summed over all windows.
fn window_moments(column: &[f64], length: usize) -> Option<(Vec<f64>, DMatrix<f64>)> {
    let n_windows = (column.len() + 1).checked_sub(length).filter(|&n| n > 0 && length > 0)?;
    let n = to_real(n_windows);
    let mean: Vec<f64> =
        (0..length).map(|a| column[a..a + n_windows].iter().sum::<f64>() / n).collect();
    let mut covariance = DMatrix::zeros(length, length);
    for lag in 0..length {
        let mut sum = dot(&column[..n_windows], &column[lag..lag + n_windows]);
        for (a, b) in (0..length - lag).map(|a| (a, a + lag)) {
            if a > 0 {
                let (last_a, last_b) = (a + n_windows - 1, b + n_windows - 1);
                sum += column[last_a] * column[last_b] - column[a - 1] * column[b - 1];
            }
            covariance[(a, b)] = sum / n - mean[a] * mean[b];
            covariance[(b, a)] = covariance[(a, b)];
        }
    }
    Some((mean, covariance))
}

/// Sum of products in a fixed order: eight lanes, so that the processor adds them in parallel.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.zip(b) {
        for k in 0..LANES {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// The mean window and some components, `[component][offset]`, one after the other.
struct Components {
    mean: Vec<f64>,
    axes: Vec<f64>,
    part: Part,
}

/// Which components those are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those that explain a window: what they do not reach is the residual.
    Kept,
    /// All others: they are the residual.
    Left,
}

impl Components {
    /// Adds to `squares` each row's mean squared residual over the windows that cover it.
    fn add_residuals(&self, column: &[f64], squares: &mut [f64]) {
        let length = self.mean.len();
        let n_windows = column.len() + 1 - length;
        let mut sums = vec![0.0; column.len()];
        let (mut centred, mut residual) = (vec![0.0; length], vec![0.0; length]);
        for first in 0..n_windows {
            let window = &column[first..first + length];
            for ((centred, value), mean) in centred.iter_mut().zip(window).zip(&self.mean) {
                *centred = value - mean;
            }
            self.project(&centred, &mut residual);
            for (sum, residual) in sums[first..first + length].iter_mut().zip(&residual) {
                *sum += residual * residual;
            }
        }
        for (row_idx, (square, sum)) in squares.iter_mut().zip(sums).enumerate() {
            let covering = (row_idx + 1).min(length).min(n_windows).min(column.len() - row_idx);
            *square += sum / to_real(covering);
        }
    }

    /// The part of a centred window that the kept components do not explain.
    fn project(&self, centred: &[f64], residual: &mut [f64]) {
        let sign = match self.part {
            Part::Kept => {
                residual.copy_from_slice(centred);
                -1.0
            }
            Part::Left => {
                residual.fill(0.0);
                1.0
            }
        };
        for axis in self.axes.chunks_exact(centred.len()) {
            let share = sign * dot(centred, axis);
            for (residual, axis) in residual.iter_mut().zip(axis) {
                *residual += share * axis;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    /// 16 rows: windows of four.
    fn of(pca: WindowPca, values: &[f64]) -> Vec<f64> {
        scores(&Archive::WindowPca(pca), values, 10)
    }

    #[test]
    fn covariance_of_windows_by_hand() {
        // Windows of two of 1 2 4 7: (1, 2), (2, 4), (4, 7). Means 7/3, 13/3; deviations −4/3 −1/3 5/3 and
        // −7/3 −1/3 8/3: sums of products 42/9, 69/9, 114/9.
        let (mean, covariance) = window_moments(&[1.0, 2.0, 4.0, 7.0], 2).unwrap();
        assert_eq!(mean, [7.0 / 3.0, 13.0 / 3.0]);
        for (entry, sum) in [((0, 0), 42.0), ((0, 1), 69.0), ((1, 0), 69.0), ((1, 1), 114.0)] {
            // Products near 50 are subtracted from each other.
            assert!((covariance[entry] - sum / 27.0).abs() < 1e-14, "{covariance}");
        }
        assert!(window_moments(&[1.0], 2).is_none());
    }

    #[test]
    fn the_fewest_components_that_reach_the_share_are_kept() {
        let reach = |goal| reach([6.0, 3.0, 1.0, 0.0, -1e-18].into_iter(), goal);
        assert_eq!([reach(0.0), reach(6.0), reach(6.1), reach(9.0), reach(10.0)], [0, 1, 2, 2, 3]);
    }

    #[test]
    fn what_one_component_explains_has_no_residual() {
        // Windows of an alternating series are ±(1, −1, 1, −1): one direction.
        let values: Vec<f64> = (0..16).map(|k| f64::from(k % 2)).collect();
        let one = WindowPca { components: NonZeroUsize::new(1), ..WindowPca::default() };
        assert!(of(one, &values).iter().all(|&score| score < 1e-7));
        let mut odd = values.clone();
        odd[8] = 0.5;
        let scores = of(one, &odd);
        assert!(scores[8] > 0.1 && scores[8] > scores[0], "{scores:?}");
    }

    #[test]
    fn all_components_explain_everything() {
        let values: Vec<f64> = (0..60).map(|k| f64::from(k * k % 17)).collect();
        let all = WindowPca { components: NonZeroUsize::new(99), ..WindowPca::default() };
        assert_eq!(of(all, &values), [0.0; 60]);
    }

    #[test]
    fn both_ways_to_a_residual_agree() {
        // A third of the components are kept, or two thirds are left: computed from either.
        let values: Vec<f64> = (0..60).map(|k| f64::from(k * k % 17)).collect();
        let pca = WindowPca { components: NonZeroUsize::new(3), ..WindowPca::default() };
        let kept = pca.fit(&values, 9).unwrap();
        let most = WindowPca { components: NonZeroUsize::new(6), ..pca }.fit(&values, 9).unwrap();
        assert!(kept.part == Part::Kept && most.part == Part::Left);
        let (_, covariance) = window_moments(&values, 9).unwrap();
        let eigen = SymmetricEigen::new(covariance);
        for (components, n_kept) in [(kept, 3), (most, 6)] {
            let mut order: Vec<usize> = (0..9).collect();
            order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
            let centred: Vec<f64> =
                values[20..29].iter().zip(&components.mean).map(|(x, m)| x - m).collect();
            let mut found = vec![0.0; 9];
            components.project(&centred, &mut found);
            let mut expected = centred.clone();
            for &k in &order[..n_kept] {
                let axis: Vec<f64> = eigen.eigenvectors.column(k).iter().copied().collect();
                let share = dot(&centred, &axis);
                expected.iter_mut().zip(&axis).for_each(|(e, axis)| *e -= share * axis);
            }
            for (found, expected) in found.iter().zip(&expected) {
                // Numbers near 10, nine of them.
                assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn more_components_never_raise_a_residual(
            values in prop::collection::vec(-9.0_f64..9.0, 40..80),
            n in 1_usize..8,
        ) {
            let fit = |n| {
                let pca = WindowPca { components: NonZeroUsize::new(n), ..WindowPca::default() };
                let mut squares = vec![0.0; values.len()];
                pca.fit(&values, 9).unwrap().add_residuals(&values, &mut squares);
                squares.iter().sum::<f64>()
            };
            // The sum over points weighs the residuals of windows alike but at the ends.
            prop_assert!(fit(9) < 1e-12);
            prop_assert!(fit(n).is_finite() && fit(n) >= 0.0);
        }
    }
}
