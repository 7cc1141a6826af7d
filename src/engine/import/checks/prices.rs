//! Prices that contradict each other, are no prices, or moved far in a day.

use super::{Checks, OddityKind};
use crate::import::dates::TimeKind;

/// Names of the price that a day closes at, best first.
const CLOSES: [&str; 5] = ["close", "adj_close", "price", "last", "px_last"];

/// Columns that are prices.
const PRICES: [&str; 8] = ["open", "high", "low", "close", "adj_close", "price", "last", "px_last"];

pub(super) fn check(checks: &mut Checks<'_>) {
    positive(checks);
    ohlc(checks);
    volume(checks);
    if checks.table.time_kind == TimeKind::Date {
        moves(checks);
    }
}

fn positive(checks: &mut Checks<'_>) {
    let columns: Vec<_> =
        PRICES.iter().filter_map(|name| Some((*name, checks.column(name)?))).collect();
    for row_idx in 0..checks.table.times.len() {
        // Null is NaN, which is not below anything.
        let bad = columns.iter().find(|(_, column)| column[row_idx] <= 0.0);
        if let Some((name, column)) = bad {
            let what = || format!("{name} {}", column[row_idx]);
            checks.row(OddityKind::NonPositivePrice, row_idx, what);
        }
    }
}

fn ohlc(checks: &mut Checks<'_>) {
    let (open, close) = (checks.column("open"), checks.column("close"));
    let (high, low) = (checks.column("high"), checks.column("low"));
    for row_idx in 0..checks.table.times.len() {
        let at = |column: Option<&[f64]>| column.map_or(f64::NAN, |column| column[row_idx]);
        let (high, low) = (("high", at(high)), ("low", at(low)));
        let mut wrong: Vec<String> = Vec::new();
        let mut must_not_exceed = |(one, lower): (&str, f64), (two, upper): (&str, f64)| {
            // False where either is null.
            if lower > upper {
                wrong.push(format!("{one} {lower} above {two} {upper}"));
            }
        };
        must_not_exceed(low, high);
        for price in [("open", at(open)), ("close", at(close))] {
            must_not_exceed(low, price);
            must_not_exceed(price, high);
        }
        if !wrong.is_empty() {
            checks.row(OddityKind::Ohlc, row_idx, || wrong.join(", "));
        }
    }
}

fn volume(checks: &mut Checks<'_>) {
    let Some(volume) = checks.column("volume") else { return };
    for (row_idx, traded) in volume.iter().enumerate() {
        if *traded == 0.0 {
            checks.row(OddityKind::ZeroVolume, row_idx, || "volume 0".to_owned());
        }
    }
}

/// Each close against the last one before it that is a price.
fn moves(checks: &mut Checks<'_>) {
    let Some(close) = CLOSES.iter().find_map(|name| checks.column(name)) else { return };
    let limit = checks.options.large_move_pct;
    for rows in checks.tickers() {
        let mut last: Option<f64> = None;
        for row_idx in rows {
            let price = close[row_idx];
            // NaN, which is null, fails this.
            let is_price = price > 0.0;
            if let (Some(before), true) = (last, is_price) {
                let move_pct = (price / before - 1.0) * 100.0;
                if move_pct.abs() > limit {
                    let what = || format!("{move_pct:+.1} %, from {before} to {price}");
                    checks.row(OddityKind::LargeMove, row_idx, what);
                }
            }
            if is_price {
                last = Some(price);
            }
        }
    }
}
