//! Bad rows and bad tickers: what they cost, who is told, and how the run ends.

use std::fs;

use insta::assert_snapshot;

use crate::market::{Close, closes, csv, date, revise, ticker_from};
use crate::workshop::{MODELS, PIPELINE, Ran, Workshop, changed};

/// What a person reads on stderr, with the folder's name taken out.
fn told(workshop: &Workshop, ran: &Ran) -> String {
    let folder = workshop.path("");
    ran.stderr.replace(&folder.canonicalize().unwrap().display().to_string(), "<dir>")
}

/// [`closes`] and a ticker BAD.
fn with_bad() -> Vec<Close> {
    let mut prices = closes();
    prices.extend(ticker_from("BAD", date("2010-01-01")));
    prices
}

#[test]
fn a_price_of_zero_costs_its_ticker_that_day_and_nobody_else_anything() {
    let mut prices = with_bad();
    let sound = Workshop::with_prices(&csv(&prices));
    sound.run();
    revise(&mut prices, "BAD", "2015-02-03", 0, 1);
    let workshop = Workshop::with_prices(&csv(&prices));
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert_snapshot!(told(&workshop, &ran), @"partial BAD: 1 of 1826 rows cannot be used: 1 zero or negative (2015-02-03, close = 0)");
    assert!(ran.stdout.contains("; 1 of 4 tickers with rows that cannot be used; run"));
    assert_eq!((&ran.json()["failed"], &ran.json()["partial"]), (&0.into(), &1.into()));
    assert_eq!(workshop.model_ids(), sound.model_ids(), "nothing is learnt from the test span");

    // The day is flagged by every model, and says why.
    let day = workshop.sql(
        "SELECT model, rule, skip_reason, is_anomaly, score IS NULL FROM errors \
         WHERE ticker = 'BAD' AND trade_date = '2015-02-03' ORDER BY model",
    );
    assert_eq!(day, MODELS.map(|model| format!("{model},break,non_positive,true,true")));
    // Eight returns make a window: the first after it needs nine prices, of which one has no return.
    let after = workshop.sql(
        "SELECT trade_date, rule, coalesce(skip_reason, '-'), score IS NULL FROM errors \
         WHERE ticker = 'BAD' AND model = 'autoencoder' \
         AND trade_date BETWEEN '2015-02-02' AND '2015-02-16' ORDER BY trade_date",
    );
    let mut expected = vec!["2015-02-02,model,-,false".to_owned()];
    expected.push("2015-02-03,break,non_positive,true".into());
    let short = [4, 5, 6, 9, 10, 11, 12, 13];
    expected.extend(short.map(|day| format!("2015-02-{day:02},fallback,break,false")));
    expected.push("2015-02-16,model,-,false".into());
    assert_eq!(after, expected);
    // No other row is another: not of the others, not before, not of a network after.
    for rows in [
        "ticker <> 'BAD'",
        "trade_date < '2015-01-22'",
        "model = 'autoencoder' AND trade_date > '2015-02-25'",
    ] {
        let query = format!(
            "SELECT ticker, ts, model, score, score_hindsight, threshold, is_anomaly, rule, \
             skip_reason FROM errors WHERE {rows} ORDER BY ticker, ts, model"
        );
        assert_eq!(workshop.sql(&query), sound.sql(&query), "{rows}");
    }
    let n_rows = "SELECT count(*) FROM errors";
    assert_eq!(workshop.one(n_rows), sound.one(n_rows), "no row is lost");
}

#[test]
fn a_new_price_that_is_bad_makes_no_model_new_and_touches_its_year_only() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let (models, cells) = (workshop.model_ids(), workshop.cells());
    revise(&mut prices, "TRUE", "2016-12-30", 0, 1);
    workshop.prices(&csv(&prices));
    let ran = workshop.run();
    assert_eq!(workshop.model_ids(), models);
    let changed = changed(&cells, &workshop.cells());
    assert!(!changed.is_empty() && changed.iter().all(|cell| cell.contains("year=2016")));
    assert_eq!(ran["alerts"], 5, "it is told, once a model");
    assert_eq!(workshop.run()["cells_replaced"], 0);
    let status = "SELECT status, count(*) FROM ticker_status GROUP BY status ORDER BY status";
    assert_eq!(workshop.sql(status), ["ok,7", "partial,2"], "three runs of three tickers");
}

#[test]
fn a_bad_price_in_the_training_span_is_not_learnt_from_and_costs_no_more() {
    let mut prices = with_bad();
    revise(&mut prices, "BAD", "2010-06-01", 0, 1);
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    assert_eq!(workshop.one("SELECT count(DISTINCT ticker) FROM errors"), "4");
    let flagged = "SELECT DISTINCT split, skip_reason FROM errors \
        WHERE trade_date = '2010-06-01' AND ticker = 'BAD' AND is_anomaly";
    assert_eq!(workshop.one(flagged), "train,non_positive");
}

#[test]
fn a_day_told_twice_counts_once_and_is_flagged_where_the_prices_differ() {
    let prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let (models, cells) = (workshop.model_ids(), workshop.cells());
    let mut again: Vec<Close> = prices
        .iter()
        .filter(|row| {
            row.ticker == "AAA" && row.date >= date("2016-03-02") && row.date <= date("2016-03-04")
        })
        .cloned()
        .collect();
    let write_again = |rows: &[Close]| {
        workshop.write("again.csv", &csv(rows));
        workshop.oddlot(&["import", "again.csv", "-o", "prices", "--name", "again"]).ok();
    };
    write_again(&again);
    assert_eq!(workshop.run()["partial"], 0);
    assert_eq!(changed(&cells, &workshop.cells()), [""; 0], "the same rows once more are the same");
    let odd = "SELECT ticker, status, n_rows, reason FROM ticker_status WHERE reason IS NOT NULL";
    assert_eq!(workshop.one(odd), "AAA,ok,1829,3 rows repeat a date (2016-03-02)");

    revise(&mut again, "AAA", "2016-03-03", 11, 10);
    write_again(&again);
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert_snapshot!(told(&workshop, &ran), @"partial AAA: 1 of 1829 rows cannot be used: 1 told in two ways (2016-03-03); 3 rows repeat a date (2016-03-02)");
    assert_eq!(workshop.model_ids(), models);
    let day = "SELECT DISTINCT rule, skip_reason, is_anomaly FROM errors \
        WHERE ticker = 'AAA' AND trade_date = '2016-03-03'";
    assert_eq!(workshop.one(day), "break,duplicate,true");
    assert!(changed(&cells, &workshop.cells()).iter().all(|cell| cell.contains("year=2016")));
}

/// BAD has no price above zero.
fn with_none() -> Vec<Close> {
    let mut prices = with_bad();
    prices.iter_mut().filter(|row| row.ticker == "BAD").for_each(|row| row.price = 0);
    prices
}

#[test]
fn a_ticker_of_which_nothing_can_be_used_fails_alone() {
    let without = Workshop::with_prices(&csv(&closes()));
    without.run();
    let workshop = Workshop::with_prices(&csv(&with_none()));
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(1);
    assert_snapshot!(told(&workshop, &ran), @"failed BAD: no price can be used; expected close > 0 in at least 9 rows, since builtin:log_return takes log returns; found 1826 of 1826 rows cannot be used: 1826 zero or negative (2010-01-01, close = 0); in <dir>/prices/prices.parquet, ticker BAD");
    assert!(ran.stdout.contains("; 1 of 4 tickers failed; run"), "{}", ran.stdout);
    let json = ran.json();
    assert_eq!(
        (&json["tickers"], &json["failed"], &json["partial"]),
        (&4.into(), &1.into(), &0.into())
    );
    assert_eq!(json["failures"][0]["ticker"], "BAD");
    assert!(json["failures"][0]["reason"].as_str().unwrap().starts_with("no price can be used"));

    assert_eq!(changed(&without.cells(), &workshop.cells()), [""; 0], "the others lose nothing");
    assert_eq!(workshop.model_ids(), without.model_ids());
    let status = "SELECT ticker, status, n_rows, reason IS NULL FROM ticker_status ORDER BY ticker";
    let expected =
        ["0005,ok,1826,true", "AAA,ok,1826,true", "BAD,failed,1826,false", "TRUE,ok,1826,true"];
    assert_eq!(workshop.sql(status), expected);
    assert_eq!(workshop.one("SELECT status, n_failed FROM runs"), "partial,1");
    // The others are there for a reader who asks for no `_all`.
    assert_eq!(workshop.one("SELECT count(DISTINCT ticker) FROM errors"), "3");
}

#[test]
fn so_many_tickers_may_fail_as_the_pipeline_says() {
    let job = |most: &str| format!("{PIPELINE}\n[universe]\nmax_failed_tickers = {most}\n");
    let workshop = Workshop::new(&job("1"));
    workshop.prices(&csv(&with_none()));
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert_eq!(ran.json()["failed"], 1);
    assert!(ran.stderr.starts_with("failed BAD: "), "{}", ran.stderr);
    for (most, code) in [("0", 1), ("0.25", 0), ("0.24", 1)] {
        workshop.write("job.toml", &job(most));
        for command in ["run", "score", "train", "check"] {
            let ran = workshop.oddlot(&[command, "job.toml"]).ends_with(code);
            assert_eq!(ran.json()["failed"], 1, "{command} with {most}");
            // How many may fail decides no row.
            let replaced = ran.json().get("cells_replaced").cloned().unwrap_or_default();
            assert!(replaced.is_null() || replaced == 0, "{command} with {most}");
        }
    }
    workshop.write("job.toml", &job("1.0"));
    let ran = workshop.oddlot(&["check", "job.toml"]).ends_with(78);
    assert_snapshot!(told(&workshop, &ran), @r"
    error: `universe.max_failed_tickers` is out of range
      --> job.toml:31:22
      expected  a whole number from 0 to 1000000000, or a share: a number with 0 < share < 1
      found     max_failed_tickers = 1.0
      hint: for example `max_failed_tickers = 10`
    ");
}

#[test]
fn failures_are_events_of_the_json_log() {
    let mut prices = with_none();
    revise(&mut prices, "AAA", "2016-01-05", 0, 1);
    let workshop = Workshop::with_prices(&csv(&prices));
    let ran = workshop.oddlot(&["--log-format", "json", "run", "job.toml"]).ends_with(1);
    let events: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<(&str, &str)> = events
        .iter()
        .map(|event| (event["status"].as_str().unwrap(), event["ticker"].as_str().unwrap()))
        .collect();
    assert_eq!(events, [("failed", "BAD"), ("partial", "AAA")]);
}

/// Every ticker in a file of its own, all named `<ticker>.parquet`.
fn a_file_a_ticker(workshop: &Workshop, folder: impl Fn(&str) -> String) {
    for ticker in ["0005", "AAA", "BAD"] {
        workshop.write("one.csv", &csv(&ticker_from(ticker, date("2010-01-01"))));
        workshop.oddlot(&["import", "one.csv", "-o", &folder(ticker), "--name", ticker]).ok();
    }
}

/// Puts zeros in the place of a file's pages, and leaves its footer alone.
fn damage_pages(workshop: &Workshop, name: &str) {
    let mut bytes = fs::read(workshop.path(name)).unwrap();
    let half = bytes.len() / 2;
    bytes[64..half].fill(0);
    fs::write(workshop.path(name), bytes).unwrap();
}

#[test]
fn a_damaged_file_of_one_ticker_costs_that_ticker() {
    let workshop = Workshop::new(PIPELINE);
    a_file_a_ticker(&workshop, |_| "prices".into());
    damage_pages(&workshop, "prices/BAD.parquet");
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(1);
    assert!(ran.stderr.starts_with("failed BAD: the Parquet file is damaged; "), "{}", ran.stderr);
    assert!(ran.stderr.contains("prices/BAD.parquet"), "{}", ran.stderr);
    let status = "SELECT ticker, status, n_rows FROM ticker_status ORDER BY ticker";
    assert_eq!(workshop.sql(status), ["0005,ok,1826", "AAA,ok,1826", "BAD,failed,0"]);
    assert_eq!(workshop.one("SELECT count(DISTINCT ticker) FROM errors"), "2");
}

#[test]
fn a_file_without_a_footer_costs_the_ticker_that_its_folder_names() {
    let workshop = Workshop::new(&PIPELINE.replace("prices/*.parquet", "prices"));
    a_file_a_ticker(&workshop, |ticker| format!("prices/ticker={ticker}"));
    let cut = "prices/ticker=BAD/BAD.parquet";
    let bytes = fs::read(workshop.path(cut)).unwrap();
    fs::write(workshop.path(cut), &bytes[..bytes.len() / 2]).unwrap();
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(1);
    assert!(ran.stderr.starts_with("failed BAD: the Parquet file is cut off; "), "{}", ran.stderr);
    assert_eq!(workshop.one("SELECT count(DISTINCT ticker) FROM errors"), "2");
}

#[test]
fn a_damaged_file_of_several_tickers_stops_the_job_and_is_named() {
    let workshop = Workshop::new(PIPELINE);
    a_file_a_ticker(&workshop, |_| "prices".into());
    let others: Vec<Close> = ["CCC", "DDD"]
        .into_iter()
        .flat_map(|ticker| ticker_from(ticker, date("2010-01-01")))
        .collect();
    workshop.write("two.csv", &csv(&others));
    workshop.oddlot(&["import", "two.csv", "-o", "prices", "--name", "two"]).ok();
    damage_pages(&workshop, "prices/two.parquet");
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(3);
    assert_snapshot!(told(&workshop, &ran), @r"
    error: the rows cannot be read
      --> prices/two.parquet
      expected  a whole file whose values can be converted
      found     column `ticker`: Src size is incorrect
      hint: write the file again, or take it out of the source
    ");
    assert!(!workshop.path("out").exists(), "nothing is written");
}
