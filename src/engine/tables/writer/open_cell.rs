//! One cell that is being written: its rows wait in memory until they fill a row group.
//!
//! In the midst of a row group, a Parquet writer keeps a compressor and an unfinished page of every column:
//! megabytes a cell, however few its rows. A run has hundreds of cells open at a time, since rows come
//! ticker by ticker and every ticker has rows of every year. Rows that wait take what they are long.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;

use super::unwritable;
use crate::parquet_format::{self, CELL_GROUP_ROWS};
use crate::{Error, Result};

/// Slices that wait before they are copied together: each keeps the ticker alive that it is of.
const SLICES: usize = 64;

/// A closed file, and what ought to be in it.
pub(super) struct ClosedCell {
    pub(super) file: PathBuf,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// A file of which only whole row groups are written.
pub(super) struct OpenCell {
    writer: ArrowWriter<BufWriter<Appended>>,
    pub(super) file: PathBuf,
    /// Rows that it was given.
    pub(super) rows: u64,
    schema: SchemaRef,
    blocks: Vec<RecordBatch>,
    slices: Vec<RecordBatch>,
    n_waiting: usize,
}

/// A file that is open only while bytes are added, which is once a row group: the cells of a run
/// (tables × years × parts) are more than the files that a process may have open.
struct Appended {
    file: PathBuf,
    n_bytes: u64,
}

impl Write for Appended {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n_bytes = OpenOptions::new().append(true).open(&self.file)?.write(bytes)?;
        self.n_bytes += n_bytes as u64;
        Ok(n_bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl OpenCell {
    /// An empty file of `schema`, sorted by `sorted_by`.
    pub(super) fn create(
        file: PathBuf,
        schema: SchemaRef,
        sorted_by: &[&str],
        metadata: &[(String, String)],
    ) -> Result<Self> {
        drop(File::create(&file).map_err(|error| unwritable(&file, &error))?);
        let metadata: Vec<(&str, &str)> =
            metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let sink = BufWriter::new(Appended { file: file.clone(), n_bytes: 0 });
        let writer = parquet_format::writer_of_cells(sink, schema.clone(), sorted_by, &metadata)
            .map_err(|error| unwritable(&file, &error))?;
        let (blocks, slices) = (Vec::new(), Vec::new());
        Ok(Self { writer, file, rows: 0, schema, blocks, slices, n_waiting: 0 })
    }

    /// Appends rows.
    pub(super) fn add(&mut self, mut rows: RecordBatch) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        while self.n_waiting + rows.num_rows() >= CELL_GROUP_ROWS {
            let n_missing = CELL_GROUP_ROWS - self.n_waiting;
            self.hold(rows.slice(0, n_missing))?;
            self.write_group()?;
            rows = rows.slice(n_missing, rows.num_rows() - n_missing);
        }
        if rows.num_rows() > 0 {
            self.hold(rows)?;
        }
        Ok(())
    }

    fn hold(&mut self, slice: RecordBatch) -> Result<()> {
        self.n_waiting += slice.num_rows();
        self.slices.push(slice);
        if self.slices.len() >= SLICES {
            let block = concat_batches(&self.schema, &std::mem::take(&mut self.slices));
            self.blocks.push(block.map_err(|error| other_schema(&error))?);
        }
        Ok(())
    }

    /// Writes the rows that wait as one row group, in one batch: pages are cut by batches.
    fn write_group(&mut self) -> Result<()> {
        let waiting = self.blocks.drain(..).chain(self.slices.drain(..));
        let waiting: Vec<RecordBatch> = waiting.collect();
        self.n_waiting = 0;
        let group = concat_batches(&self.schema, &waiting);
        let group = group.map_err(|error| other_schema(&error))?;
        drop(waiting);
        let written = self.writer.write(&group).and_then(|()| self.writer.flush());
        written.map_err(|error| unwritable(&self.file, &error))
    }

    /// Writes what waits and the footer.
    pub(super) fn finish(mut self) -> Result<ClosedCell> {
        if self.n_waiting > 0 {
            self.write_group()?;
        }
        let Self { writer, file, rows, .. } = self;
        let failed = |error: &dyn std::error::Error| unwritable(file.as_path(), error);
        let sink = writer.into_inner().map_err(|error| failed(&error))?;
        let bytes = sink.into_inner().map_err(|error| failed(error.error()))?.n_bytes;
        Ok(ClosedCell { file, rows, bytes })
    }
}

fn other_schema(error: &dyn std::error::Error) -> Error {
    Error::bug(format!("rows of a cell have another schema: {error}"))
}

/// The staged file of a cell.
pub(super) fn file_name(staging: &Path, table: &str, year: i32, part: u32) -> PathBuf {
    staging.join(format!("{table}-{year:04}-{part:05}.parquet"))
}
