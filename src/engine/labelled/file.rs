//! One file as a table: text cells of CSV, typed ones of Parquet.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::contained::contained;
use crate::error::{Error, Kind, Report, Result};

/// The first bytes of a Parquet file.
const PARQUET: &[u8; 4] = b"PAR1";

/// All rows of a file.
pub(super) struct Table {
    /// The file, for messages.
    pub(super) name: String,
    rows: RecordBatch,
    /// The line of each row; none of Parquet.
    lines: Vec<u64>,
}

impl Table {
    /// Reads a file; one without a row is a mistake.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let cannot = |error: std::io::Error| {
            let kind = match error.kind() {
                ErrorKind::NotFound | ErrorKind::IsADirectory => Kind::Config,
                _ => Kind::Store,
            };
            let report = Report::new("the file cannot be read").at(name.as_str());
            Error::new(kind, report.expected("a CSV or Parquet file").found(error.to_string()))
        };
        let mut begin = Vec::new();
        let opened = File::open(path).map_err(cannot)?;
        opened.take(PARQUET.len() as u64).read_to_end(&mut begin).map_err(cannot)?;
        let file = File::open(path).map_err(cannot)?;
        let (rows, lines) = match begin == PARQUET {
            true => {
                let rows = contained(|| parquet(file)).flatten();
                (rows.map_err(|found| no_parquet(&name, found))?, Vec::new())
            }
            false => csv(file).map_err(|error| no_csv(&name, &error))?,
        };
        if rows.num_rows() == 0 {
            let report = Report::new("the file has no row").at(name).expected("at least one row");
            return Err(Error::data(report));
        }
        Ok(Self { name, rows, lines })
    }

    pub(super) fn n_rows(&self) -> usize {
        self.rows.num_rows()
    }

    /// Names of the columns, in their order.
    pub(super) fn columns(&self) -> Vec<&str> {
        self.rows.schema_ref().fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// A column by its name.
    pub(super) fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.rows.column_by_name(name)
    }

    /// Where a row is, for messages.
    pub(super) fn place(&self, row_idx: usize) -> String {
        match self.lines.get(row_idx) {
            Some(line) => format!("{}:{line}", self.name),
            None => format!("{}, row {}", self.name, row_idx + 1),
        }
    }

    /// Cells as text; an empty cell of CSV is none.
    pub(super) fn texts(&self, name: &str) -> Result<StringArray> {
        let bug = || Error::bug(format!("column `{name}` was found and is gone"));
        let column = self.column(name).ok_or_else(bug)?;
        let texts = cast(column, &DataType::Utf8).map_err(|error| {
            let report = Report::new(format!("column `{name}` cannot be read as text"));
            Error::data(report.at(self.name.as_str()).found(error.to_string()))
        })?;
        Ok(texts.as_string::<i32>().clone())
    }
}

fn no_parquet(name: &str, found: String) -> Error {
    let report = Report::new("the file cannot be read").at(name).expected("Parquet").found(found);
    Error::data(report.hint("write the file anew, or take CSV"))
}

fn no_csv(name: &str, error: &csv::Error) -> Error {
    let place = |line: Option<u64>| match line {
        Some(line) => format!("{name}:{line}"),
        None => name.to_owned(),
    };
    let at = place(error.position().map(csv::Position::line));
    let report = Report::new("the file cannot be read").at(at);
    Error::data(match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => report
            .expected(format!("{expected_len} cells, as the header has"))
            .found(format!("{len} cells"))
            .hint("write a cell that holds a comma in quotes: `\"a, b\"`"),
        csv::ErrorKind::Utf8 { err, .. } => report
            .expected("CSV with a header, in UTF-8")
            .found(err.to_string())
            .hint("save the file as UTF-8"),
        _ => report
            .expected("CSV with a header")
            .found(error.to_string())
            .hint("write a header and a line a row, cells separated by commas; or Parquet"),
    })
}

fn parquet(file: File) -> Result<RecordBatch, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| told(&error))?;
    let schema = Arc::clone(reader.schema());
    let batches = reader.build().map_err(|error| told(&error))?;
    let batches: Vec<RecordBatch> =
        batches.collect::<Result<_, _>>().map_err(|error| told(&error))?;
    concat_batches(&schema, &batches).map_err(|error| told(&error))
}

fn csv(file: File) -> Result<(RecordBatch, Vec<u64>), csv::Error> {
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(BufReader::new(file));
    let header = reader.headers()?;
    let names: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record?;
        lines.push(record.position().map_or(0, csv::Position::line));
        for (column, cell) in cells.iter_mut().zip(&record) {
            let cell = cell.trim();
            column.push((!cell.is_empty()).then(|| cell.to_owned()));
        }
    }
    if names.iter().all(String::is_empty) {
        return Ok((RecordBatch::new_empty(Arc::new(Schema::empty())), lines));
    }
    let fields: Vec<Field> =
        names.into_iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let columns = cells.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect());
    // As many cells in each column: nothing else can be wrong.
    rows.map(|rows| (rows, lines)).map_err(|error| std::io::Error::other(error).into())
}
