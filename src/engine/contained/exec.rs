//! Scans of files, contained.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

/// The last rule of a session: it contains every scan.
#[derive(Debug)]
pub(crate) struct ContainScans;

impl PhysicalOptimizerRule for ContainScans {
    fn name(&self) -> &'static str {
        "contain_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let any: &dyn Any = node.as_ref();
            Ok(match any.is::<DataSourceExec>() {
                true => Transformed::yes(Arc::new(ContainedScanExec { scan: node })),
                false => Transformed::no(node),
            })
        })
        .data()
    }
}

/// Hands on what `scan` reads, and ends with an error where it panics.
#[derive(Debug)]
struct ContainedScanExec {
    scan: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for ContainedScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for ContainedScanExec {
    fn name(&self) -> &'static str {
        "ContainedScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = children.pop().unwrap_or_else(|| Arc::clone(&self.scan));
        Ok(Arc::new(Self { scan }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.scan.execute(partition, context)?;
        let schema = rows.schema();
        let contained = stream::unfold(Some(rows), |rows| async {
            let mut rows = rows?;
            let next = super::contained_future(rows.next()).await;
            match next {
                Ok(None) => None,
                Ok(Some(batch)) => Some((batch, Some(rows))),
                // What panicked is not asked again.
                Err(said) => {
                    let error = DataFusionError::from(ParquetError::General(said));
                    Some((Err(error), None))
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, contained)))
    }
}
