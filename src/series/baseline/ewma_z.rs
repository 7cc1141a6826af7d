//! EWMA z: a return over its exponentially weighted volatility of the rows before.
//!
//! σ² = Σ λᵏ x²₋₁₋ₖ / Σ λᵏ over the present rows among the last `rows`; the expectation is 0. Each
//! frame is summed afresh from the newest row back, so that its bits do not depend on where the read
//! started.
//!
//! Shapes: past `[row]`, oldest first, NaN = missing → one expectation. Units: those of the values.
//! Source: RiskMetrics Technical Document, J.P. Morgan 1996, §5.2. We differ: the sum is truncated to
//! `rows` rows and divided by the sum of the weights that took part.

use serde::{Deserialize, Serialize};

use super::Expectation;
use crate::range::{Lambda, Lookback, OutOfRange};

/// `[detector.ewma_z]`: `lambda` .94, `rows` 250, `min_rows` 20.
///
/// Invariant: `1 <= min_rows <= rows`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct EwmaZ {
    lambda: Lambda,
    lookback: Lookback,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    lambda: Lambda,
    rows: usize,
    min_rows: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lambda: Lambda::default(), rows: 250, min_rows: 20 }
    }
}

impl Default for EwmaZ {
    fn default() -> Self {
        Self { lambda: Lambda::default(), lookback: Lookback { rows: 250, min_rows: 20 } }
    }
}

impl TryFrom<Settings> for EwmaZ {
    type Error = OutOfRange;

    fn try_from(settings: Settings) -> Result<Self, OutOfRange> {
        Self::new(settings.lambda, settings.rows, settings.min_rows)
    }
}

impl From<EwmaZ> for Settings {
    fn from(ewma: EwmaZ) -> Self {
        let Lookback { rows, min_rows } = ewma.lookback;
        Self { lambda: ewma.lambda, rows, min_rows }
    }
}

impl EwmaZ {
    /// Looks back on at most `rows` rows and says nothing below `min_rows` of them.
    ///
    /// # Errors
    /// Unless `1 <= min_rows <= rows`.
    pub fn new(lambda: Lambda, rows: usize, min_rows: usize) -> Result<Self, OutOfRange> {
        Ok(Self { lambda, lookback: Lookback::new(rows, min_rows)? })
    }

    pub(super) fn lookback(&self) -> Lookback {
        self.lookback
    }

    /// Zero, give or take σ; `None` with fewer than `min_rows` present values or where σ is 0.
    pub fn expect(&self, past: &[f64]) -> Option<Expectation> {
        let (mut squares, mut weights, mut weight, mut n_rows) = (0.0, 0.0, 1.0, 0);
        for value in past.iter().rev().take(self.lookback.rows) {
            if value.is_finite() {
                squares += weight * value * value;
                weights += weight;
                n_rows += 1;
            }
            weight *= self.lambda.get();
        }
        let scale = f64::sqrt(squares / weights);
        (n_rows >= self.lookback.min_rows && scale > 0.0).then_some(Expectation::new(0.0, scale))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ewma(lambda: f64, rows: usize, min_rows: usize) -> EwmaZ {
        EwmaZ::new(Lambda::try_from(lambda).unwrap(), rows, min_rows).unwrap()
    }

    fn sigma(ewma: EwmaZ, past: &[f64]) -> Option<f64> {
        ewma.expect(past).map(|expectation| expectation.scale)
    }

    #[test]
    fn volatility_of_a_small_case() {
        // λ = ½: (1·2² + ½·4² + ¼·8²) / (1 + ½ + ¼) = 28 / 1.75 = 16, σ = 4.
        assert_eq!(sigma(ewma(0.5, 10, 1), &[8.0, 4.0, -2.0]), Some(4.0));
        // Truncated to two rows: (4 + 8) / 1.5 = 8.
        assert_eq!(sigma(ewma(0.5, 2, 1), &[8.0, 4.0, -2.0]), Some(8.0_f64.sqrt()));
        // The middle one is missing and its weight with it: (4 + 16) / 1.25 = 16.
        assert_eq!(sigma(ewma(0.5, 10, 1), &[8.0, f64::NAN, -2.0]), Some(4.0));
    }

    #[test]
    fn volatility_agrees_with_pandas() {
        // python3 -c "import numpy as np, pandas as pd; x=pd.Series(np.sin(np.arange(40.)**2)); x[7]=np.nan; print((x*x).ewm(alpha=.06).mean().iloc[-1]**.5)"
        let mut past: Vec<f64> = (0..40).map(|k| f64::from(k * k).sin()).collect();
        past[7] = f64::NAN;
        // 40 numbers near 1, another order of summation.
        let found = sigma(EwmaZ::default(), &past).unwrap();
        assert!((found - 0.6852496921731405).abs() < 1e-14, "{found}");
    }

    #[test]
    fn degenerate_pasts_expect_nothing() {
        let ewma = ewma(0.94, 250, 2);
        assert_eq!(ewma.expect(&[]), None);
        assert_eq!(ewma.expect(&[1.0]), None);
        assert_eq!(ewma.expect(&[0.0; 30]), None);
        assert_eq!(ewma.expect(&[f64::NAN; 30]), None);
        assert_eq!(ewma.expect(&[1.0, f64::NAN, f64::INFINITY]), None);
        // A constant other than 0 is its own volatility.
        assert!((sigma(ewma, &[3.0; 30]).unwrap() - 3.0).abs() < 1e-14);
    }

    proptest! {
        #[test]
        fn a_scaled_series_keeps_its_z_scores(
            past in prop::collection::vec(-1.0_f64..1.0, 20..60),
            value in -1.0_f64..1.0,
        ) {
            // By a power of two, so that nothing is rounded.
            let scaled: Vec<f64> = past.iter().map(|x| x * 1024.0).collect();
            let (plain, scaled) =
                (sigma(EwmaZ::default(), &past), sigma(EwmaZ::default(), &scaled));
            prop_assert_eq!(
                plain.map(|sigma| value / sigma),
                scaled.map(|sigma| value * 1024.0 / sigma)
            );
        }

        #[test]
        fn rows_beyond_the_lookback_change_nothing(
            past in prop::collection::vec(-1.0_f64..1.0, 30..60),
        ) {
            let ewma = ewma(0.94, 25, 20);
            prop_assert_eq!(ewma.expect(&past), ewma.expect(&past[past.len() - 25..]));
        }
    }
}
