//! Training windows, and their mean and products: what linear baselines learn from.
//!
//! A training window lies within a segment, has no break row and no missing value, and ends in the training
//! span. Each feature has windows of its own.
//!
//! Shapes: windows `[window, row]` → mean `[row]`, covariance `[row, row]`.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};

use crate::by_ticker::{ByTicker, Scope};
use crate::history::History;
use crate::scale::{ScaleError, TICKER_ROWS_MIN};
use crate::split::{Span, Split};
use crate::statistics::to_real;

/// What is taken of the training windows of one feature.
pub(super) trait OfWindows: Sized {
    /// Of one ticker's windows of `length` rows, in the order of time.
    fn of(length: usize, windows: Vec<Vec<f64>>) -> Self;

    /// Of all tickers together.
    fn pooled<'t>(length: usize, all: impl Iterator<Item = &'t Self> + Clone) -> Self
    where
        Self: 't;

    /// Leaves out what pooling would leave out, where nothing but the pooled windows counts.
    fn thin(_: &mut BTreeMap<String, Vec<Self>>) {}

    /// Windows there were.
    fn n(&self) -> usize;

    /// Whether nothing overflows.
    fn is_finite(&self) -> bool;
}

/// Count, mean and summed products of deviations of windows of one feature.
#[derive(Clone, Debug)]
pub(super) struct WindowMoments {
    n: usize,
    pub(super) mean: DVector<f64>,
    products: DMatrix<f64>,
}

impl WindowMoments {
    /// Adds the windows of another ticker.
    ///
    /// Source: Chan, Golub and LeVeque 1979, equation 2.1, for vectors.
    fn add(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        let n = self.n + other.n;
        let share = to_real(other.n) / to_real(n);
        let step = &other.mean - &self.mean;
        self.products += &other.products;
        self.products.ger(to_real(self.n) * share, &step, &step, 1.0);
        self.mean += step * share;
        self.n = n;
    }

    /// Population covariance.
    pub(super) fn covariance(&self) -> DMatrix<f64> {
        &self.products / to_real(self.n)
    }
}

impl OfWindows for WindowMoments {
    /// Two passes, as of single values.
    fn of(length: usize, windows: Vec<Vec<f64>>) -> Self {
        let (mut mean, n) = (DVector::zeros(length), windows.len());
        for window in &windows {
            mean.iter_mut().zip(window).for_each(|(mean, value)| *mean += value / to_real(n));
        }
        let mut products = DMatrix::zeros(length, length);
        for window in &windows {
            let deviation = DVector::from_column_slice(window) - &mean;
            products.ger(1.0, &deviation, &deviation, 1.0);
        }
        Self { n, mean, products }
    }

    fn pooled<'t>(length: usize, all: impl Iterator<Item = &'t Self> + Clone) -> Self {
        let mut pooled = Self::of(length, Vec::new());
        all.for_each(|own| pooled.add(own));
        pooled
    }

    fn n(&self) -> usize {
        self.n
    }

    fn is_finite(&self) -> bool {
        self.mean.iter().chain(self.products.iter()).all(|value| value.is_finite())
    }
}

/// Collects training windows ticker by ticker, in any order.
#[derive(Clone, Debug)]
pub(super) struct WindowFit<T> {
    scope: Scope,
    features: usize,
    length: usize,
    per_ticker: BTreeMap<String, Vec<T>>,
}

impl<T: OfWindows> WindowFit<T> {
    pub(super) fn new(scope: Scope, features: usize, length: usize) -> Self {
        Self { scope, features, length, per_ticker: BTreeMap::new() }
    }

    /// Adds the training windows of one ticker.
    pub(super) fn add(&mut self, ticker: &str, history: &History<'_>, split: &Split) {
        let starts = history.segment_starts();
        let window = |feature_idx: usize, row_idx: usize| -> Option<Vec<f64>> {
            let first = (row_idx + 1).checked_sub(self.length)?;
            let is_training = split.span(history.days[row_idx]) == Span::Train;
            let is_one = first >= starts[row_idx] && !history.breaks[first];
            let values = (first..=row_idx).map(|row_idx| history.row(row_idx)[feature_idx]);
            (is_training && is_one && values.clone().all(f64::is_finite)).then(|| values.collect())
        };
        let taken = |feature_idx| {
            let rows = 0..history.len();
            T::of(self.length, rows.filter_map(|row_idx| window(feature_idx, row_idx)).collect())
        };
        let own = (0..self.features).map(taken).collect();
        self.per_ticker.insert(ticker.to_owned(), own);
        if self.scope == Scope::Pooled {
            T::thin(&mut self.per_ticker);
        }
    }

    /// What `learn` makes of each feature's windows, `[feature]`, pooled and by ticker.
    ///
    /// # Errors
    /// A feature without a training window, or values too large to compute with.
    pub(super) fn finish<L>(self, learn: impl Fn(&T) -> L) -> Result<ByTicker<Vec<L>>, ScaleError> {
        let all = |feature_idx: usize| {
            T::pooled(self.length, self.per_ticker.values().map(|own| &own[feature_idx]))
        };
        let all: Vec<T> = (0..self.features).map(all).collect();
        if all.iter().any(|taken| taken.n() == 0) {
            return Err(ScaleError::NoRows);
        }
        if let Some(feature_idx) = all.iter().position(|taken| !taken.is_finite()) {
            return Err(ScaleError::NotFinite { feature_idx });
        }
        let learn = |taken: &[T]| taken.iter().map(&learn).collect::<Vec<L>>();
        let pooled = learn(&all);
        let enough = |own: &[T]| {
            self.scope == Scope::Ticker && own.iter().all(|own| own.n() >= TICKER_ROWS_MIN)
        };
        let own = self.per_ticker.iter().filter(|(_, own)| enough(own));
        let per_ticker = own.map(|(ticker, own)| (ticker.clone(), learn(own))).collect();
        Ok(ByTicker { scope: self.scope, pooled, per_ticker })
    }
}

/// A residual's deviation from its variance; 0 where that is lost in the rounding of `whole`, the variance of
/// the values themselves.
pub(super) fn residual_deviation(residual: f64, whole: f64) -> f64 {
    /// Products of deviations are exact to 1e-16 of the largest.
    const LOST: f64 = 1e-14;
    if residual > LOST * whole { residual.sqrt() } else { 0.0 }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::split::Spans;

    /// A split of which the days up to `train_to` are training.
    pub(in crate::baseline) fn split(train_to: i32) -> Split {
        let spans = Spans { train_to, validation_to: train_to, calibration_to: train_to };
        Split::try_from(spans).unwrap()
    }

    fn fit(histories: &[OwnedHistory], train_to: i32) -> Result<Vec<WindowMoments>, ScaleError> {
        let mut fit = WindowFit::<WindowMoments>::new(Scope::Pooled, histories[0].features, 2);
        for (k, history) in histories.iter().enumerate() {
            fit.add(&k.to_string(), &history.view(), &split(train_to));
        }
        Ok(fit.finish(Clone::clone)?.pooled)
    }

    #[test]
    fn only_whole_windows_of_the_training_span_count() {
        // Windows of two of 1 2 4 | 8 NaN 16 32, 64: the segment ends after 4, 8 is a break, day 7 is later.
        let values = [1.0, 2.0, 4.0, 8.0, f64::NAN, 16.0, 32.0, 64.0];
        let found = fit(&[OwnedHistory::new(&values, 1, 1).cut(3, true)], 6).unwrap();
        // (1, 2), (2, 4), (16, 32).
        assert_eq!(found[0].n, 3);
        assert!((found[0].mean[0] - 19.0 / 3.0).abs() < 1e-14);
        assert!((found[0].mean[1] - 38.0 / 3.0).abs() < 1e-14);
    }

    #[test]
    fn without_a_training_window_there_is_nothing_to_learn() {
        let none = |values: &[f64]| fit(&[OwnedHistory::new(values, 1, 1)], 9).unwrap_err();
        assert_eq!(none(&[]), ScaleError::NoRows);
        assert_eq!(none(&[1.0]), ScaleError::NoRows);
        assert_eq!(none(&[1.0, f64::NAN, 1.0]), ScaleError::NoRows);
        assert_eq!(none(&[1e300, -1e300, 1e300]), ScaleError::NotFinite { feature_idx: 0 });
    }

    #[test]
    fn a_ticker_with_few_windows_takes_the_pooled_ones() {
        let mut fit = WindowFit::<WindowMoments>::new(Scope::Ticker, 1, 2);
        let long: Vec<f64> = (0..300).map(|k| f64::from(k % 7)).collect();
        fit.add("LONG", &OwnedHistory::new(&long, 1, 1).view(), &split(999));
        fit.add("SHORT", &OwnedHistory::new(&long[..20], 1, 1).view(), &split(999));
        let found = fit.finish(|moments| moments.n).unwrap();
        assert_eq!((found.get("LONG").item[0], found.get("SHORT").item[0]), (299, 318));
        assert!(found.get("SHORT").is_pooled_fallback);
    }

    proptest! {
        #[test]
        fn tickers_add_up_to_all_windows(
            first in prop::collection::vec(-9.0_f64..9.0, 2..30),
            second in prop::collection::vec(-9.0_f64..9.0, 2..30),
        ) {
            let found = &fit(&[&first, &second].map(|v| OwnedHistory::new(v, 1, 1)), 99).unwrap()[0];
            let pairs = |values: &[f64]| values.windows(2).map(<[f64]>::to_vec).collect::<Vec<_>>();
            let windows = [pairs(&first), pairs(&second)].concat();
            let expected = WindowMoments::of(2, windows);
            // 60 numbers near 10, in another order.
            prop_assert!((&found.mean - &expected.mean).amax() < 1e-13);
            prop_assert!((found.covariance() - expected.covariance()).amax() < 1e-11);
        }
    }
}
