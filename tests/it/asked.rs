//! `oddlot sql` as it is asked: formats, parameters, limits, files, commands, a pipeline by its name.

use serde_json::{Value, json};

use crate::market::{closes, csv};
use crate::workshop::{Ran, Workshop};

const QUERY: &str = "SELECT ticker, count(*) AS n FROM errors WHERE trade_date >= $from AND model = $model \
                     GROUP BY ticker ORDER BY ticker";

fn workshop() -> Workshop {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    workshop
}

fn asked(workshop: &Workshop, more: &[&str]) -> Ran {
    workshop.oddlot(&[&["sql", "-p", "job.toml"], more].concat())
}

#[test]
fn a_question_is_asked_with_parameters_in_every_format_and_a_cut_answer_says_so() {
    let workshop = workshop();
    // 2016-12-30 is a Friday; weekdays from the 28th are three.
    let parameters = ["--param", "from=2016-12-28", "--param", "model=ewma", QUERY];
    let in_format =
        |format: &str| asked(&workshop, &[&["--format", format], &parameters[..]].concat()).ok();
    assert_eq!(
        in_format("table").stdout,
        "ticker  n\n------  -\n0005    3\nAAA     3\nTRUE    3\n"
    );
    assert_eq!(in_format("csv").stdout, "ticker,n\n0005,3\nAAA,3\nTRUE,3\n");
    let rows =
        json!([{"ticker": "0005", "n": 3}, {"ticker": "AAA", "n": 3}, {"ticker": "TRUE", "n": 3}]);
    assert_eq!(serde_json::from_str::<Value>(&in_format("json").stdout).unwrap(), rows);
    let lines = in_format("jsonl").stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::from(lines), rows);
    let markdown = "| ticker | n |\n| --- | ---: |\n| 0005 | 3 |\n| AAA | 3 |\n| TRUE | 3 |\n";
    assert_eq!(in_format("markdown").stdout, markdown);

    // Cut by --limit: code 1, told on stderr, and in what is for eyes in the answer too.
    for (format, last) in [
        ("csv", "AAA,3"),
        ("table", "… cut after 2 rows; --format csv, json, jsonl or parquet gives all rows"),
    ] {
        let cut =
            asked(&workshop, &[&["--limit", "2", "--format", format], &parameters[..]].concat())
                .ends_with(1);
        assert_eq!(cut.stdout.lines().last(), Some(last));
        assert!(
            cut.stderr.starts_with("warning: the answer is cut after 2 rows; there are more\n"),
            "{}",
            cut.stderr
        );
        assert!(cut.stderr.contains("`--limit 0` gives all"), "{}", cut.stderr);
    }
    let whole = asked(&workshop, &[&["--limit", "3"], &parameters[..]].concat()).ok();
    assert_eq!((whole.stdout.lines().count(), whole.stderr.as_str()), (5, ""));
    // By default a table is for eyes; what is for programs is whole.
    let all = "SELECT ticker FROM errors";
    asked(&workshop, &[all]).ends_with(1);
    assert_eq!(
        asked(&workshop, &["--format", "csv", all]).ok().stdout.lines().count(),
        1 + 3 * 1826 * 5
    );
    assert_eq!(
        asked(&workshop, &["--limit", "0", all]).ok().stdout.lines().count(),
        2 + 3 * 1826 * 5
    );

    // Values are bound as what they are needed as, or refused by name.
    let wrong =
        asked(&workshop, &["--param", "from=soon", "--param", "model=ewma", QUERY]).ends_with(78);
    assert!(
        wrong.stderr.starts_with("error: the value of `$from` does not fit\n"),
        "{}",
        wrong.stderr
    );
    let missing = asked(&workshop, &["--param", "from=2016-01-01", QUERY]).ends_with(2);
    assert!(missing.stderr.starts_with("error: no value for $model\n"), "{}", missing.stderr);
    let unknown = asked(&workshop, &["--param", "x=1", "SELECT 1"]).ends_with(2);
    assert!(unknown.stderr.starts_with("error: the query has no `$x`\n"), "{}", unknown.stderr);
}

#[test]
fn a_pipeline_by_its_name_is_asked_by_file_by_question_by_command_and_by_pipe() {
    let workshop = workshop();
    workshop.write("q.sql", "SELECT count(*) AS n\nFROM errors -- all of them\n");
    let n = "n\n27390\n";
    assert_eq!(asked(&workshop, &["-f", "q.sql", "--format", "csv"]).ok().stdout, n);
    // As with a query that comes by a pipe.
    let mut piped = workshop.command(&["sql", "job.toml", "--format", "csv"]);
    piped.stdin(std::fs::File::open(workshop.path("q.sql")).unwrap());
    assert_eq!(Ran::from(piped.output().unwrap()).ok().stdout, n);
    let question = workshop
        .oddlot(&["sql", "job.toml", "--question", "stale_tickers", "--format", "csv"])
        .ok();
    assert_eq!(question.stdout, "pipeline,ticker,last_day,newest_day,n_missed\n");
    let listed = workshop.oddlot(&["sql", "--question"]).ok().stdout;
    assert!(listed.contains("stale_tickers        tickers whose rows end before"), "{listed}");
    assert!(listed.contains("  --param sessions=5  least number of sessions"), "{listed}");
    let unknown = workshop.oddlot(&["sql", "job.toml", "--question", "stale_tikers"]).ends_with(2);
    assert!(unknown.stderr.contains("hint: did you mean `stale_tickers`?"), "{}", unknown.stderr);

    let tables = asked(&workshop, &["--format", "csv", r"\d"]).ok().stdout;
    assert!(
        tables.starts_with("table,each_row\n") && tables.contains("events,\"flagged rows"),
        "{tables}"
    );
    for table in tables.lines().skip(1).map(|line| line.split_once(',').unwrap().0) {
        let described =
            asked(&workshop, &["--format", "jsonl", &format!(r"\d {table}")]).ok().stdout;
        for line in described.lines() {
            let column: Value = serde_json::from_str(line).unwrap();
            assert!(!column["means"].as_str().unwrap().is_empty(), "{table}: {line}");
        }
        assert!(described.lines().count() > 5, "{table}: {described}");
    }
}
