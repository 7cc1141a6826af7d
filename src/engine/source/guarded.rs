//! A reader of Parquet files that looks at pages before they are unpacked.
//!
//! It stands between the store and the decoder, and so sees each column chunk as it is stored. The
//! headers of its pages are held against the footer and against what the file may unpack to
//! ([`unpacked`]); where they do not agree the reading ends, with the name of the file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::basic::Type;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;

use super::pages::{Kind, Page, Pages};
use super::{damage, listing, texts, unpacked};
use crate::error::{Error, Report};

/// Makes such readers.
#[derive(Debug)]
pub(super) struct GuardedFactory {
    inner: DefaultParquetFileReaderFactory,
    url: ObjectStoreUrl,
}

impl GuardedFactory {
    pub(super) fn new(store: Arc<dyn ObjectStore>, url: ObjectStoreUrl) -> Self {
        Self { inner: DefaultParquetFileReaderFactory::new(store), url }
    }
}

impl ParquetFileReaderFactory for GuardedFactory {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::error::Result<Box<dyn AsyncFileReader + Send>> {
        let name = listing::name(&self.url, &file.object_meta.location);
        let guard = Guard { name, size_bytes: file.object_meta.size, ..Guard::default() };
        let inner = self.inner.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        Ok(Box::new(GuardedReader { inner, guard }))
    }
}

struct GuardedReader {
    inner: Box<dyn AsyncFileReader + Send>,
    guard: Guard,
}

impl AsyncFileReader for GuardedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let bytes = self.inner.get_bytes(range.clone()).await?;
            self.guard.check(&range, &bytes)?;
            Ok(bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move {
            let all = self.inner.get_byte_ranges(ranges.clone()).await?;
            for (range, bytes) in ranges.iter().zip(&all) {
                self.guard.check(range, bytes)?;
            }
            Ok(all)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let metadata = self.inner.get_metadata(options).await?;
            self.guard.metadata = Some(Arc::clone(&metadata));
            Ok(metadata)
        }
        .boxed()
    }
}

/// One file, and what has been unpacked of it.
#[derive(Default)]
struct Guard {
    name: String,
    size_bytes: u64,
    metadata: Option<Arc<ParquetMetaData>>,
    unpacked_bytes: u64,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard: {}", self.name)
    }
}

impl Guard {
    /// Checks the pages of a chunk that was read whole, as all are.
    fn check(&mut self, range: &Range<u64>, bytes: &Bytes) -> ParquetResult<()> {
        let Some(metadata) = self.metadata.clone() else { return Ok(()) };
        let groups = metadata.row_groups().iter().enumerate();
        let mut chunks =
            groups.flat_map(|(idx, group)| group.columns().iter().map(move |c| (idx, c)));
        let Some((group_idx, chunk)) = chunks.find(|(_, chunk)| range_of(chunk) == *range) else {
            return Ok(());
        };
        let n_groups = metadata.num_row_groups();
        let column = chunk.column_path().string();
        let place = format!("column `{column}`, row group {} of {n_groups}", group_idx + 1);
        self.check_chunk(chunk, bytes, &place)
            .map_err(|report| ParquetError::External(Box::new(Error::data(report))))
    }

    fn check_chunk(
        &mut self,
        chunk: &ColumnChunkMetaData,
        bytes: &Bytes,
        place: &str,
    ) -> Result<(), Report> {
        let mut n_values = 0_i64;
        let mut pages: Vec<Page> = Vec::new();
        for page in Pages::of(bytes) {
            let Some(page) = page else {
                return Err(self.damaged(
                    "page after page to the end of the column".into(),
                    format!("bytes that begin no page, in {place}"),
                ));
            };
            self.add(page.unpacked_bytes.max(page.stored_bytes) as u64, place)?;
            if page.kind == Kind::Data {
                n_values = n_values.saturating_add(page.n_values);
            }
            if page.kind == Kind::Dictionary {
                self.check_dictionary(chunk, page, place)?;
            }
            pages.push(page);
        }
        if n_values != chunk.num_values() {
            return Err(self.damaged(
                format!("{} values, as the footer says", chunk.num_values()),
                format!("{n_values} in the pages of {place}"),
            ));
        }
        if chunk.column_type() == Type::BYTE_ARRAY && texts::may_grow(chunk, bytes, &pages) {
            let budget = unpacked::allowed(self.size_bytes).saturating_sub(self.unpacked_bytes);
            // Of texts that cannot be unpacked the decoder will say why in its own words.
            if let Ok(texts_bytes) = texts::unpacked_bytes(chunk, bytes, budget) {
                self.add(texts_bytes, place)?;
            }
        }
        Ok(())
    }

    /// A dictionary has room for as many values as it says.
    fn check_dictionary(
        &self,
        chunk: &ColumnChunkMetaData,
        page: Page,
        place: &str,
    ) -> Result<(), Report> {
        let width = match chunk.column_type() {
            Type::BOOLEAN => 0,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => i64::from(chunk.column_descr().type_length()),
        };
        match page.n_values.checked_mul(width) {
            Some(bytes) if bytes <= page.unpacked_bytes => Ok(()),
            _ => Err(self.damaged(
                format!("a dictionary that fits into its {} bytes", page.unpacked_bytes),
                format!("one of {} values, in {place}", page.n_values),
            )),
        }
    }

    fn add(&mut self, bytes: u64, place: &str) -> Result<(), Report> {
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(bytes);
        if self.unpacked_bytes <= unpacked::allowed(self.size_bytes) {
            return Ok(());
        }
        let found = format!("more than that up to {place},");
        Err(unpacked::report(&self.name, self.size_bytes, &found))
    }

    fn damaged(&self, expected: String, found: String) -> Report {
        damage::of(&self.name).expected(expected).found(found)
    }
}

/// Where a chunk lies; its numbers were checked when the footer was read.
fn range_of(chunk: &ColumnChunkMetaData) -> Range<u64> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let bound = |offset: i64| u64::try_from(offset).unwrap_or_default();
    bound(start)..bound(start.saturating_add(chunk.compressed_size()))
}
