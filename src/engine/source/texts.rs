//! How long the texts of a column chunk are, once they are unpacked.
//!
//! Each row may refer to a text in a dictionary, or repeat the begin of the text before it: so the
//! size of a chunk's pages says nothing about that of its rows.

use std::io::Read;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use datafusion::parquet::column::page::{Page as Unpacked, PageReader};
use datafusion::parquet::column::reader::{ColumnReader, get_column_reader};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::ColumnChunkMetaData;
use datafusion::parquet::file::reader::{ChunkReader, Length};
use datafusion::parquet::file::serialized_reader::SerializedPageReader;

use crate::contained::contained;

use super::pages::{BY_DIFFERENCE, Kind, Page};

/// Texts as short as tickers are grow to no more than their rows may.
const SHORT_BYTES: usize = 64;
/// Texts that are unpacked at a time.
const AT_ONCE: usize = 16;

/// Whether rows may be much longer than `pages` are.
pub(super) fn may_grow(chunk: &ColumnChunkMetaData, bytes: &Bytes, pages: &[Page]) -> bool {
    if pages.iter().any(|page| page.kind == Kind::Data && page.encoding == BY_DIFFERENCE) {
        return true;
    }
    let has_dictionary = pages.iter().any(|page| page.kind == Kind::Dictionary);
    // What cannot be unpacked is the decoder's to tell.
    has_dictionary && longest(chunk, bytes).is_ok_and(|longest| longest > SHORT_BYTES)
}

/// The longest text of a dictionary.
fn longest(chunk: &ColumnChunkMetaData, bytes: &Bytes) -> Result<usize> {
    let Some(Unpacked::DictionaryPage { buf, .. }) = page_reader(chunk, bytes)?.get_next_page()?
    else {
        return Ok(0);
    };
    let (mut rest, mut longest) = (&buf[..], 0);
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        longest = longest.max(length);
        rest = after.get(length..).unwrap_or_default();
    }
    Ok(longest)
}

/// Bytes of all texts together; counts no further than `budget`.
pub(super) fn unpacked_bytes(
    chunk: &ColumnChunkMetaData,
    bytes: &Bytes,
    budget: u64,
) -> Result<u64> {
    // This decoder indexes where the one of the scan checks: of damaged lengths it panics.
    contained(|| count(chunk, bytes, budget)).map_err(ParquetError::General)?
}

fn count(chunk: &ColumnChunkMetaData, bytes: &Bytes, budget: u64) -> Result<u64> {
    let reader = Box::new(page_reader(chunk, bytes)?);
    let reader = get_column_reader(chunk.column_descr_ptr(), reader);
    let ColumnReader::ByteArrayColumnReader(mut reader) = reader else { return Ok(0) };
    let mut sum = 0_u64;
    loop {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let (n_records, ..) = reader.read_records(AT_ONCE, Some(&mut levels), None, &mut values)?;
        sum += values.iter().map(|text| text.len() as u64).sum::<u64>();
        if n_records == 0 || sum > budget {
            return Ok(sum);
        }
    }
}

fn page_reader(
    chunk: &ColumnChunkMetaData,
    bytes: &Bytes,
) -> Result<SerializedPageReader<StoredChunk>> {
    let n_rows = usize::try_from(chunk.num_values()).unwrap_or_default();
    let stored = StoredChunk { from: chunk.byte_range().0, bytes: bytes.clone() };
    SerializedPageReader::new(Arc::new(stored), chunk, n_rows, None)
}

/// A chunk's bytes under the offsets that they have in their file.
struct StoredChunk {
    from: u64,
    bytes: Bytes,
}

impl StoredChunk {
    fn after(&self, start: u64) -> Result<Bytes> {
        let offset = start.checked_sub(self.from).and_then(|offset| usize::try_from(offset).ok());
        match offset.filter(|offset| *offset <= self.bytes.len()) {
            Some(offset) => Ok(self.bytes.slice(offset..)),
            None => Err(ParquetError::EOF(format!("byte {start} lies outside the column"))),
        }
    }
}

impl Length for StoredChunk {
    fn len(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }
}

impl ChunkReader for StoredChunk {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(Box::new(self.after(start)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let after = self.after(start)?;
        match length <= after.len() {
            true => Ok(after.slice(..length)),
            false => Err(ParquetError::EOF(format!("{length} bytes from {start} on"))),
        }
    }
}
