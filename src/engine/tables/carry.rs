//! Rows that a run leaves as they are, carried over from the object that a cell is to replace.
//!
//! A cell holds all tickers of its part and is replaced whole. A run of chosen tickers stages only their rows;
//! those of the others are taken from the object that is there, ticker by ticker and in the cuts in which a run
//! of all tickers would have written them, so that equal rows give equal bytes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::error::ArrowError;
use datafusion::object_store::ObjectStoreExt;
use datafusion::object_store::path::Path as ObjectPath;
use datafusion::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use futures::TryStreamExt;

use super::root::cannot_read;
use super::{Cell, CellWriter, OutputRoot, StagedCell, schema};
use crate::{Error, Kind, Report, Result};

/// The objects that are there, on this machine.
#[derive(Debug)]
pub struct Carried {
    objects: BTreeMap<Cell, PathBuf>,
    /// Where cells are put together.
    folder: PathBuf,
}

/// How the cells of a table are made: what their footers say, and their parts.
pub struct Made<'a> {
    /// Key-value metadata without the comments of columns, as [`CellWriter::create`] takes it.
    pub metadata: &'a [(String, String)],
    /// Files that a table's year is split into.
    pub parts: u32,
}

impl Carried {
    /// Fetches the objects of `cells` that are there, before anything is scored; `metadata` is what a footer
    /// of each will say.
    ///
    /// # Errors
    /// [`Kind::Config`] where the other rows of a cell were made with other settings or models;
    /// [`Kind::Output`] where an object cannot be read.
    pub async fn fetch(
        root: &OutputRoot,
        cells: impl IntoIterator<Item = Cell>,
        metadata: impl Fn(&Cell) -> Vec<(String, String)>,
        staging: &Path,
    ) -> Result<Self> {
        let folder = staging.join("carried");
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        let mut objects = BTreeMap::new();
        for cell in cells {
            if root.size(&cell.path()).await?.is_none() {
                continue;
            }
            let object = local_copy(root, &cell, &folder).await?;
            refuse_others(root, &cell, &object, &metadata(&cell))?;
            objects.insert(cell, object);
        }
        Ok(Self { objects, folder })
    }

    /// The staged rows of chosen tickers with those of all others that are in the object which is there.
    ///
    /// # Errors
    /// [`Kind::Output`].
    pub fn over(
        &self,
        staged: StagedCell,
        made: &Made<'_>,
        is_chosen: impl Fn(&str) -> bool,
    ) -> Result<StagedCell> {
        let Some(object) = self.objects.get(&staged.cell) else { return Ok(staged) };
        let Cell { table, pipeline, year, part } = &staged.cell;
        let metadata = made.metadata.to_vec();
        let mut whole = CellWriter::create(
            *table,
            pipeline,
            made.parts,
            [(*year, *part)],
            metadata,
            &self.folder,
        )?;
        let mut chosen = Tickers::of(&staged.file)?.peekable();
        for other in Tickers::of(object)? {
            let (other, rows) = other?;
            if is_chosen(&other) {
                continue;
            }
            // What cannot be read is told when it is taken.
            let comes_first = |own: &Result<(String, RecordBatch)>| match own {
                Ok((own, _)) => *own < other,
                Err(_) => true,
            };
            while let Some(own) = chosen.next_if(comes_first) {
                whole.write(&of_table(&staged.cell, own?.1)?)?;
            }
            whole.write(&of_table(&staged.cell, rows)?)?;
        }
        for own in chosen {
            whole.write(&of_table(&staged.cell, own?.1)?)?;
        }
        let whole = whole.finish()?.pop();
        whole.ok_or_else(|| Error::bug(format!("{} was not put together", staged.cell)))
    }
}

/// The object of `cell` on this machine: itself, or a copy.
async fn local_copy(root: &OutputRoot, cell: &Cell, folder: &Path) -> Result<PathBuf> {
    if let Some(local) = root.local() {
        return Ok(local.join(cell.path()));
    }
    let copy = folder.join(cell.path().replace('/', "~"));
    let refused = |error| cannot_read(&format!("{}/{}", root.name(), cell.path()), &error);
    let object = root.store().get(&ObjectPath::from(cell.path())).await.map_err(refused)?;
    let mut pieces = object.into_stream();
    let mut file = File::create(&copy).map_err(|error| unwritable(&copy, &error))?;
    while let Some(piece) = pieces.try_next().await.map_err(refused)? {
        file.write_all(&piece).map_err(|error| unwritable(&copy, &error))?;
    }
    Ok(copy)
}

/// Rows of other settings or models cannot stand beside new ones under one footer.
fn refuse_others(
    root: &OutputRoot,
    cell: &Cell,
    object: &Path,
    metadata: &[(String, String)],
) -> Result<()> {
    let footer = File::open(object).map_err(|error| unreadable(object, &error))?;
    let footer = SerializedFileReader::new(footer).map_err(|error| unreadable(object, &error))?;
    let found = footer.metadata().file_metadata().key_value_metadata();
    let found = |key: &str| {
        let pair = found.into_iter().flatten().find(|pair| pair.key == key)?;
        pair.value.as_deref()
    };
    let Some((key, _)) = metadata.iter().find(|(key, value)| found(key) != Some(value)) else {
        return Ok(());
    };
    let what = match key.as_str() {
        "oddlot.model_ids" => "other models",
        "oddlot.config_hash" => "other settings",
        _ => "another oddlot",
    };
    Err(Error::config(
        Report::new("the tickers that were not chosen cannot stay as they are")
            .at(format!("{}/{}", root.name(), cell.path()))
            .expected("rows of the settings and models of today beside the chosen ones")
            .found(format!("rows that were made with {what}"))
            .hint("run once without `--tickers`; nothing has changed"),
    ))
}

/// The columns under the table's own schema: Parquet does not keep comments.
fn of_table(cell: &Cell, rows: RecordBatch) -> Result<RecordBatch> {
    RecordBatch::try_new(schema::of(cell.table), rows.columns().to_vec())
        .map_err(|error| Error::bug(format!("{cell} has columns of other types: {error}")))
}

/// The rows of a cell's file, ticker by ticker.
struct Tickers {
    file: PathBuf,
    batches: ParquetRecordBatchReader,
    /// Read, and not given yet.
    rest: Option<RecordBatch>,
}

impl Tickers {
    fn of(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let batches = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| unreadable(path, &error))?;
        Ok(Self { file: path.to_owned(), batches, rest: None })
    }

    fn read(&mut self) -> std::result::Result<Option<RecordBatch>, ArrowError> {
        match self.rest.take() {
            Some(rest) => Ok(Some(rest)),
            None => self.batches.next().transpose(),
        }
    }

    fn ticker(&mut self) -> std::result::Result<Option<(String, RecordBatch)>, ArrowError> {
        let (mut ticker, mut parts) = (None, Vec::new());
        while let Some(rows) = self.read()? {
            let Some(tickers) =
                rows.column_by_name("ticker").and_then(|c| c.as_string_opt::<i32>())
            else {
                return Err(ArrowError::SchemaError("there is no text column `ticker`".to_owned()));
            };
            if rows.num_rows() == 0 {
                continue;
            }
            let own = ticker.get_or_insert_with(|| tickers.value(0).to_owned());
            let n = (0..rows.num_rows()).take_while(|row| tickers.value(*row) == own).count();
            if n < rows.num_rows() {
                self.rest = Some(rows.slice(n, rows.num_rows() - n));
                parts.push(rows.slice(0, n));
                break;
            }
            parts.push(rows);
        }
        let (Some(ticker), Some(first)) = (ticker, parts.first()) else { return Ok(None) };
        Ok(Some((ticker, concat_batches(&first.schema(), &parts)?)))
    }
}

impl Iterator for Tickers {
    type Item = Result<(String, RecordBatch)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ticker().map_err(|error| unreadable(&self.file, &error)).transpose()
    }
}

fn unreadable(file: &Path, error: &dyn std::error::Error) -> Error {
    let report = Report::new("a cell cannot be read, so that its other tickers cannot be kept")
        .at(file.display().to_string())
        .expected("the object that a run has written")
        .found(error.to_string())
        .hint("`oddlot verify` tells what is damaged; a run without `--tickers` mends it");
    Error::new(Kind::Output, report)
}

fn unwritable(file: &Path, error: &dyn std::error::Error) -> Error {
    let report = Report::new("a cell cannot be put together")
        .at(file.display().to_string())
        .expected("room on the disk and permission to write")
        .found(error.to_string())
        .hint("free some space and run the same command again; no committed cell has changed");
    Error::new(Kind::Output, report)
}

#[cfg(test)]
mod tests;
