//! The market residual, through the whole program.

use crate::market::{Close, csv, date, revise, ticker_from};
use crate::workshop::{Workshop, changed};

const NAMES: [&str; 7] = ["AA", "BB", "CC", "DD", "EE", "FF", "GG"];

const PIPELINE: &str = r#"
[source]
path = "prices/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:market_residual"
[windows]
length = 8
[split]
train_to = "2014-06-30"
validation_to = "2014-12-31"
calibration_to = "2015-12-31"
[models.ewma.detector.ewma_z]
rows = 30
[threshold.fixed]
value = 3
[output]
root = "out"
parts = 3
"#;

fn closes() -> Vec<Close> {
    NAMES.into_iter().flat_map(|name| ticker_from(name, date("2014-01-01"))).collect()
}

fn with(closes: &[Close]) -> Workshop {
    let workshop = Workshop::new(PIPELINE);
    workshop.prices(&csv(closes));
    workshop
}

/// The tickers by their residual on the last day, the least first.
fn ranked(workshop: &Workshop) -> Vec<String> {
    workshop
        .sql("SELECT ticker FROM reconstructions WHERE trade_date = '2016-12-30' ORDER BY value")
}

#[test]
fn features_of_the_users_own_may_spell_the_market_as_sql_lets_them() {
    let builtin = with(&closes());
    builtin.run();
    let text = include_str!("../../sql/features/market_residual.sql");
    let text = text.replace("market_return(trade_date)", "MARKET_RETURN (trade_date)");
    assert!(!text.contains("market_return("));
    let own = Workshop::new(&PIPELINE.replace("builtin:market_residual", "mine.sql"));
    own.write("mine.sql", &text);
    own.prices(&csv(&closes()));
    own.run();
    let values = "SELECT ticker, ts, value FROM reconstructions ORDER BY ticker, ts";
    assert_eq!(own.sql(values), builtin.sql(values));
    let n = "SELECT count(value) > 1000 FROM reconstructions";
    assert_eq!(own.one(n), "true");
}

/// The cells of `errors` that differ.
fn changed_errors(before: &Workshop, after: &Workshop) -> Vec<String> {
    let changed = changed(&before.cells(), &after.cells()).into_iter();
    changed.filter(|path| path.starts_with("errors/")).collect()
}

/// Cells of `errors` that a run of `workshop` would write.
fn stale(workshop: &Workshop) -> usize {
    let plan = workshop.oddlot(&["plan", "job.toml", "--format", "json"]).ok();
    let is_stale = |line: &&str| line.contains("\"stale\"") && line.contains("\"errors\"");
    plan.stdout.lines().filter(is_stale).count()
}

#[test]
fn the_median_ticker_has_no_residual_and_the_others_what_their_return_exceeds_it_by() {
    let workshop = with(&closes());
    workshop.run();
    let median = "SELECT count(*) FROM (SELECT trade_date, median(value) AS m FROM reconstructions \
                  WHERE value IS NOT NULL GROUP BY trade_date) WHERE m <> 0";
    assert_eq!(workshop.one(median), "0", "one of seven is the median itself");
    let n = "SELECT count(DISTINCT trade_date) > 700 FROM reconstructions WHERE value IS NOT NULL";
    assert_eq!(workshop.one(n), "true");
}

#[test]
fn chosen_tickers_see_the_market_of_all() {
    let all = with(&closes());
    all.run();
    let chosen = with(&closes());
    chosen.oddlot(&["run", "job.toml", "--tickers", "BB"]).ok();
    let of = "SELECT * FROM errors WHERE ticker = 'BB' ORDER BY ts";
    assert_eq!(chosen.sql(of), all.sql(of));
    assert_eq!(chosen.one("SELECT count(DISTINCT ticker) FROM errors"), "1");
}

#[test]
fn a_restated_price_dirties_the_cells_of_others_only_where_it_moves_the_median() {
    let mut all = closes();
    let before = with(&all);
    before.run();
    let n_parts =
        before.cells().keys().filter(|path| path.contains("errors/pipeline=job/year=2016")).count();
    assert!(n_parts > 1, "{n_parts}");
    let ranked = ranked(&before);
    let after = with(&all);
    after.run();
    // The largest return of the last day becomes larger still: the median is the same.
    revise(&mut all, &ranked[6], "2016-12-30", 101, 100);
    after.prices(&csv(&all));
    assert_eq!(stale(&after), 1);
    after.run();
    assert_eq!(changed_errors(&before, &after).len(), 1);
    // The least becomes the largest: the median is another, of that day, in that year.
    revise(&mut all, &ranked[0], "2016-12-30", 112, 100);
    after.prices(&csv(&all));
    assert_eq!(stale(&after), n_parts);
    after.run();
    let cells = changed_errors(&before, &after);
    assert_eq!(cells.len(), n_parts, "{cells:?}");
    assert!(cells.iter().all(|path| path.contains("year=2016")), "{cells:?}");
    let fresh = with(&all);
    fresh.run();
    assert_eq!(after.cells(), fresh.cells());
}
