//! The ledger: which run wrote which cell, from what, with which bytes.
//!
//! One small object a cell under `_state/cells/`, so that two runs never contend for one file and
//! nothing has to be appended to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Cell, OutputRoot, StagedCell, Table};
use crate::failpoint::{self, Failpoint};
use crate::fingerprint::RowMarks;
use crate::{Error, Result};
use std::path::Path;

/// What is known of the committed object of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellEntry {
    /// The run that wrote it.
    pub run_id: String,
    /// Hash of everything its rows were computed from.
    pub fingerprint: String,
    /// First and last year into which the events of its rows reach; a table without events has its
    /// own year.
    pub span: (i32, i32),
    /// SHA-256 of the object.
    pub sha256: String,
    /// Size of the object.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Schema version of the table.
    pub schema_version: u32,
    /// Files that a year of the table was split into; older entries do not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// What its rows were computed from; `None` of an older oddlot, which did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<MadeOf>,
}

/// What the rows of a cell were computed from, as far as it takes to say why they are stale. Whether they are, the
/// fingerprint says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MadeOf {
    /// A short hash of each part of the settings and of the queries, by its name.
    pub settings: BTreeMap<String, String>,
    /// The models' identities, by their names.
    pub models: BTreeMap<String, String>,
    /// Version of the scoring code.
    pub scoring_version: u32,
    /// The price rows.
    pub rows: RowMarks,
}

/// Where the rows of a cell come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The run that wrote the object.
    pub run_id: &'a str,
    /// Hash of everything its rows were computed from.
    pub fingerprint: &'a str,
    /// First and last year into which its events reach.
    pub span: (i32, i32),
    /// Files that a year of the table is split into.
    pub parts: u32,
    /// What its rows were computed from.
    pub made_of: Option<&'a MadeOf>,
}

/// Reads and writes the entries of one output root.
#[derive(Clone, Debug)]
pub struct Ledger {
    root: OutputRoot,
}

impl Ledger {
    /// The ledger of `root`.
    pub fn new(root: OutputRoot) -> Self {
        Self { root }
    }

    /// The entry of `cell`; `None` where there is none, or where the object is gone or has another
    /// size: such a cell counts as never written.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn entry(&self, cell: &Cell) -> Result<Option<CellEntry>> {
        let Some(bytes) = self.root.get(&cell.ledger_path()).await? else { return Ok(None) };
        // An entry that does not parse was cut off or is of another version: the cell is rewritten.
        let Ok(entry) = serde_json::from_slice::<CellEntry>(&bytes) else { return Ok(None) };
        let size = self.root.size(&cell.path()).await?;
        Ok((size == Some(entry.bytes)).then_some(entry))
    }

    /// The cells of `pipeline` in `table` that have an entry, in order.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn cells(&self, table: Table, pipeline: &str) -> Result<Vec<Cell>> {
        let prefix = format!("_state/cells/{}/pipeline={pipeline}", table.name());
        let paths = self.root.list(&prefix).await?;
        let cell = |path: &String| {
            let (year, part) = (numbered(path, "year=")?, numbered(path, "part-")?);
            Some(Cell { table, pipeline: pipeline.to_owned(), year, part })
        };
        Ok(paths.iter().filter_map(cell).collect())
    }

    /// Moves a staged cell in and notes it. The old entry goes first and the new one comes last: an
    /// entry always speaks of the object that is there, and after a kill in between the cell counts
    /// as never written.
    ///
    /// # Errors
    /// [`crate::Kind::Output`].
    pub async fn commit(
        &self,
        staged: &StagedCell,
        origin: Origin<'_>,
        staging: &Path,
    ) -> Result<()> {
        self.root.delete(&staged.cell.ledger_path()).await?;
        failpoint::pass(Failpoint::EntryRemoved)?;
        self.root.commit(&staged.file, &staged.cell.path()).await?;
        failpoint::pass(Failpoint::CellMoved)?;
        self.note(staged, origin, staging).await
    }

    /// Notes that the object that is there already, of equal bytes, is what `staged` holds.
    ///
    /// # Errors
    /// [`crate::Kind::Output`].
    pub async fn note(
        &self,
        staged: &StagedCell,
        Origin { run_id, fingerprint, span, parts, made_of }: Origin<'_>,
        staging: &Path,
    ) -> Result<()> {
        let entry = CellEntry {
            run_id: run_id.to_owned(),
            fingerprint: fingerprint.to_owned(),
            span,
            sha256: staged.sha256.clone(),
            bytes: staged.bytes,
            rows: staged.rows,
            schema_version: super::SCHEMA_VERSION,
            parts: Some(parts),
            made_of: made_of.cloned(),
        };
        let json = serde_json::to_vec_pretty(&entry)
            .map_err(|error| Error::bug(format!("a ledger entry cannot be written: {error}")))?;
        self.root.put(staging, &staged.cell.ledger_path(), &json).await?;
        failpoint::pass(Failpoint::CellNoted)
    }
}

/// What has become of a cell that nothing is computed for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Its object and its entry are gone.
    Gone,
    /// The object is not the one that was written: it stays, and so does its entry.
    NotOurs,
}

impl Ledger {
    /// Removes `cell`, if its object is the one of its entry, byte for byte. The object goes first: after a kill in
    /// between the entry is still there, so that the next run comes back for it.
    ///
    /// # Errors
    /// [`crate::Kind::Store`], [`crate::Kind::Output`].
    pub async fn remove(&self, cell: &Cell) -> Result<Removed> {
        let (path, ledger_path) = (cell.path(), cell.ledger_path());
        if let Some(object) = self.root.get(&path).await? {
            let entry = self.root.get(&ledger_path).await?;
            let entry = entry.and_then(|json| serde_json::from_slice::<CellEntry>(&json).ok());
            let found = format!("{:x}", Sha256::digest(&object));
            if entry.is_none_or(|entry| entry.sha256 != found) {
                return Ok(Removed::NotOurs);
            }
            self.root.delete(&path).await?;
            failpoint::pass(Failpoint::OrphanRemoved)?;
        }
        self.root.delete(&ledger_path).await?;
        Ok(Removed::Gone)
    }
}

/// The number behind `prefix` in one of the names of a path.
fn numbered<T: std::str::FromStr>(path: &str, prefix: &str) -> Option<T> {
    let name = path.split('/').find_map(|name| name.strip_prefix(prefix))?;
    name.strip_suffix(".json").unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests;
