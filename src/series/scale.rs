//! Standardisation `(value - mean) / sd`, fitted on training rows only.
//!
//! Shapes: rows `[time, feature]`. Units: those of each feature; scaled values have none.
//! `sd` is the population standard deviation (ddof 0, as scikit-learn's `StandardScaler`); where it
//! is 0 it is taken as 1, so that a constant feature becomes 0. Rows with a missing value are left
//! out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::by_ticker::{ByTicker, Scope};
use crate::history::History;
use crate::metrics::Mean;
use crate::moments::Moments;
use crate::split::{Span, Split};

/// A ticker with fewer training rows than this (about a year of sessions) takes the pooled scaler.
pub const TICKER_ROWS_MIN: usize = 250;

/// How values are scaled before a network sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scaling {
    /// Not at all.
    None,
    /// To mean 0 and standard deviation 1 of the training rows.
    Standard {
        /// Of all tickers together or of each.
        #[serde(default)]
        scope: Scope,
    },
}

impl Default for Scaling {
    fn default() -> Self {
        Self::Standard { scope: Scope::Pooled }
    }
}

/// The scaler of every ticker.
pub type Scalers = ByTicker<Scaler>;

/// A fitted scaler.
///
/// Invariant: one finite number of each a feature, `sd > 0`, `min <= max`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ScalerParts", into = "ScalerParts")]
pub struct Scaler(ScalerParts);

/// [`Scaler`] before it is checked. All vectors are `[feature]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalerParts {
    /// Becomes 0.
    pub mean: Vec<f64>,
    /// Becomes 1.
    pub sd: Vec<f64>,
    /// Smallest training value.
    pub min: Vec<f64>,
    /// Largest training value.
    pub max: Vec<f64>,
}

/// Why there is no scaler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// No training row without a missing value.
    #[error("no whole row in the training span")]
    NoRows,
    /// Values so large that mean or standard deviation are infinite.
    #[error("feature {feature_idx}: mean or standard deviation is not finite")]
    NotFinite {
        /// Which feature.
        feature_idx: usize,
    },
    /// Stored numbers are no scaler.
    #[error("a stored scaler has no feature, an sd of 0 or less, or vectors of different lengths")]
    Parts,
}

impl TryFrom<ScalerParts> for Scaler {
    type Error = ScaleError;

    fn try_from(parts: ScalerParts) -> Result<Self, ScaleError> {
        let features = parts.mean.len();
        let all = [&parts.mean, &parts.sd, &parts.min, &parts.max];
        let fits = features > 0
            && all.iter().all(|part| part.len() == features && part.iter().all(|x| x.is_finite()))
            && parts.sd.iter().all(|&sd| sd > 0.0)
            && parts.min.iter().zip(&parts.max).all(|(min, max)| min <= max);
        if fits { Ok(Self(parts)) } else { Err(ScaleError::Parts) }
    }
}

impl From<Scaler> for ScalerParts {
    fn from(scaler: Scaler) -> ScalerParts {
        scaler.0
    }
}

impl Scaler {
    /// Number of features.
    pub fn features(&self) -> usize {
        self.0.mean.len()
    }

    /// Means, `[feature]`.
    pub fn mean(&self) -> &[f64] {
        &self.0.mean
    }

    /// Standard deviations, `[feature]`, all above 0.
    pub fn sd(&self) -> &[f64] {
        &self.0.sd
    }

    /// A value in scaled units. NaN stays NaN.
    pub fn scale(&self, feature_idx: usize, value: f64) -> f64 {
        (value - self.0.mean[feature_idx]) / self.0.sd[feature_idx]
    }

    /// A scaled value in units of the feature.
    pub fn unscale(&self, feature_idx: usize, scaled: f64) -> f64 {
        self.0.mean[feature_idx] + self.0.sd[feature_idx] * scaled
    }

    /// Share of `values` (`[time, feature]`) outside the training range; missing ones do not count.
    pub fn outside_share(&self, values: &[f64]) -> Mean {
        let mut share = Mean::default();
        for row in values.chunks_exact(self.features()) {
            for (feature_idx, value) in row.iter().enumerate().filter(|(_, v)| v.is_finite()) {
                let inside = self.0.min[feature_idx]..=self.0.max[feature_idx];
                share.add(if inside.contains(value) { 0.0 } else { 1.0 });
            }
        }
        share
    }
}

/// Collects training rows ticker by ticker, in any order, and fits the scalers.
#[derive(Clone, Debug)]
pub struct ScalerFit {
    scaling: Scaling,
    features: usize,
    per_ticker: BTreeMap<String, Vec<Moments>>,
}

impl ScalerFit {
    /// Nothing collected yet.
    pub fn new(scaling: Scaling, features: usize) -> Self {
        Self { scaling, features, per_ticker: BTreeMap::new() }
    }

    /// Adds the training rows of one ticker; break rows are left out.
    pub fn add(&mut self, ticker: &str, history: &History<'_>, split: &Split) {
        let is_training = |&row_idx: &usize| {
            split.span(history.days[row_idx]) == Span::Train && !history.breaks[row_idx]
        };
        let rows = (0..history.len()).filter(is_training).map(|row_idx| history.row(row_idx));
        self.add_rows(ticker, rows);
    }

    /// Adds rows `[feature]` of one ticker.
    pub(crate) fn add_rows<'r>(&mut self, ticker: &str, rows: impl Iterator<Item = &'r [f64]>) {
        let whole: Vec<&[f64]> = rows.filter(|row| row.iter().all(|v| v.is_finite())).collect();
        let empty = || vec![Moments::default(); self.features];
        let moments = self.per_ticker.entry(ticker.to_owned()).or_insert_with(empty);
        for (feature_idx, moments) in moments.iter_mut().enumerate() {
            moments.add(&Moments::of(whole.iter().map(|row| row[feature_idx])));
        }
    }

    /// Fits the scalers.
    ///
    /// # Errors
    /// [`ScaleError::NoRows`], [`ScaleError::NotFinite`].
    pub fn finish(self) -> Result<Scalers, ScaleError> {
        let mut all = vec![Moments::default(); self.features];
        for moments in self.per_ticker.values() {
            all.iter_mut().zip(moments).for_each(|(all, own)| all.add(own));
        }
        let pooled = scaler(&all, self.scaling)?;
        let Scaling::Standard { scope: Scope::Ticker } = self.scaling else {
            return Ok(Scalers::pooled(pooled));
        };
        let enough = |moments: &Vec<Moments>| moments.iter().all(|m| m.n >= TICKER_ROWS_MIN);
        let per_ticker = self
            .per_ticker
            .into_iter()
            .filter(|(_, moments)| enough(moments))
            .map(|(ticker, moments)| Ok((ticker, scaler(&moments, self.scaling)?)))
            .collect::<Result<_, ScaleError>>()?;
        Ok(ByTicker { scope: Scope::Ticker, pooled, per_ticker })
    }
}

fn scaler(moments: &[Moments], scaling: Scaling) -> Result<Scaler, ScaleError> {
    if moments.is_empty() || moments.iter().any(|m| m.n == 0) {
        return Err(ScaleError::NoRows);
    }
    if let Some(feature_idx) = moments.iter().position(|m| !(m.mean + m.sd()).is_finite()) {
        return Err(ScaleError::NotFinite { feature_idx });
    }
    let (mean, sd): (Vec<f64>, Vec<f64>) = match scaling {
        Scaling::None => moments.iter().map(|_| (0.0, 1.0)).unzip(),
        Scaling::Standard { .. } => {
            moments.iter().map(|m| (m.mean, if m.sd() > 0.0 { m.sd() } else { 1.0 })).unzip()
        }
    };
    let min = moments.iter().map(|m| m.min).collect();
    let max = moments.iter().map(|m| m.max).collect();
    Scaler::try_from(ScalerParts { mean, sd, min, max })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::split::Spans;

    fn fit(scaling: Scaling, features: usize, rows: &[f64]) -> Result<Scalers, ScaleError> {
        let mut fit = ScalerFit::new(scaling, features);
        fit.add_rows("A", rows.chunks_exact(features));
        fit.finish()
    }

    #[test]
    fn mean_and_population_deviation_of_a_small_case() {
        // mean 5, squared deviations 9 1 1 1 0 0 4 16, sum 32, / 8 = 4, sd 2.
        let scaler = fit(Scaling::default(), 1, &[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        let scaler = scaler.pooled;
        assert_eq!((scaler.mean(), scaler.sd()), (&[5.0][..], &[2.0][..]));
        assert_eq!((scaler.scale(0, 9.0), scaler.unscale(0, 2.0)), (2.0, 9.0));
    }

    #[test]
    fn the_scaler_of_seed_a_scales_its_first_close() {
        // SEEDS §1 A: mean, sd and the first three z; given to 8 and 9 decimals.
        let parts = ScalerParts {
            mean: vec![994.946_331_277_306_4],
            sd: vec![532.399_346_537_656_6],
            min: vec![203.49],
            max: vec![2190.15],
        };
        let scaler = Scaler::try_from(parts).unwrap();
        assert!((scaler.scale(0, 209.59) - -1.475_126_4).abs() < 5e-8);
        assert!((scaler.scale(0, 210.88) - -1.472_703_41).abs() < 5e-9);
    }

    #[test]
    fn tickers_added_in_any_order_give_the_moments_of_all_rows() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(1,31))*3+100; print(x.mean(), x.std(), x.min(), x.max())"
        let values: Vec<f64> = (1..=30).map(|k| f64::from(k).sin() * 3.0 + 100.0).collect();
        let mut ascending = ScalerFit::new(Scaling::default(), 1);
        ascending.add_rows("A", values[..7].chunks_exact(1));
        ascending.add_rows("B", values[7..].chunks_exact(1));
        let mut descending = ScalerFit::new(Scaling::default(), 1);
        descending.add_rows("B", values[7..].chunks_exact(1));
        descending.add_rows("A", values[..7].chunks_exact(1));
        let scalers = ascending.finish().unwrap();
        assert_eq!(scalers, descending.finish().unwrap());
        let ScalerParts { mean, sd, min, max } = scalers.pooled.into();
        // Two summation orders of 30 numbers near 100 differ by some 1e-14.
        for (found, golden) in [(mean, MEAN), (sd, SD), (min, MIN), (max, MAX)] {
            assert!((found[0] - golden).abs() < 1e-12, "{} {golden}", found[0]);
        }
    }
    const MEAN: f64 = 100.0280050356272;
    const SD: f64 = 2.158778691804874;
    const MIN: f64 = 97.00002938034788;
    const MAX: f64 = 102.97182206708462;

    #[test]
    fn only_whole_training_rows_that_are_no_break_count() {
        let values = [1.0, 10.0, 3.0, f64::NAN, 5.0, 50.0, 900.0, 900.0, 7.0, 70.0];
        let history = OwnedHistory::new(&values, 2, 1).cut(3, true);
        let split =
            Split::try_from(Spans { train_to: 3, validation_to: 9, calibration_to: 9 }).unwrap();
        let mut fit = ScalerFit::new(Scaling::default(), 2);
        fit.add("A", &history.view(), &split);
        let scaler = fit.finish().unwrap().pooled;
        assert_eq!((scaler.mean(), scaler.sd()), (&[3.0, 30.0][..], &[2.0, 20.0][..]));
        // Of the inputs 1 10 3 – 5 50 900 900 7 70, four lie outside [1, 5] and [10, 50].
        let outside = scaler.outside_share(&values);
        assert_eq!((outside.n(), outside.get()), (9, Some(4.0 / 9.0)));
    }

    #[test]
    fn a_young_ticker_takes_the_pooled_scaler_and_is_marked() {
        let mut fit = ScalerFit::new(Scaling::Standard { scope: Scope::Ticker }, 1);
        let old: Vec<f64> = (0..250).map(|k| f64::from(k % 2)).collect();
        fit.add_rows("OLD", old.chunks_exact(1));
        fit.add_rows("NEW", old[..249].chunks_exact(1));
        let scalers = fit.finish().unwrap();
        assert_eq!(scalers.get("OLD").item.mean(), [0.5]);
        assert!(!scalers.get("OLD").is_pooled_fallback);
        assert!(scalers.get("NEW").is_pooled_fallback);
        assert_eq!(scalers.get("NEW").item, &scalers.pooled);
    }

    #[test]
    fn no_row_is_an_error_and_a_constant_feature_becomes_0() {
        assert_eq!(fit(Scaling::default(), 1, &[]), Err(ScaleError::NoRows));
        assert_eq!(fit(Scaling::default(), 1, &[f64::NAN]), Err(ScaleError::NoRows));
        let large = fit(Scaling::default(), 1, &[f64::MAX, f64::MAX]);
        assert_eq!(large, Err(ScaleError::NotFinite { feature_idx: 0 }));
        for rows in [&[7.0][..], &[7.0, 7.0]] {
            let scaler = fit(Scaling::default(), 1, rows).unwrap().pooled;
            assert_eq!((scaler.scale(0, 7.0), scaler.sd()), (0.0, &[1.0][..]));
        }
    }

    #[test]
    fn no_scaling_still_knows_the_training_range() {
        let scaler = fit(Scaling::None, 1, &[2.0, 4.0]).unwrap().pooled;
        assert_eq!(scaler.scale(0, 3.5), 3.5);
        assert_eq!(scaler.outside_share(&[3.0, 5.0]).get(), Some(0.5));
    }

    #[test]
    fn scaling_is_read_from_a_table_named_after_the_variant() {
        #[derive(Deserialize)]
        struct File {
            scaling: Scaling,
        }
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.scaling);
        assert_eq!(read("scaling = 'none'").unwrap(), Scaling::None);
        assert_eq!(read("[scaling.standard]").unwrap(), Scaling::default());
        let ticker = read("[scaling.standard]\nscope = 'ticker'").unwrap();
        assert_eq!(ticker, Scaling::Standard { scope: Scope::Ticker });
        assert!(read("[scaling.standard]\nscoop = 'ticker'").is_err());
    }

    #[test]
    fn a_stored_scaler_keeps_its_bits_and_is_checked() {
        let scaler = fit(Scaling::default(), 1, &[0.1, 0.7, 0.30000000000000004]).unwrap().pooled;
        let text = serde_json::to_string(&scaler).unwrap();
        assert_eq!(serde_json::from_str::<Scaler>(&text).unwrap(), scaler);
        let broken = r#"{"mean":[0.0],"sd":[0.0],"min":[0.0],"max":[0.0]}"#;
        assert!(serde_json::from_str::<Scaler>(broken).is_err());
    }

    proptest! {
        #[test]
        fn unscaling_undoes_scaling(
            values in prop::collection::vec(-1e6_f64..1e6, 2..40),
            value in -1e6_f64..1e6,
        ) {
            let scaler = fit(Scaling::default(), 1, &values).unwrap().pooled;
            let back = scaler.unscale(0, scaler.scale(0, value));
            // Both roundings are relative to numbers of at most 2e6.
            prop_assert!((back - value).abs() < 1e-8, "{} {}", back, value);
        }
    }
}
