//! `models` and `runs`: queries of ours over the tables.

use std::io::IsTerminal;

use oddlot_engine::query::OutputFormat;
use oddlot_engine::s3::Place;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};
use oddlot_nets::Engine;

use super::{block_on, load, sql, threads};
use crate::cli::Where;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::train::stored;

const LIST_MODELS: &str = include_str!("../../sql/commands/list_models.sql");
const LIST_RUNS: &str = include_str!("../../sql/commands/list_runs.sql");

/// `oddlot models`; of a pipeline, its thresholds are told in words.
pub fn models(args: &Where, engine: Engine) -> Result<Exit, Error> {
    list(args, LIST_MODELS, Some(engine))
}

/// `oddlot runs`.
pub fn runs(args: &Where) -> Result<Exit, Error> {
    list(args, LIST_RUNS, None)
}

/// A table for people, JSON lines for everything else.
fn list(args: &Where, query: &str, engine: Option<Engine>) -> Result<Exit, Error> {
    let plan = args.pipeline.as_ref().map(|pipeline| load(pipeline)).transpose()?;
    let root = match (&plan, &args.root) {
        (Some(plan), _) => plan.output.root.clone(),
        (None, Some(root)) => Place::from(root),
        (None, None) => return Err(Error::config(Report::new("name a pipeline or `--root`"))),
    };
    let is_watched = std::io::stdout().is_terminal();
    let format = if is_watched { OutputFormat::Table } else { OutputFormat::JsonLines };
    block_on(threads(None), async {
        sql::open(&root, &[]).await?.answer(query, format, &mut std::io::stdout()).await?;
        if let (Some(plan), Some(engine)) = (&plan, engine) {
            tell_thresholds(plan, engine).await;
        }
        Ok(Exit::Done)
    })
}

/// What the list has no room for. A damaged model is told where it is used, not here.
async fn tell_thresholds(plan: &Plan, engine: Engine) {
    let Ok(root) = OutputRoot::open_existing(&plan.output.root) else { return };
    for ready in stored(plan, &root, engine).await.unwrap_or_default() {
        let model = &ready.model;
        let words = match &model.artifact.thresholds {
            None if ready.is_packed() => format!(
                "a model and a threshold of each ticker's own, of {} tickers",
                ready.n_own()
            ),
            Some(of) => of.causal.pooled.words(),
            None => "a threshold of each ticker's own".to_owned(),
        };
        tracing::info!("{}: {words}", model.artifact.name);
    }
}
