//! One new day: it is scored, and what was said of older days stays as it was.

use crate::market::{Close, closes, csv, date, revise, until};
use crate::workshop::{Workshop, changed, year_of};

/// What later rows must not change. Hindsight columns and `n_windows` may change for seven days.
pub const CAUSAL: [&str; 2] = [
    "SELECT ticker, ts, model, model_id, trade_date, window_error, score, threshold, \
     threshold_ratio, percentile, p_value, is_anomaly, split, rule, skip_reason \
     FROM errors WHERE trade_date <= '$day' ORDER BY ticker, ts, model",
    "SELECT ticker, ts, feature, model, model_id, trade_date, value, expected, lower_bound, \
     upper_bound, error, price_expected \
     FROM reconstructions WHERE trade_date <= '$day' ORDER BY ticker, ts, model, feature",
];

/// Everything causal that is said of the days up to `day`.
pub fn causal(workshop: &Workshop, day: &str) -> Vec<String> {
    CAUSAL.iter().flat_map(|query| workshop.sql(&query.replace("$day", day))).collect()
}

#[test]
fn a_new_day_is_scored_and_nothing_older_changes() {
    let mut all = closes();
    // On the new day a price loses 30 %: every model must flag it, and ln .7 = -.36 is no break yet.
    revise(&mut all, "AAA", "2016-12-30", 7, 10);
    let workshop = Workshop::with_prices(&csv(&until(&all, "2016-12-29")));
    workshop.run();
    let (cells, rows) = (workshop.cells(), causal(&workshop, "2016-12-29"));
    let model_ids = workshop.model_ids();
    // 3 tickers × 1,825 weekdays × 5 models × 2 tables.
    assert_eq!(rows.len(), 3 * 1825 * 5 * 2);

    workshop.prices(&csv(&all));
    let done = workshop.run();
    assert_eq!(causal(&workshop, "2016-12-29"), rows, "bit for bit, and floats print in full");
    assert_eq!(workshop.model_ids(), model_ids, "no model is trained again");
    assert_eq!(workshop.one("SELECT count(*) FROM models"), "5");
    let replaced = changed(&cells, &workshop.cells());
    assert_eq!(replaced.len(), 4, "the four tables of 2016: {replaced:?}");
    assert!(replaced.iter().all(|cell| year_of(cell) == 2016), "{replaced:?}");
    assert_eq!(done["cells_replaced"], 4);

    let new = "SELECT count(*) FROM errors WHERE trade_date = '2016-12-30' AND score IS NOT NULL";
    assert_eq!(workshop.one(new), (3 * 5).to_string());
    let runs = workshop.sql("SELECT run_id FROM runs ORDER BY run_id");
    let told = format!("SELECT ticker, trade_date, model FROM alerts WHERE run_id = '{}'", runs[1]);
    let told = workshop.sql(&format!("{told} ORDER BY ticker, model"));
    let aaa: Vec<&String> = told.iter().filter(|alert| alert.starts_with("AAA")).collect();
    assert_eq!(aaa.len(), 5, "{told:?}");
    assert!(told.iter().all(|alert| alert.contains(",2016-12-30,")), "only the new day: {told:?}");
    assert_eq!(done["alerts"], told.len());
}

#[test]
fn the_first_day_of_a_year_makes_new_cells() {
    let mut all = closes();
    let workshop = Workshop::with_prices(&csv(&all));
    workshop.run();
    let rows = causal(&workshop, "2016-12-30");
    let newest: Vec<Close> =
        all.iter().filter(|row| row.date == date("2016-12-30")).cloned().collect();
    // Friday is followed by Monday.
    all.extend(newest.into_iter().map(|row| Close { date: date("2017-01-02"), ..row }));
    workshop.prices(&csv(&all));
    assert_eq!(workshop.run()["cells"], 4 * 8);
    assert_eq!(causal(&workshop, "2016-12-31"), rows);
    let new = "SELECT count(*), min(trade_date), max(year) FROM errors WHERE year = 2017";
    assert_eq!(workshop.one(new), "15,2017-01-02,2017");
}
