//! The files as a DataFusion table: one partition, in the order of the files, ordered where the
//! source says so and the footers do not contradict it.

use std::cmp::Ordering;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::{SortOptions, cast};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::{TableSchema, TableSchemaBuilder};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;

use super::columns::Scanned;
use super::footers::Footer;
use super::guarded::GuardedFactory;
use super::listing::{Listed, Listing, SourceFile};
use super::{Source, SourceFacts, Ticker};
use crate::error::Result;

/// Streams of sorted files that are merged; with more, everything is sorted anew.
const MERGED: usize = 64;

/// The source's files.
#[derive(Debug)]
pub(super) struct PricesFiles {
    url: ObjectStoreUrl,
    schema: TableSchema,
    files: Vec<PartitionedFile>,
    readers: Arc<GuardedFactory>,
    /// Column indices of the declared order, if there is one.
    order: Vec<usize>,
}

/// The table over the files of `listing`, and what was found there.
pub(super) fn prices_files(
    listing: &Listing,
    footers: Vec<Footer>,
    scanned: &Scanned,
    source: &Source,
) -> Result<(PricesFiles, SourceFacts)> {
    let file_schema = Arc::new(Schema::new(scanned.file_fields.clone()));
    let keys = scanned.partition_keys.iter();
    let keys = keys.map(|key| Arc::new(Field::new(key, DataType::Utf8, false)));
    let keys: Vec<FieldRef> = keys.collect();
    let schema = TableSchemaBuilder::new(file_schema).with_table_partition_cols(keys).build();

    let mut files: Vec<(PartitionedFile, SourceFile)> = listing
        .files
        .iter()
        .zip(&footers)
        .filter(|(_, footer)| footer.n_rows > 0)
        .map(|(file, footer)| {
            (partitioned(file, footer, scanned), facts(listing, file, footer, source))
        })
        .collect();
    let order = if source.sorted { order(&schema, source) } else { Vec::new() };
    if !order.is_empty() {
        // Files of single tickers are in order when taken by ticker, whatever their names.
        let first = |file: &PartitionedFile| -> Vec<Option<ScalarValue>> {
            let statistics = file.statistics.as_ref();
            let min = |idx: &usize| {
                statistics?.column_statistics.get(*idx)?.min_value.get_value().cloned()
            };
            order.iter().map(min).collect()
        };
        files.sort_by(|a, b| {
            let (a, b) = (first(&a.0), first(&b.0));
            a.partial_cmp(&b).unwrap_or(Ordering::Equal)
        });
    }
    let (files, found): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let n_rows = found.iter().map(|file| file.n_rows).sum();
    let url = listing.url.clone();
    let readers = Arc::new(GuardedFactory::new(Arc::clone(&listing.store), url.clone()));
    let table = PricesFiles { url, schema, files, readers, order };
    Ok((table, SourceFacts { files: found, n_rows, broken: Vec::new(), nameless: None }))
}

fn facts(listing: &Listing, file: &Listed, footer: &Footer, source: &Source) -> SourceFile {
    SourceFile {
        location: file.meta.location.to_string(),
        size_bytes: file.meta.size,
        modified_us: file.meta.last_modified.timestamp_micros(),
        e_tag: file.meta.e_tag.clone(),
        n_rows: footer.n_rows,
        name: file.name(&listing.url),
        tickers: tickers(file, footer, source),
    }
}

/// The least and the greatest ticker of a file, as far as its footer or its folder tells them.
fn tickers(file: &Listed, footer: &Footer, source: &Source) -> Option<(String, String)> {
    let Ticker::Column(name) = &source.columns.ticker else { return None };
    if let Some(ticker) = file.partition(name) {
        return Some((ticker.to_owned(), ticker.to_owned()));
    }
    let bounds = extent(&Field::new(name, DataType::Utf8, true), footer);
    let text = |bound: Precision<ScalarValue>| match bound.get_value() {
        Some(ScalarValue::Utf8(text)) => text.clone(),
        _ => None,
    };
    text(bounds.min_value).zip(text(bounds.max_value))
}

/// Indices of (ticker, ts) in the table's schema; of `ts` alone where there is one ticker.
fn order(schema: &TableSchema, source: &Source) -> Vec<usize> {
    let ticker = match &source.columns.ticker {
        Ticker::Column(name) => Some(name.as_str()),
        Ticker::Literal(_) => None,
    };
    let names = ticker.into_iter().chain(source.columns.ts.as_deref());
    names.filter_map(|name| schema.table_schema().index_of(name).ok()).collect()
}

fn partitioned(file: &Listed, footer: &Footer, scanned: &Scanned) -> PartitionedFile {
    let columns = scanned.file_fields.iter().map(|field| extent(field, footer));
    let statistics = Statistics {
        num_rows: Precision::Exact(footer.n_rows),
        total_byte_size: Precision::Absent,
        column_statistics: columns.collect(),
    };
    let values = scanned.partition_keys.iter();
    let values = values.map(|key| ScalarValue::from(file.partition(key).unwrap_or_default()));
    PartitionedFile::from(file.meta.clone())
        .with_partition_values(values.collect())
        .with_statistics(Arc::new(statistics))
}

/// Smallest and largest value in the type of the scan; unknown where a row group does not say.
/// Only the order of files is read off them, never a result.
fn extent(field: &Field, footer: &Footer) -> ColumnStatistics {
    let bounds = || -> Option<(ScalarValue, ScalarValue)> {
        let groups = footer.metadata.row_groups();
        let descriptor = footer.metadata.file_metadata().schema_descr();
        let column = StatisticsConverter::try_new(field.name(), &footer.schema, descriptor).ok()?;
        let mins = scalars(&column.row_group_mins(groups).ok()?, field)?;
        let maxes = scalars(&column.row_group_maxes(groups).ok()?, field)?;
        let less = |a: &ScalarValue, b: &ScalarValue| a.partial_cmp(b) == Some(Ordering::Less);
        let min = mins.into_iter().reduce(|a, b| if less(&b, &a) { b } else { a })?;
        let max = maxes.into_iter().reduce(|a, b| if less(&a, &b) { b } else { a })?;
        Some((min, max))
    };
    match bounds() {
        Some((min, max)) => ColumnStatistics {
            min_value: Precision::Inexact(min),
            max_value: Precision::Inexact(max),
            ..ColumnStatistics::new_unknown()
        },
        None => ColumnStatistics::new_unknown(),
    }
}

/// A bound of each row group in the type of `field`; `None` if one is unknown.
fn scalars(bounds: &ArrayRef, field: &Field) -> Option<Vec<ScalarValue>> {
    let bounds = cast(bounds, field.data_type()).ok()?;
    let known = (0..bounds.len()).filter(|&idx| bounds.is_valid(idx));
    let known = known.map(|idx| ScalarValue::try_from_array(&bounds, idx).ok());
    known.collect::<Option<Vec<_>>>().filter(|known| known.len() == bounds.len())
}

impl PricesFiles {
    /// One group, read file after file; or, where sorted files overlap (one a year, say, with
    /// all tickers in each), as few groups as have no overlap within, to be merged.
    fn groups(&self, ordering: Option<&LexOrdering>) -> Vec<FileGroup> {
        let one = vec![FileGroup::new(self.files.clone())];
        let Some(ordering) = ordering else { return one };
        let schema = self.schema.table_schema();
        match FileScanConfig::split_groups_by_statistics(schema, &one, ordering) {
            Ok(groups) if (1..=MERGED).contains(&groups.len()) => groups,
            _ => one,
        }
    }
}

#[async_trait]
impl TableProvider for PricesFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let order = self.order.iter().map(|&idx| {
            let column = Column::new(self.schema.table_schema().field(idx).name(), idx);
            PhysicalSortExpr::new(Arc::new(column), SortOptions::new(false, false))
        });
        let ordering = LexOrdering::new(order);
        let groups = self.groups(ordering.as_ref());
        let readers = Arc::clone(&self.readers);
        let parquet = ParquetSource::new(self.schema.clone());
        let parquet = parquet.with_parquet_file_reader_factory(readers);
        let config = FileScanConfigBuilder::new(self.url.clone(), Arc::new(parquet))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_output_ordering(ordering.into_iter().collect())
            .with_preserve_order(true)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
