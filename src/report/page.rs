//! The report of a pipeline: one self-contained HTML page.
//!
//! No network, no file beside it. Headings, captions and labels let it be read without being seen; it prints,
//! follows the light or dark of the screen, and where scripts run, a short one sorts tables and shows a span of a
//! chart's time. Long lists show their top and the query that gives the rest, so that a page of 5,000 tickers is
//! not larger than one of 50.

mod parts;
mod records;
mod table;

use maud::{DOCTYPE, PreEscaped, html};

use crate::chart::Series;
use crate::number::{count, iso, printable};
use crate::picture::{DARK_STYLE, Undrawable};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = concat!(
    include_str!("page/page.js"),
    include_str!("page/axis.js"),
    include_str!("page/zoom.js")
);

/// What a report is of. Rows are those that are shown; `n_…` says how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The pipeline.
    pub pipeline: String,
    /// When the last complete run ended, µs UTC.
    pub finished_at: Option<i64>,
    /// Whether it is of an archive, where everything was chosen on the rows that are told of.
    pub is_archive: bool,
    /// First and last day of the test span, days since 1970-01-01.
    pub test_days: Option<(i32, i32)>,
    /// Rows of the test span, of all tickers.
    pub n_test_rows: u64,
    /// Share of test values outside the range of the training values.
    pub outside_share: Option<f64>,
    /// In the order of the pipeline file.
    pub models: Vec<ModelResult>,
    /// What the figures say, in sentences.
    pub verdicts: Vec<String>,
    /// Of each network whose losses were kept.
    pub losses: Vec<LossCurve>,
    /// Of each model.
    pub scores: Vec<Scores>,
    /// The strongest events, strongest first.
    pub events: Vec<EventLine>,
    /// All events.
    pub n_events: u64,
    /// Around the strongest events.
    pub charts: Vec<TopEvent>,
    /// Of each model.
    pub drift: Vec<Drift>,
    /// The last sessions beside calibration.
    pub lately: Vec<Lately>,
    /// Why rows have no window of their own.
    pub issues: Vec<Issue>,
    /// How many tickers have which status.
    pub statuses: Vec<(String, u64)>,
    /// Tickers whose status is not `ok`.
    pub troubled: Vec<TickerLine>,
    /// All of those.
    pub n_troubled: u64,
    /// The tickers with the most flags.
    pub flagged: Vec<FlaggedTicker>,
    /// Tickers with any.
    pub n_flagged: u64,
    /// The newest runs, newest first.
    pub runs: Vec<RunLine>,
    /// All runs.
    pub n_runs: u64,
    /// The models in use.
    pub lineage: Vec<Lineage>,
}

/// A chart around an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopEvent {
    /// Day of its peak, since 1970-01-01.
    pub peak_day: i32,
    /// The days around it.
    pub series: Series,
}

/// One model on the test span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelResult {
    /// Name in the pipeline.
    pub name: String,
    /// `lstm_autoencoder` …
    pub detector: String,
    /// Whether it is a network.
    pub is_network: bool,
    /// Held-out mean absolute error, and of what.
    pub mae: Option<(f64, &'static str)>,
    /// The same error of the simplest rivals.
    pub rivals: Vec<(String, f64)>,
    /// Pooled threshold.
    pub threshold: Option<f64>,
    /// What threshold it is, in words.
    pub threshold_words: String,
    /// How often it says that a calm row is flagged.
    pub stated_rate: Option<f64>,
    /// How often it flagged.
    pub realised: Option<Realised>,
    /// Test rows with a score.
    pub n_scored: u64,
    /// Flagged test rows.
    pub n_flags: u64,
    /// Events of the test span.
    pub n_events: u64,
    /// Of its score with the plain size of the feature.
    pub correlation: Option<f64>,
}

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Realised {
    /// The share.
    pub rate: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

/// Losses by epoch, NaN where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossCurve {
    /// Whose.
    pub model: String,
    /// On training windows.
    pub train: Vec<f64>,
    /// On validation windows.
    pub validation: Vec<f64>,
    /// Whose weights were kept, from 1.
    pub best_epoch: u32,
}

/// How many rows have which score over threshold: lower ends of bins, and counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Whose.
    pub model: String,
    /// Width of a bin.
    pub bin: f64,
    /// Of the calibration span.
    pub calibration: Vec<(f64, u64)>,
    /// Of the test span.
    pub test: Vec<(f64, u64)>,
}

/// An event, or several models' of the same days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventLine {
    /// Whose.
    pub ticker: String,
    /// First flagged day, since 1970-01-01.
    pub from: i32,
    /// Last flagged day.
    pub to: i32,
    /// Day of the peak.
    pub peak_day: i32,
    /// `train`, `validation`, `calibration` or `test`.
    pub split: String,
    /// Flagged rows.
    pub n_points: u64,
    /// Score over threshold at the peak; `None` of a break.
    pub ratio: Option<f64>,
    /// Change of the price at the peak, percent.
    pub return_pct: Option<f64>,
    /// Who flagged it.
    pub models: String,
}

/// Scores over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// Whose.
    pub model: String,
    /// Mean score over threshold of the calibration span.
    pub calibration_mean: Option<f64>,
    /// In the order of time.
    pub quarters: Vec<Quarter>,
}

/// Scores of the last sessions beside those of calibration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lately {
    /// Whose.
    pub model: String,
    /// How many sessions.
    pub n_sessions: u64,
    /// First and last of them, days since 1970-01-01.
    pub days: (i32, i32),
    /// Their scores.
    pub n: u64,
    /// Population stability index.
    pub psi: f64,
    /// Largest distance of the distribution functions, 0 … 1.
    pub ks: f64,
    /// Of that distance.
    pub p_value: f64,
    /// What to do about it, if anything.
    pub advice: Option<String>,
}

/// Rows of a quarter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quarter {
    /// First day, since 1970-01-01.
    pub from: i32,
    /// Rows with a score.
    pub n: u64,
    /// Of them, flagged.
    pub n_flags: u64,
    /// Mean score over threshold.
    pub mean_ratio: f64,
}

/// Rows without a window of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issue {
    /// `gap`, `break`, `null_value` …
    pub reason: String,
    /// Rows.
    pub n_rows: u64,
    /// Tickers that have any.
    pub n_tickers: u64,
    /// The first day.
    pub first: i32,
    /// The last day.
    pub last: i32,
}

/// What became of a ticker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TickerLine {
    /// Its name.
    pub ticker: String,
    /// `partial`, `failed` or `skipped`.
    pub status: String,
    /// Why.
    pub reason: String,
    /// Its price rows.
    pub n_rows: u64,
}

/// A ticker with flags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlaggedTicker {
    /// Its name.
    pub ticker: String,
    /// Flagged rows of the test span, of all models.
    pub n_flags: u64,
    /// Days on which any model flagged it.
    pub n_days: u64,
    /// The last of them.
    pub last: i32,
    /// The strongest score over threshold.
    pub ratio: Option<f64>,
}

/// A committed run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunLine {
    /// Its id.
    pub run_id: String,
    /// `complete` or `partial`.
    pub status: String,
    /// `run`, `score` …
    pub command: String,
    /// µs UTC.
    pub started_at: i64,
    /// µs UTC.
    pub finished_at: i64,
    /// Tickers read, and of them those that failed.
    pub tickers: (u64, u64),
    /// Cells, and of them those replaced.
    pub cells: (u64, u64),
    /// New alerts.
    pub n_alerts: u64,
    /// Version of oddlot.
    pub tool_version: String,
    /// Instruction set and operating system.
    pub machine: String,
}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lineage {
    /// Its name.
    pub model: String,
    /// From its content.
    pub model_id: String,
    /// `lstm_autoencoder` …
    pub detector: String,
    /// µs UTC.
    pub trained_at: i64,
    /// The run that trained it.
    pub run_id: String,
    /// Rows of a window.
    pub window_length: u64,
    /// Weights.
    pub n_parameters: u64,
    /// Epoch whose weights were kept.
    pub best_epoch: Option<u32>,
    /// Loss on validation windows, per value.
    pub validation_loss: Option<f64>,
    /// Last days of training, validation and calibration.
    pub spans: [i32; 3],
    /// Calibration scores.
    pub n_calibration: u64,
}

/// The page.
///
/// # Errors
/// A mistake of ours.
pub fn page(report: &Report) -> Result<String, Undrawable> {
    let sections = [
        parts::summary(report),
        parts::models(report)?,
        parts::events(report)?,
        parts::top_events(report)?,
        parts::scores(report)?,
        parts::training(report)?,
        parts::drift(report)?,
        records::tickers(report),
        records::issues(report),
        records::lineage(report),
    ];
    let name = printable(&report.pipeline);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "oddlot: " (name) }
                style { (PreEscaped(STYLE)) (PreEscaped(DARK_STYLE.as_str())) }
            }
            body {
                a.skip href="#summary" { "Skip to the summary" }
                header {
                    h1 { (name) }
                    p {
                        @match report.finished_at {
                            Some(at) => { "State of the run that ended " time datetime=(iso(at)) { (iso(at)) " UTC" } },
                            None => "No complete run yet",
                        }
                        @if let Some(run) = report.runs.first() { ", " code { (run.run_id) } }
                    }
                    nav aria-label="Sections" { ul {
                        @for section in &sections { li { a href=(format!("#{}", section.id)) { (section.title) } } }
                    } }
                }
                main {
                    @for section in &sections {
                        section aria-labelledby=(section.id) {
                            h2 id=(section.id) tabindex="-1" { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer { p { "Made by oddlot from the tables of pipeline " (name) "; " (count(report.n_runs)) " run" @if report.n_runs != 1 { "s" } " so far." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string() + "\n")
}

#[cfg(test)]
mod tests;
