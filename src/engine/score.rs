//! `ScoreExec`: scoring as a plan node of its own, streaming and back-pressured.
//!
//! Input: the windows relation, ordered by (ticker, ts), one partition. Output: whatever the
//! [`Scorer`] makes of each ticker, one batch a ticker, in that order.
//!
//! A task of its own reads ahead while Rayon's threads score, several tickers at a time so that
//! none of them waits for the end of another's, and while the taker writes what came before. So
//! there are in memory: one ticker a thread and one more that are scored, the one that is read, and
//! [`TICKERS_READY`] that wait to be taken; beyond these nothing is read.
//!
//! Not a scalar UDF: DataFusion evaluates a struct-returning UDF once for every field that is
//! projected out of it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, execute_stream,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::failure::from_datafusion;
use crate::relation::WindowsRelation;
use crate::session::SessionContext;
use crate::ticker_rows::{Layout, TickerRows, by_ticker};
use crate::{Error, Result, off_tokio};

/// What is made of one ticker's rows. Runs on Rayon's threads, never on tokio's.
pub trait Scorer: Send + Sync + fmt::Debug {
    /// Columns of [`Self::score`]'s batches.
    fn schema(&self) -> SchemaRef;

    /// Scores one ticker; others may be scored at the same time.
    ///
    /// # Errors
    /// What stops the whole job; a ticker's own defects belong into its rows.
    fn score(&self, rows: &TickerRows) -> Result<RecordBatch>;

    /// Does `read`, a piece of the reading of rows to be scored, for who wants to know when that is.
    fn read(&self, read: &mut dyn FnMut()) {
        read();
    }

    /// `ticker` and all before it have been scored: told in their order, whichever was done first.
    fn scored(&self, ticker: &str) {
        let _ = ticker;
    }
}

/// Scored tickers that wait to be taken.
pub const TICKERS_READY: usize = 1;

/// Tickers that are scored at the same time: one a thread, and one that is there when a thread is
/// done.
pub fn tickers_at_once() -> usize {
    rayon::current_num_threads() + 1
}

/// Scores the windows relation, ticker by ticker.
#[derive(Debug)]
pub struct ScoreExec {
    windows: Arc<dyn ExecutionPlan>,
    layout: Layout,
    scorer: Arc<dyn Scorer>,
    properties: Arc<PlanProperties>,
}

impl ScoreExec {
    /// A node over `windows`, which must have one partition in the order of (ticker, ts).
    pub fn new(windows: Arc<dyn ExecutionPlan>, layout: Layout, scorer: Arc<dyn Scorer>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scorer.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { windows, layout, scorer, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ScoreExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { features, length, .. } = &self.layout;
        write!(f, "ScoreExec: length={length}, features=[{}]", features.join(", "))
    }
}

impl ExecutionPlan for ScoreExec {
    fn name(&self) -> &'static str {
        "ScoreExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.windows]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let windows = children.pop().unwrap_or_else(|| self.windows.clone());
        Ok(Arc::new(Self::new(windows, self.layout.clone(), self.scorer.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let windows = self.windows.execute(partition, context)?;
        let (schema, scorer) = (self.scorer.schema(), Arc::clone(&self.scorer));
        let mut tickers = Box::pin(by_ticker(windows, self.layout.clone()));

        let mut ahead = RecordBatchReceiverStream::builder(schema, TICKERS_READY);
        let ready = ahead.tx();
        ahead.spawn(async move {
            let reader = Arc::clone(&scorer);
            let tickers = stream::poll_fn(move |context| {
                let mut polled = Poll::Pending;
                reader.read(&mut || polled = tickers.poll_next_unpin(context));
                polled
            });
            let scored = tickers.map_ok(|rows| begin(Arc::clone(&scorer), rows));
            let mut scored = pin!(scored.try_buffered(tickers_at_once()));
            while let Some(next) = scored.next().await {
                let is_error = next.is_err();
                let batch = next.map(|(ticker, batch)| {
                    scorer.scored(&ticker);
                    batch
                });
                let batch = batch.map_err(|error| DataFusionError::External(Box::new(error)));
                // Where nobody takes it any more, the job was stopped.
                if ready.send(batch).await.is_err() || is_error {
                    break;
                }
            }
            Ok(())
        });
        Ok(ahead.build())
    }
}

/// Begins to score a ticker on Rayon's threads.
fn begin(
    scorer: Arc<dyn Scorer>,
    rows: TickerRows,
) -> impl Future<Output = Result<(String, RecordBatch)>> + Send + 'static {
    let scored = off_tokio("scoring a ticker", move || {
        let batch = scorer.score(&rows)?;
        Ok((rows.ticker, batch))
    });
    async move { scored.await? }
}

/// Scored rows, one batch a ticker.
pub type JudgedStream = SendableRecordBatchStream;

/// The scored rows of a planned windows relation, one batch a ticker.
///
/// # Errors
/// The plan cannot be made.
pub async fn stream(
    context: &SessionContext,
    relation: &WindowsRelation,
    layout: Layout,
    scorer: Arc<dyn Scorer>,
) -> Result<JudgedStream> {
    let windows = relation.plan().await?;
    let partitions = windows.properties().output_partitioning().partition_count();
    if partitions != 1 {
        // Only the first would be scored, and nobody would miss the others.
        return Err(Error::bug(format!("the windows relation has {partitions} partitions")));
    }
    let scored = ScoreExec::new(windows, layout, scorer);
    execute_stream(Arc::new(scored), context.task_ctx())
        .map_err(|error| from_datafusion("the windows relation", error))
}

#[cfg(test)]
mod tests;
