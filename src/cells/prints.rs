//! Fingerprints of cells: what their rows are computed from.

use std::collections::{BTreeMap, BTreeSet};

use oddlot_engine::Error;
use oddlot_engine::fingerprint::{InputDigest, Reach};
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::tables::{Cell, SCHEMA_VERSION, SCORING_VERSION, Table};

use super::parts;
use crate::artifact::Model;
use crate::plan::Plan;
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
        let (span, rows) = match cell.table {
            Table::Reconstructions | Table::Errors => ((cell.year, cell.year), 0),
            Table::Anomalies | Table::Events => (span, self.event_rows),
        };
        let reach = Reach {
            rows_before: self.reach.rows_before.saturating_add(rows),
            rows_after: self.reach.rows_after.saturating_add(rows),
        };
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

    /// Whether the fingerprint `found` says that there is nothing to do about `cell`.
    pub(super) fn is_fresh(
        &self,
        digest: &InputDigest,
        cell: &Cell,
        span: (i32, i32),
        found: &str,
    ) -> bool {
        found == self.of(digest, cell, span) || found == self.of_all(digest, cell, span)
    }

    /// The parts that have a chosen ticker and are of this shard.
    pub fn parts(&self) -> impl Iterator<Item = u32> + Clone {
        self.selection.parts(self.parts).into_iter()
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
        let is_own = |ticker: &str| self.part_of(ticker) == part && self.selection.scores(ticker);
        let n_warm = self.reach.rows_before.saturating_add(self.event_rows);
        let n_before = n_warm.saturating_add(EVENT_ROWS);
        let first_day = digest.first_day_needed(first_year, n_before, is_own)?;
        let cut = digest.tickers_before(first_day, is_own);
        (!cut.is_empty()).then_some((first_day, Reading { first_year, cut, n_warm }))
    }
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
