//! How oddlot writes Parquet: one set of writer properties for imports, cells and query results.
//!
//! zstd 3, row groups of 131,072 rows (of cells 32,768), page statistics, a bloom filter on `ticker`, the sort order
//! in the footer, a fixed `created_by`, and key-value metadata in the order it is given.
//!
//! **The Arrow schema is not embedded** (`ARROW:schema`). A file says what Parquet's own types
//! say, and no more: plain strings, DATE, TIMESTAMP(µs, UTC), DOUBLE. All of DuckDB, Polars,
//! pyarrow and DataFusion read those back as we wrote them (`tests/readers`), and nothing else can
//! leak into a reader: no dictionary, view or large-string hint of the query that made the rows.
//! The embedded schema also walks a hash map of column metadata, so its bytes could differ from
//! run to run.
//!
//! **Same rows, same bytes** holds for the same cuts: page bounds follow the batches handed to
//! [`ArrowWriter::write`], so a caller that promises bytes hands over batches of a fixed size.
//! [`encode`] takes a whole table as one batch and so cannot get this wrong.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{KeyValue, SortingColumn};
use datafusion::parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder,
};
use datafusion::parquet::schema::types::ColumnPath;

/// Rows in a full row group.
pub const ROW_GROUP_ROWS: usize = 131_072;

/// Rows in a full row group of a cell. Of every open cell so many rows wait in memory, and of a run hundreds
/// of cells are open: 100 bytes × 32,768 rows × 128 cells are 0.4 GiB.
pub const CELL_GROUP_ROWS: usize = 32_768;

/// `created_by` of every file: no version, so an upgrade alone changes no byte.
pub const CREATED_BY: &str = "oddlot";

/// The column that gets a bloom filter, wherever a file has it.
const BLOOM_COLUMN: &str = "ticker";

/// One lookup in a hundred reads a row group in vain.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Properties for a file of `schema`, sorted ascending (nulls last) by the columns in `sorted_by`.
///
/// Names in `sorted_by` that the schema lacks are an error. `metadata` lands in the footer in
/// this order.
///
/// # Errors
/// A name in `sorted_by` that is no column.
pub fn writer_properties(
    schema: &Schema,
    sorted_by: &[&str],
    metadata: &[(&str, &str)],
) -> Result<WriterProperties, ParquetError> {
    Ok(properties(schema, sorted_by, metadata)?.build())
}

fn properties(
    schema: &Schema,
    sorted_by: &[&str],
    metadata: &[(&str, &str)],
) -> Result<WriterPropertiesBuilder, ParquetError> {
    let sorting = sorting_columns(schema, sorted_by)?;
    let pairs: Vec<KeyValue> = metadata
        .iter()
        .map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()))
        .collect();
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns((!sorting.is_empty()).then_some(sorting))
        .set_key_value_metadata((!pairs.is_empty()).then_some(pairs));
    if schema.column_with_name(BLOOM_COLUMN).is_some_and(|(_, f)| is_text(f.data_type())) {
        properties = properties.set_column_bloom_filter_fpp(
            ColumnPath::from(BLOOM_COLUMN.to_owned()),
            BLOOM_FALSE_POSITIVES,
        );
    }
    Ok(properties)
}

/// A writer of such a file into `sink`; [`ArrowWriter::close`] writes the footer.
///
/// # Errors
/// A sort column that is no column, or a column type that Parquet does not have.
pub fn writer<W: Write + Send>(
    sink: W,
    schema: SchemaRef,
    sorted_by: &[&str],
    metadata: &[(&str, &str)],
) -> Result<ArrowWriter<W>, ParquetError> {
    open(sink, schema.clone(), writer_properties(&schema, sorted_by, metadata)?)
}

/// As [`writer`], of cells: row groups of [`CELL_GROUP_ROWS`] rows of computed numbers. Hardly two of a DOUBLE column are equal, so that none of
/// them is looked up in a dictionary. A dictionary of them would be as large as the column, and
/// would be held in memory, uncompressed, until the row group is full.
///
/// # Errors
/// Those of [`writer`].
pub fn writer_of_cells<W: Write + Send>(
    sink: W,
    schema: SchemaRef,
    sorted_by: &[&str],
    metadata: &[(&str, &str)],
) -> Result<ArrowWriter<W>, ParquetError> {
    let numbers = schema.fields().iter().filter(|field| *field.data_type() == DataType::Float64);
    let properties = properties(&schema, sorted_by, metadata)?
        .set_max_row_group_row_count(Some(CELL_GROUP_ROWS));
    let properties = numbers.fold(properties, |properties, field| {
        properties.set_column_dictionary_enabled(ColumnPath::from(field.name().clone()), false)
    });
    open(sink, schema.clone(), properties.build())
}

fn open<W: Write + Send>(
    sink: W,
    schema: SchemaRef,
    properties: WriterProperties,
) -> Result<ArrowWriter<W>, ParquetError> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_schema_root("schema".to_owned())
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(sink, schema, options)
}

/// The whole file of one batch: same rows, same bytes.
///
/// # Errors
/// Those of [`writer`].
pub fn encode(
    rows: &RecordBatch,
    sorted_by: &[&str],
    metadata: &[(&str, &str)],
) -> Result<Vec<u8>, ParquetError> {
    let mut bytes = Vec::new();
    let mut file = writer(&mut bytes, Arc::clone(rows.schema_ref()), sorted_by, metadata)?;
    file.write(rows)?;
    file.close()?;
    Ok(bytes)
}

/// Where the sort columns stand. Parquet counts leaf columns, so a list or struct before a sort
/// column would shift it: only flat columns may precede one.
fn sorting_columns(
    schema: &Schema,
    sorted_by: &[&str],
) -> Result<Vec<SortingColumn>, ParquetError> {
    sorted_by
        .iter()
        .map(|name| {
            let column_idx = schema.index_of(name)?;
            if schema.fields()[..=column_idx].iter().any(|f| f.data_type().is_nested()) {
                return Err(ParquetError::General(format!(
                    "sort column {name} stands behind a nested column"
                )));
            }
            let column_idx = i32::try_from(column_idx)
                .map_err(|_| ParquetError::General("more than 2^31 columns".to_owned()))?;
            Ok(SortingColumn { column_idx, descending: false, nulls_first: false })
        })
        .collect()
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{
        ArrayRef, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray,
    };
    use datafusion::arrow::datatypes::{Field, TimeUnit};
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
    use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
    use std::fs::File;

    /// Two tickers, two instants, one missing value.
    fn prices() -> RecordBatch {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let schema = Schema::new(vec![
            Field::new("ticker", DataType::Utf8, false),
            Field::new("date", DataType::Date32, false),
            Field::new("ts", utc, false),
            Field::new("close", DataType::Float64, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["0005", "TRUE"])),
            Arc::new(Date32Array::from(vec![0, 1])),
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("UTC")),
            Arc::new(Float64Array::from(vec![Some(1.5), None])),
        ];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    fn encoded() -> Vec<u8> {
        encode(&prices(), &["ticker", "ts"], &[("table", "prices"), ("schema_version", "1")])
            .unwrap()
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        assert_eq!(encoded(), encoded());
    }

    #[test]
    fn types_come_back_without_an_embedded_arrow_schema() {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file_of(&encoded())).unwrap();
        assert_eq!(reader.schema().fields(), prices().schema().fields());
        let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
        let keys: Vec<&str> = pairs.iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!(keys, ["table", "schema_version"]);
        let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(read, [prices()]);
    }

    #[test]
    fn the_footer_tells_sort_order_maker_and_codec() {
        let file = SerializedFileReader::new(file_of(&encoded())).unwrap();
        let metadata = file.metadata();
        assert_eq!(metadata.file_metadata().created_by(), Some("oddlot"));
        let group = metadata.row_group(0);
        let sorted: Vec<i32> =
            group.sorting_columns().unwrap().iter().map(|column| column.column_idx).collect();
        assert_eq!(sorted, [0, 2]);
        assert!(matches!(group.column(3).compression(), Compression::ZSTD(_)));
        assert!(group.column(0).bloom_filter_offset().is_some());
        assert!(group.column(3).bloom_filter_offset().is_none());
    }

    #[test]
    fn computed_numbers_have_no_dictionary_and_everything_else_has() {
        let mut bytes = Vec::new();
        let mut writer = writer_of_cells(&mut bytes, prices().schema(), &["ticker"], &[]).unwrap();
        writer.write(&prices()).unwrap();
        writer.close().unwrap();
        let file = SerializedFileReader::new(file_of(&bytes)).unwrap();
        let group = file.metadata().row_group(0);
        let has_dictionary =
            |column: usize| group.column(column).dictionary_page_offset().is_some();
        assert_eq!([0, 1, 2, 3].map(has_dictionary), [true, true, true, false]);
    }

    #[test]
    fn pages_have_statistics() {
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&file_of(&encoded()))
            .unwrap();
        assert!(metadata.column_index().is_some());
        assert!(metadata.offset_index().is_some());
    }

    #[test]
    fn a_row_group_ends_after_131072_rows() {
        let rows = ROW_GROUP_ROWS + 1;
        let values: ArrayRef =
            Arc::new(Float64Array::from_iter_values((0..rows).map(|i| i as f64)));
        let batch = RecordBatch::try_from_iter([("close", values)]).unwrap();
        let file = SerializedFileReader::new(file_of(&encode(&batch, &[], &[]).unwrap())).unwrap();
        let group_rows: Vec<i64> =
            file.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(group_rows, [131_072, 1]);
    }

    #[test]
    fn an_unknown_sort_column_is_refused() {
        assert!(encode(&prices(), &["tcker"], &[]).is_err());
    }

    #[test]
    fn an_empty_batch_is_a_readable_file() {
        let empty = prices().slice(0, 0);
        let file = file_of(&encode(&empty, &["ticker"], &[]).unwrap());
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.schema().fields().len(), 4);
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
