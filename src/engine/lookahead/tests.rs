use super::*;
use crate::sql_file::SqlFile;
use crate::step;
use crate::testing::{register_prices, session_of};

/// What is said of `SELECT ts, <columns> FROM prices`.
async fn told(columns: &str) -> Vec<Report> {
    told_of(&format!("SELECT ts, {columns} FROM prices")).await
}

async fn told_of(sql: &str) -> Vec<Report> {
    let context = session_of(8192);
    register_prices(&context, &[("A", 0, Some(1.0))], 1, true);
    let frame = step::plan(&context, &SqlFile::new("mine.sql", sql), &[]).await.unwrap();
    match check("mine.sql", frame.logical_plan()) {
        Ok(()) => Vec::new(),
        Err(error) => error.reports,
    }
}

const OVER: &str = "OVER (PARTITION BY ticker ORDER BY ts";

#[tokio::test]
async fn what_looks_back_is_let_through() {
    for columns in [
        format!("lag(value, 3) {OVER}) AS x"),
        format!("row_number() {OVER}) AS x"),
        format!("max(value) {OVER} ROWS BETWEEN 9 PRECEDING AND 1 PRECEDING) AS x"),
        format!("max(value) {OVER}) AS x"),
        format!("first_value(value) {OVER}) AS x"),
        format!("rolling_std(value, 5) {OVER}) AS x"),
        format!("count(value) {OVER} ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS x"),
        format!("sum(CAST(value AS BIGINT)) {OVER} ROWS 5 PRECEDING) AS x"),
        format!("sum(n) {OVER} ROWS 5 PRECEDING) AS x FROM (SELECT *, 1 AS n FROM prices) AS p --"),
        "avg(value) OVER (PARTITION BY ts) AS market".to_owned(),
    ] {
        assert_eq!(told(&columns).await, [], "{columns}");
    }
}

#[tokio::test]
async fn what_looks_ahead_is_refused_with_its_reason() {
    for (columns, why) in [
        (format!("lead(value) {OVER}) AS x"), "`lead` reads later rows"),
        (format!("lag(value, -1) {OVER}) AS x"), "`lag` by an offset"),
        (format!("ntile(4) {OVER}) AS x"), "whole partition"),
        (
            format!("max(value) {OVER} ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS x"),
            "the frame of `max` ends after",
        ),
        (
            format!(
                "last_value(value) {OVER} ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) AS x"
            ),
            "the frame of `last_value` ends after",
        ),
        ("first_value(value) OVER (PARTITION BY ticker) AS x".to_owned(), "ends after"),
        ("max(value) OVER () AS x".to_owned(), "ends after"),
        (
            "lag(value) OVER (PARTITION BY ticker ORDER BY ts DESC) AS x".to_owned(),
            "not in the order of `ts`",
        ),
        (
            "rolling_mean(value, 3) OVER (ORDER BY value) AS x".to_owned(),
            "not in the order of `ts`",
        ),
        ("value / (SELECT max(value) FROM prices) AS x".to_owned(), "GROUP BY without `ts`"),
    ] {
        let reports = told(&columns).await;
        assert_eq!(reports.len(), 1, "{columns}: {reports:?}");
        assert_eq!(reports[0].title, "column `x` sees the future");
        let found = reports[0].found.clone().unwrap();
        assert!(found.contains(why), "{columns}: {found}");
    }
}

#[tokio::test]
async fn a_target_may_look_ahead_and_taints_what_is_made_of_it() {
    let next = format!("lead(value) {OVER})");
    assert_eq!(told(&format!("{next} AS target_next")).await, []);
    let reports = told_of(&format!(
        "SELECT target_next - value AS x FROM (SELECT value, {next} AS target_next FROM prices)"
    ))
    .await;
    assert_eq!(reports[0].title, "column `x` sees the future");
}

#[tokio::test]
async fn an_aggregate_joined_back_is_refused() {
    let reports = told_of(
        "SELECT prices.ts, value - highest AS x FROM prices \
         JOIN (SELECT ticker, max(value) AS highest FROM prices GROUP BY ticker) AS top \
         ON prices.ticker = top.ticker",
    )
    .await;
    assert!(reports.iter().any(|report| report.title == "column `x` sees the future"));
}

#[tokio::test]
async fn sliding_float_aggregates_are_refused_with_ours_named() {
    for (aggregate, ours) in [
        ("avg", "rolling_mean"),
        ("stddev", "rolling_std"),
        ("var_pop", "rolling_std"),
        ("sum", "rolling_mean"),
    ] {
        let sql =
            format!("{aggregate}(value) {OVER} ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS x");
        let reports = told(&sql).await;
        assert!(reports[0].title.starts_with(&format!("`{aggregate}`")), "{reports:?}");
        assert!(reports[0].hint.as_deref().unwrap().contains(ours), "{reports:?}");
    }
}

#[tokio::test]
async fn chance_clocks_and_frames_of_our_functions_are_refused() {
    for (columns, title) in [
        ("random() AS x".to_owned(), "`random` gives another value on each run"),
        ("now() AS x".to_owned(), "`now` gives another value on each run"),
        (
            format!("rolling_mean(value, 3) {OVER} ROWS 5 PRECEDING) AS x"),
            "`rolling_mean` takes no frame",
        ),
    ] {
        let reports = told(&columns).await;
        assert_eq!(reports[0].title, title, "{columns}");
    }
}
