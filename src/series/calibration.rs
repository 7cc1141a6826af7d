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
    /// That of a generalised Pareto tail of the calibration scores above their .98-quantile, if smaller.
    Tail,
}

/// Where the tail of p-values begins: Siffer's initial quantile.
const TAIL_FROM: f64 = 0.98;

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
        let rows = (0..history.len()).filter(|&row_idx| {
            split.span(history.days[row_idx]) == Span::Calibration && !history.breaks[row_idx]
        });
        let take = |scores: &[f64], counts: &dyn Fn(usize) -> bool| -> Vec<f64> {
            let finite = rows.clone().filter(|&row_idx| scores[row_idx].is_finite());
            finite.filter(|&row_idx| counts(row_idx)).map(|row_idx| scores[row_idx]).collect()
        };
        let is_closed = |row_idx: usize| {
            let mut ends = row_idx..history.len().min(row_idx + scores.steps);
            let leaves =
                |end| history.windowed[end] && split.span(history.days[end]) != Span::Calibration;
            !scores.is_interim[row_idx] && !ends.any(leaves)
        };
        Self {
            causal: take(&scores.causal, &|_| true),
            hindsight: take(&scores.hindsight, &is_closed),
            fallback: take(&scores.fallback, &|_| true),
        }
    }
}

impl Thresholds {
    /// Calibrates on the samples of all tickers.
    ///
    /// Fallback scores have their own unit: under a threshold that states no rate, or one that needs more
    /// of them than there are, they are calibrated by the default quantile.
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
        let default = Threshold::default();
        let of_fallback = threshold.stated_rate().map_or(&default, |_| threshold);
        let fallback = by_ticker(of_fallback, |sample| &sample.fallback);
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
                    by_ticker(&default, |sample| &sample.causal)
                }
                causal => causal,
            }
            .map_err(|cause| CalibrateError::of("score", cause))?,
            hindsight: hindsight.ok(),
            fallback: fallback.or_else(|_| by_ticker(&default, |sample| &sample.fallback)).ok(),
        })
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
mod tests {
    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::range::Quantile;
    use crate::split::Spans;
    use crate::threshold::{ByQuantile, Fixed, Level};

    fn median() -> Threshold {
        Threshold::Quantile(ByQuantile { q: Quantile::try_from(0.5).unwrap() })
    }

    fn sample(causal: &[f64]) -> Sample {
        Sample { causal: causal.to_vec(), ..Sample::default() }
    }

    fn split(validation_to: i32, calibration_to: i32) -> Split {
        Split::try_from(Spans { train_to: 0, validation_to, calibration_to }).unwrap()
    }

    #[test]
    fn a_sample_holds_the_calibration_span_without_breaks() {
        let history = OwnedHistory::new(&[1.0; 6], 1, 2).cut(4, true);
        let mut scores = Scores::empty(6, 1, 1);
        scores.causal = vec![0.0, 1.0, 2.0, f64::NAN, 4.0, 5.0];
        scores.fallback = vec![0.0, 10.0, 20.0, 30.0, 40.0, 50.0];
        let sample = Sample::of(&history.view(), &scores, &split(1, 4));
        assert_eq!((sample.causal, sample.fallback), (vec![2.0], vec![20.0, 30.0]));
    }

    #[test]
    fn a_hindsight_point_counts_only_if_all_its_windows_end_in_calibration() {
        // Windows of three rows; calibration is days 2 … 5. Row 4 is covered by the window that ends
        // on day 6, row 3 is not. Row 2 is covered by windows that end on days 2, 3, 4.
        let history = OwnedHistory::new(&[1.0; 8], 1, 3);
        let mut scores = Scores::empty(8, 1, 3);
        scores.hindsight = (0..8).map(f64::from).collect();
        let of = |scores: &Scores, history: &OwnedHistory, to| {
            let mut scores = scores.clone();
            scores.fallback = vec![f64::NAN; 8];
            Sample::of(&history.view(), &scores, &split(1, to)).hindsight
        };
        assert_eq!(of(&scores, &history, 5), [2.0, 3.0]);
        // A new segment on day 6 has its first window on day 8: nothing leaves calibration.
        let cut = OwnedHistory::new(&[1.0; 8], 1, 3).cut(6, false);
        assert_eq!(of(&scores, &cut, 5), [2.0, 3.0, 4.0, 5.0]);
        // The newest points are not final.
        scores.is_interim[6] = true;
        scores.is_interim[7] = true;
        assert_eq!(of(&scores, &history, 7), [2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn a_ticker_with_few_rows_takes_the_pooled_threshold() {
        let samples = BTreeMap::from([
            ("A".to_owned(), sample(&[1.0, 2.0, 3.0])),
            ("B".to_owned(), sample(&[10.0])),
        ]);
        let calibration =
            Calibration { scope: Scope::Ticker, min_rows: 3, ..Calibration::default() };
        let thresholds =
            Thresholds::calibrate(&median(), &calibration, &samples, false).unwrap().causal;
        assert_eq!(thresholds.get("A").item.threshold, 2.0);
        assert_eq!(thresholds.get("B").item.threshold, 2.5);
        assert!(thresholds.get("B").is_pooled_fallback);
        assert_eq!(thresholds.get("B").item.distribution.n(), 4);
        let pooled = Calibration::default();
        let thresholds = Thresholds::calibrate(&median(), &pooled, &samples, false).unwrap().causal;
        assert_eq!(thresholds.get("A").item.threshold, 2.5);
    }

    #[test]
    fn the_score_that_decides_must_have_a_sample() {
        let samples = BTreeMap::from([("A".to_owned(), sample(&[1.0]))]);
        let calibrate = |samples, by_hindsight| {
            Thresholds::calibrate(&median(), &Calibration::default(), samples, by_hindsight)
        };
        let thresholds = calibrate(&samples, false).unwrap();
        assert!(thresholds.hindsight.is_none() && thresholds.fallback.is_none());
        let refused = CalibrateError::NoScores { score: "score_hindsight" };
        assert_eq!(calibrate(&samples, true), Err(refused));
        let refused = CalibrateError::NoScores { score: "score" };
        assert_eq!(calibrate(&BTreeMap::new(), false), Err(refused));
    }

    #[test]
    fn a_fixed_threshold_needs_no_sample_and_leaves_the_fallback_to_a_quantile() {
        let fixed = Threshold::Fixed(Fixed { value: Level::try_from(0.65).unwrap() });
        let calibrate = |samples: BTreeMap<String, Sample>| {
            Thresholds::calibrate(&fixed, &Calibration::default(), &samples, false).unwrap()
        };
        let none = calibrate(BTreeMap::new());
        assert_eq!((none.causal.pooled.threshold, none.causal.pooled.distribution.n()), (0.65, 0));
        assert_eq!(none.fallback, None);
        let sample = Sample { fallback: vec![7.0], ..Sample::default() };
        let some = calibrate(BTreeMap::from([("A".to_owned(), sample)]));
        assert_eq!(some.fallback.unwrap().pooled.threshold, 7.0);
    }

    #[test]
    fn stored_thresholds_keep_their_bits() {
        let samples = BTreeMap::from([("A".to_owned(), sample(&[0.1, 0.2, 0.30000000000000004]))]);
        let calibration =
            Calibration { scope: Scope::Ticker, min_rows: 1, ..Calibration::default() };
        let thresholds =
            Thresholds::calibrate(&Threshold::default(), &calibration, &samples, false).unwrap();
        let text = serde_json::to_string(&thresholds).unwrap();
        assert_eq!(serde_json::from_str::<Thresholds>(&text).unwrap(), thresholds);
    }

    #[test]
    fn calibration_settings_have_defaults_and_refuse_unknown_keys() {
        assert_eq!(toml::from_str::<Calibration>("").unwrap(), Calibration::default());
        let ticker = toml::from_str::<Calibration>("scope = 'ticker'").unwrap();
        assert_eq!(
            ticker,
            Calibration { scope: Scope::Ticker, min_rows: 250, ..Calibration::default() }
        );
        assert!(toml::from_str::<Calibration>("rows = 3").is_err());
    }
}
