//! The result: one Parquet file, put in place whole.
//!
//! Written beside its place under a name that no `*.parquet` glob matches, flushed to the disk,
//! its footer read back, then renamed: a reader sees the old file or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};

use super::dates::TimeKind;
use super::order::Table;
use super::{file_name, shown};
use crate::error::{Error, Kind, Report, Result};
use crate::parquet_format;
use crate::s3;

/// Where the result goes: into a folder, or to the very file that `output` names.
pub(super) fn path(output: &Path, name: Option<&str>, files: &[PathBuf]) -> Result<PathBuf> {
    if let Some(bucket) = output.to_str().and_then(s3::bucket_of) {
        return Err(Error::config(
            Report::new("an import writes to a local folder")
                .at("-o")
                .expected("a folder on a local disk")
                .found(format!("the bucket {}", shown(bucket)))
                .hint("import to a folder and copy its file to the bucket; `oddlot run` reads it there"),
        ));
    }
    let is_file = output.extension().is_some_and(|extension| extension == "parquet");
    if is_file && name.is_none() && !output.is_dir() {
        return Ok(output.to_owned());
    }
    let stem = match (name, files) {
        (Some(name), _) => Some(name.to_owned()),
        (None, [only]) => Some(file_name::stem(only)?),
        (None, _) => output.file_name().map(|name| name.to_string_lossy().into_owned()),
    };
    let stem = stem.unwrap_or_else(|| "prices".to_owned());
    if stem.is_empty() || stem.starts_with('.') || stem.contains(['/', '\\', '\0']) {
        return Err(Error::config(
            Report::new("the name of the result is no file name")
                .at("--name")
                .expected("a name that a file can have")
                .found(shown(&stem))
                .hint("give a plain name without folders, as sp500"),
        ));
    }
    Ok(output.join(format!("{stem}.parquet")))
}

/// Puts the table in place.
pub(super) fn write(table: &Table, path: &Path) -> Result<()> {
    let rows = batch(table).map_err(|cause| Error::bug(format!("import: {cause}")))?;
    let bytes = parquet_format::encode(&rows, &["ticker", table.time_name()], &[])
        .map_err(|cause| Error::bug(format!("import: {cause}")))?;
    put(path, |file| file.write_all(&bytes).map(|()| rows.num_rows()))
}

/// Puts in place what `write` gives; it tells how many rows there are.
pub(super) fn put(path: &Path, write: impl FnOnce(&mut File) -> io::Result<usize>) -> Result<()> {
    // The process in the name: two imports at once do not write to one staged file.
    let staged = path.with_extension(format!("parquet.{}.tmp", std::process::id()));
    let placed = stage(&staged, write).and_then(|()| place(&staged, path));
    placed.map_err(|cause| {
        // The result was not replaced; what was staged is of no use to anybody.
        let leftover =
            fs::remove_file(&staged).err().filter(|e| e.kind() != io::ErrorKind::NotFound);
        let report = Report::new("cannot write the result")
            .at(path.display().to_string())
            .expected("a folder that this user may write to, with room left")
            .found(cause.to_string());
        let report = match leftover {
            None => report.hint("name another folder with `-o`, or free some space"),
            Some(_) => report.hint(format!("remove {}", staged.display())),
        };
        Error::new(Kind::Output, report)
    })
}

fn stage(staged: &Path, write: impl FnOnce(&mut File) -> io::Result<usize>) -> io::Result<()> {
    if let Some(folder) = staged.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(staged)?;
    let n_rows = write(&mut file)?;
    file.sync_all()?;
    let footer = SerializedFileReader::new(File::open(staged)?).map_err(io::Error::other)?;
    let n_written = footer.metadata().file_metadata().num_rows();
    match usize::try_from(n_written) == Ok(n_rows) {
        true => Ok(()),
        false => Err(io::Error::other(format!("{n_written} rows read back, {n_rows} written"))),
    }
}

fn place(staged: &Path, path: &Path) -> io::Result<()> {
    fs::rename(staged, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The table in Arrow: ticker, time, numbers; NaN becomes null.
fn batch(table: &Table) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let times = table.times.iter().copied();
    let time: ArrayRef = match table.time_kind {
        TimeKind::Date => {
            Arc::new(Date32Array::from_iter(times.map(|day| i32::try_from(day).ok())))
        }
        TimeKind::Instant => {
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
        }
        TimeKind::RowNumber => Arc::new(Int64Array::from_iter_values(times)),
    };
    let ticker: ArrayRef = Arc::new(StringArray::from_iter_values(table.row_tickers()));
    let numbers = table.values.iter().map(|column| -> ArrayRef {
        let cells = column.iter().map(|number| (!number.is_nan()).then_some(*number));
        Arc::new(Float64Array::from_iter(cells))
    });
    let columns: Vec<ArrayRef> = [ticker, time].into_iter().chain(numbers).collect();
    let fields: Vec<Field> = table
        .column_names()
        .zip(&columns)
        .enumerate()
        .map(|(idx, (name, column))| Field::new(name, column.data_type().clone(), idx >= 2))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
