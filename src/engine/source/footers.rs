//! Each file's footer: its schema, its rows, its extent.

use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::DataFusionError;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use futures::StreamExt;

use super::broken::{self, Broken};
use super::listing::{Listed, Listing};
use super::{Source, counts, damage};
use crate::contained::{contained, contained_future};
use crate::error::{Error, Kind, Report, Result};
use crate::s3;

/// Footers that are fetched at a time.
const CONCURRENT: usize = 16;
/// Most footers fit into this much of the end of a file: one request instead of two.
const TAIL_BYTES: usize = 64 << 10;

/// What a footer says.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) schema: Schema,
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) n_rows: usize,
}

/// Reads all footers, in the order of the files, of which one at least has a row; files of single
/// tickers that have no footer leave the listing.
pub(super) async fn read(
    listing: &mut Listing,
    source: &Source,
) -> Result<(Vec<Footer>, Vec<Broken>)> {
    let (found, broken) = read_all(listing, source).await?;
    Ok((empty(found, listing, source)?, broken))
}

/// As [`read`], with or without rows.
pub(super) async fn read_all(
    listing: &mut Listing,
    source: &Source,
) -> Result<(Vec<Footer>, Vec<Broken>)> {
    let footers = futures::stream::iter(&listing.files)
        .map(|file| read_one(listing, file))
        .buffered(CONCURRENT)
        .collect::<Vec<_>>()
        .await;
    broken::part(listing, footers, source)
}

fn empty(footers: Vec<Footer>, listing: &Listing, source: &Source) -> Result<Vec<Footer>> {
    if footers.iter().any(|footer| footer.n_rows > 0) {
        return Ok(footers);
    }
    let (place, found) = match listing.files.as_slice() {
        [file] => (file.name(&listing.url), "a Parquet file with columns and no row".to_owned()),
        files => (source.path.clone(), format!("{} Parquet files, none with a row", files.len())),
    };
    let report = Report::new("the source has no rows").at(place).expected("at least one row");
    let key = source.places.named("source.path");
    Err(Error::data(
        report.found(found).hint(format!("write the file with its rows, or correct {key}")),
    ))
}

async fn read_one(listing: &Listing, file: &Listed) -> Result<Footer> {
    let metadata = DFParquetMetadata::new(listing.store.as_ref(), &file.meta)
        .with_metadata_size_hint(Some(TAIL_BYTES))
        .with_page_index_policy(Some(PageIndexPolicy::Skip));
    let metadata = match contained_future(metadata.fetch_metadata()).await {
        Ok(metadata) => metadata,
        Err(said) => return Err(Error::data(damage::report(listing, file, said).await)),
    };
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(error) => {
            return Err(match error.find_root() {
                DataFusionError::ObjectStore(why) => match s3::failure_in(why.as_ref()) {
                    Some(refusal) => refusal.error(&file.name(&listing.url), Kind::Data),
                    None => unreadable(listing, file, &why.to_string()),
                },
                other => Error::data(damage::report(listing, file, other.strip_backtrace()).await),
            });
        }
    };
    if let Some(wrong) = counts::contradiction(&metadata, file.meta.size) {
        let report = damage::of(&file.name(&listing.url));
        return Err(Error::data(report.expected(wrong.expected).found(wrong.found)));
    }
    let schema = metadata.file_metadata();
    let schema = contained(|| {
        parquet_to_arrow_schema(schema.schema_descr(), schema.key_value_metadata())
            .map_err(|error| error.to_string())
    });
    let schema = match schema.flatten() {
        Ok(schema) => schema,
        Err(why) => return Err(Error::data(damage::report(listing, file, why).await)),
    };
    let n_rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    Ok(Footer { schema, metadata, n_rows })
}

fn unreadable(listing: &Listing, file: &Listed, why: &str) -> Error {
    let report = Report::new("the file cannot be read")
        .at(file.name(&listing.url))
        .expected("a file that this user may read")
        .found(why)
        .hint("check the network and the permissions, then run the same command again");
    Error::new(Kind::Store, report)
}
