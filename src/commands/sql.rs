//! `sql`: ask the tables.

mod bounds;
mod questions;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oddlot_engine::query::{
    Asked, Catalog, NamedQuery, OutputFormat, Shell, Values, Written, is_command,
};
use oddlot_engine::s3::Place;
use oddlot_engine::session::{SessionOptions, session};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};

use super::{block_on_deep, load, threads};
use crate::cli::{Format, SqlArgs};
use crate::exit::Exit;
use crate::{colour, diagnostic, say, shell, tell};

pub use bounds::Bounds;
use questions::Question;

/// `oddlot sql`: one query, a file, a question, or a prompt.
pub fn sql(args: &SqlArgs) -> Result<Exit, Error> {
    if args.question.as_deref() == Some("") {
        say(&questions::list()?);
        return Ok(Exit::Done);
    }
    let (pipeline, query) = pipeline_and_query(args);
    let root = match &pipeline {
        Some(pipeline) => load(pipeline)?.output.root,
        None => Place::from(&args.root),
    };
    let question = args.question.as_deref().map(Question::named).transpose()?;
    let values = question.as_ref().map(|question| question.values(&args.param)).transpose()?;
    let values = values.as_deref().map_or(Values::Text(&args.param), Values::Bound);
    let query = match (&question, query, &args.file) {
        (Some(question), ..) => Some(question.text.to_owned()),
        (None, Some(query), _) => Some(query),
        (None, None, Some(file)) => Some(read(file)?),
        (None, None, None) => None,
    };
    let format = format(args.format);
    let bounds = Bounds {
        timeout: (args.timeout > 0).then(|| Duration::from_secs(u64::from(args.timeout))),
        memory: args.memory,
    };
    let rows_max = args.limit.map(|limit| (limit > 0).then_some(limit));
    block_on_deep(threads(None), async || {
        let query = match query {
            None if std::io::stdin().is_terminal() => {
                let catalog = bounds.hold(open_within(&root, &[], bounds.session())).await?;
                shell::run(Shell::new(catalog, format, rows_max), bounds).await?;
                return Ok(Exit::Done);
            }
            None => std::io::read_to_string(std::io::stdin())
                .map_err(|error| Error::config(Report::new(format!("stdin: {error}"))))?,
            Some(query) => query,
        };
        let asked = Asked {
            query: &query,
            values,
            format,
            rows_max: rows_max.unwrap_or(format.rows_max()),
        };
        let answer = async {
            let catalog = open_within(&root, &[], bounds.session()).await?;
            let stdout = &mut std::io::stdout();
            match is_command(asked.query) {
                true => {
                    let mut shell = Shell::new(catalog, format, rows_max);
                    shell.line(asked.query, stdout).await.map(|_| Written::default())
                }
                false => catalog.answer_asked(asked, stdout).await,
            }
        };
        Ok(match bounds.hold(answer).await?.cut_after {
            Some(n_rows) => {
                tell_cut(n_rows);
                Exit::Cut
            }
            None => Exit::Done,
        })
    })
}

/// The positional argument is a pipeline where it is named like one: no query ends so.
fn pipeline_and_query(args: &SqlArgs) -> (Option<PathBuf>, Option<String>) {
    match &args.query {
        Some(named) if args.pipeline.is_none() && named.ends_with(".toml") => {
            (Some(PathBuf::from(named)), None)
        }
        query => (args.pipeline.clone(), query.clone()),
    }
}

fn read(file: &Path) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|error| {
        Error::config(
            Report::new("the query cannot be read")
                .at(file.display().to_string())
                .expected("a file with one SELECT")
                .found(error.to_string()),
        )
    })
}

fn format(format: Format) -> OutputFormat {
    match format {
        Format::Table => OutputFormat::Table,
        Format::Markdown => OutputFormat::Markdown,
        Format::Csv => OutputFormat::Csv,
        Format::Json => OutputFormat::Json,
        Format::Jsonl => OutputFormat::JsonLines,
        Format::Parquet => OutputFormat::Parquet,
    }
}

/// An answer that was cut never looks whole.
pub fn tell_cut(n_rows: u64) {
    let report = Report::new(format!("the answer is cut after {n_rows} rows; there are more"))
        .hint("`--limit 0` gives all of them (by default table and markdown show 10000); to want fewer, say LIMIT in the query");
    tell(&diagnostic::warning(&report, colour()));
}

/// Opens the tables of a root, with `held` beside them, and tells what a reader should know of them.
pub async fn open(root: &Place, held: &'static [NamedQuery]) -> Result<Catalog, Error> {
    let options = SessionOptions { threads: threads(None), ..SessionOptions::default() };
    open_within(root, held, options).await
}

async fn open_within(
    root: &Place,
    held: &'static [NamedQuery],
    options: SessionOptions,
) -> Result<Catalog, Error> {
    let root = OutputRoot::open_existing(root)?;
    let context = session(&options)?;
    root.register(&context)?;
    let catalog = Catalog::open_holding(&context, root.name(), held).await?;
    for note in catalog.notes() {
        tell(&format!("note: {note}\n"));
    }
    Ok(catalog)
}
