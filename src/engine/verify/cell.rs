//! One cell: its object and its ledger entry.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::rows::{self, Flaw, Rows};
use super::{Count, Finding, Mends};
use crate::tables::{Cell, CellEntry, OutputRoot, SCHEMA_VERSION};
use crate::{Report, Result, off_tokio};

/// What a look at a cell tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) count: Count,
    pub(super) findings: Vec<Finding>,
    pub(super) model_ids: BTreeSet<String>,
}

/// Looks at a cell, and once more where something is wrong: a run may just have replaced it.
pub(super) async fn look(
    root: &OutputRoot,
    cell: &Cell,
    parts: u32,
    mends: &Mends,
) -> Result<Looked> {
    let first = look_once(root, cell, parts, mends).await?;
    match first.findings.is_empty() {
        true => Ok(first),
        false => look_once(root, cell, parts, mends).await,
    }
}

async fn look_once(root: &OutputRoot, cell: &Cell, parts: u32, mends: &Mends) -> Result<Looked> {
    let object = cell.path();
    let entry = root.get(&cell.ledger_path()).await?;
    let bytes = root.get(&object).await?;
    let again = mends.run(&cell.pipeline);
    let entry = match entry.map(|json| serde_json::from_slice::<CellEntry>(&json)) {
        None => None,
        Some(Ok(entry)) => Some(entry),
        Some(Err(error)) => {
            let report = Report::new("an entry of the ledger cannot be read")
                .expected("an entry as `oddlot run` writes it")
                .found(error.to_string())
                .hint(format!("{again}: a cell without an entry is written again"));
            let finding = Finding::damage("damaged", &cell.ledger_path(), report);
            return Ok(Looked { findings: vec![finding], ..Looked::default() });
        }
    };
    let Some(bytes) = bytes else {
        let findings = match entry {
            // Neither is there any more: a run is replacing it, or it was removed meanwhile.
            None => Vec::new(),
            Some(entry) => vec![missing(&object, &entry, &again)],
        };
        return Ok(Looked { findings, ..Looked::default() });
    };
    let size = bytes.len() as u64;
    // An older entry does not know of how many parts, and without one nobody does until the run goes on.
    let parts = entry.as_ref().map(|entry| entry.parts.unwrap_or(parts));
    let place = cell.clone();
    let read = off_tokio("verifying a cell", move || read(&place, parts, bytes)).await?;
    let count = |rows| Count { objects: 1, rows, bytes: size };
    let (sha256, rows) = match read {
        (sha256, Ok(rows)) => (sha256, rows),
        (_, Err(Flaw { expected, found })) => {
            let report = Report::new("a cell is damaged")
                .expected(expected)
                .found(found)
                .hint(mend(mends, &object, &again));
            let findings = vec![Finding::damage("damaged", &object, report)];
            return Ok(Looked { count: count(0), findings, ..Looked::default() });
        }
    };
    let finding = match entry {
        None => Some(unlisted(&object, &again)),
        Some(entry) => differs(&entry, &sha256, size, rows.n).map(|(expected, found)| {
            let report = Report::new("a cell is not what the ledger says")
                .expected(expected)
                .found(found)
                .hint(mend(mends, &object, &again));
            Finding::damage("damaged", &object, report)
        }),
    };
    let Rows { n, model_ids } = rows;
    Ok(Looked { count: count(n), findings: finding.into_iter().collect(), model_ids })
}

fn read(
    cell: &Cell,
    parts: Option<u32>,
    bytes: Vec<u8>,
) -> (String, std::result::Result<Rows, Flaw>) {
    let sha256 = format!("{:x}", Sha256::digest(&bytes));
    let rows = rows::decode(bytes).and_then(|batches| rows::check(cell, parts, &batches));
    (sha256, rows)
}

/// The first thing in which an object is not what its entry says.
fn differs(entry: &CellEntry, sha256: &str, bytes: u64, rows: u64) -> Option<(String, String)> {
    let pair = |what: &str, expected: &dyn std::fmt::Display, found: &dyn std::fmt::Display| {
        Some((format!("{expected} {what}"), format!("{found} {what}")))
    };
    match entry {
        entry if entry.bytes != bytes => pair("bytes", &entry.bytes, &bytes),
        entry if entry.rows != rows => pair("rows", &entry.rows, &rows),
        entry if entry.sha256 != sha256 => {
            Some((format!("SHA-256 {}", entry.sha256), format!("SHA-256 {sha256}")))
        }
        entry if entry.schema_version != SCHEMA_VERSION => Some((
            format!("schema version {SCHEMA_VERSION}"),
            format!("schema version {}", entry.schema_version),
        )),
        _ => None,
    }
}

/// A run takes a cell of equal size for the one it wrote: the object has to go first.
fn mend(mends: &Mends, object: &str, again: &str) -> String {
    format!("delete {}, then {again}", mends.object(object))
}

fn missing(object: &str, entry: &CellEntry, again: &str) -> Finding {
    let report = Report::new("a cell of the ledger is missing")
        .expected(format!("{} rows in {} bytes, by run {}", entry.rows, entry.bytes, entry.run_id))
        .found("no such object")
        .hint(format!("{again}: it writes what is not there"));
    Finding::damage("missing", object, report)
}

fn unlisted(object: &str, again: &str) -> Finding {
    let report = Report::new("a cell is not in the ledger")
        .expected("an entry of the run that wrote it")
        .found("none: that run was stopped, or is still at work; the cell itself is whole")
        .hint(format!("{again}: it completes what is not in the ledger"));
    Finding::leftover("unlisted", object, report)
}
