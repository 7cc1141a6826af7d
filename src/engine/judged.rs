//! From one ticker's rows to its judged rows, and from those to the tables.
//!
//! Grain of the judged relation: (ticker, ts, model, feature), in that order. Every cell table is a
//! filter and a projection of it, so that the four tables cannot tell different stories.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use oddlot_series::{
    CalibratedDetector, Event, History, Judge, JudgedPoint, JudgedRow, Judgement, OfTicker,
    Remembered, Scores, SkipReason,
};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::score::Scorer;
use crate::tables::{Table, schema};
use crate::ticker_rows::{Layout, TickerRows};
use crate::{Error, Result};

/// Is told of every ticker and detector as it is judged, for what a table cannot hold. Several
/// tickers may be judged at the same time.
pub trait Observer: Send + Sync {
    /// One detector has judged one ticker.
    fn observe(
        &self,
        judge: &CalibratedDetector,
        ticker: &str,
        history: &History<'_>,
        scores: &Scores,
        judgement: &Judgement,
    );

    /// Every detector has judged `ticker`; tickers are told in their order.
    fn ticker_done(&self, ticker: &str) {
        let _ = ticker;
    }
}

/// All detectors of a pipeline, side by side.
pub struct Judges {
    detectors: Vec<OfTicker>,
    layout: Layout,
    /// Feature indices in the order of their names, which is the order of the tables.
    feature_order: Vec<usize>,
    observer: Arc<dyn Observer>,
}

impl fmt::Debug for Judges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.detectors.iter().map(OfTicker::name);
        f.debug_list().entries(names).finish()
    }
}

impl Judges {
    /// Judges with calibrated detectors of distinct names.
    pub fn new(
        detectors: Vec<impl Into<OfTicker>>,
        layout: Layout,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let mut detectors: Vec<OfTicker> = detectors.into_iter().map(Into::into).collect();
        detectors.sort_by(|a, b| a.name().cmp(b.name()));
        let mut feature_order: Vec<usize> = (0..layout.features.len()).collect();
        feature_order.sort_by_key(|&feature_idx| &layout.features[feature_idx]);
        Self { detectors, layout, feature_order, observer }
    }
}

/// The rows as the mathematics sees them.
pub fn history<'a>(rows: &'a TickerRows, layout: &Layout) -> History<'a> {
    let given = |column: &'a Vec<f64>| (!column.is_empty()).then_some(column.as_slice());
    History {
        days: &rows.days,
        values: &rows.values,
        features: layout.features.len(),
        feature_scales: given(&rows.feature_scales),
        reference_prices: given(&rows.reference_prices),
        segments: &rows.segments,
        breaks: &rows.breaks,
        windowed: &rows.windowed,
        length: layout.length,
    }
}

impl Scorer for Judges {
    fn schema(&self) -> SchemaRef {
        judged_schema()
    }

    fn score(&self, rows: &TickerRows) -> Result<RecordBatch> {
        let history = history(rows, &self.layout);
        let detectors: Vec<&CalibratedDetector> =
            self.detectors.iter().map(|detector| detector.of(&rows.ticker)).collect();
        let judge = |judge: &CalibratedDetector, remembered: &mut Remembered| {
            let scores = judge.detector.score_remembering(&rows.ticker, &history, remembered)?;
            let judgement = judge.judge_scores(&rows.ticker, &history, &scores);
            self.observer.observe(judge, &rows.ticker, &history, &scores, &judgement);
            Ok(judgement)
        };
        // Archive detectors share what they compute, and take a thread a ticker.
        let judgements: Result<Vec<Judgement>, oddlot_series::ScoreError> =
            match detectors.iter().any(|judge| judge.detector.is_archive()) {
                true => {
                    let mut remembered = Remembered::default();
                    detectors.iter().map(|own| judge(own, &mut remembered)).collect()
                }
                false => {
                    let alone = |own: &&CalibratedDetector| judge(own, &mut Remembered::default());
                    detectors.par_iter().map(alone).collect()
                }
            };
        let judgements: Vec<Judgement> =
            judgements.map_err(|error| Error::bug(format!("ticker {}: {error}", rows.ticker)))?;
        Judged { rows, detectors: &detectors, judgements: &judgements, judges: self }.to_batch()
    }

    fn scored(&self, ticker: &str) {
        self.observer.ticker_done(ticker);
    }
}

/// Columns of the judged relation that only steer which table a row goes to.
const IS_FIRST_FEATURE: &str = "is_first_feature";
const IS_WORST_FEATURE: &str = "is_worst_feature";
const STARTS_EVENT: &str = "starts_event";
/// `direction` of an event is that of its peak.
const PEAK_DIRECTION: &str = "peak_direction";

/// Every column of every table once, and what steers.
fn judged_schema() -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for table in Table::ALL {
        for field in schema::of(table).fields() {
            if !fields.iter().any(|known| known.name() == field.name()) {
                let is_key = ["ticker", "ts", "model", "model_id"].contains(&field.name().as_str());
                fields.push(Arc::new(field.as_ref().clone().with_nullable(!is_key)));
            }
        }
    }
    for name in [IS_FIRST_FEATURE, IS_WORST_FEATURE, STARTS_EVENT] {
        fields.push(Arc::new(Field::new(name, DataType::Boolean, false)));
    }
    fields.push(Arc::new(Field::new(PEAK_DIRECTION, DataType::Utf8, true)));
    Arc::new(Schema::new(fields))
}

/// The rows of `table` among judged rows, in its order.
///
/// # Errors
/// A bug: rows that are not of the judged relation.
pub fn rows_of(table: Table, judged: &RecordBatch) -> Result<RecordBatch> {
    let bug = |error: &dyn fmt::Display| Error::bug(format!("rows of {}: {error}", table.name()));
    let flags = |name: &str| {
        let column = judged.column_by_name(name).and_then(|column| column.as_boolean_opt());
        column.cloned().ok_or_else(|| bug(&format!("`{name}` is missing")))
    };
    let both = |a: &str, b: &str| -> Result<BooleanArray> {
        datafusion::arrow::compute::and(&flags(a)?, &flags(b)?).map_err(|error| bug(&error))
    };
    let own = match table {
        Table::Reconstructions => judged.clone(),
        Table::Errors => {
            filter_record_batch(judged, &flags(IS_FIRST_FEATURE)?).map_err(|e| bug(&e))?
        }
        Table::Anomalies => filter_record_batch(judged, &both("is_anomaly", IS_WORST_FEATURE)?)
            .map_err(|e| bug(&e))?,
        Table::Events => filter_record_batch(judged, &both(STARTS_EVENT, IS_WORST_FEATURE)?)
            .map_err(|e| bug(&e))?,
    };
    let schema = schema::of(table);
    let columns = schema.fields().iter().map(|field| {
        let source = match (table, field.name().as_str()) {
            (Table::Events, "direction") => PEAK_DIRECTION,
            (_, name) => name,
        };
        own.column_by_name(source).cloned().ok_or_else(|| bug(&format!("`{source}` is missing")))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(schema, columns).map_err(|error| bug(&error))
}

/// One ticker with its judgements, to be laid out.
struct Judged<'a> {
    rows: &'a TickerRows,
    /// Those of this ticker.
    detectors: &'a [&'a CalibratedDetector],
    judgements: &'a [Judgement],
    judges: &'a Judges,
}

/// One row of the judged relation.
#[derive(Clone, Copy)]
struct At<'a> {
    row_idx: usize,
    feature_idx: usize,
    judge: &'a CalibratedDetector,
    row: &'a JudgedRow,
    point: &'a JudgedPoint,
    is_first_feature: bool,
    is_worst_feature: bool,
    event: Option<&'a Event>,
    peak: Option<&'a JudgedRow>,
}

impl<'a> Judged<'a> {
    fn places(&self) -> Vec<At<'a>> {
        let features = self.judges.layout.features.len();
        let mut places = Vec::with_capacity(self.rows.len() * self.judgements.len() * features);
        for row_idx in 0..self.rows.len() {
            for (&judge, judgement) in self.detectors.iter().zip(self.judgements) {
                let row = &judgement.rows[row_idx];
                let points = &judgement.points[row_idx * features..(row_idx + 1) * features];
                let event = row.event_idx.map(|event_idx| &judgement.events[event_idx]);
                let worst = worst_feature(points);
                for (position, &feature_idx) in self.judges.feature_order.iter().enumerate() {
                    places.push(At {
                        row_idx,
                        feature_idx,
                        judge,
                        row,
                        point: &points[feature_idx],
                        is_first_feature: position == 0,
                        is_worst_feature: feature_idx == worst,
                        event,
                        peak: event.map(|event| &judgement.rows[event.peak_row_idx]),
                    });
                }
            }
        }
        places
    }

    fn to_batch(&self) -> Result<RecordBatch> {
        let places = self.places();
        let schema = judged_schema();
        let columns = schema
            .fields()
            .iter()
            .map(|field| self.column(field.name(), &places))
            .collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(schema, columns)
            .map_err(|error| Error::bug(format!("judged rows: {error}")))
    }

    fn column(&self, name: &str, places: &[At<'a>]) -> Result<ArrayRef> {
        let Self { rows, judges, .. } = self;
        let ts = |row_idx: usize| rows.ts[row_idx];
        let day = |row_idx: usize| rows.days[row_idx];
        Ok(match name {
            "ticker" => text(places, |_| Some(rows.ticker.as_str())),
            "model" => text(places, |at| Some(at.judge.detector.name.as_str())),
            "model_id" => text(places, |at| Some(at.judge.detector.model_id.as_str())),
            "feature" => text(places, |at| Some(judges.layout.features[at.feature_idx].as_str())),
            "split" => text(places, |at| Some(at.row.span.name())),
            "rule" => text(places, |at| at.row.rule.map(oddlot_series::Rule::name)),
            "skip_reason" => text(places, |at| at.row.skip_reason.map(|own| self.reason(at, own))),
            "direction" => text(places, |at| at.row.direction.map(|direction| direction.name())),
            PEAK_DIRECTION => {
                text(places, |at| at.event.and_then(|e| e.direction).map(|d| d.name()))
            }
            "event_id" => self.event_ids(places),
            "ts" => instants(places, |at| Some(ts(at.row_idx))),
            "start_ts" => instants(places, |at| at.event.map(|e| ts(e.start_row_idx))),
            "end_ts" => instants(places, |at| at.event.map(|e| ts(e.end_row_idx))),
            "peak_ts" => instants(places, |at| at.event.map(|e| ts(e.peak_row_idx))),
            "trade_date" => dates(places, |at| Some(day(at.row_idx))),
            "start_date" => dates(places, |at| at.event.map(|e| day(e.start_row_idx))),
            "end_date" => dates(places, |at| at.event.map(|e| day(e.end_row_idx))),
            "value" => floats(places, |at| at.point.value),
            "expected" => floats(places, |at| at.point.expected),
            "lower_bound" => floats(places, |at| at.point.lower_bound),
            "upper_bound" => floats(places, |at| at.point.upper_bound),
            "error" => floats(places, |at| at.point.error),
            "price_expected" => floats(places, |at| at.point.price_expected),
            "window_error" => floats(places, |at| at.row.window_error),
            "score" => floats(places, |at| at.row.score),
            "score_hindsight" => floats(places, |at| at.row.score_hindsight),
            "threshold" => floats(places, |at| at.row.threshold),
            "threshold_ratio" => floats(places, |at| at.row.threshold_ratio),
            "percentile" => floats(places, |at| at.row.percentile),
            "p_value" => floats(places, |at| at.row.p_value),
            "return_pct" => floats(places, |at| at.row.return_pct),
            "peak_threshold_ratio" => {
                floats(places, |at| at.event.and_then(|e| e.peak_threshold_ratio))
            }
            "peak_return_pct" => floats(places, |at| at.peak.and_then(|peak| peak.return_pct)),
            "n_windows" => counts(places, |at| Some(at.row.n_windows as usize)),
            "n_points" => counts(places, |at| at.event.map(|event| event.n_points)),
            "is_anomaly" => flags(places, |at| at.row.is_anomaly),
            "is_interim" => flags(places, |at| at.row.is_interim),
            IS_FIRST_FEATURE => flags(places, |at| at.is_first_feature),
            IS_WORST_FEATURE => flags(places, |at| at.is_worst_feature),
            STARTS_EVENT => {
                flags(places, |at| at.event.is_some_and(|event| event.start_row_idx == at.row_idx))
            }
            other => return Err(Error::bug(format!("no judged row has a column `{other}`"))),
        })
    }

    /// The windows relation knows best why a network has no window, and what is wrong with a price.
    fn reason(&self, at: &At<'a>, own: SkipReason) -> &'static str {
        match (&at.judge.detector.judge, self.rows.skip_reasons[at.row_idx]) {
            (Judge::Network { .. }, Some(reason)) if own != SkipReason::Break => reason,
            (_, Some(reason)) if is_price_defect(reason) => reason,
            _ => own.name(),
        }
    }

    /// Hash of ticker, model and start: the same event keeps its name when it grows.
    fn event_ids(&self, places: &[At<'a>]) -> ArrayRef {
        let id = |at: &At<'a>| {
            at.event.map(|event| {
                let start = self.rows.ts[event.start_row_idx];
                event_id(&self.rows.ticker, &at.judge.detector.name, start)
            })
        };
        Arc::new(StringArray::from_iter(places.iter().map(id)))
    }
}

/// Whether a reason tells of the row's own price, not of the rows before it.
fn is_price_defect(reason: &str) -> bool {
    matches!(reason, "null_value" | "not_finite" | "non_positive" | "duplicate" | "check")
}

fn event_id(ticker: &str, model: &str, start_ts: i64) -> String {
    let mut hasher = Sha256::new();
    for part in [ticker, model] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(start_ts.to_le_bytes());
    format!("{:x}", hasher.finalize())[..16].to_owned()
}

/// The feature with the largest error relative to its bounds, or else to its scale; the first of equals.
fn worst_feature(points: &[JudgedPoint]) -> usize {
    let relative = |point: &JudgedPoint| match (point.error, point.upper_bound, point.expected) {
        // No error within bounds of no width is 0/0.
        (Some(0.0), ..) => 0.0,
        (Some(error), Some(upper), Some(expected)) => error.abs() / (upper - expected),
        _ => point.scaled_error.map_or(0.0, f64::abs),
    };
    let mut worst = 0;
    for (feature_idx, point) in points.iter().enumerate() {
        if relative(point) > relative(&points[worst]) {
            worst = feature_idx;
        }
    }
    worst
}

fn text<'a, 'b>(places: &'b [At<'a>], of: impl Fn(&'b At<'a>) -> Option<&'b str>) -> ArrayRef {
    Arc::new(StringArray::from_iter(places.iter().map(of)))
}

fn floats<'a>(places: &[At<'a>], of: impl Fn(&At<'a>) -> Option<f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(places.iter().map(of)))
}

fn instants<'a>(places: &[At<'a>], of: impl Fn(&At<'a>) -> Option<i64>) -> ArrayRef {
    let ts = TimestampMicrosecondArray::from_iter(places.iter().map(of));
    Arc::new(ts.with_timezone("UTC"))
}

fn dates<'a>(places: &[At<'a>], of: impl Fn(&At<'a>) -> Option<i32>) -> ArrayRef {
    Arc::new(Date32Array::from_iter(places.iter().map(of)))
}

fn counts<'a>(places: &[At<'a>], of: impl Fn(&At<'a>) -> Option<usize>) -> ArrayRef {
    let count = |at| of(at).map(|count| i32::try_from(count).unwrap_or(i32::MAX));
    Arc::new(Int32Array::from_iter(places.iter().map(count)))
}

fn flags<'a>(places: &[At<'a>], of: impl Fn(&At<'a>) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(places.iter().map(|at| Some(of(at)))))
}

#[cfg(test)]
pub(crate) mod tests;
