//! Generated prices: seven years of weekdays of a few tickers, the same in every run.

use chrono::{Datelike, NaiveDate, Weekday};

/// One closing price.
#[derive(Clone, Debug, PartialEq)]
pub struct Close {
    pub ticker: &'static str,
    pub date: NaiveDate,
    /// Ten-thousandths, so that the CSV is exact.
    pub price: i64,
}

/// Names that a reader who guesses types would spoil, and one that is none.
pub const TICKERS: [&str; 3] = ["0005", "AAA", "TRUE"];

/// A date as 2016-12-30.
pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// [`TICKERS`], every weekday from 2010-01-01 to 2016-12-30.
pub fn closes() -> Vec<Close> {
    TICKERS.into_iter().flat_map(|ticker| ticker_from(ticker, date("2010-01-01"))).collect()
}

/// One ticker, every weekday from `first` to 2016-12-30.
pub fn ticker_from(ticker: &'static str, first: NaiveDate) -> Vec<Close> {
    // FNV-1a of the name: every ticker has its own walk.
    let mut state = ticker.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut price = 1_000_000_i64;
    let mut closes = Vec::new();
    let days = first.iter_days().take_while(|day| *day <= date("2016-12-30"));
    for date in days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)) {
        // Twelve uniforms minus six: nearly normal, in whole numbers and so the same everywhere.
        let sum: i64 = (0..12).map(|_| i64::from(next(&mut state) >> 16)).sum();
        let change = (sum - 6 * 65_535) / 655; // 1 σ is a hundredth of the price
        price += price * change / 10_000;
        closes.push(Close { ticker, date, price });
    }
    closes
}

/// A linear congruential generator (Knuth, MMIX); its upper half.
fn next(state: &mut u64) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 32) as u32
}

/// Multiplies the price of one day.
pub fn revise(closes: &mut [Close], ticker: &str, day: &str, numerator: i64, denominator: i64) {
    let day = date(day);
    let row = closes.iter_mut().find(|row| row.ticker == ticker && row.date == day).unwrap();
    row.price = row.price * numerator / denominator;
}

/// The rows up to `last`.
pub fn until(closes: &[Close], last: &str) -> Vec<Close> {
    let last = date(last);
    closes.iter().filter(|row| row.date <= last).cloned().collect()
}

/// The rows as a CSV file.
pub fn csv(closes: &[Close]) -> String {
    let mut text = String::from("ticker,date,close\n");
    for Close { ticker, date, price } in closes {
        text += &format!("{ticker},{date},{}.{:04}\n", price / 10_000, price % 10_000);
    }
    text
}
