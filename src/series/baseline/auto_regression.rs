//! Autoregression: the next value from the last ones, by least squares over training windows.
//!
//! The scale is the deviation of the residuals of the training windows. Each feature has coefficients of its
//! own; a row is given an expectation where all `order` rows before it are there.
//!
//! Shapes: past `[row]`, oldest first → one expectation. Units: those of the feature.
//! Source: Box and Jenkins 1970, "Time Series Analysis", chapter 7, conditional least squares.

use std::num::NonZeroUsize;

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::Expectation;
use super::training_windows::{WindowMoments, residual_deviation};
use crate::least_squares::least_squares;

/// `[detector.auto_regression]`: `order` 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoRegression {
    /// Rows before that a row is regressed on.
    pub order: NonZeroUsize,
}

impl Default for AutoRegression {
    fn default() -> Self {
        const ORDER: NonZeroUsize = NonZeroUsize::new(20).unwrap();
        Self { order: ORDER }
    }
}

/// Coefficients of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// What is expected where all rows before are 0.
    constant: f64,
    /// `[row]`, of the oldest row first.
    coefficients: Vec<f64>,
    /// Deviation of the training residuals; 0 where nothing was left to explain.
    deviation: f64,
}

impl Regression {
    /// Of windows of `order + 1` rows, the last of which is regressed on the others.
    pub(super) fn learn(windows: &WindowMoments) -> Self {
        let covariance = windows.covariance();
        let order = covariance.nrows().saturating_sub(1);
        let among = covariance.view((0, 0), (order, order)).into_owned();
        let with =
            DVector::from_iterator(order, covariance.column(order).iter().copied().take(order));
        let coefficients = least_squares(among.clone(), &with).unwrap_or_else(|| vec![0.0; order]);
        let solution = DVector::from_column_slice(&coefficients);
        let whole = covariance[(order, order)];
        let residual = whole - 2.0 * solution.dot(&with) + solution.dot(&(among * &solution));
        let explained: f64 = windows
            .mean
            .iter()
            .zip(&coefficients)
            .map(|(mean, coefficient)| mean * coefficient)
            .sum();
        Self {
            constant: windows.mean[order] - explained,
            coefficients,
            deviation: residual_deviation(residual, whole),
        }
    }

    /// `None` unless all rows are there.
    pub(super) fn expect(&self, past: &[f64]) -> Option<Expectation> {
        let first = past.len().checked_sub(self.coefficients.len())?;
        let terms = past[first..].iter().zip(&self.coefficients).map(|(value, c)| value * c);
        let expected = self.constant + terms.sum::<f64>();
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

    fn fit(order: usize, values: &[f64], train_to: i32) -> FittedBaseline {
        let order = NonZeroUsize::new(order).unwrap();
        let baseline = Baseline::AutoRegression(AutoRegression { order });
        let mut fit = BaselineFit::new(baseline, Scope::Pooled, 1);
        fit.add("A", &OwnedHistory::new(values, 1, 1).view(), &split(train_to));
        fit.finish().unwrap()
    }

    fn expect(fitted: &FittedBaseline, values: &[f64]) -> Vec<Option<Expectation>> {
        fitted.expect("A", &OwnedHistory::new(values, 1, 1).view())
    }

    #[test]
    fn a_regression_on_one_row_by_hand() {
        // Pairs of 0 1 0 1 2: (0, 1), (1, 0), (0, 1), (1, 2). The mean is 1 after 0 and after 1: x̂ = 1;
        // residuals 0 −1 0 1, deviation √(2/4).
        let fitted = fit(1, &[0.0, 1.0, 0.0, 1.0, 2.0], 9);
        let found = expect(&fitted, &[5.0, 5.0, f64::NAN, 5.0]);
        assert!(found[0].is_none() && found[3].is_none());
        let second = found[1].unwrap();
        assert!((second.expected - 1.0).abs() < 1e-14, "{second:?}");
        assert!((second.scale - 0.5_f64.sqrt()).abs() < 1e-14, "{second:?}");
    }

    #[test]
    fn coefficients_agree_with_numpy() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(80.)**2); w=np.lib.stride_tricks.sliding_window_view(x,4); A=np.c_[np.ones(77),w[:,:3]]; c=np.linalg.lstsq(A,w[:,3])[0]; print(c.tolist(), (w[:,3]-A@c).std())"
        let values: Vec<f64> = (0..80).map(|k| f64::from(k * k).sin()).collect();
        let FittedBaseline::AutoRegression { regressions, .. } = fit(3, &values, 99) else {
            panic!()
        };
        let found = &regressions.pooled[0];
        let numbers =
            [found.constant, found.coefficients[0], found.coefficients[1], found.coefficients[2]];
        for (found, expected) in numbers.iter().zip(GOLDEN) {
            // 77 products near 1, a well-conditioned system.
            assert!((found - expected).abs() < 1e-13, "{found} {expected}");
        }
        assert!((found.deviation - GOLDEN_DEVIATION).abs() < 1e-13, "{}", found.deviation);
    }

    const GOLDEN: [f64; 4] =
        [0.009821294671066684, 0.02851149014046638, -0.03285099556355307, -0.05928028261070714];
    const GOLDEN_DEVIATION: f64 = 0.7156041517156628;

    #[test]
    fn later_rows_teach_nothing() {
        let mut values: Vec<f64> = (0..80).map(|k| f64::from(k * k).sin()).collect();
        let before = fit(3, &values, 49);
        values[50..].fill(1e6);
        assert_eq!(fit(3, &values, 49), before);
    }

    #[test]
    fn a_series_without_a_residual_has_no_scale_and_so_no_expectation() {
        for values in [vec![0.1; 60], (0..60).map(|k| f64::from(k % 2)).collect::<Vec<f64>>()] {
            let fitted = fit(2, &values, 99);
            assert!(expect(&fitted, &values).iter().all(Option::is_none), "{fitted:?}");
        }
    }

    proptest! {
        #[test]
        fn a_shifted_series_keeps_its_z_scores(
            values in prop::collection::vec(-9_i32..9, 30..60),
            shift in -1000_i32..1000,
        ) {
            let z = |shift: i32| {
                let values: Vec<f64> = values.iter().map(|v| f64::from(v + shift)).collect();
                let found = expect(&fit(2, &values, 99), &values);
                let z = |(e, v): (Option<Expectation>, f64)| e.map_or(0.0, |e| (v - e.expected) / e.scale);
                found.into_iter().zip(values).map(z).collect::<Vec<f64>>()
            };
            for (plain, shifted) in z(0).into_iter().zip(z(shift)) {
                // Deviations of numbers near 1000; a system of two terms may be near singular.
                prop_assert!((plain - shifted).abs() < 1e-5 * plain.abs().max(1.0));
            }
        }
    }
}
