//! Parquet files written by hand: what no writer would write.

use std::sync::Arc;

use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use datafusion::parquet::file::writer::TrackedWrite;
use datafusion::parquet::schema::parser::parse_message_type;
use datafusion::parquet::schema::types::SchemaDescriptor;

/// Columns of a source, all required, so that a page holds its values and nothing else.
const SCHEMA: &str = "message schema {
  required binary ticker (UTF8);
  required int32 date (DATE);
  required double close;
}";

/// A page as it is stored.
#[derive(Clone)]
pub struct Page {
    header: Vec<u8>,
    body: Vec<u8>,
}

/// The pages of a column.
#[derive(Clone)]
pub struct Column {
    pub pages: Vec<Page>,
    pub has_dictionary: bool,
    pub is_packed: bool,
}

impl Page {
    /// A dictionary of `n` values.
    pub fn dictionary(n: i64, plain: &[u8]) -> Self {
        // 7: the header of a dictionary page (values, encoding PLAIN).
        Self::new(2, 0x4c, &[number(n), number(0)], plain.len(), plain.to_vec())
    }

    /// `n` values, all the first of the dictionary: a bit width of 1 and one run.
    pub fn run(n: i64) -> Self {
        let mut body = vec![1];
        varint((n as u64) << 1, &mut body);
        body.push(0);
        // 5: the header of a data page (values, RLE_DICTIONARY, two encodings of levels).
        let fields = [number(n), number(8), number(3), number(3)];
        Self::new(0, 0x2c, &fields, body.len(), body)
    }

    /// `n` plain values, packed by zstd.
    pub fn packed(n: i64, plain: &[u8]) -> Self {
        let body = zstd(plain);
        let fields = [number(n), number(0), number(3), number(3)];
        Self::new(0, 0x2c, &fields, plain.len(), body)
    }

    fn new(kind: i64, field: u8, fields: &[Vec<u8>], unpacked: usize, body: Vec<u8>) -> Self {
        let mut header = vec![0x15];
        header.extend(number(kind));
        for bytes in [unpacked, body.len()] {
            header.push(0x15);
            header.extend(number(bytes as i64));
        }
        header.push(field);
        for field in fields {
            header.push(0x15);
            header.extend(field);
        }
        header.extend([0, 0]);
        Self { header, body }
    }
}

impl Column {
    /// One value, referred to by each of `n` rows.
    pub fn constant(plain: &[u8], n: i64) -> Self {
        let pages = vec![Page::dictionary(1, plain), Page::run(n)];
        Self { pages, has_dictionary: true, is_packed: false }
    }

    /// Plain values, packed by zstd.
    pub fn packed(pages: Vec<Page>) -> Self {
        Self { pages, has_dictionary: false, is_packed: true }
    }
}

/// A text as PLAIN writes it.
pub fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text].concat()
}

/// A file of one row group whose ticker, date and close have `rows` values each, it says.
pub fn file(columns: [Column; 3], rows: i64) -> Vec<u8> {
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(parse_message_type(SCHEMA).unwrap())));
    let mut bytes = b"PAR1".to_vec();
    let mut chunks = Vec::new();
    for (idx, column) in columns.iter().enumerate() {
        let start = bytes.len() as i64;
        let mut data_start = start;
        for (page_idx, page) in column.pages.iter().enumerate() {
            if page_idx == 1 && column.has_dictionary {
                data_start = bytes.len() as i64;
            }
            bytes.extend(&page.header);
            bytes.extend(&page.body);
        }
        let length = bytes.len() as i64 - start;
        let codec = match column.is_packed {
            true => Compression::ZSTD(ZstdLevel::try_new(3).unwrap()),
            false => Compression::UNCOMPRESSED,
        };
        let chunk = ColumnChunkMetaData::builder(schema.column(idx))
            .set_num_values(rows)
            .set_compression(codec)
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE_DICTIONARY])
            .set_total_compressed_size(length)
            .set_total_uncompressed_size(length)
            .set_data_page_offset(data_start)
            .set_dictionary_page_offset(column.has_dictionary.then_some(start));
        chunks.push(chunk.build().unwrap());
    }
    let group = RowGroupMetaData::builder(Arc::clone(&schema))
        .set_num_rows(rows)
        .set_total_byte_size(bytes.len() as i64)
        .set_column_metadata(chunks)
        .build()
        .unwrap();
    let about = FileMetaData::new(2, rows, None, None, schema, None);
    let metadata = ParquetMetaData::new(about, vec![group]);
    let mut footer = Vec::new();
    let tracked = TrackedWrite::new(&mut footer);
    ParquetMetaDataWriter::new_with_tracked(tracked, &metadata).finish().unwrap();
    bytes.extend(footer);
    bytes
}

fn number(value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(((value << 1) ^ (value >> 63)) as u64, &mut bytes);
    bytes
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 1).unwrap()
}
