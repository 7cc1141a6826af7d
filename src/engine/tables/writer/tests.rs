use std::fs;

use datafusion::arrow::array::{ArrayRef, Float64Array};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::Arc;

use super::*;
use crate::judged::rows_of;
use crate::judged::tests::{Nobody, judges, rows};
use crate::parquet_format::CELL_GROUP_ROWS;
use crate::score::Scorer;

const DAY_US: i64 = 86_400_000_000;
/// 1970-12-12: the rows of a ticker lie in two years.
const FROM_DAY: i64 = 345;

/// 40 rows of `ticker` as the rows of `table`, half of them in 1970, half in 1971.
fn judged(table: Table, ticker: &str) -> RecordBatch {
    let mut values: Vec<f64> = (0..40).map(|k| f64::from(k * k).sin()).collect();
    values[39] = 50.0;
    let mut rows = rows(ticker, &values, 1, &[]);
    rows.ts.iter_mut().for_each(|ts| *ts += FROM_DAY * DAY_US);
    rows_of(table, &judges(&["a"], Arc::new(Nobody)).score(&rows).unwrap()).unwrap()
}

fn write(
    table: Table,
    parts: u32,
    years: &[i32],
    batches: &[RecordBatch],
) -> (tempfile::TempDir, Vec<StagedCell>) {
    let folder = tempfile::tempdir().unwrap();
    let metadata = vec![("oddlot.table".to_owned(), table.name().to_owned())];
    let cells = years.iter().flat_map(|&year| (0..parts).map(move |part| (year, part)));
    let mut writer = CellWriter::create(table, "p", parts, cells, metadata, folder.path()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    let staged = writer.finish().unwrap();
    (folder, staged)
}

fn read(cell: &StagedCell) -> Vec<RecordBatch> {
    let file = File::open(&cell.file).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

#[test]
fn a_cell_has_the_columns_of_its_schema_and_tells_their_meaning() {
    for table in Table::ALL {
        let (_folder, staged) = write(table, 1, &[1970, 1971], &[judged(table, "A")]);
        let file = File::open(&staged[0].file).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let shape = |schema: &SchemaRef| -> Vec<(String, DataType, bool)> {
            let fields = schema.fields().iter();
            fields.map(|f| (f.name().clone(), f.data_type().clone(), f.is_nullable())).collect()
        };
        assert_eq!(shape(reader.schema()), shape(&schema::of(table)));
        let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let value = |key: &str| pairs.iter().find(|pair| pair.key == key).unwrap().value.clone();
        assert_eq!(value("oddlot.table").as_deref(), Some(table.name()));
        let ticker = value("oddlot.column.ticker");
        assert_eq!(ticker.as_deref(), Some("name of the series, as the source gives it"));
        assert_eq!(pairs.len(), 1 + schema::of(table).fields().len());
        assert!(pairs.iter().all(|pair| pair.value.as_ref().is_some_and(|text| !text.is_empty())));
        let sorting = reader.metadata().row_group(0).sorting_columns().unwrap();
        assert_eq!(sorting.len(), sort_key(table).len());
    }
}

#[test]
fn the_rows_of_a_batch_go_to_their_years_and_years_not_asked_for_are_left_out() {
    let batch = judged(Table::Errors, "A");
    let (_folder, staged) = write(Table::Errors, 1, &[1970, 1971], std::slice::from_ref(&batch));
    // 345 … 364 are in 1970, 365 … 384 in 1971; two models.
    let rows: Vec<(i32, u64)> = staged.iter().map(|cell| (cell.cell.year, cell.rows)).collect();
    assert_eq!(rows, [(1970, 40), (1971, 40)]);
    for cell in &staged {
        let ts = read(cell)[0].column_by_name("ts").unwrap().clone();
        let ts = ts.as_primitive::<TimestampMicrosecondType>().values().to_vec();
        assert!(ts.iter().all(|ts| year_of(*ts) == cell.cell.year));
    }
    let (_folder, staged) = write(Table::Errors, 1, &[1971], &[batch]);
    assert_eq!(staged.len(), 1);
    assert_eq!((staged[0].cell.year, staged[0].rows), (1971, 40));
}

#[test]
fn a_ticker_goes_to_its_part_and_every_part_of_a_year_has_a_file() {
    let tickers = ["A", "B", "C"];
    let batches: Vec<RecordBatch> =
        tickers.iter().map(|ticker| judged(Table::Errors, ticker)).collect();
    let (_folder, staged) = write(Table::Errors, 4, &[1970], &batches);
    assert_eq!(staged.iter().map(|cell| cell.cell.part).collect::<Vec<_>>(), [0, 1, 2, 3]);
    for cell in &staged {
        let own: Vec<&str> =
            tickers.into_iter().filter(|ticker| part_of(ticker, 4) == cell.cell.part).collect();
        let found: Vec<String> = read(cell)
            .iter()
            .flat_map(|rows| crate::testing::texts(rows, "ticker"))
            .flatten()
            .collect();
        assert_eq!(found.len(), own.len() * 40);
        assert!(found.is_sorted() && found.iter().all(|ticker| own.contains(&ticker.as_str())));
    }
}

#[test]
fn a_year_without_a_row_is_a_readable_empty_file() {
    for table in Table::ALL {
        let (_folder, staged) = write(table, 1, &[1955], &[judged(table, "A")]);
        assert_eq!((staged[0].rows, read(&staged[0]).len()), (0, 0));
        assert_eq!(digest(&staged[0].file).unwrap(), (staged[0].sha256.clone(), staged[0].bytes));
    }
}

#[test]
fn the_bytes_of_a_cell_do_not_depend_on_the_other_years_that_are_written() {
    let batch = judged(Table::Reconstructions, "A");
    let (_a, both) = write(Table::Reconstructions, 1, &[1970, 1971], std::slice::from_ref(&batch));
    let (_b, one) = write(Table::Reconstructions, 1, &[1971], &[batch]);
    assert_eq!(both[1].sha256, one[0].sha256);
}

#[test]
fn row_groups_are_cut_by_rows_and_not_by_what_is_added_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    // Distinct values: what lands in the wrong place would show.
    let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Float64, false)]));
    let n_rows = 2 * CELL_GROUP_ROWS + 5;
    let values = Float64Array::from_iter_values((0..n_rows).map(|row| row as f64));
    let all = RecordBatch::try_new(schema.clone(), vec![Arc::new(values) as ArrayRef]).unwrap();
    let written = |name: &str, n_at_a_time: usize| {
        let file = folder.path().join(name);
        let mut cell = OpenCell::create(file, schema.clone(), &[], &[]).unwrap();
        for from in (0..n_rows).step_by(n_at_a_time) {
            cell.add(all.slice(from, n_at_a_time.min(n_rows - from))).unwrap();
        }
        let closed = cell.finish().unwrap();
        assert_eq!(closed.rows, n_rows as u64);
        closed.file
    };
    let whole = written("whole", n_rows);
    let reader = SerializedFileReader::new(File::open(&whole).unwrap()).unwrap();
    let groups = reader.metadata().row_groups().iter().map(|group| group.num_rows());
    let full = CELL_GROUP_ROWS as i64;
    assert_eq!(groups.collect::<Vec<_>>(), [full, full, 5]);
    // 7 rows are more than 64 slices a group; 40,000 are more than a group.
    for n_at_a_time in [7, 250, CELL_GROUP_ROWS, 40_000] {
        let other = written("other", n_at_a_time);
        assert_eq!(fs::read(&other).unwrap(), fs::read(&whole).unwrap(), "{n_at_a_time} at a time");
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&whole).unwrap()).unwrap();
    let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let values =
        read.iter().flat_map(|rows| rows.column(0).as_primitive::<Float64Type>().values().to_vec());
    assert!(values.enumerate().all(|(row, value)| value == row as f64));
}

#[test]
fn a_file_that_was_cut_off_or_lacks_rows_is_not_finished() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut writer =
            CellWriter::create(Table::Errors, "p", 1, [(1970, 0)], Vec::new(), folder.path())
                .unwrap();
        writer.write(&judged(Table::Errors, "A")).unwrap();
        writer
    };
    let mut writer = open();
    writer.open.get_mut(&(1970, 0)).unwrap().rows += 1;
    let error = writer.finish().unwrap_err();
    assert_eq!(error.kind, Kind::Output);
    let found = error.reports[0].found.as_deref().unwrap();
    assert!(found.starts_with("40 rows in "), "{found}");

    // Something else has added to the file, whose footer can be read all the same.
    let writer = open();
    let path = folder.path().join("errors-1970-00000.parquet");
    fs::write(&path, b"PAR1").unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!((error.kind, error.reports.len()), (Kind::Output, 1));
    assert!(error.reports[0].title.starts_with("a staged cell does not hold"), "{error}");

    let writer = open();
    fs::remove_file(folder.path().join("errors-1970-00000.parquet")).unwrap();
    assert_eq!(writer.finish().unwrap_err().kind, Kind::Output);
}

#[test]
fn rows_of_another_table_are_a_bug() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer =
        CellWriter::create(Table::Events, "p", 1, [(1970, 0)], Vec::new(), folder.path()).unwrap();
    let column: ArrayRef = Arc::new(datafusion::arrow::array::StringArray::from(vec!["A"]));
    let other = RecordBatch::try_from_iter([("ticker", column)]).unwrap();
    assert_eq!(writer.write(&other).unwrap_err().kind, Kind::Bug);
    writer.write(&other.slice(0, 0)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn cells_that_wait_for_rows_hold_no_file_open() {
    let folder = tempfile::tempdir().unwrap();
    let cells = (1950..2030).flat_map(|year| (0..8).map(move |part| (year, part)));
    let writer =
        CellWriter::create(Table::Errors, "p", 8, cells, Vec::new(), folder.path()).unwrap();
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| {
        fs::read_link(entry.ok()?.path()).ok().filter(|target| target.starts_with(folder.path()))
    });
    assert_eq!(open.count(), 0);
    assert_eq!(writer.finish().unwrap().len(), 640);
}

#[test]
fn years_are_those_of_utc() {
    assert_eq!(year_of(0), 1970);
    assert_eq!(year_of(-1), 1969);
    assert_eq!(year_of(365 * DAY_US - 1), 1970);
    assert_eq!(year_of(365 * DAY_US), 1971);
}
