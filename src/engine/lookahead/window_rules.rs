//! Which window functions see the future, and which wander in their last bits.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, ExprSchemable, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

use super::{Taint, is_ts};
use crate::error::Report;
use crate::windows::is_ours;

/// Why `function` sees the future; `None` if it does not.
pub(super) fn taint(function: &WindowFunction) -> Taint {
    let name = function.fun.name();
    let params = &function.params;
    if params.partition_by.iter().any(is_ts) {
        return None; // A cross-section: all rows of the partition are of one instant.
    }
    match name {
        "lead" => return Some("`lead` reads later rows".into()),
        "ntile" | "percent_rank" | "cume_dist" => {
            return Some(format!("`{name}` reads the whole partition"));
        }
        "lag" if !looks_back(params) => {
            return Some("`lag` by an offset that is not a positive literal".into());
        }
        _ => {}
    }
    let follows_frame =
        matches!(function.fun, WindowFunctionDefinition::AggregateUDF(_)) || is_framed(name);
    if follows_frame && !ends_at_current_row(&params.window_frame.end_bound) {
        return Some(format!("the frame of `{name}` ends after the current row"));
    }
    let ascends = params.order_by.first().is_some_and(|sort| sort.asc && is_ts(&sort.expr));
    if !ascends {
        return Some(format!("`{name}` is not in the order of `ts`, earliest first"));
    }
    let by_value = matches!(params.window_frame.units, WindowFrameUnits::Range);
    if follows_frame && by_value && params.order_by.len() > 1 {
        return Some(format!("`{name}` has a RANGE frame over more than `ts`"));
    }
    None
}

/// What is refused of `function` whichever column it makes.
pub(super) fn refused(function: &WindowFunction, schema: &DFSchema) -> Option<Report> {
    let name = function.fun.name();
    let frame = &function.params.window_frame;
    if is_ours(name) {
        let is_default = frame.start_bound.is_unbounded()
            && matches!(&frame.end_bound, WindowFrameBound::CurrentRow)
            && frame.units == WindowFrameUnits::Range
            || function.params.order_by.is_empty();
        return (!is_default).then(|| {
            Report::new(format!("`{name}` takes no frame"))
                .expected(format!("{name}(…) OVER (PARTITION BY … ORDER BY ts)"))
                .found(frame.to_string())
                .hint("its last argument is the number of rows")
        });
    }
    let slides = !frame.start_bound.is_unbounded();
    let ours = steady_twin(name)?;
    (slides && takes_floats(function, schema)).then(|| {
        Report::new(format!("`{name}` over a sliding frame depends on where the read started"))
            .expected("a statistic that computes each frame afresh")
            .found(format!("{name}(…) OVER (… {frame})"))
            .hint(format!("use `{ours}`"))
    })
}

/// Our function in place of an aggregate that takes values back out of a float sum.
fn steady_twin(name: &str) -> Option<&'static str> {
    match name {
        "avg" | "mean" => Some("rolling_mean(x, n)"),
        "sum" => Some("rolling_mean(x, n) * n"),
        "stddev" | "stddev_samp" | "stddev_pop" => Some("rolling_std(x, n)"),
        "var" | "var_samp" | "var_sample" | "var_pop" | "var_population" => {
            Some("power(rolling_std(x, n), 2)")
        }
        "covar" | "covar_samp" | "covar_pop" | "corr" => Some("rolling_mean and rolling_std"),
        _ if name.starts_with("regr_") => Some("rolling_mean and rolling_std"),
        _ => None,
    }
}

/// Integers and decimals are added exactly; floats, and what has no type, may round.
fn takes_floats(function: &WindowFunction, schema: &DFSchema) -> bool {
    let is_exact = |expr: &Expr| match expr.get_type(schema) {
        Ok(data_type) => data_type.is_integer() || data_type.is_decimal(),
        Err(_) => false,
    };
    function.fun.name() != "sum" || !function.params.args.iter().all(is_exact)
}

fn is_framed(name: &str) -> bool {
    matches!(name, "first_value" | "last_value" | "nth_value")
}

/// `lag(x)` and `lag(x, k)` with a literal k >= 0.
fn looks_back(params: &WindowFunctionParams) -> bool {
    match params.args.get(1) {
        None => true,
        Some(Expr::Literal(offset, _)) => match offset.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(Some(offset))) => offset >= 0,
            _ => false,
        },
        Some(_) => false,
    }
}

fn ends_at_current_row(bound: &WindowFrameBound) -> bool {
    match bound {
        WindowFrameBound::CurrentRow => true,
        WindowFrameBound::Preceding(rows) => !rows.is_null(),
        WindowFrameBound::Following(rows) => {
            rows.cast_to(&DataType::Int64).is_ok_and(|rows| rows == ScalarValue::Int64(Some(0)))
        }
    }
}
