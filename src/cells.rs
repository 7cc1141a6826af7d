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
mod why;

pub use prints::Prints;
use prints::is_of_chosen;
pub use why::Cause;
use why::causes;

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
    /// What the ledger knows of the object that is there; what that was made of, `why` has said.
    pub entry: Option<CellEntry>,
    /// Why it has to be written; nothing where it has not.
    pub why: Vec<Cause>,
}

/// What a run finds of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is up to date.
    Clean,
    /// The ledger has none.
    New,
    /// It would be made of something else.
    Stale,
}

impl State {
    /// As programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::New => "new",
            Self::Stale => "stale",
        }
    }
}

impl Chosen {
    /// Whether it has to be written, and whether in place of another.
    pub fn state(&self) -> State {
        match (self.why.is_empty(), &self.entry) {
            (true, _) => State::Clean,
            (false, None) => State::New,
            (false, Some(_)) => State::Stale,
        }
    }
}

/// A cell for which there is nothing to compute any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Which.
    pub cell: Cell,
    /// Why there is nothing.
    pub why: &'static str,
}

/// The cells of a run.
#[derive(Clone, Debug)]
pub struct Cells {
    /// All within the range.
    pub all: Vec<Chosen>,
    /// Those that have to be written.
    pub stale: Vec<Chosen>,
    /// Those that are there and belong to nothing any more; a run of chosen tickers leaves them alone.
    pub orphans: Vec<Orphan>,
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

    /// Years of `part` whose rows have gone.
    pub fn orphaned_years(&self, part: u32) -> impl Iterator<Item = i32> {
        let own = self.orphans.iter().map(|orphan| &orphan.cell);
        own.filter(move |cell| cell.part == part).map(|cell| cell.year)
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
    /// Models that would be made first: no cell that they judge can be up to date.
    pub to_train: &'a [ToTrain],
}

/// A model that would be made first.
#[derive(Clone, Debug)]
pub struct ToTrain {
    /// Its name.
    pub model: String,
    /// The parts whose tickers' own are made or packed anew; `None` is all.
    pub parts: Option<BTreeSet<u32>>,
}

impl ToTrain {
    /// Its name, if it judges the rows of `cell`.
    fn of(&self, cell: &Cell) -> Option<String> {
        let is_own = self.parts.as_ref().is_none_or(|parts| parts.contains(&cell.part));
        is_own.then(|| self.model.clone())
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
    root: Option<&OutputRoot>,
    Asked { range, selection, full_refresh, to_train }: Asked<'_>,
) -> Result<Cells, Error> {
    let ledger = root.cloned().map(Ledger::new);
    let prints = Prints::new(plan, prices, models, selection)?;
    let pipeline = plan.pipeline.as_str();
    let places = prints.places(digest);
    let mut left_alone = Vec::new();
    let mut orphans = Vec::new();
    for table in Table::ALL {
        let Some(ledger) = &ledger else { continue };
        for cell in ledger.cells(table, pipeline).await? {
            let is_in_range = range.touches(cell.year);
            if cell.part >= prints.parts {
                refuse_some_of_fewer_parts(plan, &cell, range, selection)?;
                orphans.push(Orphan { cell, why: "`output.parts` is lower than it was" });
            } else if !is_in_range {
                left_alone.push(cell);
            } else if !places.contains(&(cell.year, cell.part)) {
                orphans.push(Orphan {
                    cell,
                    why: "no ticker of theirs has a row in that year any more",
                });
            }
        }
    }
    // Cells are written year by year, so that of those of one schema none lies between others.
    for cell in left_alone.first().into_iter().chain(left_alone.last()) {
        if let Some((ledger, root)) = ledger.as_ref().zip(root)
            && let Some(entry) = ledger.entry(cell).await?
        {
            refuse_other_schema(plan, root, cell, entry.schema_version)?;
        }
    }
    if !selection.is_whole() {
        orphans.clear();
    }
    // Those of other shards are theirs; parts that there are no more are nobody's.
    let own: BTreeSet<u32> = prints.parts().collect();
    orphans.retain(|orphan| orphan.cell.part >= prints.parts || own.contains(&orphan.cell.part));
    let entries = stream::iter(needed(pipeline, &places, &own, range)).map(async |cell| {
        let entry = match &ledger {
            Some(ledger) => ledger.entry(&cell).await?,
            None => None,
        };
        Ok::<_, Error>((cell, entry))
    });
    let mut entries = entries.buffered(CONCURRENT);
    let (mut all, mut stale) = (Vec::new(), Vec::new());
    while let Some((cell, entry)) = entries.try_next().await? {
        if let Some((entry, root)) = entry.as_ref().zip(root)
            && entry.schema_version > SCHEMA_VERSION
        {
            refuse_other_schema(plan, root, &cell, entry.schema_version)?;
        }
        let chosen = prints.look_at(digest, cell, entry, to_train, full_refresh);
        if !chosen.why.is_empty() {
            stale.push(chosen.clone());
        }
        all.push(chosen);
    }
    Ok(Cells { all, stale, orphans, prints })
}

/// The cells of the range and of `parts` that have a row, year by year.
fn needed(
    pipeline: &str,
    places: &BTreeSet<(i32, u32)>,
    parts: &BTreeSet<u32>,
    range: Range,
) -> Vec<Cell> {
    let own = places.iter().filter(|(year, part)| range.touches(*year) && parts.contains(part));
    let cells = own.flat_map(|&(year, part)| {
        Table::ALL.map(|table| Cell { table, pipeline: pipeline.to_owned(), year, part })
    });
    cells.collect()
}

impl Prints {
    /// Holds a cell against what it would be made of.
    fn look_at(
        &self,
        digest: &InputDigest,
        cell: Cell,
        entry: Option<CellEntry>,
        to_train: &[ToTrain],
        full_refresh: bool,
    ) -> Chosen {
        let span = prints::span_of(&cell, entry.as_ref());
        let fingerprint = self.of(digest, &cell, span);
        let found = entry.as_ref().map(|entry| entry.fingerprint.as_str());
        let is_fresh = found.is_some_and(|found| {
            found == fingerprint || self.is_of_whole(digest, &cell, span, found)
        });
        let mut why = Vec::new();
        if !is_fresh {
            let is_of_chosen = found.is_some_and(is_of_chosen) && self.selection.is_whole();
            why = causes(entry.as_ref(), || self.made_of(digest, &cell, span), is_of_chosen);
        } else if full_refresh {
            why.push(Cause::Refresh);
        }
        let to_train: Vec<String> = to_train.iter().filter_map(|model| model.of(&cell)).collect();
        if !to_train.is_empty() && !why.contains(&Cause::Missing) {
            // Who is to be trained has no identity yet.
            why.retain(|cause| !matches!(cause, Cause::Models(_) | Cause::Untold));
            why.push(Cause::ToTrain(to_train));
        }
        let entry = entry.map(|entry| CellEntry { made_of: None, ..entry });
        Chosen { cell, fingerprint, entry, why }
    }
}

/// Files that a table's year is split into.
pub fn parts(plan: &Plan) -> u32 {
    u32::try_from(plan.output.parts).unwrap_or(1).max(1)
}

/// With other parts every ticker is elsewhere: where only some years or tickers were written, the others would be
/// told twice.
fn refuse_some_of_fewer_parts(
    plan: &Plan,
    cell: &Cell,
    range: Range,
    selection: &Selection,
) -> Result<(), Error> {
    if range == Range::default() && selection.is_whole() {
        return Ok(());
    }
    Err(Error::config(
        Report::new("the tables have more parts than `output.parts`")
            .at(plan.file.as_str())
            .expected(format!("output.parts > {}", cell.part))
            .found(format!("output.parts = {}, and {cell}", parts(plan)))
            .hint(format!(
                "write all of them once, without dates and tickers: `oddlot run {}`",
                plan.file
            )),
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

#[cfg(test)]
mod tests;
