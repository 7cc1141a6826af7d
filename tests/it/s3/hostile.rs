//! Tickers and object names that would like to be more than names.

use crate::cloud::Cloud;
use crate::hostile::names;
use crate::market::{csv, date, ticker_from};
use crate::workshop::PIPELINE;

/// Every ticker with prices of its own, quoted as CSV wants it.
fn prices(tickers: &[String]) -> String {
    let mut text = String::from("ticker,date,close\n");
    for (idx, ticker) in tickers.iter().enumerate() {
        let quoted = format!("\"{}\",", ticker.replace('"', "\"\""));
        let walk = ["AAA", "BBB", "CCC"][idx % 3];
        for line in csv(&ticker_from(walk, date("2011-06-01"))).lines().skip(1) {
            text += &quoted;
            text += line.strip_prefix(walk).unwrap().trim_start_matches(',');
            text.push('\n');
        }
    }
    text
}

#[test]
fn hostile_tickers_go_through_s3_and_back_unchanged() {
    let cloud = Cloud::new(&PIPELINE.replace("root = \"out\"", "root = \"out\"\nparts = 2"));
    let mut expected = names();
    expected.sort();
    cloud.workshop.prices(&prices(&expected));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
    let ran = cloud.oddlot(&["run", "job.toml"]).ok();
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'));
    for table in ["errors", "reconstructions", "ticker_status"] {
        let query = format!("SELECT DISTINCT ticker FROM {table} ORDER BY ticker");
        let query = ["sql", "-p", "job.toml", "--format", "jsonl", &query];
        let found: Vec<String> = cloud
            .oddlot(&query)
            .ok()
            .stdout
            .lines()
            .map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                row["ticker"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(found, expected, "{table}");
    }
    // A ticker is data: no object's name has anything of it.
    for path in cloud.out().keys() {
        let known = |c: char| c.is_ascii_alphanumeric() || "/=_.-".contains(c);
        assert!(path.chars().all(known) && !path.contains(".."), "{path}");
        let is_below = ["tables/", "models/", "_state/"].iter().any(|top| path.starts_with(top));
        assert!(is_below, "{path}");
    }
    assert_eq!(cloud.oddlot(&["run", "job.toml"]).ok().json()["cells_replaced"], 0);
}

#[test]
fn objects_with_hostile_names_are_read_each_once() {
    let names = [
        "a b.parquet",
        "100%.parquet",
        "%2F.parquet",
        "ü🦄.parquet",
        "a+b&c=d?.parquet",
        "#1.parquet",
        "[x]{y}.parquet",
        "'; DROP.parquet",
        "~^`|<>.parquet",
        "~%20.parquet",
    ];
    // So may prefixes be called.
    let pipeline = PIPELINE.replace("\"prices/*.parquet\"", "\"s3://prices/é 100%/*.parquet\"");
    let cloud =
        Cloud::new(&pipeline.replace("root = \"out\"", "root = \"s3://tables/a b/ü🦄/c+d/\""));
    for (idx, name) in names.iter().enumerate() {
        let rows = csv(&ticker_from("AAA", date("2010-01-01")));
        cloud.workshop.prices(&rows.replace("AAA,", &format!("T{idx},")));
        cloud.upload("prices/prices.parquet", &format!("prices/é 100%/{name}"));
    }
    // Notes of other programs are no prices.
    cloud.workshop.write("note", "no Parquet");
    cloud.upload("note", "prices/é 100%/_SUCCESS.parquet");
    cloud.upload("note", "prices/é 100%/.hidden.parquet");
    cloud.oddlot(&["run", "job.toml"]).ok();
    let found = cloud.sql("SELECT count(DISTINCT ticker), count(DISTINCT (ticker, ts)) FROM errors WHERE model = 'ewma'");
    assert_eq!(found, ["10,18260"]);

    let is_cell = |name: &&String| name.starts_with("tables/a b/ü🦄/c+d/tables/errors/");
    assert_eq!(cloud.everything().keys().filter(is_cell).count(), 7);
    assert_eq!(cloud.oddlot(&["run", "job.toml"]).ok().json()["cells_replaced"], 0);

    // A damaged one is named, whatever its name.
    cloud.upload("note", "prices/é 100%/🐛\u{202e}.parquet");
    let told = cloud.oddlot(&["run", "job.toml"]).ends_with(3).stderr;
    assert!(told.contains("this is not a Parquet file") && told.contains("🐛"), "{told}");
}
