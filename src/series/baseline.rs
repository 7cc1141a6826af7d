//! Baselines: detectors without a network, in the same tables as any other.
//!
//! A baseline looks at the rows before a row, within its segment and at most [`Baseline::lookback`]
//! of them, and says what it expects and how far off it usually is. (Those of windows look at the row too:
//! window PCA says what it makes of it, k-means and nearest neighbour what the most similar window has in its
//! place.) Its score is the root mean square
//! over features of `|value - expected| / scale`; of one feature, |z|. That of k-means and nearest neighbour is
//! the distance of the whole window, in the place of that of its newest row.
//!
//! `ewma_z` and `robust_z` look at `value × feature_scale` where there is one, so that of a
//! volatility-scaled return they see the plain return; what they expect is given back in units of
//! the feature. A break row is left out of what later rows look back on: its value is not evidence
//! of what is usual. A missing value is skipped.

mod auto_regression;
mod ewma_z;
mod k_means;
mod kept_windows;
mod median_distance;
mod nearest_neighbour;
mod persistence;
mod polynomial;
mod robust_z;
mod training_windows;
mod window_pca;

pub use auto_regression::{AutoRegression, Regression};
pub use ewma_z::EwmaZ;
pub use k_means::KMeans;
pub use kept_windows::KeptWindows;
pub use median_distance::MedianScale;
pub use nearest_neighbour::NearestNeighbour;
pub use polynomial::Polynomial;
pub use robust_z::RobustZ;
pub use window_pca::{Subspace, WindowPca};

use serde::{Deserialize, Serialize};

use crate::by_ticker::{ByTicker, Scope};
use crate::history::History;
use crate::scale::{ScaleError, Scalers};
use crate::split::Split;
use kept_windows::Gathered;
use median_distance::MedianFit;
use persistence::PersistenceFit;
use training_windows::{WindowFit, WindowMoments};

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
    /// The nearest of a few typical windows.
    KMeans(KMeans),
    /// The training window that is nearest.
    NearestNeighbour(NearestNeighbour),
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
    /// Scale is the deviation of the training windows.
    KMeans {
        /// How long windows are, and how many centres there were to be.
        settings: KMeans,
        /// `[feature]`.
        centres: ByTicker<Vec<KeptWindows>>,
    },
    /// Scale is the deviation of the training windows.
    NearestNeighbour {
        /// How long windows are, and which neighbour counts.
        settings: NearestNeighbour,
        /// `[feature]`.
        windows: ByTicker<Vec<KeptWindows>>,
    },
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
    /// How far off the whole window is that ends in the value, in units of `scale`; `None` where the value alone
    /// is judged.
    pub distance: Option<f64>,
}

impl Baseline {
    /// How many rows before a row its score depends on.
    pub fn lookback(&self) -> usize {
        match self {
            Self::Persistence {} => 1,
            Self::EwmaZ(ewma) => ewma.lookback().rows,
            Self::RobustZ(robust) => robust.lookback().rows,
            Self::MedianDistance {} => 0,
            Self::AutoRegression(regression) => regression.order.get(),
            Self::WindowPca(pca) => pca.rows() - 1,
            Self::Polynomial(polynomial) => polynomial.rows(),
            Self::KMeans(k_means) => k_means.rows.get() - 1,
            Self::NearestNeighbour(neighbour) => neighbour.rows.get() - 1,
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
    Moments(WindowFit<WindowMoments>),
    Windows(WindowFit<Gathered>),
}

impl BaselineFit {
    /// Nothing collected yet. `scope` says whether tickers have their own scales.
    pub fn new(baseline: Baseline, scope: Scope, features: usize) -> Self {
        let moments = |length| Taken::Moments(WindowFit::new(scope, features, length));
        let windows = |length| Taken::Windows(WindowFit::new(scope, features, length));
        let taken = match baseline {
            Baseline::Persistence {} => Taken::Differences(PersistenceFit::new(scope, features)),
            Baseline::MedianDistance {} => Taken::Values(MedianFit::new(scope)),
            Baseline::AutoRegression(regression) => moments(regression.order.get() + 1),
            Baseline::WindowPca(pca) => moments(pca.rows()),
            Baseline::KMeans(k_means) => windows(k_means.rows.get()),
            Baseline::NearestNeighbour(neighbour) => windows(neighbour.rows.get()),
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
            Taken::Moments(fit) => fit.add(ticker, history, split),
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
            (Baseline::AutoRegression(settings), Taken::Moments(fit)) => {
                let regressions = fit.finish(Regression::learn)?;
                FittedBaseline::AutoRegression { settings, regressions }
            }
            (Baseline::WindowPca(settings), Taken::Moments(fit)) => {
                let subspaces = fit.finish(|moments| settings.learn(moments))?;
                FittedBaseline::WindowPca { settings, subspaces }
            }
            (Baseline::KMeans(settings), Taken::Windows(fit)) => {
                let centres = fit.finish(|gathered| settings.learn(gathered))?;
                FittedBaseline::KMeans { settings, centres }
            }
            (Baseline::NearestNeighbour(settings), Taken::Windows(fit)) => {
                FittedBaseline::NearestNeighbour { settings, windows: fit.finish(Gathered::keep)? }
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
            Self::KMeans { settings, .. } => Baseline::KMeans(*settings),
            Self::NearestNeighbour { settings, .. } => Baseline::NearestNeighbour(*settings),
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
            | Self::Polynomial(_)
            | Self::KMeans { .. }
            | Self::NearestNeighbour { .. } => self.baseline().lookback() + 1,
        }
    }

    /// Whether `ticker` ought to have its own scale and has none.
    pub(crate) fn is_pooled_fallback(&self, ticker: &str) -> bool {
        match self {
            Self::Persistence { differences } => differences.get(ticker).is_pooled_fallback,
            Self::MedianDistance { scales } => scales.get(ticker).is_pooled_fallback,
            Self::AutoRegression { regressions, .. } => regressions.get(ticker).is_pooled_fallback,
            Self::WindowPca { subspaces, .. } => subspaces.get(ticker).is_pooled_fallback,
            Self::KMeans { centres, .. } => centres.get(ticker).is_pooled_fallback,
            Self::NearestNeighbour { windows, .. } => windows.get(ticker).is_pooled_fallback,
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

    /// What is expected of a row of a feature after `past`; only those of windows look at the row itself.
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
            Self::KMeans { centres, .. } => {
                let centres = centres.get(ticker).item.get(feature_idx);
                Box::new(move |past, value| k_means::expect(centres?, past, value))
            }
            Self::NearestNeighbour { settings, windows } => {
                let windows = windows.get(ticker).item.get(feature_idx);
                Box::new(move |past, value| settings.expect(windows?, past, value))
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
    /// Of a value that is judged alone.
    pub(crate) fn new(expected: f64, scale: f64) -> Self {
        Self { expected, scale, distance: None }
    }

    /// `None` where the result could not be written or divided by: the unit is missing, 0 or negative,
    /// or the scale is 0.
    fn divided_by(self, unit: f64) -> Option<Self> {
        let own = Self { expected: self.expected / unit, scale: self.scale / unit, ..self };
        (own.expected.is_finite() && own.scale.is_finite() && own.scale > 0.0).then_some(own)
    }
}

#[cfg(test)]
pub(crate) mod tests;
