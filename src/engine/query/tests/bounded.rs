//! What functions that make much of little may make of a row.

use datafusion::error::DataFusionError;

use super::*;

#[tokio::test]
async fn what_fits_into_64_kib_a_row_is_made_and_one_more_is_not() {
    let root = root();
    let catalog = open(root.path()).await;
    for (most, answer, more) in [
        ("length(repeat('x', 65536))", "65536", "length(repeat('x', 65537))"),
        ("length(repeat('ä', 32768))", "32768", "length(repeat('ä', 32769))"),
        ("length(lpad('7', 16384, '0'))", "16384", "length(lpad('7', 16385, '0'))"),
        ("length(rpad('7', 16384))", "16384", "length(rpad('7', 16385))"),
        ("array_length(range(8191))", "8191", "array_length(range(8192))"),
        ("array_length(range(5, 8196))", "8191", "array_length(range(5, 8197))"),
        (
            "array_length(generate_series(0, -8191, -1))",
            "8192",
            "array_length(generate_series(0, -8192, -1))",
        ),
        (
            "array_length(range(DATE '2000-01-01', DATE '2022-06-01', INTERVAL '1 day'))",
            "8187",
            "array_length(range(DATE '2000-01-01', DATE '2022-07-01', INTERVAL '1 day'))",
        ),
        (
            "array_length(range(TIMESTAMP '2000-01-01', TIMESTAMP '2000-01-01T02:16:31', INTERVAL '1 second'))",
            "8191",
            "array_length(range(TIMESTAMP '2000-01-01', TIMESTAMP '2000-01-01T02:16:32', INTERVAL '1 second'))",
        ),
    ] {
        assert_eq!(csv(&catalog, &format!("SELECT {most} AS n")).await, format!("n\n{answer}\n"));
        let error = refused(&catalog, &format!("SELECT {more} AS n")).await;
        assert_eq!(
            (error.kind, error.reports[0].title.as_str()),
            (Kind::Config, "the query failed")
        );
        let found = error.reports[0].found.as_deref().unwrap();
        assert!(found.contains("makes at most 65536 bytes of a row, not 6"), "{more}: {found}");
    }
}

#[tokio::test]
async fn the_longest_row_counts_and_what_is_null_or_goes_the_other_way_makes_nothing() {
    let root = root();
    let catalog = open(root.path()).await;
    let query = |times: &str| {
        format!("SELECT max(length(repeat(ticker, {times}))) AS n FROM errors WHERE year = 2025")
    };
    // The longest ticker has four letters.
    assert_eq!(csv(&catalog, &query("16384")).await, "n\n65536\n");
    refused(&catalog, &query("year * 10")).await;
    for (expression, answer) in [
        ("repeat('x', CAST(NULL AS BIGINT))", "\"\""),
        ("repeat('x', -5)", "\"\""),
        ("array_length(range(1000000000, 0))", "0"),
        ("array_length(range(0, 1000000000, -1))", "0"),
        (
            "array_length(range(-9223372036854775807, 9223372036854775807, 4611686018427387904))",
            "4",
        ),
    ] {
        let answer = format!("n\n{answer}\n");
        assert_eq!(
            csv(&catalog, &format!("SELECT {expression} AS n")).await,
            answer,
            "{expression}"
        );
    }
    // Both ways at once may be a step of nothing.
    let both = "range(DATE '2000-01-01', DATE '2001-01-01', INTERVAL '1 month -28 days')";
    refused(&catalog, &format!("SELECT {both} AS n")).await;
    for gone in ["array_repeat(1, 2)", "array_resize([1], 2, 0)", "list_repeat(1, 2)"] {
        let error = refused(&catalog, &format!("SELECT {gone} AS n")).await;
        assert!(error.reports[0].title.starts_with("no function "), "{:?}", error.reports[0]);
    }
}

#[test]
fn more_on_disk_than_a_query_may_put_there_is_told_as_too_much_memory() {
    let words = "The used disk space during the spilling process has exceeded the allowable limit of 512.0 MB.";
    let cause = DataFusionError::IoError(std::io::Error::other(words));
    let error = message::report(cause, message::Known::default());
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.reports[0].title, "the query needs more memory");
}
