//! One ticker's rows of the windows relation, whole: what scoring and training work on.
//!
//! Shapes: `values`, `feature_scales` `[time, feature]`. The windows SQL decides which rows have a
//! window; what a window holds must be the features as they are, which is checked here, so that
//! values, windows and tables can never tell different stories.

use std::collections::VecDeque;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, ListViewArray, RecordBatch,
};
use datafusion::arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, stream};

use crate::failure::from_datafusion;
use crate::relation::WindowsRelation;
use crate::{Error, Report, Result};

/// Which columns of the windows relation are features, and how long its windows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Names of the feature columns, in the order in which windows interleave them.
    pub features: Vec<String>,
    /// Rows of a window.
    pub length: usize,
    /// Whether every feature has a `<feature>_scale`.
    pub has_scales: bool,
    /// Whether rows have a reference price.
    pub has_reference_price: bool,
}

impl Layout {
    /// The layout of a planned windows relation.
    pub fn of(relation: &WindowsRelation) -> Self {
        let columns = &relation.features.columns;
        Self {
            features: columns.iter().map(|feature| feature.name.clone()).collect(),
            length: relation.length,
            has_scales: columns.iter().all(|feature| feature.has_scale),
            has_reference_price: relation.features.has_reference_price,
        }
    }
}

/// One ticker's rows in time order. NaN is a missing value.
#[derive(Clone, Debug, Default)]
pub struct TickerRows {
    /// Its name.
    pub ticker: String,
    /// Instants, µs UTC, strictly rising.
    pub ts: Vec<i64>,
    /// Trade dates, days since 1970-01-01.
    pub days: Vec<i32>,
    /// Rows of one segment follow each other without a gap or a break.
    pub segments: Vec<i64>,
    /// The row jumped so far from the row before that it starts a segment.
    pub breaks: Vec<bool>,
    /// Features.
    pub values: Vec<f64>,
    /// What turns each feature into a return; empty where the SQL gives none.
    pub feature_scales: Vec<f64>,
    /// Price of each row; empty where the SQL gives none.
    pub reference_prices: Vec<f64>,
    /// Rows at which a full window ends.
    pub windowed: Vec<bool>,
    /// Why a row has no window.
    pub skip_reasons: Vec<Option<&'static str>>,
}

impl TickerRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Keeps the rows up to and with `last_day`.
    pub fn truncate_after(&mut self, last_day: i32) {
        let n_rows = self.days.partition_point(|day| *day <= last_day);
        let features = self.values.len() / self.len().max(1);
        self.ts.truncate(n_rows);
        self.days.truncate(n_rows);
        self.segments.truncate(n_rows);
        self.breaks.truncate(n_rows);
        self.values.truncate(n_rows * features);
        self.feature_scales.truncate(n_rows * features);
        self.reference_prices.truncate(n_rows);
        self.windowed.truncate(n_rows);
        self.skip_reasons.truncate(n_rows);
    }

    /// Appends the rows `range` of a batch.
    fn append(
        &mut self,
        batch: &Columns,
        range: std::ops::Range<usize>,
        layout: &Layout,
    ) -> Result<()> {
        let n_features = layout.features.len();
        for row in range.clone() {
            let ts = batch.ts.value(row);
            if let Some(&last) = self.ts.last()
                && ts <= last
            {
                return Err(out_of_order(&self.ticker, last, ts));
            }
            self.ts.push(ts);
            self.days.push(batch.days.value(row));
            self.segments.push(batch.segments.value(row));
            self.breaks.push(batch.breaks.is_valid(row) && batch.breaks.value(row));
            for feature_idx in 0..n_features {
                self.values.push(float_at(&batch.values[feature_idx], row));
                if let Some(scales) = batch.scales.get(feature_idx) {
                    self.feature_scales.push(float_at(scales, row));
                }
            }
            if let Some(prices) = &batch.reference_prices {
                self.reference_prices.push(float_at(prices, row));
            }
            self.skip_reasons.push(batch.skip_reason(row)?);
        }
        self.append_windows(batch, range, layout)
    }

    /// Notes which rows have a window, and checks what each window holds.
    fn append_windows(
        &mut self,
        batch: &Columns,
        range: std::ops::Range<usize>,
        layout: &Layout,
    ) -> Result<()> {
        let size = layout.length * layout.features.len();
        let (windows, shared) = (&batch.windows, batch.window_values.values());
        for row in range {
            let row_idx = self.windowed.len();
            let has_window = windows.is_valid(row);
            self.windowed.push(has_window);
            if !has_window {
                continue;
            }
            let start = windows.offsets()[row] as usize;
            let end = start + windows.sizes()[row] as usize;
            let rows_end = (row_idx + 1) * layout.features.len();
            let own = rows_end.checked_sub(size).map(|first| &self.values[first..rows_end]);
            let is_same = own.is_some_and(|own| holds(&shared[start..end], own));
            if !is_same {
                return Err(wrong_window(&self.ticker, self.days[row_idx], layout, end - start));
            }
        }
        Ok(())
    }
}

/// A batch of the windows relation with its columns taken apart.
struct Columns {
    tickers: ArrayRef,
    ts: datafusion::arrow::array::TimestampMicrosecondArray,
    days: datafusion::arrow::array::Date32Array,
    segments: datafusion::arrow::array::Int64Array,
    breaks: datafusion::arrow::array::BooleanArray,
    reference_prices: Option<Float64Array>,
    values: Vec<Float64Array>,
    scales: Vec<Float64Array>,
    windows: ListViewArray,
    window_values: Float32Array,
    skip_reasons: ArrayRef,
}

impl Columns {
    fn of(batch: &RecordBatch, layout: &Layout) -> Result<Self> {
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .cloned()
                .ok_or_else(|| Error::bug(format!("the windows relation lacks `{name}`")))
        };
        let float = |name: &str| Ok::<_, Error>(typed(&column(name)?, name)?.clone());
        let typed_windows = column("window")?;
        let windows = typed_windows
            .as_list_view_opt::<i32>()
            .ok_or_else(|| Error::bug("`window` is not a ListView"))?
            .clone();
        let window_values = windows
            .values()
            .as_primitive_opt::<Float32Type>()
            .ok_or_else(|| Error::bug("`window` does not hold Float32"))?
            .clone();
        let ts = column("ts")?;
        let days = column("trade_date")?;
        let segments = column("segment")?;
        let breaks = column("is_break")?;
        let scale_names: Vec<String> =
            layout.features.iter().map(|name| format!("{name}_scale")).collect();
        Ok(Self {
            tickers: column("ticker")?,
            ts: ts
                .as_primitive_opt::<TimestampMicrosecondType>()
                .ok_or_else(|| Error::bug("`ts` is not a Timestamp(µs)"))?
                .clone(),
            days: days
                .as_primitive_opt::<Date32Type>()
                .ok_or_else(|| Error::bug("`trade_date` is not a Date32"))?
                .clone(),
            segments: segments
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| Error::bug("`segment` is not an Int64"))?
                .clone(),
            breaks: breaks
                .as_boolean_opt()
                .ok_or_else(|| Error::bug("`is_break` is not a Boolean"))?
                .clone(),
            reference_prices: match layout.has_reference_price {
                true => Some(float("reference_price")?),
                false => None,
            },
            values: layout.features.iter().map(|name| float(name)).collect::<Result<_>>()?,
            scales: match layout.has_scales {
                true => scale_names.iter().map(|name| float(name)).collect::<Result<_>>()?,
                false => Vec::new(),
            },
            windows,
            window_values,
            skip_reasons: column("skip_reason")?,
        })
    }

    fn ticker(&self, row: usize) -> &str {
        self.tickers.as_string::<i32>().value(row)
    }

    /// End of the run of rows from `start` that carry one ticker.
    fn run_end(&self, start: usize) -> usize {
        let ticker = self.ticker(start);
        (start..self.ts.len()).find(|&row| self.ticker(row) != ticker).unwrap_or(self.ts.len())
    }

    fn skip_reason(&self, row: usize) -> Result<Option<&'static str>> {
        const REASONS: [&str; 5] = ["history_short", "gap", "break", "null_value", "not_finite"];
        let reasons = self.skip_reasons.as_string::<i32>();
        if reasons.is_null(row) {
            return Ok(None);
        }
        let found = reasons.value(row);
        let known = REASONS.into_iter().find(|reason| *reason == found);
        known.map(Some).ok_or_else(|| {
            Error::config(
                Report::new("the windows SQL gives a reason that tables do not know")
                    .at(format!("ticker {}, {}", self.ticker(row), iso_date(self.days.value(row))))
                    .expected(format!("skip_reason NULL or one of {}", REASONS.join(", ")))
                    .found(format!("`{found}`"))
                    .hint("take rolling_window_reason(<features in order>, $length)"),
            )
        })
    }
}

/// Groups an ordered stream by ticker. A ticker is given once all its rows are there; only one
/// ticker and the batch that ends it are in memory.
pub fn by_ticker(
    batches: SendableRecordBatchStream,
    layout: Layout,
) -> impl Stream<Item = Result<TickerRows>> + Send {
    let state = Grouping {
        batches,
        layout,
        current: TickerRows::default(),
        ready: VecDeque::new(),
        ended: false,
    };
    stream::try_unfold(state, |mut state| async move {
        let next = state.next().await?;
        Ok(next.map(|rows| (rows, state)))
    })
}

struct Grouping {
    batches: SendableRecordBatchStream,
    layout: Layout,
    current: TickerRows,
    ready: VecDeque<TickerRows>,
    ended: bool,
}

impl Grouping {
    async fn next(&mut self) -> Result<Option<TickerRows>> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Ok(Some(rows));
            }
            if self.ended {
                return Ok(None);
            }
            match self.batches.next().await {
                Some(batch) => self.take(
                    &batch.map_err(|error| from_datafusion("the windows relation", error))?,
                )?,
                None => {
                    self.ended = true;
                    if !self.current.is_empty() {
                        self.ready.push_back(std::mem::take(&mut self.current));
                    }
                }
            }
        }
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Columns::of(batch, &self.layout)?;
        let mut start = 0;
        while start < batch.num_rows() {
            let end = columns.run_end(start);
            let ticker = columns.ticker(start);
            if self.current.ticker != ticker || self.current.is_empty() {
                let next = TickerRows { ticker: ticker.to_owned(), ..TickerRows::default() };
                let done = std::mem::replace(&mut self.current, next);
                if !done.is_empty() {
                    if done.ticker.as_str() > ticker {
                        return Err(Error::bug(format!(
                            "tickers are out of order: {} came before {ticker}",
                            done.ticker
                        )));
                    }
                    self.ready.push_back(done);
                }
            }
            self.current.append(&columns, start..end, &self.layout)?;
            start = end;
        }
        Ok(())
    }
}

fn typed<'a>(column: &'a ArrayRef, name: &str) -> Result<&'a Float64Array> {
    column
        .as_primitive_opt::<Float64Type>()
        .ok_or_else(|| Error::bug(format!("`{name}` is {} and not Float64", column.data_type())))
}

/// NULL and infinity become NaN: one way of being missing.
fn float_at(column: &Float64Array, row: usize) -> f64 {
    let value = if column.is_valid(row) { column.value(row) } else { f64::NAN };
    if value.is_finite() { value } else { f64::NAN }
}

fn out_of_order(ticker: &str, last: i64, found: i64) -> Error {
    let instant = |ts| chrono::DateTime::from_timestamp_micros(ts).map(|t| t.to_rfc3339());
    Error::data(
        Report::new("a ticker's rows are not in rising order of time")
            .at(format!("ticker {ticker}"))
            .expected(format!("an instant after {}", instant(last).unwrap_or_default()))
            .found(instant(found).unwrap_or_default())
            .hint("remove duplicate rows; if `source.sorted = true`, sort the files or drop it"),
    )
}

/// Whether a window holds these values. Windows are Float32, values Float64.
fn holds(window: &[f32], values: &[f64]) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "as rolling_window casts its argument")]
    let single = |value: &f64| *value as f32;
    window.len() == values.len() && window.iter().zip(values).all(|(x, value)| *x == single(value))
}

fn wrong_window(ticker: &str, day: i32, layout: &Layout, found: usize) -> Error {
    let Layout { features, length, .. } = layout;
    Error::config(
        Report::new("the windows SQL does not cut the features as they are")
            .at(format!("ticker {ticker}, {}", iso_date(day)))
            .expected(format!("the last {length} rows of {} as they stand", features.join(", ")))
            .found(format!("a window of {found} values that differs from them"))
            .hint(
                "cut windows with rolling_window(<features in order>, $length); scale by [scaling]",
            ),
    )
}

/// The UTC day of an instant in microseconds, counted from 1970-01-01.
pub fn day_of(ts_us: i64) -> i32 {
    // 2⁶³ µs are 107 million days, so that this never saturates.
    i32::try_from(ts_us.div_euclid(86_400_000_000)).unwrap_or(i32::MAX)
}

/// A trade date for people.
pub fn iso_date(day: i32) -> String {
    chrono::NaiveDate::from_num_days_from_ce_opt(day.saturating_add(719_163))
        .map_or_else(|| format!("day {day}"), |date| date.to_string())
}

#[cfg(test)]
mod tests;
