//! Who of the universe is scored: the rules of `[universe]` that change as time goes by.
//!
//! `min_rows` leaves a ticker out altogether. `min_price` and `last_seen` do not: a ticker that falls below a
//! dollar or is delisted tonight is not scored, but models and features over the cross-section go on seeing it.
//! Otherwise each delisting would train every model anew, on survivors only.

use std::collections::BTreeMap;

use oddlot_engine::Error;
use oddlot_engine::inspect::{TickerFacts, last_prices};
use oddlot_engine::session::SessionContext;
use oddlot_engine::ticker_rows::{day_of, iso_date};

use crate::plan::Plan;

/// The rules, and what they are held against.
pub(super) struct Universe {
    /// Least price, and the last of each ticker.
    price: Option<(f64, BTreeMap<String, f64>)>,
    /// Most days before the end of the data, and its day.
    seen: Option<(i32, i32)>,
}

impl Universe {
    /// Asks for prices only where there is a rule about them.
    pub(super) async fn of(
        plan: &Plan,
        session: &SessionContext,
        facts: &[TickerFacts],
    ) -> Result<Self, Error> {
        let price = match plan.universe.min_price {
            Some(least) => Some((least.get(), last_prices(session).await?)),
            None => None,
        };
        let last_days = facts.iter().filter_map(|ticker| ticker.last_ts).map(day_of).collect();
        let most =
            plan.universe.last_seen.map(|days| i32::try_from(days.get()).unwrap_or(i32::MAX));
        Ok(Self { price, seen: most.zip(end_of(last_days)) })
    }

    /// Why a ticker is not scored, if it is not.
    pub(super) fn refuses(&self, ticker: &TickerFacts) -> Option<String> {
        if let Some((most, newest)) = self.seen {
            let last = day_of(ticker.last_ts?);
            let n_days = newest.saturating_sub(last);
            if n_days > most {
                return Some(format!(
                    "last seen {}, {n_days} days before the end of the data; universe.last_seen = {most}",
                    iso_date(last)
                ));
            }
        }
        let (least, prices) = self.price.as_ref()?;
        let last = *prices.get(&ticker.ticker)?;
        (last < *least).then(|| format!("last price {last}, universe.min_price = {least}"))
    }
}

/// The newest day that a hundredth of the tickers reach: a date in the year 2099 costs its own ticker, and not
/// all others.
fn end_of(mut last_days: Vec<i32>) -> Option<i32> {
    last_days.sort_unstable();
    let n_beyond = last_days.len().div_ceil(100);
    let end = last_days.len().checked_sub(n_beyond)?;
    last_days.get(end).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_end_where_a_hundredth_of_the_tickers_does() {
        assert_eq!(end_of(vec![]), None);
        assert_eq!(end_of(vec![7, 9, 8]), Some(9));
        let mut days = vec![100; 199];
        days.push(47_000);
        assert_eq!(end_of(days), Some(100));
    }

    const DAY_US: i64 = 86_400_000_000;

    fn ticker(name: &str, last_day: i64) -> TickerFacts {
        TickerFacts {
            ticker: name.into(),
            last_ts: Some(last_day * DAY_US),
            ..TickerFacts::default()
        }
    }

    #[test]
    fn a_ticker_is_seen_up_to_the_very_day_of_the_rule() {
        let rules = Universe { price: None, seen: Some((30, 100)) };
        assert_eq!(rules.refuses(&ticker("A", 70)), None);
        let reason =
            "last seen 1970-03-11, 31 days before the end of the data; universe.last_seen = 30";
        assert_eq!(rules.refuses(&ticker("A", 69)).as_deref(), Some(reason));
    }

    #[test]
    fn a_price_at_the_least_is_enough_and_none_at_all_is_for_others_to_judge() {
        let prices = BTreeMap::from([("A".to_owned(), 1.0), ("B".to_owned(), 0.99)]);
        let rules = Universe { price: Some((1.0, prices)), seen: None };
        assert_eq!(rules.refuses(&ticker("A", 0)), None);
        let reason = "last price 0.99, universe.min_price = 1";
        assert_eq!(rules.refuses(&ticker("B", 0)).as_deref(), Some(reason));
        assert_eq!(rules.refuses(&ticker("C", 0)), None);
    }
}
