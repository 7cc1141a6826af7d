//! `oddlot import --generate`: made-up prices into one Parquet file, as an import would leave them.
//!
//! Memory: some tickers a thread, and the row group that is being written. Tickers are made side by side and
//! written in their order, one batch each, so that the bytes depend on the simulation and the columns only.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use datafusion::arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use oddlot_series::simulate::{Bars, Market, Path, Simulation};
use rayon::prelude::*;

use super::{output, shown};
use crate::error::{Error, Report, Result};
use crate::parquet_format;

/// What is made of each session, in the order of the file.
const COLUMNS: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// Tickers that are held at a time, for each thread.
const TICKERS_PER_THREAD: usize = 2;

/// What to make, and where to put it.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Tickers, sessions and seed.
    pub simulation: Simulation,
    /// Folder of the result, made if missing; or the result itself, if its name ends in `.parquet`.
    pub output: PathBuf,
    /// Stem of the result within a folder. Default: the folder's name.
    pub name: Option<String>,
    /// Of open, high, low, close and volume those to keep, in this order. Default: all.
    pub columns: Option<Vec<String>>,
    /// Threads that make prices.
    pub threads: usize,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Where it is.
    pub output: PathBuf,
    /// Tickers that have rows: some are listed later than all sessions.
    pub n_tickers: usize,
    /// Rows of all tickers.
    pub n_rows: usize,
    /// First and last session of the market.
    pub span: (NaiveDate, NaiveDate),
    /// Tickers listed after the first session.
    pub n_late: usize,
    /// Tickers that end before the last session.
    pub n_delisted: usize,
    /// Splits and mergers of shares, of all tickers.
    pub n_splits: usize,
    /// Sessions of tickers without a row.
    pub n_missing: usize,
}

/// Makes prices and writes one Parquet file, whole or not at all.
///
/// # Errors
/// `Config`: a column that is not made, or a place that cannot be. `Output`: the result cannot be written.
pub fn generate(options: &GenerateOptions) -> Result<Generated> {
    let path = output::path(&options.output, options.name.as_deref(), &[])?;
    let columns = columns(options.columns.as_deref())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool.map_err(|error| Error::bug(format!("threads cannot be started: {error}")))?;
    let market = options.simulation.market();
    let day = |day: Option<&i32>| date(day.copied().unwrap_or_default());
    let mut made = Generated {
        output: path.clone(),
        n_tickers: 0,
        n_rows: 0,
        span: (day(market.days.first()), day(market.days.last())),
        n_late: 0,
        n_delisted: 0,
        n_splits: 0,
        n_missing: 0,
    };
    let job = Job { simulation: options.simulation, market: &market, columns: &columns };
    output::put(&path, |file| pool.install(|| job.write(file, &mut made)))?;
    Ok(made)
}

fn columns(asked: Option<&[String]>) -> Result<Vec<&'static str>> {
    let Some(asked) = asked else { return Ok(COLUMNS.to_vec()) };
    let known = |name: &String| {
        COLUMNS.into_iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
            Error::config(
                Report::new("there is no such column to generate")
                    .at("--columns")
                    .expected(COLUMNS.join(", "))
                    .found(shown(name))
                    .hint("name some of these, such as `--columns close`"),
            )
        })
    };
    let mut columns: Vec<&'static str> = Vec::new();
    for name in asked.iter().map(known) {
        let name = name?;
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    Ok(columns)
}

struct Job<'a> {
    simulation: Simulation,
    market: &'a Market,
    columns: &'a [&'static str],
}

impl Job<'_> {
    /// The file; how many rows it has.
    fn write(&self, file: &mut File, made: &mut Generated) -> io::Result<usize> {
        let schema = self.schema();
        let sink = BufWriter::new(file);
        let writer = parquet_format::writer(sink, Arc::clone(&schema), &["ticker", "date"], &[]);
        let mut writer = writer.map_err(io::Error::other)?;
        let with_bars = self.columns.iter().any(|column| *column != "close");
        let numbers: Vec<usize> = (0..self.simulation.tickers).collect();
        for numbers in numbers.chunks(rayon::current_num_threads() * TICKERS_PER_THREAD) {
            let path = |&number: &usize| self.simulation.path(self.market, number, with_bars);
            let paths: Vec<Path> = numbers.par_iter().map(path).collect();
            for path in paths.into_iter().filter(|path| !path.days.is_empty()) {
                made.add(&path);
                let rows = self.batch(&schema, path).map_err(io::Error::other)?;
                writer.write(&rows).map_err(io::Error::other)?;
            }
        }
        // Closing writes the footer; the buffer is emptied into the file.
        writer.into_inner().map_err(io::Error::other)?.into_inner().map_err(|e| e.into_error())?;
        Ok(made.n_rows)
    }

    /// As an import gives it: `ticker`, `date`, then numbers, which may be missing there.
    fn schema(&self) -> SchemaRef {
        let keys = [("ticker", DataType::Utf8), ("date", DataType::Date32)];
        let keys = keys.map(|(name, data_type)| Field::new(name, data_type, false));
        let numbers = self.columns.iter().map(|name| Field::new(*name, DataType::Float64, true));
        Arc::new(Schema::new(keys.into_iter().chain(numbers).collect::<Vec<_>>()))
    }

    fn batch(
        &self,
        schema: &SchemaRef,
        path: Path,
    ) -> std::result::Result<RecordBatch, datafusion::arrow::error::ArrowError> {
        let Path { ticker, days, close, bars, .. } = path;
        let Bars { open, high, low, volume } = bars.unwrap_or_default();
        let tickers = StringArray::from_iter_values(std::iter::repeat_n(ticker, days.len()));
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(tickers), Arc::new(Date32Array::from(days))];
        for column in self.columns {
            let numbers = match *column {
                "open" => &open,
                "high" => &high,
                "low" => &low,
                "volume" => &volume,
                _ => &close,
            };
            arrays.push(Arc::new(Float64Array::from(numbers.clone())));
        }
        RecordBatch::try_new(Arc::clone(schema), arrays)
    }
}

impl Generated {
    fn add(&mut self, path: &Path) {
        self.n_tickers += 1;
        self.n_rows += path.days.len();
        self.n_late += usize::from(path.is_late);
        self.n_delisted += usize::from(path.is_delisted);
        self.n_splits += path.n_splits;
        self.n_missing += path.n_missing;
    }
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.span;
        writeln!(f, "{}", self.output.display())?;
        writeln!(f, "{} rows of {} tickers, {first} … {last}", self.n_rows, self.n_tickers)?;
        write!(
            f,
            "made up: {} listed late, {} delisted, {} splits, {} sessions without a row",
            self.n_late, self.n_delisted, self.n_splits, self.n_missing
        )
    }
}

/// The date of days since 1970-01-01, which sessions never precede.
fn date(day: i32) -> NaiveDate {
    NaiveDate::default() + Days::new(u64::try_from(day).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::{Date32Type, Float64Type};
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    fn options(folder: &tempfile::TempDir, threads: usize) -> GenerateOptions {
        GenerateOptions {
            simulation: Simulation::new(23, 400, 9).unwrap(),
            output: folder.path().join(format!("{threads}/prices.parquet")),
            name: None,
            columns: None,
            threads,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = [1, 2, 7].map(|threads| {
            let made = generate(&options(&folder, threads)).unwrap();
            std::fs::read(made.output).unwrap()
        });
        assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2]);
        let other = Simulation::new(23, 400, 10).unwrap();
        let other = GenerateOptions { simulation: other, ..options(&folder, 3) };
        assert_ne!(std::fs::read(generate(&other).unwrap().output).unwrap(), bytes[0]);
    }

    #[test]
    fn the_file_is_sorted_and_holds_what_the_report_says() {
        let folder = tempfile::tempdir().unwrap();
        let made = generate(&options(&folder, 2)).unwrap();
        let file = File::open(&made.output).unwrap();
        let rows = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let mut keys: Vec<(String, i32)> = Vec::new();
        for rows in rows {
            let rows = rows.unwrap();
            let tickers = rows.column(0).as_string::<i32>();
            let days = rows.column(1).as_primitive::<Date32Type>();
            keys.extend((0..rows.num_rows()).map(|k| (tickers.value(k).into(), days.value(k))));
            for column in 2..7 {
                let numbers = rows.column(column).as_primitive::<Float64Type>();
                assert!(numbers.iter().all(|number| number.unwrap() > 0.0));
            }
        }
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(keys.len(), made.n_rows);
        // numpy.busday_offset("1994-01-03", 399, holidays=…) with the holidays of the exchange's almanac.
        assert_eq!(made.span.0.to_string(), "1994-01-03");
        assert_eq!(made.span.1.to_string(), "1995-08-02");
        let left = std::fs::read_dir(folder.path().join("2")).unwrap().count();
        assert_eq!(left, 1, "nothing staged is left");
    }

    #[test]
    fn columns_are_those_that_were_asked_for_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let columns = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let asked = GenerateOptions { columns: columns(&["Close", "open"]), ..options(&folder, 2) };
        let file = File::open(generate(&asked).unwrap().output).unwrap();
        let rows = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let names: Vec<&String> = rows.schema().fields().iter().map(|f| f.name()).collect();
        assert_eq!(names, ["ticker", "date", "close", "open"]);
        let wrong = GenerateOptions { columns: columns(&["adjusted"]), ..options(&folder, 2) };
        let error = generate(&wrong).unwrap_err();
        assert_eq!(error.reports[0].title, "there is no such column to generate");
    }
}
