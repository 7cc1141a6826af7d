//! `scope` of a model: one for all tickers, or each ticker's own.

use oddlot_engine::Report;
use serde::Serialize;

use super::{fields::Fields, profile::Profile, range::Rows, value::Named};

/// A ticker with fewer training rows than this (about a year of sessions) gets no model of its own.
const MIN_ROWS: Rows = Rows::literal(250);

/// Who learns from whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelScope {
    /// One model that learns from all tickers.
    #[default]
    Pooled,
    /// A model for each ticker, which learns from that ticker's rows alone.
    PerTicker {
        /// Training rows that a ticker needs to get one.
        min_rows: Rows,
    },
}

/// The name of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Pooled,
    PerTicker,
}

impl ModelScope {
    /// Reads `scope` and `min_rows` of a model; an archive's detectors learn from each series anyway.
    pub(super) fn read(model: &mut Fields<'_>, profile: Profile) -> Self {
        if profile == Profile::Archive {
            return Self::Pooled;
        }
        let scope = model.or("scope", Name::Pooled);
        let min_rows = model.or("min_rows", MIN_ROWS);
        if scope.value == Name::PerTicker {
            return Self::PerTicker { min_rows: min_rows.value };
        }
        if min_rows.written.is_some() {
            let report = Report::new(format!("`{}.min_rows` has no use here", model.name()))
                .expected("`scope = \"per_ticker\"` beside it")
                .found(scope.written.unwrap_or("no `scope`, so \"pooled\"".into()))
                .hint("delete `min_rows`, or set `scope = \"per_ticker\"`");
            model.mistakes().add(min_rows.at, report);
        }
        Self::Pooled
    }

    /// Whether one model serves all tickers.
    pub fn is_pooled(&self) -> bool {
        *self == Self::Pooled
    }
}

impl Named for Name {
    const NAMES: &'static [(&'static str, Self)] =
        &[("pooled", Self::Pooled), ("per_ticker", Self::PerTicker)];
}
