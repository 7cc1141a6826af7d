//! Counts what the result table tells, as the detectors judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use oddlot_engine::judged::Observer;
use oddlot_series::{
    CalibratedDetector, HeldOut, History, JudgedRow, Judgement, Mean, Proportion, Rule, Scaler,
    Scalers, Scores, Span,
};

use super::told::{self, Told};
use super::{EventSummary, ModelSummary, Realised, Summary};
use crate::artifact::StoredJudge;
use crate::train::Ready;

/// How many events the result tells.
const EVENTS_TOLD: usize = 10;

/// What was counted so far; shared by the detectors, which judge several tickers at a time.
///
/// Sums are taken ticker by ticker in their order, so that no bit depends on which was done first.
#[derive(Debug)]
pub struct Tally {
    /// In whose units all errors are told: the first network's, else the first model's.
    scalers: Option<Scalers>,
    counts: Mutex<Counts>,
}

/// Sums over tickers, and what is kept of a ticker until all detectors have judged it: the size of
/// this does not grow with the number of tickers.
#[derive(Debug, Default)]
struct Counts {
    models: BTreeMap<String, ModelCounts>,
    test_days: Option<(i32, i32)>,
    /// Rows that two models both flag.
    shared: BTreeMap<(String, String), u64>,
    strongest: Vec<EventSummary>,
    judged: BTreeMap<String, TickerCounts>,
}

/// One ticker, as far as its detectors have judged it.
#[derive(Debug, Default)]
struct TickerCounts {
    /// First and last day of the test span that have a row.
    test_days: Option<(i32, i32)>,
    models: BTreeMap<String, ModelCounts>,
    /// Flagged rows of the test span by model.
    flags: BTreeMap<String, BTreeSet<usize>>,
    events: Vec<Told>,
}

#[derive(Debug, Default)]
struct ModelCounts {
    held_out: HeldOut,
    outside: Mean,
    n_rows: u64,
    n_scored: u64,
    n_events: u64,
    n_flags: u64,
    /// Of the rows that its own score decided.
    judged: Proportion,
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
        // An archive has no held-out rows to tell an error of.
        let first = first.filter(|ready| !is_archive(ready));
        let scalers = first.map(|ready| ready.model.artifact.scalers.clone());
        Self { scalers, counts: Mutex::default() }
    }

    /// The result.
    pub fn summary(&self, models: &[Ready]) -> Summary {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let of = |ready: &Ready| counts.models.get(&ready.model.artifact.name);
        let baselines: Vec<&str> = models
            .iter()
            .filter(|ready| matches!(ready.model.artifact.judge, StoredJudge::Baseline(_)))
            .map(|ready| ready.model.artifact.name.as_str())
            .collect();
        let network = models.iter().find(|ready| ready.model.network.is_some()).or(models.first());
        let reference = network.and_then(of);
        Summary {
            is_archive: models.iter().any(is_archive),
            test_days: counts.test_days,
            n_test_rows: reference.map_or(0, |counts| counts.n_rows),
            outside_share: reference.and_then(|counts| counts.outside.get()),
            models: models
                .iter()
                .filter_map(|ready| Some(model_summary(ready, of(ready)?, &baselines, &counts)))
                .collect(),
            events: counts.strongest.clone(),
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
        let told = judge.detector.told_span();
        let test_from = history.days.partition_point(|&day| judge.split.span(day) != told);
        let scaler = self.scalers.as_ref().map(|scalers| scalers.get(ticker).item);
        let own = ModelCounts::of(judge, history, scores, judgement, scaler, test_from);
        let told = events(judge, history, judgement);
        let test_rows = judgement.rows.get(test_from..).unwrap_or_default();
        let flags: BTreeSet<usize> =
            test_rows.iter().filter(|row| row.is_anomaly).map(|row| row.row_idx).collect();
        // A panic elsewhere poisons the lock; the counts are still whole, since each is added at once.
        let test_days = history.days.get(test_from).copied().zip(history.days.last().copied());
        let name = &judge.detector.name;
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let ticker = counts.judged.entry(ticker.to_owned()).or_default();
        ticker.test_days = test_days;
        ticker.models.insert(name.clone(), own);
        ticker.flags.insert(name.clone(), flags);
        ticker.events.extend(told);
    }

    fn ticker_done(&self, ticker: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(judged) = counts.judged.remove(ticker) else { return };
        let TickerCounts { test_days, models, flags, events } = judged;
        if let Some((first, last)) = test_days {
            let (from, to) = counts.test_days.unwrap_or((first, last));
            counts.test_days = Some((from.min(first), to.max(last)));
        }
        for (name, own) in models {
            counts.models.entry(name).or_default().add(own);
        }
        for (first, own) in &flags {
            for (second, other) in &flags {
                let shared = own.intersection(other).count() as u64;
                *counts.shared.entry((first.clone(), second.clone())).or_default() += shared;
            }
        }
        counts.strongest.extend(told::join(ticker, events));
        told::keep_strongest(&mut counts.strongest, EVENTS_TOLD);
    }
}

impl ModelCounts {
    fn of(
        judge: &CalibratedDetector,
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
        // Where hindsight decides by the pipeline's wish, the causal score is what is told of a network.
        let deciding = match judge.detector.is_archive() {
            true => &scores.hindsight,
            false => &scores.causal,
        };
        for row in &judgement.rows[test_from..] {
            counts.n_rows += 1;
            counts.n_flags += u64::from(row.is_anomaly);
            let (score, size) = (deciding[row.row_idx], history.row(row.row_idx)[0].abs());
            if score.is_finite() {
                counts.n_scored += 1;
                if size.is_finite() {
                    counts.moments.add(score, size);
                }
            }
        }
        let own = |row: &JudgedRow| (row.rule == Some(Rule::Model)).then_some(row.is_anomaly);
        counts.judged = Proportion::of(judgement.rows[test_from..].iter().map(own));
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
        self.n_flags += other.n_flags;
        self.judged.add(other.judged);
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

fn events(judge: &CalibratedDetector, history: &History<'_>, judgement: &Judgement) -> Vec<Told> {
    let day = |row_idx: usize| history.days[row_idx];
    let in_test = judgement
        .events
        .iter()
        .filter(|event| judge.split.span(day(event.start_row_idx)) == judge.detector.told_span());
    in_test
        .map(|event| Told {
            model: judge.detector.name.clone(),
            days: (day(event.start_row_idx), day(event.end_row_idx)),
            peak_day: day(event.peak_row_idx),
            return_pct: judgement.rows[event.peak_row_idx].return_pct,
            // A break has no ratio and outranks everything: it is told first.
            ratio: event.peak_threshold_ratio.unwrap_or(f64::MAX),
        })
        .collect()
}

fn is_archive(ready: &Ready) -> bool {
    matches!(ready.model.artifact.judge, StoredJudge::Archive { .. })
}

fn model_summary(
    ready: &Ready,
    counts: &ModelCounts,
    baselines: &[&str],
    all: &Counts,
) -> ModelSummary {
    let artifact = &ready.model.artifact;
    let reconstructs = ready.model.network.as_ref().is_some_and(|network| network.steps() > 1);
    let is_network = ready.model.network.is_some();
    let held_out = &counts.held_out;
    let rivals = match reconstructs {
        true => [("window mean", held_out.window_mean), ("straight line", held_out.straight_line)],
        false => [("zero", held_out.zero), ("persistence", held_out.persistence)],
    };
    let shared = |other: &str| {
        all.shared.get(&(artifact.name.clone(), other.to_owned())).copied().unwrap_or_default()
    };
    let like = baselines
        .iter()
        .map(|&name| (name.to_owned(), shared(name)))
        .max_by_key(|(name, n)| (*n, std::cmp::Reverse(name.clone())));
    let deciding = artifact.deciding();
    let own = match deciding.map_or(0, |deciding| deciding.per_ticker.len()) {
        0 => String::new(),
        n => format!("; {n} tickers have their own"),
    };
    let pooled = deciding.map(|deciding| &deciding.pooled);
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
        baselines: baselines
            .iter()
            .filter(|_| is_network && !reconstructs)
            .filter_map(|&name| {
                Some((name.to_owned(), all.models.get(name)?.held_out.detector.get()?))
            })
            .collect(),
        threshold: pooled.map(|pooled| pooled.threshold),
        threshold_words: pooled
            .map(|pooled| format!("{}{own}", pooled.words()))
            .unwrap_or_default(),
        stated_rate: pooled.and_then(|pooled| pooled.stated_rate()),
        realised: Realised::of(&counts.judged),
        n_scored: counts.n_scored,
        n_flags: counts.n_flags,
        n_events: counts.n_events,
        correlation: counts.moments.correlation(),
        like: like.filter(|_| is_network),
    }
}

#[cfg(test)]
mod tests;
