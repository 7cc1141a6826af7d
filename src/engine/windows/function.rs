//! The window functions as DataFusion sees them: names, types, and the check of their lengths.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;

use super::state::State;

/// Which of our window functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    /// `rolling_window(x[, y …], n)`.
    Window,
    /// `rolling_window_reason(x[, y …], n)`.
    Reason,
    /// `rolling_mean(x, n)`.
    Mean,
    /// `rolling_std(x, n)`.
    Std,
    /// `rolling_median(x, n)`.
    Median,
    /// `ewma(x, lambda, n)`.
    Ewma,
    /// `running_count(condition)`.
    RunningCount,
}

/// All of them, for registration.
pub(super) const ALL: [Function; 7] = [
    Function::Window,
    Function::Reason,
    Function::Mean,
    Function::Std,
    Function::Median,
    Function::Ewma,
    Function::RunningCount,
];

impl Function {
    /// Its name in SQL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Window => "rolling_window",
            Self::Reason => "rolling_window_reason",
            Self::Mean => "rolling_mean",
            Self::Std => "rolling_std",
            Self::Median => "rolling_median",
            Self::Ewma => "ewma",
            Self::RunningCount => "running_count",
        }
    }

    /// How it is called, for messages.
    fn usage(self) -> &'static str {
        match self {
            Self::Window => "rolling_window(x[, y, …], n)",
            Self::Reason => "rolling_window_reason(x[, y, …], n)",
            Self::Mean => "rolling_mean(x, n)",
            Self::Std => "rolling_std(x, n)",
            Self::Median => "rolling_median(x, n)",
            Self::Ewma => "ewma(x, lambda, n)",
            Self::RunningCount => "running_count(condition)",
        }
    }

    /// Arguments after the values: `n`, and `lambda` before it.
    pub(super) fn n_parameters(self) -> usize {
        match self {
            Self::RunningCount => 0,
            Self::Ewma => 2,
            _ => 1,
        }
    }

    fn takes_several_values(self) -> bool {
        matches!(self, Self::Window | Self::Reason)
    }

    /// Fewest rows that give a result: a sample deviation needs two.
    fn length_min(self) -> i64 {
        if self == Self::Std { 2 } else { 1 }
    }

    fn value_type(self, found: &DataType) -> Result<DataType> {
        let number = |found: &DataType| found.is_numeric() || found.is_null();
        match found {
            _ if self == Self::RunningCount => Ok(DataType::Boolean),
            _ if number(found) => Ok(DataType::Float64),
            DataType::Struct(fields)
                if self.takes_several_values() && fields.iter().all(|f| number(f.data_type())) =>
            {
                let float = |f: &FieldRef| f.as_ref().clone().with_data_type(DataType::Float64);
                Ok(DataType::Struct(fields.iter().map(float).collect::<Fields>()))
            }
            _ => plan_err!("{} takes numbers, and was given {found}", self.usage()),
        }
    }

    fn result_type(self) -> DataType {
        match self {
            Self::Window => window_type(),
            Self::Reason => DataType::Utf8,
            Self::RunningCount => DataType::Int64,
            _ => DataType::Float64,
        }
    }
}

/// The element of a window.
pub(crate) fn item() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float32, true))
}

/// Type of the column that `rolling_window` returns: a view over shared `f32` values.
pub fn window_type() -> DataType {
    DataType::ListView(item())
}

/// One of our functions with its parameters, which also serves DataFusion's own window operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rolling {
    pub(super) function: Function,
    /// Rows of a frame; 1 where there is none.
    pub(super) length: usize,
    /// λ of `ewma`; 0 elsewhere.
    pub(super) lambda: f64,
}

impl PartitionEvaluator for Rolling {
    fn is_causal(&self) -> bool {
        true
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], n_rows: usize) -> Result<ArrayRef> {
        let n_values = values.len() - self.function.n_parameters();
        let partition = 0..n_rows;
        State::new(*self).push(&values[..n_values], std::slice::from_ref(&partition), false)
    }
}

/// `function` as DataFusion registers it.
pub(super) fn udwf(function: Function) -> WindowUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    WindowUDF::from(RollingFunction { function, signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RollingFunction {
    function: Function,
    signature: Signature,
}

impl WindowUDFImpl for RollingFunction {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, found: &[DataType]) -> Result<Vec<DataType>> {
        let n_parameters = self.function.n_parameters();
        let n_values = found.len().saturating_sub(n_parameters);
        if n_values == 0 || (n_values > 1 && !self.function.takes_several_values()) {
            return plan_err!("{} was given {} arguments", self.function.usage(), found.len());
        }
        let values = found[..n_values].iter().map(|value| self.function.value_type(value));
        let parameters: &[DataType] = match n_parameters {
            0 => &[],
            1 => &[DataType::Int64],
            _ => &[DataType::Float64, DataType::Int64],
        };
        values.chain(parameters.iter().cloned().map(Ok)).collect()
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let nullable = self.function != Function::RunningCount;
        Ok(Arc::new(Field::new(args.name(), self.function.result_type(), nullable)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let function = self.function;
        let args = args.input_exprs();
        let length = match function {
            Function::RunningCount => 1,
            _ => length(function, args.last())?,
        };
        let lambda = match function {
            Function::Ewma => lambda(function, args.get(args.len().saturating_sub(2)))?,
            _ => 0.0,
        };
        Ok(Box::new(Rolling { function, length, lambda }))
    }
}

fn literal(arg: Option<&Arc<dyn PhysicalExpr>>) -> Option<&ScalarValue> {
    let expr: &dyn Any = arg?.as_ref();
    expr.downcast_ref::<Literal>().map(Literal::value)
}

fn length(function: Function, arg: Option<&Arc<dyn PhysicalExpr>>) -> Result<usize> {
    match literal(arg) {
        Some(ScalarValue::Int64(Some(n)))
            if *n >= function.length_min() && *n <= i64::from(i32::MAX) =>
        {
            usize::try_from(*n).or_else(|_| plan_err!("{n} rows do not fit in memory"))
        }
        found => plan_err!(
            "{}: n is an integer literal or parameter of at least {}, and was given {}",
            function.usage(),
            function.length_min(),
            found.map_or_else(|| "an expression".into(), ToString::to_string)
        ),
    }
}

fn lambda(function: Function, arg: Option<&Arc<dyn PhysicalExpr>>) -> Result<f64> {
    match literal(arg) {
        Some(ScalarValue::Float64(Some(lambda))) if *lambda > 0.0 && *lambda < 1.0 => Ok(*lambda),
        found => plan_err!(
            "{}: lambda is a literal or parameter with 0 < lambda < 1, and was given {}",
            function.usage(),
            found.map_or_else(|| "an expression".into(), ToString::to_string)
        ),
    }
}
