//! Distance from the median of the training rows, in robust deviations of them.
//!
//! The scale is 1.4826 × the median absolute deviation. Nothing before a row counts: it is the rule "outside the
//! training range", made continuous.
//!
//! Shapes: training values `[row]` → one expectation for all rows. Units: those of the feature.
//! Source: Hampel 1974, "The influence curve and its role in robust estimation".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Expectation;
use crate::by_ticker::{ByTicker, Scope};
use crate::history::History;
use crate::scale::{ScaleError, TICKER_ROWS_MIN};
use crate::split::{Span, Split};
use crate::statistics::{SIGMA_PER_MAD, median};

/// Median of one feature and how far off values usually are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MedianScale {
    median: f64,
    /// 0 where more than half of the values are equal.
    deviation: f64,
}

impl MedianScale {
    /// `None` of no value.
    fn learn(mut values: Vec<f64>) -> Option<Self> {
        let middle = median(&mut values)?;
        let mut deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        Some(Self { median: middle, deviation: SIGMA_PER_MAD * median(&mut deviations)? })
    }

    pub(super) fn expect(self) -> Expectation {
        Expectation::new(self.median, self.deviation)
    }
}

/// Collects training values ticker by ticker, in any order.
#[derive(Clone, Debug)]
pub(super) struct MedianFit {
    scope: Scope,
    /// `[feature][row]` by ticker.
    per_ticker: BTreeMap<String, Vec<Vec<f64>>>,
}

impl MedianFit {
    pub(super) fn new(scope: Scope) -> Self {
        Self { scope, per_ticker: BTreeMap::new() }
    }

    /// The finite values of the training rows of one ticker, without break rows.
    pub(super) fn add(&mut self, ticker: &str, history: &History<'_>, split: &Split) {
        let is_training = |&row_idx: &usize| {
            split.span(history.days[row_idx]) == Span::Train && !history.breaks[row_idx]
        };
        let column = |feature_idx: usize| {
            let rows = (0..history.len()).filter(is_training);
            rows.map(|row_idx| history.row(row_idx)[feature_idx])
                .filter(|v| v.is_finite())
                .collect()
        };
        self.per_ticker.insert(ticker.to_owned(), (0..history.features).map(column).collect());
    }

    /// # Errors
    /// A feature without a training value, or values so far apart that distances are infinite.
    pub(super) fn finish(self, features: usize) -> Result<ByTicker<Vec<MedianScale>>, ScaleError> {
        let all = |feature_idx: usize| {
            self.per_ticker.values().flat_map(|own| own[feature_idx].iter().copied()).collect()
        };
        let pooled: Option<Vec<MedianScale>> =
            (0..features).map(|feature_idx| MedianScale::learn(all(feature_idx))).collect();
        let pooled = pooled.ok_or(ScaleError::NoRows)?;
        if let Some(feature_idx) = pooled.iter().position(|scale| !scale.deviation.is_finite()) {
            return Err(ScaleError::NotFinite { feature_idx });
        }
        let scope = self.scope;
        let enough = |own: &Vec<Vec<f64>>| {
            scope == Scope::Ticker && own.iter().all(|column| column.len() >= TICKER_ROWS_MIN)
        };
        let own = self.per_ticker.into_iter().filter(|(_, own)| enough(own));
        let learn = |(ticker, own): (String, Vec<Vec<f64>>)| {
            Some((ticker, own.into_iter().map(MedianScale::learn).collect::<Option<Vec<_>>>()?))
        };
        Ok(ByTicker { scope, pooled, per_ticker: own.filter_map(learn).collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::training_windows::tests::split;
    use crate::history::tests::OwnedHistory;

    fn fit(values: &[f64], train_to: i32) -> Result<MedianScale, ScaleError> {
        let mut fit = MedianFit::new(Scope::Pooled);
        fit.add("A", &OwnedHistory::new(values, 1, 1).view(), &split(train_to));
        Ok(fit.finish(1)?.pooled[0])
    }

    #[test]
    fn median_and_deviation_of_a_small_case() {
        // 1 2 3 4 100: median 3, deviations 2 1 0 1 97, their median 1; the later row does not count.
        let found = fit(&[100.0, 1.0, 2.0, 3.0, 4.0, 1e9], 4).unwrap();
        assert_eq!(found.expect(), Expectation::new(3.0, SIGMA_PER_MAD));
    }

    #[test]
    fn median_and_deviation_agree_with_scipy() {
        // python3 -c "import numpy as np; from scipy.stats import median_abs_deviation as m; x=np.sin(np.arange(80.)**2); print(np.median(x), m(x, scale='normal'))"
        let values: Vec<f64> = (0..80).map(|k| f64::from(k * k).sin()).collect();
        let found = fit(&values, 99).unwrap();
        // Order statistics of the same numbers; SciPy divides by a quantile of its own.
        assert!((found.median - -0.06620930395564864).abs() < 1e-15, "{found:?}");
        assert!((found.deviation - 1.0331881782034125).abs() < 1e-14, "{found:?}");
    }

    #[test]
    fn degenerate_series() {
        assert_eq!(fit(&[], 9), Err(ScaleError::NoRows));
        assert_eq!(fit(&[f64::NAN; 4], 9), Err(ScaleError::NoRows));
        assert_eq!(fit(&[1.0, 2.0], -1), Err(ScaleError::NoRows));
        // No scale, so no expectation: see `Expectation::divided_by`.
        assert_eq!(fit(&[2.0; 9], 9).map(|found| found.deviation), Ok(0.0));
        let far = [-1.7e308, -1.7e308, 1.7e308, 1.7e308, 1.7e308];
        assert_eq!(fit(&far, 9).map(|found| found.deviation), Ok(0.0));
    }

    #[test]
    fn tickers_have_their_own_where_they_have_rows_enough() {
        let mut fit = MedianFit::new(Scope::Ticker);
        for (ticker, level, n) in [("A", 0, 300), ("B", 1000, 300), ("NEW", 50, 20)] {
            let values: Vec<f64> = (0..n).map(|k| f64::from(level + k % 9)).collect();
            fit.add(ticker, &OwnedHistory::new(&values, 1, 1).view(), &split(999));
        }
        let found = fit.finish(1).unwrap();
        assert_eq!(["A", "B"].map(|ticker| found.get(ticker).item[0].median), [4.0, 1004.0]);
        assert!(found.get("NEW").is_pooled_fallback && !found.get("A").is_pooled_fallback);
    }

    proptest! {
        #[test]
        fn one_wild_row_moves_the_median_no_further_than_its_neighbours(
            mut values in prop::collection::vec(-1.0_f64..1.0, 3..60),
        ) {
            values[0] = 1e9;
            prop_assert!((-1.0..1.0).contains(&fit(&values, 99).unwrap().median));
        }
    }
}
