//! Puts `RollingWindowExec` where a window operator computes our functions.
//!
//! An operator that mixes our functions with DataFusion's is split: DataFusion's below, ours
//! above, and a projection that restores the order of columns.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode, WindowExpr};

use super::exec::RollingWindowExec;
use super::streamed::Streamed;

/// The physical optimiser's rule; it runs before sorts are planned, so that the plan knows the
/// orderings which our operator keeps and adds.
#[derive(Debug)]
pub struct StreamRollingWindows;

impl PhysicalOptimizerRule for StreamRollingWindows {
    fn name(&self) -> &'static str {
        "stream_rolling_windows"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match window_operator(&node) {
            Some((exprs, input)) if exprs.iter().any(|expr| streamed_of(expr).is_some()) => {
                Ok(Transformed::yes(stream(exprs, input)?))
            }
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }
}

/// The function and parameters of `expr` if it is one of ours.
pub(super) fn streamed_of(expr: &Arc<dyn WindowExpr>) -> Option<Streamed> {
    let standard = expr.as_any().downcast_ref::<StandardWindowExpr>()?;
    let evaluator = standard.get_standard_func_expr().create_evaluator().ok()?;
    Streamed::of(evaluator.as_ref())
}

type Operator = (Vec<Arc<dyn WindowExpr>>, Arc<dyn ExecutionPlan>);

fn window_operator(node: &Arc<dyn ExecutionPlan>) -> Option<Operator> {
    let any: &dyn Any = node.as_ref();
    if let Some(window) = any.downcast_ref::<WindowAggExec>() {
        return Some((window.window_expr().to_vec(), Arc::clone(window.input())));
    }
    let window = any.downcast_ref::<BoundedWindowAggExec>()?;
    Some((window.window_expr().to_vec(), Arc::clone(window.input())))
}

fn stream(
    exprs: Vec<Arc<dyn WindowExpr>>,
    input: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let is_ours: Vec<bool> = exprs.iter().map(|expr| streamed_of(expr).is_some()).collect();
    let pick = |ours: bool| {
        let picked = exprs.iter().zip(&is_ours).filter(move |(_, is_ours)| **is_ours == ours);
        picked.map(|(expr, _)| Arc::clone(expr)).collect::<Vec<_>>()
    };
    let (ours, others) = (pick(true), pick(false));
    if others.is_empty() {
        return Ok(Arc::new(RollingWindowExec::try_new(ours, input)?));
    }
    let n_inputs = input.schema().fields().len();
    let below: Arc<dyn ExecutionPlan> = if others.iter().all(|expr| expr.uses_bounded_memory()) {
        let mode = InputOrderMode::Sorted;
        Arc::new(BoundedWindowAggExec::try_new(others, input, mode, false)?)
    } else {
        Arc::new(WindowAggExec::try_new(others, input, false)?)
    };
    let n_below = below.schema().fields().len();
    let above: Arc<dyn ExecutionPlan> = Arc::new(RollingWindowExec::try_new(ours, below)?);

    // Column k of the original operator: inputs as they were, then each function in its place.
    let (mut next_other, mut next_ours) = (n_inputs..n_below, n_below..);
    let results =
        is_ours.iter().filter_map(|&ours| if ours { next_ours.next() } else { next_other.next() });
    let schema = above.schema();
    let columns = (0..n_inputs).chain(results).map(|idx| {
        let name = schema.field(idx).name().clone();
        (Arc::new(Column::new(&name, idx)) as Arc<dyn PhysicalExpr>, name)
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), above)?))
}
