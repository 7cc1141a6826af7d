//! Which cells a run has to write, and why.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::{Cell, CellEntry, Ledger, OutputRoot, SCHEMA_VERSION, Table};
use oddlot_engine::{Error, Report};

use crate::artifact::Model;
use crate::plan::Plan;
use crate::prices::Prices;
use crate::result::PartCounts;
use crate::selection::Selection;

mod prints;

pub use prints::Prints;
use prints::is_of_chosen;

/// Entries of the ledger that are read at a time: of a bucket each is a trip to the server.
const CONCURRENT: usize = 16;

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
            Some(entry) if is_of_chosen(&entry.fingerprint) && !is_of_chosen(&self.fingerprint) => {
                "some tickers were chosen when it was written last"
            }
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
        // A run of chosen tickers counts nothing for later ones.
        let counts = self.prints.selection.is_whole();
        let is_uncounted = |chosen: &&Chosen| {
            let cell = &chosen.cell;
            counts
                && cell.table == Table::Errors
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

impl Range {
    /// The source has no row in the range, and should have.
    pub fn refusal(self, prices: &Prices) -> Error {
        let asked = match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => format!("--date {from}"),
            (Some(from), Some(to)) => format!("--from {from} --to {to}"),
            (Some(from), None) => format!("--from {from}"),
            (None, Some(to)) => format!("--to {to}"),
            (None, None) => "all dates".to_owned(),
        };
        Error::data(
            Report::new("the source has no row in the range")
                .at(prices.place.as_str())
                .expected("dates that the source has")
                .found(format!("{asked}; {}", prices.extent()))
                .hint("choose other dates, or add the missing rows to the source"),
        )
    }

    fn touches(self, year: i32) -> bool {
        use chrono::Datelike;
        self.from.is_none_or(|from| from.year() <= year)
            && self.to.is_none_or(|to| year <= to.year())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => write!(f, "{from}"),
            (Some(from), Some(to)) => write!(f, "{from} … {to}"),
            (Some(from), None) => write!(f, "{from} and later"),
            (None, Some(to)) => write!(f, "{to} and earlier"),
            (None, None) => f.write_str("all dates"),
        }
    }
}

/// Which cells a command is about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Of which days.
    pub range: Range,
    /// Of which tickers.
    pub selection: &'a Selection,
    /// Whether those that are up to date are made anew too.
    pub full_refresh: bool,
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
    Asked { range, selection, full_refresh }: Asked<'_>,
) -> Result<Cells, Error> {
    let ledger = Ledger::new(root.clone());
    let prints = Prints::new(plan, prices, models, selection)?;
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
        prints.parts().flat_map(move |part| {
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
        let is_fresh = entry
            .as_ref()
            .is_some_and(|entry| prints.is_fresh(digest, &cell, span, &entry.fingerprint));
        let chosen = Chosen { cell, fingerprint, entry };
        if !is_fresh || full_refresh {
            stale.push(chosen.clone());
        }
        all.push(chosen);
    }
    Ok(Cells { all, stale, prints })
}

/// Files that a table's year is split into.
pub fn parts(plan: &Plan) -> u32 {
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

/// How many cells the input has within the range and the parts of chosen tickers.
pub fn count(plan: &Plan, digest: &InputDigest, asked: Asked<'_>) -> usize {
    let years = digest.years().into_iter().filter(|year| asked.range.touches(*year)).count();
    years * Table::ALL.len() * asked.selection.parts(parts(plan)).len()
}

#[cfg(test)]
mod tests;
