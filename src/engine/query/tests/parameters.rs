//! `$name`s get values of the type that the query needs.

use super::*;

async fn asked(query: &str, given: &[(&str, &str)]) -> Result<String> {
    let root = root();
    put(
        root.path(),
        "events/pipeline=0005/year=2025/part-00000.parquet",
        vec![
            ("start_date", Arc::new(Date32Array::from(vec![20_000, 20_001])) as ArrayRef),
            ("n_points", Arc::new(Int32Array::from(vec![7, 8]))),
            ("ticker", texts(&["0005", "7"])),
            ("ratio", numbers(&[Some(1.5), Some(7.0)])),
            ("start_ts", instants(&[0, 3_600_000_000])),
        ],
    );
    let catalog = open(root.path()).await;
    let given: Vec<(String, String)> =
        given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let values = Values::Text(&given);
    let asked = Asked { query, values, format: OutputFormat::Csv, rows_max: None };
    let mut out = Vec::new();
    catalog.answer_asked(asked, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn a_value_becomes_what_its_place_needs() {
    for (place, value, ticker) in [
        // 2024-10-05 is day 20,001.
        ("start_date = $x", "2024-10-05", "7"),
        ("start_date BETWEEN $x AND $x", "2024-10-04", "0005"),
        ("n_points >= $x", "8", "7"),
        ("ratio < $x", "2", "0005"),
        ("ticker = $x", "7", "7"),
        ("ticker = $x", "0005", "0005"),
        ("start_ts > $x", "1970-01-01T00:30:00Z", "7"),
        ("ticker IN ($x, 'none')", "0005", "0005"),
        ("n_points = CAST($x AS INT) + 1", "7", "7"),
        ("start_date = CAST($x AS DATE)", "2024-10-05", "7"),
        // Where nothing says what it is, what looks like a number with its zeros or in powers of ten is text.
        ("concat(ticker, '') = concat($x, '')", "0005", "0005"),
        ("concat(n_points, ticker) = concat($x, ticker)", "8", "7"),
    ] {
        let query = format!("SELECT ticker FROM events WHERE {place}");
        let answer = asked(&query, &[("x", value)]).await.unwrap();
        assert_eq!(answer, format!("ticker\n{ticker}\n"), "{place}");
    }
    let first = "SELECT ticker FROM events ORDER BY ticker LIMIT $n";
    assert_eq!(asked(first, &[("n", "1")]).await.unwrap(), "ticker\n0005\n");
}

#[tokio::test]
async fn a_value_is_never_sql() {
    let hostile = "x' OR '1' = '1";
    let query = "SELECT count(*) AS n FROM events WHERE ticker = $t";
    assert_eq!(asked(query, &[("t", hostile)]).await.unwrap(), "n\n0\n");
}

#[tokio::test]
async fn values_that_do_not_fit_are_told() {
    for (query, given, told) in [
        (
            "SELECT 1 FROM events WHERE start_date > $day",
            ("day", "yesterday"),
            "error: the value of `$day` does not fit\n  expected  a date such as 2026-02-11, by where it \
             stands in the query\n  found     yesterday\n  hint: give another: `--param day=…`; or CAST($day AS …) there",
        ),
        (
            "SELECT 1 FROM events WHERE n_points > $points",
            ("pionts", "1"),
            "error: the query has no `$pionts`\n  expected  values for $points\n  found     --param pionts=…\n  \
             hint: did you mean `points`?",
        ),
        (
            "SELECT 1",
            ("x", "1"),
            "error: the query has no `$x`\n  expected  a query without parameters takes none\n  found     --param x=…",
        ),
    ] {
        assert_eq!(asked(query, &[given]).await.unwrap_err().to_string(), told, "{query}");
    }
    let missing = asked("SELECT 1 FROM events WHERE ratio > $a AND ticker = $b", &[]).await;
    assert_eq!(
        missing.unwrap_err().to_string(),
        "error: no value for $a, $b\n  expected  a value for every $name of the query\n  hint: add `--param a=…`"
    );
}
