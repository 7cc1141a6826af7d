//! Instants in UTC and their days, without asking a calendar or a time zone for every row, as casts do.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Date32Array};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::sort_properties::ExprProperties;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::Expr;

use crate::step::instant_type;
use crate::ticker_rows::day_of;

/// Timestamps without a time zone.
pub(super) fn naive_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// `utc_date(ts)`: the UTC day of `ts`, which is of [`instant_type`].
pub(super) fn utc_date(ts: Expr) -> Expr {
    call(Utc::Date, instant_type(), ts)
}

/// `utc_instant(ts)`: `ts`, which is of [`naive_type`], as the instant when clocks in UTC show it.
pub(super) fn utc_instant(ts: Expr) -> Expr {
    call(Utc::Instant, naive_type(), ts)
}

fn call(gives: Utc, of: DataType, ts: Expr) -> Expr {
    let signature = Signature::exact(vec![of], Volatility::Immutable);
    ScalarUDF::from(OfTime { gives, signature }).call(vec![ts])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Utc {
    Date,
    Instant,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OfTime {
    gives: Utc,
    signature: Signature,
}

impl ScalarUDFImpl for OfTime {
    fn name(&self) -> &str {
        match self.gives {
            Utc::Date => "utc_date",
            Utc::Instant => "utc_instant",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.gives {
            Utc::Date => DataType::Date32,
            Utc::Instant => instant_type(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let ts = arrays.first().and_then(|ts| ts.as_primitive_opt::<TimestampMicrosecondType>());
        let ts = ts.ok_or_else(|| exec_datafusion_err!("{} of no timestamp", self.name()))?;
        let array: ArrayRef = match self.gives {
            Utc::Date => {
                let days: Date32Array = ts.unary(day_of);
                Arc::new(days)
            }
            Utc::Instant => Arc::new(ts.clone().with_timezone("UTC")),
        };
        Ok(ColumnarValue::Array(array))
    }

    fn preserves_lex_ordering(&self, _: &[ExprProperties]) -> Result<bool> {
        Ok(true)
    }

    fn strictly_order_preserving(&self, _: &[ExprProperties]) -> Result<bool> {
        Ok(self.gives == Utc::Instant)
    }
}
