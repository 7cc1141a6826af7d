//! One ticker's rows of the windows relation, whole: what scoring and training work on.
//!
//! Shapes: `values`, `feature_scales` `[time, feature]`. The windows SQL decides which rows have a
//! window; what a window holds must be the features as they are, which is checked here, so that
//! values, windows and tables can never tell different stories.

use std::collections::VecDeque;

use datafusion::arrow::array::{Array, Float64Array, RecordBatch};
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, stream};

mod columns;

use columns::Columns;

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

    /// Bytes that a row takes.
    pub fn row_bytes(layout: &Layout) -> usize {
        let n_floats = layout.features.len() * (1 + usize::from(layout.has_scales))
            + usize::from(layout.has_reference_price);
        size_of::<i64>() * 2
            + size_of::<i32>()
            + 2 * size_of::<bool>()
            + size_of::<Option<&str>>()
            + n_floats * size_of::<f64>()
    }

    /// The rows from `first` on. Those whose window reaches back further have none.
    pub fn from_row(&self, first: usize, layout: &Layout) -> Self {
        let first = first.min(self.len());
        let from = |values: &[f64]| match values.len() / self.len().max(1) {
            0 => Vec::new(),
            n => values[first * n..].to_vec(),
        };
        let mut windowed = self.windowed[first..].to_vec();
        if first > 0 {
            let n_cut = windowed.len().min(layout.length.saturating_sub(1));
            windowed[..n_cut].fill(false);
        }
        Self {
            ticker: self.ticker.clone(),
            ts: self.ts[first..].to_vec(),
            days: self.days[first..].to_vec(),
            segments: self.segments[first..].to_vec(),
            breaks: self.breaks[first..].to_vec(),
            values: from(&self.values),
            feature_scales: from(&self.feature_scales),
            reference_prices: from(&self.reference_prices),
            windowed,
            skip_reasons: self.skip_reasons[first..].to_vec(),
        }
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
        self.append_instants(&batch.ts.values()[range.clone()])?;
        self.days.extend_from_slice(&batch.days.values()[range.clone()]);
        self.segments.extend_from_slice(&batch.segments.values()[range.clone()]);
        for row in range.clone() {
            self.breaks.push(batch.breaks.is_valid(row) && batch.breaks.value(row));
            self.skip_reasons.push(batch.skip_reason(row)?);
        }
        append_floats(&mut self.values, &batch.values, range.clone());
        append_floats(&mut self.feature_scales, &batch.scales, range.clone());
        let prices = batch.reference_prices.as_slice();
        append_floats(&mut self.reference_prices, prices, range.clone());
        self.append_windows(batch, range, layout)
    }

    fn append_instants(&mut self, ts: &[i64]) -> Result<()> {
        let mut last = self.ts.last().copied();
        for &ts in ts {
            if let Some(last) = last.filter(|last| ts <= *last) {
                return Err(out_of_order(&self.ticker, last, ts));
            }
            last = Some(ts);
        }
        self.ts.extend_from_slice(ts);
        Ok(())
    }

    /// Notes which rows have a window, and checks what each window holds.
    ///
    /// A window that begins one row after the last one in the shared buffer has been seen but for
    /// its newest row: every value is compared once, however many windows overlap there. Any other
    /// window is compared in full.
    fn append_windows(
        &mut self,
        batch: &Columns,
        range: std::ops::Range<usize>,
        layout: &Layout,
    ) -> Result<()> {
        let features = layout.features.len();
        let size = layout.length * features;
        let (windows, shared) = (&batch.windows, batch.window_values.values());
        // Where the window of the row before begins, if it has one and was found to be right.
        let mut previous: Option<usize> = None;
        for row in range {
            let row_idx = self.windowed.len();
            let has_window = windows.is_valid(row);
            self.windowed.push(has_window);
            if !has_window {
                previous = None;
                continue;
            }
            let start = windows.offsets()[row] as usize;
            let n_values = windows.sizes()[row] as usize;
            let follows = previous.is_some_and(|before| before + features == start);
            let n_new = if follows { features } else { size };
            let rows_end = (row_idx + 1) * features;
            let is_same = n_values == size
                && rows_end >= size
                && holds(
                    &shared[start + size - n_new..start + size],
                    &self.values[rows_end - n_new..rows_end],
                );
            if !is_same {
                return Err(wrong_window(&self.ticker, self.days[row_idx], layout, n_values));
            }
            previous = Some(start);
        }
        Ok(())
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

/// Interleaves the rows `range` of columns. NULL and infinity become NaN: one way of being missing.
fn append_floats(to: &mut Vec<f64>, columns: &[Float64Array], range: std::ops::Range<usize>) {
    let number = |value: f64| if value.is_finite() { value } else { f64::NAN };
    to.reserve(range.len() * columns.len());
    match columns {
        [column] if column.null_count() == 0 => {
            to.extend(column.values()[range].iter().copied().map(number));
        }
        _ => {
            for row in range {
                to.extend(columns.iter().map(|column| match column.is_valid(row) {
                    true => number(column.value(row)),
                    false => f64::NAN,
                }));
            }
        }
    }
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
