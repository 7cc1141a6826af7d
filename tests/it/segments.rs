//! Breaks, gaps and histories too short: no row disappears, and every row says why.

use crate::market::{Close, closes, csv, date, revise, ticker_from};
use crate::workshop::{MODELS, Workshop};

/// `SLIP` has a price ten times too large on 2014-06-10; `GAP` lacks March 2014.
fn prices() -> Vec<Close> {
    let mut prices = closes();
    let first = date("2010-01-01");
    prices.extend(
        ticker_from("GAP", first)
            .into_iter()
            .filter(|row| !(date("2014-03-01")..=date("2014-03-31")).contains(&row.date)),
    );
    prices.extend(ticker_from("SLIP", first));
    revise(&mut prices, "SLIP", "2014-06-10", 10, 1);
    prices
}

#[test]
fn a_decimal_slip_is_flagged_as_a_break_and_the_days_after_it_by_the_fallback() {
    let workshop = Workshop::with_prices(&csv(&prices()));
    workshop.run();
    // Up on the day, down on the next: both are breaks, for every model.
    let breaks = workshop.sql(
        "SELECT trade_date, model, score IS NULL, round(return_pct / 100.0), direction \
         FROM anomalies WHERE rule = 'break' ORDER BY trade_date, model",
    );
    let expected = |day: &str, change: &str| {
        MODELS.map(|model| format!("{day},{model},true,{change}")).to_vec()
    };
    let mut both = expected("2014-06-10", "9.0,above");
    both.extend(expected("2014-06-11", "-1.0,below"));
    assert_eq!(breaks, both);
    let other = "SELECT count(*) FROM errors WHERE rule = 'break' AND ticker <> 'SLIP'";
    assert_eq!(workshop.one(other), "0");

    // Windows of 8 returns need 8 rows after the first of the segment: 2014-06-12 to 06-20 have
    // none, and 2014-06-23 is the first that has one.
    let after = workshop.sql(
        "SELECT trade_date, rule, coalesce(skip_reason, '-'), score IS NOT NULL FROM errors \
         WHERE ticker = 'SLIP' AND model = 'autoencoder' \
         AND trade_date BETWEEN '2014-06-09' AND '2014-06-24' ORDER BY trade_date",
    );
    let row = |day: u32, rest: &str| format!("2014-06-{day:02},{rest}");
    let mut expected = vec![row(9, "model,-,true"), row(10, "break,break,false")];
    expected.push(row(11, "break,break,false"));
    let short = [12, 13, 16, 17, 18, 19, 20].map(|day| row(day, "fallback,break,true"));
    expected.extend(short);
    expected.extend([row(23, "model,-,true"), row(24, "model,-,true")]);
    assert_eq!(after, expected);
}

#[test]
fn the_days_after_a_gap_say_so_and_have_a_score() {
    let workshop = Workshop::with_prices(&csv(&prices()));
    workshop.run();
    let gaps = workshop.sql(
        "SELECT model, min(trade_date), max(trade_date), count(*), count(score) FROM errors \
         WHERE ticker = 'GAP' AND skip_reason = 'gap' AND model IN ('autoencoder', 'forecaster') \
         GROUP BY model ORDER BY model",
    );
    // April's first return spans the gap and is none; the seven after it fill no window.
    assert_eq!(
        gaps,
        ["autoencoder,2014-04-01,2014-04-10,8,8", "forecaster,2014-04-01,2014-04-10,8,8"]
    );
    let elsewhere = "SELECT count(*) FROM errors WHERE skip_reason = 'gap' AND ticker <> 'GAP'";
    assert_eq!(workshop.one(elsewhere), "0");
    let start = workshop.sql(
        "SELECT DISTINCT skip_reason FROM errors WHERE model = 'autoencoder' \
         AND trade_date < '2010-01-13' AND score IS NULL ORDER BY skip_reason",
    );
    assert_eq!(start, ["history_short"]);
    // No row of the source is lost.
    let rows = workshop.sql("SELECT ticker, count(*) / 5 FROM errors GROUP BY ticker ORDER BY 1");
    assert_eq!(rows, ["0005,1826", "AAA,1826", "GAP,1805", "SLIP,1826", "TRUE,1826"]);
}
