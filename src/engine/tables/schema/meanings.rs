//! What the rows of each table are, and what the columns of run tables and the partition columns mean.

/// What one row of a table is; empty for a table that is not ours.
pub fn table_comment(table: &str) -> &'static str {
    match table {
        "errors" => "one row of prices as one model sees it: score, threshold, flagged or not",
        "reconstructions" => "one feature of a row: what was seen, what the model expected",
        "anomalies" => "a flagged row",
        "events" => "flagged rows of one ticker and model, one after the other",
        "errors_all" | "reconstructions_all" | "anomalies_all" | "events_all" => {
            "the same with the rows of models other than those of the last complete run"
        }
        "alerts" => "a flag as it was first told, never restated",
        "runs" => "a committed run",
        "ticker_status" => "what became of one ticker in one run",
        "models" => "a trained model",
        _ => "",
    }
}

/// The columns of run tables, and the folders that every table is parted by.
pub(super) fn of_run_table(table: &str, column: &str) -> &'static str {
    match (table, column) {
        (_, "pipeline") => "name of the pipeline: its file's, without .toml",
        ("runs" | "ticker_status" | "alerts", "year") => "year in which the run began, UTC",
        ("models", "year") => "year in which it was trained, UTC",
        ("events", "year") => "year of start_date",
        (_, "year") => "year of trade_date",
        ("models", "run_id") => "the run that trained it",
        (_, "run_id") => "name of the run; sorts by when it began",
        ("runs", "status") => {
            "complete; partial where tickers failed; shard while others are not there yet"
        }
        ("ticker_status", "status") => {
            "ok; partial where some rows cannot be used; failed; skipped"
        }
        ("runs", "command") => "run, score, backfill …",
        ("runs", "started_at") => "when it began, UTC",
        ("runs", "finished_at") => "when its last cell was in place, UTC",
        ("runs", "config_hash") => "hash of the configuration",
        ("runs", "tool_version") => "version of oddlot",
        ("runs", "machine") => "instruction set and operating system",
        ("runs", "n_tickers") => "tickers that were read",
        ("runs", "n_failed") => "of them, those that failed",
        ("runs" | "ticker_status", "n_rows") => "rows of prices that were read",
        ("runs", "n_cells") => "cells within the range of the run",
        ("runs", "n_cells_replaced") => "of them, those that were replaced",
        ("runs", "n_alerts") => "flags told for the first time",
        ("runs", "model_ids") => "the models that the rows of the tables come from",
        ("ticker_status", "reason") => "why; with how many rows and the first of them",
        ("alerts", "ts") => "instant of the row, UTC",
        ("alerts", "trade_date") => "session of the row",
        ("alerts", "event_id") => "the event of the row, as it was then",
        ("alerts", "rule") => "what flagged it: model, fallback or break",
        ("alerts", "score") => "the score that was compared with the threshold, as it was then",
        ("alerts", "threshold") => "the threshold, as it was then",
        ("alerts", "alerted_at") => "when the run that told it began, UTC",
        ("alerts" | "ticker_status", "ticker") => "name of the series, as the source gives it",
        ("alerts" | "models", "model") => "name of the model in the pipeline",
        ("alerts" | "models", "model_id") => "identity of the trained model, from its content",
        ("models", "detector") => "what kind it is: lstm_autoencoder, ewma_z …",
        ("models", "trained_at") => "when it was trained, UTC",
        ("models", "window_length") => "rows of a window",
        ("models", "n_parameters") => "weights",
        ("models", "best_epoch") => "epoch whose weights were kept",
        ("models", "validation_loss") => "best validation loss, per element, scaled units",
        ("models", "train_to") => "last day of training",
        ("models", "validation_to") => "last day of validation",
        ("models", "calibration_to") => "last day of calibration",
        ("models", "threshold") => {
            "pooled threshold of the score that decides; null where each ticker has its own"
        }
        ("models", "n_calibration") => "scores it was calibrated on",
        ("models", "spec") => "layers and settings, as JSON",
        _ => "",
    }
}
