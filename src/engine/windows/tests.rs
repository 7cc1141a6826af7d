//! The streaming operator against naive implementations, over random rows and batch sizes.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::Float32Type;
use datafusion::physical_plan::displayable;
use futures::StreamExt;
use proptest::prelude::*;

use crate::testing::{Price, floats, register_prices, rows, session_of, texts};

const NAMES: [&str; 4] = ["A", "B", "C", "D"];

/// Rows of up to four tickers with some of every defect.
fn any_rows() -> impl Strategy<Value = Vec<(usize, Option<f64>)>> {
    let value = prop_oneof![
        8 => (-1e3..1e3).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(1e300)].prop_map(Some),
    ];
    prop::collection::vec((0..NAMES.len(), value), 0..60).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        rows
    })
}

fn prices(rows: &[(usize, Option<f64>)]) -> Vec<Price<'static>> {
    let days = (0..).zip(rows);
    days.map(|(day, (ticker, value))| (NAMES[*ticker], day, *value)).collect()
}

async fn compute(rows_in: &[Price<'_>], length: usize, batch_rows: usize) -> RecordBatch {
    let context = session_of(batch_rows);
    register_prices(&context, rows_in, batch_rows, true);
    let sql = format!(
        "SELECT rolling_window(value, {length}) OVER w AS window, \
         rolling_window_reason(value, {length}) OVER w AS reason, \
         lag(value) OVER w AS previous, \
         lag(value) IGNORE NULLS OVER w AS newest, \
         rolling_mean(value, {length}) OVER w AS mean, \
         rolling_median(value, {length}) OVER w AS median, \
         rolling_std(value, {length} + 1) OVER w AS std, \
         ewma(value, 0.9, {length}) OVER w AS ewma \
         FROM prices WINDOW w AS (PARTITION BY ticker ORDER BY ts)"
    );
    rows(&context, &sql).await
}

/// The last `length` rows of row `row`'s ticker, if there are so many.
fn frame(rows: &[(usize, Option<f64>)], row: usize, length: usize) -> Option<Vec<Option<f64>>> {
    let start = (row + 1).checked_sub(length)?;
    let frame = &rows[start..=row];
    let same = frame.iter().all(|other| other.0 == rows[row].0);
    same.then(|| frame.iter().map(|other| other.1).collect())
}

fn whole(frame: Option<Vec<Option<f64>>>, finite: impl Fn(f64) -> bool) -> Option<Vec<f64>> {
    let values: Vec<f64> = frame?.into_iter().collect::<Option<_>>()?;
    values.iter().all(|value| finite(*value)).then_some(values)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_and_statistics_equal_the_naive_ones(
        rows in any_rows(), length in 1_usize..6, batch_rows in 1_usize..9,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found = runtime.block_on(compute(&prices(&rows), length, batch_rows));
        let windows = found.column_by_name("window").unwrap().as_list_view::<i32>();
        let reasons = texts(&found, "reason");
        let (mean, median) = (floats(&found, "mean"), floats(&found, "median"));
        let (std, ewma) = (floats(&found, "std"), floats(&found, "ewma"));
        let (previous, newest) = (floats(&found, "previous"), floats(&found, "newest"));
        for row in 0..rows.len() {
            let expected = whole(frame(&rows, row, length), |value| (value as f32).is_finite());
            prop_assert_eq!(expected.is_some(), windows.is_valid(row));
            prop_assert_eq!(expected.is_some(), reasons[row].is_none());
            if let Some(expected) = expected {
                let expected: Vec<f32> = expected.iter().map(|&value| value as f32).collect();
                let window = windows.value(row);
                prop_assert_eq!(&window.as_primitive::<Float32Type>().values()[..], &expected[..]);
            }
            let lagged = frame(&rows, row, 2).and_then(|pair| pair[0]);
            prop_assert_eq!(lagged.map(f64::to_bits), previous[row].map(f64::to_bits));
            let before = rows[..row].iter().rev().take_while(|other| other.0 == rows[row].0);
            let present = before.filter_map(|other| other.1).next();
            prop_assert_eq!(present.map(f64::to_bits), newest[row].map(f64::to_bits));

            let values = whole(frame(&rows, row, length), f64::is_finite);
            prop_assert_eq!(values.is_some(), mean[row].is_some());
            if let Some(mut values) = values {
                let near = |a: Option<f64>, b: f64| {
                    // Sums in another order: a few units in the last place of the largest value.
                    let size = values.iter().fold(1.0_f64, |size, value| size.max(value.abs()));
                    a.is_some_and(|a| (a - b).abs() <= 1e-14 * size)
                };
                let n = values.len() as f64;
                prop_assert!(near(mean[row], values.iter().map(|value| value / n).sum()));
                let weights: Vec<f64> = (0..values.len()).rev().map(|k| 0.9_f64.powi(k as i32)).collect();
                let weighted: f64 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
                prop_assert!(near(ewma[row], weighted / weights.iter().sum::<f64>()));
                values.sort_by(f64::total_cmp);
                let (low, high) = (values[(length - 1) / 2], values[length / 2]);
                prop_assert_eq!(median[row], Some(f64::midpoint(low, high)));
            }
            let values = whole(frame(&rows, row, length + 1), f64::is_finite);
            prop_assert_eq!(values.is_some(), std[row].is_some());
        }
    }
}

/// 40 rows of two tickers whose sums round.
fn rounding() -> Vec<Price<'static>> {
    (0..40)
        .map(|i| (NAMES[(i / 20) as usize], i, Some(100.0 + (f64::from(i) * 0.7).sin() / 3.0)))
        .collect()
}

fn bits(batch: &RecordBatch) -> Vec<Vec<Option<u64>>> {
    let of = |name| floats(batch, name).into_iter().map(|value| value.map(f64::to_bits)).collect();
    ["mean", "median", "std", "ewma"].map(of).to_vec()
}

#[tokio::test]
async fn bits_depend_neither_on_the_batch_size_nor_on_where_the_read_starts() {
    let prices = rounding();
    let whole = bits(&compute(&prices, 7, 8192).await);
    for batch_rows in [1, 7] {
        assert_eq!(bits(&compute(&prices, 7, batch_rows).await), whole, "{batch_rows}");
    }
    for start in 1..12 {
        let late = bits(&compute(&prices[start..], 7, 8192).await);
        for (late, whole) in late.iter().zip(&whole) {
            // rolling_std looks back 8 rows: from row start + 7 on all frames are full again.
            assert_eq!(late[7..], whole[start + 7..], "read from row {start}");
        }
    }
}

#[tokio::test]
async fn mixed_functions_are_split_and_ours_stream() {
    let context = session_of(8192);
    register_prices(&context, &rounding(), 9, true);
    let sql = "SELECT lag(value) OVER w, lag(value, 2) OVER w, rolling_mean(value, 3) OVER w, ntile(2) OVER w \
        FROM prices WINDOW w AS (PARTITION BY ticker ORDER BY ts)";
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let plan = displayable(plan.as_ref()).indent(false).to_string();
    let (ours, theirs) = (plan.find("RollingWindowExec"), plan.find("WindowAggExec"));
    assert!(ours.is_some() && ours < theirs && !plan.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn a_batch_holds_its_rows_and_the_carry_and_no_more() {
    let context = session_of(8);
    register_prices(&context, &rounding(), 8, true);
    let sql = "SELECT rolling_window(value, 2 * value, 5) OVER (PARTITION BY ticker ORDER BY ts) \
        AS window FROM prices";
    let mut stream = context.sql(sql).await.unwrap().execute_stream().await.unwrap();
    let mut n_batches = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        let windows = batch.column(0).as_list_view::<i32>();
        let rows_held = windows.values().len() / 2;
        assert!(rows_held <= batch.num_rows() + 4, "{rows_held} for {}", batch.num_rows());
        n_batches += 1;
    }
    assert_eq!(n_batches, 5);
}

#[tokio::test]
async fn lengths_and_decays_out_of_range_are_refused() {
    let context = session_of(8192);
    register_prices(&context, &rounding(), 8, true);
    for (call, expected) in [
        ("rolling_window(value, 0)", "at least 1"),
        ("rolling_window(value, -1)", "at least 1"),
        ("rolling_std(value, 1)", "at least 2"),
        ("rolling_window(value, CAST(value AS INT))", "an integer literal"),
        ("ewma(value, 1.0, 5)", "0 < lambda < 1"),
        ("rolling_mean(ticker, 5)", "takes numbers"),
        ("rolling_mean(value, value, 5)", "was given 3 arguments"),
        ("rolling_window(5)", "was given 1 arguments"),
    ] {
        let sql = format!("SELECT {call} OVER (PARTITION BY ticker ORDER BY ts) FROM prices");
        let error = match context.sql(&sql).await {
            Ok(frame) => frame.create_physical_plan().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains(expected), "{call}: {error}");
    }
}

#[tokio::test]
async fn rows_of_a_partition_are_gathered_before_they_are_cut() {
    // Ordered by ts alone: both tickers' rows alternate, and a sort must come first.
    let context = session_of(8192);
    let rows_in =
        [("A", 0, Some(1.0)), ("B", 1, Some(5.0)), ("A", 2, Some(2.0)), ("B", 3, Some(6.0))];
    register_prices(&context, &rows_in, 8, false);
    let found = rows(
        &context,
        "SELECT ticker, rolling_mean(value, 2) OVER \
        (PARTITION BY ticker ORDER BY ts) AS mean FROM (SELECT * FROM prices ORDER BY ts) \
        ORDER BY ticker, ts",
    )
    .await;
    assert_eq!(floats(&found, "mean"), [None, Some(1.5), None, Some(5.5)]);
}
