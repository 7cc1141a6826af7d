//! Prices that contradict each other, and tickers against the calendar of the others.
//! The figures are those of public five-year histories of S&P 500 stocks.

use super::*;

fn told(report: &ImportReport) -> Vec<(&'static str, u64, Vec<&str>)> {
    report
        .oddities
        .iter()
        .map(|oddity| {
            let examples = oddity.examples.iter().map(|example| example.content.as_str());
            (oddity.kind.slug(), oddity.count, examples.collect())
        })
        .collect()
}

const BARS: &str = "ticker,date,open,high,low,close,volume
AOS,2014-05-19,23.89,23.595,23.85,24.445,1
CHD,2014-05-16,33.5,34,33.4,33.7,5
CHD,2014-05-19,18.77,33.9525,33.695,33.895,1017800
LNT,2016-05-18,35.2,35.8,35.1,35.3,7
LNT,2016-05-19,35.19,35.785,35.085,17.87,8
O,2016-01-12,,,,52.43,0
";

#[test]
fn bars_that_contradict_themselves_are_named() {
    let (_dir, options) = folder(&[("x.csv", BARS)]);
    let report = run(&options).unwrap();
    let ohlc = told(&report).into_iter().find(|(slug, ..)| *slug == "ohlc").unwrap();
    let expected = [
        "AOS 2014-05-19: low 23.85 above high 23.595, open 23.89 above high 23.595, \
         close 24.445 above high 23.595",
        "CHD 2014-05-19: low 33.695 above open 18.77",
        "LNT 2016-05-19: low 35.085 above close 17.87",
    ];
    assert_eq!(ohlc, ("ohlc", 3, expected.to_vec()));
}

#[test]
fn no_volume_and_a_close_far_off_are_named() {
    let (_dir, options) = folder(&[("x.csv", BARS)]);
    let report = run(&options).unwrap();
    let told = told(&report);
    assert!(told.contains(&("zero-volume", 1, vec!["O 2016-01-12: volume 0"])), "{told:?}");
    // 17.87 / 35.3 − 1 = −49.4 %
    let moved = vec!["LNT 2016-05-19: -49.4 %, from 35.3 to 17.87"];
    assert!(told.contains(&("large-move", 1, moved)), "{told:?}");
    let calm = run(&ImportOptions { large_move_pct: 50.0, ..options }).unwrap();
    assert!(!calm.oddities.iter().any(|oddity| oddity.kind == OddityKind::LargeMove));
}

#[test]
fn a_move_is_told_beyond_the_limit_and_across_a_null() {
    let text = "date,close\n2020-01-02,100\n2020-01-03,125\n2020-01-06,\n2020-01-07,156.26\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    // 125 / 100 is 25 % and no more; 156.26 / 125 is 25.008 %.
    let moves: Vec<_> =
        told(&report).into_iter().filter(|(slug, ..)| *slug == "large-move").collect();
    assert_eq!(moves, [("large-move", 1, vec!["x 2020-01-07: +25.0 %, from 125 to 156.26"])]);
}

#[test]
fn rows_with_odd_prices_are_left_out_where_the_user_says_so() {
    let (_dir, options) = folder(&[("x.csv", BARS)]);
    let report = run(&on(&options, &["ohlc=drop", "zero-volume=drop"])).unwrap();
    let rows = cells_of(&report.output);
    assert_eq!(
        rows,
        ["CHD|2014-05-16|33.5|34.0|33.4|33.7|5.0", "LNT|2016-05-18|35.2|35.8|35.1|35.3|7.0"]
    );
    assert_eq!((report.n_rows_read, report.n_rows, report.n_tickers), (6, 2, 2));
    let error = refused(&on(&options, &["ohlc=refuse"]));
    assert_eq!(error.reports[0].title, "3 rows with high below low, or open or close outside them");
}

#[test]
fn prices_of_zero_and_below_are_named() {
    let (_dir, options) =
        folder(&[("x.csv", "date,close,births\n2020-01-02,0,0\n2020-01-03,-37.63,1\n")]);
    let report = run(&options).unwrap();
    let expected = vec!["x 2020-01-02: close 0", "x 2020-01-03: close -37.63"];
    assert_eq!(told(&report), [("nonpositive-price", 2, expected)]);
}

/// Sessions 2 to 10 January 2020 for A and B; the other tickers as given.
fn universe(others: &[(&str, &[u32])]) -> String {
    let all: &[u32] = &[2, 3, 6, 7, 8, 9, 10];
    let mut text = String::from("ticker,date,close\n");
    for (ticker, days) in [("A", all), ("B", all)].iter().chain(others) {
        for day in *days {
            text.push_str(&format!("{ticker},2020-01-{day:02},1\n"));
        }
    }
    text
}

#[test]
fn sessions_missing_within_a_history_are_gaps_and_a_late_start_is_none() {
    let (_dir, options) =
        folder(&[("x.csv", &universe(&[("GAP", &[2, 6, 7, 10]), ("LATE", &[8, 9, 10])]))]);
    let report = run(&options).unwrap();
    let gaps = vec![
        "GAP 2020-01-06: 1 session missing before it, 2020-01-03",
        "GAP 2020-01-10: 2 sessions missing before it, 2020-01-08 to 2020-01-09",
    ];
    let short = vec![
        "LATE: 3 of 7 sessions, 2020-01-08 to 2020-01-10",
        "GAP: 4 of 7 sessions, 2020-01-02 to 2020-01-10",
    ];
    assert_eq!(told(&report), [("gap", 2, gaps), ("short-history", 2, short)]);
}

#[test]
fn a_stray_day_of_one_ticker_is_off_the_calendar_and_no_gap_of_the_others() {
    let (_dir, options) = folder(&[("x.csv", &universe(&[("C", &[2, 3, 4, 6, 7, 8, 9, 10])]))]);
    let report = run(&options).unwrap();
    let expected = vec!["C 2020-01-04: no session of most other tickers"];
    assert_eq!(told(&report), [("off-calendar", 1, expected)]);
    let without = run(&on(&options, &["off-calendar=drop"])).unwrap();
    assert_eq!(without.n_rows, 21);
}

#[test]
fn tickers_of_short_history_can_be_left_out() {
    let (_dir, options) = folder(&[("x.csv", &universe(&[("LATE", &[8, 9, 10])]))]);
    let report = run(&on(&options, &["short-history=drop"])).unwrap();
    assert_eq!((report.n_tickers, report.n_rows, report.n_rows_read), (2, 14, 17));
    let error = refused(&on(&options, &["short-history=refuse"]));
    assert_eq!(error.reports[0].title, "1 tickers with fewer sessions than there are");
}

#[test]
fn a_daily_series_alone_has_gaps_beyond_ten_days_and_a_monthly_one_has_none() {
    let text = "date,close\n2020-01-02,1\n2020-01-03,1\n2020-01-06,1\n2020-01-17,1\n2020-01-20,1\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    assert_eq!(told(&report), [("gap", 1, vec!["x 2020-01-17: 11 days after the row before it"])]);
    let (_dir, options) =
        folder(&[("x.csv", "date,close\n2020-01-01,1\n2020-02-01,1\n2020-03-01,1\n")]);
    assert_eq!(told(&run(&options).unwrap()), []);
}

#[test]
fn nothing_left_is_refused() {
    let (_dir, options) = folder(&[("x.csv", "date,close,volume\n2020-01-02,1,0\n")]);
    let error = refused(&on(&options, &["zero-volume=drop"]));
    assert_eq!(error.reports[0].title, "no row is left");
}
