//! What a person sees while a job runs: bars on a terminal, log lines elsewhere: each [`EVERY`] one that tells how far
//! the stage is ([`stage`]).

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oddlot_series::EpochReport;
use tokio::task::JoinHandle;

mod stage;

pub use stage::{Stage, cells, standing};

/// How often a line tells how far a job is where nobody watches bars.
const EVERY: Duration = Duration::from_secs(30);

/// Whether and how progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bars that move.
    Bars,
    /// One log line a step.
    Lines,
    /// Nothing.
    Quiet,
}

impl Progress {
    /// Bars on a terminal, lines elsewhere, nothing where `quiet`.
    pub fn detect(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }

    /// Tells how far the job is from time to time where nobody watches bars, for as long as the result lives.
    pub fn lines(self) -> Lines {
        stage::begin();
        let telling = async {
            loop {
                tokio::time::sleep(EVERY).await;
                stage::tell();
            }
        };
        Lines((self == Self::Lines).then(|| tokio::spawn(telling)))
    }

    /// Bars over the epochs of models, one below the other where several learn side by side; `epochs` of all at most.
    pub fn training(self, epochs: u64) -> TrainingBars {
        let all = ProgressBar::with_draw_target(Some(epochs), ProgressDrawTarget::hidden());
        let stage = Stage::bounded("training", "epochs", &all);
        let bars = MultiProgress::with_draw_target(self.target());
        TrainingBars { progress: self, bars, all, _stage: Arc::new(stage) }
    }

    /// A counter of scored rows.
    pub fn scoring(self, rows: u64) -> ProgressBar {
        self.bar(rows, "{prefix:>14} {pos}/{len} rows {wide_bar} {per_sec} {eta}")
            .with_prefix("scoring")
    }

    /// A counter of scored series, each of which is learnt as well.
    pub fn scoring_series(self, series: u64) -> ProgressBar {
        self.bar(series, "{prefix:>14} {pos}/{len} tickers {wide_bar} {eta}").with_prefix("scoring")
    }

    /// A counter of tickers whose own models are made.
    pub fn learning(self, model: &str, tickers: u64) -> LearningBar {
        if tickers == 0 {
            return LearningBar { bar: ProgressBar::hidden(), _stage: None };
        }
        let bar = self.bar(tickers, "{prefix:>14} {pos}/{len} tickers {wide_bar} {eta}");
        let stage = Stage::new("training", "tickers", &bar);
        LearningBar { bar: bar.with_prefix(model.to_owned()), _stage: Some(stage) }
    }

    /// A counter of measured cases.
    pub fn measuring(self, cases: u64) -> ProgressBar {
        self.bar(cases, "{prefix:>14} {pos}/{len} {wide_bar} {eta}").with_prefix("measuring")
    }

    fn bar(self, length: u64, template: &str) -> ProgressBar {
        started(ProgressBar::with_draw_target(Some(length), self.target()), template)
    }

    fn target(self) -> ProgressDrawTarget {
        match self {
            Self::Bars => ProgressDrawTarget::stderr(),
            Self::Lines | Self::Quiet => ProgressDrawTarget::hidden(),
        }
    }
}

fn started(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What tells lines; drop it to end them.
pub struct Lines(Option<JoinHandle<()>>);

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(telling) = &self.0 {
            telling.abort();
        }
    }
}

/// Tells tickers whose own models are made.
pub struct LearningBar {
    bar: ProgressBar,
    _stage: Option<Stage>,
}

impl LearningBar {
    /// One more is done.
    pub fn inc(&self) {
        self.bar.inc(1);
        stage::advanced();
    }

    /// All are done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Where the bars of all models are drawn.
#[derive(Clone, Debug)]
pub struct TrainingBars {
    progress: Progress,
    bars: MultiProgress,
    /// The epochs of all of them.
    all: ProgressBar,
    _stage: Arc<Stage>,
}

impl TrainingBars {
    /// A bar over the epochs of one model.
    pub fn of(&self, model: &str, epochs: usize) -> TrainingBar {
        let bar = self.bars.add(ProgressBar::new(epochs as u64));
        let bar = started(bar, "{prefix:>14} epoch {pos}/{len} {wide_bar} {msg} {eta}");
        bar.set_prefix(model.to_owned());
        let all = self.all.clone();
        TrainingBar { bar, all, progress: self.progress, model: model.to_owned() }
    }
}

/// Tells the epochs of one model.
pub struct TrainingBar {
    bar: ProgressBar,
    all: ProgressBar,
    progress: Progress,
    model: String,
}

impl TrainingBar {
    /// One epoch is over.
    pub fn observe(&self, report: &EpochReport) {
        let validation =
            report.validation_loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
        self.bar.set_position(report.epoch as u64);
        self.all.inc(1);
        stage::advanced();
        self.bar.set_message(format!("loss {:.4} validation {validation}", report.train_loss));
        if self.progress == Progress::Lines {
            tracing::info!(
                model = %self.model,
                epoch = report.epoch,
                train_loss = %format!("{:.4}", report.train_loss),
                validation_loss = %validation,
                best = report.is_best,
                "epoch"
            );
        }
    }

    /// Training is over, maybe before its last epoch.
    pub fn finish(&self) {
        let left = self.bar.length().unwrap_or_default().saturating_sub(self.bar.position());
        self.all.inc(left);
        self.bar.finish_and_clear();
    }
}
