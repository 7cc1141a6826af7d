//! Columns of the tables, with what each means.
//!
//! The comments travel in every file's metadata, so that a table explains itself.

mod meanings;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::Table;

pub use meanings::table_comment;

/// `ts`: an instant, microseconds, UTC.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// One column: name, type, whether it may be null, what it means.
struct Column(&'static str, DataType, bool, &'static str);

const NULLABLE: bool = true;
const REQUIRED: bool = false;

/// The schema of a cell table. Field metadata `comment` says what a column means.
pub fn of(table: Table) -> SchemaRef {
    schema(columns(table))
}

fn columns(table: Table) -> Vec<Column> {
    match table {
        Table::Reconstructions => reconstructions(),
        Table::Errors => errors(),
        Table::Anomalies => anomalies(),
        Table::Events => events(),
    }
}

/// What a column of any table means, partition columns included; empty where it is not one of ours.
pub fn comment(table: &str, column: &str) -> &'static str {
    let ours = Table::ALL.into_iter().find(|cells| cells.name() == table);
    let ours = ours.map(columns).unwrap_or_default();
    match ours.into_iter().find(|known| known.0 == column) {
        Some(Column(.., comment)) => comment,
        None => meanings::of_run_table(table, column),
    }
}

/// What each column means, as key-value metadata: `oddlot.column.<name>`.
pub fn comments(table: Table) -> Vec<(String, String)> {
    let comment = |field: &Arc<Field>| {
        let comment = field.metadata().get("comment").cloned().unwrap_or_default();
        (format!("oddlot.column.{}", field.name()), comment)
    };
    of(table).fields().iter().map(comment).collect()
}

fn schema(columns: Vec<Column>) -> SchemaRef {
    let fields = columns.into_iter().map(|Column(name, data_type, nullable, comment)| {
        Field::new(name, data_type, nullable)
            .with_metadata([("comment".to_owned(), comment.to_owned())].into())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn ticker() -> Column {
    Column("ticker", DataType::Utf8, REQUIRED, "name of the series, as the source gives it")
}

fn ts() -> Column {
    Column("ts", instant(), REQUIRED, "instant of the row, UTC")
}

fn trade_date() -> Column {
    Column("trade_date", DataType::Date32, REQUIRED, "session of the row")
}

fn model() -> Column {
    Column("model", DataType::Utf8, REQUIRED, "name of the model in the pipeline")
}

fn model_id() -> Column {
    Column("model_id", DataType::Utf8, REQUIRED, "identity of the trained model, from its content")
}

fn float(name: &'static str, comment: &'static str) -> Column {
    Column(name, DataType::Float64, NULLABLE, comment)
}

fn text(name: &'static str, comment: &'static str) -> Column {
    Column(name, DataType::Utf8, NULLABLE, comment)
}

fn reconstructions() -> Vec<Column> {
    vec![
        ticker(),
        ts(),
        Column("feature", DataType::Utf8, REQUIRED, "name of the feature"),
        model(),
        model_id(),
        trade_date(),
        float("value", "the feature as observed"),
        float("expected", "what the model expected of the feature, same unit"),
        float(
            "lower_bound",
            "below this the value is flagged (one feature, the others as expected), where scores are smoothed \
             once it lasts; null where whole windows are judged",
        ),
        float(
            "upper_bound",
            "above this the value is flagged (one feature, the others as expected), where scores are smoothed \
             once it lasts; null where whole windows are judged",
        ),
        float("error", "value - expected"),
        float("price_expected", "the expectation as a price; null where the feature has no price"),
        Column("n_windows", DataType::Int32, REQUIRED, "windows that cover the row"),
    ]
}

fn errors() -> Vec<Column> {
    vec![
        ticker(),
        ts(),
        model(),
        model_id(),
        trade_date(),
        float("window_error", "mean absolute error over the window that ends here, scaled units"),
        float("score", "causal score: the error of this row in units of its scale"),
        float("score_hindsight", "score merged over all windows that cover the row"),
        float("threshold", "flagged above this score; calibrated and stored with the model"),
        float("threshold_ratio", "score / threshold"),
        float("percentile", "share of calibration scores below the one that decided, 0 to 100"),
        float(
            "p_value",
            "(1 + calibration scores at or above the one that decided) / (1 + all of them), whatever the \
             threshold; with p_values = \"tail\", beyond the largest of them that of a Pareto tail where it is \
             smaller; null without a calibration score",
        ),
        Column("is_anomaly", DataType::Boolean, REQUIRED, "whether the row is flagged"),
        Column(
            "is_interim",
            DataType::Boolean,
            REQUIRED,
            "later rows may still change score_hindsight",
        ),
        Column("split", DataType::Utf8, REQUIRED, "train, validation, calibration or test"),
        text("rule", "what decided: model, fallback or break; null where nothing could"),
        Column("n_windows", DataType::Int32, REQUIRED, "windows that cover the row"),
        text(
            "skip_reason",
            "why the row has no window of its own: history_short, gap, break, no_scale, or what is wrong \
             with a price: null_value, not_finite, non_positive, duplicate",
        ),
    ]
}

fn anomalies() -> Vec<Column> {
    vec![
        ticker(),
        ts(),
        model(),
        model_id(),
        trade_date(),
        Column("split", DataType::Utf8, REQUIRED, "train, validation, calibration or test"),
        text("rule", "what flagged the row: model, fallback or break"),
        text("feature", "the feature with the largest error"),
        float("value", "that feature as observed"),
        float("expected", "what the model expected of it"),
        float("score", "the score that was compared with the threshold"),
        float("threshold", "the threshold"),
        float("threshold_ratio", "score / threshold"),
        text("direction", "above or below the expectation"),
        float("return_pct", "change of the reference price since the row before, percent"),
        Column("event_id", DataType::Utf8, REQUIRED, "the event this row is part of"),
    ]
}

fn events() -> Vec<Column> {
    vec![
        Column("event_id", DataType::Utf8, REQUIRED, "hash of ticker, model and start_ts"),
        ticker(),
        model(),
        model_id(),
        Column("start_ts", instant(), REQUIRED, "first flagged row"),
        Column("end_ts", instant(), REQUIRED, "last flagged row"),
        Column("start_date", DataType::Date32, REQUIRED, "session of the first flagged row"),
        Column("end_date", DataType::Date32, REQUIRED, "session of the last flagged row"),
        Column("split", DataType::Utf8, REQUIRED, "span of the first flagged row"),
        Column("n_points", DataType::Int32, REQUIRED, "flagged rows"),
        Column("peak_ts", instant(), REQUIRED, "row with the largest threshold_ratio"),
        float("peak_threshold_ratio", "its score / threshold; null where a break flagged it"),
        float("peak_return_pct", "its change of the reference price, percent"),
        text("direction", "of the peak: above or below the expectation"),
    ]
}
