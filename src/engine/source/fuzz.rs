//! Parquet files that nobody would write: never a panic, a hang or a bug, always a file's name.
//!
//! Small whole files of many kinds are damaged, byte by byte or in the numbers of their footers, and
//! then read as a run reads them: registered, inspected, digested and cut into windows.
//!
//! A hundred seeded cases are part of every test run. `ODDLOT_FUZZ_SECONDS=600 cargo test -p
//! oddlot-engine fuzz` goes on with other seeds for as long, and prints the seed of a failure; under
//! `ulimit -v 4194304` memory is limited too.

#![allow(clippy::disallowed_methods, reason = "how long to go on comes from the environment")]

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use datafusion::parquet::file::properties::{WriterProperties, WriterVersion};
use datafusion::parquet::file::writer::TrackedWrite;
use datafusion::parquet::schema::types::ColumnPath;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tempfile::TempDir;

use super::{Columns, Source, Ticker, register, with_file};
use crate::error::{Error, Kind};
use crate::fingerprint::{Learning, digest};
use crate::inspect::inspect;
use crate::places::Places;
use crate::relation::{PipelineSql, windows};
use crate::session::{SessionOptions, session};
use crate::sql_file::SqlFile;

/// Nothing that small takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
const N_ROWS: i32 = 60;

/// Files of all kinds.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let ticker = ColumnPath::from("ticker");
    let plain = || WriterProperties::builder();
    let properties = [
        plain(),
        plain().set_compression(Compression::ZSTD(ZstdLevel::default())),
        plain().set_dictionary_enabled(false),
        plain()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_dictionary_enabled(false)
            .set_column_encoding(ticker.clone(), Encoding::DELTA_BYTE_ARRAY),
        plain()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_dictionary_enabled(false)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_column_encoding(ticker, Encoding::DELTA_LENGTH_BYTE_ARRAY),
        plain().set_max_row_group_row_count(Some(25)).set_data_page_row_count_limit(7),
    ];
    let mut files = Vec::new();
    for properties in properties.map(|builder| builder.build()) {
        for rows in [floats(), others()] {
            let mut bytes = Vec::new();
            let properties = Some(properties.clone());
            let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), properties).unwrap();
            writer.write(&rows).unwrap();
            writer.close().unwrap();
            files.push(bytes);
        }
    }
    files
});

fn tickers() -> ArrayRef {
    let half = N_ROWS / 2;
    let name = |row| if row < half { "AAA" } else { "a rather longer name than most tickers have" };
    Arc::new(StringArray::from_iter_values((0..N_ROWS).map(name)))
}

fn floats() -> RecordBatch {
    let day = |row| row % (N_ROWS / 2);
    let close = |row: i32| (row % 11 != 3).then_some(f64::from(100 + row * 7 % 13));
    RecordBatch::try_from_iter([
        ("ticker", tickers()),
        ("date", Arc::new(Date32Array::from_iter_values((0..N_ROWS).map(day)))),
        ("close", Arc::new(Float64Array::from_iter((0..N_ROWS).map(close))) as ArrayRef),
    ])
    .unwrap()
}

fn others() -> RecordBatch {
    let instant = |row| i64::from(row % (N_ROWS / 2)) * 86_400_000_000_000;
    let cents = |row: i32| i128::from(10_000 + row * 7 % 13);
    let close = Decimal128Array::from_iter_values((0..N_ROWS).map(cents));
    RecordBatch::try_from_iter([
        ("ticker", tickers()),
        ("date", Arc::new(TimestampNanosecondArray::from_iter_values((0..N_ROWS).map(instant)))),
        ("close", Arc::new(close.with_precision_and_scale(18, 2).unwrap()) as ArrayRef),
    ])
    .unwrap()
}

/// One damage, its place told in thousandths.
#[derive(Clone, Debug)]
enum Damage {
    Byte(usize, u8),
    FooterByte(usize, u8),
    Bit(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    CutOff(usize),
    /// Another number in the footer: which, in which chunk, and its value.
    Number(u8, usize, i64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..1000_usize;
    let number = prop_oneof![
        Just(i64::MIN),
        Just(-1),
        Just(0),
        Just(1),
        Just(3),
        Just(61),
        Just(1 << 20),
        Just(1 << 31),
        Just(1 << 40),
        Just(i64::MAX),
        -100..10_000_i64,
    ];
    prop_oneof![
        2 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        3 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::FooterByte(at, byte)),
        2 => (at.clone(), 0..8_u8).prop_map(|(at, bit)| Damage::Bit(at, bit)),
        1 => (at.clone(), 1..40_usize).prop_map(|(at, n)| Damage::Remove(at, n)),
        1 => (at.clone(), 1..40_usize).prop_map(|(at, n)| Damage::Repeat(at, n)),
        1 => at.clone().prop_map(Damage::CutOff),
        4 => (0..9_u8, at, number).prop_map(|(which, at, n)| Damage::Number(which, at, n)),
    ]
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    (0..FILES.len(), vec(damage(), 1..5))
        .prop_map(|(file, damages)| damages.iter().fold(FILES[file].clone(), apply))
}

fn apply(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    let footer = bytes.len().saturating_sub(8 + footer_length(&bytes));
    let at =
        |thousandths: usize, length: usize| (length * thousandths / 1000).min(length.max(1) - 1);
    match *damage {
        _ if bytes.len() < 16 => {}
        Damage::Byte(from, byte) => {
            let from = at(from, bytes.len());
            bytes[from] = byte;
        }
        Damage::FooterByte(from, byte) => {
            let from = footer + at(from, bytes.len() - 8 - footer);
            bytes[from] = byte;
        }
        Damage::Bit(from, bit) => {
            let from = at(from, footer.max(1));
            bytes[from] ^= 1 << bit;
        }
        Damage::Remove(from, n) => {
            let from = at(from, bytes.len());
            let end = (from + n).min(bytes.len());
            bytes.drain(from..end);
        }
        Damage::Repeat(from, n) => {
            let from = at(from, bytes.len());
            let piece = bytes[from..(from + n).min(bytes.len())].to_vec();
            bytes.splice(from..from, piece);
        }
        Damage::CutOff(from) => bytes.truncate(at(from, bytes.len())),
        Damage::Number(which, chunk, value) => {
            // A footer that was damaged before may be more than its writer can bear.
            let forged = std::panic::catch_unwind(|| forge(&bytes, which, chunk, value));
            return forged.ok().flatten().unwrap_or(bytes);
        }
    }
    bytes
}

fn footer_length(bytes: &[u8]) -> usize {
    let Some(end) = bytes.len().checked_sub(8) else { return 0 };
    let length = u32::from_le_bytes([bytes[end], bytes[end + 1], bytes[end + 2], bytes[end + 3]]);
    (length as usize).min(end)
}

/// The file with another number in its footer.
fn forge(bytes: &[u8], which: u8, chunk: usize, value: i64) -> Option<Vec<u8>> {
    let read = Bytes::copy_from_slice(bytes);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&read).ok()?;
    let about = metadata.file_metadata();
    let n_chunks = metadata.num_row_groups() * about.schema_descr().num_columns();
    let (wanted, mut seen) = ((n_chunks * chunk / 1000), 0);
    let mut groups = Vec::new();
    for group in metadata.row_groups() {
        let mut chunks = Vec::new();
        for chunk in group.columns() {
            let is_wanted = seen == wanted;
            chunks.push(if is_wanted { chunk_with(chunk, which, value)? } else { chunk.clone() });
            seen += 1;
        }
        let mut forged = RowGroupMetaData::builder(group.schema_descr_ptr())
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.total_byte_size())
            .set_column_metadata(chunks);
        if which == 7 {
            forged = forged.set_num_rows(value);
        }
        groups.push(forged.build().ok()?);
    }
    let n_rows = if which >= 7 { value } else { about.num_rows() };
    let pairs = about.key_value_metadata().cloned();
    let schema = about.schema_descr_ptr();
    let about = FileMetaData::new(about.version(), n_rows, None, pairs, schema, None);
    let mut forged = bytes[..bytes.len() - 8 - footer_length(bytes)].to_vec();
    let metadata = ParquetMetaData::new(about, groups);
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new_with_tracked(TrackedWrite::new(&mut footer), &metadata)
        .finish()
        .ok()?;
    forged.extend(footer);
    Some(forged)
}

fn chunk_with(chunk: &ColumnChunkMetaData, which: u8, value: i64) -> Option<ColumnChunkMetaData> {
    let chunk = chunk.clone().into_builder();
    let chunk = match which {
        0 => chunk.set_num_values(value),
        1 => chunk.set_total_compressed_size(value),
        2 => chunk.set_total_uncompressed_size(value),
        3 => chunk.set_data_page_offset(value),
        4 => chunk.set_dictionary_page_offset(Some(value)),
        5 => chunk.set_dictionary_page_offset(None),
        6 => chunk.set_compression(Compression::ZSTD(ZstdLevel::default())),
        _ => chunk,
    };
    chunk.build().ok()
}

/// Reads a file as a run does.
async fn read(path: &Path, sorted: bool) -> Result<(), Error> {
    let columns = Columns {
        ticker: Ticker::Column("ticker".into()),
        ts: Some("date".into()),
        value: "close".into(),
        others: Vec::new(),
    };
    let path = path.to_str().unwrap().to_owned();
    let source =
        Source { path, columns, sorted, places: Places::default(), s3: Default::default() };
    let options = SessionOptions { batch_rows: 32, ..SessionOptions::default() };
    let context = session(&options)?;
    register(&context, &source).await?;
    let sql = PipelineSql::new(SqlFile::builtin_features("log_return")?, 5);
    let relation = windows(&context, &sql).await?;
    let named = async |error| with_file(&context, &source, error).await;
    if let Err(error) = inspect(&context).await {
        return Err(named(error).await);
    }
    if let Err(error) = digest(&context, Learning { last_day: 0, is_apart: true }).await {
        return Err(named(error).await);
    }
    let rows = relation.frame().clone().collect().await;
    rows.map(drop).map_err(|error| crate::failure::from_datafusion("rows", error))
}

/// What must hold of any file.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hostile.parquet");
    fs::write(&path, bytes).unwrap();
    let (told, heard) = channel();
    let reader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for sorted in [true, false] {
            let _ = told.send(runtime.block_on(read(&path, sorted)));
        }
    });
    for _ in 0..2 {
        match heard.recv_timeout(PATIENCE) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                prop_assert!(matches!(error.kind, Kind::Data | Kind::Config), "{:?}", error);
                let told = error.to_string();
                let is_ordinary =
                    told.contains("is not sorted") || told.contains("without a ticker");
                prop_assert!(is_ordinary || told.contains("hostile.parquet"), "{}", told);
            }
            Err(RecvTimeoutError::Timeout) => return Err(TestCaseError::fail("it hangs")),
            Err(RecvTimeoutError::Disconnected) => {}
        }
    }
    reader.join().map_err(|_| TestCaseError::fail("a panic"))
}

#[test]
fn whatever_a_parquet_file_holds_is_read_or_told_with_its_name() {
    let seconds = std::env::var("ODDLOT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let (cases, end) = match seconds {
        None => (100, Instant::now()),
        Some(seconds) => (500, Instant::now() + Duration::from_secs(seconds)),
    };
    let mut seed = std::env::var("ODDLOT_FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    loop {
        let rng_seed = RngSeed::Fixed(seed);
        let config = Config { cases, rng_seed, failure_persistence: None, ..Config::default() };
        let done = TestRunner::new(config).run(&file(), |bytes| check(&bytes));
        if let Err(error) = done {
            let error = error.to_string();
            panic!("seed {seed}: {}", error.split("minimal failing input").next().unwrap());
        }
        if Instant::now() >= end {
            break;
        }
        seed += 1;
    }
    println!("seeds up to {seed}, {cases} cases each");
}

#[test]
fn the_files_that_are_damaged_are_whole() {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (idx, bytes) in FILES.iter().enumerate() {
        let path = folder.path().join(format!("{idx}.parquet"));
        fs::write(&path, bytes).unwrap();
        runtime.block_on(read(&path, true)).unwrap();
    }
}
