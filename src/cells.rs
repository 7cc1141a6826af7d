//! Which cells a run has to write, and why.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};
use oddlot_engine::fingerprint::{InputDigest, Reach};
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::tables::{
    Cell, CellEntry, Ledger, OutputRoot, SCHEMA_VERSION, SCORING_VERSION, Table,
};
use oddlot_engine::ticker_rows::day_of;
use oddlot_engine::{Error, Report};
use oddlot_nets::Engine;
use oddlot_series::EventRule;

use crate::artifact::{Model, Pointer};
use crate::plan::Plan;
use crate::prices::{Prices, is_own, sql_of};
use crate::result::{PartCounts, Reading};
use crate::split::day;

/// Entries of the ledger that are read at a time: of a bucket each is a trip to the server.
const CONCURRENT: usize = 16;

/// Rows of the year before that are judged along with the first year to be scored, so that an event which
/// goes on over the turn of the year is seen to begin. One that is longer costs a second reading.
const EVENT_ROWS: usize = 64;

/// Trade dates, both included; `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub from: Option<NaiveDate>,
    /// The last.
    pub to: Option<NaiveDate>,
}

/// A cell and what its rows are computed from.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Which.
    pub cell: Cell,
    /// Hash of its input, settings and models.
    pub fingerprint: String,
    /// What the ledger knows of the object that is there.
    pub entry: Option<CellEntry>,
}

impl Chosen {
    /// Why it has to be written.
    pub fn why(&self, full_refresh: bool) -> &'static str {
        match &self.entry {
            None => "it is not there",
            Some(entry) if entry.fingerprint != self.fingerprint => {
                "its rows, the settings or a model have changed"
            }
            Some(_) if full_refresh => "full refresh",
            Some(_) => "nothing has changed",
        }
    }
}

/// The cells of a run.
#[derive(Clone, Debug)]
pub struct Cells {
    /// All within the range.
    pub all: Vec<Chosen>,
    /// Those that have to be written.
    pub stale: Vec<Chosen>,
    /// How their fingerprints are taken.
    pub prints: Prints,
}

impl Cells {
    /// (year, part) of the stale cells of `table` in `part`.
    pub fn stale_in(&self, table: Table, part: u32) -> impl Iterator<Item = (i32, u32)> {
        let cells = self.stale.iter().map(|chosen| &chosen.cell);
        let own = cells.filter(move |cell| cell.table == table && cell.part == part);
        own.map(|cell| (cell.year, cell.part))
    }

    /// The first year of `part` whose rows have to be scored: because a cell is stale, or because they are
    /// not counted in the result.
    pub fn first_year_to_score(&self, part: u32, counted: &PartCounts) -> Option<i32> {
        let stale = self.stale.iter().filter(|chosen| chosen.cell.part == part);
        let is_uncounted = |chosen: &&Chosen| {
            let cell = &chosen.cell;
            cell.table == Table::Errors
                && cell.part == part
                && !counted.has(cell.year, &chosen.fingerprint)
        };
        let uncounted = self.all.iter().filter(is_uncounted);
        stale.chain(uncounted).map(|chosen| chosen.cell.year).min()
    }

    /// Years of the range that have a cell, rising.
    pub fn all_years(&self) -> BTreeSet<i32> {
        self.all.iter().map(|chosen| chosen.cell.year).collect()
    }

    /// First and last year of the range that has a cell.
    pub fn years(&self) -> Option<(i32, i32)> {
        let years = || self.all.iter().map(|chosen| chosen.cell.year);
        years().min().zip(years().max())
    }
}

/// What fingerprints are taken of besides the price rows.
#[derive(Clone, Debug)]
pub struct Prints {
    context: String,
    /// Files that a table's year is split into.
    pub parts: u32,
    /// How far scores and flags reach.
    reach: Reach,
    /// So many rows further a flag may change where an event begins and ends.
    event_rows: usize,
    /// Whether a feature may look at other tickers.
    pub is_across: bool,
}

impl Prints {
    fn new(plan: &Plan, prices: &Prices, models: &[&Model]) -> Result<Self, Error> {
        Ok(Self {
            context: context(plan, models)?,
            parts: parts(plan),
            reach: reach(prices, models)?,
            event_rows: plan.events.max_gap_rows.get() + 1,
            // The embedded queries do not; of a user's own nothing is known.
            is_across: is_own(&plan.features) || is_own(&plan.windows.sql),
        })
    }

    /// The fingerprint of `cell`, whose events reach from the first year of `span` to the last.
    pub fn of(&self, digest: &InputDigest, cell: &Cell, span: (i32, i32)) -> String {
        let (span, rows) = match cell.table {
            Table::Reconstructions | Table::Errors => ((cell.year, cell.year), 0),
            Table::Anomalies | Table::Events => (span, self.event_rows),
        };
        let reach = Reach {
            rows_before: self.reach.rows_before.saturating_add(rows),
            rows_after: self.reach.rows_after.saturating_add(rows),
        };
        match self.is_across {
            true => digest.of_span_across(span, reach, &self.context),
            false => digest.of_span(span, reach, &self.context, |ticker| {
                part_of(ticker, self.parts) == cell.part
            }),
        }
    }

    /// The fingerprint of the rows of `errors` in `year` and `part`.
    pub fn of_errors(&self, digest: &InputDigest, pipeline: &str, year: i32, part: u32) -> String {
        let cell = Cell { table: Table::Errors, pipeline: pipeline.to_owned(), year, part };
        self.of(digest, &cell, (year, year))
    }

    /// The part of `ticker`.
    pub fn part_of(&self, ticker: &str) -> u32 {
        part_of(ticker, self.parts)
    }

    /// What has to be read to score the rows of `first_year` and later in `part`: from which day on, counted
    /// from 1970-01-01, and of which rows the judgement lacks what came before; `None` is everything.
    pub fn reading(
        &self,
        digest: &InputDigest,
        first_year: i32,
        part: u32,
    ) -> Option<(i32, Reading)> {
        // What a query of the user's own looks back on is declared, but nothing holds it to that.
        if self.is_across {
            return None;
        }
        let is_own = |ticker: &str| self.part_of(ticker) == part;
        let n_warm = self.reach.rows_before.saturating_add(self.event_rows);
        let n_before = n_warm.saturating_add(EVENT_ROWS);
        let first_day = digest.first_day_needed(first_year, n_before, is_own)?;
        let cut = digest.tickers_before(first_day, is_own);
        (!cut.is_empty()).then_some((first_day, Reading { first_year, cut, n_warm }))
    }
}

impl Range {
    /// Checks that the source has rows in the range.
    ///
    /// # Errors
    /// It has none.
    pub fn check(self, prices: &Prices) -> Result<(), Error> {
        if self.meets(prices.span) {
            return Ok(());
        }
        let asked = match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => format!("--date {from}"),
            (Some(from), Some(to)) => format!("--from {from} --to {to}"),
            (Some(from), None) => format!("--from {from}"),
            (None, Some(to)) => format!("--to {to}"),
            (None, None) => "all dates".to_owned(),
        };
        Err(Error::data(
            Report::new("the source has no row in the range")
                .at(prices.place.as_str())
                .expected("dates that the source has")
                .found(format!("{asked}; {}", prices.extent()))
                .hint("choose other dates, or add the missing rows to the source"),
        ))
    }

    /// Whether it has a day of a span of instants, µs UTC.
    fn meets(self, span: (i64, i64)) -> bool {
        self.to.is_none_or(|to| day(to) >= day_of(span.0))
            && self.from.is_none_or(|from| day(from) <= day_of(span.1))
    }

    fn touches(self, year: i32) -> bool {
        use chrono::Datelike;
        self.from.is_none_or(|from| from.year() <= year)
            && self.to.is_none_or(|to| year <= to.year())
    }
}

/// Finds the stale cells: those of another fingerprint, those that are gone, or all.
///
/// # Errors
/// The ledger cannot be read.
pub async fn choose(
    plan: &Plan,
    prices: &Prices,
    digest: &InputDigest,
    models: &[&Model],
    root: &OutputRoot,
    range: Range,
    full_refresh: bool,
) -> Result<Cells, Error> {
    let ledger = Ledger::new(root.clone());
    let prints = Prints::new(plan, prices, models)?;
    let pipeline = plan.pipeline.as_str();
    let mut left_alone = Vec::new();
    let mut years: BTreeSet<i32> = digest.years().into_iter().collect();
    for table in Table::ALL {
        for cell in ledger.cells(table, pipeline).await? {
            refuse_fewer_parts(plan, &cell)?;
            if !range.touches(cell.year) {
                left_alone.push(cell.clone());
            }
            // A year whose rows have gone from the source must lose them in the tables too.
            years.insert(cell.year);
        }
    }
    // Cells are written year by year, so that of those of one schema none lies between others.
    for cell in left_alone.first().into_iter().chain(left_alone.last()) {
        if let Some(entry) = ledger.entry(cell).await? {
            refuse_other_schema(plan, root, cell, entry.schema_version)?;
        }
    }
    let years = years.into_iter().filter(|year| range.touches(*year));
    let cells = years.flat_map(|year| {
        (0..prints.parts).flat_map(move |part| {
            Table::ALL.map(|table| Cell { table, pipeline: pipeline.to_owned(), year, part })
        })
    });
    let entries = stream::iter(cells).map(async |cell| {
        let entry = ledger.entry(&cell).await?;
        Ok::<_, Error>((cell, entry))
    });
    let entries: Vec<_> = entries.buffered(CONCURRENT).try_collect().await?;
    let (mut all, mut stale) = (Vec::new(), Vec::new());
    for (cell, entry) in entries {
        if let Some(entry) = entry.as_ref().filter(|e| e.schema_version > SCHEMA_VERSION) {
            refuse_other_schema(plan, root, &cell, entry.schema_version)?;
        }
        let span = entry.as_ref().map_or((cell.year, cell.year), |entry| entry.span);
        let fingerprint = prints.of(digest, &cell, span);
        let is_fresh = entry.as_ref().is_some_and(|entry| entry.fingerprint == fingerprint);
        let chosen = Chosen { cell, fingerprint, entry };
        if !is_fresh || full_refresh {
            stale.push(chosen.clone());
        }
        all.push(chosen);
    }
    Ok(Cells { all, stale, prints })
}

fn parts(plan: &Plan) -> u32 {
    u32::try_from(plan.output.parts).unwrap_or(1).max(1)
}

/// With fewer parts than before, the cells of the others would stay and tell their tickers twice.
fn refuse_fewer_parts(plan: &Plan, cell: &Cell) -> Result<(), Error> {
    if cell.part < parts(plan) {
        return Ok(());
    }
    Err(Error::config(
        Report::new("the tables have more parts than `output.parts`")
            .at(plan.file.as_str())
            .expected(format!("output.parts > {}", cell.part))
            .found(format!("output.parts = {}, and {cell}", parts(plan)))
            .hint("set `output.parts` as it was, or write to another `output.root`"),
    ))
}

/// A table of two schemas is read wrongly, or not at all: an older one is written anew as a whole,
/// a newer one is left to the oddlot that wrote it.
fn refuse_other_schema(
    plan: &Plan,
    root: &OutputRoot,
    cell: &Cell,
    found: u32,
) -> Result<(), Error> {
    let (who, hint) = match found.cmp(&SCHEMA_VERSION) {
        Ordering::Equal => return Ok(()),
        Ordering::Less => (
            "an older",
            format!("write all of them once, without dates: `oddlot run {}`", plan.file),
        ),
        Ordering::Greater => {
            ("a newer", "run that oddlot, or write to another `output.root`".to_owned())
        }
    };
    Err(Error::config(
        Report::new(format!("the tables were written by {who} oddlot"))
            .at(format!("{}/{}", root.name(), cell.path()))
            .expected(format!("schema version {SCHEMA_VERSION} in every cell of a table"))
            .found(format!("schema version {found}"))
            .hint(hint),
    ))
}

/// Everything that a row's bits depend on besides the price rows.
fn context(plan: &Plan, models: &[&Model]) -> Result<String, Error> {
    let sql = sql_of(plan)?;
    let mut ids: Vec<&str> = models.iter().map(|model| model.model_id.as_str()).collect();
    ids.sort_unstable();
    let versions = format!("schema {SCHEMA_VERSION} scoring {SCORING_VERSION}");
    let parts =
        [&plan.config_hash(), &sql.features.text, &sql.windows.text, &ids.join(","), &versions];
    Ok(parts.map(|part| format!("{}:{part}", part.len())).join("\n"))
}

/// How far the results of a row reach back and ahead.
fn reach(prices: &Prices, models: &[&Model]) -> Result<Reach, Error> {
    let length = prices.layout.length;
    let mut reach = Reach { rows_before: 0, rows_after: 0 };
    for model in models {
        let detector = model.detector(Vec::new(), EventRule::default())?.detector;
        let rows_after = match detector.is_archive() {
            true => usize::MAX,
            false => length.saturating_sub(1) + detector.form.rows_after(),
        };
        reach.rows_before = reach.rows_before.max(detector.rows_before(length));
        reach.rows_after = reach.rows_after.max(rows_after);
    }
    reach.rows_before = reach.rows_before.saturating_add(prices.relation.features.lookback);
    Ok(reach)
}

/// The models that a pipeline uses now, in the order of its file.
///
/// # Errors
/// One is gone or damaged.
pub async fn stored_models(
    plan: &Plan,
    root: &OutputRoot,
    engine: Engine,
) -> Result<Vec<Model>, Error> {
    let mut models = Vec::new();
    for model in &plan.models {
        let pointer = Pointer::load(root, plan.pipeline.as_str(), model.name.as_str()).await?;
        if let Some(pointer) = pointer {
            models.push(Model::load(root, &pointer.model_id, engine).await?);
        }
    }
    Ok(models)
}

/// How many cells the input has within `range`.
pub fn count(plan: &Plan, digest: &InputDigest, range: Range) -> usize {
    let years = digest.years().into_iter().filter(|year| range.touches(*year)).count();
    years * Table::ALL.len() * plan.output.parts.max(1)
}

#[cfg(test)]
mod tests;
