//! A plan as a person reads it, summed up so that thousands of cells stay readable, and as a program does.

use std::collections::{BTreeMap, BTreeSet};

use oddlot_engine::tables::{Cell, Table};
use serde_json::{Value, json};

use crate::cells::{Cause, Cells, State};
use crate::cli::PlanFormat;
use crate::rates::Work;
use crate::say;

/// So many groups of cells are told.
const GROUPS_MOST: usize = 20;

/// Tells it.
pub(super) struct Told {
    pub(super) format: PlanFormat,
}

/// Cells that are stale for the same reasons.
#[derive(Default)]
pub(super) struct Group {
    causes: Vec<Cause>,
    cells: Vec<Cell>,
}

/// How many cells of a table are what.
#[derive(Clone, Copy, Default)]
struct Counted {
    new: usize,
    stale: usize,
    clean: usize,
    orphaned: usize,
}

impl Told {
    /// A line for a person.
    pub(super) fn line(&self, text: &str) {
        if self.format == PlanFormat::Text {
            say(&format!("{text}\n"));
        }
    }

    /// What becomes of the cells, whose stale ones are `groups`.
    pub(super) fn cells(&self, cells: &Cells, groups: &[Group]) {
        match self.format {
            PlanFormat::Text => self.sum_up(cells, groups),
            PlanFormat::Json => list(cells),
        }
    }

    fn sum_up(&self, cells: &Cells, groups: &[Group]) {
        if cells.stale.is_empty() && cells.orphans.is_empty() {
            self.line(&format!("nothing to do: all {} cells are up to date", cells.all.len()));
            return;
        }
        self.line(&format!(
            "\n{:<16} {:>8} {:>8} {:>8} {:>8}",
            "cells", "new", "stale", "clean", "orphaned"
        ));
        for (table, counted) in count(cells) {
            let Counted { new, stale, clean, orphaned } = counted;
            self.line(&format!(
                "{:<16} {new:>8} {stale:>8} {clean:>8} {orphaned:>8}",
                table.name()
            ));
        }
        self.line("");
        for Group { causes, cells: own } in groups.iter().take(GROUPS_MOST) {
            let why: Vec<String> = causes.iter().map(Cause::to_string).collect();
            self.line(&format!("write {}: {}", place(own, cells.prints.parts), why.join("; ")));
        }
        if let Some(more) = groups.len().checked_sub(GROUPS_MOST + 1) {
            let rest = more + 1;
            self.line(&format!("… and for {rest} other reasons: `--format json` tells every cell"));
        }
        for (why, own) in orphans(cells) {
            self.line(&format!("remove {}: {why}", place(&own, cells.prints.parts)));
        }
    }

    /// What a run has to do, and how long that may take; for programs.
    pub(super) fn work(&self, work: &Work, estimate: Option<(f64, usize)>, n_bytes: u64) -> Value {
        let Work { n_rows, to_train, n_scored } = work;
        let n_learnt = to_train.values().copied().max().unwrap_or_default();
        let share = *n_scored as f64 / (*n_rows).max(1) as f64;
        let n_to_read = (n_bytes as f64 * share).round() as u64;
        let learns = match to_train.len() {
            0 => String::new(),
            1 => format!("{n_learnt} rows to learn from by one model, "),
            n => format!("{n_learnt} rows to learn from by {n} models, "),
        };
        let time = match estimate {
            Some((seconds, 1)) => format!("about {} by the last run", duration(seconds)),
            Some((seconds, n)) => format!("about {} by the last {n} runs", duration(seconds)),
            None => "no estimate yet".to_owned(),
        };
        let (read, all) = (size(n_to_read), size(n_bytes));
        self.line(&format!(
            "work       {learns}{n_scored} rows to score, about {read} of {all} to read for them; {time}"
        ));
        json!({
            "rows": n_rows,
            "rows_to_learn": n_learnt,
            "rows_to_score": n_scored,
            "bytes": n_bytes,
            "bytes_to_read": n_to_read,
            "estimate_seconds": estimate.map(|(seconds, _)| seconds),
        })
    }

    /// Adds how many cells are what to the line for programs.
    pub(super) fn counts(&self, cells: &Cells, groups: &[Group], summary: &mut Value) {
        let n_new = cells.stale.iter().filter(|chosen| chosen.state() == State::New).count();
        summary["cells"] = cells.all.len().into();
        summary["cells_stale"] = cells.stale.len().into();
        summary["cells_new"] = n_new.into();
        summary["cells_orphaned"] = cells.orphans.len().into();
        let group = |Group { causes, cells }: &Group| {
            let of = |one: &dyn Fn(&Cell) -> Value| -> Vec<Value> {
                let mut all: Vec<Value> = Vec::new();
                for value in cells.iter().map(one).filter(|value| !value.is_null()) {
                    if !all.contains(&value) {
                        all.push(value);
                    }
                }
                all
            };
            json!({
                "cells": cells.len(),
                "tables": of(&|cell| cell.table.name().into()),
                "years": of(&|cell| cell.year.into()),
                "parts": of(&|cell| cell.part.into()),
                "causes": causes.iter().map(Cause::json).collect::<Vec<_>>(),
            })
        };
        summary["why"] = groups.iter().take(GROUPS_MOST).map(group).collect();
    }
}

/// A line a cell.
fn list(cells: &Cells) {
    let place =
        |cell: &Cell| json!({ "table": cell.table.name(), "year": cell.year, "part": cell.part });
    for chosen in &cells.all {
        let mut line = place(&chosen.cell);
        line["state"] = chosen.state().name().into();
        if !chosen.why.is_empty() {
            line["why"] = chosen.why.iter().map(Cause::json).collect();
        }
        say(&format!("{line}\n"));
    }
    for orphan in &cells.orphans {
        let mut line = place(&orphan.cell);
        line["state"] = "orphaned".into();
        line["why"] = json!([{ "cause": "orphaned", "what": orphan.why }]);
        say(&format!("{line}\n"));
    }
}

fn count(cells: &Cells) -> BTreeMap<Table, Counted> {
    let mut counted: BTreeMap<Table, Counted> = BTreeMap::new();
    for chosen in &cells.all {
        let of = counted.entry(chosen.cell.table).or_default();
        *match chosen.state() {
            State::Clean => &mut of.clean,
            State::New => &mut of.new,
            State::Stale => &mut of.stale,
        } += 1;
    }
    for orphan in &cells.orphans {
        counted.entry(orphan.cell.table).or_default().orphaned += 1;
    }
    counted
}

/// Stale cells by what they have in common; the largest groups first.
pub(super) fn groups(cells: &Cells) -> Vec<Group> {
    let mut groups: BTreeMap<Vec<Cause>, Group> = BTreeMap::new();
    for chosen in &cells.stale {
        let shared: Vec<Cause> = chosen.why.iter().map(Cause::shared).collect();
        let group = groups.entry(shared.clone()).or_default();
        if group.causes.is_empty() {
            group.causes = shared;
        }
        for (own, other) in group.causes.iter_mut().zip(&chosen.why) {
            own.add_tickers(other);
        }
        group.cells.push(chosen.cell.clone());
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.cells.len()));
    groups
}

fn orphans(cells: &Cells) -> BTreeMap<&'static str, Vec<Cell>> {
    let mut orphans: BTreeMap<&'static str, Vec<Cell>> = BTreeMap::new();
    for orphan in &cells.orphans {
        orphans.entry(orphan.why).or_default().push(orphan.cell.clone());
    }
    orphans
}

/// `8 cells of errors, events, year=2015 … 2016, part 3 of 4`
fn place(cells: &[Cell], parts: u32) -> String {
    let tables: BTreeSet<Table> = cells.iter().map(|cell| cell.table).collect();
    let years: BTreeSet<i32> = cells.iter().map(|cell| cell.year).collect();
    let own: BTreeSet<u32> = cells.iter().map(|cell| cell.part).collect();
    let tables = match tables.len() == Table::ALL.len() {
        true => "all tables".to_owned(),
        false => tables.iter().map(|table| table.name()).collect::<Vec<_>>().join(", "),
    };
    let years = match (years.first(), years.last()) {
        (Some(first), Some(last)) if first == last => format!("year={first}"),
        (Some(first), Some(last)) => format!("year={first} … {last}"),
        _ => String::new(),
    };
    let is_all = own.len() as u64 == u64::from(parts);
    let own = match own.iter().map(u32::to_string).collect::<Vec<_>>() {
        _ if is_all => String::new(),
        one if one.len() == 1 => format!(", part {}", one.join("")),
        few if few.len() <= 8 => format!(", parts {}", few.join(", ")),
        many => format!(", {} parts", many.len()),
    };
    let cells = match cells.len() {
        1 => "1 cell".to_owned(),
        n => format!("{n} cells"),
    };
    format!("{cells} of {tables}, {years}{own}")
}

/// `1.4 MB`
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..120.0 => format!("{seconds:.0} s"),
        ..7_200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}
