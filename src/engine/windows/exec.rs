//! The streaming form of a window operator whose functions are all ours.
//!
//! DataFusion's operator gathers whole partitions; this one keeps the last `n - 1` rows of the
//! newest partition and lets every batch through as it comes, in its order.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::evaluate_partition_ranges;
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, ReplaceChildrenOptions, WindowExpr,
};
use futures::StreamExt;

use super::rule::streamed_of;
use super::streamed::{Stream, Streamed};

/// Appends the columns of our window functions, a batch at a time.
#[derive(Clone, Debug)]
pub struct RollingWindowExec {
    /// Says what is computed over which partitions and order; never runs.
    inner: Arc<WindowAggExec>,
    functions: Vec<Streamed>,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl RollingWindowExec {
    /// In place of a `WindowAggExec` over `input`; every expression must be one of ours.
    ///
    /// # Errors
    /// An expression is not ours, or `inner` cannot be planned over `input`.
    pub(super) fn try_new(
        window_exprs: Vec<Arc<dyn WindowExpr>>,
        input: Arc<dyn ExecutionPlan>,
    ) -> Result<Self> {
        let functions: Vec<Streamed> = window_exprs
            .iter()
            .map(|expr| {
                streamed_of(expr)
                    .ok_or_else(|| internal_datafusion_err!("{} cannot stream", expr.name()))
            })
            .collect::<Result<_>>()?;
        // Not to be repartitioned: several sorted files are merged into one ordered stream.
        let inner = Arc::new(WindowAggExec::try_new(window_exprs, input, false)?);
        let from = inner.properties();
        let properties = PlanProperties::new(
            orderings(&inner, &functions),
            from.output_partitioning().clone(),
            EmissionType::Incremental,
            from.boundedness,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Self { inner, functions, metrics, properties: Arc::new(properties) })
    }
}

/// The inner operator's orderings, and what a running count adds: rows in the order (keys, order)
/// are also in the order (keys, count, order), since the count never falls within a partition.
/// It lets `PARTITION BY ticker, segment ORDER BY ts` run on rows sorted by (ticker, ts).
fn orderings(inner: &WindowAggExec, functions: &[Streamed]) -> EquivalenceProperties {
    let mut properties = inner.properties().equivalence_properties().clone();
    let n_inputs = inner.input().schema().fields().len();
    let Some(window) = inner.window_expr().first() else { return properties };
    let (keys, order) = (window.partition_by(), window.order_by());
    let counts: Vec<PhysicalSortExpr> = (n_inputs..)
        .zip(functions.iter().zip(inner.window_expr()))
        .filter(|(_, (function, _))| function.is_running_count())
        .map(|(idx, (_, expr))| {
            PhysicalSortExpr::new_default(Arc::new(Column::new(expr.name(), idx)))
        })
        .collect();
    let is_key = |sort: &PhysicalSortExpr| keys.iter().any(|key| key.eq(&sort.expr));
    let known = inner.input().equivalence_properties().oeq_class().clone();
    for ordering in known {
        let ordering: Vec<PhysicalSortExpr> = ordering.into_iter().collect();
        let Some((by_key, by_order)) = ordering.split_at_checked(keys.len()) else { continue };
        if by_key.iter().all(is_key) && by_order.starts_with(order) {
            for count in &counts {
                let with_count = by_key.iter().chain([count]).chain(by_order).cloned();
                properties.add_ordering(with_count);
            }
        }
    }
    properties
}

impl DisplayAs for RollingWindowExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> = self.inner.window_expr().iter().map(|expr| expr.name()).collect();
        write!(f, "RollingWindowExec: [{}]", names.join(", "))
    }
}

impl ExecutionPlan for RollingWindowExec {
    fn name(&self) -> &'static str {
        "RollingWindowExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.inner.input()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        // Only the first alternative, keys then order: rows of a partition must be neighbours.
        let required = self.inner.required_input_ordering();
        required
            .into_iter()
            .map(|required| required.map(|r| OrderingRequirements::new(r.into_single())))
            .collect()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.inner.input_distribution_requirements()
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input =
            children.pop().ok_or_else(|| internal_datafusion_err!("a window without input"))?;
        Ok(Arc::new(Self::try_new(self.inner.window_expr().to_vec(), input)?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.inner.input().execute(partition, context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let mut cutter = Cutter::try_new(self)?;
        let batches = input.map(move |batch| {
            let batch = batch?;
            let _time = metrics.elapsed_compute().timer();
            let windows = cutter.push(&batch)?;
            metrics.record_output(windows.num_rows());
            Ok(windows)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.inner.schema(), batches)))
    }
}

/// One function: where it stands, and the expressions of its values.
type Running = (Stream, Vec<Arc<dyn PhysicalExpr>>);

/// What runs: the functions' states and the newest partition's key.
struct Cutter {
    schema: SchemaRef,
    keys: Vec<PhysicalSortExpr>,
    functions: Vec<Running>,
    newest_key: Option<Vec<ScalarValue>>,
}

impl Cutter {
    fn try_new(exec: &RollingWindowExec) -> Result<Self> {
        let functions = exec.functions.iter().zip(exec.inner.window_expr());
        let functions = functions.map(|(function, expr)| {
            let mut values = expr.expressions();
            values.truncate(values.len().saturating_sub(function.n_parameters()));
            (function.begin(), values)
        });
        Ok(Self {
            schema: exec.inner.schema(),
            keys: exec.inner.partition_by_sort_keys()?,
            functions: functions.collect(),
            newest_key: None,
        })
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let n_rows = batch.num_rows();
        if n_rows == 0 {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let keys = self.keys.iter().map(|key| key.evaluate_to_sort_column(batch));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let partitions = evaluate_partition_ranges(n_rows, &keys)?;
        let key_at = |row: usize| {
            let key = keys.iter().map(|key| ScalarValue::try_from_array(&key.values, row));
            key.collect::<Result<Vec<_>>>()
        };
        let continues = self.newest_key.as_ref() == Some(&key_at(0)?);

        let mut columns = batch.columns().to_vec();
        for (state, values) in &mut self.functions {
            let values = values.iter().map(|value| value.evaluate(batch)?.into_array(n_rows));
            let values = values.collect::<Result<Vec<ArrayRef>>>()?;
            columns.push(state.push(&values, &partitions, continues)?);
        }
        self.newest_key = Some(key_at(n_rows - 1)?);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
