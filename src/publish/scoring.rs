//! Scores one part of the tickers after the other, each from the first year that has to be written, and
//! replaces its stale cells before the next part is read: what waits in memory is one part's at most.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use indicatif::ProgressBar;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::judged::{Judges, rows_of};
use oddlot_engine::relation::WindowsRelation;
use oddlot_engine::score;
use oddlot_engine::source::{Part as Tickers, WholePrices};
use oddlot_engine::tables::{
    Carried, CellWriter, EventSpans, Ledger, Origin, SCHEMA_VERSION, SCORING_VERSION, StagedCell,
    Table,
};
use oddlot_engine::{Error, RecordBatch, failure::from_datafusion, off_tokio};
use oddlot_series::Judge;
use rayon::prelude::*;

use super::Job;
use crate::cells::Cells;
use crate::lower;
use crate::result::{PartCounts, Reading, Tally};
use crate::run::Options;
use crate::run_id::RunId;
use crate::selection::OfChosen;
use crate::settings::profile::Profile;
use crate::stopwatch::{Part, Stopwatch, TimedNetwork, TimedScorer};

/// What all parts of a run share.
pub(super) struct Scoring<'a> {
    job: &'a Job<'a>,
    run_id: &'a RunId,
    cells: &'a Cells,
    staging: &'a Path,
    options: Options,
    watch: &'a Arc<Stopwatch>,
    prices: WholePrices,
    /// Objects whose rows of tickers that were not chosen stay.
    carried: Option<Carried>,
    /// Rows that were judged.
    pub(super) n_rows: usize,
    /// Cells whose object was replaced.
    pub(super) n_replaced: usize,
}

/// A part, read and judged, whose files are open.
struct Scored {
    writers: Vec<CellWriter>,
    spans: EventSpans,
    tally: Arc<Tally>,
}

impl<'a> Scoring<'a> {
    /// Nothing scored yet.
    ///
    /// # Errors
    /// Rows of tickers that were not chosen cannot stay; a bug: the source is not registered.
    pub(super) async fn new(
        job: &'a Job<'a>,
        run_id: &'a RunId,
        cells: &'a Cells,
        staging: &'a Path,
        options: Options,
        watch: &'a Arc<Stopwatch>,
    ) -> Result<Self, Error> {
        let prices = WholePrices::of(&job.prices.session).await?;
        let carried = job.carried(cells, staging).await?;
        let (n_rows, n_replaced) = (0, 0);
        Ok(Self {
            job,
            run_id,
            cells,
            staging,
            options,
            watch,
            prices,
            carried,
            n_rows,
            n_replaced,
        })
    }

    /// Scores the rows of `first_year` and later in `part`, counts them in `counts` and replaces its stale cells.
    ///
    /// # Errors
    /// The source cannot be read any more, or the output cannot be written.
    pub(super) async fn score(
        &mut self,
        part: u32,
        first_year: i32,
        counts: &mut PartCounts,
    ) -> Result<(), Error> {
        let (job, prints) = (self.job, &self.cells.prints);
        let whole = || Reading { first_year, ..Reading::default() };
        let mut scored = match prints.reading(job.digest, first_year, part) {
            Some((first_day, reading)) => self.read(part, Some(first_day), reading).await?,
            None => self.read(part, None, whole()).await?,
        };
        if scored.tally.reaches_back() {
            tracing::info!(part, "an event began before what was read: the whole history is read");
            // Its files are begun anew: what it holds must not be added to them when it goes.
            drop(scored);
            scored = self.read(part, None, whole()).await?;
        }
        // The counts first: where they are missing, cells are too, and the next run makes both.
        let pipeline = job.plan.pipeline.as_str();
        let years = job.digest.years().into_iter().chain(self.cells.all_years());
        let fingerprints =
            years.map(|year| (year, prints.of_errors(job.digest, pipeline, year, part))).collect();
        counts.replace(first_year, fingerprints, scored.tally.years());
        if job.selection.is_whole() {
            counts.store(job.root, pipeline, part, self.staging).await?;
        }
        failpoint::pass(Failpoint::SummaryStored)?;
        for writer in scored.writers {
            let writing = Arc::clone(self.watch);
            let close = move || writing.during(Part::Write, || writer.finish());
            for staged in off_tokio("closing cells", close).await?? {
                let staged = job.beside_others(staged, &self.carried, self.cells)?;
                let is_replaced = self.commit(&staged, &scored.spans).await?;
                self.n_replaced += usize::from(is_replaced);
            }
        }
        Ok(())
    }

    /// Reads and judges the rows of `part` from `first_day` on.
    async fn read(
        &mut self,
        part: u32,
        first_day: Option<i32>,
        reading: Reading,
    ) -> Result<Scored, Error> {
        let job = self.job;
        let tally = Arc::new(Tally::new(job.models, reading));
        let mut writers = self.writers(part)?;
        let mut spans = EventSpans::default();
        let bar = self.bar(part, first_day);
        let relation = self.relation(part, first_day).await?;
        let mut judged = self.judged(&relation, &tally).await?;
        // A price row is judged by every model, feature by feature.
        let judged_a_row = (job.models.len() * job.prices.layout.features.len()).max(1);
        let blame = |error| from_datafusion(&job.plan.source.path, error);
        while let Some(ticker) = judged.try_next().await.map_err(blame)? {
            spans.add(&rows_of(Table::Events, &ticker)?, |name| self.cells.prints.part_of(name))?;
            let n_rows = ticker.num_rows() / judged_a_row;
            self.n_rows += n_rows;
            match self.is_archive() {
                true => series_done(&bar),
                false => bar.inc(n_rows as u64),
            }
            let writing = Arc::clone(self.watch);
            writers =
                off_tokio("writing a ticker", move || write(writers, &ticker, &writing)).await??;
            failpoint::pass(Failpoint::TickerWritten)?;
        }
        bar.finish_and_clear();
        Ok(Scored { writers, spans, tally })
    }

    fn is_archive(&self) -> bool {
        self.job.plan.profile == Profile::Archive
    }

    /// A series of an archive takes seconds, a row of prices microseconds.
    fn bar(&self, part: u32, first_day: Option<i32>) -> ProgressBar {
        let is_own = |ticker: &str| {
            self.cells.prints.part_of(ticker) == part && self.job.selection.scores(ticker)
        };
        let (n_tickers, n_rows) = self.job.digest.count_from(first_day, is_own);
        match self.is_archive() {
            true => self.options.progress.scoring_series(n_tickers as u64),
            false => self.options.progress.scoring(n_rows as u64),
        }
    }

    /// The windows of the rows of `part` from `first_day` on.
    async fn relation(&self, part: u32, first_day: Option<i32>) -> Result<WindowsRelation, Error> {
        let Job { plan, prices, .. } = self.job;
        let tickers = Tickers { part, of: self.cells.prints.parts };
        if self.cells.prints.is_across {
            return prices.relation.clone().of_part(tickers);
        }
        self.prices.narrow(&prices.session, tickers, (first_day, None))?;
        prices.windows(plan).await
    }

    /// The judged rows, one batch a ticker.
    async fn judged(
        &self,
        relation: &WindowsRelation,
        tally: &Arc<Tally>,
    ) -> Result<score::JudgedStream, Error> {
        let (job, watch) = (self.job, self.watch);
        let features = job.prices.layout.features.len();
        let links = lower::price_links(relation.features.header.link, features);
        let events = lower::events(job.plan.events);
        let detectors = job.models.iter().map(|ready| ready.model.detector(links.clone(), events));
        let mut detectors = detectors.collect::<Result<Vec<_>, _>>()?;
        for judge in &mut detectors {
            if let Judge::Network { network, .. } = &mut judge.detector.judge {
                let watch = Arc::clone(watch);
                *network = Arc::new(TimedNetwork { network: Arc::clone(network), watch });
            }
        }
        let layout = job.prices.layout.clone();
        let scorer = Judges::new(detectors, layout.clone(), Arc::clone(tally) as _);
        let scorer = Arc::new(TimedScorer { scorer, watch: Arc::clone(watch) });
        let scorer = Arc::new(OfChosen { scorer, selection: job.selection.clone() });
        score::stream(&job.prices.session, relation, layout, scorer).await
    }

    fn writers(&self, part: u32) -> Result<Vec<CellWriter>, Error> {
        let of = |table| {
            let (pipeline, metadata) = (self.job.plan.pipeline.as_str(), self.job.metadata(table));
            let (cells, parts) = (self.cells.stale_in(table, part), self.cells.prints.parts);
            CellWriter::create(table, pipeline, parts, cells, metadata, self.staging)
        };
        Table::ALL.into_iter().map(of).collect()
    }

    /// Moves a stale cell in; whether its object was replaced. Equal bytes stay where they are.
    async fn commit(&self, staged: &StagedCell, spans: &EventSpans) -> Result<bool, Error> {
        let Self { job, cells, staging, .. } = self;
        let Some(stale) = cells.stale.iter().find(|chosen| chosen.cell == staged.cell) else {
            return Ok(false);
        };
        let ledger = Ledger::new(job.root.clone());
        let span = job.span_beside(spans.of(&staged.cell), stale.entry.as_ref());
        let fingerprint = cells.prints.of(job.digest, &staged.cell, span);
        let origin = Origin { run_id: self.run_id.as_str(), fingerprint: &fingerprint, span };
        if let Some(entry) = &stale.entry
            && entry.sha256 == staged.sha256
            && !self.options.full_refresh
        {
            // The run that wrote these bytes stays their writer.
            let origin = Origin { run_id: &entry.run_id, ..origin };
            ledger.note(staged, origin, staging).await?;
            return Ok(false);
        }
        ledger.commit(staged, origin, staging).await?;
        Ok(true)
    }
}

impl Job<'_> {
    /// What the footers of a table's cells say of how they were made.
    pub(super) fn metadata(&self, table: Table) -> Vec<(String, String)> {
        let mut model_ids: Vec<&str> =
            self.models.iter().map(|ready| ready.model.model_id.as_str()).collect();
        model_ids.sort_unstable();
        let pair = |key: &str, value: String| (format!("oddlot.{key}"), value);
        vec![
            pair("table", table.name().to_owned()),
            pair("schema_version", SCHEMA_VERSION.to_string()),
            pair("scoring_version", SCORING_VERSION.to_string()),
            pair("pipeline", self.plan.pipeline.as_str().to_owned()),
            pair("config_hash", self.plan.config_hash()),
            pair("model_ids", model_ids.join(",")),
        ]
    }
}

/// Counts a series of an archive; where nobody watches a bar, each tenth of them is a line.
fn series_done(bar: &ProgressBar) {
    bar.inc(1);
    let (done, all) = (bar.position(), bar.length().unwrap_or_default());
    if bar.is_hidden() && done % all.div_ceil(10).max(1) == 0 {
        tracing::info!(tickers = done, of = all, "scored so far");
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
