//! What a run has to say for itself: the held-out errors beside the baselines', thresholds, flags and
//! the strongest events. All of it is counted on the test span, which nothing was chosen on.

mod counted;
mod drift;
mod stored;
mod table;
mod tally;
mod told;

use std::path::Path;

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};
use oddlot_series::{Proportion, Stated};
use serde::{Deserialize, Serialize};

pub use drift::{Lately, advice};
pub use stored::PartCounts;
pub use tally::{Reading, Tally, Units, bins_by_model};

/// The result of a scored pipeline, as it is stored beside the tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Whether it is of an archive: then all that is told of the test span is told of all rows, on which
    /// everything was chosen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_archive: bool,
    /// First and last day of the test span, days since 1970-01-01.
    pub test_days: Option<(i32, i32)>,
    /// Rows of the test span, of all tickers.
    pub n_test_rows: u64,
    /// Share of test values outside the range of the training values.
    pub outside_share: Option<f64>,
    /// In the order of the pipeline file.
    pub models: Vec<ModelSummary>,
    /// The strongest events of the test span, strongest first.
    pub events: Vec<EventSummary>,
}

/// One model on the test span. Errors are means per element, in scaled units common to all models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummary {
    /// Name in the pipeline.
    pub name: String,
    /// `lstm_autoencoder` …
    pub detector: String,
    /// Whether it reconstructs whole windows.
    pub reconstructs: bool,
    /// Whether it is a network.
    pub is_network: bool,
    /// Its own error: of the whole window, or of the last row.
    pub mae: Option<f64>,
    /// Errors of the naive rivals over the same windows.
    pub rivals: Vec<(String, f64)>,
    /// For a forecaster: the errors of the pipeline's own baselines on the same rows.
    pub baselines: Vec<(String, f64)>,
    /// Pooled threshold of the deciding score; `None` where each ticker sets its own.
    pub threshold: Option<f64>,
    /// What threshold it is, in words: kind, parameters, calibration scores, level, stated rate.
    pub threshold_words: String,
    /// How often it says that a calm day is flagged; `None` where it says nothing.
    pub stated_rate: Option<Stated>,
    /// How often its score was above the threshold in the test span, and the 95 % interval of that.
    pub realised: Option<Realised>,
    /// The errors of the last sessions beside those of calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lately: Option<Lately>,
    /// Test rows with a score of its own.
    pub n_scored: u64,
    /// Flagged test rows.
    pub n_flags: u64,
    /// Events that begin in the test span.
    pub n_events: u64,
    /// Correlation of its score with the magnitude of the (first) feature.
    pub correlation: Option<f64>,
    /// For a network: the baseline whose flags are most like its own, and how many they share.
    pub like: Option<(String, u64)>,
}

/// How often a score was above its threshold. Breaks and rows that the fallback decided are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Realised {
    /// Rows that the score decided.
    pub n: u64,
    /// Of them, flagged.
    pub n_flagged: u64,
    /// The share of them.
    pub rate: f64,
    /// Wilson's 95 % interval, over as many rows as there are by the design effect of runs.
    pub interval: (f64, f64),
}

impl Realised {
    /// `None` of no row.
    pub fn of(counted: &Proportion) -> Option<Self> {
        let (rate, interval) = counted.share().zip(counted.interval())?;
        Some(Self { n: counted.n as u64, n_flagged: counted.n_flagged as u64, rate, interval })
    }
}

/// An event, of all models that flagged its peak.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventSummary {
    /// Whose.
    pub ticker: String,
    /// First and last flagged day.
    pub days: (i32, i32),
    /// Day of the peak.
    pub peak_day: i32,
    /// Change of the price on that day, percent.
    pub return_pct: Option<f64>,
    /// Largest score over threshold of any model.
    pub ratio: f64,
    /// Models that flagged it, strongest first.
    pub models: Vec<String>,
}

impl Summary {
    /// What the last run of `pipeline` had to say; `None` where there was none.
    ///
    /// # Errors
    /// The store cannot be read; `Data`: what is kept cannot be understood.
    pub async fn load(root: &OutputRoot, pipeline: &str) -> Result<Option<Self>, Error> {
        let path = path(pipeline);
        let Some(json) = root.get(&path).await? else { return Ok(None) };
        serde_json::from_slice(&json).map(Some).map_err(|error| {
            let report = Report::new(format!("the results of {pipeline} cannot be read"))
                .at(format!("{}/{path}", root.name()))
                .expected("what `oddlot run` wrote of its models")
                .found(error.to_string());
            Error::data(report.hint("run the pipeline again"))
        })
    }

    /// Keeps it, unless it is what was said before.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn store(
        &self,
        root: &OutputRoot,
        pipeline: &str,
        staging: &Path,
    ) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::bug(format!("a summary cannot be written: {error}")))?;
        if root.get(&path(pipeline)).await?.as_ref() == Some(&json) {
            return Ok(());
        }
        root.put(staging, &path(pipeline), &json).await
    }

    /// Its machine-readable line.
    pub fn models_json(&self) -> serde_json::Value {
        let model = |model: &ModelSummary| {
            serde_json::json!({
                "model": model.name,
                "mae": model.mae,
                "threshold": model.threshold,
                "stated_rate": model.stated_rate.map(Stated::rate),
                "realised_rate": model.realised.map(|realised| realised.rate),
                "realised_interval": model.realised.map(|realised| realised.interval),
                "drift": model.lately.as_ref().map(Lately::json),
                "flags": model.n_flags,
                "events": model.n_events,
            })
        };
        self.models.iter().map(model).collect()
    }
}

fn path(pipeline: &str) -> String {
    format!("_state/results/pipeline={pipeline}.json")
}
