//! The sections of a report that list: tickers, data issues, models and runs.

use maud::html;

use super::Report;
use super::parts::{Section, quoted, rest, section};
use super::table::{Cell, figure, number, table, text, whole};
use crate::number::{fixed, iso, iso_day, printable, short};

pub(super) fn tickers(report: &Report) -> Section {
    let flagged: Vec<Vec<Cell>> = report
        .flagged
        .iter()
        .map(|ticker| {
            vec![
                Cell::Text(printable(&ticker.ticker)),
                whole(ticker.n_days),
                whole(ticker.n_flags),
                figure(ticker.ratio, |ratio| fixed(ratio, 2)),
                Cell::Text(iso_day(ticker.last)),
            ]
        })
        .collect();
    let troubled: Vec<Vec<Cell>> = report
        .troubled
        .iter()
        .map(|ticker| {
            vec![
                Cell::Text(printable(&ticker.ticker)),
                Cell::Text(ticker.status.clone()),
                Cell::Text(printable(&ticker.reason)),
                whole(ticker.n_rows),
            ]
        })
        .collect();
    let pipeline = quoted(&report.pipeline);
    let all_flagged = format!(
        "SELECT ticker, count(*) AS n FROM anomalies WHERE pipeline = {pipeline} AND split = 'test' \
         GROUP BY ticker ORDER BY n DESC"
    );
    let run = report.runs.first().map_or_else(String::new, |run| quoted(&run.run_id));
    let all_troubled = format!(
        "SELECT ticker, status, reason FROM ticker_status WHERE run_id = {run} AND status <> 'ok' ORDER BY ticker"
    );
    let (n_flagged, n_troubled) = (flagged.len(), troubled.len());
    let body = html! {
        @if n_flagged == 0 { p { "No ticker has a flag in the test span." } } @else {
            (table("Tickers by flagged days of the test span",
                   &[text("ticker"), number("days"), number("flags of all models"), number("strongest score ÷ threshold"), text("last")],
                   flagged))
        }
        (rest(n_flagged, report.n_flagged, "tickers with flags", &all_flagged))
        h3 { "Status" }
        @if n_troubled == 0 { p { "Every ticker of the last run is ok." } } @else {
            (table("Tickers of the last run that are not ok",
                   &[text("ticker"), text("status"), text("reason"), number("rows")], troubled))
        }
        (rest(n_troubled, report.n_troubled, "of them", &all_troubled))
    };
    section("tickers", "Tickers", body)
}

pub(super) fn issues(report: &Report) -> Section {
    let rows: Vec<Vec<Cell>> = report
        .issues
        .iter()
        .map(|issue| {
            vec![
                Cell::Code(issue.reason.clone()),
                Cell::Text(meaning(&issue.reason).into()),
                whole(issue.n_rows),
                whole(issue.n_tickers),
                Cell::Text(iso_day(issue.first)),
                Cell::Text(iso_day(issue.last)),
            ]
        })
        .collect();
    let body = html! {
        @if rows.is_empty() { p { "Every row has a window of its own." } } @else {
            (table("Rows without a window of their own, and why",
                   &[text("reason"), text("what it means"), number("rows"), number("tickers"), text("first"), text("last")], rows))
        }
    };
    section("issues", "Data issues", body)
}

fn meaning(reason: &str) -> &'static str {
    match reason {
        "history_short" => "too few rows before it for a window",
        "gap" => "a long gap lies within its window",
        "break" => "a jump that no trade explains; the row is flagged",
        "no_scale" => "its feature has no scale yet",
        "null_value" => "the price is missing",
        "not_finite" => "the price is NaN or infinite",
        "non_positive" => "the price is zero or less",
        "duplicate" => "the day is told twice, with different prices",
        _ => "",
    }
}

pub(super) fn lineage(report: &Report) -> Section {
    let models: Vec<Vec<Cell>> = report
        .lineage
        .iter()
        .map(|model| {
            let [train, validation, calibration] = model.spans.map(iso_day);
            vec![
                Cell::Text(printable(&model.model)),
                Cell::Code(model.model_id.clone()),
                Cell::Text(model.detector.clone()),
                Cell::Text(iso(model.trained_at)),
                Cell::Code(model.run_id.clone()),
                whole(model.window_length),
                whole(model.n_calibration),
                Cell::Text(train),
                Cell::Text(validation),
                Cell::Text(calibration),
            ]
        })
        .collect();
    let runs: Vec<Vec<Cell>> = report
        .runs
        .iter()
        .map(|run| {
            let seconds = (run.finished_at - run.started_at) as f64 / 1e6;
            vec![
                Cell::Code(run.run_id.clone()),
                Cell::Text(run.command.clone()),
                Cell::Text(run.status.clone()),
                figure(Some(seconds), |seconds| format!("{} s", short(seconds))),
                whole(run.tickers.0),
                whole(run.tickers.1),
                whole(run.cells.0),
                whole(run.cells.1),
                whole(run.n_alerts),
                Cell::Text(format!("oddlot {}, {}", run.tool_version, run.machine)),
            ]
        })
        .collect();
    let n_shown = runs.len();
    let query = format!(
        "SELECT * FROM runs WHERE pipeline = {} ORDER BY run_id DESC",
        quoted(&report.pipeline)
    );
    let body = html! {
        @if models.is_empty() { p { "No model." } } @else {
            (table("Models in use; each id is derived from the model's content",
                   &[text("model"), text("id"), text("detector"), text("trained"), text("by run"), number("window"),
                     number("calibration scores"), text("trained to"), text("validated to"), text("calibrated to")], models))
        }
        @if n_shown > 0 {
            (table("Runs, newest first",
                   &[text("run"), text("command"), text("status"), number("took"), number("tickers"), number("failed"),
                     number("cells"), number("replaced"), number("alerts"), text("by")], runs))
        }
        (rest(n_shown, report.n_runs, "runs", &query))
        @if report.n_runs == 0 { p { "No run." } }
    };
    section("lineage", "Runs and models", body)
}
