use std::fs::{self, File};
use std::path::Path;

use datafusion::arrow::array::{
    ArrayRef, AsArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, TimestampNanosecondArray,
};
use datafusion::arrow::datatypes::{Date32Type, Int32Type, TimestampMicrosecondType};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::physical_plan::displayable;
use tempfile::TempDir;

use super::*;
use crate::error::{Error, Kind};
use crate::inspect::inspect;
use crate::testing::{floats, pretty, rows, session_of, texts};

const DAY_US: i64 = 86_400_000_000;
const ALL: &str = "SELECT ticker, ts, trade_date, value FROM prices ORDER BY ticker, ts";

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// ticker, date, close: `n` days of one ticker from `day` on, at price 1, 2, …
fn write_ticker(path: &Path, ticker: &str, day: i32, n: i32) {
    let closes = (1..=n).map(f64::from);
    write(
        path,
        vec![
            ("ticker", Arc::new(StringArray::from_iter_values((0..n).map(|_| ticker)))),
            ("date", Arc::new(Date32Array::from_iter_values(day..day + n))),
            ("close", Arc::new(Float64Array::from_iter_values(closes))),
        ],
    );
}

fn source(path: &Path) -> Source {
    let columns = Columns {
        ticker: Ticker::Column("ticker".into()),
        ts: Some("date".into()),
        value: "close".into(),
        others: Vec::new(),
    };
    Source {
        path: path.to_str().unwrap().into(),
        s3: S3Settings::default(),
        columns,
        sorted: true,
        places: Places::default(),
    }
}

fn series(path: &Path, ts: Option<&str>, value: &str) -> Source {
    let mut source = source(path);
    source.columns.ticker = Ticker::Literal("X".into());
    source.columns.ts = ts.map(str::to_owned);
    source.columns.value = value.into();
    source
}

async fn refused(source: &Source) -> Error {
    register(&session_of(8192), source).await.unwrap_err()
}

async fn plan(context: &SessionContext, sql: &str) -> String {
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn files_of_single_tickers_in_a_directory_need_no_sort() {
    let dir = TempDir::new().unwrap();
    write_ticker(&dir.path().join("1.parquet"), "B", 5, 2);
    write_ticker(&dir.path().join("2.parquet"), "A", 7, 3);
    write_ticker(&dir.path().join("3.parquet"), "A", 2, 1);
    fs::write(dir.path().join("_notes.parquet"), "no Parquet").unwrap();
    fs::write(dir.path().join("readme.txt"), "no Parquet").unwrap();
    let context = session_of(8192);
    let facts = register(&context, &source(dir.path())).await.unwrap();
    assert_eq!((facts.files.len(), facts.n_rows), (3, 6));
    assert!(facts.files[0].location.ends_with("3.parquet"), "{facts:?}");
    assert!(!plan(&context, ALL).await.contains("Sort"), "{}", plan(&context, ALL).await);
    let found = rows(&context, ALL).await;
    let values: Vec<_> = floats(&found, "value").into_iter().flatten().collect();
    assert_eq!(values, [1.0, 1.0, 2.0, 3.0, 1.0, 2.0], "{}", pretty(&found));
    let days = found.column_by_name("trade_date").unwrap().as_primitive::<Date32Type>();
    assert_eq!(days.values()[..], [2, 7, 8, 9, 5, 6]);
    let instants = found.column_by_name("ts").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(instants.value(0), 2 * DAY_US);
    for name in crate::sql_file::SqlFile::builtin_feature_names() {
        let features = crate::sql_file::SqlFile::builtin_features(name).unwrap();
        let sql = crate::relation::PipelineSql::new(features, 2);
        let windows = crate::relation::windows(&context, &sql).await.unwrap();
        let plan = windows.plan().await.unwrap();
        let plan = displayable(plan.as_ref()).indent(false).to_string();
        assert!(!plan.contains("SortExec"), "{name}: {plan}");
        let batches = windows.frame().clone().collect().await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 6);
    }
    // A statistic of a footer is never a result.
    let counted = rows(&context, "SELECT max(value) AS value FROM prices").await;
    assert_eq!(floats(&counted, "value"), [Some(3.0)]);
}

#[tokio::test]
async fn sorted_files_that_overlap_are_merged() {
    let dir = TempDir::new().unwrap();
    write_ticker(&dir.path().join("a.parquet"), "A", 0, 3);
    write_ticker(&dir.path().join("b.parquet"), "A", 2, 3);
    let context = session_of(8192);
    register(&context, &source(dir.path())).await.unwrap();
    let plan = plan(&context, ALL).await;
    assert!(plan.contains("SortPreservingMergeExec") && !plan.contains("SortExec"), "{plan}");
    let values: Vec<_> =
        floats(&rows(&context, ALL).await, "value").into_iter().flatten().collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let features = crate::sql_file::SqlFile::builtin_features("log_return").unwrap();
    let sql = crate::relation::PipelineSql::new(features, 2);
    let windows = crate::relation::windows(&context, &sql).await.unwrap();
    let plan = windows.plan().await.unwrap();
    assert_eq!(plan.properties().output_partitioning().partition_count(), 1);
    let plan = displayable(plan.as_ref()).indent(false).to_string();
    assert_eq!(plan.matches("SortPreservingMergeExec").count(), 1, "{plan}");
    assert!(!plan.contains("SortExec") && !plan.contains("Repartition"), "{plan}");
    assert!(plan.rfind("WindowExec") < plan.find("SortPreservingMergeExec"), "{plan}");
}

#[tokio::test]
async fn a_glob_takes_what_it_matches() {
    let dir = TempDir::new().unwrap();
    write_ticker(&dir.path().join("sub/x-1.parquet"), "A", 0, 1);
    write_ticker(&dir.path().join("sub/y-1.parquet"), "B", 0, 1);
    let context = session_of(8192);
    let facts = register(&context, &source(&dir.path().join("*/x-?.parquet"))).await.unwrap();
    assert_eq!(facts.n_rows, 1);
    let error = refused(&source(&dir.path().join("*.parquet"))).await;
    let expected = error.reports[0].expected.as_deref().unwrap();
    assert!(expected.starts_with("a glob that matches at least one file: /"), "{expected}");
}

#[tokio::test]
async fn a_ticker_from_a_directory_is_text() {
    let dir = TempDir::new().unwrap();
    for ticker in ["0005", "TRUE", "1E5", "BRK%2FB"] {
        write_ticker(&dir.path().join(format!("ticker={ticker}/p.parquet")), "ignored", 0, 1);
    }
    // A file may not repeat the key; here the directory wins, and the file's column is not read.
    let context = session_of(8192);
    register(&context, &source(dir.path())).await.unwrap();
    let found = rows(&context, ALL).await;
    let tickers: Vec<_> = texts(&found, "ticker").into_iter().flatten().collect();
    assert_eq!(tickers, ["0005", "1E5", "BRK/B", "TRUE"]);
    assert!(!plan(&context, ALL).await.contains("Sort"));
}

#[tokio::test]
async fn every_type_that_fits_is_converted_without_a_sort() {
    let dir = TempDir::new().unwrap();
    let keys = vec![0, 0, 1];
    let tickers = Arc::new(StringArray::from(vec!["A", "B"]));
    let tickers = DictionaryArray::<Int32Type>::try_new(keys.clone().into(), tickers).unwrap();
    let nanos = [1_000, 2_000, 3_000].map(|us| us * 1_000);
    let decimals =
        Decimal128Array::from(vec![150, 250, 350]).with_precision_and_scale(9, 2).unwrap();
    write(
        &dir.path().join("p.parquet"),
        vec![
            ("ticker", Arc::new(tickers)),
            ("date", Arc::new(TimestampNanosecondArray::from(nanos.to_vec()))),
            ("close", Arc::new(decimals)),
            ("volume", Arc::new(Int64Array::from(vec![7, 8, 9]))),
            ("open", Arc::new(Float32Array::from(vec![0.5, 1.5, 2.5]))),
        ],
    );
    let mut wanted = source(dir.path());
    wanted.columns.others =
        vec![("shares".into(), "volume".into()), ("open".into(), "open".into())];
    let context = session_of(8192);
    register(&context, &wanted).await.unwrap();
    let found = rows(&context, "SELECT * FROM prices ORDER BY ticker, ts").await;
    assert_eq!(floats(&found, "value"), [Some(1.5), Some(2.5), Some(3.5)]);
    assert_eq!(floats(&found, "shares"), [Some(7.0), Some(8.0), Some(9.0)]);
    assert_eq!(floats(&found, "open")[2], Some(2.5));
    let instants = found.column_by_name("ts").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(instants.values()[..], [1_000, 2_000, 3_000]);
    assert!(!plan(&context, ALL).await.contains("Sort"));

    let large = LargeStringArray::from(vec!["A"]);
    write(
        &dir.path().join("p.parquet"),
        vec![
            ("ticker", Arc::new(large)),
            ("date", Arc::new(Date32Array::from(vec![3]))),
            ("close", Arc::new(Int64Array::from(vec![4]))),
        ],
    );
    register(&context, &source(dir.path())).await.unwrap();
    assert_eq!(texts(&rows(&context, ALL).await, "ticker"), [Some("A".to_owned())]);
}

#[tokio::test]
async fn rows_of_an_unnamed_series_are_days_since_1970() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("toy.parquet");
    write(
        &file,
        vec![
            ("n", Arc::new(Int64Array::from(vec![3, 4]))),
            ("x", Arc::new(Float64Array::from(vec![0.1, 0.2]))),
        ],
    );
    for (ts, first) in [(Some("n"), 3), (None, 0)] {
        let context = session_of(8192);
        register(&context, &series(&file, ts, "x")).await.unwrap();
        let found = rows(&context, ALL).await;
        let days = found.column_by_name("trade_date").unwrap().as_primitive::<Date32Type>();
        assert_eq!(days.values()[..], [first, first + 1]);
        assert_eq!(texts(&found, "ticker")[0].as_deref(), Some("X"));
        assert_eq!(floats(&found, "value"), [Some(0.1), Some(0.2)]);
    }
}

#[tokio::test]
async fn a_missing_column_lists_those_there_are() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("p.parquet");
    write_ticker(&file, "A", 0, 1);
    let mut wanted = source(&file);
    wanted.columns.value = "Close".into();
    let error = refused(&wanted).await;
    let report = &error.reports[0];
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(report.title, "the source has no column `Close`");
    let expected = report.expected.as_deref().unwrap();
    assert!(expected.starts_with("one of ticker, date, close, the columns of /"), "{expected}");
    assert_eq!(report.hint.as_deref(), Some("did you mean `close`?"));
    assert_eq!(report.place.as_deref(), file.to_str());
}

#[tokio::test]
async fn a_column_of_the_wrong_type_is_told_with_its_file() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("p.parquet");
    write_ticker(&file, "A", 0, 1);
    let mut wanted = source(&file);
    wanted.columns.value = "ticker".into();
    wanted.columns.ts = Some("close".into());
    let error = refused(&wanted).await;
    assert_eq!(error.kind, Kind::Data);
    let found: Vec<_> = error.reports.iter().map(|r| r.found.clone().unwrap()).collect();
    assert_eq!(found, ["close: numbers", "ticker: text"]);
    assert_eq!(error.reports[1].expected.as_deref(), Some("ticker: numbers"));
    assert_eq!(error.reports[0].place.as_deref(), file.to_str());
}

#[tokio::test]
async fn nothing_there_no_rows_and_half_a_file_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let error = refused(&source(dir.path())).await;
    assert_eq!(error.reports[0].title, "the source has no file");
    let error = refused(&source(&dir.path().join("none.parquet"))).await;
    assert_eq!(error.reports[0].title, "the source has no file");

    let file = dir.path().join("p.parquet");
    write_ticker(&file, "A", 0, 0);
    assert_eq!(refused(&source(&file)).await.reports[0].title, "the source has no rows");

    write_ticker(&file, "A", 0, 100);
    let whole = fs::read(&file).unwrap();
    for (half, title) in [
        (&whole[..whole.len() / 2], "the Parquet file is cut off"),
        (&whole[..0], "the file is empty"),
        (b"ticker,date".as_slice(), "this is not a Parquet file"),
    ] {
        fs::write(&file, half).unwrap();
        let error = refused(&source(dir.path())).await;
        assert_eq!((error.kind, error.reports.len()), (Kind::Data, 1));
        assert_eq!(error.reports[0].title, title);
        assert_eq!(error.reports[0].place.as_deref(), file.to_str());
    }
}

#[tokio::test]
async fn rows_are_numbered_only_in_one_series() {
    let dir = TempDir::new().unwrap();
    write_ticker(&dir.path().join("p.parquet"), "A", 0, 1);
    let mut wanted = source(dir.path());
    wanted.columns.ts = None;
    assert_eq!(
        refused(&wanted).await.reports[0].title,
        "a source with a ticker column has no time column"
    );
}

#[tokio::test]
async fn a_false_promise_of_order_is_found() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("p.parquet");
    let columns = |tickers: [&str; 3], days: [i32; 3]| -> Vec<(&str, ArrayRef)> {
        vec![
            ("ticker", Arc::new(StringArray::from(tickers.to_vec()))),
            ("date", Arc::new(Date32Array::from(days.to_vec()))),
            ("close", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))),
        ]
    };
    for (tickers, days) in [(["A", "A", "A"], [2, 1, 3]), (["A", "B", "A"], [1, 1, 2])] {
        write(&file, columns(tickers, days));
        let context = session_of(8192);
        register(&context, &source(&file)).await.unwrap();
        let error = inspect(&context).await.unwrap_err();
        assert!(error.reports[0].title.contains("is not sorted"), "{error}");
        let unsorted = Source { sorted: false, ..source(&file) };
        register(&context, &unsorted).await.unwrap();
        assert_eq!(inspect(&context).await.unwrap().tickers[0].ticker, "A");
    }
}
