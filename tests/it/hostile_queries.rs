//! Queries that would write, read elsewhere, or never end: each is refused, or stopped by `--timeout` or `--memory`.
//!
//! Nothing here measures time or memory: a query that is not bounded would not end, or end otherwise. What was
//! there before is there afterwards, bit for bit, and nothing else.

use std::thread;

use crate::market::{closes, csv};
use crate::readme::shell;
use crate::workshop::{Ran, Workshop};

/// How a query must end.
#[derive(Debug)]
enum Expected {
    /// With code 78 and this message, before anything is read.
    Refused(&'static str),
    /// With code 75, for its time.
    Late,
    /// With code 78, for its memory.
    Large,
    /// With 75 or with 78, for its memory, whichever bound it meets first.
    LateOrLarge,
    /// With this answer: it looks worse than it is.
    Answered(String),
}

use Expected::{Answered, Large, Late, LateOrLarge, Refused};

const READ_ONLY: &str = "error: a query may only read\n";
const TOO_LONG: &str = "error: the query is too long\n";
const LATE: &str = "error: the query takes too long\n";
const LARGE: &str = "error: the query needs more memory\n";
const SEVERAL: &str = "error: more than one query\n";
const UNPLANNED: &str = "error: the query cannot be planned\n";
const FAILED: &str = "error: the query failed\n";
const INVALID: &str = "error: the query is not valid SQL\n";

/// That it writes, changes how others are answered, or hides that it does.
fn writing() -> Vec<(String, Expected)> {
    let refused = [
        ("INSERT INTO errors_all SELECT * FROM errors_all", READ_ONLY),
        ("UPDATE errors_all SET score = 0", READ_ONLY),
        ("DELETE FROM errors_all", READ_ONLY),
        ("DROP VIEW errors", READ_ONLY),
        ("CREATE OR REPLACE VIEW errors AS SELECT 1 AS score", READ_ONLY),
        ("CREATE TABLE stolen AS SELECT * FROM errors", READ_ONLY),
        ("COPY errors TO 'stolen.parquet' STORED AS PARQUET", READ_ONLY),
        ("COPY (SELECT * FROM errors) TO 'stolen.csv' STORED AS CSV", READ_ONLY),
        ("EXPLAIN ANALYZE COPY errors TO 'stolen.parquet' STORED AS PARQUET", READ_ONLY),
        ("EXPLAIN ANALYZE INSERT INTO errors_all SELECT * FROM errors_all", READ_ONLY),
        ("SET datafusion.execution.batch_size = 1", READ_ONLY),
        ("RESET datafusion.execution.batch_size", READ_ONLY),
        ("START TRANSACTION", READ_ONLY),
        ("PREPARE p AS DELETE FROM errors_all", READ_ONLY),
        ("SELECT 1; DROP TABLE errors_all", SEVERAL),
        ("SELECT 1 -- it seems\n; DELETE FROM errors_all", SEVERAL),
        ("/* SELECT 1; */ DELETE /* ; -- */ FROM errors_all -- ; SELECT 1", READ_ONLY),
        ("WITH gone AS (DELETE FROM errors_all RETURNING *) SELECT * FROM gone", UNPLANNED),
    ];
    refused.into_iter().map(|(query, told)| (query.to_owned(), Refused(told))).collect()
}

/// That it reads what is no table of this root.
fn reading() -> Vec<(String, Expected)> {
    let refused = [
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", READ_ONLY),
        (
            "SELECT * FROM read_parquet('prices/prices.parquet')",
            "error: no table function `read_parquet`\n",
        ),
        ("SELECT * FROM read_csv('/etc/passwd')", "error: no table function `read_csv`\n"),
        ("SELECT * FROM '/etc/passwd'", "error: no table `/etc/passwd`\n"),
        ("SELECT * FROM \"prices/prices.parquet\"", "error: no table `prices/prices.parquet`\n"),
        (
            "SELECT * FROM 's3://elsewhere/tables/x.parquet'",
            "error: no table `s3://elsewhere/tables/x.parquet`\n",
        ),
        ("SELECT read_file('/etc/passwd')", "error: no function `read_file`\n"),
        ("SELECT * FROM information_schema.tables, prices", "error: no table `prices`\n"),
    ];
    refused.into_iter().map(|(query, told)| (query.to_owned(), Refused(told))).collect()
}

/// That it has no end, or one that nobody lives to see.
fn endless() -> Vec<(String, Expected)> {
    let plan = (1..40).fold("WITH q0 AS (SELECT 1 AS x)".to_owned(), |query, level| {
        format!("{query}, q{level} AS (SELECT a.x FROM q{0} AS a, q{0} AS b)", level - 1)
    });
    vec![
        ("SELECT count(*) FROM generate_series(1, 1000000000000)".into(), Late),
        (
            "SELECT count(*) FROM errors a, errors b, errors c WHERE a.score + b.score < c.score".into(),
            Late,
        ),
        (
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n".into(),
            Late,
        ),
        (
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT a.i FROM n AS a, \
             generate_series(1, 1000) AS b) SELECT count(*) FROM n"
                .into(),
            LateOrLarge,
        ),
        (
            "SELECT value FROM generate_series(1, 1000000000000) ORDER BY value % 1000003 DESC".into(),
            LateOrLarge,
        ),
        ("SELECT DISTINCT a.score * b.score FROM errors a, errors b".into(), Large),
        (format!("{plan} SELECT count(*) FROM q39"), LateOrLarge),
    ]
}

/// That it is too much at once.
fn large() -> Vec<(String, Expected)> {
    let list = vec!["'AAA'"; 100_000].join(",");
    let sum = |n: usize| format!("SELECT {}1 AS n", "1 + ".repeat(n));
    // Each level is twice the one before, and DISTINCT keeps the levels apart.
    let doubled = (1..40).fold("WITH q0 AS (SELECT 'x' AS s)".to_owned(), |query, level| {
        format!("{query}, q{level} AS (SELECT DISTINCT s || s AS s FROM q{})", level - 1)
    });
    let pattern = "((((a{99}){99}){99}){99}){99}";
    let schemas = "SELECT DISTINCT table_schema FROM information_schema.tables \
                   WHERE table_schema <> 'information_schema'";
    vec![
        ("SELECT repeat('x', 1000000000)".into(), Refused(FAILED)),
        ("SELECT max(repeat(ticker, n_windows * 100000)) FROM errors".into(), Refused(FAILED)),
        ("SELECT repeat(repeat(repeat('x', 60000), 60000), 60000)".into(), Refused(FAILED)),
        ("SELECT max(lpad(ticker, 1000000)) FROM errors".into(), Refused(FAILED)),
        ("SELECT range(1, 1000000000)".into(), Refused(FAILED)),
        ("SELECT range(DATE '0001-01-01', DATE '9999-01-01', INTERVAL '1 day')".into(), Refused(FAILED)),
        (
            "SELECT repeat('ab', 3) AS a, lpad('7', 3, '0') AS b, sum(x) AS c FROM (SELECT unnest(range(1, 8000)) AS x)"
                .into(),
            Answered("a,b,c\nababab,007,31996000\n".into()),
        ),
        (
            "SELECT array_repeat(1, 1000000000)".into(),
            Refused("error: no function `array_repeat`\n"),
        ),
        (format!("{doubled} SELECT length(s) FROM q39"), LateOrLarge),
        (format!("SELECT max(concat(ticker, '{}')) FROM errors", "x".repeat(1 << 20)), LateOrLarge),
        ("SELECT array_agg(a.score) FROM errors a, errors b".into(), LateOrLarge),
        (format!("SELECT length('{}') AS n", "x".repeat(1 << 20)), Answered("n\n1048576\n".into())),
        (format!("SELECT length('{}') AS n", "x".repeat(3 << 20)), Refused(TOO_LONG)),
        (format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)), Refused(INVALID)),
        (format!("SELECT {}true", "NOT ".repeat(3_000)), Refused(INVALID)),
        (sum(200), Answered("n\n201\n".into())),
        (sum(100_000), Refused(TOO_LONG)),
        (format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(2_000)), Refused(TOO_LONG)),
        (
            format!("SELECT count(*) AS n FROM errors WHERE model = 'ewma' AND ticker IN ({list})"),
            Answered("n\n1826\n".into()),
        ),
        (
            format!("SELECT count(*) AS n FROM errors WHERE ticker ~ '{pattern}'"),
            Refused(FAILED),
        ),
        (
            // Exponential to an engine that goes back; this one does not.
            format!("SELECT '{}!' ~ '^(a+)+$' AS b", "a".repeat(10_000)),
            Answered("b\nfalse\n".into()),
        ),
        (schemas.into(), Answered("table_schema\npublic\n".into())),
    ]
}

#[test]
fn hostile_queries_are_refused_or_bounded_and_change_nothing() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    let before = workshop.out();
    let queries: Vec<(String, Expected)> =
        [writing(), reading(), endless(), large()].into_iter().flatten().collect();
    assert!(queries.len() >= 24);
    for (number, (query, _)) in queries.iter().enumerate() {
        workshop.write(&format!("q{number}.sql"), query);
    }
    // A few at a time: those that are stopped by the clock only wait.
    let numbers: Vec<usize> = (0..queries.len()).collect();
    let wrong: Vec<String> = thread::scope(|scope| {
        let lanes: Vec<_> = numbers
            .chunks(numbers.len().div_ceil(4))
            .map(|lane| {
                scope.spawn(|| {
                    lane.iter()
                        .filter_map(|n| wrong(&workshop, *n, &queries[*n]))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(workshop.out() == before, "the output is as it was");
    for stolen in ["stolen.parquet", "stolen.csv"] {
        assert!(!workshop.path(stolen).exists(), "{stolen}");
    }
}

/// What is wrong with how a query ended.
fn wrong(
    workshop: &Workshop,
    number: usize,
    (query, expected): &(String, Expected),
) -> Option<String> {
    let file = format!("q{number}.sql");
    // Nothing but what has no end is to meet the clock, however busy the machine.
    let is_endless = matches!(expected, Late | LateOrLarge);
    let timeout = if is_endless { "1" } else { "120" };
    let bounds = format!("--timeout {timeout} --memory 256MiB");
    // One that no bound stops ends with 124, instead of never.
    let command = format!("timeout 180 oddlot sql -p job.toml -f {file} {bounds} --format csv");
    let ran = Ran::from(shell(workshop, &command).output().unwrap());
    let ends = |code: i32, told: &str| ran.code == Some(code) && ran.stderr.starts_with(told);
    let is_right = match expected {
        Refused(told) => ends(78, told) && ran.stdout.is_empty(),
        Late => ends(75, LATE),
        Large => ends(78, LARGE),
        LateOrLarge => ends(75, LATE) || ends(78, LARGE),
        Answered(answer) => ran.code == Some(0) && ran.stdout == *answer,
    };
    let Ran { code, stdout, stderr } = &ran;
    let start = |text: &str| text.chars().take(300).collect::<String>();
    (!is_right).then(|| {
        let query = start(query);
        format!(
            "{query}\n  expected {expected:?}\n  ended with {code:?}\n{}\n{}",
            start(stdout),
            start(stderr)
        )
    })
}
