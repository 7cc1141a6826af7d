//! Baselines: detectors without a network, in the same tables as any other.
//!
//! A baseline looks at the rows before a row, within its segment and at most [`Baseline::lookback`]
//! of them, and says what it expects and how far off it usually is. (Window PCA looks at the row too, and
//! says what it makes of it.) Its score is the root mean square
//! over features of `|value - expected| / scale`; of one feature, |z|.
//!
//! `ewma_z` and `robust_z` look at `value × feature_scale` where there is one, so that of a
//! volatility-scaled return they see the plain return; what they expect is given back in units of
//! the feature. A break row is left out of what later rows look back on: its value is not evidence
//! of what is usual. A missing value is skipped.

mod auto_regression;
mod ewma_z;
mod median_distance;
mod persistence;
mod polynomial;
mod robust_z;
mod training_windows;
mod window_pca;

pub use auto_regression::{AutoRegression, Regression};
pub use ewma_z::EwmaZ;
pub use median_distance::MedianScale;
pub use polynomial::Polynomial;
pub use robust_z::RobustZ;
pub use window_pca::{Subspace, WindowPca};

use serde::{Deserialize, Serialize};

use crate::by_ticker::{ByTicker, Scope};
use crate::history::History;
use crate::scale::{ScaleError, Scalers};
use crate::split::Split;
use median_distance::MedianFit;
use persistence::PersistenceFit;
use training_windows::WindowFit;

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
    /// Median and median absolute deviation of the training rows.
    MedianDistance {},
    /// The next value from the last ones.
    AutoRegression(AutoRegression),
    /// What the usual shapes of a window make of its last row.
    WindowPca(WindowPca),
    /// The curve through the last rows, drawn on.
    Polynomial(Polynomial),
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
    /// Scale is the deviation of the training rows.
    MedianDistance {
        /// `[feature]`.
        scales: ByTicker<Vec<MedianScale>>,
    },
    /// Scale is the deviation of the training residuals.
    AutoRegression {
        /// How many rows it is regressed on.
        settings: AutoRegression,
        /// `[feature]`.
        regressions: ByTicker<Vec<Regression>>,
    },
    /// Scale is the deviation of the training residuals.
    WindowPca {
        /// How long windows are, and how much of them is explained.
        settings: WindowPca,
        /// `[feature]`.
        subspaces: ByTicker<Vec<Subspace>>,
    },
    /// Nothing is fitted.
    Polynomial(Polynomial),
}

/// From the rows before and the row itself to what is expected of it.
type OfFeature<'a> = dyn Fn(&[f64], f64) -> Option<Expectation> + 'a;

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
            Self::MedianDistance {} => 0,
            Self::AutoRegression(regression) => regression.order(),
            Self::WindowPca(pca) => pca.rows() - 1,
            Self::Polynomial(polynomial) => polynomial.rows(),
        }
    }
}

/// Collects what a baseline takes from training rows, ticker by ticker, in any order.
#[derive(Clone, Debug)]
pub struct BaselineFit {
    baseline: Baseline,
    features: usize,
    taken: Taken,
}

/// What a baseline takes from training rows.
#[derive(Clone, Debug)]
enum Taken {
    Nothing,
    Differences(PersistenceFit),
    Values(MedianFit),
    Windows(WindowFit),
}

impl BaselineFit {
    /// Nothing collected yet. `scope` says whether tickers have their own scales.
    pub fn new(baseline: Baseline, scope: Scope, features: usize) -> Self {
        let windows = |length| Taken::Windows(WindowFit::new(scope, features, length));
        let taken = match baseline {
            Baseline::Persistence {} => Taken::Differences(PersistenceFit::new(scope, features)),
            Baseline::MedianDistance {} => Taken::Values(MedianFit::new(scope)),
            Baseline::AutoRegression(regression) => windows(regression.order() + 1),
            Baseline::WindowPca(pca) => windows(pca.rows()),
            Baseline::EwmaZ(_) | Baseline::RobustZ(_) | Baseline::Polynomial(_) => Taken::Nothing,
        };
        Self { baseline, features, taken }
    }

    /// Adds the training rows of one ticker.
    pub fn add(&mut self, ticker: &str, history: &History<'_>, split: &Split) {
        match &mut self.taken {
            Taken::Nothing => {}
            Taken::Differences(fit) => fit.add(ticker, history, split),
            Taken::Values(fit) => fit.add(ticker, history, split),
            Taken::Windows(fit) => fit.add(ticker, history, split),
        }
    }

    /// The fitted baseline.
    ///
    /// # Errors
    /// A baseline that learns, without a training row, or a window of them, to learn from:
    /// [`ScaleError::NoRows`]; from values too large to compute with: [`ScaleError::NotFinite`].
    pub fn finish(self) -> Result<FittedBaseline, ScaleError> {
        Ok(match (self.baseline, self.taken) {
            (Baseline::Persistence {}, Taken::Differences(fit)) => {
                FittedBaseline::Persistence { differences: fit.finish()? }
            }
            (Baseline::MedianDistance {}, Taken::Values(fit)) => {
                FittedBaseline::MedianDistance { scales: fit.finish(self.features)? }
            }
            (Baseline::AutoRegression(settings), Taken::Windows(fit)) => {
                let regressions = fit.finish(Regression::learn)?;
                FittedBaseline::AutoRegression { settings, regressions }
            }
            (Baseline::WindowPca(settings), Taken::Windows(fit)) => {
                let subspaces = fit.finish(|windows| settings.learn(windows))?;
                FittedBaseline::WindowPca { settings, subspaces }
            }
            (Baseline::EwmaZ(ewma), _) => FittedBaseline::EwmaZ(ewma),
            (Baseline::RobustZ(robust), _) => FittedBaseline::RobustZ(robust),
            (Baseline::Polynomial(polynomial), _) => FittedBaseline::Polynomial(polynomial),
            // `new` gives each baseline what it takes.
            _ => return Err(ScaleError::NoRows),
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
            Self::MedianDistance { .. } => Baseline::MedianDistance {},
            Self::AutoRegression { settings, .. } => Baseline::AutoRegression(*settings),
            Self::WindowPca { settings, .. } => Baseline::WindowPca(*settings),
            Self::Polynomial(polynomial) => Baseline::Polynomial(*polynomial),
        }
    }

    /// Rows it needs up to and with the one it scores.
    pub(crate) fn rows_needed(&self) -> usize {
        match self {
            Self::Persistence { .. } => 2,
            Self::EwmaZ(ewma) => ewma.lookback().min_rows + 1,
            Self::RobustZ(robust) => robust.lookback().min_rows + 1,
            Self::MedianDistance { .. }
            | Self::AutoRegression { .. }
            | Self::WindowPca { .. }
            | Self::Polynomial(_) => self.baseline().lookback() + 1,
        }
    }

    /// Whether `ticker` ought to have its own scale and has none.
    pub(crate) fn is_pooled_fallback(&self, ticker: &str) -> bool {
        match self {
            Self::Persistence { differences } => differences.get(ticker).is_pooled_fallback,
            Self::MedianDistance { scales } => scales.get(ticker).is_pooled_fallback,
            Self::AutoRegression { regressions, .. } => regressions.get(ticker).is_pooled_fallback,
            Self::WindowPca { subspaces, .. } => subspaces.get(ticker).is_pooled_fallback,
            Self::EwmaZ(_) | Self::RobustZ(_) | Self::Polynomial(_) => false,
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
            let expect = self.of_feature(ticker, feature_idx);
            for row_idx in 0..history.len() {
                let first = starts[row_idx].max(row_idx.saturating_sub(lookback));
                let past = &column[first..row_idx];
                let expectation = expect(past, column[row_idx]);
                let idx = row_idx * history.features + feature_idx;
                expectations[idx] = expectation.and_then(|e| e.divided_by(self.unit(history, idx)));
            }
        }
        expectations
    }

    /// What is expected of a row of a feature after `past`; only window PCA looks at the row itself.
    fn of_feature<'a>(&'a self, ticker: &str, feature_idx: usize) -> Box<OfFeature<'a>> {
        match self {
            Self::Persistence { differences } => {
                let sd = differences.get(ticker).item.sd()[feature_idx];
                Box::new(move |past, _| persistence::expect(past, sd))
            }
            Self::EwmaZ(ewma) => Box::new(move |past, _| ewma.expect(past)),
            Self::RobustZ(robust) => Box::new(move |past, _| robust.expect(past)),
            Self::MedianDistance { scales } => {
                let scale = scales.get(ticker).item.get(feature_idx);
                Box::new(move |_, _| scale.map(|scale| scale.expect()))
            }
            Self::AutoRegression { regressions, .. } => {
                let regression = regressions.get(ticker).item.get(feature_idx);
                Box::new(move |past, _| regression.and_then(|own| own.expect(past)))
            }
            Self::WindowPca { subspaces, .. } => {
                let subspace = subspaces.get(ticker).item.get(feature_idx);
                Box::new(move |past, value| subspace.and_then(|own| own.expect(past, value)))
            }
            Self::Polynomial(polynomial) => {
                let curve = polynomial.curve();
                Box::new(move |past, _| curve.as_ref().and_then(|curve| curve.expect(past)))
            }
        }
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

    /// Those that learn, fitted on 300 rows of two features.
    fn learnt() -> (OwnedHistory, Vec<FittedBaseline>) {
        let values: Vec<f64> = (0..600).map(|k| f64::from(k * k % 101)).collect();
        let history = OwnedHistory::new(&values, 2, 1);
        let split = training_windows::tests::split(199);
        let fit = |baseline| {
            let mut fit = BaselineFit::new(baseline, Scope::Ticker, 2);
            fit.add("A", &history.view(), &split);
            fit.finish().unwrap()
        };
        let fitted = [
            Baseline::Persistence {},
            Baseline::MedianDistance {},
            Baseline::AutoRegression(AutoRegression::new(5).unwrap()),
            Baseline::WindowPca(WindowPca::new(8, crate::Quantile::NINE_TENTHS).unwrap()),
            Baseline::Polynomial(Polynomial::default()),
        ]
        .map(fit);
        (history, fitted.to_vec())
    }

    #[test]
    fn no_row_changes_the_score_of_a_row_before_it_or_beyond_the_lookback() {
        let (history, fitted) = learnt();
        for baseline in fitted {
            let lookback = baseline.baseline().lookback();
            let before = baseline.expect("A", &history.view());
            let mut changed = history.clone();
            changed.values[2 * 250..].fill(1e6);
            assert_eq!(baseline.expect("A", &changed.view())[..500], before[..500]);
            let mut changed = history.clone();
            changed.values[..2 * (250 - lookback)].fill(1e6);
            assert_eq!(baseline.expect("A", &changed.view())[500..], before[500..], "{lookback}");
            let n_rows = baseline.rows_needed();
            assert!(before[..2 * (n_rows - 1)].iter().all(Option::is_none), "{baseline:?}");
            assert!(before[2 * (n_rows - 1)..].iter().all(Option::is_some), "{baseline:?}");
            assert!(
                baseline.is_pooled_fallback("A")
                    != matches!(baseline, FittedBaseline::Polynomial(_))
            );
        }
    }

    #[test]
    fn a_stored_baseline_is_the_same_again() {
        for baseline in learnt().1 {
            let stored = serde_json::to_string(&baseline).unwrap();
            assert_eq!(serde_json::from_str::<FittedBaseline>(&stored).unwrap(), baseline);
        }
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
        assert_eq!(read("[detector.median_distance]").unwrap().lookback(), 0);
        assert_eq!(read("[detector.auto_regression]\norder = 3").unwrap().lookback(), 3);
        assert_eq!(read("[detector.window_pca]").unwrap().lookback(), 29);
        assert_eq!(read("[detector.polynomial]\nrows = 8").unwrap().lookback(), 8);
        assert!(read("[detector.persistence]\nrows = 60").is_err());
        assert!(read("[detector.auto_regression]\norder = 0").is_err());
        assert!(read("[detector.window_pca]\nrows = 1").is_err());
        assert!(read("[detector.polynomial]\nrows = 3").is_err());
        assert!(read("[detector.ewma_z]\nlambda = nan").is_err());
        assert!(read("[detector.ewma_z]\nalpha = 0.06").is_err());
        let error = read("[detector.robust_z]\nrows = 10").unwrap_err();
        assert_eq!(error.message(), "min_rows: expected 1 <= min_rows <= rows, found 20");
        assert!(error.span().is_some());
    }
}
