//! Counts what the result table tells, as the detectors judge, year by year: a run that scores the newest
//! year alone adds it to what was counted of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use oddlot_engine::judged::Observer;
use oddlot_series::{
    CalibratedDetector, Event, HeldOut, History, JudgedRow, Judgement, Mean, Proportion, Rule,
    Scaler, Scalers, ScoreBins, Scores,
};
use serde::{Deserialize, Serialize};

use super::EventSummary;
use super::drift::{DAYS_KEPT, DayCounts};
use super::told::{self, Told};
use crate::artifact::StoredJudge;
use crate::split::year_of;
use crate::train::Ready;

/// How many events the result tells.
pub(super) const EVENTS_TOLD: usize = 10;

/// What was counted so far; shared by the detectors, which judge several tickers at a time.
///
/// Sums are taken ticker by ticker in their order, so that no bit depends on which was done first.
#[derive(Debug)]
pub struct Tally {
    units: Units,
    reading: Reading,
    /// Scores of calibration by model, to count later ones between.
    bins: BTreeMap<String, ScoreBins>,
    /// Days after it are counted one by one.
    daily_after: i32,
    reaches_back: AtomicBool,
    counts: Mutex<Counts>,
}

/// In whose units all errors are told: the first network's, else the first model's.
#[derive(Clone, Debug, Default)]
pub enum Units {
    /// No error is told.
    #[default]
    None,
    /// Those of one model.
    Common(Scalers),
    /// Those of each ticker's own model; where it has none, no error is told.
    Own(BTreeMap<String, Scaler>),
}

impl Units {
    fn of(&self, ticker: &str) -> Option<&Scaler> {
        match self {
            Self::None => None,
            Self::Common(scalers) => Some(scalers.get(ticker).item),
            Self::Own(scalers) => scalers.get(ticker),
        }
    }
}

/// What was read in order to score the rows of some years.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Rows of earlier years were read for what comes after them, and are not counted.
    pub first_year: i32,
    /// Tickers that have rows before those that were read.
    pub cut: BTreeSet<String>,
    /// So many rows of theirs are judged without all that they depend on.
    pub n_warm: usize,
}

impl Default for Reading {
    /// Everything.
    fn default() -> Self {
        Self { first_year: i32::MIN, cut: BTreeSet::new(), n_warm: 0 }
    }
}

impl Reading {
    /// Whether an event of `ticker` that is still told in the years to be scored may have begun before the
    /// rows that are judged as they ought to be: then its name and its beginning are not known.
    fn loses(&self, ticker: &str, history: &History<'_>, judgement: &Judgement) -> bool {
        let is_told = |event: &Event| year_of(history.days[event.end_row_idx]) >= self.first_year;
        let begins_early = |event: &Event| event.start_row_idx <= self.n_warm;
        self.cut.contains(ticker)
            && judgement.events.iter().any(|event| begins_early(event) && is_told(event))
    }
}

/// Sums over tickers, and what is kept of a ticker until all detectors have judged it: the size of
/// this does not grow with the number of tickers.
#[derive(Debug, Default)]
struct Counts {
    years: BTreeMap<i32, YearCounts>,
    judged: BTreeMap<String, BTreeMap<i32, TickerCounts>>,
}

/// What the rows of one year of the test span add to the result. Models go by their identity, so that
/// what another model said of that year is not told as this one's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct YearCounts {
    /// First and last day of the test span that have a row.
    pub(super) test_days: Option<(i32, i32)>,
    /// By model.
    pub(super) models: BTreeMap<String, ModelCounts>,
    /// Rows that two models both flag.
    pub(super) shared: BTreeMap<String, BTreeMap<String, u64>>,
    /// Strongest first.
    pub(super) strongest: Vec<EventSummary>,
}

/// One year of one ticker, as far as its detectors have judged it.
#[derive(Debug, Default)]
struct TickerCounts {
    /// First and last day of the test span that have a row.
    test_days: Option<(i32, i32)>,
    models: BTreeMap<String, ModelCounts>,
    /// Flagged rows of the test span by model.
    flags: BTreeMap<String, BTreeSet<usize>>,
    events: Vec<Told>,
}

/// What one model makes of the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ModelCounts {
    pub(super) held_out: HeldOut,
    pub(super) outside: Mean,
    pub(super) n_rows: u64,
    pub(super) n_scored: u64,
    pub(super) n_events: u64,
    pub(super) n_flags: u64,
    /// Of the rows that its own score decided.
    pub(super) judged: Proportion,
    pub(super) moments: Moments,
    /// Scores of the last days.
    #[serde(skip_serializing_if = "DayCounts::is_empty")]
    pub(super) drift: DayCounts,
}

/// Sums for a correlation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Moments {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Tally {
    /// Nothing counted yet, of rows up to `last_day`; scores of calibration by model, to count later ones between.
    pub fn new(
        units: Units,
        bins: BTreeMap<String, ScoreBins>,
        reading: Reading,
        last_day: i32,
    ) -> Self {
        Self {
            units,
            reading,
            bins,
            daily_after: last_day.saturating_sub(DAYS_KEPT),
            reaches_back: AtomicBool::new(false),
            counts: Mutex::default(),
        }
    }

    /// Whether an event began before what was read, so that more has to be.
    pub fn reaches_back(&self) -> bool {
        self.reaches_back.load(Ordering::Relaxed)
    }

    /// What was counted, by year.
    pub fn years(&self) -> BTreeMap<i32, YearCounts> {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        counts.years.clone()
    }
}

impl Tally {
    /// Counts the scores of the last days; breaks do not count, as in calibration.
    fn count_days(
        &self,
        counts: &mut TickerCounts,
        judge: &CalibratedDetector,
        history: &History<'_>,
        scores: &Scores,
        rows: Range<usize>,
    ) {
        let model_id = &judge.detector.model_id;
        let Some((bins, counts)) = self.bins.get(model_id).zip(counts.models.get_mut(model_id))
        else {
            return;
        };
        let counted = rows.filter(|&row_idx| {
            history.days[row_idx] > self.daily_after && !history.breaks[row_idx]
        });
        for row_idx in counted {
            if let Some(bin) = bins.bin(scores.causal[row_idx]) {
                counts.drift.count(history.days[row_idx], bin);
            }
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
        if self.reading.loses(ticker, history, judgement) {
            self.reaches_back.store(true, Ordering::Relaxed);
        }
        let told = judge.detector.told_span();
        let test_from = history.days.partition_point(|&day| judge.split.span(day) != told);
        let scaler = self.units.of(ticker);
        let own =
            years(history.days, test_from).filter(|(year, _)| *year >= self.reading.first_year);
        let own: Vec<(i32, TickerCounts)> = own
            .map(|(year, rows)| {
                let mut of =
                    TickerCounts::of(judge, history, scores, judgement, scaler, rows.clone());
                self.count_days(&mut of, judge, history, scores, rows);
                (year, of)
            })
            .collect();
        // A panic elsewhere poisons the lock; the counts are still whole, since each is added at once.
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let ticker = counts.judged.entry(ticker.to_owned()).or_default();
        for (year, own) in own {
            ticker.entry(year).or_default().add(own);
        }
    }

    fn ticker_done(&self, ticker: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let judged = counts.judged.remove(ticker).unwrap_or_default();
        for (year, judged) in judged {
            counts.years.entry(year).or_default().add_ticker(ticker, judged);
        }
    }
}

impl TickerCounts {
    /// One model's judgement of the rows `rows`, which are of one year.
    fn of(
        judge: &CalibratedDetector,
        history: &History<'_>,
        scores: &Scores,
        judgement: &Judgement,
        scaler: Option<&Scaler>,
        rows: Range<usize>,
    ) -> Self {
        let model = &judge.detector.model_id;
        let own = ModelCounts::of(judge, history, scores, judgement, scaler, rows.clone());
        let flagged = judgement.rows[rows.clone()].iter().filter(|row| row.is_anomaly);
        let flags = flagged.map(|row| row.row_idx).collect();
        Self {
            test_days: history.days[rows.clone()]
                .first()
                .copied()
                .zip(history.days[rows.clone()].last().copied()),
            models: BTreeMap::from([(model.clone(), own)]),
            flags: BTreeMap::from([(model.clone(), flags)]),
            events: events(judge, history, judgement, &rows),
        }
    }

    /// Adds what another model makes of the same rows.
    fn add(&mut self, other: Self) {
        self.test_days = other.test_days;
        self.models.extend(other.models);
        self.flags.extend(other.flags);
        self.events.extend(other.events);
    }
}

impl YearCounts {
    fn add_ticker(&mut self, ticker: &str, judged: TickerCounts) {
        let TickerCounts { test_days, models, flags, events } = judged;
        self.add_days(test_days);
        for (model, own) in models {
            self.models.entry(model).or_default().add(&own);
        }
        for (first, own) in &flags {
            for (second, other) in &flags {
                let shared = own.intersection(other).count() as u64;
                *self
                    .shared
                    .entry(first.clone())
                    .or_default()
                    .entry(second.clone())
                    .or_default() += shared;
            }
        }
        self.strongest.extend(told::join(ticker, events));
        told::keep_strongest(&mut self.strongest, EVENTS_TOLD);
    }

    /// Adds the counts of other tickers or of another year.
    pub(super) fn add(&mut self, other: &Self) {
        self.add_days(other.test_days);
        for (model, own) in &other.models {
            self.models.entry(model.clone()).or_default().add(own);
        }
        for (first, shared) in &other.shared {
            let own = self.shared.entry(first.clone()).or_default();
            for (second, n) in shared {
                *own.entry(second.clone()).or_default() += n;
            }
        }
        self.strongest.extend(other.strongest.iter().cloned());
        told::keep_strongest(&mut self.strongest, EVENTS_TOLD);
    }

    /// Drops single days that are long past by `last_day`.
    pub(super) fn forget_days(&mut self, last_day: i32) {
        for counts in self.models.values_mut() {
            counts.drift.keep_until(last_day);
        }
    }

    fn add_days(&mut self, days: Option<(i32, i32)>) {
        if let Some((first, last)) = days {
            let (from, to) = self.test_days.unwrap_or((first, last));
            self.test_days = Some((from.min(first), to.max(last)));
        }
    }
}

impl ModelCounts {
    fn of(
        judge: &CalibratedDetector,
        history: &History<'_>,
        scores: &Scores,
        judgement: &Judgement,
        scaler: Option<&Scaler>,
        rows: Range<usize>,
    ) -> Self {
        let mut counts = Self::default();
        if let Some(scaler) = scaler {
            counts.held_out = HeldOut::of(history, scores, scaler, rows.clone());
            let features = history.features;
            let values = &history.values[rows.start * features..rows.end * features];
            counts.outside = scaler.outside_share(values);
        }
        // Where hindsight decides by the pipeline's wish, the causal score is what is told of a network.
        let deciding = match judge.detector.is_archive() {
            true => &scores.hindsight,
            false => &scores.causal,
        };
        for row in &judgement.rows[rows.clone()] {
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
        counts.judged = Proportion::of(judgement.rows[rows.clone()].iter().map(own));
        let starts = judgement.events.iter().filter(|event| rows.contains(&event.start_row_idx));
        counts.n_events = starts.count() as u64;
        counts
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.held_out.merge(&other.held_out);
        self.outside.merge(other.outside);
        self.n_rows += other.n_rows;
        self.n_scored += other.n_scored;
        self.n_events += other.n_events;
        self.n_flags += other.n_flags;
        self.judged.add(other.judged);
        self.moments.merge(&other.moments);
        self.drift.add(&other.drift);
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
    pub(super) fn correlation(&self) -> Option<f64> {
        let Self { n, x, y, xx, yy, xy } = self;
        let (varies_x, varies_y) = (n * xx - x * x, n * yy - y * y);
        let correlation = (n * xy - x * y) / (varies_x * varies_y).sqrt();
        correlation.is_finite().then_some(correlation)
    }
}

/// The rows from `from` on, year by year.
fn years(days: &[i32], from: usize) -> impl Iterator<Item = (i32, Range<usize>)> {
    let mut from = from;
    std::iter::from_fn(move || {
        let year = year_of(*days.get(from)?);
        let n_rows = days[from..].partition_point(|&day| year_of(day) <= year);
        let rows = from..from + n_rows;
        from = rows.end;
        Some((year, rows))
    })
}

/// Events that begin in `rows`.
fn events(
    judge: &CalibratedDetector,
    history: &History<'_>,
    judgement: &Judgement,
    rows: &Range<usize>,
) -> Vec<Told> {
    let day = |row_idx: usize| history.days[row_idx];
    let own = judgement.events.iter().filter(|event| rows.contains(&event.start_row_idx));
    own.map(|event| Told {
        model: judge.detector.name.clone(),
        days: (day(event.start_row_idx), day(event.end_row_idx)),
        peak_day: day(event.peak_row_idx),
        return_pct: judgement.rows[event.peak_row_idx].return_pct,
        // A break has no ratio and outranks everything: it is told first.
        ratio: event.peak_threshold_ratio.unwrap_or(f64::MAX),
    })
    .collect()
}

/// The causal scores of calibration by model, to count later ones between.
pub fn bins_by_model(models: &[Ready]) -> BTreeMap<String, ScoreBins> {
    let own = models.iter().filter_map(|ready| Some((ready.model.model_id.clone(), bins(ready)?)));
    own.collect()
}

/// Those of a model for all tickers: each ticker's own has its own scores.
pub(super) fn bins(ready: &Ready) -> Option<ScoreBins> {
    let thresholds = ready.model.artifact.thresholds.as_ref()?;
    ScoreBins::of(&thresholds.causal.pooled.distribution)
}

pub(super) fn is_archive(ready: &Ready) -> bool {
    matches!(ready.model.artifact.judge, StoredJudge::Archive { .. })
}

#[cfg(test)]
mod tests;
