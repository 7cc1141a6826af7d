mod bounded;
mod formats;
mod parameters;

use std::fs;
use std::io::Write;
use std::path::Path;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::error::Kind;
use crate::parquet_format::encode;

fn put(root: &Path, path: &str, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = root.join("tables").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, encode(&batch, &[], &[]).unwrap()).unwrap();
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn instants(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
}

/// One row of `errors` for each ticker, all of one model.
fn put_errors(root: &Path, cell: &str, tickers: &[&str], model_id: &str) {
    let columns = vec![
        ("ticker", texts(tickers)),
        ("ts", instants(&vec![0; tickers.len()])),
        ("model_id", texts(&vec![model_id; tickers.len()])),
        ("score", numbers(&vec![Some(0.5); tickers.len()])),
    ];
    put(root, &format!("errors/{cell}/part-00000.parquet"), columns);
}

fn put_run(root: &Path, pipeline: &str, id: &str, status: &str, started: i64, models: &[&str]) {
    let mut ids =
        datafusion::arrow::array::ListBuilder::new(datafusion::arrow::array::StringBuilder::new());
    ids.append_value(models.iter().map(Some));
    let ids: ListArray = ids.finish();
    let columns = vec![
        ("run_id", texts(&[id])),
        ("status", texts(&[status])),
        ("started_at", instants(&[started])),
        ("model_ids", Arc::new(ids) as ArrayRef),
    ];
    put(root, &format!("runs/pipeline={pipeline}/year=2026/run-{id}.parquet"), columns);
}

/// Two years of one pipeline; the later one was left by a run that did not complete.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    put_errors(root.path(), "pipeline=0005/year=2025", &["0005", "NA", "TRUE"], "old");
    put_errors(root.path(), "pipeline=0005/year=2026", &["1E5"], "new");
    put_errors(root.path(), "pipeline=0005/year=2024", &[], "old");
    root
}

async fn open(root: &Path) -> Catalog {
    Catalog::open(&SessionContext::new(), root.to_str().unwrap()).await.unwrap()
}

async fn csv(catalog: &Catalog, query: &str) -> String {
    let mut out = Vec::new();
    catalog.answer(query, OutputFormat::Csv, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

async fn refused(catalog: &Catalog, query: &str) -> Error {
    let mut out = Vec::new();
    catalog.answer(query, OutputFormat::Csv, &mut out).await.unwrap_err()
}

#[tokio::test]
async fn partition_columns_keep_their_types() {
    let root = root();
    let catalog = open(root.path()).await;
    let query = "SELECT ticker, pipeline, year, arrow_typeof(pipeline), arrow_typeof(year) \
                 FROM errors ORDER BY ticker";
    assert_eq!(
        csv(&catalog, query).await,
        "ticker,pipeline,year,arrow_typeof(errors.pipeline),arrow_typeof(errors.year)\n\
         0005,0005,2025,Utf8,Int32\n1E5,0005,2026,Utf8,Int32\n\
         NA,0005,2025,Utf8,Int32\nTRUE,0005,2025,Utf8,Int32\n"
    );
    assert_eq!(catalog.tables(), ["errors"]);
}

#[tokio::test]
async fn a_cell_table_shows_the_last_complete_run_and_all_shows_every_row() {
    let root = root();
    put_run(root.path(), "0005", "a", COMPLETE, 1, &["older"]);
    put_run(root.path(), "0005", "b", COMPLETE, 2, &["old"]);
    put_run(root.path(), "0005", "c", "running", 3, &["new"]);
    let catalog = open(root.path()).await;
    assert_eq!(csv(&catalog, "SELECT count(*) AS n FROM errors").await, "n\n3\n");
    assert_eq!(csv(&catalog, "SELECT count(*) AS n FROM errors_all").await, "n\n4\n");
    assert_eq!(catalog.notes().len(), 0);
    // A ticker that failed costs the others nothing.
    put_run(root.path(), "0005", "d", PARTIAL, 4, &["new"]);
    let catalog = open(root.path()).await;
    assert_eq!(csv(&catalog, "SELECT ticker FROM errors").await, "ticker\n1E5\n");
}

#[tokio::test]
async fn a_model_counts_in_its_own_pipeline_only() {
    let root = root();
    put_errors(root.path(), "pipeline=other/year=2025", &["X"], "old");
    put_run(root.path(), "0005", "a", COMPLETE, 1, &["old"]);
    let catalog = open(root.path()).await;
    let query = "SELECT pipeline, count(*) AS n FROM errors GROUP BY pipeline";
    assert_eq!(csv(&catalog, query).await, "pipeline,n\n0005,3\n");
    let notes = ["pipeline other has no complete run: its rows are only in <table>_all"];
    assert_eq!(catalog.notes(), notes);
}

#[tokio::test]
async fn a_column_added_later_is_null_in_older_cells() {
    let root = root();
    let columns = vec![
        ("ticker", texts(&["Z"])),
        ("model_id", texts(&["new"])),
        ("percentile", numbers(&[Some(99.0)])),
    ];
    put(root.path(), "errors/pipeline=0005/year=2027/part-00000.parquet", columns);
    let catalog = open(root.path()).await;
    let query = "SELECT ticker, score, percentile FROM errors WHERE year >= 2026 ORDER BY ticker";
    assert_eq!(csv(&catalog, query).await, "ticker,score,percentile\n1E5,0.5,\nZ,,99.0\n");
}

#[tokio::test]
async fn whatever_is_not_reading_is_refused() {
    let root = root();
    let catalog = open(root.path()).await;
    let target = root.path().join("stolen");
    let target = target.display();
    for query in [
        format!("COPY errors TO '{target}' STORED AS PARQUET"),
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{target}'"),
        format!("EXPLAIN ANALYZE COPY errors TO '{target}' STORED AS PARQUET"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "INSERT INTO errors_all SELECT * FROM errors_all".to_owned(),
        "DELETE FROM errors_all".to_owned(),
        "UPDATE errors_all SET score = 1".to_owned(),
        "DROP TABLE errors_all".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
    ] {
        let error = refused(&catalog, &query).await;
        assert_eq!(error.kind, Kind::Config, "{query}");
        assert_eq!(error.reports[0].title, "a query may only read", "{query}: {error}");
    }
    assert!(!root.path().join("stolen").exists());
    assert_eq!(csv(&catalog, "SELECT count(*) AS n FROM errors_all").await, "n\n4\n");
}

#[tokio::test]
async fn a_file_named_in_from_is_no_table() {
    let root = root();
    let inside = root.path().join("tables/errors/pipeline=0005/year=2025/part-00000.parquet");
    // Even a caller's context that opens files named in FROM does not open them here.
    let generous = SessionContext::new().enable_url_table();
    let catalog = Catalog::open(&generous, root.path().to_str().unwrap()).await.unwrap();
    for file in ["/etc/passwd", "file:///etc/passwd", &inside.display().to_string()] {
        let error = refused(&catalog, &format!("SELECT * FROM '{file}'")).await;
        assert_eq!(error.reports[0].title, format!("no table `{file}`"));
    }
    for query in ["SELECT * FROM read_parquet('/etc/passwd')", "SELECT read_file('/etc/passwd')"] {
        refused(&catalog, query).await;
    }
}

#[tokio::test]
async fn tables_of_the_callers_context_are_not_seen() {
    let root = root();
    let context = SessionContext::new();
    let batch = RecordBatch::try_from_iter([("secret", texts(&["x"]))]).unwrap();
    context.register_batch("secrets", batch).unwrap();
    let catalog = Catalog::open(&context, root.path().to_str().unwrap()).await.unwrap();
    assert_eq!(
        refused(&catalog, "SELECT * FROM secrets").await.reports[0].title,
        "no table `secrets`"
    );
    assert!(context.table("errors").await.is_err(), "and ours are not put into it");
}

#[tokio::test]
async fn reading_in_its_other_forms_is_allowed() {
    let root = root();
    let catalog = open(root.path()).await;
    for query in [
        "WITH e AS (SELECT * FROM errors) SELECT count(*) FROM e",
        "EXPLAIN SELECT * FROM errors",
        "EXPLAIN ANALYZE SELECT * FROM errors",
        "SHOW TABLES",
        "DESCRIBE errors",
        "SHOW COLUMNS FROM errors",
        "SELECT 1;",
    ] {
        assert!(csv(&catalog, query).await.lines().count() > 1, "{query}");
    }
}

#[tokio::test]
async fn mistakes_are_told_with_what_there_is() {
    let root = root();
    let catalog = open(root.path()).await;
    for (query, told) in [
        (
            "SELECT * FROM eror",
            "error: no table `eror`\n  --> query:1:15\n  expected  one of the tables errors\n  \
             hint: did you mean `errors`?",
        ),
        (
            "SELECT * FROM events",
            "error: no table `events`\n  --> query:1:15\n  expected  one of the tables errors\n  \
             hint: no run has written that table yet",
        ),
        (
            "SELECT scor FROM errors",
            "error: no column `scor`\n  --> query:1:8\n  expected  one of the columns ticker, ts, \
             model_id, score, pipeline, year\n  hint: did you mean `score`?",
        ),
        (
            "SELECT score FROM errors WHERE",
            "error: the query is not valid SQL\n  expected  an expression\n  found     the end of the query",
        ),
        (
            "SELECT medain(score) FROM errors",
            "error: no function `medain`\n  --> query:1:8\n  expected  a function that SHOW FUNCTIONS lists\n  \
             hint: did you mean `median`?",
        ),
        (
            "SELECT score\nFROM errors LIMIT LIMIT 3",
            "error: the query is not valid SQL\n  --> query:2:25\n  expected  end of statement\n  \
             found     3",
        ),
        (
            "SELECT 1; SELECT 2",
            "error: more than one query\n  expected  one SELECT\n  found     several, parted by ;\n  hint: ask one at a time",
        ),
        (
            "",
            "error: no query\n  expected  one SQL query\n  found     nothing to do\n  hint: ask `SHOW TABLES` for what there is",
        ),
    ] {
        assert_eq!(refused(&catalog, query).await.to_string(), told, "{query}");
    }
}

#[tokio::test]
async fn a_mistake_met_while_reading_has_no_engine_prefix() {
    let root = root();
    let catalog = open(root.path()).await;
    let error = refused(&catalog, "SELECT CAST(ticker AS DOUBLE) FROM errors").await;
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.reports[0].title, "the query failed");
    let found = error.reports[0].found.clone().unwrap();
    assert!(found.contains("Cannot cast") && !found.contains("Arrow error"), "{found}");
}

#[tokio::test]
async fn an_empty_root_says_how_to_fill_it() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("not-yet");
    let catalog = open(&missing).await;
    assert!(catalog.tables().is_empty());
    let error = refused(&catalog, "SELECT * FROM errors").await;
    assert_eq!(error.reports[0].found.as_deref(), Some("none"));
    assert!(error.reports[0].hint.as_deref().unwrap().contains("oddlot run"));
}

#[tokio::test]
async fn a_damaged_file_is_named_with_its_table() {
    let root = root();
    let path = root.path().join("tables/errors/pipeline=0005/year=2025/part-00000.parquet");
    fs::write(path, "not Parquet at all").unwrap();
    let Err(error) = Catalog::open(&SessionContext::new(), root.path().to_str().unwrap()).await
    else {
        panic!("a damaged file was taken")
    };
    assert_eq!(error.kind, Kind::Data);
    assert_eq!(error.reports[0].title, "the table `errors` cannot be read");
}

#[tokio::test]
async fn files_out_of_place_are_told() {
    let root = root();
    put(root.path(), "errors/part-00000.parquet", vec![("ticker", texts(&["X"]))]);
    let catalog = open(root.path()).await;
    assert_eq!(catalog.notes(), ["errors: 1 files out of place are not read"]);
    assert_eq!(csv(&catalog, "SELECT count(*) AS n FROM errors").await, "n\n4\n");
}

#[tokio::test]
async fn a_root_with_glob_and_url_characters_is_taken_as_it_is() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().join("a*b?c [d] %20#é");
    put_errors(&root, "pipeline=p/year=2025", &["X"], "m");
    let catalog = open(&root).await;
    assert_eq!(csv(&catalog, "SELECT ticker FROM errors").await, "ticker\nX\n");
}

#[tokio::test]
async fn a_replaced_cell_is_seen_after_refresh() {
    let root = root();
    let mut catalog = open(root.path()).await;
    put_errors(root.path(), "pipeline=0005/year=2026", &["A", "B", "C"], "new");
    put_errors(root.path(), "pipeline=0005/year=2027", &["D"], "new");
    catalog.refresh().await.unwrap();
    assert_eq!(csv(&catalog, "SELECT count(*) AS n FROM errors").await, "n\n7\n");
}

/// A pipe whose reader has left.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

#[tokio::test]
async fn a_reader_that_went_away_is_no_error() {
    let root = root();
    let catalog = open(root.path()).await;
    for format in formats::ALL {
        let answer = catalog.answer("SELECT * FROM errors", format, &mut Closed).await;
        assert!(answer.is_ok(), "{format:?}: {answer:?}");
    }
}

const SAID: &str = "n\n4\ntable,each_row\n\
    errors,\"one row of prices as one model sees it: score, threshold, flagged or not\"\n\
    errors_all,the same with the rows of models other than those of the last complete run\n";

#[tokio::test]
async fn the_shell_takes_queries_over_lines_and_commands() {
    let root = root();
    let mut shell = Shell::new(open(root.path()).await, OutputFormat::Csv, None);
    let mut out = Vec::new();
    assert_eq!(shell.line("SELECT count(*) AS n", &mut out).await.unwrap(), Step::More);
    assert_eq!(shell.line("FROM errors;", &mut out).await.unwrap(), Step::Ready);
    assert_eq!(shell.line("\\d", &mut out).await.unwrap(), Step::Ready);
    assert_eq!(String::from_utf8(out).unwrap(), SAID);
    assert!(shell.line("SELEC;", &mut Vec::new()).await.is_err());
    assert!(shell.line(".nonsense", &mut Vec::new()).await.is_err());
    assert_eq!(shell.line("SELECT 1;", &mut Vec::new()).await.unwrap(), Step::Ready);
    let mut columns = Vec::new();
    shell.line("\\d errors", &mut columns).await.unwrap();
    let columns = String::from_utf8(columns).unwrap();
    let score = "score,Float64,causal score: the error of this row in units of its scale\n";
    assert!(columns.contains(score), "{columns}");
    assert!(columns.contains("year,Int32,year of trade_date\n"), "{columns}");
    let error = shell.line("\\d eror", &mut Vec::new()).await.unwrap_err();
    assert_eq!(error.reports[0].title, "no table `eror`");
    assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `errors`?"));
    assert_eq!(shell.line("\\q", &mut Vec::new()).await.unwrap(), Step::Quit);
}
