//! The rows of one chart.

use oddlot_engine::Error;
use oddlot_engine::query::Bound;
use oddlot_engine::source::prices_of;
use oddlot_report::chart::{Event, Row, Series, Severity};
use serde::Deserialize;

use super::price::{Prices, Seen};
use super::{Look, Subject};
use crate::split::year_of;

const LIST_ROWS: &str = include_str!("../../sql/report/list_rows.sql");
const LIST_EVENTS: &str = include_str!("../../sql/report/list_ticker_events.sql");

/// Days before the first that are read for the price before it.
const DAYS_BEFORE: i32 = 30;

/// A row of `list_rows.sql`.
#[derive(Debug, Deserialize)]
struct Line {
    ts: i64,
    score: Option<f64>,
    threshold: Option<f64>,
    ratio: Option<f64>,
    is_anomaly: bool,
    rule: Option<String>,
    value: Option<f64>,
    expected: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    price_expected: Option<f64>,
    return_pct: Option<f64>,
}

/// A row of `list_ticker_events.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct EventRow {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) start_day: i32,
    pub(super) end_day: i32,
    pub(super) peak_day: i32,
    pub(super) n_points: u64,
    pub(super) ratio: Option<f64>,
}

impl Look<'_> {
    /// What a chart of `subject` between two days shows, both included.
    ///
    /// # Errors
    /// The tables or the source cannot be read.
    pub async fn series(&self, subject: &Subject, (from, to): (i32, i32)) -> Result<Series, Error> {
        let lines: Vec<Line> = self.catalog.rows(LIST_ROWS, &of(subject, (from, to))).await?;
        let events = self.events_of(subject, (from, to)).await?;
        let prices = match lines.iter().any(|line| line.price_expected.is_some()) {
            true => self.prices_of(subject, (from, to)).await?,
            false => None,
        };
        let unit = match (&prices, self.plan) {
            (Some(_), Some(plan)) => plan.source.columns.value.clone(),
            _ => subject.feature.clone(),
        };
        let mut last_scale = None;
        let row = |line: Line| row(line, prices.as_ref(), &mut last_scale);
        Ok(Series {
            ticker: subject.ticker.clone(),
            pipeline: subject.pipeline.clone(),
            model: subject.model.clone(),
            unit,
            rows: lines.into_iter().map(row).collect(),
            events: events
                .iter()
                .map(|event| Event { start: event.start, end: event.end })
                .collect(),
        })
    }

    pub(super) async fn events_of(
        &self,
        subject: &Subject,
        (from, to): (i32, i32),
    ) -> Result<Vec<EventRow>, Error> {
        if !self.catalog.has("events") {
            return Ok(Vec::new());
        }
        let values = [
            ("pipeline", Bound::from(subject.pipeline.as_str())),
            ("ticker", Bound::from(subject.ticker.as_str())),
            ("model", Bound::from(subject.model.as_str())),
            ("from", Bound::Day(from)),
            ("to", Bound::Day(to)),
        ];
        self.catalog.rows(LIST_EVENTS, &values).await
    }

    /// The ticker's prices; `None` where the source is not at hand or does not have it.
    pub(super) async fn prices_of(
        &self,
        subject: &Subject,
        (from, to): (i32, i32),
    ) -> Result<Option<Prices>, Error> {
        let Some(session) = &self.prices else { return Ok(None) };
        let from = from.saturating_sub(DAYS_BEFORE);
        let rows = prices_of(session, &subject.ticker, (from, to)).await?;
        Ok((!rows.is_empty()).then(|| Prices::new(rows)))
    }
}

/// The values of `list_rows.sql`.
pub(super) fn of(subject: &Subject, (from, to): (i32, i32)) -> [(&'static str, Bound); 8] {
    [
        ("pipeline", Bound::from(subject.pipeline.as_str())),
        ("ticker", Bound::from(subject.ticker.as_str())),
        ("model", Bound::from(subject.model.as_str())),
        ("feature", Bound::from(subject.feature.as_str())),
        ("from", Bound::Day(from)),
        ("to", Bound::Day(to)),
        ("from_year", Bound::Whole(year_of(from).into())),
        ("to_year", Bound::Whole(year_of(to).into())),
    ]
}

fn row(line: Line, prices: Option<&Prices>, last_scale: &mut Option<f64>) -> Row {
    let is_break = line.rule.as_deref() == Some("break");
    let flag = line.is_anomaly.then(|| Severity::of(line.ratio.filter(|_| !is_break)));
    let seen = Seen {
        value: line.value,
        expected: line.expected,
        lower: line.lower,
        upper: line.upper,
        price_expected: line.price_expected,
    };
    let row = Row {
        ts: line.ts,
        observed: line.value,
        expected: line.expected,
        lower: line.lower,
        upper: line.upper,
        score: line.score,
        threshold: line.threshold,
        flag,
        return_pct: line.return_pct,
    };
    let priced = prices.map(|prices| prices.of(line.ts, &seen, *last_scale));
    *last_scale = priced.and_then(|priced| priced.scale);
    match priced {
        None => row,
        Some(priced) => Row {
            observed: priced.price,
            expected: line.price_expected,
            lower: priced.lower,
            upper: priced.upper,
            return_pct: line.return_pct.or(priced.return_pct),
            ..row
        },
    }
}
