//! Files that are not there, are not Parquet, or do not have the mapped columns.

use std::fs::{self, File};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use insta::assert_snapshot;

use super::{Folder, prices};
use crate::workshop::parquet;

#[test]
fn a_glob_that_matches_nothing() {
    let folder = Folder::with_prices();
    folder.change("data/prices/*", "data/price/*");
    assert_snapshot!(folder.told_by_run(), @r#"
    error: the source has no file
      --> pipelines/job.toml:2:8
      expected  a glob that matches at least one file: data/price/*.parquet
      found     path = "../data/price/*.parquet"
      hint: correct the glob, or put files there; `oddlot import FILE… -o DIR` turns CSV into Parquet

    exit 3
    "#);
}

#[test]
fn a_file_without_a_row() {
    let folder = Folder::new();
    folder.answer("SELECT 'AAA' AS ticker, DATE '2020-01-01' AS date, 1.5 AS close WHERE false");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the source has no rows
      --> data/prices/prices.parquet
      expected  at least one row
      found     a Parquet file with columns and no row
      hint: write the file with its rows, or correct `source.path` (pipelines/job.toml:2:8)

    exit 3
    ");
}

#[test]
fn a_missing_column() {
    let folder = Folder::with_prices();
    folder.change("value = \"close\"", "value = \"cloze\"");
    assert_snapshot!(folder.told_by_run(), @r#"
    error: the source has no column `cloze`
      --> pipelines/job.toml:3:53
      expected  one of ticker, date, close, the columns of data/prices/prices.parquet
      found     value = "cloze"
      hint: did you mean `close`?

    exit 78
    "#);
}

#[test]
fn a_column_that_only_one_file_lacks() {
    let folder = Folder::with_prices();
    let other = Folder::new();
    other.answer("SELECT 'CCC' AS ticker, DATE '2020-01-01' AS date, 1.5 AS price");
    let bytes = fs::read(other.path("data/prices/prices.parquet")).expect("the other file");
    folder.write("data/prices/renamed.parquet", bytes);
    assert_snapshot!(folder.told_by_run(), @r"
    error: the file has no column `close`, which other files have
      --> data/prices/renamed.parquet
      expected  close: numbers
      found     only ticker, date, price
      hint: write the file with that column, or take it out of the source

    exit 3
    ");
}

#[test]
fn a_wrong_column_type() {
    let folder = Folder::new();
    folder.answer(
        "SELECT 'AAA' AS ticker, DATE '2020-01-01' AS date, '1.5' AS close, 1.5 AS adjusted",
    );
    assert_snapshot!(folder.told_by_run(), @r"
    error: column `close` has the wrong type
      --> data/prices/prices.parquet
      expected  close: numbers
      found     close: text
      hint: write the file with numbers, or name another column in `source.columns.value` (pipelines/job.toml:3:53): adjusted

    exit 3
    ");
}

#[test]
fn a_truncated_parquet_file() {
    let folder = Folder::with_prices();
    let path = folder.path("data/prices/prices.parquet");
    let whole = fs::read(&path).expect("the file");
    fs::write(&path, &whole[..600]).expect("the file can be cut");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the Parquet file is cut off
      --> data/prices/prices.parquet
      expected  a file that begins and ends with the four letters PAR1
      found     600 bytes, and the end is missing
      hint: write the file again, or take it out of the source

    exit 3
    ");
}

#[test]
fn a_csv_file_that_is_called_parquet() {
    let folder = Folder::new();
    let text = format!("ticker,date,close\n{}", prices("AAA", 180));
    folder.write("data/prices/prices.parquet", text);
    assert_snapshot!(folder.told_by_run(), @r"
    error: this is not a Parquet file
      --> data/prices/prices.parquet
      expected  a file that begins and ends with the four letters PAR1
      found     text that begins with `ticker,date,close`
      hint: turn CSV into Parquet first: `oddlot import FILE… -o DIR`

    exit 3
    ");
}

#[test]
fn a_damaged_page_among_several_files() {
    let folder = Folder::with_prices();
    let path = folder.path("data/prices/prices.parquet");
    let mut bytes = fs::read(&path).expect("the file");
    folder.write("data/prices/a.parquet", &bytes);
    let reader = SerializedFileReader::new(File::open(&path).expect("the file")).expect("Parquet");
    let close = reader.metadata().row_group(0).column(2);
    assert_eq!(close.column_path().string(), "close");
    // The last bytes of a chunk are those of its last page, below its header.
    let (start, length) = close.byte_range();
    let end = (start + length) as usize;
    bytes[end - 8..end].fill(0xff);
    fs::write(&path, bytes).expect("the file can be written");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the rows cannot be read
      --> data/prices/prices.parquet
      expected  a whole file whose values can be converted
      found     column `close`: Destination buffer is too small
      hint: write the file again, or take it out of the source

    exit 3
    ");
}

#[test]
fn a_time_stamp_that_no_calendar_has() {
    let folder = Folder::with_prices();
    let ts: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![i64::MAX / 10; 2]));
    let columns: [(&str, ArrayRef); 3] = [
        ("ticker", Arc::new(StringArray::from(vec!["AAA", "BBB"]))),
        ("date", ts),
        ("close", Arc::new(Float64Array::from(vec![1.5; 2]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("rows");
    folder.write("data/prices/later.parquet", parquet(&rows, None));
    assert_snapshot!(folder.told_by_run(), @r"
    error: the rows cannot be read
      --> data/prices/later.parquet
      expected  a whole file whose values can be converted
      found     column `date`: Cannot cast Timestamp(ms) value 922337203685477580 to Timestamp(us): converted value exceeds the representable i64 range
      hint: write the file again, or take it out of the source

    exit 3
    ");
}
