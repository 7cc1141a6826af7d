//! Polynomial: what a curve through the neighbourhood does not foretell.
//!
//! Each stretch of one period is held against a polynomial of `degree` 4 through up to five periods of rows on
//! either side of it, itself left out; the squared residuals, of several features summed, become scores by
//! [`Standardised::smoothed`]. At either end of the series the curve has one side only.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: `POLY` of TSB-UAD (Paparrizos et al., VLDB 2022), Li, Ma and Liu, SDM 2007. We differ: the first
//! tenth of the series is scored too, stretches and reach follow the period, and errors are smoothed.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::Standardised;
use crate::least_squares::least_squares;
use crate::statistics::to_real;

/// Periods of neighbourhood on either side.
const REACH: usize = 5;

/// `[detector.polynomial]`: `degree` 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Polynomial {
    /// 0 is the neighbourhood's mean, 1 a line.
    pub degree: u8,
}

impl Default for Polynomial {
    fn default() -> Self {
        Self { degree: 4 }
    }
}

impl Polynomial {
    pub(super) fn score(&self, series: &Standardised) -> Vec<f64> {
        let (n_rows, length) = (series.len(), series.period());
        let mut squares = vec![0.0; n_rows];
        for first in (0..n_rows).step_by(length) {
            let last = n_rows.min(first + length);
            for column in series.columns() {
                let guesses = self.guess(column, first, last, REACH * length);
                for (row_idx, guess) in (first..last).zip(guesses) {
                    squares[row_idx] += (column[row_idx] - guess).powi(2);
                }
            }
        }
        series.smoothed(&squares)
    }

    /// Of the rows `first..last` from those within `reach` of them; none without neighbours.
    fn guess(&self, column: &[f64], first: usize, last: usize, reach: usize) -> Vec<f64> {
        let before = first.saturating_sub(reach)..first;
        let neighbours: Vec<usize> = before.chain(last..column.len().min(last + reach)).collect();
        let n_terms = (usize::from(self.degree) + 1).min(neighbours.len());
        // The stretch and its reach lie within −1.1 … 1.1, so that powers stay near 1.
        let middle = to_real(first + last - 1) / 2.0;
        let place = |row_idx: usize| (to_real(row_idx) - middle) / to_real(reach);
        let design = DMatrix::from_fn(neighbours.len(), n_terms, |k, term| {
            power(place(neighbours[k]), term)
        });
        let target =
            DVector::from_iterator(neighbours.len(), neighbours.iter().map(|&k| column[k]));
        let Some(coefficients) = least_squares(design, &target) else { return Vec::new() };
        let guess =
            |row_idx| coefficients.iter().rev().fold(0.0, |sum, c| sum * place(row_idx) + c);
        (first..last).map(guess).collect()
    }
}

fn power(base: f64, exponent: usize) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    #[test]
    fn a_polynomial_of_that_degree_has_no_residual() {
        let curve = |k: i32| f64::from(k).powi(4) * 1e-6 - f64::from(k * k) * 0.01 + f64::from(k);
        let values: Vec<f64> = (0..200).map(curve).collect();
        let found = scores(&Archive::Polynomial(Polynomial { degree: 4 }), &values, 20);
        // One-sided fits at the ends lose some digits.
        assert!(found.iter().all(|&score| score < 1e-9), "{found:?}");
        let line = scores(&Archive::Polynomial(Polynomial { degree: 1 }), &values, 20);
        assert!(line[100] > 1e-3);
    }

    #[test]
    fn degree_0_is_the_mean_of_the_neighbourhood() {
        // Rows 2..4 from the rows within two of them: the mean of 1 3 5 7.
        let column = [1.0, 3.0, 90.0, 90.0, 5.0, 7.0, 99.0];
        assert_eq!(Polynomial { degree: 0 }.guess(&column, 2, 4, 2).len(), 2);
        for guess in (Polynomial { degree: 0 }).guess(&column, 2, 4, 2) {
            assert!((guess - 4.0).abs() < 1e-14, "{guess}");
        }
        // At the end there is one side only, and without neighbours there is no guess.
        assert!((Polynomial { degree: 0 }.guess(&column, 6, 7, 2)[0] - 6.0).abs() < 1e-14);
        assert!(Polynomial { degree: 4 }.guess(&column, 0, 7, 5).is_empty());
    }

    #[test]
    fn few_neighbours_lower_the_degree() {
        // Two neighbours are a line: 1 at row 1, 3 at row 3, so 2 at row 2.
        let guess = Polynomial { degree: 4 }.guess(&[9.0, 1.0, 50.0, 3.0, 9.0], 2, 3, 1);
        assert!((guess[0] - 2.0).abs() < 1e-14, "{guess:?}");
    }
}
