//! Other engines read every table as `oddlot sql` does.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::market::{closes, csv, revise};
use crate::workshop::{Ran, Workshop, python};

const TABLES: [&str; 8] = [
    "alerts",
    "anomalies",
    "errors",
    "events",
    "models",
    "reconstructions",
    "runs",
    "ticker_status",
];

#[test]
fn duckdb_polars_and_pyarrow_see_what_oddlot_sql_sees() {
    let Some(python) = python("duckdb, polars, pyarrow") else { return };
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    // A second run with alerts of its own, and tables with cells of two models.
    revise(&mut prices, "AAA", "2011-03-09", 101, 100);
    revise(&mut prices, "0005", "2016-12-30", 8, 10);
    workshop.prices(&csv(&prices));
    workshop.oddlot(&["run", "job.toml", "--from", "2016-01-01"]).ok();

    let ours: BTreeMap<&str, Value> =
        TABLES.iter().map(|table| (*table, seen(&workshop, table))).collect();
    workshop.write("ours.json", &serde_json::to_string(&ours).unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/readers.py");
    let mut readers = Command::new(&python);
    readers.arg(script).arg(workshop.path("out")).arg("--with").arg(workshop.path("ours.json"));
    let seen = Ran::from(readers.output().unwrap()).ok();
    let seen: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(seen.as_object().unwrap().keys().collect::<Vec<_>>(), TABLES);
    // The figures are figures: rows of all, and sums that are not all zero.
    assert_eq!(seen["errors"]["duckdb"]["rows"], 3 * 1826 * 5);
    assert_eq!(seen["errors"]["duckdb"]["ticker"], json!(["0005", "TRUE"]));
    assert!(seen["errors"]["oddlot"]["sums"]["score"].as_f64() > Some(1000.0));

    // And they would differ if we had seen one row less.
    workshop.write(
        "ours.json",
        &json!({ "runs": { "rows": 1, "sums": {}, "trues": {}, "ticker": null } }).to_string(),
    );
    let differs = Ran::from(readers.output().unwrap()).ends_with(1);
    assert!(differs.stderr.contains("runs.rows: duckdb 2, oddlot 1"), "{}", differs.stderr);
}

/// Rows, sums, true values and the ends of the tickers of one table, by `oddlot sql`.
fn seen(workshop: &Workshop, table: &str) -> Value {
    let cell_tables = ["anomalies", "errors", "events", "reconstructions"];
    let whole = if cell_tables.contains(&table) { format!("{table}_all") } else { table.into() };
    let columns = workshop.sql(&format!(
        "SELECT column_name, data_type FROM information_schema.columns \
         WHERE table_name = '{whole}' AND column_name NOT IN ('pipeline', 'year')"
    ));
    let of = |kinds: &[&str]| -> Vec<&str> {
        let columns = columns.iter().map(|column| column.split_once(',').unwrap());
        columns.filter(|(_, kind)| kinds.contains(kind)).map(|(name, _)| name).collect()
    };
    let numbers = of(&["Float64", "Int32", "Int64"]);
    let booleans = of(&["Boolean"]);
    let has_ticker = of(&["Utf8"]).contains(&"ticker");
    let mut asked = vec!["count(*)".to_owned()];
    asked.extend(numbers.iter().map(|name| format!("coalesce(sum(CAST({name} AS DOUBLE)), 0)")));
    asked.extend(booleans.iter().map(|name| format!("count(*) FILTER (WHERE {name})")));
    if has_ticker {
        asked.extend(["min(ticker)".to_owned(), "max(ticker)".to_owned()]);
    }
    let answer = workshop.one(&format!("SELECT {} FROM {whole}", asked.join(", ")));
    let mut answer = answer.split(',');
    let mut number = || answer.next().unwrap().parse::<f64>().unwrap();
    let rows = number() as u64;
    let sums: BTreeMap<_, _> = numbers.iter().map(|name| (name, number())).collect();
    let trues: BTreeMap<_, _> = booleans.iter().map(|name| (name, number() as u64)).collect();
    let ticker = has_ticker.then(|| answer.collect::<Vec<_>>());
    json!({ "rows": rows, "sums": sums, "trues": trues, "ticker": ticker })
}
