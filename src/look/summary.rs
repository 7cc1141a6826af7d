//! The report of a pipeline: what its last run has told, and what the tables say besides.

use std::collections::BTreeMap;

use oddlot_engine::Error;
use oddlot_engine::query::Bound;
use oddlot_report::page::{
    self, Drift, EventLine, FlaggedTicker, Issue, ModelResult, Quarter, Realised, Report, RunLine,
    Scores, TickerLine, TopEvent,
};
use oddlot_series::Stated;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Look, Subject, Wanted};
use crate::artifact::Losses;
use crate::result::{ModelSummary, Summary, advice};

const LIST_EVENTS: &str = include_str!("../../sql/report/list_events.sql");
const COUNT_RATIOS: &str = include_str!("../../sql/report/count_ratios.sql");
const FOLLOW_DRIFT: &str = include_str!("../../sql/report/follow_drift.sql");
const COUNT_ISSUES: &str = include_str!("../../sql/report/count_issues.sql");
const LIST_FLAGGED: &str = include_str!("../../sql/report/list_flagged_tickers.sql");
const COUNT_STATUSES: &str = include_str!("../../sql/report/count_statuses.sql");
const LIST_TROUBLED: &str = include_str!("../../sql/report/list_troubled.sql");
const LIST_RUNS: &str = include_str!("../../sql/report/list_newest_runs.sql");

/// Events that have a chart.
const CHARTS: usize = 12;
/// Days around the peak of an event that its chart shows.
const DAYS_AROUND: i32 = 60;
/// Width of a bin of [`COUNT_RATIOS`].
const BIN: f64 = 0.1;

#[derive(Debug, Deserialize)]
struct EventRow {
    ticker: String,
    model: String,
    from_day: i32,
    to_day: i32,
    peak_day: i32,
    split: String,
    n_points: u64,
    ratio: Option<f64>,
    return_pct: Option<f64>,
    n_all: u64,
}

#[derive(Debug, Deserialize)]
struct BinRow {
    model: String,
    split: String,
    bin: i32,
    n: u64,
}

#[derive(Debug, Deserialize)]
struct QuarterRow {
    model: String,
    split: String,
    from_day: i32,
    n: u64,
    n_flags: u64,
    mean_ratio: f64,
}

#[derive(Debug, Deserialize)]
struct IssueRow {
    reason: String,
    n_rows: u64,
    n_tickers: u64,
    first_day: i32,
    last_day: i32,
}

#[derive(Debug, Deserialize)]
struct FlaggedRow {
    ticker: String,
    n_flags: u64,
    n_days: u64,
    last_day: i32,
    ratio: Option<f64>,
    n_all: u64,
}

#[derive(Debug, Deserialize)]
struct StatusRow {
    status: String,
    n: u64,
}

#[derive(Debug, Deserialize)]
struct TroubledRow {
    ticker: String,
    status: String,
    reason: Option<String>,
    n_rows: u64,
    n_all: u64,
}

#[derive(Debug, Deserialize)]
struct RunRow {
    run_id: String,
    status: String,
    command: String,
    started_at: i64,
    finished_at: i64,
    n_tickers: u64,
    n_failed: u64,
    n_cells: u64,
    n_cells_replaced: u64,
    n_alerts: u64,
    tool_version: String,
    machine: String,
    n_all: u64,
}

impl Look<'_> {
    /// The report of `pipeline`.
    ///
    /// # Errors
    /// What is kept of it cannot be read.
    pub async fn report(&self, pipeline: &str) -> Result<Report, Error> {
        let summary = Summary::load(&self.root, pipeline).await?.unwrap_or_default();
        let split = if summary.is_archive { "train" } else { "test" };
        let key = ("pipeline", Bound::from(pipeline));
        let of_split = [key.clone(), ("split", Bound::from(split))];
        let of_pipeline = [key.clone()];

        let runs: Vec<RunRow> = self.of_table("runs", LIST_RUNS, &of_pipeline).await?;
        let run_id = runs.first().map_or("", |run| run.run_id.as_str());
        let of_run = [key, ("run_id", Bound::from(run_id))];
        let statuses: Vec<StatusRow> =
            self.of_table("ticker_status", COUNT_STATUSES, &of_run).await?;
        let troubled: Vec<TroubledRow> =
            self.of_table("ticker_status", LIST_TROUBLED, &of_run).await?;
        let events: Vec<EventRow> = self.of_table("events", LIST_EVENTS, &of_split).await?;
        let flagged: Vec<FlaggedRow> = self.of_table("anomalies", LIST_FLAGGED, &of_split).await?;
        let issues: Vec<IssueRow> = self.of_table("errors", COUNT_ISSUES, &of_pipeline).await?;
        let bins: Vec<BinRow> = self.of_table("errors", COUNT_RATIOS, &of_pipeline).await?;
        let quarters: Vec<QuarterRow> = self.of_table("errors", FOLLOW_DRIFT, &of_pipeline).await?;
        let lineage = self.lineage(pipeline).await?;

        let mut losses = Vec::new();
        for model in &lineage {
            let Some(of) = Losses::load(&self.root, &model.model_id).await? else { continue };
            losses.push(of.curve(&model.model, model.best_epoch));
        }
        let order = |name: &str| summary.models.iter().position(|model| model.name == name);
        Ok(Report {
            pipeline: pipeline.to_owned(),
            finished_at: runs.first().map(|run| run.finished_at),
            is_archive: summary.is_archive,
            test_days: summary.test_days,
            n_test_rows: summary.n_test_rows,
            outside_share: summary.outside_share,
            models: summary.models.iter().map(result).collect(),
            verdicts: summary.verdicts(),
            losses,
            scores: scores(bins, split, &order),
            charts: self.charts(pipeline, &summary).await?,
            n_events: events.first().map_or(0, |event| event.n_all),
            events: events.into_iter().map(event).collect(),
            drift: drift(quarters, &order),
            lately: summary.models.iter().filter_map(lately).collect(),
            issues: issues.into_iter().map(issue).collect(),
            statuses: statuses.into_iter().map(|row| (row.status, row.n)).collect(),
            n_troubled: troubled.first().map_or(0, |row| row.n_all),
            troubled: troubled.into_iter().map(ticker).collect(),
            n_flagged: flagged.first().map_or(0, |row| row.n_all),
            flagged: flagged.into_iter().map(flagged_ticker).collect(),
            n_runs: runs.first().map_or(0, |run| run.n_all),
            runs: runs.into_iter().map(run).collect(),
            lineage,
        })
    }

    /// Rows of a query over a table that may not be there yet.
    async fn of_table<T: DeserializeOwned>(
        &self,
        table: &str,
        query: &str,
        values: &[(&str, Bound)],
    ) -> Result<Vec<T>, Error> {
        match self.catalog.has(table) {
            true => self.catalog.rows(query, values).await,
            false => Ok(Vec::new()),
        }
    }

    /// Charts around the strongest events of the result, by the model that saw them strongest.
    async fn charts(&self, pipeline: &str, summary: &Summary) -> Result<Vec<TopEvent>, Error> {
        let mut charts = Vec::new();
        let Some(first) = summary.events.first() else { return Ok(charts) };
        // Every model has seen the same features of every ticker.
        let Ok(any) = self.subject(&first.ticker, Wanted::default()).await else {
            return Ok(charts);
        };
        for event in summary.events.iter().take(CHARTS) {
            let subject = Subject {
                ticker: event.ticker.clone(),
                pipeline: pipeline.to_owned(),
                model: event.models.first().cloned().unwrap_or_default(),
                ..any.clone()
            };
            let around = (event.peak_day - DAYS_AROUND, event.peak_day + DAYS_AROUND);
            let series = self.series(&subject, around).await?;
            charts.push(TopEvent { peak_day: event.peak_day, series });
        }
        Ok(charts)
    }
}

fn result(model: &ModelSummary) -> ModelResult {
    let of = if model.reconstructs { "window" } else { "next row" };
    ModelResult {
        name: model.name.clone(),
        detector: model.detector.clone(),
        is_network: model.is_network,
        mae: model.mae.map(|mae| (mae, of)),
        rivals: model.rivals.clone(),
        threshold: model.threshold,
        threshold_words: model.threshold_words.clone(),
        stated_rate: model.stated_rate.map(Stated::rate),
        realised: model.realised.map(|of| Realised { rate: of.rate, interval: of.interval }),
        n_scored: model.n_scored,
        n_flags: model.n_flags,
        n_events: model.n_events,
        correlation: model.correlation,
    }
}

fn lately(model: &ModelSummary) -> Option<page::Lately> {
    let of = model.lately?;
    Some(page::Lately {
        model: model.name.clone(),
        n_sessions: of.n_sessions as u64,
        days: of.days,
        n: of.drift.n,
        psi: of.drift.psi,
        ks: of.drift.ks,
        p_value: of.drift.p_value,
        advice: advice(model),
    })
}

fn scores(bins: Vec<BinRow>, split: &str, order: &dyn Fn(&str) -> Option<usize>) -> Vec<Scores> {
    let mut by_model: BTreeMap<String, Scores> = BTreeMap::new();
    for row in bins {
        let of = by_model.entry(row.model.clone()).or_insert_with(|| Scores {
            model: row.model.clone(),
            bin: BIN,
            ..Scores::default()
        });
        let bin = (f64::from(row.bin) * BIN, row.n);
        match row.split.as_str() {
            "calibration" => of.calibration.push(bin),
            of_split if of_split == split => of.test.push(bin),
            _ => {}
        }
    }
    let mut scores: Vec<Scores> = by_model.into_values().collect();
    scores.sort_by_key(|of| order(&of.model).unwrap_or(usize::MAX));
    scores
}

/// Quarters that two spans share are put together.
fn drift(rows: Vec<QuarterRow>, order: &dyn Fn(&str) -> Option<usize>) -> Vec<Drift> {
    let mut by_model: BTreeMap<String, (Drift, (f64, u64))> = BTreeMap::new();
    for row in rows {
        let (drift, calibration) = by_model
            .entry(row.model.clone())
            .or_insert_with(|| (Drift { model: row.model.clone(), ..Drift::default() }, (0.0, 0)));
        let sum = row.mean_ratio * row.n as f64;
        if row.split == "calibration" {
            *calibration = (calibration.0 + sum, calibration.1 + row.n);
        }
        match drift.quarters.last_mut().filter(|last| last.from == row.from_day) {
            Some(last) => {
                let n = last.n + row.n;
                last.mean_ratio = (last.mean_ratio * last.n as f64 + sum) / n.max(1) as f64;
                (last.n, last.n_flags) = (n, last.n_flags + row.n_flags);
            }
            None => drift.quarters.push(Quarter {
                from: row.from_day,
                n: row.n,
                n_flags: row.n_flags,
                mean_ratio: row.mean_ratio,
            }),
        }
    }
    let with_mean = |(mut drift, (sum, n)): (Drift, (f64, u64))| {
        drift.calibration_mean = (n > 0).then(|| sum / n as f64);
        drift
    };
    let mut drifts: Vec<Drift> = by_model.into_values().map(with_mean).collect();
    drifts.sort_by_key(|drift| order(&drift.model).unwrap_or(usize::MAX));
    drifts
}

fn event(row: EventRow) -> EventLine {
    EventLine {
        ticker: row.ticker,
        from: row.from_day,
        to: row.to_day,
        peak_day: row.peak_day,
        split: row.split,
        n_points: row.n_points,
        ratio: row.ratio,
        return_pct: row.return_pct,
        models: row.model,
    }
}

fn issue(row: IssueRow) -> Issue {
    Issue {
        reason: row.reason,
        n_rows: row.n_rows,
        n_tickers: row.n_tickers,
        first: row.first_day,
        last: row.last_day,
    }
}

fn ticker(row: TroubledRow) -> TickerLine {
    TickerLine {
        ticker: row.ticker,
        status: row.status,
        reason: row.reason.unwrap_or_default(),
        n_rows: row.n_rows,
    }
}

fn flagged_ticker(row: FlaggedRow) -> FlaggedTicker {
    FlaggedTicker {
        ticker: row.ticker,
        n_flags: row.n_flags,
        n_days: row.n_days,
        last: row.last_day,
        ratio: row.ratio,
    }
}

fn run(row: RunRow) -> RunLine {
    RunLine {
        run_id: row.run_id,
        status: row.status,
        command: row.command,
        started_at: row.started_at,
        finished_at: row.finished_at,
        tickers: (row.n_tickers, row.n_failed),
        cells: (row.n_cells, row.n_cells_replaced),
        n_alerts: row.n_alerts,
        tool_version: row.tool_version,
        machine: row.machine,
    }
}
