//! `oddlot plan` says what a run will do and why, and the run does that and no more.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::daily::causal;
use crate::market::{Close, closes, csv, date, revise, ticker_from, until};
use crate::workshop::{PIPELINE, Ran, Workshop, changed, year_of};

/// [`PIPELINE`] without networks, in so many parts: a blink a run.
fn in_parts(parts: usize) -> String {
    let (start, end) =
        (PIPELINE.find("[models.auto").unwrap(), PIPELINE.find("[models.ewma").unwrap());
    let root = format!("root = \"out\"\nparts = {parts}");
    (PIPELINE[..start].to_owned() + &PIPELINE[end..]).replace("root = \"out\"", &root)
}

/// Every cell with what becomes of it, and the last line.
fn planned(workshop: &Workshop, arguments: &[&str]) -> (Vec<Value>, Value) {
    let arguments = [&["plan", "job.toml", "--format", "json"], arguments].concat();
    let ran = workshop.oddlot(&arguments).ok();
    let mut lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    (lines, summary)
}

/// Paths of the cells in one of `states`.
fn paths(cells: &[Value], states: &[&str]) -> Vec<String> {
    let own = cells.iter().filter(|cell| states.contains(&cell["state"].as_str().unwrap()));
    let path = |cell: &Value| {
        let (table, year, part) = (&cell["table"], &cell["year"], cell["part"].as_u64().unwrap());
        let table = table.as_str().unwrap();
        format!("{table}/pipeline=job/year={year}/part-{part:05}.parquet")
    };
    let mut paths: Vec<String> = own.map(path).collect();
    paths.sort();
    paths
}

/// A fourth and a fifth ticker besides, so that parts have neighbours.
fn prices() -> Vec<Close> {
    let more = ["BBB", "CCC"].map(|ticker| ticker_from(ticker, date("2010-01-01")));
    closes().into_iter().chain(more.into_iter().flatten()).collect()
}

#[test]
fn a_restated_ticker_is_named_with_its_month_and_only_its_cells_are_written() {
    let mut prices = prices();
    let workshop = Workshop::new(&in_parts(4));
    workshop.prices(&csv(&prices));
    let (_, first) = planned(&workshop, &[]);
    assert_eq!((&first["cells_new"], &first["cells_stale"]), (&first["cells"], &first["cells"]));
    assert_eq!(first["estimate_seconds"], Value::Null);
    let told = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert!(told.contains("not there") && told.contains("no estimate yet"), "{told}");
    workshop.run();
    let before = workshop.cells();
    let others = "SELECT * FROM errors WHERE ticker <> 'AAA' ORDER BY ticker, ts, model";
    let kept = workshop.sql(others);

    revise(&mut prices, "AAA", "2015-06-10", 11, 10);
    workshop.prices(&csv(&prices));
    let told = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert!(told.contains(": rows of AAA in 2015-06\n"), "{told}");
    assert!(told.contains(" by the last run"), "{told}");
    let (cells, summary) = planned(&workshop, &[]);
    let stale = paths(&cells, &["stale"]);
    let cause = serde_json::json!([
        { "cause": "rows", "changed": ["AAA"], "gone": [], "months": ["2015-06"], "new": [] }
    ]);
    assert_eq!(summary["why"][0]["causes"], cause);
    assert_eq!(summary["cells_stale"], stale.len());
    // 250 rows look back on it, so that 2016 is stale too, of one part.
    let years: BTreeSet<i32> = stale.iter().map(|cell| year_of(cell)).collect();
    assert_eq!(years, BTreeSet::from([2015, 2016]));
    assert_eq!(stale.len(), 2 * 4, "four tables of two years, and of one part: {stale:?}");
    assert!(summary["rows_to_score"].as_u64() < summary["rows"].as_u64());
    assert!(summary["bytes_to_read"].as_u64() < summary["bytes"].as_u64());

    let done = workshop.run();
    let replaced = changed(&before, &workshop.cells());
    assert!(replaced.iter().all(|cell| stale.contains(cell)), "{replaced:?}, planned {stale:?}");
    assert_eq!(done["cells_replaced"], replaced.len());
    assert_eq!(workshop.sql(others), kept, "of the others no bit has changed");
    let clean = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert!(clean.contains("nothing to do: all "), "{clean}");
    // What is noted of a cell does not depend on how it came about.
    let fresh = Workshop::new(&in_parts(4));
    fresh.prices(&csv(&prices));
    fresh.run();
    assert_eq!(changed(&workshop.cells(), &fresh.cells()), [""; 0]);
}

#[test]
fn restated_rows_make_stale_what_they_reach_and_nothing_else() {
    let prices = prices();
    let workshop = Workshop::new(&in_parts(2));
    workshop.prices(&csv(&prices));
    workshop.run();
    let before = workshop.cells();
    // Of these years some cell must be stale, and of no other: windows of eight rows reach over New Year, and where a
    // window is missing, the rule that stands in looks two years back.
    let days = [
        ("2014-01-02", vec![2014]),
        ("2014-12-30", vec![2014, 2015]),
        ("2016-01-05", vec![2015, 2016]),
        ("2016-12-30", vec![2016]),
    ];
    for (day, expected) in days {
        let mut revised = prices.clone();
        revise(&mut revised, "TRUE", day, 104, 100);
        workshop.prices(&csv(&revised));
        let stale = paths(&planned(&workshop, &[]).0, &["stale"]);
        let own: BTreeSet<i32> = stale.iter().map(|cell| year_of(cell)).collect();
        let fresh = Workshop::new(&in_parts(2));
        fresh.prices(&csv(&revised));
        fresh.run();
        let differing = changed(&before, &fresh.cells());
        let other: Vec<&String> = differing.iter().filter(|cell| !stale.contains(cell)).collect();
        assert!(other.is_empty(), "{day}: {other:?} would be as they were");
        let touched: BTreeSet<i32> = differing.iter().map(|cell| year_of(cell)).collect();
        assert!(touched.is_subset(&own), "{day}");
        for year in expected {
            assert!(own.contains(&year), "{day}: {own:?}");
        }
        let (first, last) = (*own.first().unwrap(), *own.last().unwrap());
        let year: i32 = day[..4].parse().unwrap();
        assert!(year - 1 <= first && last <= year + 2, "{day}: {own:?}");
    }
}

#[test]
fn settings_and_models_that_have_changed_are_named() {
    let workshop = Workshop::new(&in_parts(1));
    workshop.prices(&csv(&closes()));
    workshop.run();
    let without = in_parts(1).replace("[models.persistence.detector.persistence]\n", "");
    workshop.write("job.toml", &without);
    let told = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    let expected = "settings have changed: models.persistence; other models: persistence is gone";
    assert!(told.contains(expected), "{told}");
    workshop.run();
    assert_eq!(workshop.one("SELECT count(*) FROM errors WHERE model = 'persistence'"), "0");
    // The models stay registered.
    assert_eq!(workshop.one("SELECT count(*) FROM models WHERE model = 'persistence'"), "1");
    let other = without.replace("q = 0.995", "q = 0.99");
    workshop.write("job.toml", &other);
    let told = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert!(told.contains("calibrate: only the threshold has changed"), "{told}");
    assert!(told.contains("settings have changed: models.ewma, models.robust"), "{told}");
    assert!(
        told.contains("to be trained first: robust, ewma") || told.contains("ewma, robust"),
        "{told}"
    );
}

#[test]
fn with_fewer_parts_the_cells_of_the_others_are_removed_once_the_new_ones_are_there() {
    let prices = prices();
    let workshop = Workshop::new(&in_parts(4));
    workshop.prices(&csv(&prices));
    workshop.run();
    workshop.write("job.toml", &in_parts(2));
    // Only a run of everything puts every ticker where it belongs.
    for some in [["--date", "2016-06-01"], ["--tickers", "AAA"]] {
        let refused = workshop.oddlot(&[&["run", "job.toml"], &some[..]].concat()).ends_with(78);
        assert!(refused.stderr.contains("without dates and tickers"), "{}", refused.stderr);
    }
    let (cells, summary) = planned(&workshop, &[]);
    let orphans = paths(&cells, &["orphaned"]);
    assert_eq!(summary["cells_orphaned"], orphans.len());
    assert!(orphans.iter().all(|cell| cell.contains("part-00002") || cell.contains("part-00003")));
    // One of them is not what we wrote: it stays.
    let foreign = workshop.path("out/tables").join(&orphans[0]);
    std::fs::copy(workshop.path("out/tables").join(&orphans[1]), &foreign).unwrap();
    let theirs = std::fs::read(&foreign).unwrap();

    // Killed between an object and its entry, the same command completes it.
    let mut command = workshop.command(&["run", "job.toml"]);
    let killed: Ran = command.env("ODDLOT_FAILPOINT", "orphan_removed:3").output().unwrap().into();
    assert_eq!(killed.code, None, "{}", killed.stderr);
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(ran.stderr.contains("left alone"), "{}", ran.stderr);
    assert_eq!(ran.json()["cells_removed"].as_u64(), Some(orphans.len() as u64 - 3));
    assert!(ran.stdout.contains("that nothing belongs to any more"), "{}", ran.stdout);
    assert_eq!(std::fs::read(&foreign).unwrap(), theirs);
    std::fs::remove_file(&foreign).unwrap();
    assert_eq!(workshop.run()["cells_removed"], 1, "its entry");

    let fresh = Workshop::new(&in_parts(2));
    fresh.prices(&csv(&prices));
    let whole = fresh.run();
    assert_eq!(changed(&workshop.cells(), &fresh.cells()), [""; 0]);
    assert_eq!(workshop.run()["models"], whole["models"]);
    workshop.oddlot(&["verify", "job.toml"]).ok();
}

#[test]
fn a_year_and_a_part_that_have_lost_their_rows_are_removed() {
    let all = prices();
    let workshop = Workshop::new(&in_parts(8));
    workshop.prices(&csv(&all));
    workshop.run();
    let n_before = workshop.cells().len();
    // 2016 has gone, and so has the only ticker of a part.
    let left: Vec<Close> =
        until(&all, "2015-12-31").into_iter().filter(|row| row.ticker != "AAA").collect();
    workshop.prices(&csv(&left));
    let (cells, _) = planned(&workshop, &[]);
    let orphans = paths(&cells, &["orphaned"]);
    assert!(orphans.iter().any(|cell| year_of(cell) == 2016), "{orphans:?}");
    assert!(orphans.iter().any(|cell| year_of(cell) == 2010), "of the ticker: {orphans:?}");
    let done = workshop.run();
    assert_eq!(done["cells_removed"], orphans.len());
    assert_eq!(workshop.cells().len(), n_before - orphans.len());
    assert_eq!(
        workshop.one("SELECT count(*) FROM errors WHERE year = 2016 OR ticker = 'AAA'"),
        "0"
    );
    let fresh = Workshop::new(&in_parts(8));
    fresh.prices(&csv(&left));
    let whole = fresh.run();
    assert_eq!(changed(&workshop.cells(), &fresh.cells()), [""; 0]);
    assert_eq!(done["models"], whole["models"], "the counts of the year have gone with it");
    assert_eq!(workshop.run()["nothing_to_do"], true);
}

#[test]
fn what_was_counted_of_a_part_goes_with_its_last_ticker() {
    // Too young for any model to have learnt from it, so that nothing else changes.
    let all = prices();
    let young = ticker_from("DDD", date("2015-01-01"));
    let workshop = Workshop::new(&in_parts(8));
    workshop.prices(&csv(&[all.clone(), young].concat()));
    let with_it = workshop.run();
    workshop.prices(&csv(&all));
    let done = workshop.run();
    assert_eq!((&done["cells_replaced"], &done["cells_removed"]), (&0.into(), &8.into()));
    assert_eq!(done["nothing_to_do"], false);
    let fresh = Workshop::new(&in_parts(8));
    fresh.prices(&csv(&all));
    let whole = fresh.run();
    assert_eq!(done["models"], whole["models"]);
    assert_ne!(done["models"], with_it["models"]);
    assert_eq!(workshop.run()["models"], whole["models"]);
}

#[test]
fn later_rows_restate_interim_hindsight_and_no_alert_ever() {
    let mut all = closes();
    revise(&mut all, "AAA", "2016-12-16", 7, 10);
    let workshop = Workshop::new(&(PIPELINE.to_owned() + "[merge]\ndecides = true\n"));
    workshop.prices(&csv(&until(&all, "2016-12-19")));
    workshop.run();
    let interim = "SELECT ticker, ts, score_hindsight FROM errors WHERE model = 'autoencoder' AND \
        trade_date BETWEEN '2016-12-12' AND '2016-12-19' ORDER BY ticker, ts";
    let is_interim = "SELECT count(*) FROM errors WHERE model = 'autoencoder' AND is_interim";
    let alerts = "SELECT * FROM alerts ORDER BY run_id, ticker, ts, model";
    let (first, told) = (workshop.sql(interim), workshop.sql(alerts));
    assert_eq!(
        workshop.one(is_interim),
        (3 * 7).to_string(),
        "the newest L - 1 points of each ticker"
    );
    assert!(told.iter().any(|row| row.contains("2016-12-16")), "{told:?}");
    let before = causal(&workshop, "2016-12-05");

    // Two weeks later the crash turns out to have been a mistake of the feed.
    let fixed = closes();
    workshop.prices(&csv(&fixed));
    workshop.run();
    let later = workshop.sql(interim);
    // A median over more windows may happen to be the same, of a few.
    let n_restated = first.iter().zip(&later).filter(|(a, b)| a != b).count();
    assert!(first.len() == 18 && n_restated > 12, "{first:?} {later:?}");
    assert_eq!(workshop.one(is_interim), (3 * 7).to_string());
    let flags = "SELECT count(*) FROM anomalies WHERE ticker = 'AAA' AND trade_date = '2016-12-16'";
    assert_eq!(workshop.one(flags), "0", "the tables know it now");
    let still: Vec<String> = workshop.sql(alerts);
    assert!(told.iter().all(|alert| still.contains(alert)), "alerts stay as they were told");
    assert_eq!(causal(&workshop, "2016-12-05"), before, "nothing older moves");
}

#[test]
fn wilder_prices_are_told_as_errors_that_have_grown() {
    // From July 2016 on every second day is pushed up or down by three hundredths.
    let mut all = closes();
    let start = date("2016-07-01");
    for (idx, row) in all.iter_mut().enumerate().filter(|(_, row)| row.date >= start) {
        let push = if idx % 2 == 0 { 103 } else { 97 };
        row.price = row.price * push / 100;
    }
    let workshop = Workshop::new(&in_parts(2));
    workshop.prices(&csv(&closes()));
    let calm = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(
        calm.stdout.contains("- the errors are what they were in calibration"),
        "{}",
        calm.stdout
    );
    let drift = |ran: &Ran, model: usize| ran.json()["models"][model]["drift"].clone();
    assert_eq!(drift(&calm, 0)["verdict"], "steady");
    workshop.prices(&csv(&all));
    let wild = workshop.oddlot(&["run", "job.toml"]).ok();
    let found = drift(&wild, 2);
    assert_eq!((&found["verdict"], &found["sessions"]), (&"grown".into(), &120.into()), "{found}");
    assert_eq!((&found["scores"], &found["to"]), (&360.into(), &"2016-12-30".into()));
    assert!(
        found["psi"].as_f64() > Some(0.25) && found["p_value"].as_f64() < Some(1e-6),
        "{found}"
    );
    assert!(wild.stdout.contains("- the errors of persistence have grown"), "{}", wild.stdout);
}
