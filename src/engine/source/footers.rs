//! Each file's footer: its schema, its rows, its extent.

use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use futures::{StreamExt, TryStreamExt};

use super::Source;
use super::listing::{Listed, Listing};
use crate::error::{Error, Kind, Report, Result};

/// Footers that are fetched at a time.
const CONCURRENT: usize = 16;
/// Most footers fit into this much of the end of a file: one request instead of two.
const TAIL_BYTES: usize = 64 << 10;
/// Damaged files that are named; the rest are counted.
const NAMED: usize = 10;

/// What a footer says.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) schema: Schema,
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) n_rows: usize,
}

/// Reads all footers, in the order of the files.
pub(super) async fn read(listing: &Listing, source: &Source) -> Result<Vec<Footer>> {
    let footers = futures::stream::iter(&listing.files)
        .map(|file| read_one(listing, file))
        .buffered(CONCURRENT)
        .map(Ok::<_, Error>)
        .try_collect::<Vec<_>>()
        .await?;
    let mut found = Vec::with_capacity(footers.len());
    let mut errors = Vec::new();
    for footer in footers {
        match footer {
            Ok(footer) => found.push(footer),
            Err(error) => errors.push(error),
        }
    }
    let Some(kind) = errors.first().map(|error| error.kind) else { return empty(found, source) };
    let n_more = errors.len().saturating_sub(NAMED);
    let mut reports: Vec<Report> = errors.into_iter().flat_map(|error| error.reports).collect();
    reports.truncate(NAMED);
    if n_more > 0 {
        reports.push(Report::new(format!("and {n_more} more files")).at(source.path.as_str()));
    }
    Err(Error { kind, reports })
}

fn empty(footers: Vec<Footer>, source: &Source) -> Result<Vec<Footer>> {
    if footers.iter().any(|footer| footer.n_rows > 0) {
        return Ok(footers);
    }
    let report = Report::new("the source has no rows")
        .at(source.path.as_str())
        .expected("at least one row")
        .found(format!("0 rows in {} file(s)", footers.len()));
    Err(Error::data(report))
}

async fn read_one(listing: &Listing, file: &Listed) -> Result<Footer> {
    let metadata = DFParquetMetadata::new(listing.store.as_ref(), &file.meta)
        .with_metadata_size_hint(Some(TAIL_BYTES))
        .with_page_index_policy(Some(PageIndexPolicy::Skip))
        .fetch_metadata()
        .await;
    let damaged = |why: String| {
        let report = Report::new("not a readable Parquet file")
            .at(file.name(&listing.url))
            .expected("a complete Parquet file")
            .found(why)
            .hint("write the file again, or take it out of the source");
        Error::data(report)
    };
    let metadata = metadata.map_err(|error| match error.find_root() {
        datafusion::error::DataFusionError::ObjectStore(why) => {
            let report = Report::new("the file cannot be read").at(file.name(&listing.url));
            Error::new(Kind::Store, report.found(why.to_string()))
        }
        other => damaged(first_line(&other.strip_backtrace())),
    })?;
    let schema = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(schema.schema_descr(), schema.key_value_metadata())
        .map_err(|error| damaged(error.to_string()))?;
    let n_rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    Ok(Footer { schema, metadata, n_rows })
}

/// `<size> bytes: <why>` would be the same for each file; one line is enough.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("Parquet error: ").to_owned()
}
