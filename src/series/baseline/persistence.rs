//! Persistence: the next value is the last one.
//!
//! Shapes: past `[row]`, oldest first → one expectation. Units: those of the feature.
//! The scale is the population standard deviation of the one-step differences of the training rows.
//! The row before must be there: persistence of an older value is another forecast.

use super::Expectation;
use crate::by_ticker::Scope;
use crate::history::History;
use crate::scale::{ScaleError, ScalerFit, Scalers, Scaling};
use crate::split::{Span, Split};

/// The last of `past`, give or take `sd`; `None` if it is missing.
pub(super) fn expect(past: &[f64], sd: f64) -> Option<Expectation> {
    past.last().filter(|value| value.is_finite()).map(|&expected| Expectation::new(expected, sd))
}

/// Collects one-step differences of training rows.
#[derive(Clone, Debug)]
pub(super) struct PersistenceFit {
    features: usize,
    differences: ScalerFit,
}

impl PersistenceFit {
    pub(super) fn new(scope: Scope, features: usize) -> Self {
        Self { features, differences: ScalerFit::new(Scaling::Standard { scope }, features) }
    }

    /// Differences within a segment, to rows of the training span, without break rows.
    pub(super) fn add(&mut self, ticker: &str, history: &History<'_>, split: &Split) {
        let follows = |&row_idx: &usize| {
            history.continues(row_idx)
                && !history.breaks[row_idx - 1]
                && split.span(history.days[row_idx]) == Span::Train
        };
        let difference = |row_idx| {
            let (before, now) = (history.row(row_idx - 1), history.row(row_idx));
            now.iter().zip(before).map(|(now, before)| now - before)
        };
        let differences: Vec<f64> =
            (0..history.len()).filter(follows).flat_map(difference).collect();
        self.differences.add_rows(ticker, differences.chunks_exact(self.features));
    }

    pub(super) fn finish(self) -> Result<Scalers, ScaleError> {
        self.differences.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::split::Spans;

    fn fit(values: &[f64]) -> Result<f64, ScaleError> {
        let history = OwnedHistory::new(values, 1, 1);
        let last = i32::MAX;
        let spans = Spans { train_to: last, validation_to: last, calibration_to: last };
        let mut fit = PersistenceFit::new(Scope::Pooled, 1);
        fit.add("A", &history.view(), &Split::try_from(spans).unwrap());
        Ok(fit.finish()?.pooled.sd()[0])
    }

    #[test]
    fn the_last_value_is_expected() {
        let expected = Some(Expectation::new(3.0, 0.5));
        assert_eq!(expect(&[1.0, 3.0], 0.5), expected);
    }

    #[test]
    fn the_scale_is_the_deviation_of_the_differences() {
        // Differences 1, 3, 5: mean 3, squares 4 + 0 + 4, sd √(8/3).
        assert_eq!(fit(&[0.0, 1.0, 4.0, 9.0]), Ok((8.0_f64 / 3.0).sqrt()));
    }

    #[test]
    fn the_scale_agrees_with_numpy() {
        // python3 -c "import numpy as np; print(np.diff(np.sin(np.arange(40.)**2)).std())"
        let values: Vec<f64> = (0..40).map(|k| f64::from(k * k).sin()).collect();
        // Two summation orders of 39 numbers near 1.
        assert!((fit(&values).unwrap() - 1.124690259088271).abs() < 1e-14);
    }

    #[test]
    fn degenerate_pasts_expect_nothing() {
        assert_eq!(expect(&[], 1.0), None);
        assert_eq!(expect(&[1.0, f64::NAN], 1.0), None);
        assert_eq!(fit(&[]), Err(ScaleError::NoRows));
        assert_eq!(fit(&[1.0]), Err(ScaleError::NoRows));
        assert_eq!(fit(&[1.0, f64::NAN, 1.0]), Err(ScaleError::NoRows));
        // A constant has differences of 0: the scaler's rule makes the scale 1.
        assert_eq!(fit(&[2.0, 2.0, 2.0]), Ok(1.0));
    }

    proptest! {
        #[test]
        fn a_shifted_series_keeps_its_scale(
            values in prop::collection::vec(-1000_i32..1000, 2..40),
            shift in -1000_i32..1000,
        ) {
            // Whole numbers: differences are exact.
            let plain: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
            let shifted: Vec<f64> = values.iter().map(|&v| f64::from(v + shift)).collect();
            prop_assert_eq!(fit(&plain), fit(&shifted));
        }
    }
}
