//! Files that unpack to far more than they are, or say so: the program ends with a clear error,
//! within two gigabytes of address space.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Encoding;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::ColumnPath;
use insta::assert_snapshot;

use crate::bad_input::Folder;
use crate::forged::{Column, Page, file, text};
use crate::workshop::parquet;

/// Address space of the program, in KiB: what the bombs unpack to is more than twice as much.
const LIMIT_KIB: u64 = 2 << 20;
const MIB: usize = 1 << 20;

/// What `run` tells of a source of these bytes, where it may have no more memory than the limit.
fn told(bytes: &[u8]) -> String {
    assert!(bytes.len() < 5 * MIB, "{} bytes", bytes.len());
    let folder = Folder::new();
    folder.write("data/prices/bomb.parquet", bytes);
    folder.told_by(&mut limited(&folder, &["run", "pipelines/job.toml"]))
}

/// The program under the limit.
fn limited(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_oddlot")]).args(arguments);
    command.current_dir(folder.path(""));
    command
}

fn dates(n: i64) -> Column {
    Column::constant(&18_262_i32.to_le_bytes(), n)
}

fn closes(n: i64) -> Column {
    Column::constant(&101.5_f64.to_le_bytes(), n)
}

#[test]
fn a_run_of_seven_hundred_million_rows() {
    let n = 700_000_000;
    let bytes = file([Column::constant(&text(b"AAA"), n), dates(n), closes(n)], n);
    assert_snapshot!(told(&bytes), @r"
    error: the file unpacks to more than its size bears
      --> data/prices/bomb.parquet
      expected  no more than 256 MiB, or 100 times its size
      found     20.8 GiB of 700000000 rows in a file of 356 bytes
      hint: if the rows are true, write them to several files; else take the file out of the source

    exit 3
    ");
}

#[test]
fn a_ticker_of_a_megabyte_on_five_thousand_rows() {
    let n = 5_000;
    let name = text(&vec![b'A'; MIB]);
    let bytes = file([Column::constant(&name, n), dates(n), closes(n)], n);
    assert_snapshot!(told(&bytes), @r"
    error: the file unpacks to more than its size bears
      --> data/prices/bomb.parquet
      expected  no more than 256 MiB, or 100 times its size
      found     more than that up to column `ticker`, row group 1 of 1, in a file of 1 MiB
      hint: if the rows are true, write them to several files; else take the file out of the source

    exit 3
    ");
}

#[test]
fn pages_that_unpack_to_five_gigabytes() {
    // 80 pages of 64 tickers of a megabyte.
    let page = Page::packed(64, &text(&vec![b'A'; MIB]).repeat(64));
    let n = 80 * 64;
    let bytes = file([Column::packed(vec![page; 80]), dates(n), closes(n)], n);
    assert_snapshot!(told(&bytes), @r"
    error: the file unpacks to more than its size bears
      --> data/prices/bomb.parquet
      expected  no more than 256 MiB, or 100 times its size
      found     more than that up to column `ticker`, row group 1 of 1, in a file of 237.7 KiB
      hint: if the rows are true, write them to several files; else take the file out of the source

    exit 3
    ");
}

#[test]
fn tickers_that_repeat_the_one_before() {
    let n = 300;
    let name = "A".repeat(MIB);
    let columns = |n: usize| -> [(&str, ArrayRef); 3] {
        [
            ("ticker", Arc::new(StringArray::from(vec![name.as_str(); n]))),
            ("date", Arc::new(Date32Array::from_iter_values(0..n as i32))),
            ("close", Arc::new(Float64Array::from(vec![1.5; n]))),
        ]
    };
    let ticker = ColumnPath::from("ticker");
    let properties = WriterProperties::builder()
        .set_column_dictionary_enabled(ticker.clone(), false)
        .set_column_encoding(ticker, Encoding::DELTA_BYTE_ARRAY)
        .build();
    let rows = |n| RecordBatch::try_from_iter(columns(n)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows(1).schema(), Some(properties)).unwrap();
    for _ in 0..n / 10 {
        writer.write(&rows(10)).unwrap();
    }
    writer.close().unwrap();
    assert_snapshot!(told(&bytes), @r"
    error: the file unpacks to more than its size bears
      --> data/prices/bomb.parquet
      expected  no more than 256 MiB, or 100 times its size
      found     more than that up to column `ticker`, row group 1 of 1, in a file of 1 MiB
      hint: if the rows are true, write them to several files; else take the file out of the source

    exit 3
    ");
}

#[test]
fn a_footer_that_counts_more_rows_than_the_pages_have() {
    let n = 180;
    let columns = [Column::constant(&text(b"AAA"), n), dates(n), closes(n)];
    assert_snapshot!(told(&file(columns.clone(), 500)), @r"
    error: the Parquet file is damaged
      --> data/prices/bomb.parquet
      expected  500 values, as the footer says
      found     180 in the pages of column `ticker`, row group 1 of 1
      hint: write the file again, or take it out of the source

    exit 3
    ");
    // As many as a number can say.
    assert_snapshot!(told(&file(columns.clone(), i64::MAX)), @r"
    error: the file unpacks to more than its size bears
      --> data/prices/bomb.parquet
      expected  no more than 256 MiB, or 100 times its size
      found     16777215.9 TiB of 9223372036854775807 rows in a file of 362 bytes
      hint: if the rows are true, write them to several files; else take the file out of the source

    exit 3
    ");
    assert_snapshot!(told(&file(columns, -1)), @r"
    error: the Parquet file is damaged
      --> data/prices/bomb.parquet
      expected  a number of rows
      found     -1 rows in row group 1 of 1
      hint: write the file again, or take it out of the source

    exit 3
    ");
}

#[test]
fn a_dictionary_that_says_it_has_two_thousand_million_values() {
    let n = 180;
    let pages = vec![Page::dictionary(i64::from(i32::MAX), &101.5_f64.to_le_bytes()), Page::run(n)];
    let column = Column { pages, ..closes(n) };
    let bytes = file([Column::constant(&text(b"AAA"), n), dates(n), column], n);
    assert_snapshot!(told(&bytes), @r"
    error: the Parquet file is damaged
      --> data/prices/bomb.parquet
      expected  a dictionary that fits into its 8 bytes
      found     one of 2147483647 values, in column `close`, row group 1 of 1
      hint: write the file again, or take it out of the source

    exit 3
    ");
}

#[test]
fn ten_thousand_columns_of_which_three_are_mapped() {
    let folder = Folder::with_prices();
    let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values((0..180).map(f64::from)));
    let first: [(String, ArrayRef); 2] = [
        ("ticker".to_owned(), Arc::new(StringArray::from(vec!["AAA"; 180]))),
        ("date".to_owned(), Arc::new(Date32Array::from_iter_values(18_262..18_442))),
    ];
    let others = (0..9_998).map(|idx| (format!("c{idx}"), Arc::clone(&numbers)));
    let rows = RecordBatch::try_from_iter(first.into_iter().chain(others)).unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let bytes = parquet(&rows, Some(properties));
    fs::remove_file(folder.path("data/prices/prices.parquet")).unwrap();
    folder.write("data/prices/wide.parquet", bytes);

    // All their names would be no help.
    let command = &mut limited(&folder, &["run", "pipelines/job.toml"]);
    assert_snapshot!(folder.told_by(command), @r#"
    error: the source has no column `close`
      --> pipelines/job.toml:3:53
      expected  one of ticker, date, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32, c33, c34, c35, c36, c37 and 9960 more, the columns of data/prices/wide.parquet
      found     value = "close"
      hint: name one of them in `source.columns.value`

    exit 78
    "#);
    folder.change("value = \"close\"", "value = \"c7\"");
    folder.change("builtin:log_return", "builtin:close");
    let done = limited(&folder, &["run", "pipelines/job.toml"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_honest_file_runs_within_the_limit() {
    let folder = Folder::with_prices();
    let done = limited(&folder, &["run", "pipelines/job.toml"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
