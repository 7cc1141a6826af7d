//! What a path below the root stands for.

use crate::query::RUN_TABLES;
use crate::tables::{Cell, Table};

/// An object of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Cell(Cell),
    Run(RunObject),
}

/// An object of a run table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunObject {
    pub(super) table: &'static str,
    pub(super) pipeline: String,
    /// Of the run, or of the model.
    pub(super) id: String,
    pub(super) path: String,
}

impl Place {
    /// What lies at `path`, if it is ours: a path that is ours has one spelling.
    pub(super) fn of_object(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let ["tables", table, pipeline, year, file] = parts[..] else { return None };
        let pipeline = pipeline.strip_prefix("pipeline=")?;
        let year: i32 = year.strip_prefix("year=")?.parse().ok()?;
        if let Some(cell) = cell(table, pipeline, year, file, ".parquet") {
            return (cell.path() == path).then_some(Self::Cell(cell));
        }
        let table = RUN_TABLES.into_iter().find(|known| *known == table)?;
        let prefix = if table == "models" { "model-" } else { "run-" };
        let id = file.strip_prefix(prefix)?.strip_suffix(".parquet")?.to_owned();
        let (pipeline, path) = (pipeline.to_owned(), path.to_owned());
        Some(Self::Run(RunObject { table, pipeline, id, path }))
    }

    /// The cell whose ledger entry lies at `path`.
    pub(super) fn of_entry(path: &str) -> Option<Cell> {
        let parts: Vec<&str> = path.split('/').collect();
        let ["_state", "cells", table, pipeline, year, file] = parts[..] else { return None };
        let pipeline = pipeline.strip_prefix("pipeline=")?;
        let year: i32 = year.strip_prefix("year=")?.parse().ok()?;
        cell(table, pipeline, year, file, ".json").filter(|cell| cell.ledger_path() == path)
    }
}

fn cell(table: &str, pipeline: &str, year: i32, file: &str, ending: &str) -> Option<Cell> {
    let table = Table::ALL.into_iter().find(|known| known.name() == table)?;
    let part = file.strip_prefix("part-")?.strip_suffix(ending)?.parse().ok()?;
    Some(Cell { table, pipeline: pipeline.to_owned(), year, part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_ours_only_as_we_spell_it() {
        let cell = |part| Cell { table: Table::Errors, pipeline: "sp500".into(), year: 1950, part };
        let path = "tables/errors/pipeline=sp500/year=1950/part-00007.parquet";
        assert_eq!(Place::of_object(path), Some(Place::Cell(cell(7))));
        assert_eq!(Place::of_entry(&cell(3).ledger_path()), Some(cell(3)));
        for foreign in [
            "tables/errors/pipeline=sp500/year=1950/part-7.parquet",
            "tables/errors/pipeline=sp500/year=1950/_SUCCESS",
            "tables/errors/pipeline=sp500/part-00007.parquet",
            "tables/errors/pipeline=sp500/year=1950/run-1.parquet",
            "tables/notes/pipeline=sp500/year=1950/part-00007.parquet",
            "tables/runs/pipeline=sp500/year=1950/model-1.parquet",
        ] {
            assert_eq!(Place::of_object(foreign), None, "{foreign}");
        }
        let Some(Place::Run(run)) =
            Place::of_object("tables/runs/pipeline=a/year=2026/run-x.parquet")
        else {
            panic!("a run")
        };
        assert_eq!((run.table, run.id.as_str()), ("runs", "x"));
    }
}
