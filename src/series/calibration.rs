//! Thresholds from the scores of many tickers on the calibration span.
//!
//! Causal, hindsight and fallback scores are calibrated apart, pooled and per ticker. Break rows do
//! not count; of hindsight, neither do points that a window ending later covers or may yet cover.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::by_ticker::{ByTicker, Scope};
use crate::distribution::{Distribution, Rank};
use crate::history::History;
use crate::score::Scores;
use crate::split::{Span, Split};
use crate::threshold::tail::Tail;
use crate::threshold::{Rate, Stated, Threshold, Uncalibrated};

/// `[calibration]`: `scope` pooled, `min_rows` 250, `p_values` rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calibration {
    /// Of all tickers together or of each.
    pub scope: Scope,
    /// A ticker with fewer calibration scores takes the pooled threshold.
    pub min_rows: usize,
    /// What p-values are beyond the largest calibration score.
    pub p_values: PValues,
}

/// What p-values are beyond the largest calibration score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PValues {
    /// 1/(n + 1) of n calibration scores: nothing is claimed that was not seen.
    #[default]
    Rank,
    /// That of a generalised Pareto tail of the calibration scores above their .95-quantile, if smaller.
    Tail,
}

/// Where the tail of p-values begins: 400 scores have one of 20.
const TAIL_FROM: f64 = 0.95;

/// The least p-value that a tail may claim.
pub const P_VALUE_MIN: f64 = 1e-12;

impl Default for Calibration {
    fn default() -> Self {
        Self { scope: Scope::Pooled, min_rows: 250, p_values: PValues::Rank }
    }
}

/// Scores of one ticker that count for calibration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Causal scores.
    pub causal: Vec<f64>,
    /// Hindsight scores.
    pub hindsight: Vec<f64>,
    /// Fallback scores.
    pub fallback: Vec<f64>,
}

/// A threshold and the scores it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {
    /// Scores above it are flagged.
    pub threshold: f64,
    /// The calibration scores; none under a fixed threshold without a calibration span.
    pub distribution: Distribution,
    /// What threshold it is; `None` of a model of an older oddlot, which did not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Gives the p-values beyond the largest calibration score, where [`PValues::Tail`] asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
}

/// What threshold a level comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Kind and parameters.
    pub threshold: Threshold,
    /// The tail that it looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
}

/// All thresholds of a detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Of causal scores.
    pub causal: ByTicker<Calibrated>,
    /// Of hindsight scores; `None` where a quantile has none to go by.
    pub hindsight: Option<ByTicker<Calibrated>>,
    /// Of fallback scores; `None` where there are none: then the fallback flags nothing.
    pub fallback: Option<ByTicker<Calibrated>>,
}

/// The score that decides cannot be calibrated.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CalibrateError {
    /// There is none of it.
    #[error("no {score} of any ticker falls in the calibration span")]
    NoScores {
        /// `score` or `score_hindsight`.
        score: &'static str,
    },
    /// There are too few of it.
    #[error(transparent)]
    TooFewScores(Uncalibrated),
}

impl CalibrateError {
    fn of(score: &'static str, cause: Uncalibrated) -> Self {
        match cause {
            Uncalibrated::NoScores => Self::NoScores { score },
            Uncalibrated::TooFewScores { .. } => Self::TooFewScores(cause),
        }
    }
}

impl Sample {
    /// What counts of the scores of one ticker.
    pub fn of(history: &History<'_>, scores: &Scores, split: &Split) -> Self {
        let is_counted = |&row_idx: &usize| {
            split.span(history.days[row_idx]) == Span::Calibration && !history.breaks[row_idx]
        };
        let rows = (0..history.len()).filter(is_counted);
        let take = |scores: &[f64], counts: &dyn Fn(usize) -> bool| -> Vec<f64> {
            let finite = rows.clone().filter(|&row_idx| scores[row_idx].is_finite());
            finite.filter(|&row_idx| counts(row_idx)).map(|row_idx| scores[row_idx]).collect()
        };
        let is_closed = |row_idx: usize| {
            // Smoothing takes in rows on either side, each with all windows that cover it.
            let (first, last) = (scores.smoothed_rows, scores.smoothed_rows + scores.steps);
            let mut ends = row_idx.saturating_sub(first)..history.len().min(row_idx + last);
            let leaves =
                |end| history.windowed[end] && split.span(history.days[end]) != Span::Calibration;
            !scores.is_interim[row_idx] && !ends.any(leaves)
        };
        Self {
            causal: take(&scores.causal, &|_| true),
            hindsight: take(&scores.hindsight, &is_closed),
            fallback: take(&scores.fallback(|row_idx| is_counted(&row_idx)), &|_| true),
        }
    }
}

impl Thresholds {
    /// Calibrates on the samples of all tickers.
    ///
    /// Fallback scores have their own unit: where `threshold` does not do for them, the default quantile does.
    ///
    /// # Errors
    /// No sample of the score that decides, or too few: hindsight if `decides_by_hindsight`
    /// (see [`crate::Detector::decides_by_hindsight`]), else causal.
    pub fn calibrate(
        threshold: &Threshold,
        calibration: &Calibration,
        samples: &BTreeMap<String, Sample>,
        decides_by_hindsight: bool,
    ) -> Result<Self, CalibrateError> {
        let by_ticker = |threshold: &Threshold, of: fn(&Sample) -> &[f64]| {
            calibrate(threshold, calibration, samples, of)
        };
        let hindsight = by_ticker(threshold, |sample| &sample.hindsight);
        if let Err(cause) = hindsight
            && decides_by_hindsight
        {
            return Err(CalibrateError::of("score_hindsight", cause));
        }
        let causal = by_ticker(threshold, |sample| &sample.causal);
        Ok(Self {
            causal: match causal {
                // Nothing is compared with it where hindsight decides.
                Err(Uncalibrated::TooFewScores { .. }) if decides_by_hindsight => {
                    by_ticker(&Threshold::default(), |sample| &sample.causal)
                }
                causal => causal,
            }
            .map_err(|cause| CalibrateError::of("score", cause))?,
            hindsight: hindsight.ok(),
            fallback: of_fallback(threshold, |threshold| {
                by_ticker(threshold, |sample| &sample.fallback)
            }),
        })
    }
}

impl Thresholds {
    /// Of a detector that calibrates itself on what it judges: see [`Thresholds::of_itself`].
    ///
    /// No score is above infinity.
    pub fn unset() -> Self {
        let none = Calibrated {
            threshold: f64::INFINITY,
            distribution: Distribution::new(&[]),
            origin: None,
            tail: None,
        };
        Self { causal: ByTicker::pooled(none), hindsight: None, fallback: None }
    }

    /// Of a ticker that has no model of its own: the fallback's alone, on its own fallback scores; `None` of
    /// those where there is none.
    pub fn of_fallback(threshold: &Threshold, fallback: &[f64]) -> Option<Calibrated> {
        of_fallback(threshold, |threshold| Calibrated::new(threshold, fallback))
    }

    /// Those of a ticker without a model: nothing is flagged but by `fallback`.
    pub fn without_model(fallback: Option<Calibrated>) -> Self {
        Self { fallback: fallback.map(ByTicker::pooled), ..Self::unset() }
    }

    /// Of one ticker's hindsight scores for these very scores; breaks and all rows count. Where a
    /// threshold cannot be had of them, nothing is flagged.
    pub fn of_itself(threshold: &Threshold, scores: &Scores) -> Self {
        let finite: Vec<f64> =
            scores.hindsight.iter().copied().filter(|score| score.is_finite()).collect();
        let own = Calibrated::new(threshold, &finite).ok().map(ByTicker::pooled);
        Self { hindsight: own, ..Self::unset() }
    }
}

impl Calibrated {
    /// The level for `scores` and their distribution.
    ///
    /// # Errors
    /// A threshold that depends on scores and is given none, or too few.
    pub fn new(threshold: &Threshold, scores: &[f64]) -> Result<Self, Uncalibrated> {
        let found = threshold.fit(scores)?;
        let origin = Some(Origin { threshold: *threshold, tail: found.tail });
        let distribution = Distribution::new(scores);
        Ok(Self { threshold: found.level, distribution, origin, tail: None })
    }

    fn with_p_values(mut self, p_values: PValues, scores: &[f64]) -> Self {
        self.tail = match p_values {
            PValues::Rank => None,
            PValues::Tail => Tail::above_quantile(scores, TAIL_FROM),
        };
        self
    }

    /// Share of calibration scores at or above `score`, never 0; `None` without any or of NaN.
    pub fn p_value(&self, score: f64) -> Option<f64> {
        self.distribution.rank(score).map(|rank| self.p_value_of(rank, score))
    }

    /// [`Calibrated::p_value`] of a score whose rank is known.
    pub(crate) fn p_value_of(&self, rank: Rank, score: f64) -> f64 {
        let ranked = rank.p_value();
        let tail = self.tail.as_ref().filter(|_| rank.is_beyond());
        let extrapolated = tail.and_then(|tail| tail.p_value(self.distribution.n(), score));
        extrapolated.map_or(ranked, |p_value| ranked.min(p_value.max(P_VALUE_MIN)))
    }

    /// How often it says that a calm day is flagged; `None` where it says nothing.
    pub fn stated_rate(&self) -> Option<Stated> {
        self.origin.and_then(|origin| origin.threshold.stated_rate())
    }

    /// Where hindsight decides: the least step by which a run of flags stands out. See
    /// [`crate::threshold::prune`].
    pub(crate) fn least_step(&self) -> Option<Rate> {
        match self.origin?.threshold {
            Threshold::Dynamic(dynamic) => dynamic.prune,
            _ => None,
        }
    }

    /// Kind, parameters, scores, level and rate in one sentence.
    pub fn words(&self) -> String {
        let n = self.distribution.n();
        let of = self.origin.as_ref();
        let kind = of.map(|origin| origin.threshold.words(n, origin.tail.as_ref()));
        let kind = kind.unwrap_or_else(|| format!("calibrated on {n} scores by an older oddlot"));
        let rate = match self.stated_rate() {
            Some(rate) => format!("stated rate {rate}"),
            None => "no rate stated".to_owned(),
        };
        format!("{kind}: level {:.3}, {rate}", self.threshold)
    }
}

/// What `fit` makes of fallback scores under `threshold`. They have their own unit: one that states no rate, or that
/// needs more of them than there are, gives way to the default quantile. `None` where that has too few as well.
fn of_fallback<T>(
    threshold: &Threshold,
    fit: impl Fn(&Threshold) -> Result<T, Uncalibrated>,
) -> Option<T> {
    let default = Threshold::default();
    let asked = threshold.stated_rate().map_or(&default, |_| threshold);
    fit(asked).or_else(|_| fit(&default)).ok()
}

fn calibrate(
    threshold: &Threshold,
    calibration: &Calibration,
    samples: &BTreeMap<String, Sample>,
    of: fn(&Sample) -> &[f64],
) -> Result<ByTicker<Calibrated>, Uncalibrated> {
    let calibrated = |scores: &[f64]| {
        let calibrated = Calibrated::new(threshold, scores)?;
        Ok(calibrated.with_p_values(calibration.p_values, scores))
    };
    let all: Vec<f64> = samples.values().flat_map(of).copied().collect();
    let pooled = calibrated(&all)?;
    if calibration.scope == Scope::Pooled {
        return Ok(ByTicker::pooled(pooled));
    }
    let mut per_ticker = BTreeMap::new();
    for (ticker, sample) in samples {
        if of(sample).len() < calibration.min_rows.max(1) {
            continue;
        }
        match calibrated(of(sample)) {
            Ok(own) => {
                per_ticker.insert(ticker.clone(), own);
            }
            // Too few of its own for what is asked, as below `min_rows`.
            Err(Uncalibrated::TooFewScores { .. }) => {}
            Err(cause @ Uncalibrated::NoScores) => return Err(cause),
        }
    }
    Ok(ByTicker { scope: Scope::Ticker, pooled, per_ticker })
}

#[cfg(test)]
mod tests;
