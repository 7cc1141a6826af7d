//! `oddlot sql`: what is asked, how the answer is written, and how much it may take.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

/// What `oddlot sql --help` says below the options.
pub const SQL_HELP: &str = "\
A query reads the tables and does nothing else. Its $names get their values by --param. An
answer that --limit cuts ends with code 1; a query stopped by --timeout with 75, by --memory
with 78. At the prompt, \\? tells what else there is.

Example: oddlot sql \"SELECT * FROM events WHERE ticker = $t ORDER BY start_ts\" --param t=SPX
         oddlot sql pipelines/sp500.toml --question busiest_tickers --param sessions=60";

/// `sql`.
#[derive(Clone, Debug, Args)]
pub struct SqlArgs {
    /// The query, on errors, anomalies, events, runs and others; or a pipeline file (*.toml), to ask at a prompt
    #[arg(value_name = "QUERY|PIPELINE", conflicts_with = "file")]
    pub query: Option<String>,
    /// Read the query from a file
    #[arg(long, short, value_name = "FILE", conflicts_with = "question")]
    pub file: Option<PathBuf>,
    /// Ask a question that is kept ready; without a name, list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub question: Option<String>,
    /// What $NAME in the query stands for; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = param)]
    pub param: Vec<(String, String)>,
    /// The output folder to ask, or s3://bucket/prefix
    #[arg(long, value_name = "DIR", default_value = "out", conflicts_with = "pipeline")]
    pub root: String,
    /// Ask the output folder that this pipeline writes to
    #[arg(long, short, value_name = "PIPELINE")]
    pub pipeline: Option<PathBuf>,
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Rows at most, 0 for all; by default 10000 of table and markdown, all of the others
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<u64>,
    /// Stop a query that takes longer, 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u32,
    /// Stop a query that needs more memory
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size)]
    pub memory: ByteSize,
}

/// How to write the answer of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns
    Table,
    /// A table of Markdown
    #[value(alias = "md")]
    Markdown,
    /// Comma-separated, with a header
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Jsonl,
    /// A Parquet file on stdout
    Parquet,
}

/// Below this not even the tables can be opened.
const MEMORY_MIN: ByteSize = ByteSize::mib(64);

fn size(text: &str) -> Result<ByteSize, String> {
    match text.parse() {
        Ok(size) if size >= MEMORY_MIN => Ok(size),
        _ => Err("expected a size of at least 64MiB, such as 500MB or 2GiB".into()),
    }
}

fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim_start_matches('$').is_empty() => {
            Ok((name.trim_start_matches('$').to_owned(), value.to_owned()))
        }
        _ => Err("expected a name, = and a value, such as day=2026-02-11".into()),
    }
}
