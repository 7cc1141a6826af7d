//! Fingerprints of cells: what their rows are computed from.

use std::collections::{BTreeMap, BTreeSet};

use oddlot_engine::Error;
use oddlot_engine::fingerprint::{InputDigest, Reach};
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::tables::{Cell, CellEntry, MadeOf, SCHEMA_VERSION, SCORING_VERSION, Table};
use sha2::{Digest, Sha256};

use super::{Cells, Chosen, parts};
use crate::artifact::Model;
use crate::plan::{Plan, hex};
use crate::prices::{Prices, is_own, sql_of};
use crate::result::Reading;
use crate::selection::Selection;

/// Rows of the year before that are judged along with the first year to be scored, so that an event which
/// goes on over the turn of the year is seen to begin. One that is longer costs a second reading.
const EVENT_ROWS: usize = 64;

/// What fingerprints are taken of besides the price rows.
#[derive(Clone, Debug)]
pub struct Prints {
    pub(super) context: String,
    /// The same of the parts whose tickers have models of their own.
    pub(super) of_parts: BTreeMap<u32, String>,
    /// Short hashes of the parts of settings and queries, by name.
    pub(super) settings: BTreeMap<String, String>,
    /// The models' names and identities, and the part whose tickers they judge; `None` is all.
    pub(super) models: Vec<(String, String, Option<u32>)>,
    /// Files that a table's year is split into.
    pub parts: u32,
    /// How far scores and flags reach.
    pub(super) reach: Reach,
    /// So many rows further a flag may change where an event begins and ends.
    pub(super) event_rows: usize,
    /// Whether a feature may look at other tickers.
    pub is_across: bool,
    /// Whose rows a run writes.
    pub(super) selection: Selection,
}

/// What a cell's fingerprint begins with in the ledger after a run of chosen tickers: it is never that of a run
/// of all, which therefore makes the cell anew.
const OF_CHOSEN: &str = "chosen:";

pub(super) fn is_of_chosen(fingerprint: &str) -> bool {
    fingerprint.starts_with(OF_CHOSEN)
}

impl Cells {
    /// The fingerprint of the rows of `errors` in `year` and `part`.
    pub fn errors_print(
        &self,
        digest: &InputDigest,
        pipeline: &str,
        year: i32,
        part: u32,
    ) -> String {
        let cell = Cell { table: Table::Errors, pipeline: pipeline.to_owned(), year, part };
        match self.all.iter().find(|chosen| chosen.cell == cell) {
            Some(chosen) => chosen.fingerprint.clone(),
            None => self.prints.of(digest, &cell, (year, year)),
        }
    }
}

impl Prints {
    pub(super) fn new(
        plan: &Plan,
        prices: &Prices,
        models: &[&Model],
        selection: &Selection,
    ) -> Result<Self, Error> {
        Ok(Self {
            context: context(plan, models, None)?,
            of_parts: models
                .iter()
                .filter_map(|model| model.part())
                .collect::<BTreeSet<u32>>()
                .into_iter()
                .map(|part| Ok((part, context(plan, models, Some(part))?)))
                .collect::<Result<_, Error>>()?,
            settings: settings(plan)?,
            models: models
                .iter()
                .map(|model| (model.artifact.name.clone(), model.model_id.clone(), model.part()))
                .collect(),
            parts: parts(plan),
            reach: reach(prices, models)?,
            event_rows: plan.events.max_gap_rows.get() + 1,
            // The embedded queries do not; of a user's own nothing is known.
            is_across: is_own(&plan.features) || is_own(&plan.windows.sql),
            selection: selection.clone(),
        })
    }

    /// The fingerprint of `cell` as this run leaves it; its events reach from the first year of `span` to the
    /// last. What a run of chosen tickers carries over, it does not speak of.
    pub fn of(&self, digest: &InputDigest, cell: &Cell, span: (i32, i32)) -> String {
        if self.selection.is_whole() {
            return self.of_all(digest, cell, span);
        }
        let names = self.selection.chosen_in_words(|name| self.part_of(name) == cell.part);
        let context = format!("{}\nchosen {names}", self.context_of(cell.part));
        let print = self.print(digest, cell, span, &context, |name| self.selection.scores(name));
        format!("{OF_CHOSEN}{print}")
    }

    /// The fingerprint of `cell` as a run of all tickers leaves it.
    fn of_all(&self, digest: &InputDigest, cell: &Cell, span: (i32, i32)) -> String {
        let is_scored = |name: &str| !self.selection.is_unscored(name);
        self.print(digest, cell, span, self.context_of(cell.part), is_scored)
    }

    fn context_of(&self, part: u32) -> &str {
        self.of_parts.get(&part).unwrap_or(&self.context)
    }

    fn print(
        &self,
        digest: &InputDigest,
        cell: &Cell,
        span: (i32, i32),
        context: &str,
        is_scored: impl Fn(&str) -> bool,
    ) -> String {
        let (span, reach) = self.span_and_reach(cell, span);
        match self.is_across {
            true => match self.selection.unscored_in_words() {
                names if names.is_empty() => digest.of_span_across(span, reach, context),
                names => {
                    digest.of_span_across(span, reach, &format!("{context}\nunscored {names}"))
                }
            },
            false => digest.of_span(span, reach, context, |ticker| {
                part_of(ticker, self.parts) == cell.part && is_scored(ticker)
            }),
        }
    }

    /// Years and months around them whose rows decide those of `cell`.
    fn span_and_reach(&self, cell: &Cell, span: (i32, i32)) -> ((i32, i32), Reach) {
        let (span, rows) = match cell.table {
            Table::Reconstructions | Table::Errors => ((cell.year, cell.year), 0),
            Table::Anomalies | Table::Events => (span, self.event_rows),
        };
        let reach = Reach {
            rows_before: self.reach.rows_before.saturating_add(rows),
            rows_after: self.reach.rows_after.saturating_add(rows),
        };
        (span, reach)
    }

    /// What `cell` is made of by a run of all tickers, part by part: the fingerprint says whether anything of it has
    /// changed, this says what.
    pub fn made_of(&self, digest: &InputDigest, cell: &Cell, span: (i32, i32)) -> MadeOf {
        let (span, reach) = self.span_and_reach(cell, span);
        let is_own = |ticker: &str| self.is_in(ticker, cell.part);
        let mut settings = self.settings.clone();
        if self.is_across {
            let unscored = self.selection.unscored_in_words();
            settings.insert("universe: who is scored".to_owned(), short(&unscored));
        }
        MadeOf {
            settings,
            models: self.models_of(cell.part),
            scoring_version: SCORING_VERSION,
            rows: match self.is_across {
                true => digest.marks_across(span, reach, is_own),
                false => digest.marks(span, reach, is_own),
            },
        }
    }

    /// Identities of the models that judge the tickers of `part`, by name.
    fn models_of(&self, part: u32) -> BTreeMap<String, String> {
        let own = self.models.iter().filter(|(_, _, of)| of.is_none_or(|of| of == part));
        own.map(|(name, id, _)| (name.clone(), id.clone())).collect()
    }

    /// Whether a run of all tickers writes rows of `ticker` into cells of `part`.
    fn is_in(&self, ticker: &str, part: u32) -> bool {
        self.part_of(ticker) == part && !self.selection.is_unscored(ticker)
    }

    /// Each year and part for which a run of all tickers has a row.
    pub(super) fn places(&self, digest: &InputDigest) -> BTreeSet<(i32, u32)> {
        let part =
            |ticker: &str| (!self.selection.is_unscored(ticker)).then(|| self.part_of(ticker));
        digest.places(part)
    }

    /// Whether cells are those of a run of all tickers.
    pub fn is_whole(&self) -> bool {
        self.selection.is_whole()
    }

    /// Tickers and rows that are read to score those of `first_year` and later in `part`.
    pub fn count_read(&self, digest: &InputDigest, first_year: i32, part: u32) -> (usize, usize) {
        let first_day = self.reading(digest, first_year, part).map(|(first_day, _)| first_day);
        self.count_from(digest, first_day, part)
    }

    /// Tickers and rows that this run scores in `part`, from the day on; `None` is all.
    pub fn count_from(
        &self,
        digest: &InputDigest,
        first_day: Option<i32>,
        part: u32,
    ) -> (usize, usize) {
        digest.count_from(first_day, |name| self.scores_in(name, part))
    }

    /// Whether this run scores `ticker`, and its part is `part`.
    fn scores_in(&self, ticker: &str, part: u32) -> bool {
        self.part_of(ticker) == part && self.selection.scores(ticker)
    }

    /// Whether the fingerprint `found` is that of a run of all tickers, and this is one of chosen tickers.
    pub(super) fn is_of_whole(
        &self,
        digest: &InputDigest,
        cell: &Cell,
        span: (i32, i32),
        found: &str,
    ) -> bool {
        !self.is_whole() && found == self.of_all(digest, cell, span)
    }

    /// The parts that have a chosen ticker and are of this shard.
    pub fn parts(&self) -> impl Iterator<Item = u32> + Clone {
        self.selection.parts(self.parts).into_iter()
    }

    /// [`Self::of`] of a chosen cell: the one it was chosen by, where it is taken of the same months.
    pub fn of_chosen(&self, digest: &InputDigest, chosen: &Chosen, span: (i32, i32)) -> String {
        let Chosen { cell, fingerprint, entry, .. } = chosen;
        let months = |span| self.span_and_reach(cell, span).0;
        match months(span) == months(span_of(cell, entry.as_ref())) {
            true => fingerprint.clone(),
            false => self.of(digest, cell, span),
        }
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
        let is_own = |ticker: &str| self.scores_in(ticker, part);
        let n_warm = self.reach.rows_before.saturating_add(self.event_rows);
        let n_before = n_warm.saturating_add(EVENT_ROWS);
        let first_day = digest.first_day_needed(first_year, n_before, is_own)?;
        let cut = digest.tickers_before(first_day, is_own);
        (!cut.is_empty()).then_some((first_day, Reading { first_year, cut, n_warm }))
    }
}

/// Years into which the events of `cell` are known to reach; it is chosen by the fingerprint of these.
pub(super) fn span_of(cell: &Cell, entry: Option<&CellEntry>) -> (i32, i32) {
    entry.map_or((cell.year, cell.year), |entry| entry.span)
}

/// What of settings and queries the rows depend on.
fn settings(plan: &Plan) -> Result<BTreeMap<String, String>, Error> {
    let sql = sql_of(plan)?;
    let mut settings = plan.marks();
    settings.insert("the text of features.sql".to_owned(), short(&sql.features.text));
    settings.insert("the text of windows.sql".to_owned(), short(&sql.windows.text));
    Ok(settings)
}

fn short(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))[..16].to_owned()
}

/// Everything that the bits of the rows of `part` depend on besides the price rows.
fn context(plan: &Plan, models: &[&Model], part: Option<u32>) -> Result<String, Error> {
    let sql = sql_of(plan)?;
    let used = models.iter().filter(|model| model.part().is_none_or(|own| Some(own) == part));
    let mut ids: Vec<&str> = used.map(|model| model.model_id.as_str()).collect();
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
        let (rows_before, rows_after) = model.reach(length)?;
        reach.rows_before = reach.rows_before.max(rows_before);
        reach.rows_after = reach.rows_after.max(rows_after);
    }
    reach.rows_before = reach.rows_before.saturating_add(prices.relation.features.lookback);
    Ok(reach)
}
