//! Tickers that would break a path, a query, a terminal or a guess at types go through unchanged.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::Value;

use crate::workshop::{Ran, Workshop, tree};

const JOB: &str = r#"
[source]
path = "prices"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:log_return"
[windows]
length = 8
[split]
train_to = "2020-02-29"
validation_to = "2020-03-31"
calibration_to = "2020-05-31"
[models.ewma.detector.ewma_z]
[models.persistence.detector.persistence]
[threshold.quantile]
q = 0.99
[output]
root = "out"
parts = 3
"#;

/// Each another, the last two hostile to terminals.
pub fn names() -> Vec<String> {
    let names = [
        "../../x",
        "/etc/passwd",
        "..",
        "BRK/B",
        r"C:\x",
        "NA",
        "null",
        "0005",
        "TRUE",
        "1E5",
        "CON",
        "ticker=AAA",
        "quote\"d",
        "it's",
        "'; DROP TABLE errors; --",
        "a,b",
        "%s{}$1",
        " spaced ",
        "a%2Fb",
        "a b+c&d=e?f#g",
        "*",
        "_x",
        ".",
        "🚀",
        "👩\u{200d}🚀",
        "שלום",
        "e\u{301}",
        "é",
        "tab\there",
        "AAA",
        "aaa",
        "line\nbreak",
        "\u{1b}[31mred\u{1b}[0m\u{202e}txet",
    ];
    let mut names: Vec<String> = names.map(str::to_owned).into();
    names.insert(0, "x".repeat(300));
    names
}

fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

/// Half a year of each, in one file. All but the last two have good prices; of those, one has one bad price
/// and one nothing else.
fn workshop() -> Workshop {
    let workshop = Workshop::new(JOB);
    std::fs::create_dir_all(workshop.path("empty")).unwrap();
    std::fs::create_dir_all(workshop.path("prices")).unwrap();
    let names = names();
    let (last, one) = (quoted(&names[names.len() - 1]), quoted(&names[names.len() - 2]));
    let rows: Vec<String> = names.iter().map(|name| format!("({})", quoted(name))).collect();
    let query = format!(
        "SELECT column1 AS ticker, arrow_cast(CAST(18262 + day AS INT), 'Date32') AS date, \
         CASE WHEN column1 = {last} OR (column1 = {one} AND day = 170) THEN 0.0 \
         ELSE 100.0 + (day * 7) % 13 END AS close \
         FROM (VALUES {}), (SELECT value AS day FROM generate_series(0, 179))",
        rows.join(", ")
    );
    let ran = workshop
        .command(&["sql", "--root", "empty", "--format", "parquet", &query])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    std::fs::write(workshop.path("prices/prices.parquet"), ran.stdout).unwrap();
    workshop
}

/// Nothing in it steers a terminal, and nothing in it is not seen; lines of JSON are for programs.
fn assert_harmless(text: &str) {
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    let is_harmful = |line: &str| match line.starts_with('{') {
        true => line.contains(char::is_control),
        false => line.contains(|c: char| c.is_control() || unseen(c)),
    };
    let found: Vec<&str> = text.lines().filter(|line| is_harmful(line)).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// The values of a column, from JSON lines.
fn column(ran: &Ran, name: &str) -> Vec<String> {
    let value = |line: &str| serde_json::from_str::<Value>(line).unwrap()[name].clone();
    ran.stdout.lines().map(|line| value(line).as_str().unwrap().to_owned()).collect()
}

#[test]
fn hostile_tickers_go_through_unchanged_and_are_told_harmlessly() {
    let workshop = workshop();
    let before: BTreeSet<String> = tree(&workshop.path("")).into_keys().collect();
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(1);

    // Tables have every name as it is; a name is no part of any path.
    let names = names();
    let all: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(all.len(), names.len());
    let failed = &names[names.len() - 1];
    let json =
        |query: &str| workshop.oddlot(&["sql", "-p", "job.toml", "--format", "jsonl", query]).ok();
    let status = json("SELECT ticker FROM ticker_status ORDER BY ticker");
    assert_eq!(column(&status, "ticker"), Vec::from_iter(all.iter().cloned()));
    for table in ["errors", "reconstructions"] {
        let rows = json(&format!("SELECT DISTINCT ticker FROM {table} ORDER BY ticker"));
        let scored = all.iter().filter(|name| *name != failed).cloned();
        assert_eq!(column(&rows, "ticker"), Vec::from_iter(scored), "{table}");
    }
    for name in names.iter().filter(|name| *name != failed) {
        let query = format!("SELECT count(*) AS n FROM errors WHERE ticker = {}", quoted(name));
        assert_eq!(workshop.one(&query), "360", "{name:?}: 180 days of two models");
    }
    let after: BTreeSet<String> = tree(&workshop.path("")).into_keys().collect();
    let new: Vec<&String> = after.difference(&before).collect();
    let ours = |c: char| c.is_ascii_alphanumeric() || "/=-_.".contains(c);
    assert!(new.iter().all(|path| path.starts_with("out/") && path.chars().all(ours)), "{new:?}");

    // What a person sees is harmless.
    assert_harmless(&ran.stdout);
    assert_harmless(&ran.stderr);
    let folder = workshop.path("").canonicalize().unwrap().display().to_string();
    assert_snapshot!(ran.stderr.replace(&folder, "<dir>"), @r"
    failed \u{1b}[31mred\u{1b}[0m\u{202e}txet: no price can be used; expected close > 0 in at least 9 rows, since builtin:log_return takes log returns; found 180 of 180 rows cannot be used: 180 zero or negative (2020-01-01, close = 0); in <dir>/prices/prices.parquet, ticker \u{1b}[31mred\u{1b}[0m\u{202e}txet
    partial line\u{a}break: 1 of 180 rows cannot be used: 1 zero or negative (2020-06-19, close = 0)
    ");
    assert_eq!(ran.json()["failures"][0]["ticker"], failed.as_str());
    for query in [
        "SELECT ticker, reason FROM ticker_status ORDER BY ticker",
        "SELECT DISTINCT ticker FROM anomalies ORDER BY ticker",
    ] {
        assert_harmless(
            &workshop.oddlot(&["sql", "-p", "job.toml", "--format", "table", query]).ok().stdout,
        );
    }
    let check = workshop.oddlot(&["check", "job.toml"]).ends_with(1);
    assert_harmless(&check.stdout);

    // The log in JSON has it exactly, in one line each.
    let ran = workshop.oddlot(&["--log-format", "json", "run", "job.toml"]).ends_with(1);
    let events: Vec<Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&str> = events.iter().map(|event| event["ticker"].as_str().unwrap()).collect();
    assert_eq!(told, [failed, &names[names.len() - 2]]);
    assert_harmless(&ran.stderr);
    assert_eq!(ran.json()["cells_replaced"], 0);
}
