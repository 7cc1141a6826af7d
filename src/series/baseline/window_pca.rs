//! Principal components of windows: a row against what the usual shapes of a window make of it.
//!
//! The components are those of training windows, the fewest that reach a share of their variance. A window that
//! ends in a row is projected on them, and the row's own place in the projection is what is expected of it;
//! the scale is the deviation of that residual in training windows. Each feature has components of its own.
//!
//! Shapes: window `[row]`, oldest first → one expectation. Units: those of the feature.
//! Source: Aggarwal 2017, "Outlier Analysis", §3.3, of windows; of their last row only, so that no score waits
//! for later rows.

use nalgebra::SymmetricEigen;
use serde::{Deserialize, Serialize};

use super::Expectation;
use super::training_windows::{WindowMoments, residual_deviation};
use crate::range::{OutOfRange, Quantile};
use crate::statistics::to_real;

/// `[detector.window_pca]`: `rows` 30, `variance` .9.
///
/// Invariant: `rows >= 2`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct WindowPca {
    rows: usize,
    variance: Quantile,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    rows: usize,
    variance: Quantile,
}

impl Default for Settings {
    fn default() -> Self {
        WindowPca::default().into()
    }
}

impl Default for WindowPca {
    fn default() -> Self {
        Self { rows: 30, variance: Quantile::NINE_TENTHS }
    }
}

impl TryFrom<Settings> for WindowPca {
    type Error = OutOfRange;

    fn try_from(settings: Settings) -> Result<Self, OutOfRange> {
        Self::new(settings.rows, settings.variance)
    }
}

impl From<WindowPca> for Settings {
    fn from(WindowPca { rows, variance }: WindowPca) -> Self {
        Self { rows, variance }
    }
}

impl WindowPca {
    /// Windows of `rows` rows, and the components that reach a share of `variance`.
    ///
    /// # Errors
    /// Unless `rows >= 2`.
    pub fn new(rows: usize, variance: Quantile) -> Result<Self, OutOfRange> {
        if rows >= 2 {
            Ok(Self { rows, variance })
        } else {
            Err(OutOfRange { what: "rows", expected: "rows >= 2", found: to_real(rows) })
        }
    }

    /// Rows of a window.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn learn(&self, windows: &WindowMoments) -> Subspace {
        let covariance = windows.covariance();
        let last = covariance.nrows() - 1;
        let (total, whole) = (covariance.trace(), covariance[(last, last)]);
        let eigen = SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..=last).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let (mut reached, mut residual, mut axes) = (0.0, 0.0, Vec::new());
        for k in order {
            let (size, axis) = (eigen.eigenvalues[k].max(0.0), eigen.eigenvectors.column(k));
            if reached < self.variance.get() * total {
                axes.push(axis.iter().copied().collect());
            } else {
                residual += size * axis[last] * axis[last];
            }
            reached += size;
        }
        let mean = windows.mean.iter().copied().collect();
        Subspace { mean, axes, deviation: residual_deviation(residual, whole) }
    }
}

/// Components of one feature's windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subspace {
    /// The mean window, `[row]`.
    mean: Vec<f64>,
    /// `[component][row]`, orthonormal.
    axes: Vec<Vec<f64>>,
    /// Of the last row's residual in training windows; 0 where there is none.
    deviation: f64,
}

impl Subspace {
    /// What the components make of `value` after `past`; `None` unless all rows are there.
    pub(super) fn expect(&self, past: &[f64], value: f64) -> Option<Expectation> {
        let first = (past.len() + 1).checked_sub(self.mean.len())?;
        let window = past[first..].iter().chain([&value]);
        let centred: Vec<f64> = window.zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let part = |axis: &Vec<f64>| {
            let share: f64 = centred.iter().zip(axis).map(|(value, axis)| value * axis).sum();
            axis.last().map_or(0.0, |last| share * last)
        };
        let expected = self.mean.last()? + self.axes.iter().map(part).sum::<f64>();
        expected.is_finite().then_some(Expectation::new(expected, self.deviation))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::training_windows::tests::split;
    use crate::baseline::{Baseline, BaselineFit, FittedBaseline};
    use crate::by_ticker::Scope;
    use crate::history::tests::OwnedHistory;

    fn fit(rows: usize, share: f64, values: &[f64], train_to: i32) -> FittedBaseline {
        let share = Quantile::try_from(share).unwrap();
        let baseline = Baseline::WindowPca(WindowPca::new(rows, share).unwrap());
        let mut fit = BaselineFit::new(baseline, Scope::Pooled, 1);
        fit.add("A", &OwnedHistory::new(values, 1, 1).view(), &split(train_to));
        fit.finish().unwrap()
    }

    fn expect(fitted: &FittedBaseline, values: &[f64]) -> Vec<Option<Expectation>> {
        fitted.expect("A", &OwnedHistory::new(values, 1, 1).view())
    }

    #[test]
    fn a_plane_of_two_rows_by_hand() {
        // Pairs of 0 3 1 −3 −1 0 …: chosen as windows (−1, −1), (1, 1), (−1, −1), (1, 1), (2, −2)/… would be
        // no series; of 1 1 −1 −1, repeated, the pairs (1, 1), (1, −1), (−1, −1), (−1, 1) vary alike in both
        // directions, so that one component explains exactly half: at a share of .4 the residual of the last
        // row has the variance ½.
        let values: Vec<f64> = (0..101).map(|k| [1.0, 1.0, -1.0, -1.0][k % 4]).collect();
        let FittedBaseline::WindowPca { subspaces, .. } = fit(2, 0.4, &values, 999) else {
            panic!()
        };
        let found = &subspaces.pooled[0];
        assert_eq!(found.axes.len(), 1);
        assert!((found.mean[0]).abs() < 1e-14 && (found.mean[1]).abs() < 1e-14);
        // The two eigenvalues are equal up to rounding, the eigenvectors (1, ±1)/√2 or the axes: the residual
        // of the last row is 1 − axis₁² of its variance 1.
        let expected = (1.0 - found.axes[0][1].powi(2)).sqrt();
        assert!((found.deviation - expected).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn a_line_of_windows_expects_its_own_continuation() {
        // Windows of an alternating series are ±(1, −1, 1): after −1, 1 a 1 is half explained.
        let mut values: Vec<f64> = (0..200).map(|k| f64::from(k % 2) * 2.0 - 1.0).collect();
        values[100] = 1.5;
        let fitted = fit(3, 0.9, &values, 999);
        let found = expect(&fitted, &values);
        assert!(found[0].is_none() && found[1].is_none());
        let usual = (values[50] - found[50].unwrap().expected).abs() / found[50].unwrap().scale;
        let odd = (values[100] - found[100].unwrap().expected).abs() / found[100].unwrap().scale;
        assert!(odd > 5.0 && usual < 1.0, "{odd} {usual}");
    }

    #[test]
    fn expectations_agree_with_numpy() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(200.)**2*.01); w=np.lib.stride_tricks.sliding_window_view(x,8); m=w.mean(0); u,s,v=np.linalg.svd(w-m,full_matrices=False); k=int(np.argmax(np.cumsum(s**2)/np.sum(s**2)>=.9))+1; r=(w-m)-(w-m)@v[:k].T@v[:k]; e=w-r; print(k,[float(e[i,-1]) for i in (0,100,192)], float(r[:,-1].std()))"
        let values: Vec<f64> = (0..200).map(|k| (f64::from(k * k) * 0.01).sin()).collect();
        let fitted = fit(8, 0.9, &values, 999);
        let found = expect(&fitted, &values);
        for (row_idx, expected) in [7, 107, 199].into_iter().zip(GOLDEN) {
            let found = found[row_idx].unwrap();
            // A decomposition of a matrix of numbers near 1.
            assert!((found.expected - expected).abs() < 1e-12, "{found:?} {expected}");
            assert!((found.scale - GOLDEN_DEVIATION).abs() < 1e-12, "{found:?}");
        }
    }

    const GOLDEN: [f64; 3] = [0.3615525596849297, 0.9685424419424643, 0.15935267482907717];
    const GOLDEN_DEVIATION: f64 = 0.15923683775921058;

    #[test]
    fn degenerate_series_have_no_scale() {
        let constant = fit(3, 0.9, &[0.1; 40], 99);
        assert!(expect(&constant, &[0.1; 40]).iter().all(Option::is_none));
        assert!(WindowPca::new(1, Quantile::default()).is_err());
        let fitted = fit(3, 0.5, &(0..40).map(|k| f64::from(k * k % 7)).collect::<Vec<_>>(), 99);
        let found = expect(&fitted, &[1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0]);
        assert_eq!(
            found.iter().map(Option::is_some).collect::<Vec<_>>(),
            [false, false, false, false, false, true]
        );
    }

    proptest! {
        #[test]
        fn a_scaled_series_keeps_its_z_scores(values in prop::collection::vec(-9_i32..9, 30..60)) {
            let z = |unit: f64| {
                let values: Vec<f64> = values.iter().map(|&v| f64::from(v) * unit).collect();
                let found = expect(&fit(4, 0.7, &values, 99), &values);
                let z = |(e, v): (Option<Expectation>, f64)| e.map_or(0.0, |e| (v - e.expected) / e.scale);
                found.into_iter().zip(values).map(z).collect::<Vec<f64>>()
            };
            for (plain, scaled) in z(1.0).into_iter().zip(z(1024.0)) {
                // By a power of two; the decomposition stops by a tolerance of its own.
                prop_assert!((plain - scaled).abs() < 1e-6 * plain.abs().max(1.0));
            }
        }
    }
}
