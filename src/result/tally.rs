//! Counts what the result table tells, as the detectors judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use oddlot_engine::judged::Observer;
use oddlot_series::{
    CalibratedDetector, HeldOut, History, Judgement, Mean, Scaler, Scalers, Scores, Span,
};

use super::{EventSummary, ModelSummary, Summary};
use crate::artifact::StoredJudge;
use crate::train::Ready;

/// How many events the result tells.
const EVENTS_TOLD: usize = 10;

/// What was counted so far; shared by the detectors, which judge one ticker at a time.
#[derive(Debug)]
pub struct Tally {
    /// In whose units all errors are told: the first network's, else the first model's.
    scalers: Option<Scalers>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    models: BTreeMap<String, ModelCounts>,
    test_days: Option<(i32, i32)>,
    events: BTreeMap<(String, i32), Vec<Told>>,
}

/// An event as one model tells it.
#[derive(Clone, Debug)]
struct Told {
    model: String,
    days: (i32, i32),
    return_pct: Option<f64>,
    ratio: f64,
}

#[derive(Debug, Default)]
struct ModelCounts {
    held_out: HeldOut,
    outside: Mean,
    n_rows: u64,
    n_scored: u64,
    n_events: u64,
    flags: BTreeSet<(String, i32)>,
    moments: Moments,
}

/// Sums for a correlation.
#[derive(Debug, Default)]
struct Moments {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(models: &[Ready]) -> Self {
        let first = models.iter().find(|ready| ready.model.network.is_some()).or(models.first());
        let scalers = first.map(|ready| ready.model.artifact.scalers.clone());
        Self { scalers, counts: Mutex::default() }
    }

    /// The result.
    pub fn summary(&self, models: &[Ready]) -> Summary {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let of = |ready: &Ready| counts.models.get(&ready.model.artifact.name);
        let baselines: Vec<(&str, &ModelCounts)> = models
            .iter()
            .filter(|ready| matches!(ready.model.artifact.judge, StoredJudge::Baseline(_)))
            .filter_map(|ready| Some((ready.model.artifact.name.as_str(), of(ready)?)))
            .collect();
        let network = models.iter().find(|ready| ready.model.network.is_some()).or(models.first());
        let reference = network.and_then(of);
        Summary {
            test_days: counts.test_days,
            n_test_rows: reference.map_or(0, |counts| counts.n_rows),
            outside_share: reference.and_then(|counts| counts.outside.get()),
            models: models
                .iter()
                .filter_map(|ready| Some(model_summary(ready, of(ready)?, &baselines)))
                .collect(),
            events: strongest(&counts.events),
        }
    }
}

impl Observer for Tally {
    fn observe(
        &self,
        judge: &CalibratedDetector,
        ticker: &str,
        history: &History<'_>,
        scores: &Scores,
        judgement: &Judgement,
    ) {
        let test_from = history.days.partition_point(|&day| judge.split.span(day) != Span::Test);
        let scaler = self.scalers.as_ref().map(|scalers| scalers.get(ticker).item);
        let own = ModelCounts::of(judge, ticker, history, scores, judgement, scaler, test_from);
        let told = events(judge, history, judgement);
        // A panic elsewhere poisons the lock; the counts are still whole, since each is added at once.
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let (Some(first), Some(last)) = (history.days.get(test_from), history.days.last()) {
            let (from, to) = counts.test_days.unwrap_or((*first, *last));
            counts.test_days = Some((from.min(*first), to.max(*last)));
        }
        counts.models.entry(judge.detector.name.clone()).or_default().add(own);
        for (peak_day, event) in told {
            counts.events.entry((ticker.to_owned(), peak_day)).or_default().push(event);
        }
    }
}

impl ModelCounts {
    fn of(
        judge: &CalibratedDetector,
        ticker: &str,
        history: &History<'_>,
        scores: &Scores,
        judgement: &Judgement,
        scaler: Option<&Scaler>,
        test_from: usize,
    ) -> Self {
        let mut counts = Self::default();
        if let Some(scaler) = scaler {
            counts.held_out = HeldOut::of(history, scores, scaler, &judge.split, Span::Test);
            counts.outside = scaler.outside_share(&history.values[test_from * history.features..]);
        }
        for row in &judgement.rows[test_from..] {
            counts.n_rows += 1;
            if row.is_anomaly {
                counts.flags.insert((ticker.to_owned(), history.days[row.row_idx]));
            }
            let score = scores.causal[row.row_idx];
            if score.is_finite() {
                counts.n_scored += 1;
                counts.moments.add(score, history.row(row.row_idx)[0].abs());
            }
        }
        let starts = judgement.events.iter().filter(|event| event.start_row_idx >= test_from);
        counts.n_events = starts.count() as u64;
        counts
    }

    fn add(&mut self, other: Self) {
        self.held_out.merge(&other.held_out);
        self.outside.merge(other.outside);
        self.n_rows += other.n_rows;
        self.n_scored += other.n_scored;
        self.n_events += other.n_events;
        self.flags.extend(other.flags);
        self.moments.merge(&other.moments);
    }
}

impl Moments {
    fn add(&mut self, x: f64, y: f64) {
        self.merge(&Self { n: 1.0, x, y, xx: x * x, yy: y * y, xy: x * y });
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.x += other.x;
        self.y += other.y;
        self.xx += other.xx;
        self.yy += other.yy;
        self.xy += other.xy;
    }

    /// Pearson's; `None` where one of the two does not vary.
    fn correlation(&self) -> Option<f64> {
        let Self { n, x, y, xx, yy, xy } = self;
        let (varies_x, varies_y) = (n * xx - x * x, n * yy - y * y);
        let correlation = (n * xy - x * y) / (varies_x * varies_y).sqrt();
        correlation.is_finite().then_some(correlation)
    }
}

fn events(
    judge: &CalibratedDetector,
    history: &History<'_>,
    judgement: &Judgement,
) -> Vec<(i32, Told)> {
    let day = |row_idx: usize| history.days[row_idx];
    let in_test = judgement
        .events
        .iter()
        .filter(|event| judge.split.span(day(event.start_row_idx)) == Span::Test);
    in_test
        .map(|event| {
            let told = Told {
                model: judge.detector.name.clone(),
                days: (day(event.start_row_idx), day(event.end_row_idx)),
                return_pct: judgement.rows[event.peak_row_idx].return_pct,
                // A break has no ratio and outranks everything: it is told first.
                ratio: event.peak_threshold_ratio.unwrap_or(f64::MAX),
            };
            (day(event.peak_row_idx), told)
        })
        .collect()
}

fn model_summary(
    ready: &Ready,
    counts: &ModelCounts,
    baselines: &[(&str, &ModelCounts)],
) -> ModelSummary {
    let artifact = &ready.model.artifact;
    let reconstructs = ready.model.network.as_ref().is_some_and(|network| network.steps() > 1);
    let is_network = ready.model.network.is_some();
    let held_out = &counts.held_out;
    let rivals = match reconstructs {
        true => [("window mean", held_out.window_mean), ("straight line", held_out.straight_line)],
        false => [("zero", held_out.zero), ("persistence", held_out.persistence)],
    };
    let shared = |other: &ModelCounts| counts.flags.intersection(&other.flags).count() as u64;
    let like = baselines
        .iter()
        .map(|(name, other)| ((*name).to_owned(), shared(other)))
        .max_by_key(|(name, n)| (*n, std::cmp::Reverse(name.clone())));
    let deciding = match (&artifact.thresholds.hindsight, artifact.merge) {
        (Some(hindsight), Some(_)) => &hindsight.pooled,
        _ => &artifact.thresholds.causal.pooled,
    };
    ModelSummary {
        name: artifact.name.clone(),
        detector: artifact.detector.clone(),
        reconstructs,
        is_network,
        mae: held_out.detector.get(),
        rivals: rivals
            .into_iter()
            .filter_map(|(name, mean)| Some((name.to_owned(), mean.get()?)))
            .collect(),
        threshold: deciding.threshold,
        n_scored: counts.n_scored,
        n_flags: counts.flags.len() as u64,
        n_events: counts.n_events,
        correlation: counts.moments.correlation(),
        like: like.filter(|_| is_network),
    }
}

/// The strongest events; what several models tell of one peak is one event.
fn strongest(events: &BTreeMap<(String, i32), Vec<Told>>) -> Vec<EventSummary> {
    let mut all: Vec<EventSummary> = events
        .iter()
        .map(|((ticker, peak_day), told)| {
            let mut told = told.clone();
            told.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then_with(|| a.model.cmp(&b.model)));
            EventSummary {
                ticker: ticker.clone(),
                days: (
                    told.iter().map(|event| event.days.0).min().unwrap_or(*peak_day),
                    told.iter().map(|event| event.days.1).max().unwrap_or(*peak_day),
                ),
                peak_day: *peak_day,
                return_pct: told.first().and_then(|event| event.return_pct),
                ratio: told.first().map_or(0.0, |event| event.ratio),
                models: told.into_iter().map(|event| event.model).collect(),
            }
        })
        .collect();
    all.sort_by(|a, b| {
        b.ratio.total_cmp(&a.ratio).then_with(|| (&a.ticker, a.days).cmp(&(&b.ticker, b.days)))
    });
    all.truncate(EVENTS_TOLD);
    all
}
