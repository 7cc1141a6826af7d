//! Which file a reading failed in.
//!
//! A damaged page is found by the decoder, deep below the files' names. So the files are read once
//! more, one by one, until one fails alone: dear, and only where a run has failed already.

use std::sync::Arc;

use datafusion::prelude::{SessionContext, ident};
use futures::TryStreamExt;

use super::listing::Listing;
use super::{Source, columns, footers, listing, table};
use crate::error::{Error, Kind, Result};
use crate::failure::from_datafusion;

/// `error`, which came up while `source` was read, with the file and the column that it is about;
/// as it is, where none fails alone.
pub async fn with_file(context: &SessionContext, source: &Source, error: Error) -> Error {
    let is_unplaced = error.reports.iter().any(|report| report.place.as_deref() == Some("source"));
    if error.kind != Kind::Data || !is_unplaced {
        return error;
    }
    match first_failure(context, source).await {
        Ok(None) => error,
        Ok(Some(found)) | Err(found) => found,
    }
}

async fn first_failure(context: &SessionContext, source: &Source) -> Result<Option<Error>> {
    for one in one_by_one(context, source).await? {
        if let Ok(Some(failure)) = failure_of(context, source, one).await {
            return Ok(Some(failure.error));
        }
    }
    Ok(None)
}

/// Each file of `source` by itself.
pub(super) async fn one_by_one(context: &SessionContext, source: &Source) -> Result<Vec<Listing>> {
    let Listing { url, store, files, partition_keys } = listing::list(context, source).await?;
    let alone = |file| {
        let (url, store, partition_keys) =
            (url.clone(), Arc::clone(&store), partition_keys.clone());
        Listing { url, store, files: vec![file], partition_keys }
    };
    Ok(files.into_iter().map(alone).collect())
}

/// Why a file's rows cannot be read.
pub(super) struct Failure {
    pub(super) file: String,
    pub(super) error: Error,
    /// All its tickers lie between these two, if its footer says so.
    pub(super) tickers: Option<(String, String)>,
}

/// Reads the mapped columns of one file, each for itself.
pub(super) async fn failure_of(
    context: &SessionContext,
    source: &Source,
    mut one: Listing,
) -> Result<Option<Failure>> {
    let (footers, _) = footers::read_all(&mut one, source).await?;
    let scanned = columns::check(&one, &footers, source)?;
    let columns: Vec<String> =
        scanned.file_fields.iter().map(|field| field.name().clone()).collect();
    let (table, facts) = table::prices_files(&one, footers, &scanned, source)?;
    let Some(file) = facts.files.into_iter().next() else { return Ok(None) };
    let blame = |error| from_datafusion(&file.name, error);
    let table = context.read_table(Arc::new(table)).map_err(blame)?;
    for column in columns {
        let rows = table.clone().select(vec![ident(&column)]).map_err(blame)?;
        let mut rows = rows.execute_stream().await.map_err(blame)?;
        loop {
            match rows.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    let error = in_column(blame(error), &column);
                    return Ok(Some(Failure { file: file.name, error, tickers: file.tickers }));
                }
            }
        }
    }
    Ok(None)
}

fn in_column(mut error: Error, column: &str) -> Error {
    for report in &mut error.reports {
        let found = report.found.take().unwrap_or_default();
        report.found = Some(match found.contains(column) {
            true => found,
            false => format!("column `{column}`: {found}"),
        });
    }
    error
}
