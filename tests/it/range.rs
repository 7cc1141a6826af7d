//! `--from`, `--to`, `--date` and `--fail-on`.

use crate::market::{closes, csv, revise};
use crate::workshop::{Workshop, changed, year_of};

#[test]
fn only_the_years_of_the_range_are_written() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let some = ["run", "job.toml", "--from", "2012-12-31", "--to", "2014-01-01"];
    let done = workshop.oddlot(&some).ok().json();
    assert_eq!((&done["cells"], &done["cells_replaced"]), (&12.into(), &12.into()));
    let mut years: Vec<i32> = workshop.cells().keys().map(|cell| year_of(cell)).collect();
    years.sort_unstable();
    years.dedup();
    assert_eq!(years, [2012, 2013, 2014]);

    // The rest comes later, in two steps and in any order, and is what one run would have written.
    let before = workshop.cells();
    workshop.oddlot(&["run", "job.toml", "--from", "2016-06-01"]).ok();
    assert_eq!(workshop.run()["cells_replaced"], 28 - 12 - 4);
    let after = workshop.cells();
    assert!(before.iter().all(|(cell, bytes)| after[cell] == *bytes), "no cell was touched again");
    let whole = Workshop::with_prices(&csv(&closes()));
    whole.run();
    assert_eq!(changed(&after, &whole.cells()), [""; 0]);
    // Every flag of the test span is told once, whichever run wrote it.
    let told = "SELECT ticker, trade_date, model FROM alerts ORDER BY ticker, trade_date, model";
    let flags = "SELECT ticker, trade_date, model FROM anomalies WHERE split = 'test' \
        ORDER BY ticker, trade_date, model";
    assert_eq!(workshop.sql(told), whole.sql(told));
    assert_eq!(whole.sql(told), whole.sql(flags));
}

#[test]
fn fail_on_anomaly_ends_with_4_on_a_flagged_day_and_with_0_on_a_calm_one() {
    let mut prices = closes();
    revise(&mut prices, "AAA", "2016-12-30", 8, 10);
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let calm = workshop.one(
        "SELECT max(trade_date) FROM errors WHERE trade_date NOT IN (SELECT trade_date FROM anomalies)",
    );
    let on =
        |day: &str| workshop.oddlot(&["run", "job.toml", "--date", day, "--fail-on", "anomaly"]);
    assert_eq!(on("2016-12-30").ends_with(4).json()["anomalies"], 5);
    assert_eq!(on(&calm).ends_with(0).json()["anomalies"], 0);
    workshop.oddlot(&["run", "job.toml", "--date", "2016-12-30"]).ok();
}
