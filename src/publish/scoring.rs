//! Scores one part of the tickers after the other, each from the first year that has to be written. What waits in
//! memory is one part's at most; its files, once closed, are moved in while the next part is read and scored.

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
use oddlot_engine::ticker_rows::day_of;
use oddlot_engine::{Error, RecordBatch, failure::from_datafusion, off_tokio};
use oddlot_series::{Judge, OfTicker};
use rayon::prelude::*;

use super::Job;
use super::in_hand::{CountedScorer, InHand, SharingNetwork};
use crate::artifact::Pack;
use crate::cells::Cells;
use crate::progress::{self, Stage};
use crate::result::{PartCounts, Reading, Tally, Units, bins_by_model};
use crate::run::Options;
use crate::run_id::RunId;
use crate::selection::OfChosen;
use crate::settings::profile::Profile;
use crate::stopwatch::{Part, Stopwatch, TimedNetwork, TimedScorer};
use crate::{lower, stop};

/// What all parts of a run share.
pub(super) struct Scoring<'a> {
    job: &'a Job<'a>,
    run_id: &'a RunId,
    cells: &'a Cells,
    staging: &'a Path,
    options: Options,
    watch: &'a Arc<Stopwatch>,
    prices: WholePrices,
    /// Over the rows of all parts.
    bar: ProgressBar,
    _stage: Stage,
    /// Objects whose rows of tickers that were not chosen stay.
    carried: Option<Carried>,
    /// Of the part before, to be moved in.
    closed: Closed,
    done: Done,
}

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// Rows that were judged.
    pub(super) n_rows: usize,
    /// Cells whose object was replaced.
    pub(super) n_replaced: usize,
    /// Cells that are as they should be, replaced or equal.
    n_settled: usize,
}

/// A part, read and judged, whose files are open.
struct Scored {
    writers: Vec<CellWriter>,
    spans: EventSpans,
    tally: Arc<Tally>,
    n_rows: usize,
}

/// Finished files of a part.
#[derive(Default)]
struct Closed {
    cells: Vec<StagedCell>,
    spans: EventSpans,
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
        to_score: impl Iterator<Item = (u32, i32)>,
        options: Options,
        watch: &'a Arc<Stopwatch>,
    ) -> Result<Self, Error> {
        let staging = job.staging.path.as_path();
        let prices = WholePrices::of(&job.prices.session).await?;
        let carried = job.carried(cells).await?;
        let prints = &cells.prints;
        let read = |(part, year)| units(job, prints.count_read(job.digest, year, part));
        let n_all: usize = to_score.map(read).sum();
        let (bar, unit) = match is_archive(job) {
            true => (options.progress.scoring_series(n_all as u64), "tickers"),
            false => (options.progress.scoring(n_all as u64), "rows"),
        };
        let stage = Stage::new("scoring", unit, &bar);
        progress::cells(0, cells.stale.len());
        let (closed, done) = (Closed::default(), Done::default());
        Ok(Self {
            bar,
            _stage: stage,
            job,
            run_id,
            cells,
            staging,
            options,
            watch,
            prices,
            carried,
            closed,
            done,
        })
    }

    /// Scores the rows of `first_year` and later in `part` while the stale cells of the part before are replaced, and
    /// counts them in `counts`. Its own are replaced with the next part, or at the end.
    ///
    /// # Errors
    /// The source cannot be read any more, or the output cannot be written.
    pub(super) async fn score(
        &mut self,
        part: u32,
        first_year: i32,
        counts: &mut PartCounts,
    ) -> Result<(), Error> {
        let before = std::mem::take(&mut self.closed);
        let (moved, scored) =
            futures::join!(self.move_in(before, self.done), self.score_rows(part, first_year));
        self.done = moved?;
        let Scored { writers, spans, tally, n_rows } = scored?;
        self.done.n_rows += n_rows;
        // The counts first: where they are missing, cells are too, and the next run makes both.
        let (job, cells) = (self.job, self.cells);
        let pipeline = job.plan.pipeline.as_str();
        let years = job.digest.years().into_iter().chain(cells.all_years());
        let print = |year| cells.errors_print(job.digest, pipeline, year, part);
        let fingerprints = years.map(|year| (year, print(year))).collect();
        counts.replace(first_year, fingerprints, tally.years(), self.last_day());
        if job.selection.is_whole() {
            counts.store(job.root, pipeline, part, self.staging).await?;
        }
        failpoint::pass(Failpoint::SummaryStored)?;
        let mut cells = Vec::new();
        for writer in writers {
            let writing = Arc::clone(self.watch);
            let close = move || writing.during(Part::Write, || writer.finish());
            cells.extend(off_tokio("closing cells", close).await??);
        }
        self.closed = Closed { cells, spans };
        Ok(())
    }

    /// Replaces the stale cells of the last part.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) async fn finish(mut self) -> Result<Done, Error> {
        let last = std::mem::take(&mut self.closed);
        self.move_in(last, self.done).await
    }

    /// Moves finished files in, one after the other; what is done then, given what was before.
    async fn move_in(
        &self,
        Closed { cells, spans }: Closed,
        mut done: Done,
    ) -> Result<Done, Error> {
        for staged in cells {
            let staged = self.job.beside_others(staged, &self.carried, self.cells)?;
            let is_replaced = stop::in_one_go(self.commit(&staged, &spans)).await?;
            done.n_replaced += usize::from(is_replaced);
            done.n_settled += 1;
            progress::cells(done.n_settled, self.cells.stale.len());
            // A disk makes whoever waits for it hold the thread.
            tokio::task::yield_now().await;
        }
        Ok(done)
    }

    /// Reads and judges the rows of `part` that it takes to score those of `first_year` and later.
    async fn score_rows(&self, part: u32, first_year: i32) -> Result<Scored, Error> {
        let (job, prints) = (self.job, &self.cells.prints);
        let whole = || Reading { first_year, ..Reading::default() };
        let scored = match prints.reading(job.digest, first_year, part) {
            Some((first_day, reading)) => self.read(part, Some(first_day), reading).await?,
            None => self.read(part, None, whole()).await?,
        };
        if !scored.tally.reaches_back() {
            return Ok(scored);
        }
        tracing::info!(part, "an event began before what was read: the whole history is read");
        let n_read = scored.n_rows;
        // Its files are begun anew: what it holds must not be added to them when it goes.
        drop(scored);
        let n_all = units(job, prints.count_from(job.digest, None, part));
        self.bar.inc_length(n_all as u64);
        let scored = self.read(part, None, whole()).await?;
        Ok(Scored { n_rows: n_read + scored.n_rows, ..scored })
    }

    /// Reads and judges the rows of `part` from `first_day` on.
    async fn read(
        &self,
        part: u32,
        first_day: Option<i32>,
        reading: Reading,
    ) -> Result<Scored, Error> {
        let job = self.job;
        let relation = self.relation(part, first_day).await?;
        let bins = bins_by_model(job.models);
        let (detectors, units) = self.detectors(part, &relation).await?;
        let tally = Arc::new(Tally::new(units, bins, reading, self.last_day()));
        let mut writers = self.writers(part)?;
        let (mut spans, mut n_read) = (EventSpans::default(), 0);
        let mut judged = self.judged(&relation, detectors, &tally).await?;
        // A price row is judged by every model, feature by feature.
        let judged_a_row = (job.models.len() * job.prices.layout.features.len()).max(1);
        let blame = |error| from_datafusion(&job.plan.source.path, error);
        while let Some(ticker) = judged.try_next().await.map_err(blame)? {
            spans.add(&rows_of(Table::Events, &ticker)?, |name| self.cells.prints.part_of(name))?;
            let n_rows = ticker.num_rows() / judged_a_row;
            n_read += n_rows;
            self.bar.inc(if is_archive(job) { 1 } else { n_rows as u64 });
            let writing = Arc::clone(self.watch);
            writers =
                off_tokio("writing a ticker", move || write(writers, &ticker, &writing)).await??;
            failpoint::pass(Failpoint::TickerWritten)?;
        }
        Ok(Scored { writers, spans, tally, n_rows: n_read })
    }

    /// The last day that has a row.
    fn last_day(&self) -> i32 {
        day_of(self.job.prices.span.1)
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

    /// What judges the tickers of `part`, and in whose units all errors are told: the first network's, else the
    /// first model's. Of models of each ticker's own, that part's packs are read.
    async fn detectors(
        &self,
        part: u32,
        relation: &WindowsRelation,
    ) -> Result<(Vec<OfTicker>, Units), Error> {
        let job = self.job;
        let features = job.prices.layout.features.len();
        let links = lower::price_links(relation.features.header.link, features);
        let events = lower::events(job.plan.events);
        let first = crate::train::reference_idx(job.models);
        let (mut detectors, mut units) = (Vec::new(), Units::None);
        for (idx, ready) in job.models.iter().enumerate() {
            let Some(model) = ready.of_part(part) else { continue };
            let (detector, own) = match ready.is_packed() {
                false => {
                    let detector = model.detector(links.clone(), events)?;
                    // An archive has no held-out rows to tell an error of.
                    let own = match detector.detector.is_archive() {
                        true => Units::None,
                        false => Units::Common(model.artifact.scalers.clone()),
                    };
                    (detector.into(), own)
                }
                true => {
                    let pack = Pack::load(job.root, &model.model_id, model.engine).await?;
                    (pack.detectors(&links, events)?, Units::Own(pack.scalers()))
                }
            };
            if idx == first {
                units = own;
            }
            detectors.push(detector);
        }
        Ok((detectors, units))
    }

    /// The judged rows, one batch a ticker.
    async fn judged(
        &self,
        relation: &WindowsRelation,
        mut detectors: Vec<OfTicker>,
        tally: &Arc<Tally>,
    ) -> Result<score::JudgedStream, Error> {
        let (job, watch, in_hand) = (self.job, self.watch, Arc::<InHand>::default());
        for judge in detectors.iter_mut().flat_map(OfTicker::each_mut) {
            if let Judge::Network { network, .. } = &mut judge.detector.judge {
                let timed = TimedNetwork { network: Arc::clone(network), watch: Arc::clone(watch) };
                *network = Arc::new(SharingNetwork { network: timed, in_hand: in_hand.clone() });
            }
        }
        let layout = job.prices.layout.clone();
        let scorer = Judges::new(detectors, layout.clone(), Arc::clone(tally) as _);
        let scorer = CountedScorer { scorer, in_hand };
        let scorer = Arc::new(TimedScorer { scorer, watch: Arc::clone(watch) });
        let scorer = Arc::new(OfChosen { scorer, selection: job.selection.clone() });
        score::stream(&job.prices.session, relation, layout, scorer).await
    }

    fn writers(&self, part: u32) -> Result<Vec<CellWriter>, Error> {
        let of = |table| {
            let (pipeline, metadata) =
                (self.job.plan.pipeline.as_str(), self.job.metadata(table, part));
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
        let fingerprint = cells.prints.of_chosen(job.digest, stale, span);
        let (run_id, parts) = (self.run_id.as_str(), cells.prints.parts);
        let made_of = cells.prints.made_of(job.digest, &staged.cell, span);
        let made_of = Some(&made_of);
        let origin = Origin { run_id, fingerprint: &fingerprint, span, parts, made_of };
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
    /// What the footers of a table's cells of `part` say of how they were made.
    pub(super) fn metadata(&self, table: Table, part: u32) -> Vec<(String, String)> {
        let used = self.models.iter().filter_map(|ready| ready.of_part(part));
        let mut model_ids: Vec<&str> = used.map(|model| model.model_id.as_str()).collect();
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

impl Drop for Scoring<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn is_archive(job: &Job<'_>) -> bool {
    job.plan.profile == Profile::Archive
}

/// What a bar counts: a series of an archive takes seconds, a row of prices microseconds.
fn units(job: &Job<'_>, (n_tickers, n_rows): (usize, usize)) -> usize {
    if is_archive(job) { n_tickers } else { n_rows }
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
