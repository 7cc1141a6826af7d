//! Scores what is stale, writes its cells and commits the run, whose row comes last.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use oddlot_engine::Error;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::query::{COMPLETE, PARTIAL, SHARD, count_anomalies, untold_alerts};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::tables::run_tables::{self, AlertRow, RunRow, TickerRow};
use oddlot_series::Thresholds;

use crate::artifact::Model;
use crate::cells::{self, Cells, Range};
use crate::faults::{Faults, lacking};
use crate::plan::Plan;
use crate::prices::Prices;
use crate::rates::Pace;
use crate::result::{PartCounts, Summary};
use crate::run::{Options, Outcome};
use crate::run_id::RunId;
use crate::selection::Selection;
use crate::shard::Shard;
use crate::split::day;
use crate::staging::{Staging, Unit};
use crate::stop;
use crate::stopwatch::Stopwatch;
use crate::train::Ready;

mod beside;
mod in_hand;
mod models;
mod orphans;
mod scoring;

pub use models::write_models;
use scoring::{Done, Scoring};

/// How long another shard may take to sum up and tell of itself.
pub const COMMIT_WAIT: Duration = Duration::from_secs(600);

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
    /// Where they are written first, and what the run holds.
    pub staging: &'a Staging,
    /// Whose rows are scored and written.
    pub selection: &'a Selection,
    /// The shard that they are of.
    pub shard: Option<Shard>,
}

/// By part: sums are taken in that order, whoever counted.
type Counts = BTreeMap<u32, PartCounts>;

/// What became of the cells.
struct Written {
    /// Of the parts of this run.
    counts: Counts,
    n_rows: usize,
    n_replaced: usize,
    /// Of scoring, if anything was scored.
    pace: Option<Pace>,
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
        options: Options,
    ) -> Result<Outcome, Error> {
        let written = self.score_and_write(run_id, cells, options).await?;
        // Of shards that end at once the one that commits last sees the counts of all.
        self.staging.hold(Unit::Commit, COMMIT_WAIT).await?;
        let mut outcome = stop::in_one_go(self.commit(run_id, cells, written, options)).await?;
        self.staging.let_go(Unit::Commit).await;
        outcome.n_anomalies = self.count_anomalies(options).await?;
        Ok(outcome)
    }

    /// Scores what is stale, part by part, and replaces the stale cells.
    ///
    /// # Errors
    /// The source cannot be read any more, or the output cannot be written.
    async fn score_and_write(
        &self,
        run_id: &RunId,
        cells: &Cells,
        options: Options,
    ) -> Result<Written, Error> {
        let watch = Stopwatch::start();
        let pipeline = self.plan.pipeline.as_str();
        let mut parts = Vec::new();
        for part in cells.prints.parts() {
            let mut counts = match self.selection.is_whole() {
                true => PartCounts::load(self.root, pipeline, part).await?,
                // What is stored is of all tickers.
                false => PartCounts::default(),
            };
            let forgets = counts.forget(cells.orphaned_years(part));
            let first_year = cells.first_year_to_score(part, &counts);
            if first_year.is_none() && forgets && self.selection.is_whole() {
                counts.store(self.root, pipeline, part, &self.staging.path).await?;
            }
            parts.push((part, first_year, counts));
        }
        let to_score = parts.iter().filter_map(|(part, year, _)| Some((*part, (*year)?)));
        let mut scoring = Scoring::new(self, run_id, cells, to_score, options, &watch).await?;
        let mut counted = Counts::new();
        for (part, first_year, mut counts) in parts {
            if let Some(first_year) = first_year {
                scoring.score(part, first_year, &mut counts).await?;
            }
            counted.insert(part, counts);
        }
        let Done { n_rows, n_replaced, .. } = scoring.finish().await?;
        let mut pace = None;
        if n_rows > 0 {
            let spent = watch.read();
            spent.tell("scored", n_rows);
            pace = Some(Pace::new(n_rows, spent.whole));
        }
        failpoint::pass(Failpoint::CellsCommitted)?;
        Ok(Written { counts: counted, n_rows, n_replaced, pace })
    }

    /// Sums up, and writes the rows of the run tables; that of `runs` last.
    ///
    /// # Errors
    /// The output cannot be written.
    async fn commit(
        &self,
        run_id: &RunId,
        cells: &Cells,
        written: Written,
        options: Options,
    ) -> Result<Outcome, Error> {
        let pipeline = self.plan.pipeline.as_str();
        let staging = self.staging.path.as_path();
        let others = self.others(options).await?;
        let is_complete = others.is_some();
        // Only now: whoever reads meanwhile finds each row in the old cell or in the new one.
        let n_removed = self.remove_orphans(cells, is_complete).await?;
        let is_whole = self.selection.is_whole();
        let summary = match is_whole || written.n_rows > 0 {
            true => {
                let mut all = written.counts;
                all.extend(others.unwrap_or_default());
                Summary::of(self.models, all.values().flat_map(PartCounts::years))
            }
            false => Summary::default(),
        };
        // Until the last shard is there, the result is that of the tables that readers see.
        if is_whole && is_complete {
            summary.store(self.root, pipeline, staging).await?;
        }
        let alerts = self.untold_alerts(cells).await?;
        let outcome = Outcome {
            run_id: run_id.clone(),
            range: options.range,
            shard: self.shard.map(|shard| (shard, is_complete)),
            n_cells: cells.all.len(),
            n_cells_replaced: written.n_replaced,
            n_cells_removed: n_removed,
            kept: self.kept(),
            scored: written.pace,
            faults: Faults::of(&self.tickers()).with_checks(&self.prices.findings),
            n_anomalies: 0,
            alerts,
            summary,
        };
        write_models(self.plan, self.models, run_id, self.root, staging).await?;
        failpoint::pass(Failpoint::ModelsListed)?;
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let run = RunRow {
            run_id: run_id.as_str().to_owned(),
            status: self.status(is_complete),
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
            model_ids: self.model_ids().into_iter().map(str::to_owned).collect(),
        };
        run_tables::write_ticker_status(self.root, staging, pipeline, &run, &self.told_tickers())
            .await?;
        failpoint::pass(Failpoint::TickersTold)?;
        run_tables::write_alerts(self.root, staging, pipeline, &run, &outcome.alerts).await?;
        failpoint::pass(Failpoint::AlertsTold)?;
        run_tables::write_run(self.root, staging, pipeline, &run).await?;
        failpoint::pass(Failpoint::RunCommitted)?;
        Ok(outcome)
    }

    /// The counts of the parts of other shards; `None` where some of their cells are not there yet, or are of other
    /// rows, settings or models than ours.
    async fn others(&self, options: Options) -> Result<Option<Counts>, Error> {
        let Some(selection) = self.selection.others() else { return Ok(Some(Counts::new())) };
        let models: Vec<&Model> = self.models.iter().flat_map(Ready::all).collect();
        let selection = &selection;
        let which =
            cells::Asked { range: options.range, selection, full_refresh: false, to_train: &[] };
        let Self { plan, prices, digest, root, .. } = self;
        let theirs = cells::choose(plan, prices, digest, &models, Some(root), which).await?;
        if !theirs.stale.is_empty() {
            return Ok(None);
        }
        let mut counts = Counts::new();
        for part in theirs.prints.parts() {
            let of_part = PartCounts::load(self.root, self.plan.pipeline.as_str(), part).await?;
            counts.insert(part, of_part);
        }
        Ok(Some(counts))
    }

    /// What `runs` says of this run: whether readers see what its models have written.
    fn status(&self, is_complete: bool) -> &'static str {
        if !is_complete {
            return SHARD;
        }
        // Of whichever shard they are.
        let tickers = lacking(self.prices.tickers.clone(), self.models, self.plan);
        if Faults::of(&tickers).failed.is_empty() { COMPLETE } else { PARTIAL }
    }

    /// Those flags of the test span and of the range that no run has told before.
    async fn untold_alerts(&self, cells: &Cells) -> Result<Vec<AlertRow>, Error> {
        let Some(years) = cells.years() else { return Ok(Vec::new()) };
        let models = self.model_ids();
        let (root, pipeline) = (self.root.name(), self.plan.pipeline.as_str());
        let mut untold =
            untold_alerts(&self.prices.session, root, pipeline, &models, years).await?;
        // Those of another shard are told by it.
        if self.shard.is_some() {
            untold.retain(|alert| self.selection.has(&alert.ticker));
        }
        Ok(untold)
    }

    fn model_ids(&self) -> Vec<&str> {
        self.models.iter().flat_map(Ready::ids).collect()
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
        let models = self.model_ids();
        count_anomalies(&self.prices.session, root, pipeline, &models, days, is_chosen).await
    }

    /// Models that are used though what they learnt from has changed.
    fn kept(&self) -> Vec<(String, &'static str)> {
        let name = |ready: &Ready| ready.model.artifact.name.clone();
        self.models.iter().filter_map(|ready| Some((name(ready), ready.kept?))).collect()
    }
}
