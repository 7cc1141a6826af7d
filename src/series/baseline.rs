//! Baselines: detectors without a network, in the same tables as any other.
//!
//! A baseline looks at the rows before a row, within its segment and at most [`Baseline::lookback`]
//! of them, and says what it expects and how far off it usually is. Its score is the root mean square
//! over features of `|value - expected| / scale`; of one feature, |z|.
//!
//! `ewma_z` and `robust_z` look at `value × feature_scale` where there is one, so that of a
//! volatility-scaled return they see the plain return; what they expect is given back in units of
//! the feature. A break row is left out of what later rows look back on: its value is not evidence
//! of what is usual. A missing value is skipped.

mod ewma_z;
mod persistence;
mod robust_z;

pub use ewma_z::EwmaZ;
pub use robust_z::RobustZ;

use serde::{Deserialize, Serialize};

use crate::by_ticker::Scope;
use crate::history::History;
use crate::scale::{ScaleError, Scalers};
use crate::split::Split;
use persistence::PersistenceFit;

/// Which baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Baseline {
    /// Tomorrow is as today.
    Persistence {},
    /// Zero mean and an exponentially weighted volatility.
    EwmaZ(EwmaZ),
    /// Rolling median and median absolute deviation.
    RobustZ(RobustZ),
}

/// A baseline ready to score: what it took from training rows is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FittedBaseline {
    /// Scale is the standard deviation of one-step differences.
    Persistence {
        /// Of the differences between training rows.
        differences: Scalers,
    },
    /// Nothing is fitted.
    EwmaZ(EwmaZ),
    /// Nothing is fitted.
    RobustZ(RobustZ),
}

/// What a baseline expects of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// The value.
    pub expected: f64,
    /// How far off values usually are; above 0.
    pub scale: f64,
}

impl Baseline {
    /// How many rows before a row its score depends on.
    pub fn lookback(&self) -> usize {
        match self {
            Self::Persistence {} => 1,
            Self::EwmaZ(ewma) => ewma.lookback().rows,
            Self::RobustZ(robust) => robust.lookback().rows,
        }
    }
}

/// Collects what a baseline takes from training rows, ticker by ticker, in any order.
#[derive(Clone, Debug)]
pub struct BaselineFit {
    baseline: Baseline,
    persistence: PersistenceFit,
}

impl BaselineFit {
    /// Nothing collected yet. `scope` says whether tickers have their own scales.
    pub fn new(baseline: Baseline, scope: Scope, features: usize) -> Self {
        Self { baseline, persistence: PersistenceFit::new(scope, features) }
    }

    /// Adds the training rows of one ticker.
    pub fn add(&mut self, ticker: &str, history: &History<'_>, split: &Split) {
        if matches!(self.baseline, Baseline::Persistence {}) {
            self.persistence.add(ticker, history, split);
        }
    }

    /// The fitted baseline.
    ///
    /// # Errors
    /// Persistence without two training rows in succession: [`ScaleError::NoRows`].
    pub fn finish(self) -> Result<FittedBaseline, ScaleError> {
        Ok(match self.baseline {
            Baseline::Persistence {} => {
                FittedBaseline::Persistence { differences: self.persistence.finish()? }
            }
            Baseline::EwmaZ(ewma) => FittedBaseline::EwmaZ(ewma),
            Baseline::RobustZ(robust) => FittedBaseline::RobustZ(robust),
        })
    }
}

impl FittedBaseline {
    /// Which baseline it is.
    pub fn baseline(&self) -> Baseline {
        match self {
            Self::Persistence { .. } => Baseline::Persistence {},
            Self::EwmaZ(ewma) => Baseline::EwmaZ(*ewma),
            Self::RobustZ(robust) => Baseline::RobustZ(*robust),
        }
    }

    /// Rows it needs up to and with the one it scores.
    pub(crate) fn rows_needed(&self) -> usize {
        match self {
            Self::Persistence { .. } => 2,
            Self::EwmaZ(ewma) => ewma.lookback().min_rows + 1,
            Self::RobustZ(robust) => robust.lookback().min_rows + 1,
        }
    }

    /// Whether `ticker` ought to have its own scale and has none.
    pub(crate) fn is_pooled_fallback(&self, ticker: &str) -> bool {
        match self {
            Self::Persistence { differences } => differences.get(ticker).is_pooled_fallback,
            Self::EwmaZ(_) | Self::RobustZ(_) => false,
        }
    }

    /// What it expects of each value, `[time, feature]` in units of the feature; `None` where the
    /// rows before do not suffice.
    pub fn expect(&self, ticker: &str, history: &History<'_>) -> Vec<Option<Expectation>> {
        let starts = history.segment_starts();
        let lookback = self.baseline().lookback();
        let mut expectations = vec![None; history.values.len()];
        for feature_idx in 0..history.features {
            let column = self.column(history, feature_idx);
            for row_idx in 0..history.len() {
                let first = starts[row_idx].max(row_idx.saturating_sub(lookback));
                let past = &column[first..row_idx];
                let expectation = match self {
                    Self::Persistence { differences } => {
                        let sd = differences.get(ticker).item.sd()[feature_idx];
                        persistence::expect(past, sd)
                    }
                    Self::EwmaZ(ewma) => ewma.expect(past),
                    Self::RobustZ(robust) => robust.expect(past),
                };
                let idx = row_idx * history.features + feature_idx;
                expectations[idx] = expectation.and_then(|e| e.divided_by(self.unit(history, idx)));
            }
        }
        expectations
    }

    /// One feature as the baseline sees it, `[time]`; NaN where missing and on break rows.
    fn column(&self, history: &History<'_>, feature_idx: usize) -> Vec<f64> {
        let seen = |row_idx: usize| {
            let idx = row_idx * history.features + feature_idx;
            let value = history.values[idx] * self.unit(history, idx);
            if history.breaks[row_idx] || !value.is_finite() { f64::NAN } else { value }
        };
        (0..history.len()).map(seen).collect()
    }

    /// What the value at `idx` is multiplied with before the baseline sees it.
    fn unit(&self, history: &History<'_>, idx: usize) -> f64 {
        match (self, history.feature_scales) {
            (Self::EwmaZ(_) | Self::RobustZ(_), Some(scales)) => scales[idx],
            _ => 1.0,
        }
    }
}

impl Expectation {
    /// `None` where the result could not be written or divided by: the unit is missing, 0 or negative,
    /// or the scale is 0.
    fn divided_by(self, unit: f64) -> Option<Self> {
        let own = Self { expected: self.expected / unit, scale: self.scale / unit };
        (own.expected.is_finite() && own.scale.is_finite() && own.scale > 0.0).then_some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::range::Lambda;
    use crate::split::Spans;

    fn ewma(rows: usize) -> FittedBaseline {
        FittedBaseline::EwmaZ(EwmaZ::new(Lambda::default(), rows, 1).unwrap())
    }

    #[test]
    fn a_volatility_scaled_return_is_seen_as_the_plain_return() {
        let scales = [0.01, 0.02, 0.04, 0.05];
        let returns = [0.03, -0.01, 0.02, 0.04];
        let plain = OwnedHistory::new(&returns, 1, 1);
        let values: Vec<f64> = returns.iter().zip(scales).map(|(r, s)| r / s).collect();
        let mut scaled = OwnedHistory::new(&values, 1, 1);
        scaled.feature_scales = Some(scales.to_vec());
        for (baseline, min) in
            [(ewma(250), 1), (FittedBaseline::RobustZ(RobustZ::new(60, 2).unwrap()), 2)]
        {
            let of_plain = baseline.expect("A", &plain.view());
            let of_scaled = baseline.expect("A", &scaled.view());
            assert!(of_plain[..min].iter().all(Option::is_none));
            for row_idx in min..4 {
                let (plain, scaled) = (of_plain[row_idx].unwrap(), of_scaled[row_idx].unwrap());
                let z = (returns[row_idx] - plain.expected) / plain.scale;
                let z_scaled = (values[row_idx] - scaled.expected) / scaled.scale;
                // Four roundings of numbers near 1.
                assert!((z - z_scaled).abs() < 1e-14 * z.abs().max(1.0), "{z} {z_scaled}");
            }
        }
    }

    #[test]
    fn nothing_is_looked_back_on_beyond_the_segment_or_on_a_break() {
        let history = OwnedHistory::new(&[9.0, 9.0, 1.0, 2.0, 2.0], 1, 1).cut(2, true);
        let expectations = ewma(250).expect("A", &history.view());
        let scales: Vec<Option<f64>> = expectations.iter().map(|e| e.map(|e| e.scale)).collect();
        assert_eq!(scales, [None, Some(9.0), None, None, Some(2.0)]);
    }

    #[test]
    fn each_feature_is_its_own_series() {
        let history = OwnedHistory::new(&[1.0, 10.0, 1.0, f64::NAN, 1.0, 10.0], 2, 1);
        let expectations = ewma(1).expect("A", &history.view());
        let scales: Vec<Option<f64>> = expectations.iter().map(|e| e.map(|e| e.scale)).collect();
        assert_eq!(scales, [None, None, Some(1.0), Some(10.0), Some(1.0), None]);
    }

    #[test]
    fn persistence_takes_its_scale_from_the_differences_of_training_rows() {
        // Differences up to day 3: 2, 4, 0 (mean 2, sd √(8/3)); later ones do not count.
        let history = OwnedHistory::new(&[1.0, 3.0, 7.0, 7.0, 99.0], 1, 1);
        let split =
            Split::try_from(Spans { train_to: 3, validation_to: 4, calibration_to: 4 }).unwrap();
        let mut fit = BaselineFit::new(Baseline::Persistence {}, Scope::Pooled, 1);
        fit.add("A", &history.view(), &split);
        let fitted = fit.finish().unwrap();
        let scale = (8.0_f64 / 3.0).sqrt();
        let expected = [None, Some(1.0), Some(3.0), Some(7.0), Some(7.0)]
            .map(|previous: Option<f64>| previous.map(|expected| Expectation { expected, scale }));
        assert_eq!(fitted.expect("A", &history.view()), expected);
    }

    #[test]
    fn a_baseline_is_read_from_a_table_named_after_it() {
        #[derive(Deserialize)]
        struct File {
            detector: Baseline,
        }
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.detector);
        assert_eq!(read("[detector.persistence]").unwrap(), Baseline::Persistence {});
        assert_eq!(read("[detector.ewma_z]").unwrap(), Baseline::EwmaZ(EwmaZ::default()));
        assert_eq!(read("[detector.robust_z]\nrows = 60").unwrap().lookback(), 60);
        assert!(read("[detector.persistence]\nrows = 60").is_err());
        assert!(read("[detector.ewma_z]\nlambda = nan").is_err());
        assert!(read("[detector.ewma_z]\nalpha = 0.06").is_err());
        let error = read("[detector.robust_z]\nrows = 10").unwrap_err();
        assert_eq!(error.message(), "min_rows: expected 1 <= min_rows <= rows, found 20");
        assert!(error.span().is_some());
    }
}
