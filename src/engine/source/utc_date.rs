//! `utc_date(ts)`: the UTC day of an instant.
//!
//! `CAST(ts AS DATE)` says the same and asks a calendar and a time zone for every row.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, Date32Array};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::Expr;

use crate::step::instant_type;
use crate::ticker_rows::day_of;

/// The UTC day of `ts`, which is of [`instant_type`].
pub(super) fn utc_date(ts: Expr) -> Expr {
    let signature = Signature::exact(vec![instant_type()], Volatility::Immutable);
    ScalarUDF::from(UtcDate { signature }).call(vec![ts])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct UtcDate {
    signature: Signature,
}

impl ScalarUDFImpl for UtcDate {
    fn name(&self) -> &str {
        "utc_date"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let instants =
            arrays.first().and_then(|ts| ts.as_primitive_opt::<TimestampMicrosecondType>());
        let instants = instants.ok_or_else(|| exec_datafusion_err!("utc_date of no instant"))?;
        let days: Date32Array = instants.unary(day_of);
        Ok(ColumnarValue::Array(Arc::new(days)))
    }
}
