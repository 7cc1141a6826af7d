use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Int64Array, ListViewArray, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;

use super::*;

fn layout() -> Layout {
    Layout { features: vec!["x".into()], length: 2, has_scales: false, has_reference_price: false }
}

/// A row: ticker, day, value; the window that ends there as the SQL claims it.
type Row<'a> = (&'a str, i32, f64, Option<[f32; 2]>);

fn batch(rows: &[Row]) -> RecordBatch {
    let days = || rows.iter().map(|row| row.1);
    let instants = days().map(|day| i64::from(day) * 86_400_000_000);
    let shared: Vec<f32> = rows.iter().flat_map(|row| row.3.unwrap_or_default()).collect();
    let offsets: Vec<i32> = (0..rows.len()).map(|row| 2 * i32::try_from(row).unwrap()).collect();
    let sizes: Vec<i32> = rows.iter().map(|row| if row.3.is_some() { 2 } else { 0 }).collect();
    let windows = ListViewArray::new(
        Arc::new(Field::new_list_field(DataType::Float32, true)),
        ScalarBuffer::from(offsets),
        ScalarBuffer::from(sizes),
        Arc::new(Float32Array::from(shared)),
        Some(rows.iter().map(|row| row.3.is_some()).collect::<Vec<bool>>().into()),
    );
    let reasons = rows.iter().map(|row| row.3.is_none().then_some("gap"));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ticker", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)))),
        ("ts", Arc::new(TimestampMicrosecondArray::from_iter_values(instants))),
        ("trade_date", Arc::new(Date32Array::from_iter_values(days()))),
        ("segment", Arc::new(Int64Array::from(vec![0; rows.len()]))),
        ("is_break", Arc::new(BooleanArray::from(vec![false; rows.len()]))),
        ("x", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.2)))),
        ("window", Arc::new(windows)),
        ("skip_reason", Arc::new(StringArray::from_iter(reasons))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

async fn grouped(batches: &[&[Row<'_>]]) -> Result<Vec<TickerRows>> {
    let batches: Vec<RecordBatch> = batches.iter().map(|rows| batch(rows)).collect();
    let schema = batches[0].schema();
    let batches = stream::iter(batches.into_iter().map(Ok));
    let batches = Box::pin(RecordBatchStreamAdapter::new(schema, batches));
    by_ticker(batches, layout()).try_collect().await
}

const ROWS: [Row<'_>; 5] = [
    ("A", 0, 1.0, None),
    ("A", 1, 2.0, Some([1.0, 2.0])),
    ("A", 2, 3.0, Some([2.0, 3.0])),
    ("B", 0, 4.0, None),
    ("B", 1, 5.0, Some([4.0, 5.0])),
];

#[tokio::test]
async fn tickers_are_grouped_across_the_borders_of_batches() {
    for cut in 1..5 {
        let found = grouped(&[&ROWS[..cut], &ROWS[cut..]]).await.unwrap();
        assert_eq!(found.len(), 2, "cut at {cut}");
        assert_eq!((found[0].ticker.as_str(), found[1].ticker.as_str()), ("A", "B"));
        assert_eq!((&found[0].values[..], &found[1].days[..]), (&[1.0, 2.0, 3.0][..], &[0, 1][..]));
        assert_eq!(found[0].windowed, [false, true, true]);
        assert_eq!(found[1].skip_reasons, [Some("gap"), None]);
        assert!(found[0].feature_scales.is_empty() && found[0].reference_prices.is_empty());
    }
}

#[tokio::test]
async fn rows_and_tickers_out_of_order_and_repeated_instants_are_refused() {
    let later_first = [("A", 1, 1.0, None), ("A", 0, 1.0, None)];
    assert_eq!(grouped(&[&later_first]).await.unwrap_err().kind, crate::Kind::Data);
    let twice = [("A", 1, 1.0, None), ("A", 1, 1.0, None)];
    let error = grouped(&[&twice[..1], &twice[1..]]).await.unwrap_err();
    assert_eq!(error.reports[0].title, "a ticker's rows are not in rising order of time");
    let back_again = [("A", 0, 1.0, None), ("B", 0, 1.0, None), ("A", 1, 1.0, None)];
    assert_eq!(grouped(&[&back_again]).await.unwrap_err().kind, crate::Kind::Bug);
}

#[tokio::test]
async fn a_window_that_holds_anything_but_the_features_is_refused() {
    let differs = [("A", 0, 1.0, None), ("A", 1, 2.0, Some([1.0, 2.5]))];
    let error = grouped(&[&differs]).await.unwrap_err();
    assert_eq!(error.reports[0].title, "the windows SQL does not cut the features as they are");
    // Before the ticker has two rows there is nothing that a window could hold.
    let too_early = [("A", 0, 1.0, Some([0.0, 1.0]))];
    assert_eq!(grouped(&[&too_early]).await.unwrap_err().kind, crate::Kind::Config);
    // A window is Float32: 0.1 is not, and is compared as its rounding.
    let rounded = [("A", 0, 0.1, None), ("A", 1, 0.2, Some([0.1, 0.2]))];
    assert!(grouped(&[&rounded]).await.is_ok());
}

/// Rows of one ticker whose windows overlap in one buffer, as `rolling_window` cuts them.
fn overlapping(values: &[f64], shared: &[f32], offsets: &[i32]) -> RecordBatch {
    let rows: Vec<Row<'_>> =
        (0..).zip(values).map(|(day, value)| ("A", day, *value, None)).collect();
    let rows = batch(&rows);
    let size = |&offset: &i32| if offset < 0 { 0 } else { 2 };
    let windows = ListViewArray::new(
        Arc::new(Field::new_list_field(DataType::Float32, true)),
        offsets.iter().map(|offset| (*offset).max(0)).collect(),
        offsets.iter().map(size).collect(),
        Arc::new(Float32Array::from(shared.to_vec())),
        Some(offsets.iter().map(|offset| *offset >= 0).collect::<Vec<bool>>().into()),
    );
    let mut columns = rows.columns().to_vec();
    columns[6] = Arc::new(windows);
    columns[7] = Arc::new(StringArray::from(vec![None::<&str>; values.len()]));
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

#[tokio::test]
async fn overlapping_windows_are_right_only_if_each_begins_one_row_after_the_last() {
    let check = async |values: &[f64], shared: &[f32], offsets: &[i32]| {
        let rows = overlapping(values, shared, offsets);
        let schema = rows.schema();
        let stream = Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Ok(rows)])));
        by_ticker(stream, layout())
            .try_collect::<Vec<_>>()
            .await
            .map(|rows| rows[0].windowed.clone())
    };
    let values = [1.0, 2.0, 3.0, 4.0];
    let right = check(&values, &[1.0, 2.0, 3.0, 4.0], &[-1, 0, 1, 2]).await.unwrap();
    assert_eq!(right, [false, true, true, true]);
    // The newest value of a window differs.
    assert!(check(&values, &[1.0, 2.0, 3.5, 4.0], &[-1, 0, 1, 2]).await.is_err());
    // The last window is one row too old, and stands where the one before stood; one too far on.
    assert!(check(&values, &[1.0, 2.0, 3.0, 4.0], &[-1, 0, 1, 1]).await.is_err());
    assert!(check(&values, &[1.0, 2.0, 3.0, 9.0, 4.0], &[-1, 0, 1, 3]).await.is_err());
    // After a row without a window all of the next one is looked at: 9 is not 2.
    assert!(check(&values, &[1.0, 2.0, 9.0, 3.0, 4.0], &[-1, -1, 2, 3]).await.is_err());
    assert!(check(&values, &[1.0, 2.0, 2.0, 3.0, 4.0], &[-1, -1, 2, 3]).await.is_ok());
}

#[tokio::test]
async fn infinite_values_are_missing() {
    let found = grouped(&[&[("A", 0, f64::INFINITY, None)]]).await.unwrap();
    assert!(found[0].values[0].is_nan());
}

#[tokio::test]
async fn a_stream_without_rows_has_no_ticker() {
    assert!(grouped(&[&[]]).await.unwrap().is_empty());
}

#[tokio::test]
async fn rows_after_a_day_are_cut_off_in_every_column() {
    let mut rows = grouped(&[&ROWS[..3]]).await.unwrap().remove(0);
    rows.truncate_after(1);
    assert_eq!((rows.len(), rows.values.len(), rows.windowed.len()), (2, 2, 2));
    assert_eq!((rows.segments.len(), rows.breaks.len(), rows.skip_reasons.len()), (2, 2, 2));
    rows.truncate_after(-1);
    assert!(rows.is_empty());
    rows.truncate_after(0);
}

#[tokio::test]
async fn rows_from_a_row_on_have_no_window_that_reaches_back_further() {
    let rows = grouped(&[&ROWS[..3]]).await.unwrap().remove(0);
    assert_eq!(rows.windowed, [false, true, true], "windows of two rows");
    let tail = rows.from_row(1, &layout());
    assert_eq!(
        (tail.days.as_slice(), tail.values.as_slice()),
        (&rows.days[1..], &rows.values[1..])
    );
    assert_eq!((tail.ticker.as_str(), tail.windowed.as_slice()), ("A", [false, true].as_slice()));
    assert_eq!(tail.feature_scales.len(), rows.feature_scales.len() / 3 * 2);
    assert_eq!(rows.from_row(0, &layout()).windowed, rows.windowed);
    assert!(rows.from_row(9, &layout()).is_empty());
}

#[test]
fn a_day_is_told_as_a_date() {
    assert_eq!(iso_date(0), "1970-01-01");
    assert_eq!(iso_date(i32::MAX), "day 2147483647");
}

#[tokio::test]
async fn a_reason_that_tables_do_not_know_is_refused() {
    let rows = batch(&ROWS[..1]);
    let mut columns = rows.columns().to_vec();
    *columns.last_mut().unwrap() = Arc::new(StringArray::from(vec!["because"]));
    let rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
    let schema = rows.schema();
    let stream = Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Ok(rows)])));
    let error = by_ticker(stream, layout()).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind, crate::Kind::Config);
    assert!(error.to_string().contains("found     `because`"), "{error}");
}
