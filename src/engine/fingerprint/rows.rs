//! Rows as they are hashed: a batch of `prices` taken apart, and what of a number counts.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use sha2::{Digest, Sha256};

use crate::source::{IS_CONFLICT, IS_DROPPED};
use crate::{Error, Result};

/// The rows of one ticker as they come by.
#[derive(Default)]
pub(super) struct TickerPrices {
    pub(super) ticker: String,
    pub(super) ts: Vec<i64>,
    pub(super) values: Vec<f64>,
    pub(super) n_values: usize,
}

/// A number that is NULL, as [`InputDigest::add`] takes it: other than NaN, since tables tell them apart.
pub(super) const MISSING: f64 = f64::from_bits(0x7ff8_0000_0000_0a11);

/// The numbers of a day that a source tells in two ways; `value` is among them.
pub(super) const CONFLICT: f64 = f64::from_bits(0x7ff8_0000_0000_0a12);

/// The numbers of a row that a check takes out.
pub(super) const DROPPED: f64 = f64::from_bits(0x7ff8_0000_0000_0a13);

/// A batch of `prices`, its columns taken apart; their types are those that `source` promises.
pub(super) struct PriceColumns<'a> {
    pub(super) tickers: &'a ArrayRef,
    pub(super) ts: &'a ArrayRef,
    pub(super) days: &'a ArrayRef,
    pub(super) conflicts: &'a ArrayRef,
    pub(super) dropped: &'a ArrayRef,
    pub(super) values: Vec<&'a ArrayRef>,
}

impl<'a> PriceColumns<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self> {
        let column = |name: &str| match batch.column_by_name(name) {
            Some(column) => Ok(column),
            None => Err(Error::bug(format!("`prices` lacks `{name}`"))),
        };
        let is_value = |column: &&'a ArrayRef| *column.data_type() == DataType::Float64;
        Ok(Self {
            tickers: column("ticker")?,
            ts: column("ts")?,
            days: column("trade_date")?,
            conflicts: column(IS_CONFLICT)?,
            dropped: column(IS_DROPPED)?,
            values: batch.columns().iter().filter(is_value).collect(),
        })
    }
}

impl PriceColumns<'_> {
    /// The numbers of a row; every NaN of the source is the same one.
    pub(super) fn numbers(&self, row: usize) -> impl Iterator<Item = f64> {
        let missing = match () {
            () if self.dropped.as_boolean().value(row) => DROPPED,
            () if self.conflicts.as_boolean().value(row) => CONFLICT,
            () => MISSING,
        };
        self.values.iter().map(move |column| match column.is_valid(row) {
            true => match column.as_primitive::<Float64Type>().value(row) {
                value if value.is_nan() => f64::NAN,
                value => value,
            },
            false => missing,
        })
    }
}

/// Adds one row: -0 is 0, and of NaNs only those of ours differ from others.
pub(super) fn add_row(hasher: &mut Sha256, ts: Option<&i64>, values: &[f64]) {
    hasher.update(ts.copied().unwrap_or_default().to_le_bytes());
    for value in values {
        let is_ours =
            [MISSING, CONFLICT, DROPPED].iter().any(|own| own.to_bits() == value.to_bits());
        let canonical = match value.is_nan() {
            true if is_ours => *value,
            true => f64::NAN,
            false => value + 0.0,
        };
        hasher.update(canonical.to_bits().to_le_bytes());
    }
}
