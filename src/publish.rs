//! Scores what is stale, writes its cells and commits the run, whose row comes last.

use std::path::Path;

use chrono::Utc;
use oddlot_engine::Error;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::query::{COMPLETE, PARTIAL, count_anomalies, untold_alerts};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::tables::run_tables::{self, AlertRow, RunRow, TickerRow};
use oddlot_series::Thresholds;

use crate::cells::{Cells, Range};
use crate::faults::Faults;
use crate::plan::Plan;
use crate::prices::Prices;
use crate::result::{PartCounts, Summary};
use crate::run::{Options, Outcome};
use crate::run_id::RunId;
use crate::selection::Selection;
use crate::split::day;
use crate::stopwatch::Stopwatch;
use crate::train::Ready;

mod beside;
mod models;
mod scoring;

pub use models::write_models;
use scoring::Scoring;

/// A run whose models are ready.
pub struct Job<'a> {
    /// What will be done.
    pub plan: &'a Plan,
    /// The open source.
    pub prices: &'a Prices,
    /// Digests of its rows.
    pub digest: &'a InputDigest,
    /// In the plan's order.
    pub models: &'a [Ready],
    /// Where the tables are.
    pub root: &'a OutputRoot,
    /// Whose rows are scored and written.
    pub selection: &'a Selection,
}

impl Job<'_> {
    /// Scores, writes and commits.
    ///
    /// # Errors
    /// Those of [`Self::score_and_write`] and [`Self::commit`].
    pub async fn run(
        &self,
        run_id: &RunId,
        cells: &Cells,
        staging: &Path,
        options: Options,
    ) -> Result<Outcome, Error> {
        let mut outcome = self.score_and_write(run_id, cells, staging, options).await?;
        self.commit(run_id, &mut outcome, staging, options).await?;
        Ok(outcome)
    }

    /// Scores what is stale, part by part, and replaces the stale cells. Where nothing is, tells what the
    /// tables say.
    ///
    /// # Errors
    /// The source cannot be read any more, or the output cannot be written.
    async fn score_and_write(
        &self,
        run_id: &RunId,
        cells: &Cells,
        staging: &Path,
        options: Options,
    ) -> Result<Outcome, Error> {
        let watch = Stopwatch::start();
        let pipeline = self.plan.pipeline.as_str();
        let mut scoring = Scoring::new(self, run_id, cells, staging, options, &watch).await?;
        let mut counted = Vec::new();
        let is_whole = self.selection.is_whole();
        for part in cells.prints.parts() {
            let mut counts = match is_whole {
                true => PartCounts::load(self.root, pipeline, part).await?,
                // What is stored is of all tickers.
                false => PartCounts::default(),
            };
            if let Some(first_year) = cells.first_year_to_score(part, &counts) {
                scoring.score(part, first_year, &mut counts).await?;
            }
            counted.push(counts);
        }
        let Scoring { n_rows, n_replaced, .. } = scoring;
        if n_rows > 0 {
            watch.read().tell("scored", n_rows);
        }
        failpoint::pass(Failpoint::CellsCommitted)?;
        let summary = match is_whole || n_rows > 0 {
            true => Summary::of(self.models, counted.iter().flat_map(PartCounts::years)),
            false => Summary::default(),
        };
        if is_whole {
            summary.store(self.root, pipeline, staging).await?;
        }
        let alerts = self.untold_alerts(cells).await?;
        Ok(self.outcome(run_id, cells, summary, alerts, n_replaced, options))
    }

    /// Writes the rows of the run tables; that of `runs` last.
    ///
    /// # Errors
    /// The output cannot be written.
    async fn commit(
        &self,
        run_id: &RunId,
        outcome: &mut Outcome,
        staging: &Path,
        options: Options,
    ) -> Result<(), Error> {
        let pipeline = self.plan.pipeline.as_str();
        write_models(self.plan, self.models, run_id, self.root, staging).await?;
        failpoint::pass(Failpoint::ModelsListed)?;
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let run = RunRow {
            run_id: run_id.as_str().to_owned(),
            status: if outcome.faults.failed.is_empty() { COMPLETE } else { PARTIAL },
            command: options.command,
            started_at: run_id.started_at_us(),
            finished_at: Utc::now().timestamp_micros(),
            config_hash: self.plan.config_hash(),
            tool_version: env!("CARGO_PKG_VERSION"),
            machine: crate::machine::describe(),
            n_tickers: count(outcome.faults.n_tickers),
            n_failed: count(outcome.faults.failed.len()),
            n_rows: count(self.digest.n_rows()),
            n_cells: count(outcome.n_cells),
            n_cells_replaced: count(outcome.n_cells_replaced),
            n_alerts: count(outcome.alerts.len()),
            model_ids: self.models.iter().map(|ready| ready.model.model_id.clone()).collect(),
        };
        run_tables::write_ticker_status(self.root, staging, pipeline, &run, &self.told_tickers())
            .await?;
        failpoint::pass(Failpoint::TickersTold)?;
        run_tables::write_alerts(self.root, staging, pipeline, &run, &outcome.alerts).await?;
        failpoint::pass(Failpoint::AlertsTold)?;
        run_tables::write_run(self.root, staging, pipeline, &run).await?;
        failpoint::pass(Failpoint::RunCommitted)?;
        outcome.n_anomalies = self.count_anomalies(options).await?;
        Ok(())
    }

    /// Those flags of the test span and of the range that no run has told before.
    async fn untold_alerts(&self, cells: &Cells) -> Result<Vec<AlertRow>, Error> {
        let Some(years) = cells.years() else { return Ok(Vec::new()) };
        let models: Vec<&str> =
            self.models.iter().map(|ready| ready.model.model_id.as_str()).collect();
        let (root, pipeline) = (self.root.name(), self.plan.pipeline.as_str());
        untold_alerts(&self.prices.session, root, pipeline, &models, years).await
    }

    /// What became of each ticker; those that take a pooled scaler or threshold for want of rows of
    /// their own are marked.
    fn told_tickers(&self) -> Vec<TickerRow> {
        let is_young = |ticker: &str| {
            self.models.iter().any(|ready| {
                let artifact = &ready.model.artifact;
                let is_pooled = |of: &Thresholds| of.causal.get(ticker).is_pooled_fallback;
                artifact.scalers.get(ticker).is_pooled_fallback
                    || artifact.thresholds.as_ref().is_some_and(is_pooled)
            })
        };
        let mut tickers = self.tickers();
        let is_scored = |row: &TickerRow| matches!(row.status, "ok" | "partial");
        for row in tickers.iter_mut().filter(|row| is_scored(row) && is_young(&row.ticker)) {
            let young = "too few rows of its own: pooled scaler or threshold";
            row.reason = Some(match &row.reason {
                Some(reason) => format!("{reason}; {young}"),
                None => young.to_owned(),
            });
        }
        tickers
    }

    /// Flagged rows of the range and of chosen tickers, of this pipeline's models, as the tables tell them.
    async fn count_anomalies(&self, options: Options) -> Result<u64, Error> {
        let Range { from, to } = options.range;
        // Any day of any calendar lies between these.
        let days = (from.map_or(i32::MIN, day), to.map_or(i32::MAX, day));
        let (root, pipeline) = (self.root.name(), self.plan.pipeline.as_str());
        let is_chosen = |ticker: &str| self.selection.has(ticker);
        count_anomalies(&self.prices.session, root, pipeline, days, is_chosen).await
    }

    fn outcome(
        &self,
        run_id: &RunId,
        cells: &Cells,
        summary: Summary,
        alerts: Vec<AlertRow>,
        n_cells_replaced: usize,
        options: Options,
    ) -> Outcome {
        Outcome {
            run_id: run_id.clone(),
            range: options.range,
            n_cells: cells.all.len(),
            n_cells_replaced,
            faults: Faults::of(&self.tickers()).with_checks(&self.prices.findings),
            n_anomalies: 0,
            alerts,
            summary,
        }
    }
}
