//! Polynomial: the curve through the last rows, drawn on by one row.
//!
//! A polynomial of `degree` through the last `rows` rows, by least squares; the scale is the deviation of its
//! residuals times √(1 + leverage), the deviation of a forecast. Nothing is learnt from training rows. Each of
//! the rows must be there.
//!
//! Shapes: past `[row]`, oldest first → one expectation. Units: those of the feature.
//! Source: Draper and Smith 1998, "Applied Regression Analysis", §3.1; as a detector Li, Ma and Liu, SDM 2007.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::Expectation;
use crate::range::OutOfRange;
use crate::statistics::to_real;

/// `[detector.polynomial]`: `rows` 20, `degree` 2.
///
/// Invariant: `rows >= degree + 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct Polynomial {
    rows: usize,
    degree: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    rows: usize,
    degree: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Polynomial::default().into()
    }
}

impl Default for Polynomial {
    fn default() -> Self {
        Self { rows: 20, degree: 2 }
    }
}

impl TryFrom<Settings> for Polynomial {
    type Error = OutOfRange;

    fn try_from(settings: Settings) -> Result<Self, OutOfRange> {
        Self::new(settings.rows, settings.degree)
    }
}

impl From<Polynomial> for Settings {
    fn from(Polynomial { rows, degree }: Polynomial) -> Self {
        Self { rows, degree }
    }
}

impl Polynomial {
    /// A curve of `degree` through `rows` rows, with one row to spare for its deviation.
    ///
    /// # Errors
    /// Unless `degree + 2 <= rows`.
    pub fn new(rows: usize, degree: usize) -> Result<Self, OutOfRange> {
        if rows.checked_sub(2).is_some_and(|most| degree <= most) {
            Ok(Self { rows, degree })
        } else {
            Err(OutOfRange { what: "rows", expected: "rows >= degree + 2", found: to_real(rows) })
        }
    }

    /// Rows the curve goes through.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What is the same for every row.
    pub(super) fn curve(&self) -> Option<Curve> {
        // Rows lie at −1 … 1, the next one a step beyond.
        let place = |row_idx: usize| 2.0 * to_real(row_idx) / to_real(self.rows - 1) - 1.0;
        let power =
            |base: f64, exponent: usize| (0..exponent).fold(1.0, |product, _| product * base);
        let (n_rows, n_terms) = (self.rows, self.degree + 1);
        let qr = DMatrix::from_fn(n_rows, n_terms, |row, term| power(place(row), term)).qr();
        let next = DVector::from_fn(n_terms, |term, _| power(place(n_rows), term));
        let next = qr.r().transpose().solve_lower_triangular(&next)?;
        Some(Curve { basis: qr.q(), next })
    }
}

/// Orthonormal polynomials over the rows, `[row, term]`, and their values at the next row, `[term]`.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    basis: DMatrix<f64>,
    next: DVector<f64>,
}

impl Curve {
    /// `None` unless all rows are there, and where they lie on the curve but for rounding.
    pub(super) fn expect(&self, past: &[f64]) -> Option<Expectation> {
        /// Of the largest value: residuals below are rounding.
        const LOST: f64 = 1e-12;
        let first = past.len().checked_sub(self.basis.nrows())?;
        let rows = DVector::from_column_slice(&past[first..]);
        let shares = self.basis.tr_mul(&rows);
        let residuals = &rows - &self.basis * &shares;
        let spare = to_real(self.basis.nrows() - self.basis.ncols());
        let deviation = (residuals.norm_squared() / spare).sqrt();
        let expected = self.next.dot(&shares);
        let scale = deviation * (1.0 + self.next.norm_squared()).sqrt();
        (deviation > LOST * rows.amax() && expected.is_finite())
            .then_some(Expectation::new(expected, scale))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expect(rows: usize, degree: usize, past: &[f64]) -> Option<Expectation> {
        Polynomial::new(rows, degree).unwrap().curve().unwrap().expect(past)
    }

    #[test]
    fn the_mean_and_the_line_by_hand() {
        // Degree 0 through 1 2 6: mean 3, squares 4 + 1 + 9 over two spare rows, √7 · √(1 + 1/3).
        let found = expect(3, 0, &[50.0, 1.0, 2.0, 6.0]).unwrap();
        assert!((found.expected - 3.0).abs() < 1e-14, "{found:?}");
        assert!((found.scale - (28.0_f64 / 3.0).sqrt()).abs() < 1e-14, "{found:?}");
        // The line through (0, 1), (1, 2), (2, 6) is ½ + 5/2 t: 8 at t = 3; residuals ½ −1 ½, squares 3/2
        // over one spare row; leverage 1/3 + (3 − 1)²/2 = 7/3, so √(3/2 · 10/3) = √5.
        let found = expect(3, 1, &[1.0, 2.0, 6.0]).unwrap();
        assert!((found.expected - 8.0).abs() < 1e-13, "{found:?}");
        assert!((found.scale - 5.0_f64.sqrt()).abs() < 1e-13, "{found:?}");
    }

    #[test]
    fn forecasts_agree_with_numpy() {
        // python3 -c "import numpy as np; y=np.sin(np.arange(20.)**2); c=np.polyfit(np.arange(20),y,2); print(np.polyval(c,20), ((y-np.polyval(c,np.arange(20)))**2).sum()/17)"
        let past: Vec<f64> = (0..20).map(|k| f64::from(k * k).sin()).collect();
        let found = expect(20, 2, &past).unwrap();
        let next = Polynomial::default().curve().unwrap().next.norm_squared();
        assert!((found.expected - -0.05267952066483475).abs() < 1e-12, "{found:?}");
        assert!(
            (found.scale.powi(2) / (1.0 + next) - 0.5136670474049136).abs() < 1e-12,
            "{found:?}"
        );
    }

    #[test]
    fn degenerate_pasts_expect_nothing() {
        assert_eq!(expect(4, 2, &[]), None);
        assert_eq!(expect(4, 2, &[1.0, 2.0, 3.0]), None);
        assert_eq!(expect(4, 2, &[1.0, f64::NAN, 3.0, 5.0]), None);
        // Rows on a curve of that degree leave no deviation.
        assert_eq!(expect(4, 2, &[0.1; 4]), None);
        assert_eq!(expect(20, 2, &(0..20).map(|k| f64::from(k * k)).collect::<Vec<_>>()), None);
        assert!(Polynomial::new(3, 2).is_err() && Polynomial::new(0, 0).is_err());
    }

    proptest! {
        #[test]
        fn a_curve_of_that_degree_is_added_to_the_forecast(
            past in prop::collection::vec(-9.0_f64..9.0, 20),
            [a, b, c] in prop::array::uniform3(-2.0_f64..2.0),
        ) {
            let curve = |k: f64| a + b * k + c * k * k * 0.1;
            let on: Vec<f64> = past.iter().enumerate().map(|(k, v)| v + curve(to_real(k))).collect();
            let (plain, on) = (expect(20, 2, &past).unwrap(), expect(20, 2, &on).unwrap());
            // Numbers below 100.
            prop_assert!((on.expected - plain.expected - curve(20.0)).abs() < 1e-11);
            prop_assert!((on.scale - plain.scale).abs() < 1e-11);
        }
    }
}
