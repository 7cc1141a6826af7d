//! Which models count: those of each pipeline's last committed run.
//!
//! While a run goes on, or after one was killed, cells may mix models. A cell table shows the
//! models that the last committed run of its pipeline names; `<table>_all` shows every row. A root
//! without a `runs` table shows everything. A run is committed when its row is there and says
//! `complete`, or `partial` where tickers failed: these never cost the others their rows.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};

use super::{CELL_TABLES, message};
use crate::error::Result;

/// What `runs.status` says once every cell of the run is in place.
pub const COMPLETE: &str = "complete";

/// What it says where, besides, some tickers have failed and have no rows.
pub const PARTIAL: &str = "partial";

/// What it says where the run has written its shard and others are not there yet: readers wait for the last of them.
pub const SHARD: &str = "shard";

/// Model ids by pipeline.
type Models = BTreeMap<String, Vec<String>>;

/// Registers each cell table under its own name as the view that a reader should see.
///
/// Returns the pipelines that have no complete run, and so no rows there.
pub(super) async fn restrict(context: &SessionContext, tables: &[String]) -> Result<Vec<String>> {
    let has_runs = tables.iter().any(|table| table == "runs");
    let unreadable = |cause| message::unreadable(cause, "runs", "");
    let models = match has_runs {
        true => Some(last_committed(context).await.map_err(unreadable)?),
        false => None,
    };
    let mut pipelines = BTreeSet::new();
    for name in CELL_TABLES.iter().filter(|name| tables.iter().any(|table| table == *name)) {
        let told = |cause| message::unreadable(cause, name, "");
        view(context, name, models.as_ref()).await.map_err(told)?;
        if let Some(models) = &models {
            let present = pipelines_of(context, &format!("{name}_all")).await.map_err(told)?;
            pipelines.extend(present.into_iter().filter(|p| !models.contains_key(p)));
        }
    }
    Ok(pipelines.into_iter().collect())
}

async fn view(
    context: &SessionContext,
    name: &str,
    models: Option<&Models>,
) -> Result<(), DataFusionError> {
    let rows = context.table(format!("{name}_all")).await?;
    let rows = match models {
        Some(models) => rows.filter(of(models))?,
        None => rows,
    };
    context.register_table(name, rows.into_view())?;
    Ok(())
}

/// Rows of these models, each in its own pipeline.
fn of(models: &Models) -> Expr {
    models
        .iter()
        .map(|(pipeline, model_ids)| {
            let model_ids = model_ids.iter().map(|model_id| lit(model_id.as_str())).collect();
            col("pipeline")
                .eq(lit(pipeline.as_str()))
                .and(col("model_id").in_list(model_ids, false))
        })
        .reduce(Expr::or)
        .unwrap_or_else(|| lit(false))
}

/// The newest committed run of each pipeline by start, then by id.
async fn last_committed(context: &SessionContext) -> Result<Models, DataFusionError> {
    let newest_first = vec![
        col("pipeline").sort(true, false),
        col("started_at").sort(false, false),
        col("run_id").sort(false, false),
    ];
    let batches = context
        .table("runs")
        .await?
        .filter(col("status").in_list(vec![lit(COMPLETE), lit(PARTIAL)], false))?
        .sort(newest_first)?
        .select(vec![col("pipeline"), col("model_ids")])?
        .collect()
        .await?;
    let mut models = Models::new();
    for batch in batches {
        let pipelines = cast(batch.column(0), &DataType::Utf8)?;
        let model_ids = batch.column(1).as_list_opt::<i32>().ok_or_else(|| {
            DataFusionError::Plan("runs.model_ids is no list of strings".to_owned())
        })?;
        for row_idx in 0..batch.num_rows() {
            let pipeline = pipelines.as_string::<i32>().value(row_idx).to_owned();
            if models.contains_key(&pipeline) {
                continue;
            }
            let ids = match model_ids.is_null(row_idx) {
                true => Vec::new(),
                false => strings(&model_ids.value(row_idx))?,
            };
            models.insert(pipeline, ids);
        }
    }
    Ok(models)
}

/// Pipelines of a table; read from folder names alone.
async fn pipelines_of(
    context: &SessionContext,
    table: &str,
) -> Result<Vec<String>, DataFusionError> {
    let rows = context.table(table).await?.select(vec![col("pipeline")])?.distinct()?;
    let mut pipelines = Vec::new();
    for batch in rows.collect().await? {
        pipelines.extend(strings(batch.column(0))?);
    }
    Ok(pipelines)
}

fn strings(array: &dyn Array) -> Result<Vec<String>, DataFusionError> {
    let texts = cast(array, &DataType::Utf8)?;
    Ok(texts.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
}
