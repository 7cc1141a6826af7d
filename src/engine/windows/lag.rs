//! `lag(x)`: the value of the row before, streaming.
//!
//! DataFusion's own evaluates row by row, through a scalar each; here a batch is shifted at once.
//! `lag(x, k)` and `lag(x, k, default)` stay DataFusion's.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, UInt64Array, new_null_array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::functions_window::lead_lag::WindowShift;
use datafusion::logical_expr::function::{
    ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs,
};
use datafusion::logical_expr::{
    Documentation, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF,
    WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

/// `lag` as DataFusion registers it, in place of its own.
pub(super) fn udwf() -> WindowUDF {
    WindowUDF::from(LagFunction { shift: WindowShift::lag() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LagFunction {
    shift: WindowShift,
}

impl WindowUDFImpl for LagFunction {
    fn name(&self) -> &str {
        self.shift.name()
    }

    fn signature(&self) -> &Signature {
        self.shift.signature()
    }

    fn expressions(&self, args: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        self.shift.expressions(args)
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        if args.input_exprs().len() == 1 && !args.is_reversed() {
            return Ok(Box::new(Lag { ignores_nulls: args.ignore_nulls() }));
        }
        self.shift.partition_evaluator(args)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        self.shift.field(args)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        self.shift.reverse_expr()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.shift.documentation()
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.shift.limit_effect(args)
    }
}

/// `lag` by one row and without a default; it also serves DataFusion's own window operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    /// Whether the newest value before the row is given, however far back.
    ignores_nulls: bool,
}

impl PartitionEvaluator for Lag {
    fn is_causal(&self) -> bool {
        true
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], n_rows: usize) -> Result<ArrayRef> {
        let partition = 0..n_rows;
        Shift::new(*self).push(values, std::slice::from_ref(&partition), false)
    }
}

/// What is remembered between two batches: the value that the next row is given, if there is one.
#[derive(Debug)]
pub(super) struct Shift {
    lag: Lag,
    previous: Option<ArrayRef>,
}

impl Shift {
    pub(super) fn new(lag: Lag) -> Self {
        Self { lag, previous: None }
    }

    /// The function's results for one batch; the arguments are those of the rolling functions'.
    pub(super) fn push(
        &mut self,
        values: &[ArrayRef],
        partitions: &[Range<usize>],
        continues: bool,
    ) -> Result<ArrayRef> {
        let values = values.first().ok_or_else(|| internal_datafusion_err!("lag of nothing"))?;
        let carried = self.previous.take().filter(|_| continues);
        // Place 0 is the carried value; row k of the batch stands at k + 1.
        let first = carried.unwrap_or_else(|| new_null_array(values.data_type(), 1));
        let rows = concat(&[first.as_ref(), values.as_ref()])?;
        let mut previous = Some(0);
        let mut places = Vec::with_capacity(values.len());
        for (partition_idx, partition) in partitions.iter().enumerate() {
            if partition_idx > 0 {
                previous = None;
            }
            for row in partition.clone() {
                places.push(previous);
                if !self.lag.ignores_nulls || values.is_valid(row) {
                    previous = Some(row as u64 + 1);
                }
            }
        }
        self.previous = previous.map(|place| rows.slice(place as usize, 1));
        Ok(take(&rows, &UInt64Array::from(places), None)?)
    }
}
