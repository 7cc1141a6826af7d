//! Scores what is stale, writes its cells and commits the run, whose row comes last.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::TryStreamExt;
use indicatif::ProgressBar;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::judged::{Judges, rows_of};
use oddlot_engine::query::{COMPLETE, PARTIAL, count_anomalies, untold_alerts};
use oddlot_engine::score;
use oddlot_engine::tables::run_tables::{self, AlertRow, ModelRow, RunRow, TickerRow};
use oddlot_engine::tables::{
    CellWriter, EventSpans, Ledger, Origin, OutputRoot, SCHEMA_VERSION, SCORING_VERSION,
    StagedCell, Table,
};
use oddlot_engine::{Error, RecordBatch, failure::from_datafusion, off_tokio};
use oddlot_series::{Judge, Thresholds};
use rayon::prelude::*;

use crate::artifact::StoredJudge;
use crate::cells::{Cells, Range};
use crate::faults::Faults;
use crate::lower;
use crate::plan::Plan;
use crate::prices::Prices;
use crate::result::{Summary, Tally};
use crate::run::{Options, Outcome};
use crate::run_id::RunId;
use crate::settings::profile::Profile;
use crate::split::day;
use crate::stopwatch::{Part, Spent, Stopwatch, TimedNetwork, TimedScorer};
use crate::train::Ready;

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
}

impl Job<'_> {
    /// Every cell is fresh: tells what the tables say.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn nothing_to_write(&self, run_id: &RunId, cells: &Cells) -> Result<Outcome, Error> {
        let json = self.root.get(&self.summary_path()).await?;
        // A summary that cannot be read is not worth a failed run: the tables have it all.
        let summary = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        // A run that was killed may have committed flags and not told them.
        let alerts = self.untold_alerts(cells).await?;
        Ok(self.outcome(run_id, cells, summary, alerts, 0))
    }

    /// Scores the source and replaces the stale cells.
    ///
    /// # Errors
    /// The source cannot be read any more, or the output cannot be written.
    pub async fn score_and_write(
        &self,
        run_id: &RunId,
        cells: &Cells,
        staging: &Path,
        options: Options,
    ) -> Result<Outcome, Error> {
        let tally = Arc::new(Tally::new(self.models));
        let watch = Stopwatch::start();
        let mut writers = self.writers(cells, staging)?;
        let mut spans = EventSpans::default();
        // A series of an archive takes seconds, a row of prices microseconds.
        let is_archive = self.plan.profile == Profile::Archive;
        let bar = match is_archive {
            true => options.progress.scoring_series(self.digest.n_tickers() as u64),
            false => options.progress.scoring(self.digest.n_rows() as u64),
        };
        let mut judged = self.judged(&tally, &watch).await?;
        // A price row is judged by every model, feature by feature.
        let judged_a_row = (self.models.len() * self.prices.layout.features.len()).max(1);
        let blame = |error| from_datafusion(&self.plan.source.path, error);
        while let Some(ticker) = judged.try_next().await.map_err(blame)? {
            spans.add(&rows_of(Table::Events, &ticker)?, |name| cells.prints.part_of(name))?;
            match is_archive {
                true => self.series_done(&bar),
                false => bar.inc((ticker.num_rows() / judged_a_row) as u64),
            }
            let writing = Arc::clone(&watch);
            writers =
                off_tokio("writing a ticker", move || write(writers, &ticker, &writing)).await??;
            failpoint::pass(Failpoint::TickerWritten)?;
        }
        bar.finish_and_clear();
        // The summary first: where it is missing, cells are too, and the next run makes both.
        let summary = tally.summary(self.models);
        let json = serde_json::to_vec_pretty(&summary)
            .map_err(|error| Error::bug(format!("a summary cannot be written: {error}")))?;
        self.root.put(staging, &self.summary_path(), &json).await?;
        failpoint::pass(Failpoint::SummaryStored)?;
        let mut n_replaced = 0;
        for writer in writers {
            let writing = Arc::clone(&watch);
            let close = move || writing.during(Part::Write, || writer.finish());
            for staged in off_tokio("closing cells", close).await?? {
                let is_replaced =
                    self.commit_cell(&staged, cells, &spans, run_id, staging, options).await?;
                n_replaced += usize::from(is_replaced);
            }
        }
        failpoint::pass(Failpoint::CellsCommitted)?;
        tell_time(&watch.read(), self.digest.n_rows());
        let alerts = self.untold_alerts(cells).await?;
        Ok(self.outcome(run_id, cells, summary, alerts, n_replaced))
    }

    /// Counts a series of an archive; where nobody watches a bar, each tenth of them is a line.
    fn series_done(&self, bar: &ProgressBar) {
        bar.inc(1);
        let (done, all) = (bar.position(), self.digest.n_tickers() as u64);
        if bar.is_hidden() && done % all.div_ceil(10).max(1) == 0 {
            tracing::info!(tickers = done, of = all, "scored so far");
        }
    }

    /// Writes the rows of the run tables; that of `runs` last.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn commit(
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

    /// The judged rows of all tickers, one batch a ticker.
    async fn judged(
        &self,
        tally: &Arc<Tally>,
        watch: &Arc<Stopwatch>,
    ) -> Result<score::JudgedStream, Error> {
        let features = self.prices.layout.features.len();
        let links = lower::price_links(self.prices.relation.features.header.link, features);
        let events = lower::events(self.plan.events);
        let detectors = self.models.iter().map(|ready| ready.model.detector(links.clone(), events));
        let mut detectors = detectors.collect::<Result<Vec<_>, _>>()?;
        for judge in &mut detectors {
            if let Judge::Network { network, .. } = &mut judge.detector.judge {
                let watch = Arc::clone(watch);
                *network = Arc::new(TimedNetwork { network: Arc::clone(network), watch });
            }
        }
        let layout = self.prices.layout.clone();
        let scorer = Judges::new(detectors, layout.clone(), Arc::clone(tally) as _);
        let scorer = Arc::new(TimedScorer { scorer, watch: Arc::clone(watch) });
        score::stream(&self.prices.session, &self.prices.relation, layout, scorer).await
    }

    fn writers(&self, cells: &Cells, staging: &Path) -> Result<Vec<CellWriter>, Error> {
        let mut model_ids: Vec<&str> =
            self.models.iter().map(|ready| ready.model.model_id.as_str()).collect();
        model_ids.sort_unstable();
        let pair = |key: &str, value: String| (format!("oddlot.{key}"), value);
        Table::ALL
            .into_iter()
            .map(|table| {
                let metadata = vec![
                    pair("table", table.name().to_owned()),
                    pair("schema_version", SCHEMA_VERSION.to_string()),
                    pair("scoring_version", SCORING_VERSION.to_string()),
                    pair("pipeline", self.plan.pipeline.as_str().to_owned()),
                    pair("config_hash", self.plan.config_hash()),
                    pair("model_ids", model_ids.join(",")),
                ];
                let pipeline = self.plan.pipeline.as_str();
                let years = cells.stale_years(table);
                CellWriter::create(table, pipeline, cells.prints.parts, years, metadata, staging)
            })
            .collect()
    }

    /// Moves a stale cell in; whether its object was replaced. Equal bytes stay where they are.
    async fn commit_cell(
        &self,
        staged: &StagedCell,
        cells: &Cells,
        spans: &EventSpans,
        run_id: &RunId,
        staging: &Path,
        options: Options,
    ) -> Result<bool, Error> {
        let Some(stale) = cells.stale.iter().find(|chosen| chosen.cell == staged.cell) else {
            return Ok(false);
        };
        let ledger = Ledger::new(self.root.clone());
        let span = spans.of(&staged.cell);
        let fingerprint = cells.prints.of(self.digest, &staged.cell, span);
        let origin = Origin { run_id: run_id.as_str(), fingerprint: &fingerprint, span };
        if let Some(entry) = &stale.entry
            && entry.sha256 == staged.sha256
            && !options.full_refresh
        {
            // The run that wrote these bytes stays their writer.
            let origin = Origin { run_id: &entry.run_id, ..origin };
            ledger.note(staged, origin, staging).await?;
            return Ok(false);
        }
        ledger.commit(staged, origin, staging).await?;
        Ok(true)
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
        let mut tickers = self.prices.tickers.clone();
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

    /// Flagged rows of the range, of this pipeline's models, as the tables tell them.
    async fn count_anomalies(&self, options: Options) -> Result<u64, Error> {
        let Range { from, to } = options.range;
        // Any day of any calendar lies between these.
        let days = (from.map_or(i32::MIN, day), to.map_or(i32::MAX, day));
        let (root, pipeline) = (self.root.name(), self.plan.pipeline.as_str());
        count_anomalies(&self.prices.session, root, pipeline, days).await
    }

    fn outcome(
        &self,
        run_id: &RunId,
        cells: &Cells,
        summary: Summary,
        alerts: Vec<AlertRow>,
        n_cells_replaced: usize,
    ) -> Outcome {
        Outcome {
            run_id: run_id.clone(),
            n_cells: cells.all.len(),
            n_cells_replaced,
            faults: Faults::of(&self.prices.tickers),
            n_anomalies: 0,
            alerts,
            summary,
        }
    }

    fn summary_path(&self) -> String {
        format!("_state/results/pipeline={}.json", self.plan.pipeline.as_str())
    }
}

/// Adds one ticker's judged rows to every table.
fn write(
    mut writers: Vec<CellWriter>,
    ticker: &RecordBatch,
    watch: &Stopwatch,
) -> Result<Vec<CellWriter>, Error> {
    let tables = Table::ALL.into_par_iter().zip(&mut writers);
    tables.try_for_each(|(table, writer)| {
        watch.during(Part::Write, || writer.write(&rows_of(table, ticker)?))
    })?;
    Ok(writers)
}

/// Tells how long the scoring stage took and what in it; the network's part is what its kernels
/// alone would take on as many threads.
fn tell_time(spent: &Spent, n_rows: usize) {
    let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
    let parts = [Part::Network, Part::Read, Part::Judge, Part::Write].map(|part| spent.of(part));
    tracing::info!(
        rows = n_rows,
        windows = spent.n_windows,
        seconds = %seconds(spent.whole),
        network = %seconds(parts[0]),
        read = %seconds(parts[1]),
        judge = %seconds(parts[2]),
        write = %seconds(parts[3]),
        processor = spent.processor.map(seconds).map(tracing::field::display),
        peak_mib = crate::machine::peak_mib(),
        "scored"
    );
}

/// Writes the rows of the models that have none yet: also of those that a run has trained which was
/// killed before it got here.
///
/// # Errors
/// The output cannot be written.
pub async fn write_models(
    plan: &Plan,
    models: &[Ready],
    run_id: &RunId,
    root: &OutputRoot,
    staging: &Path,
) -> Result<(), Error> {
    for ready in models {
        let model = &ready.model;
        let artifact = &model.artifact;
        let (training, spec) = match &artifact.judge {
            // Imported weights are of no epoch of ours.
            StoredJudge::Network { spec, training, .. } => {
                (Some(training), serde_json::to_string(spec))
            }
            StoredJudge::Baseline(baseline) => (None, serde_json::to_string(&baseline.baseline())),
            StoredJudge::Archive { archive, .. } => (None, serde_json::to_string(archive)),
        };
        let weights = model.network.as_ref().map(|network| network.weights()).unwrap_or_default();
        let n_parameters: usize = weights.iter().map(|tensor| tensor.values.len()).sum();
        let spans = artifact.spans;
        let deciding = artifact.deciding();
        let row = ModelRow {
            model_id: model.model_id.clone(),
            model: artifact.name.clone(),
            detector: artifact.detector.clone(),
            run_id: run_id.as_str().to_owned(),
            trained_at: run_id.started_at_us(),
            window_length: i32::try_from(artifact.length).unwrap_or(i32::MAX),
            n_parameters: i64::try_from(n_parameters).unwrap_or(i64::MAX),
            best_epoch: training
                .filter(|training| training.best_epoch > 0)
                .map(|training| i32::try_from(training.best_epoch).unwrap_or(i32::MAX)),
            validation_loss: training.and_then(|training| training.validation_loss),
            spans: [spans.train_to, spans.validation_to, spans.calibration_to],
            threshold: deciding.map(|deciding| deciding.pooled.threshold),
            n_calibration: deciding.map_or(0, |deciding| {
                i64::try_from(deciding.pooled.distribution.n()).unwrap_or(i64::MAX)
            }),
            spec: spec.map_err(|error| Error::bug(format!("a spec cannot be written: {error}")))?,
        };
        run_tables::write_model(root, staging, plan.pipeline.as_str(), &row).await?;
    }
    Ok(())
}
