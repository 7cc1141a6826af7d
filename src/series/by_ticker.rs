//! One thing for all tickers, or one each with the common one as a fallback.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whether something is fitted on all tickers together or on each alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All tickers together.
    #[default]
    Pooled,
    /// Each ticker alone, with the pooled one for a ticker that has too few rows.
    Ticker,
}

/// A pooled thing and those of single tickers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByTicker<T> {
    /// Whether tickers ought to have their own.
    pub scope: Scope,
    /// Of all tickers together.
    pub pooled: T,
    /// Of the tickers that had rows enough; empty under [`Scope::Pooled`].
    pub per_ticker: BTreeMap<String, T>,
}

/// What [`ByTicker::get`] found.
#[derive(Debug, PartialEq)]
pub struct Chosen<'a, T> {
    /// The ticker's own or the pooled one.
    pub item: &'a T,
    /// Whether the ticker ought to have its own and has none: such a ticker is marked.
    pub is_pooled_fallback: bool,
}

impl<T> Clone for Chosen<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Chosen<'_, T> {}

impl<T> ByTicker<T> {
    /// One for all.
    pub fn pooled(item: T) -> Self {
        Self { scope: Scope::Pooled, pooled: item, per_ticker: BTreeMap::new() }
    }

    /// The one that counts for `ticker`.
    pub fn get(&self, ticker: &str) -> Chosen<'_, T> {
        match (self.scope, self.per_ticker.get(ticker)) {
            (Scope::Pooled, _) => Chosen { item: &self.pooled, is_pooled_fallback: false },
            (Scope::Ticker, Some(own)) => Chosen { item: own, is_pooled_fallback: false },
            (Scope::Ticker, None) => Chosen { item: &self.pooled, is_pooled_fallback: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticker_without_its_own_takes_the_pooled_one_and_is_marked() {
        let each = ByTicker {
            scope: Scope::Ticker,
            pooled: 1,
            per_ticker: BTreeMap::from([("A".to_owned(), 2)]),
        };
        assert_eq!(each.get("A"), Chosen { item: &2, is_pooled_fallback: false });
        assert_eq!(each.get("B"), Chosen { item: &1, is_pooled_fallback: true });
    }

    #[test]
    fn nobody_is_marked_where_one_serves_all() {
        assert!(!ByTicker::pooled(1).get("B").is_pooled_fallback);
    }
}
