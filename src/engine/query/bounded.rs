//! Functions that make much of little, with a bound on what they make of one row.
//!
//! They allocate in one go, which no memory limit sees coming, so that what they are going to make is worked out
//! from their arguments first. A batch of the longest is 64 MiB.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use datafusion::arrow::compute::{cast, kernels::length::length};
use datafusion::arrow::datatypes::{
    DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// Of a text or of a list that is made of one row.
const BYTES_MAX: i128 = 64 << 10;
/// Of a letter, at most.
const LETTER_BYTES: i128 = 4;
/// Of a value of a list.
const VALUE_BYTES: i128 = 8;
const DAY_NS: i128 = 86_400_000_000_000;

/// Puts those that can be bounded in the place of the unbounded ones, and takes the others away.
pub(super) fn replace_growing(context: &SessionContext) {
    let functions = context.state().scalar_functions().clone();
    let bounded = [
        ("repeat", Makes::Repeated),
        ("lpad", Makes::Padded),
        ("rpad", Makes::Padded),
        ("range", Makes::Listed),
        ("generate_series", Makes::Listed),
    ];
    for (name, makes) in bounded {
        if let Some(inner) = functions.get(name) {
            let inner = Arc::clone(inner);
            context.register_udf(ScalarUDF::new_from_impl(Bounded { inner, makes }));
        }
    }
    for name in ["array_repeat", "array_resize", "list_repeat", "list_resize", "space"] {
        context.deregister_udf(name);
    }
}

/// What a function makes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Makes {
    /// A text so many times: `repeat(text, n)`.
    Repeated,
    /// So many letters: `lpad(text, n, fill)`.
    Padded,
    /// Values from one to another: `range(start, stop, step)`.
    Listed,
}

/// A function that refuses to make too much.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    makes: Makes,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !args.args.iter().any(|arg| arg.data_type().is_null()) {
            let bytes = self.makes.bytes_max(&args.args)?;
            if bytes > BYTES_MAX {
                let name = self.name();
                return exec_err!("{name} makes at most {BYTES_MAX} bytes of a row, not {bytes}");
            }
        }
        self.inner.invoke_with_args(args)
    }
}

impl Makes {
    /// Bytes of the longest that any row becomes, at most.
    fn bytes_max(self, args: &[ColumnarValue]) -> Result<i128> {
        let columns = args.iter().map(column).collect::<Result<Vec<ArrayRef>>>()?;
        let n_rows = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let most = |of: &dyn Fn(usize) -> Option<i128>| (0..n_rows).filter_map(of).max();
        let bytes = match (self, columns.as_slice()) {
            (Self::Repeated, [text, times]) => {
                let (bytes, times) = (integers(length(text)?.as_ref())?, integers(times)?);
                most(&|row| Some(at(&bytes, row)? * at(&times, row)?))
            }
            (Self::Padded, [_, letters, ..]) => {
                let letters = integers(letters)?;
                most(&|row| Some(at(&letters, row)? * LETTER_BYTES))
            }
            (Self::Listed, [stop]) => {
                let stop = integers(stop)?;
                most(&|row| Some(listed(0, at(&stop, row)?, 1)))
            }
            (Self::Listed, [start, stop, rest @ ..]) => {
                let (unit, start, stop) = (unit(start), instants(start)?, instants(stop)?);
                let steps = rest.first().map(Steps::of).transpose()?;
                most(&|row| {
                    let step = steps.as_ref().map_or(Some(1), |steps| steps.at(row))?;
                    Some(listed(at(&start, row)? * unit, at(&stop, row)? * unit, step))
                })
            }
            // Its own signature refuses it.
            _ => None,
        };
        Ok(bytes.unwrap_or(0))
    }
}

/// Bytes of a list; of one that goes the other way, none.
fn listed(start: i128, stop: i128, step: i128) -> i128 {
    let n = (stop - start).checked_div(step).map_or(0, |steps| steps.max(-1) + 1);
    n * VALUE_BYTES
}

/// One row of a value that is the same for all.
fn column(value: &ColumnarValue) -> Result<ArrayRef> {
    match value {
        ColumnarValue::Array(array) => Ok(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => scalar.to_array(),
    }
}

fn integers(array: &dyn Array) -> Result<PrimitiveArray<Int64Type>> {
    Ok(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// Whole numbers, days, or ns.
fn instants(array: &dyn Array) -> Result<PrimitiveArray<Int64Type>> {
    match array.data_type() {
        DataType::Date32 => integers(&cast(array, &DataType::Int32)?),
        DataType::Date64 => integers(&cast(&cast(array, &DataType::Date32)?, &DataType::Int32)?),
        DataType::Timestamp(_, zone) => {
            integers(&cast(array, &DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()))?)
        }
        _ => integers(array),
    }
}

/// What a step of one is of that: of days as many ns as they have.
fn unit(array: &ArrayRef) -> i128 {
    if matches!(array.data_type(), DataType::Date32 | DataType::Date64) { DAY_NS } else { 1 }
}

/// Of a value that is the same for all rows, the first.
fn at(values: &PrimitiveArray<Int64Type>, row: usize) -> Option<i128> {
    let row = row.min(values.len().saturating_sub(1));
    values.is_valid(row).then(|| i128::from(values.value(row)))
}

/// Steps of whole numbers or of time.
enum Steps {
    Numbers(PrimitiveArray<Int64Type>),
    Times(PrimitiveArray<IntervalMonthDayNanoType>),
}

impl Steps {
    fn of(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                Self::Times(array.as_primitive::<IntervalMonthDayNanoType>().clone())
            }
            _ => Self::Numbers(integers(array)?),
        })
    }

    fn at(&self, row: usize) -> Option<i128> {
        match self {
            Self::Numbers(values) => at(values, row),
            Self::Times(values) => {
                let row = row.min(values.len().saturating_sub(1));
                values.is_valid(row).then(|| shortest(values.value(row)))
            }
        }
    }
}

/// ns of the shortest that a step of time can be.
fn shortest(step: IntervalMonthDayNano) -> i128 {
    let IntervalMonthDayNano { months, days, nanoseconds } = step;
    let parts =
        [i128::from(months) * 28 * DAY_NS, i128::from(days) * DAY_NS, i128::from(nanoseconds)];
    let goes_both_ways = parts.iter().any(|ns| *ns > 0) && parts.iter().any(|ns| *ns < 0);
    if goes_both_ways { 1 } else { parts.iter().sum() }
}
