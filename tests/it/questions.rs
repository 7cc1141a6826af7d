//! The questions that are kept ready (`sql/questions`) have equal answers by `oddlot sql` and by DuckDB, which reads the
//! tables through what `oddlot export ddl` prints.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::market::{closes, csv, date, revise};
use crate::workshop::{Ran, Workshop, python};

/// Each question with values that it has an answer for in [`two_runs`].
const ASKED: [(&str, &[(&str, &str)]); 14] = [
    ("flags_of_day", &[("day", "2016-12-20")]),
    ("flags_of_day", &[]),
    ("new_alerts", &[]),
    ("busiest_tickers", &[("sessions", "500"), ("rows", "2")]),
    ("market_days", &[("share", "0.5")]),
    ("model_agreement", &[]),
    ("alarm_rates", &[]),
    ("near_misses", &[("rows", "7")]),
    ("events_by_severity", &[("severity", "20")]),
    ("failing_tickers", &[]),
    ("stale_tickers", &[]),
    ("error_quantiles", &[("model", "ewma")]),
    ("restated_flags", &[]),
    ("event_returns", &[("split", "test")]),
];

/// Two runs; between them a price is restated, and flags that were told are gone. One ticker ends early, one has no price that can be used.
fn two_runs() -> Workshop {
    let mut prices = closes();
    prices.retain(|row| row.ticker != "TRUE" || row.date <= date("2016-12-16"));
    revise(&mut prices, "AAA", "2016-12-30", 8, 10);
    revise(&mut prices, "AAA", "2015-06-10", 8, 10);
    revise(&mut prices, "AAA", "2016-12-20", 8, 10);
    revise(&mut prices, "0005", "2016-12-20", 12, 10);
    let bad = |text: String| format!("{text}BAD,2016-12-29,0\nBAD,2016-12-30,0\n");
    let workshop = Workshop::with_prices(&bad(csv(&prices)));
    workshop.oddlot(&["run", "job.toml"]).ends_with(1);
    // What was wrong in 2015 is corrected, and 2016 has a flag more.
    revise(&mut prices, "AAA", "2015-06-10", 10, 8);
    revise(&mut prices, "0005", "2016-12-28", 7, 10);
    workshop.prices(&bad(csv(&prices)));
    workshop.oddlot(&["run", "job.toml", "--from", "2015-01-01"]).ends_with(1);
    workshop
}

#[test]
fn every_question_has_the_same_answer_by_oddlot_and_by_duckdb() {
    let workshop = two_runs();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/questions");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            ASKED.iter().any(|(asked, _)| name == format!("{asked}.sql")),
            "{name} is not asked"
        );
    }
    let asked = ASKED.map(|(name, given)| {
        let mut line: Vec<String> =
            ["sql", "job.toml", "--format", "json", "--question", name].map(str::to_owned).into();
        for (name, value) in given {
            line.extend(["--param".to_owned(), format!("{name}={value}")]);
        }
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let answer = workshop.oddlot(&line).ok().stdout;
        let rows: Value =
            serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{name}: {e}: {answer}"));
        let first = rows[0].as_object().unwrap_or_else(|| panic!("{name} {given:?}: no row"));
        let text = fs::read_to_string(format!("{folder}/{name}.sql")).unwrap();
        let header: String = text.lines().take_while(|line| line.starts_with("--")).collect();
        for column in first.keys() {
            assert!(header.contains(&format!(" {column}")), "{name}: {column}");
        }
        json!({ "name": name, "query": text, "given": values(&text, given), "rows": rows })
    });
    assert_eq!(of(&asked, "stale_tickers")[0]["n_missed"], 10);
    assert_eq!(of(&asked, "failing_tickers")[0]["ticker"], "BAD");
    assert_eq!(of(&asked, "failing_tickers")[0]["n_runs"], 2);
    let is_told = |row: &Value| row["trade_date"] == "2016-12-28" && row["ticker"] == "0005";
    assert!(of(&asked, "new_alerts").iter().any(is_told));
    let is_withdrawn =
        |row: &Value| row["trade_date"] == "2015-06-10" && row["became"] == "withdrawn";
    assert!(of(&asked, "restated_flags").iter().any(is_withdrawn), "{asked:?}");

    let Some(python) = python("duckdb") else { return };
    workshop.write("views.sql", &workshop.oddlot(&["export", "ddl", "job.toml"]).ok().stdout);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/questions.py");
    let compared = |asked: &[Value]| {
        workshop.write("asked.json", &serde_json::to_string(asked).unwrap());
        let mut duckdb = Command::new(&python);
        let files = ["views.sql", "asked.json"].map(|name| workshop.path(name));
        Ran::from(duckdb.arg(script).args(files).output().unwrap())
    };
    let seen = compared(&asked).ok();
    assert_eq!(
        seen.json(),
        json!({ "questions": ASKED.len(), "views": 13, "columns_without_comment": 0 })
    );

    // A figure that is another is told.
    let mut wrong = asked[3].clone();
    wrong["rows"][0]["n_flags"] = 0.into();
    let told = compared(&[wrong]).ends_with(1);
    assert!(
        told.stderr.contains("busiest_tickers: row 0, n_flags: oddlot 0, duckdb "),
        "{}",
        told.stderr
    );
}

/// Values of all that a question takes: as given, else the default of its header.
fn values(text: &str, given: &[(&str, &str)]) -> Value {
    let takes = text.lines().find_map(|line| line.strip_prefix("-- takes ")).unwrap_or_default();
    let defaults = takes.split(';').filter_map(|part| part.split_once('='));
    let value = |(name, rest): (&str, &str)| {
        let (name, default) = (name.trim(), rest.split(':').next().unwrap().trim());
        let value =
            given.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value);
        (name.to_owned(), Value::from(value))
    };
    Value::Object(defaults.map(value).collect())
}

fn of<'a>(asked: &'a [Value], name: &str) -> &'a [Value] {
    asked.iter().find(|asked| asked["name"] == name).unwrap()["rows"].as_array().unwrap()
}
