//! `models` and `runs`: queries of ours over the tables.

use std::io::IsTerminal;

use oddlot_engine::query::OutputFormat;
use oddlot_engine::s3::Place;
use oddlot_engine::{Error, Report};

use super::{block_on, load, sql, threads};
use crate::cli::Where;
use crate::exit::Exit;

const LIST_MODELS: &str = include_str!("../../sql/commands/list_models.sql");
const LIST_RUNS: &str = include_str!("../../sql/commands/list_runs.sql");

/// `oddlot models`.
pub fn models(args: &Where) -> Result<Exit, Error> {
    list(args, LIST_MODELS)
}

/// `oddlot runs`.
pub fn runs(args: &Where) -> Result<Exit, Error> {
    list(args, LIST_RUNS)
}

/// A table for people, JSON lines for everything else.
fn list(args: &Where, query: &str) -> Result<Exit, Error> {
    let root = match (&args.pipeline, &args.root) {
        (Some(pipeline), _) => load(pipeline)?.output.root,
        (None, Some(root)) => Place::from(root),
        (None, None) => return Err(Error::config(Report::new("name a pipeline or `--root`"))),
    };
    let is_watched = std::io::stdout().is_terminal();
    let format = if is_watched { OutputFormat::Table } else { OutputFormat::Json };
    block_on(threads(None), async {
        sql::open(&root).await?.answer(query, format, &mut std::io::stdout()).await?;
        Ok(Exit::Done)
    })
}
