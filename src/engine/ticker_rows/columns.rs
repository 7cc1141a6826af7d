//! A batch of the windows relation with its columns taken apart, each of the type it must have.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array,
    ListViewArray, RecordBatch, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int64Type, TimestampMicrosecondType,
};

use super::{Layout, iso_date};
use crate::{Error, Report, Result};

/// A batch of the windows relation with its columns taken apart.
pub(super) struct Columns {
    pub(super) tickers: ArrayRef,
    pub(super) ts: TimestampMicrosecondArray,
    pub(super) days: Date32Array,
    pub(super) segments: Int64Array,
    pub(super) breaks: BooleanArray,
    /// One or none.
    pub(super) reference_prices: Vec<Float64Array>,
    pub(super) values: Vec<Float64Array>,
    pub(super) scales: Vec<Float64Array>,
    pub(super) windows: ListViewArray,
    pub(super) window_values: Float32Array,
    pub(super) skip_reasons: ArrayRef,
}

impl Columns {
    pub(super) fn of(batch: &RecordBatch, layout: &Layout) -> Result<Self> {
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
                true => vec![float("reference_price")?],
                false => Vec::new(),
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

    pub(super) fn ticker(&self, row: usize) -> &str {
        self.tickers.as_string::<i32>().value(row)
    }

    /// End of the run of rows from `start` that carry one ticker.
    pub(super) fn run_end(&self, start: usize) -> usize {
        let ticker = self.ticker(start);
        (start..self.ts.len()).find(|&row| self.ticker(row) != ticker).unwrap_or(self.ts.len())
    }

    pub(super) fn skip_reason(&self, row: usize) -> Result<Option<&'static str>> {
        const REASONS: [&str; 8] = [
            "history_short",
            "gap",
            "break",
            "null_value",
            "not_finite",
            "non_positive",
            "duplicate",
            "check",
        ];
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

fn typed<'a>(column: &'a ArrayRef, name: &str) -> Result<&'a Float64Array> {
    column
        .as_primitive_opt::<Float64Type>()
        .ok_or_else(|| Error::bug(format!("`{name}` is {} and not Float64", column.data_type())))
}
