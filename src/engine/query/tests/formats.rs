//! How answers are written.

use super::*;

pub(super) const ALL: [OutputFormat; 6] = [
    OutputFormat::Table,
    OutputFormat::Markdown,
    OutputFormat::Csv,
    OutputFormat::Json,
    OutputFormat::JsonLines,
    OutputFormat::Parquet,
];

const TWO_ROWS: &str = "SELECT * FROM (VALUES ('a', 1.5, TIMESTAMP '2020-01-31 09:30:00', \
                        DATE '2020-01-31'), ('b\x1b', NULL, NULL, NULL)) AS t(name, x, at, day)";

async fn written(format: OutputFormat) -> Vec<u8> {
    let root = tempfile::tempdir().unwrap();
    let catalog = open(root.path()).await;
    let mut out = Vec::new();
    let n_rows = catalog.answer(TWO_ROWS, format, &mut out).await.unwrap();
    assert_eq!(n_rows, 2);
    out
}

#[tokio::test]
async fn csv_leaves_null_empty_and_keeps_every_character() {
    let text = String::from_utf8(written(OutputFormat::Csv).await).unwrap();
    assert_eq!(text, "name,x,at,day\na,1.5,2020-01-31T09:30:00,2020-01-31\nb\u{1b},,,\n");
}

#[tokio::test]
async fn json_lines_are_one_object_a_line_with_nulls() {
    let text = String::from_utf8(written(OutputFormat::JsonLines).await).unwrap();
    assert_eq!(
        text,
        "{\"name\":\"a\",\"x\":1.5,\"at\":\"2020-01-31T09:30:00\",\"day\":\"2020-01-31\"}\n\
         {\"name\":\"b\\u001b\",\"x\":null,\"at\":null,\"day\":null}\n"
    );
}

#[tokio::test]
async fn a_table_is_aligned_and_safe_for_a_terminal() {
    let text = String::from_utf8(written(OutputFormat::Table).await).unwrap();
    assert_eq!(
        text,
        "name       x  at                   day\n\
         -------  ---  -------------------  ----------\n\
         a        1.5  2020-01-31T09:30:00  2020-01-31\n\
         b\\u{1b}\n"
    );
}

#[tokio::test]
async fn parquet_comes_back() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&written(OutputFormat::Parquet).await).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 2);
}

#[tokio::test]
async fn instants_of_tables_end_in_z_and_lists_are_written() {
    let root = root();
    put_run(root.path(), "0005", "a", COMPLETE, 1_000_000, &["m1", "m2"]);
    let catalog = open(root.path()).await;
    let query = "SELECT started_at, model_ids FROM runs";
    assert_eq!(
        csv(&catalog, query).await,
        "started_at,model_ids\n1970-01-01T00:00:01Z,\"[m1, m2]\"\n"
    );
    let mut out = Vec::new();
    catalog.answer(query, OutputFormat::JsonLines, &mut out).await.unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"started_at\":\"1970-01-01T00:00:01Z\",\"model_ids\":[\"m1\",\"m2\"]}\n"
    );
}

#[tokio::test]
async fn a_long_table_is_cut_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let catalog = open(root.path()).await;
    let mut out = Vec::new();
    let query = "SELECT value FROM generate_series(1, 10001)";
    let n_rows = catalog.answer(query, OutputFormat::Table, &mut out).await.unwrap();
    assert_eq!(n_rows, TABLE_ROWS_MAX);
    assert!(String::from_utf8(out).unwrap().contains("cut after 10000 rows"));
    let n_rows = catalog.answer(query, OutputFormat::Csv, &mut Vec::new()).await.unwrap();
    assert_eq!(n_rows, 10_001);
}

#[tokio::test]
async fn json_is_one_array_and_an_empty_one_where_there_is_no_row() {
    let rows: serde_json::Value =
        serde_json::from_slice(&written(OutputFormat::Json).await).unwrap();
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    assert_eq!(rows[0]["day"], "2020-01-31");
    assert_eq!(rows[1]["x"], serde_json::Value::Null);
    let root = root();
    let mut out = Vec::new();
    let none = "SELECT ticker FROM errors WHERE false";
    open(root.path()).await.answer(none, OutputFormat::Json, &mut out).await.unwrap();
    assert_eq!(out, b"[]\n");
}

#[tokio::test]
async fn markdown_takes_no_cell_for_more_than_text() {
    let catalog = open(root().path()).await;
    let mut out = Vec::new();
    let query = "SELECT 'a|b' AS \"n_1\", 2.5 AS x UNION ALL SELECT '<i>*[\\' , NULL ORDER BY x";
    catalog.answer(query, OutputFormat::Markdown, &mut out).await.unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "| n\\_1 | x |\n| --- | ---: |\n| a\\|b | 2.5 |\n| &lt;i>\\*\\[\\\\ |  |\n"
    );
}

#[tokio::test]
async fn a_limit_cuts_every_format_and_exactly_as_many_rows_are_no_cut() {
    let catalog = open(root().path()).await;
    for (n, expected) in [(3, None), (4, Some(3))] {
        let query = format!("SELECT value FROM generate_series(1, {n})");
        for format in ALL {
            let values = Values::Bound(&[]);
            let asked = Asked { query: &query, values, format, rows_max: Some(3) };
            let mut out = Vec::new();
            let written = catalog.answer_asked(asked, &mut out).await.unwrap();
            let expected = Written { n_rows: 3, cut_after: expected };
            assert_eq!(written, expected, "{format:?}");
        }
    }
}

#[tokio::test]
async fn what_fails_on_the_way_leaves_nothing_that_looks_like_an_answer() {
    let root = root();
    let catalog = open(root.path()).await;
    // The first row comes, the second cannot be computed; batches of one row.
    let query = "SELECT 1 AS x UNION ALL SELECT 1 / (value - 1) FROM generate_series(1, 1)";
    let mut out = Vec::new();
    let error = catalog.answer(query, OutputFormat::Csv, &mut out).await.unwrap_err();
    assert_eq!(error.reports[0].title, "the query failed");
    assert_eq!(String::from_utf8(out).unwrap(), "");
}

#[test]
fn formats_are_known_by_name() {
    assert_eq!("json".parse::<OutputFormat>().unwrap(), OutputFormat::Json);
    assert_eq!("jsonl".parse::<OutputFormat>().unwrap(), OutputFormat::JsonLines);
    assert_eq!("xml".parse::<OutputFormat>().unwrap_err().kind, Kind::Config);
}
