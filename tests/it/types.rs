//! Sources in the types that people have: the same cells as from the plain ones.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::market::{closes, csv};
use crate::workshop::{Workshop, parquet};

/// A job of one baseline, so that a run takes no time.
fn pipeline() -> String {
    let text = crate::workshop::PIPELINE;
    let models = text.find("[models").unwrap()..text.find("[threshold").unwrap();
    let mut text = text.to_owned();
    text.replace_range(models, "[models.ewma.detector.ewma_z]\n");
    text
}

/// A workshop with prices of whole numbers, which every numeric type can hold.
fn workshop() -> Workshop {
    let workshop = Workshop::new(&pipeline());
    workshop.prices(&csv(&closes()));
    let rows = read(&workshop);
    let whole = cast(&cast(&rows["close"], &DataType::Int64).unwrap(), &DataType::Float64);
    write(&workshop, "prices", [("close", whole.unwrap())]);
    workshop
}

fn read(workshop: &Workshop) -> BTreeMap<String, ArrayRef> {
    let file = fs::File::open(workshop.path("prices/prices.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let n_rows = reader.metadata().file_metadata().num_rows() as usize;
    let rows = reader.with_batch_size(n_rows).build().unwrap().next().unwrap().unwrap();
    let names = ["ticker", "date", "close"].into_iter();
    names.map(|name| (name.to_owned(), rows[name].clone())).collect()
}

/// The prices with some columns in place of their own, or besides them.
fn write<const N: usize>(workshop: &Workshop, file: &str, columns: [(&str, ArrayRef); N]) {
    let mut all = read(workshop);
    all.extend(columns.map(|(name, column)| (name.to_owned(), column)));
    let rows = RecordBatch::try_from_iter(all).unwrap();
    fs::write(workshop.path(&format!("prices/{file}.parquet")), parquet(&rows, None)).unwrap();
}

#[test]
fn every_type_that_holds_the_same_values_gives_the_same_cells() {
    let plain = workshop();
    plain.run();
    let cells = plain.cells();
    assert!(cells.len() > 20, "{}", cells.len());

    let instant = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
    let dictionary = |value| DataType::Dictionary(Box::new(DataType::Int16), Box::new(value));
    let types = [
        ("date", instant(TimeUnit::Nanosecond, None)),
        ("date", instant(TimeUnit::Nanosecond, Some("UTC"))),
        ("date", instant(TimeUnit::Millisecond, Some("America/New_York"))),
        ("date", instant(TimeUnit::Second, Some("+09:00"))),
        ("date", DataType::Date64),
        ("close", DataType::Decimal128(18, 4)),
        ("close", DataType::Decimal256(40, 2)),
        ("close", DataType::Int32),
        ("close", DataType::UInt16),
        ("close", DataType::Float32),
        ("ticker", dictionary(DataType::Utf8)),
        ("ticker", dictionary(DataType::LargeUtf8)),
        ("ticker", DataType::Utf8View),
    ];
    for (column, data_type) in types {
        let other = workshop();
        // A zone says how an instant is shown, and not which one it is.
        let column_as = match &data_type {
            DataType::Timestamp(unit, Some(_)) => {
                let utc = cast(&read(&other)[column], &instant(*unit, Some("UTC"))).unwrap();
                cast(&utc, &data_type).unwrap()
            }
            _ => cast(&read(&other)[column], &data_type).unwrap(),
        };
        write(&other, "prices", [(column, column_as)]);
        other.run();
        assert!(other.cells() == cells, "{column} {data_type}");
    }
}

#[test]
fn a_column_that_appears_later_and_is_not_mapped_changes_nothing() {
    let plain = workshop();
    plain.run();
    let other = workshop();
    let rows = read(&other);
    let notes: ArrayRef = Arc::new(StringArray::from(vec!["late"; rows["close"].len()]));
    // The second file is a copy under other tickers, the third has a column more.
    let named = |suffix: &str| -> ArrayRef {
        let tickers = cast(&rows["ticker"], &DataType::Utf8).unwrap();
        let tickers = tickers.as_any().downcast_ref::<StringArray>().unwrap();
        let named = tickers.iter().map(|ticker| format!("{}{suffix}", ticker.unwrap()));
        Arc::new(StringArray::from_iter_values(named))
    };
    write(&plain, "second", [("ticker", named("-2"))]);
    write(&other, "second", [("ticker", named("-2")), ("note", notes)]);
    plain.run();
    other.run();
    assert!(plain.cells() == other.cells());
    assert_eq!(plain.one("SELECT count(DISTINCT ticker) FROM errors"), "6");
}
