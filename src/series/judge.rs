//! From raw scores and thresholds to what the tables say of each row.
//!
//! A row is decided by the detector's score if it has one, else by the fallback's, and a break is
//! flagged whatever the scores. Every number is finite or `None`.

mod of_ticker;
mod pruning;

pub use of_ticker::OfTicker;

use serde::{Deserialize, Serialize};

use crate::as_published;
use crate::calibration::{Calibrated, Thresholds};
use crate::events::{Event, EventRule};
use crate::history::{History, SkipReason};
use crate::score::{Detector, Judge, PriceLink, ScoreError, Scores};
use crate::split::{Span, Split};
use crate::statistics::finite;

/// A detector with its thresholds: it judges.
#[derive(Clone)]
pub struct CalibratedDetector {
    /// What scores.
    pub detector: Detector,
    /// What its scores are compared with.
    pub thresholds: Thresholds,
    /// The spans it was trained and calibrated on.
    pub split: Split,
    /// How flags become events.
    pub events: EventRule,
}

/// All that the tables say of one ticker by one detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// One a row of the history.
    pub rows: Vec<JudgedRow>,
    /// One a value of the history, `[time, feature]`.
    pub points: Vec<JudgedPoint>,
    /// Runs of flagged rows.
    pub events: Vec<Event>,
    /// Whether the ticker ought to have its own scaler and threshold and takes a pooled one.
    pub is_pooled_fallback: bool,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedRow {
    /// Its place in the history.
    pub row_idx: usize,
    /// The span of its day.
    pub span: Span,
    /// What decided; `None` where nothing could.
    pub rule: Option<Rule>,
    /// Why the detector has no causal score, or, where it has nothing but hindsight, no such score.
    pub skip_reason: Option<SkipReason>,
    /// The causal score; where the fallback decided, the fallback's; of a break, `None`.
    pub score: Option<f64>,
    /// The hindsight score.
    pub score_hindsight: Option<f64>,
    /// Mean scaled |error| per element of the window that ends here.
    pub window_error: Option<f64>,
    /// Windows that cover the row.
    pub n_windows: u32,
    /// What the deciding score was compared with.
    pub threshold: Option<f64>,
    /// Deciding score over threshold.
    pub threshold_ratio: Option<f64>,
    /// Share of calibration scores below the deciding one, 0 … 100.
    pub percentile: Option<f64>,
    /// Share of calibration scores at or above the deciding one, never 0: see [`Calibrated::p_value`].
    pub p_value: Option<f64>,
    /// Whether it is flagged.
    pub is_anomaly: bool,
    /// Whether hindsight decides and later windows may still change it.
    pub is_interim: bool,
    /// Side of the expectation on which the value lies (of the feature with the largest scaled
    /// error), or way of the change where there is none.
    pub direction: Option<Direction>,
    /// Change of the reference price in percent.
    pub return_pct: Option<f64>,
    /// Its event, if it is flagged.
    pub event_idx: Option<usize>,
}

/// One value and what was causally expected of it, in units of the feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedPoint {
    /// The value.
    pub value: Option<f64>,
    /// What was expected.
    pub expected: Option<f64>,
    /// Below it, this value alone would be flagged; where scores are smoothed, once it lasts. `None` where whole
    /// windows are judged.
    pub lower_bound: Option<f64>,
    /// The same above.
    pub upper_bound: Option<f64>,
    /// `value - expected`.
    pub error: Option<f64>,
    /// The error in units of its scale; where whole windows are judged, how far off the window is.
    pub scaled_error: Option<f64>,
    /// The expectation as a price.
    pub price_expected: Option<f64>,
}

/// What decided a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The detector's score.
    Model,
    /// The fallback's score, because the detector has none.
    Fallback,
    /// The row is a break.
    Break,
}

impl Rule {
    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Fallback => "fallback",
            Self::Break => "break",
        }
    }
}

/// Which side of the expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Greater than expected.
    Above,
    /// Less than expected.
    Below,
}

impl Direction {
    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    fn of(error: f64) -> Option<Self> {
        if error > 0.0 {
            Some(Self::Above)
        } else if error < 0.0 {
            Some(Self::Below)
        } else {
            None
        }
    }
}

impl CalibratedDetector {
    /// Scores and judges all rows of a history.
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn judge(&self, ticker: &str, history: &History<'_>) -> Result<Judgement, ScoreError> {
        let scores = self.detector.score(ticker, history)?;
        Ok(self.judge_scores(ticker, history, &scores))
    }

    /// Judges scores that this detector gave to this history.
    pub fn judge_scores(&self, ticker: &str, history: &History<'_>, scores: &Scores) -> Judgement {
        let apart;
        let scores = if self.detector.is_as_published() {
            apart = as_published::apart(scores.clone(), history, &self.split);
            &apart
        } else {
            scores
        };
        let own;
        let thresholds = match &self.detector.judge {
            Judge::Archive(judge) => {
                own = Thresholds::of_itself(&judge.threshold, scores);
                &own
            }
            Judge::Network { .. } | Judge::Baseline(_) | Judge::Absent => &self.thresholds,
        };
        let causal = thresholds.causal.get(ticker);
        let fallback = thresholds.fallback.as_ref().map(|of| of.get(ticker).item);
        let hindsight = thresholds.hindsight.as_ref().map(|of| of.get(ticker));
        let by_hindsight = self.detector.decides_by_hindsight();
        let (deciding, model) = match hindsight {
            Some(hindsight) if by_hindsight => (&scores.hindsight, hindsight),
            _ => (&scores.causal, causal),
        };
        let fallback_scores = self.fallback_scores(history, scores, deciding);
        let judge_row = |row_idx: usize| {
            let mut row = facts(&self.detector, history, scores, row_idx);
            row.span = self.split.span(history.days[row_idx]);
            row.is_interim = by_hindsight && scores.is_interim[row_idx];
            if self.detector.is_break(history, row_idx) {
                row.rule = Some(Rule::Break);
                row.is_anomaly = true;
            } else if let Some(score) = finite(deciding[row_idx]) {
                row.score = finite(scores.causal[row_idx]);
                row.decide(Rule::Model, score, Some(model.item));
            } else if let Some(score) = finite(fallback_scores[row_idx]) {
                row.score = Some(score);
                row.decide(Rule::Fallback, score, fallback);
            }
            row
        };
        let mut rows: Vec<JudgedRow> = (0..history.len()).map(judge_row).collect();
        if let Some(least) = model.item.least_step().filter(|_| by_hindsight) {
            pruning::prune(history, &mut rows, deciding, least);
        }
        let events = self.events.group(history, &mut rows);
        let is_pooled_fallback = scores.is_pooled_fallback || model.is_pooled_fallback;
        let points = points(&self.detector, history, scores, causal.item.threshold);
        Judgement { rows, points, events, is_pooled_fallback }
    }

    /// Fallback scores of the rows that they decide, `[time]`; NaN of the others.
    fn fallback_scores(
        &self,
        history: &History<'_>,
        scores: &Scores,
        deciding: &[f64],
    ) -> Vec<f64> {
        scores.fallback(|row_idx| {
            !deciding[row_idx].is_finite() && !self.detector.is_break(history, row_idx)
        })
    }
}

/// What a row is before it is decided.
fn facts(detector: &Detector, history: &History<'_>, scores: &Scores, row_idx: usize) -> JudgedRow {
    let is_scored = scores.causal[row_idx].is_finite();
    let is_break = detector.is_break(history, row_idx);
    let skip_reason = match () {
        () if is_break => Some(SkipReason::Break),
        () if is_scored || (detector.is_archive() && scores.hindsight[row_idx].is_finite()) => None,
        () => Some(detector.skip_reason(history, row_idx)),
    };
    let change = scores.changes[row_idx];
    let direction = if is_scored && !is_break {
        Direction::of(largest(scores.scaled_errors(history, row_idx)))
    } else {
        Direction::of(change)
    };
    JudgedRow {
        skip_reason,
        score_hindsight: finite(scores.hindsight[row_idx]),
        window_error: finite(scores.window_error[row_idx]),
        n_windows: scores.n_windows[row_idx],
        direction,
        return_pct: history.reference_prices.and_then(|_| finite(100.0 * change.exp_m1())),
        ..JudgedRow::unjudged(row_idx, Span::Test)
    }
}

/// The error of largest magnitude, the first of equals; 0 of none.
fn largest(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, |most, error| if error.abs() > f64::abs(most) { error } else { most })
}

impl JudgedRow {
    /// A row of which nothing is known.
    pub(crate) fn unjudged(row_idx: usize, span: Span) -> Self {
        Self {
            row_idx,
            span,
            rule: None,
            skip_reason: None,
            score: None,
            score_hindsight: None,
            window_error: None,
            n_windows: 0,
            threshold: None,
            threshold_ratio: None,
            percentile: None,
            p_value: None,
            is_anomaly: false,
            is_interim: false,
            direction: None,
            return_pct: None,
            event_idx: None,
        }
    }

    /// Compares the deciding score; without a threshold nothing is flagged.
    fn decide(&mut self, rule: Rule, score: f64, calibrated: Option<&Calibrated>) {
        self.rule = Some(rule);
        let Some(calibrated) = calibrated else { return };
        let threshold = calibrated.threshold;
        self.threshold = Some(threshold);
        self.threshold_ratio = finite(score / threshold);
        if let Some(rank) = calibrated.distribution.rank(score) {
            self.percentile = Some(rank.percentile());
            self.p_value = Some(calibrated.p_value_of(rank, score));
        }
        self.is_anomaly = score > threshold;
    }
}

fn points(
    detector: &Detector,
    history: &History<'_>,
    scores: &Scores,
    threshold: f64,
) -> Vec<JudgedPoint> {
    // What a window scores says nothing of one value in it. A smoothed score is that of a value which lasts.
    let is_of_window = detector.is_as_published() || scores.distances.is_some();
    let reach = |feature_idx| detector.form.norm.reach(threshold, history.features, feature_idx);
    let reaches: Vec<f64> = (0..history.features).map(reach).collect();
    let point = |(idx, &value): (usize, &f64)| {
        let (row_idx, feature_idx) = (idx / history.features, idx % history.features);
        let (expected, scale) = (scores.expected[idx], scores.scale[idx]);
        let reach = reaches[feature_idx];
        let link = detector.price_links.get(feature_idx).copied().unwrap_or_default();
        JudgedPoint {
            value: finite(value),
            expected: finite(expected),
            lower_bound: finite(expected - reach * scale).filter(|_| !is_of_window),
            upper_bound: finite(expected + reach * scale).filter(|_| !is_of_window),
            error: finite(value - expected),
            scaled_error: finite(match &scores.distances {
                Some(distances) => distances[idx],
                None => (value - expected) / scale,
            }),
            price_expected: finite(price(history, row_idx, idx, link, expected)),
        }
    };
    history.values.iter().enumerate().map(point).collect()
}

/// The expectation at `idx` as a price; NaN where there is none.
fn price(history: &History<'_>, row_idx: usize, idx: usize, link: PriceLink, expected: f64) -> f64 {
    match (link, history.reference_prices) {
        (PriceLink::None, _) => f64::NAN,
        (PriceLink::Level, _) => expected,
        (PriceLink::Return, Some(prices)) if row_idx > 0 => {
            let scale = history.feature_scales.map_or(1.0, |scales| scales[idx]);
            // No return leads on from a price that has no logarithm.
            let before = prices[row_idx - 1];
            if before > 0.0 { before * (expected * scale).exp() } else { f64::NAN }
        }
        (PriceLink::Return, _) => f64::NAN,
    }
}

#[cfg(test)]
mod tests;
