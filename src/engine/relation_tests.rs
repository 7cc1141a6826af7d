use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::Float32Type;
use datafusion::physical_plan::displayable;

use super::*;
use crate::testing::{Price, floats, pretty, register_prices, session_of, texts};

const A_GAP_AND_A_BREAK: [Price; 12] = [
    ("A", 0, Some(100.0)),
    ("A", 1, Some(101.0)),
    ("A", 2, Some(102.0)),
    ("A", 13, Some(103.0)), // Eleven days later: a gap.
    ("A", 14, Some(104.0)),
    ("A", 15, Some(105.0)),
    ("A", 16, None),
    ("A", 17, Some(1.05)), // ln(1.05/105) = -4.6, seen across the NULL: a break.
    ("A", 18, Some(1.06)),
    ("B", 0, Some(7.0)),
    ("B", 10, Some(8.0)), // Ten days are no gap.
    ("B", 11, Some(9.0)),
];

fn builtin(features: &str, length: usize) -> PipelineSql {
    PipelineSql::new(SqlFile::builtin_features(features).unwrap(), length)
}

async fn collect(relation: &WindowsRelation) -> RecordBatch {
    let batches = relation.frame().clone().collect().await.unwrap();
    concat_batches(&relation.schema(), &batches).unwrap()
}

async fn plan_text(relation: &WindowsRelation) -> String {
    displayable(relation.plan().await.unwrap().as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn every_row_without_a_window_says_why() {
    let context = session_of(4);
    register_prices(&context, &A_GAP_AND_A_BREAK, 5, true);
    let relation = windows(&context, &builtin("close", 2)).await.unwrap();
    let rows = collect(&relation).await;
    let names: Vec<_> = rows.schema().fields().iter().map(|f| f.name().clone()).collect();
    let expected = [
        "ticker",
        "ts",
        "trade_date",
        "segment",
        "is_break",
        "reference_price",
        "close",
        "close_scale",
        "window",
        "skip_reason",
    ];
    assert_eq!(names, expected);

    let reasons = texts(&rows, "skip_reason");
    let reasons: Vec<_> = reasons.iter().map(|reason| reason.as_deref().unwrap_or("-")).collect();
    let expected = [
        "history_short",
        "-",
        "-",
        "gap",
        "-",
        "-",
        "null_value",
        "break",
        "-",
        "history_short",
        "-",
        "-",
    ];
    assert_eq!(reasons, expected, "{}", pretty(&rows));
    let breaks = rows.column_by_name("is_break").unwrap().as_boolean().clone();
    let breaks: Vec<usize> = (0..12).filter(|&row| breaks.value(row)).collect();
    assert_eq!(breaks, [6, 7]); // The price goes missing; and what comes then is another.

    let windows = rows.column_by_name("window").unwrap().as_list_view::<i32>();
    let at = |row: usize| windows.value(row).as_primitive::<Float32Type>().values().to_vec();
    assert_eq!(at(2), [101.0, 102.0]);
    assert_eq!(at(4), [103.0, 104.0]);
    assert_eq!(at(8), [1.05, 1.06]);
    assert!(windows.is_null(6) && windows.is_null(3));
}

#[tokio::test]
async fn a_series_that_has_no_breaks_is_cut_at_gaps_and_missing_prices_only() {
    let context = session_of(8192);
    register_prices(&context, &A_GAP_AND_A_BREAK, 100, true);
    let sql = PipelineSql { break_log_return: None, max_gap_days: 9, ..builtin("close", 1) };
    let rows = collect(&windows(&context, &sql).await.unwrap()).await;
    let segments = rows.column_by_name("segment").unwrap();
    let segments = segments.as_primitive::<datafusion::arrow::datatypes::Int64Type>().values();
    // The price that is missing cuts too: it is no price at all.
    assert_eq!(segments[..], [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1, 1]);
}

#[tokio::test]
async fn a_log_return_begins_anew_with_each_segment() {
    let context = session_of(3);
    register_prices(&context, &A_GAP_AND_A_BREAK, 2, true);
    let relation = windows(&context, &builtin("log_return", 1)).await.unwrap();
    let rows = collect(&relation).await;
    let returns = floats(&rows, "log_return");
    let missing: Vec<usize> = (0..12).filter(|&row| returns[row].is_none()).collect();
    assert_eq!(missing, [0, 3, 6, 7, 9]); // Firsts of segments, and the NULL price.
    assert_eq!(returns[1], Some((101.0_f64 / 100.0).ln()));
    assert_eq!(floats(&rows, "log_return_scale")[0], Some(1.0));
    assert_eq!(floats(&rows, "reference_price")[11], Some(9.0));
    assert!(relation.features.columns[0].has_scale && relation.features.has_reference_price);
    assert_eq!(relation.features.lookback, 2);
}

#[tokio::test]
async fn nothing_is_sorted_when_the_order_is_declared() {
    let context = session_of(8192);
    register_prices(&context, &A_GAP_AND_A_BREAK, 5, true);
    for name in SqlFile::builtin_feature_names() {
        let plan = plan_text(&windows(&context, &builtin(name, 2)).await.unwrap()).await;
        for operator in
            ["SortExec", "SortPreservingMergeExec", "Coalesce", "Repartition", "WindowAggExec"]
        {
            assert!(!plan.contains(operator), "{name}: {plan}");
        }
        assert!(plan.contains("RollingWindowExec"), "{plan}");
    }
}

#[tokio::test]
async fn an_undeclared_order_is_sorted_once_below_all_windows() {
    let context = session_of(8192);
    let mut rows = A_GAP_AND_A_BREAK;
    rows.reverse();
    register_prices(&context, &rows, 5, false);
    let relation = windows(&context, &builtin("volatility_scaled_return", 2)).await.unwrap();
    let plan = plan_text(&relation).await;
    assert_eq!(plan.matches("SortExec").count(), 1, "{plan}");
    let sort = plan.find("SortExec").unwrap();
    assert!(plan.rfind("WindowExec").unwrap() < sort && !plan.contains("WindowAggExec"));
    let rows = collect(&relation).await;
    let tickers: Vec<_> = texts(&rows, "ticker").into_iter().flatten().collect();
    assert!(tickers.is_sorted());
}

#[tokio::test]
async fn windows_of_two_features_are_interleaved() {
    let context = session_of(2);
    register_prices(&context, &A_GAP_AND_A_BREAK, 3, true);
    let text = "-- pair: two\n-- features double, close\n-- lookback 1\n-- causal yes\n\
        SELECT ticker, ts, trade_date, segment, is_break, value AS close, 2 * value AS double \
        FROM segmented_prices";
    let sql = PipelineSql { features: SqlFile::new("pair.sql", text), ..builtin("close", 2) };
    let relation = windows(&context, &sql).await.unwrap();
    let rows = collect(&relation).await;
    let windows = rows.column_by_name("window").unwrap().as_list_view::<i32>();
    let window = windows.value(1);
    assert_eq!(window.as_primitive::<Float32Type>().values()[..], [200.0, 100.0, 202.0, 101.0]);
    assert!(!relation.features.has_reference_price);
    assert_eq!(floats(&rows, "reference_price")[0], None);
}

async fn refused(features: &str) -> Vec<Report> {
    let context = session_of(8192);
    register_prices(&context, &A_GAP_AND_A_BREAK, 5, true);
    let sql = PipelineSql { features: SqlFile::new("mine.sql", features), ..builtin("close", 2) };
    windows(&context, &sql).await.unwrap_err().reports
}

#[tokio::test]
async fn a_wrong_type_and_a_stray_column_are_named() {
    let text = "-- features close\n-- lookback 1\n-- causal yes\n\
        SELECT ticker, ts, trade_date, segment, is_break, CAST(value AS REAL) AS close \
        FROM segmented_prices";
    let reports = refused(text).await;
    assert_eq!(reports[0].title, "column `close` has the wrong type");
    assert_eq!(reports[0].expected.as_deref(), Some("close Float64"));
    assert_eq!(reports[0].found.as_deref(), Some("close Float32"));
    assert_eq!(reports[0].hint.as_deref(), Some("write `CAST(… AS DOUBLE) AS close`"));
    let text = text.replace("CAST(value AS REAL) AS close", "value AS close, 1 AS stray");
    assert_eq!(refused(&text).await[0].title, "column `stray` has no part to play");
    let text = text.replace("value AS close, 1 AS stray", "valeu AS close");
    assert_eq!(refused(&text).await[0].hint.as_deref(), Some("did you mean `value`?"));
}

#[tokio::test]
async fn user_sql_only_reads_and_knows_the_parameters_there_are() {
    let report =
        &refused("-- features x\n-- lookback 1\n-- causal yes\nDROP TABLE prices").await[0];
    assert_eq!(report.title, "the file does more than read");
    let text = "-- features x\n-- lookback 1\n-- causal yes\nSELECT $lenght AS x FROM prices";
    let report = &refused(text).await[0];
    assert_eq!(report.title, "there is no parameter `$lenght`");
    assert_eq!(report.hint.as_deref(), Some("did you mean `length`?"));
}

/// What becomes of each row: break, segment, reason.
async fn told(prices: &[Price<'_>], sql: &PipelineSql) -> Vec<String> {
    let context = session_of(3);
    register_prices(&context, prices, 2, true);
    let rows = collect(&windows(&context, sql).await.unwrap()).await;
    let breaks = rows.column_by_name("is_break").unwrap().as_boolean().clone();
    let segments = rows.column_by_name("segment").unwrap();
    let segments = segments.as_primitive::<datafusion::arrow::datatypes::Int64Type>().clone();
    let reasons = texts(&rows, "skip_reason");
    let row = |row: usize| {
        let mark = if breaks.value(row) { "!" } else { " " };
        format!("{}{mark}{}", segments.value(row), reasons[row].as_deref().unwrap_or("-"))
    };
    (0..rows.num_rows()).map(row).collect()
}

#[tokio::test]
async fn a_price_that_cannot_be_used_costs_the_windows_over_it_and_is_flagged() {
    let prices = |bad: f64| {
        let value = |day| if day == 4 { bad } else { 100.0 + f64::from(day) };
        (0..9).map(|day| ("A", day, Some(value(day)))).collect::<Vec<Price>>()
    };
    let sql = builtin("log_return", 2);
    for (bad, reason) in [
        (0.0, "non_positive"),
        (-5.0, "non_positive"),
        (f64::NAN, "not_finite"),
        (f64::INFINITY, "not_finite"),
        (f64::NEG_INFINITY, "not_finite"),
    ] {
        // Returns of days 5 … 6 are the first two after it that need no bad price.
        let expected = [
            "0 history_short",
            "0 history_short",
            "0 -",
            "0 -",
            &format!("1!{reason}"),
            "1 break",
            "1 break",
            "1 -",
            "1 -",
        ];
        assert_eq!(told(&prices(bad), &sql).await, expected, "{bad}");
    }
    // Where no logarithm is taken a price may be zero or less.
    let sql = PipelineSql { break_log_return: None, ..builtin("close", 2) };
    assert_eq!(told(&prices(-5.0), &sql).await[3..6], ["0 -", "0 -", "0 -"]);
}

#[tokio::test]
async fn a_price_is_missed_on_the_day_it_goes_missing_and_not_before_the_first() {
    let values = [None, Some(f64::NAN), Some(1.0), Some(1.1), None, Some(f64::NAN), Some(1.2)];
    let prices: Vec<Price> = (0..).zip(values).map(|(day, value)| ("A", day, value)).collect();
    let expected = [
        "0 null_value",
        "0 not_finite",
        "0 history_short",
        "0 -",
        "1!null_value",
        "1 not_finite",
        "1 break",
    ];
    assert_eq!(told(&prices, &builtin("close", 2)).await, expected);
    // A wrong number is one each time, also before there was any right one.
    let prices = [("A", 0, Some(0.0)), ("A", 1, Some(0.0)), ("A", 2, None), ("A", 3, Some(1.0))];
    let expected = ["1!non_positive", "2!non_positive", "2 null_value", "2 break"];
    assert_eq!(told(&prices, &builtin("log_return", 1)).await, expected);
}

#[tokio::test]
async fn a_day_told_in_two_ways_is_flagged_as_such() {
    let mut prices: Vec<Price> = (0..6).map(|day| ("A", day, Some(100.0))).collect();
    prices.insert(3, ("A", 2, Some(101.0)));
    let context = session_of(3);
    register_prices(&context, &prices, 2, true);
    assert!(crate::inspect::inspect(&context).await.unwrap().is_merged);
    let rows = collect(&windows(&context, &builtin("close", 2)).await.unwrap()).await;
    let reasons = texts(&rows, "skip_reason");
    let reasons: Vec<_> = reasons.iter().map(|reason| reason.as_deref().unwrap_or("-")).collect();
    assert_eq!(reasons, ["history_short", "-", "duplicate", "break", "-", "-"]);
    assert_eq!(floats(&rows, "close")[2], None);
}

#[tokio::test]
async fn a_feature_file_that_does_not_hand_the_defect_on_says_break() {
    let text = SqlFile::builtin_features("log_return").unwrap().text;
    let text = text.replace(", price_defect Utf8", "").replace("  price_defect,\n", "");
    let sql = PipelineSql { features: SqlFile::new("mine.sql", text), ..builtin("close", 1) };
    let prices = [("A", 0, Some(1.0)), ("A", 1, Some(0.0)), ("A", 2, Some(1.0))];
    assert_eq!(told(&prices, &sql).await, ["0 history_short", "1!break", "1 break"]);
}
