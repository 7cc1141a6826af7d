//! `sql`: ask the tables.

use std::io::IsTerminal;

use oddlot_engine::query::{Catalog, NamedQuery, OutputFormat};
use oddlot_engine::s3::Place;
use oddlot_engine::session::{SessionOptions, session};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};

use super::{block_on, load, threads};
use crate::cli::{Format, SqlArgs};
use crate::exit::Exit;
use crate::{shell, tell};

/// `oddlot sql`: one query, a file, or a prompt.
pub fn sql(args: &SqlArgs) -> Result<Exit, Error> {
    let root = match &args.pipeline {
        Some(pipeline) => load(pipeline)?.output.root,
        None => Place::from(&args.root),
    };
    let query = match (&args.query, &args.file) {
        (Some(query), _) => Some(query.clone()),
        (None, Some(file)) => Some(std::fs::read_to_string(file).map_err(|error| {
            Error::config(
                Report::new("the query cannot be read")
                    .at(file.display().to_string())
                    .expected("a file with one SELECT")
                    .found(error.to_string()),
            )
        })?),
        (None, None) => None,
    };
    let format = match args.format {
        Format::Table => OutputFormat::Table,
        Format::Csv => OutputFormat::Csv,
        Format::Json => OutputFormat::Json,
        Format::Parquet => OutputFormat::Parquet,
    };
    block_on(threads(None), async {
        let catalog = open(&root, &[]).await?;
        match query {
            Some(query) => {
                catalog.answer(&query, format, &mut std::io::stdout()).await?;
            }
            None if std::io::stdin().is_terminal() => shell::run(catalog, format).await?,
            None => {
                let query = std::io::read_to_string(std::io::stdin())
                    .map_err(|error| Error::config(Report::new(format!("stdin: {error}"))))?;
                catalog.answer(&query, format, &mut std::io::stdout()).await?;
            }
        }
        Ok(Exit::Done)
    })
}

/// Opens the tables of a root, with `held` beside them, and tells what a reader should know of them.
pub async fn open(root: &Place, held: &'static [NamedQuery]) -> Result<Catalog, Error> {
    let root = OutputRoot::open_existing(root)?;
    let context = session(&SessionOptions { threads: threads(None), ..SessionOptions::default() })?;
    root.register(&context)?;
    let catalog = Catalog::open_holding(&context, root.name(), held).await?;
    for note in catalog.notes() {
        tell(&format!("note: {note}\n"));
    }
    Ok(catalog)
}
