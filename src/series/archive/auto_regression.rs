//! Autoregression: what the rows before do not foretell, by least squares over the whole series.
//!
//! Each feature is regressed on a constant and its `order` last values (at most a quarter of the rows); the
//! squared residuals, of several features summed, become scores by [`Standardised::smoothed`]. The first rows have residual 0.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: Box and Jenkins 1970, "Time Series Analysis", chapter 7, conditional least squares.

use std::num::NonZeroUsize;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::Standardised;
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

impl AutoRegression {
    pub(super) fn score(&self, series: &Standardised) -> Vec<f64> {
        let order = self.order.get().min(series.len() / 4);
        let mut squares = vec![0.0; series.len()];
        for column in series.columns() {
            let residuals = residuals(column, order);
            for (square, residual) in squares[order..].iter_mut().zip(residuals) {
                *square += residual * residual;
            }
        }
        series.smoothed(&squares)
    }
}

/// Residuals of the rows from `order` on; none where there is no answer.
fn residuals(column: &[f64], order: usize) -> Vec<f64> {
    let n_rows = column.len() - order;
    let design = DMatrix::from_fn(n_rows, order + 1, |row_idx, term_idx| match term_idx {
        0 => 1.0,
        lag => column[row_idx + order - lag],
    });
    let target = DVector::from_column_slice(&column[order..]);
    let Some(coefficients) = least_squares(design, &target) else { return Vec::new() };
    let residual = |row_idx: usize| {
        let past = column[row_idx - order..row_idx].iter().rev();
        let terms = past.zip(&coefficients[1..]).map(|(value, coefficient)| value * coefficient);
        column[row_idx] - coefficients[0] - terms.sum::<f64>()
    };
    (order..column.len()).map(residual).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    fn of(order: usize, values: &[f64]) -> Vec<f64> {
        let order = NonZeroUsize::new(order).unwrap();
        scores(&Archive::AutoRegression(AutoRegression { order }), values, 10)
    }

    #[test]
    fn what_follows_from_the_row_before_has_no_residual() {
        // Each value is half the one before, give or take a constant.
        let values: Vec<f64> = (0..40).map(|k| 0.5_f64.powi(k) + 3.0).collect();
        // Residuals of numbers near 1 in a well-conditioned system of two terms.
        assert!(of(1, &values).iter().all(|&score| score < 1e-13));
        // A sine is 2 cos(ω) x₁ − x₂: of 20 lags the answer is not unique, the residual is.
        let wave: Vec<f64> = (0..300).map(|k| f64::from(k).sin()).collect();
        assert!(of(20, &wave).iter().all(|&score| score < 1e-12));
    }

    #[test]
    fn residuals_of_a_small_case_by_hand() {
        // 0 1 0 1 2, order 1: pairs (0, 1), (1, 0), (0, 1), (1, 2). At 0 the mean is 1, at 1 it is 1:
        // x̂ = 1 throughout, residuals 0 −1 0 1.
        let found = residuals(&[0.0, 1.0, 0.0, 1.0, 2.0], 1);
        for (found, expected) in found.iter().zip([0.0, -1.0, 0.0, 1.0]) {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    #[test]
    fn a_kick_stands_out() {
        let mut values: Vec<f64> = (0..300).map(|k| (f64::from(k) / 5.0).sin()).collect();
        values[200] += 0.5;
        let scores = of(20, &values);
        let top = (0..300).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        // The twenty rows after it are foretold from it.
        assert!((195..=225).contains(&top), "{top}");
    }
}
