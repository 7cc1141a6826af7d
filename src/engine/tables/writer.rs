//! Writes the cells of one table: each to staging, synced, its footer and row count verified.

mod open_cell;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use open_cell::{ClosedCell, OpenCell};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::cell::part_of;
use super::{Cell, Table, schema};
use crate::failpoint::{self, Failpoint};
use crate::{Error, Kind, Report, Result};

/// A finished, synced and verified file that waits to be moved in.
#[derive(Clone, Debug)]
pub struct StagedCell {
    /// Where it belongs.
    pub cell: Cell,
    /// Where it lies now.
    pub file: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// One open file a cell; rows must come in the table's order within each cell.
pub struct CellWriter {
    table: Table,
    pipeline: String,
    parts: u32,
    schema: SchemaRef,
    staging: PathBuf,
    /// Key-value metadata of every file, in order.
    metadata: Vec<(String, String)>,
    open: BTreeMap<(i32, u32), OpenCell>,
}

impl CellWriter {
    /// A writer for `table`, whose columns' meanings follow `metadata`. Each of `cells`, (year, part), becomes
    /// a file, if only an empty one: a year whose last anomaly went away must lose the object that told of it.
    ///
    /// # Errors
    /// [`Kind::Output`].
    pub fn create(
        table: Table,
        pipeline: &str,
        parts: u32,
        cells: impl IntoIterator<Item = (i32, u32)>,
        mut metadata: Vec<(String, String)>,
        staging: &Path,
    ) -> Result<Self> {
        metadata.extend(schema::comments(table));
        let mut writer = Self {
            table,
            pipeline: pipeline.to_owned(),
            parts: parts.max(1),
            schema: schema::of(table),
            staging: staging.to_owned(),
            metadata,
            open: BTreeMap::new(),
        };
        for (year, part) in cells {
            let opened = writer.open_cell(year, part)?;
            writer.open.insert((year, part), opened);
        }
        Ok(writer)
    }

    /// Appends rows; those of cells that were not asked for are left out.
    ///
    /// # Errors
    /// [`Kind::Output`]; [`Kind::Bug`] for rows of another schema.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        for (key, run) in cell_runs(rows, self.table, self.parts)? {
            let Some(cell) = self.open.get_mut(&key) else { continue };
            cell.add(rows.slice(run.start, run.len()))?;
        }
        Ok(())
    }

    /// Closes, syncs and verifies every file, several at a time; they come in the order of year and part.
    ///
    /// # Errors
    /// [`Kind::Output`].
    pub fn finish(self) -> Result<Vec<StagedCell>> {
        let Self { table, pipeline, open, .. } = self;
        open.into_par_iter()
            .map(|((year, part), cell)| {
                let place = Cell { table, pipeline: pipeline.clone(), year, part };
                finish_cell(place, cell)
            })
            .collect()
    }

    fn open_cell(&self, year: i32, part: u32) -> Result<OpenCell> {
        let file = open_cell::file_name(&self.staging, self.table.name(), year, part);
        OpenCell::create(file, self.schema.clone(), sort_key(self.table), &self.metadata)
    }
}

/// Columns by which the rows of a cell are sorted.
pub fn sort_key(table: Table) -> &'static [&'static str] {
    match table {
        Table::Reconstructions => &["ticker", "ts", "model", "feature"],
        Table::Errors | Table::Anomalies => &["ticker", "ts", "model"],
        Table::Events => &["ticker", "start_ts", "model"],
    }
}

/// (year, part) of a cell, and rows that belong into it.
type CellRun = ((i32, u32), Range<usize>);

/// (year, part) of the cell of each run of rows that belong together: of rows in the order of
/// (ticker, ts), one run for every year of a ticker.
fn cell_runs(rows: &RecordBatch, table: Table, parts: u32) -> Result<Vec<CellRun>> {
    let instant = if table == Table::Events { "start_ts" } else { "ts" };
    let (Some(ts), Some(ticker)) = (rows.column_by_name(instant), rows.column_by_name("ticker"))
    else {
        return Err(Error::bug(format!("rows of {} lack {instant} or ticker", table.name())));
    };
    let ts = ts.as_primitive_opt::<TimestampMicrosecondType>();
    let (Some(ts), Some(tickers)) = (ts, ticker.as_string_opt::<i32>()) else {
        return Err(Error::bug(format!(
            "{instant} or ticker of {} has another type",
            table.name()
        )));
    };
    let mut runs: Vec<CellRun> = Vec::new();
    // Of the newest run: its ticker, and the instants of its year.
    let (mut ticker, mut year_ts) = ("", 0..0);
    for (row, &instant) in ts.values().iter().enumerate() {
        match runs.last_mut() {
            Some((_, run)) if year_ts.contains(&instant) && tickers.value(row) == ticker => {
                run.end = row + 1;
            }
            _ => {
                ticker = tickers.value(row);
                let year = year_of(instant);
                year_ts = instants_of(year);
                runs.push(((year, part_of(ticker, parts)), row..row + 1));
            }
        }
    }
    Ok(runs)
}

/// Year (UTC) of an instant in microseconds.
pub fn year_of(ts_us: i64) -> i32 {
    use chrono::Datelike;
    chrono::DateTime::from_timestamp_micros(ts_us).map_or(0, |instant| instant.year())
}

/// The instants of a year, µs UTC; none of a year beyond what dates can tell.
pub(crate) fn instants_of(year: i32) -> Range<i64> {
    let first_of = |year| {
        let first = chrono::NaiveDate::from_ymd_opt(year, 1, 1)?.and_hms_opt(0, 0, 0)?;
        Some(first.and_utc().timestamp_micros())
    };
    let bounds = first_of(year).zip(year.checked_add(1).and_then(first_of));
    bounds.map_or(0..0, |(first, next)| first..next)
}

fn finish_cell(place: Cell, cell: OpenCell) -> Result<StagedCell> {
    let ClosedCell { file, rows, bytes: written } = cell.finish()?;
    failpoint::pass(Failpoint::CellWritten)?;
    File::open(&file)
        .and_then(|written| written.sync_all())
        .map_err(|error| unwritable(&file, &error))?;
    failpoint::pass(Failpoint::CellSynced)?;

    let (sha256, bytes) = digest(&file).map_err(|error| unwritable(&file, &error))?;
    let reader = File::open(&file).map_err(|error| unwritable(&file, &error))?;
    let reader = SerializedFileReader::new(reader).map_err(|error| unwritable(&file, &error))?;
    let found = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(u64::MAX);
    if (found, bytes) != (rows, written) {
        return Err(Error::new(
            Kind::Output,
            Report::new("a staged cell does not hold what was written to it")
                .at(place.path())
                .expected(format!("{rows} rows in {written} bytes"))
                .found(format!("{found} rows in {bytes} bytes"))
                .hint("check the disk; the cell that was there is unchanged"),
        ));
    }
    Ok(StagedCell { cell: place, file, sha256, bytes, rows })
}

/// SHA-256 (lowercase hex) and size of a file.
pub fn digest(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((format!("{:x}", hasher.finalize()), bytes));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn unwritable(file: &Path, error: &dyn std::error::Error) -> Error {
    Error::new(
        Kind::Output,
        Report::new("a cell cannot be written")
            .at(file.display().to_string())
            .expected("room on the disk and permission to write")
            .found(error.to_string())
            .hint("free some space and run the same command again; no committed cell has changed"),
    )
}

#[cfg(test)]
mod tests;
