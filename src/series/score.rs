//! Raw scores of one ticker by one detector: everything that needs no threshold.
//!
//! The causal score of a row is the root mean square over features of `|value - expected| / scale`
//! (or another norm, smoothed or not: [`Form`]),
//! from the last step of the window that ends there (a forecast: of that day; a baseline: from the
//! rows before). The hindsight score merges the same quantity over all windows that cover the row;
//! where a detector gives one step a window there is none. An archive detector has nothing but hindsight:
//! it has seen all rows when it speaks of the first.
//!
//! Axes: `[time]` or `[time, feature]`. NaN = there is none.

use std::sync::Arc;

use crate::archive::{Archive, ArchiveError, Networks, Remembered, Series};
use crate::baseline::FittedBaseline;
use crate::evaluate::length_rank;
use crate::fallback;
use crate::form::Form;
use crate::history::{History, HistoryError, SkipReason};
use crate::merge::Merge;
use crate::model::{FitError, Fitted};
use crate::network;
use crate::scale::Scalers;
use crate::split::Span;
use crate::statistics::root_mean_square;
use crate::threshold::Threshold;

/// What a detector judges by.
#[derive(Clone)]
pub enum Judge {
    /// A trained network and what its input is scaled with.
    Network {
        /// Weights and all.
        network: Arc<dyn Fitted>,
        /// Of the training rows.
        scalers: Scalers,
    },
    /// A baseline.
    Baseline(FittedBaseline),
    /// A detector that learns from the series it scores.
    Archive(ArchiveJudge),
    /// Nothing: the ticker has no model of its own. The fallback speaks for it.
    Absent,
}

/// A detector that learns from the series it scores, whole, and sets that series its own threshold.
#[derive(Clone)]
pub struct ArchiveJudge {
    /// Which.
    pub archive: Archive,
    /// What its networks are computed with.
    pub networks: Arc<dyn Networks>,
    /// Of the scores of each ticker, for that ticker.
    pub threshold: Threshold,
}

/// How an expected value becomes an expected price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceLink {
    /// It does not.
    #[default]
    None,
    /// `value × feature_scale` is a log return from the reference price of the row before.
    Return,
    /// The value is the price.
    Level,
}

/// A trained detector: it scores, and needs no threshold for it.
#[derive(Clone)]
pub struct Detector {
    /// Its name in the pipeline.
    pub name: String,
    /// Derived from its content.
    pub model_id: String,
    /// What it judges by.
    pub judge: Judge,
    /// How hindsight is merged where hindsight decides; `None` lets the causal score decide.
    pub merge: Option<Merge>,
    /// What its errors are turned into.
    pub form: Form,
    /// `[feature]`; features beyond its end have none.
    pub price_links: Vec<PriceLink>,
}

/// A history cannot be scored: our own mistake, not the data's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// The history contradicts itself.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Network and windows do not fit together.
    #[error(transparent)]
    Network(#[from] FitError),
    /// A series does not fit its detector, or a network of it cannot be trained.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Raw scores of one ticker.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Rows at the end of a window that the detector gives an expectation for.
    pub steps: usize,
    /// Causal expectations in units of the feature, `[time, feature]`.
    pub expected: Vec<f64>,
    /// What errors are divided by, in units of the feature, `[time, feature]`.
    pub scale: Vec<f64>,
    /// Of detectors that judge whole windows: how far off each is that ends here, in units of the scale,
    /// `[time, feature]`.
    pub distances: Option<Vec<f64>>,
    /// Causal scores, `[time]`.
    pub causal: Vec<f64>,
    /// Hindsight scores, `[time]`.
    pub hindsight: Vec<f64>,
    /// Mean scaled |error| per element over all steps of the window that ends here, `[time]`.
    pub window_error: Vec<f64>,
    /// Windows that cover the row, `[time]`; of one-step detectors 1 where there is a score.
    pub n_windows: Vec<u32>,
    /// Whether later windows may still change the hindsight score, `[time]`.
    pub is_interim: Vec<bool>,
    /// Rows on either side that smoothing takes into the hindsight score.
    pub smoothed_rows: usize,
    /// Changes of price or first feature, `[time]`: see [`fallback::changes`].
    pub changes: Vec<f64>,
    /// Whether the fallback speaks for rows that have no score: see [`Scores::fallback`].
    pub falls_back: bool,
    /// Whether the ticker ought to have its own scaler and has none.
    pub is_pooled_fallback: bool,
}

impl Detector {
    /// Scores all rows of a history.
    ///
    /// # Errors
    /// The history contradicts itself, or the network expects other windows.
    pub fn score(&self, ticker: &str, history: &History<'_>) -> Result<Scores, ScoreError> {
        self.score_remembering(ticker, history, &mut Remembered::default())
    }

    /// As [`Detector::score`]; archive detectors look up in `remembered` what was said of this history
    /// before, by whichever detector.
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn score_remembering(
        &self,
        ticker: &str,
        history: &History<'_>,
        remembered: &mut Remembered,
    ) -> Result<Scores, ScoreError> {
        history.check()?;
        let mut scores = match &self.judge {
            Judge::Network { network, scalers } => {
                let scaler = scalers.get(ticker);
                let merge = self.merge.unwrap_or(self.form.merge);
                let how = network::How { scaler: scaler.item, merge, norm: &self.form.norm };
                let scores = network::score(network.as_ref(), how, history)?;
                Scores { is_pooled_fallback: scaler.is_pooled_fallback, ..scores }
            }
            Judge::Baseline(baseline) => score_baseline(baseline, ticker, history),
            Judge::Absent => Scores::empty(history.len(), history.features, 1),
            Judge::Archive(judge) => {
                let mut scores = score_archive(judge, ticker, history, remembered)?;
                scores.changes = fallback::changes(history);
                // Nothing speaks for a value that is not there.
                scores.falls_back = false;
                return Ok(scores);
            }
        };
        self.form.apply(history, &mut scores);
        scores.changes = fallback::changes(history);
        Ok(scores)
    }

    /// Whether `score_hindsight` decides what is an anomaly. The pipeline's `merge` says so, but of a
    /// detector that gives one step a window the causal score decides all the same.
    pub fn decides_by_hindsight(&self) -> bool {
        let steps = match &self.judge {
            Judge::Network { network, .. } => network.steps(),
            Judge::Baseline(_) | Judge::Absent => 1,
            Judge::Archive(_) => return true,
        };
        self.merge.is_some() && steps > 1
    }

    /// Rows before a row that its scores depend on, of windows of `length` rows; features looked back before.
    pub fn rows_before(&self, length: usize) -> usize {
        let own = match &self.judge {
            Judge::Network { .. } => length,
            Judge::Baseline(baseline) => baseline.baseline().lookback() + 1,
            Judge::Archive(_) => return usize::MAX,
            Judge::Absent => 0,
        };
        own.max(fallback::LOOKBACK) + self.form.rows_before()
    }

    /// Whether it learns from every row that it scores, and sets each ticker a threshold from these very
    /// scores: then no row is held out, and what is told of it is told of all rows.
    pub fn is_archive(&self) -> bool {
        matches!(self.judge, Judge::Archive(_))
    }

    /// The span that results are told of: the test span; of an archive detector all rows, and all of
    /// them are of the training span.
    pub fn told_span(&self) -> Span {
        if self.is_archive() { Span::Train } else { Span::Test }
    }

    /// The scores that decide, of those that this detector gave.
    pub fn deciding<'s>(&self, scores: &'s Scores) -> &'s [f64] {
        if self.decides_by_hindsight() { &scores.hindsight } else { &scores.causal }
    }

    /// Whether a row is flagged for its jump alone. Archive detectors leave a value that is missing to
    /// itself: a series need not be a price that ought to be there.
    pub(crate) fn is_break(&self, history: &History<'_>, row_idx: usize) -> bool {
        history.breaks[row_idx] && (history.is_whole(row_idx) || !self.is_archive())
    }

    /// Whether it reproduces a published protocol.
    pub(crate) fn is_as_published(&self) -> bool {
        match &self.judge {
            Judge::Network { network, .. } => network.spec().as_published.is_some(),
            Judge::Baseline(_) | Judge::Archive(_) | Judge::Absent => false,
        }
    }

    /// Why `row_idx` has no causal score.
    pub(crate) fn skip_reason(&self, history: &History<'_>, row_idx: usize) -> SkipReason {
        let (n_rows, otherwise) = match &self.judge {
            // Of such a window another span has the first rows.
            Judge::Network { .. } if self.is_as_published() => {
                (history.length, SkipReason::HistoryShort)
            }
            Judge::Network { .. } => (history.length, SkipReason::NotFinite),
            Judge::Baseline(baseline) => (baseline.rows_needed(), SkipReason::NoScale),
            Judge::Archive(_) if history.is_whole(row_idx) => return SkipReason::NotFinite,
            Judge::Archive(_) => return SkipReason::NullValue,
            Judge::Absent => return SkipReason::NoModel,
        };
        history.skip_reason(row_idx, n_rows).unwrap_or(otherwise)
    }
}

impl Scores {
    pub(crate) fn empty(n_rows: usize, features: usize, steps: usize) -> Self {
        Self {
            steps,
            expected: vec![f64::NAN; n_rows * features],
            scale: vec![f64::NAN; n_rows * features],
            distances: None,
            causal: vec![f64::NAN; n_rows],
            hindsight: vec![f64::NAN; n_rows],
            window_error: vec![f64::NAN; n_rows],
            n_windows: vec![0; n_rows],
            is_interim: vec![false; n_rows],
            smoothed_rows: 0,
            changes: vec![f64::NAN; n_rows],
            falls_back: true,
            is_pooled_fallback: false,
        }
    }

    /// Fallback scores, `[time]`: see [`fallback::scores`]. NaN of all rows where no fallback speaks.
    pub(crate) fn fallback(&self, is_asked: impl Fn(usize) -> bool) -> Vec<f64> {
        fallback::scores(&self.changes, |row_idx| self.falls_back && is_asked(row_idx))
    }

    /// Scaled errors of a row by the causal expectation, `[feature]`; a distance has the sign of the value's error.
    pub(crate) fn scaled_errors<'s>(
        &'s self,
        history: &History<'s>,
        row_idx: usize,
    ) -> impl Iterator<Item = f64> + Clone + 's {
        let first = row_idx * history.features;
        let values = history.row(row_idx).iter();
        let expected = self.expected[first..].iter().zip(&self.scale[first..]);
        let errors =
            values.zip(expected).map(|(value, (expected, scale))| (value - expected) / scale);
        errors.enumerate().map(move |(feature_idx, error)| match &self.distances {
            Some(distances) => distances[first + feature_idx].copysign(error),
            None => error,
        })
    }

    /// Writes the causal score of a row from its expectations; NaN where it is not finite.
    pub(crate) fn close_row(&mut self, history: &History<'_>, row_idx: usize) {
        let score = root_mean_square(self.scaled_errors(history, row_idx));
        self.causal[row_idx] = if score.is_finite() { score } else { f64::NAN };
    }
}

fn score_baseline(baseline: &FittedBaseline, ticker: &str, history: &History<'_>) -> Scores {
    let mut scores = Scores::empty(history.len(), history.features, 1);
    scores.is_pooled_fallback = baseline.is_pooled_fallback(ticker);
    for (idx, expectation) in baseline.expect(ticker, history).into_iter().enumerate() {
        if let Some(expectation) = expectation {
            scores.expected[idx] = expectation.expected;
            scores.scale[idx] = expectation.scale;
            if let Some(distance) = expectation.distance {
                let none = || vec![f64::NAN; history.values.len()];
                scores.distances.get_or_insert_with(none)[idx] = distance;
            }
        }
    }
    for row_idx in 0..history.len() {
        scores.close_row(history, row_idx);
        if scores.causal[row_idx].is_finite() {
            let errors = scores.scaled_errors(history, row_idx);
            scores.window_error[row_idx] = network::mean_magnitude(errors);
            scores.n_windows[row_idx] = 1;
        }
    }
    scores
}

/// Scores of the whole rows as one series, whatever lies between them: neither gap nor break cuts it.
fn score_archive(
    judge: &ArchiveJudge,
    ticker: &str,
    history: &History<'_>,
    remembered: &mut Remembered,
) -> Result<Scores, ScoreError> {
    let rows: Vec<usize> = (0..history.len()).filter(|&row| history.is_whole(row)).collect();
    let values: Vec<f64> = rows.iter().flat_map(|&row| history.row(row)).copied().collect();
    let features = history.features;
    let first: Vec<f64> = values.iter().step_by(features).copied().collect();
    let series = Series { values: &values, features, period: length_rank(&first) };
    let mut scores = Scores::empty(history.len(), features, 1);
    let archive = judge.archive.named(ticker);
    let found = match remembered.score(&archive, &series, judge.networks.as_ref()) {
        Ok(found) => found,
        // A series that no network can learn costs itself its scores, and no other series anything.
        Err(ArchiveError::Network(FitError::Diverged { .. })) => return Ok(scores),
        Err(error) => return Err(error.into()),
    };
    for (&row, score) in rows.iter().zip(found) {
        scores.hindsight[row] = score;
        scores.n_windows[row] = 1;
    }
    Ok(scores)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::archive::MedianDistance;
    use crate::baseline::EwmaZ;
    use crate::by_ticker::ByTicker;
    use crate::history::tests::OwnedHistory;
    use crate::network::tests::MeanOfWindow;
    use crate::range::Lambda;
    use crate::scale::{Scaler, ScalerParts};

    /// A detector that expects of every row the mean of its window, unscaled.
    pub(crate) fn mean_of_window(length: usize, steps: usize, features: usize) -> Detector {
        let parts = ScalerParts {
            mean: vec![0.0; features],
            sd: vec![1.0; features],
            min: vec![0.0; features],
            max: vec![0.0; features],
        };
        Detector {
            name: "mean".to_owned(),
            model_id: "0".to_owned(),
            judge: Judge::Network {
                network: Arc::new(MeanOfWindow::new(length, steps, features)),
                scalers: ByTicker::pooled(Scaler::try_from(parts).unwrap()),
            },
            merge: None,
            form: Form::default(),
            price_links: Vec::new(),
        }
    }

    /// An EWMA detector with λ = ½ that needs one row.
    pub(crate) fn ewma() -> Detector {
        let ewma = EwmaZ::new(Lambda::try_from(0.5).unwrap(), 250, 1).unwrap();
        Detector {
            name: "ewma".to_owned(),
            judge: Judge::Baseline(FittedBaseline::EwmaZ(ewma)),
            ..mean_of_window(1, 1, 1)
        }
    }

    #[test]
    fn a_baseline_scores_as_soon_as_it_can_and_has_no_hindsight() {
        // σ from {2} is 2: z = 4/2. σ² from {2, 4} is (½·4 + 16)/1.5 = 12: z = 6/√12.
        let history = OwnedHistory::new(&[2.0, -4.0, 6.0], 1, 30);
        let scores = ewma().score("A", &history.view()).unwrap();
        assert!(scores.causal[0].is_nan());
        assert_eq!(scores.causal[1], 2.0);
        assert!((scores.causal[2] - 6.0 / 12.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(scores.window_error[1..], scores.causal[1..]);
        assert_eq!(scores.n_windows, [0, 1, 1]);
        assert!(scores.hindsight.iter().all(|score| score.is_nan()));
    }

    #[test]
    fn a_row_with_one_missing_feature_has_no_score() {
        let values = [1.0, 1.0, 1.0, f64::NAN, 1.0, 1.0];
        let history = OwnedHistory::new(&values, 2, 1);
        let scores = ewma().score("A", &history.view()).unwrap();
        assert!(scores.causal[1].is_nan());
        assert_eq!(scores.causal[2], 1.0);
    }

    #[test]
    fn a_history_that_contradicts_itself_is_refused() {
        let mut history = OwnedHistory::new(&[1.0, 2.0], 1, 2);
        history.windowed[0] = true;
        let refused = ewma().score("A", &history.view());
        assert!(matches!(refused, Err(ScoreError::History(_))));
    }

    #[test]
    fn hindsight_decides_only_where_asked_for_and_where_there_is_any() {
        let with = |detector: Detector| Detector { merge: Some(Merge::Max), ..detector };
        assert!(with(mean_of_window(3, 3, 1)).decides_by_hindsight());
        assert!(!mean_of_window(3, 3, 1).decides_by_hindsight());
        assert!(!with(mean_of_window(3, 1, 1)).decides_by_hindsight());
        assert!(!with(ewma()).decides_by_hindsight());
    }

    /// The distance from the median, unsmoothed, under the default threshold.
    pub(crate) fn archive() -> Detector {
        let median = MedianDistance { smooth: 1 };
        Detector {
            name: "archive".to_owned(),
            judge: Judge::Archive(ArchiveJudge {
                archive: Archive::MedianDistance(median),
                networks: Arc::new(crate::archive::tests::NoNetworks),
                threshold: Threshold::default(),
            }),
            ..mean_of_window(1, 1, 1)
        }
    }

    #[test]
    fn an_archive_detector_speaks_of_whole_rows_in_hindsight_only() {
        // 1 3 5 without the missing one: median 3, sd √(8/3); cut segments make no difference.
        let history = OwnedHistory::new(&[1.0, f64::NAN, 3.0, 5.0], 1, 1).cut(2, true);
        let scores = archive().score("A", &history.view()).unwrap();
        assert!(scores.causal.iter().chain(&scores.fallback(|_| true)).all(|score| score.is_nan()));
        let far = 2.0 / (8.0_f64 / 3.0).sqrt();
        assert!(scores.hindsight[1].is_nan());
        for (row, expected) in [(0, far), (2, 0.0), (3, far)] {
            assert!((scores.hindsight[row] - expected).abs() < 1e-15, "{scores:?}");
        }
        assert_eq!(scores.n_windows, [1, 0, 1, 1]);
        assert!(archive().decides_by_hindsight());
    }

    /// No series can be learnt by these.
    struct Diverging;

    impl Networks for Diverging {
        fn model(
            &self,
            _: crate::spec::ModelSpec,
        ) -> Result<Box<dyn crate::model::Model>, FitError> {
            Err(FitError::Diverged { epoch: 1, loss: f64::NAN })
        }
    }

    #[test]
    fn a_series_that_no_network_can_learn_has_no_scores_and_stops_nothing() {
        let mut detector = archive();
        let Judge::Archive(judge) = &mut detector.judge else { panic!("an archive") };
        judge.archive = Archive::LstmForecaster(crate::archive::LstmSettings::FORECASTER);
        // Without any engine it is our own mistake.
        let history = OwnedHistory::new(&[1.0, f64::NAN, 3.0, 5.0], 1, 1);
        assert!(detector.score("A", &history.view()).is_err());
        let Judge::Archive(judge) = &mut detector.judge else { panic!("an archive") };
        judge.networks = Arc::new(Diverging);
        let scores = detector.score("A", &history.view()).unwrap();
        assert!(scores.hindsight.iter().all(|score| score.is_nan()));
        let reasons = [0, 1].map(|row| detector.skip_reason(&history.view(), row));
        assert_eq!(reasons, [SkipReason::NotFinite, SkipReason::NullValue]);
    }

    #[test]
    fn an_empty_history_has_empty_scores() {
        let history = OwnedHistory::new(&[], 1, 3);
        for detector in [ewma(), mean_of_window(3, 3, 1), archive()] {
            assert!(detector.score("A", &history.view()).unwrap().causal.is_empty());
        }
    }
}
