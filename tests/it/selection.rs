//! `--tickers` and `[universe]`: who is scored and written, and that nobody else loses a row.

use crate::cloud::Cloud;
use crate::market::{Close, closes, csv, date, revise, ticker_from};
use crate::workshop::{PIPELINE, Workshop, changed, year_of};

/// Rows of `errors` of each ticker.
fn rows(workshop: &Workshop) -> Vec<String> {
    workshop.sql("SELECT ticker, count(*) FROM errors GROUP BY ticker ORDER BY ticker")
}

#[test]
fn chosen_tickers_are_scored_and_the_rows_of_others_stay_bit_for_bit() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    // Two tickers change in the test span; one of them is chosen.
    revise(&mut prices, "AAA", "2015-06-01", 11, 10);
    revise(&mut prices, "TRUE", "2015-06-02", 11, 10);
    workshop.prices(&csv(&prices));
    let query = "SELECT * FROM errors WHERE ticker <> 'AAA' ORDER BY ticker, ts, model";
    let (before, others) = (workshop.cells(), workshop.sql(query));
    let planned = workshop.oddlot(&["plan", "job.toml", "--tickers", "A*"]).ok();
    assert!(planned.stdout.contains("tickers    1 of 3 chosen"), "{}", planned.stdout);
    let done = workshop.oddlot(&["run", "job.toml", "--tickers", "A*"]).ok().json();
    assert_eq!((&done["tickers"], &done["cells_replaced"]), (&1.into(), &8.into()));
    let replaced = changed(&before, &workshop.cells());
    assert!(replaced.iter().all(|cell| (2015..=2016).contains(&year_of(cell))), "{replaced:?}");
    assert_eq!(workshop.sql(query), others, "TRUE is as it was, though its prices are not");
    let status = "SELECT ticker, status FROM ticker_status \
        WHERE run_id = (SELECT max(run_id) FROM runs)";
    assert_eq!(workshop.sql(status), ["AAA,ok"]);

    // The same again is nothing to do, and the other ticker still is.
    let again = workshop.oddlot(&["run", "job.toml", "--tickers", "A*"]).ok().json();
    assert_eq!((&again["cells_replaced"], &again["nothing_to_do"]), (&0.into(), &true.into()));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert!(plan.contains("some tickers were chosen when it was written last"), "{plan}");
    // A run of all mends it, and the cells are those of one that never knew of a choice.
    workshop.run();
    let whole = Workshop::with_prices(&csv(&prices));
    whole.run();
    assert_eq!(changed(&workshop.cells(), &whole.cells()), [""; 0]);
    workshop.oddlot(&["verify", "job.toml"]).ok();
}

#[test]
fn tickers_chosen_one_after_the_other_make_the_cells_of_one_run() {
    // Two parts, and a ticker that is in neither of the first choices.
    let pipeline = PIPELINE.replace("root = \"out\"", "root = \"out\"\nparts = 2");
    let (steps, whole) = (Workshop::new(&pipeline), Workshop::new(&pipeline));
    for workshop in [&steps, &whole] {
        workshop.prices(&csv(&closes()));
    }
    whole.run();
    steps.write("few.txt", "# two of them\nTRUE\n0005\n");
    steps.oddlot(&["run", "job.toml", "--tickers", "AAA", "--from", "2014-01-01"]).ok();
    assert_eq!(rows(&steps), ["AAA,3915"], "3 years of 261 days, of 5 models, and nobody else");
    steps.oddlot(&["run", "job.toml", "--tickers", "AAA"]).ok();
    steps.oddlot(&["run", "job.toml", "--tickers", "@few.txt"]).ok();
    assert_eq!(rows(&steps), rows(&whole));
    assert_eq!(changed(&steps.cells(), &whole.cells()), [""; 0]);
    // Nothing is left to be written: equal bytes stay where they are.
    assert_eq!(steps.run()["cells_replaced"], 0);
}

#[test]
fn rows_of_other_models_or_settings_are_not_left_beside_new_ones() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let before = workshop.out();
    let calm = PIPELINE.replace("[output]", "[events]\nmax_gap_rows = 3\n[output]");
    workshop.write("job.toml", &calm);
    let ran = workshop.oddlot(&["run", "job.toml", "--tickers", "AAA"]).ends_with(78);
    assert!(ran.stderr.contains("rows that were made with other settings"), "{}", ran.stderr);
    workshop.write("job.toml", PIPELINE);
    revise(&mut prices, "AAA", "2011-03-09", 101, 100);
    workshop.prices(&csv(&prices));
    for more in [&[][..], &["--full-refresh"]] {
        let run = [&["run", "job.toml", "--tickers", "AAA"], more].concat();
        let ran = workshop.oddlot(&run).ends_with(5);
        assert!(ran.stderr.contains("only some tickers are chosen"), "{}", ran.stderr);
    }
    let tables = |path: &String| path.starts_with("tables/") || path.starts_with("models/");
    let touched = changed(&before, &workshop.out());
    assert!(!touched.iter().any(tables), "{touched:?}");
}

#[test]
fn a_name_that_nobody_has_ends_with_3_and_the_name_that_was_meant() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    for command in ["run", "plan", "score"] {
        let ran = workshop.oddlot(&[command, "job.toml", "--tickers", "AAB,TRUE"]).ends_with(3);
        assert!(ran.stderr.contains("the source has no such ticker"), "{}", ran.stderr);
        assert!(ran.stderr.contains("did you mean `AAA`?"), "{}", ran.stderr);
    }
    assert!(!workshop.path("out").exists());
    workshop.oddlot(&["run", "job.toml", "--tickers", "@none.txt"]).ends_with(78);
}

#[test]
fn only_chosen_tickers_make_a_run_fail_for_an_anomaly_and_s3_carries_rows_over_too() {
    let mut prices = closes();
    revise(&mut prices, "AAA", "2016-12-30", 8, 10);
    let cloud = Cloud::with_prices(&csv(&prices));
    cloud.oddlot(&["run", "job.toml"]).ok();
    let whole = cloud.cells();
    let of = |ticker: &str| {
        let run = ["run", "job.toml", "--date", "2016-12-30", "--fail-on", "anomaly"];
        cloud.oddlot(&[&run[..], &["--tickers", ticker]].concat())
    };
    of("AAA").ends_with(4);
    let calm = "SELECT count(*) FROM anomalies WHERE ticker = '0005' AND trade_date = '2016-12-30'";
    assert_eq!(cloud.sql(calm), ["0"]);
    of("0005").ends_with(0);
    revise(&mut prices, "0005", "2016-12-29", 9, 10);
    cloud.workshop.prices(&csv(&prices));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
    cloud.oddlot(&["run", "job.toml", "--tickers", "0005"]).ok();
    assert!(!changed(&whole, &cloud.cells()).is_empty());
    let cells = cloud.cells();
    cloud.oddlot(&["run", "job.toml"]).ok();
    assert_eq!(changed(&cells, &cloud.cells()), [""; 0], "nobody else had changed");
}

/// [`closes`] with a ticker that ends on `last`, and one that has become cheap.
fn with_old_and_cheap(last: &str) -> Vec<Close> {
    let mut prices = closes();
    let old = ticker_from("OLD", date("2010-01-01")).into_iter();
    prices.extend(old.filter(|row| row.date <= date(last)));
    let cheap = ticker_from("CHEAP", date("2010-01-01")).into_iter();
    // 100 dollars become one.
    prices.extend(cheap.map(|row| Close { price: row.price / 100, ..row }));
    let last = prices.last_mut().unwrap();
    last.price = 5_000;
    prices
}

#[test]
fn the_universe_leaves_the_old_and_the_cheap_unscored_and_trains_nobody_anew() {
    let rules = "[universe]\nmin_price = 0.75\nlast_seen = 30\n[output]";
    let workshop = Workshop::new(&PIPELINE.replace("[output]", rules));
    // 2016-11-30 is 30 days before the end: seen still.
    workshop.prices(&csv(&with_old_and_cheap("2016-11-30")));
    workshop.run();
    let tickers =
        |workshop: &Workshop| workshop.sql("SELECT DISTINCT ticker FROM errors ORDER BY 1");
    assert_eq!(tickers(&workshop), ["0005", "AAA", "OLD", "TRUE"]);
    let models = workshop.model_ids();

    workshop.prices(&csv(&with_old_and_cheap("2016-11-29")));
    let done = workshop.run();
    assert_eq!(done["failed"], 0, "{done}");
    assert_eq!(tickers(&workshop), ["0005", "AAA", "TRUE"]);
    assert_eq!(workshop.model_ids(), models, "models go on having learnt from it");
    let status = "SELECT ticker, status, reason FROM ticker_status WHERE status <> 'ok' \
        AND run_id = (SELECT max(run_id) FROM runs) ORDER BY ticker";
    assert_eq!(
        workshop.sql(status),
        [
            "CHEAP,skipped,\"last price 0.5, universe.min_price = 0.75\"",
            "OLD,skipped,\"last seen 2016-11-29, 31 days before the end of the data; universe.last_seen = 30\"",
        ]
    );
    assert_eq!(workshop.run()["cells_replaced"], 0);
    // Nobody is left.
    workshop
        .write("job.toml", &PIPELINE.replace("[output]", "[universe]\nmin_price = 1e6\n[output]"));
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(3);
    assert!(
        ran.stderr.contains("the rules of [universe] leave no ticker to score"),
        "{}",
        ran.stderr
    );
}
