//! Holds an output root against its ledger: every object read, decoded and counted.
//!
//! A cell is whole if its bytes have the checksum that the ledger noted, its rows are as many as it
//! noted, rise strictly by the table's key (so that none comes twice) and belong to its year and
//! part. Nothing is changed, and nothing is locked: a cell that a run replaces meanwhile is looked
//! at again.

mod cell;
mod place;
mod rows;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};

use crate::tables::{Cell, OutputRoot};
use crate::{Report, Result};
use place::Place;

/// Objects that are read at a time.
const ABREAST: usize = 4;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// What a run that was stopped has left: readers are not misled, and the next run mends it.
    Leftover,
    /// What readers may be misled by.
    Damage,
}

/// What is wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub gravity: Gravity,
    /// One word for programs: `missing`, `damaged`, `foreign`, `unlisted`, `stale` …
    pub problem: &'static str,
    /// The object below the root.
    pub object: String,
    /// What was expected and found, and the mend; its place is the object.
    pub report: Report,
}

/// What was looked at in one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Objects.
    pub objects: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// By table.
    pub tables: BTreeMap<String, Count>,
    /// In the order of the objects.
    pub findings: Vec<Finding>,
    /// Models that rows of tables name, with one object that does.
    pub model_ids: BTreeMap<String, String>,
}

/// How to mend things in words: what a user types.
#[derive(Clone, Debug)]
pub struct Mends {
    /// Where the objects are, as the user wrote it.
    pub root: String,
    /// The pipeline file and its slug, where the user named one.
    pub pipeline: Option<(String, String)>,
}

impl Mends {
    /// The command that writes the cells of `pipeline` again.
    pub fn run(&self, pipeline: &str) -> String {
        match &self.pipeline {
            Some((file, slug)) if slug == pipeline => format!("`oddlot run {file}`"),
            _ => format!("`oddlot run` with the pipeline file of `{pipeline}`"),
        }
    }

    /// An object as a path or URL.
    pub fn object(&self, path: &str) -> String {
        format!("{}/{path}", self.root.trim_end_matches('/'))
    }
}

impl Finding {
    fn new(gravity: Gravity, problem: &'static str, object: &str, report: Report) -> Self {
        Self { gravity, problem, object: object.to_owned(), report: report.at(object) }
    }

    /// A finding that misleads readers.
    pub fn damage(problem: &'static str, object: &str, report: Report) -> Self {
        Self::new(Gravity::Damage, problem, object, report)
    }

    /// A finding that misleads nobody.
    pub fn leftover(problem: &'static str, object: &str, report: Report) -> Self {
        Self::new(Gravity::Leftover, problem, object, report)
    }

    /// An object that is not ours, among what is `whose`.
    pub fn foreign(object: &str, whose: &str, expected: &str, mends: &Mends) -> Self {
        let report =
            Report::new(format!("an object that oddlot has not written lies among {whose}"))
                .expected(expected)
                .found(object)
                .hint(format!("move {} elsewhere, or delete it", mends.object(object)));
        Self::damage("foreign", object, report)
    }
}

impl Survey {
    fn add(&mut self, table: &str, part: Count) {
        let count = self.tables.entry(table.to_owned()).or_default();
        count.objects += part.objects;
        count.rows += part.rows;
        count.bytes += part.bytes;
    }
}

/// Looks at everything under `tables/` and `_state/cells/` of `root`.
///
/// # Errors
/// [`crate::Kind::Store`]: the root cannot be listed, or an object that is there cannot be read.
pub async fn tables(root: &OutputRoot, mends: &Mends) -> Result<Survey> {
    let mut survey = Survey::default();
    let mut cells: BTreeSet<Cell> = BTreeSet::new();
    let mut run_objects = Vec::new();
    for path in root.list("tables").await? {
        match Place::of_object(&path) {
            Some(Place::Cell(cell)) => drop(cells.insert(cell)),
            Some(Place::Run(object)) => run_objects.push(object),
            None => survey.findings.push(foreign(&path, mends)),
        }
    }
    for path in root.list("_state/cells").await? {
        match Place::of_entry(&path) {
            Some(cell) => drop(cells.insert(cell)),
            None => survey.findings.push(foreign(&path, mends)),
        }
    }
    let parts = parts(&cells);
    let looks = cells.iter().map(|cell| {
        let parts = parts.get(&cell.pipeline).copied().unwrap_or(1);
        cell::look(root, cell, parts, mends)
    });
    let looks: Vec<cell::Looked> = stream::iter(looks).buffered(ABREAST).try_collect().await?;
    let runs = runs::look(root, &run_objects, mends, &mut survey).await?;
    for (cell, looked) in cells.iter().zip(&looks) {
        survey.add(cell.table.name(), looked.count);
        survey.findings.extend(looked.findings.iter().cloned());
        for model_id in &looked.model_ids {
            survey.model_ids.entry(model_id.clone()).or_insert_with(|| cell.path());
        }
    }
    let seen = cells.iter().zip(looks.iter().map(|looked| &looked.model_ids));
    survey.findings.extend(runs.stale_cells(seen, mends));
    survey.findings.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(survey)
}

/// Files of a year of each pipeline, as far as it is written: of entries that do not tell.
fn parts(cells: &BTreeSet<Cell>) -> BTreeMap<String, u32> {
    let mut parts = BTreeMap::new();
    for cell in cells {
        let known = parts.entry(cell.pipeline.clone()).or_insert(0);
        *known = (cell.part + 1).max(*known);
    }
    parts
}

fn foreign(path: &str, mends: &Mends) -> Finding {
    Finding::foreign(path, "its own", "nothing but cells and the rows of runs and models", mends)
}

#[cfg(test)]
mod tests;
