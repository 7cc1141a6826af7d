//! How long the last runs took, so that `oddlot plan` can say how long the next one may.
//!
//! One small object a pipeline, `_state/rates/`. It holds what a clock has measured: no cell and no model knows of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;
use serde::{Deserialize, Serialize};

use crate::train::Ready;

/// So many runs are kept.
const RUNS_KEPT: usize = 5;

/// What the last runs have measured, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    runs: Vec<Measured>,
}

/// What one run has measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Opening the source: every row of it is looked at.
    pub open: Option<Pace>,
    /// Making each model, by the rows up to the end of calibration; models that were made side by side share the time.
    pub train: BTreeMap<String, Pace>,
    /// Scoring and writing.
    pub score: Option<Pace>,
}

/// Rows in a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Rows.
    pub rows: u64,
    /// Wall time.
    pub seconds: f64,
}

/// What a run would have to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Rows of the source.
    pub n_rows: u64,
    /// Rows that models are to be made of, by the models' names.
    pub to_train: BTreeMap<String, u64>,
    /// Rows to be scored.
    pub n_scored: u64,
}

impl Pace {
    /// `rows` in `time`.
    pub fn new(rows: usize, time: Duration) -> Self {
        Self { rows: rows as u64, seconds: time.as_secs_f64() }
    }

    fn seconds_a_row(self) -> Option<f64> {
        let pace = self.seconds / self.rows as f64;
        (self.rows > 0 && pace.is_finite()).then_some(pace)
    }
}

impl Measured {
    /// How long the models took that were made, of a stage that took `stage`.
    pub fn of_training(models: &[Ready], stage: Duration) -> BTreeMap<String, Pace> {
        let made = models.iter().filter(|ready| ready.is_new);
        let sum: f64 = made.clone().map(|ready| ready.spent.as_secs_f64()).sum();
        let shared = stage.as_secs_f64() / sum.max(f64::MIN_POSITIVE);
        let pace = |ready: &Ready| Pace {
            rows: ready.n_learnt as u64,
            seconds: ready.spent.as_secs_f64() * shared.min(1.0),
        };
        made.map(|ready| (ready.model.artifact.name.clone(), pace(ready))).collect()
    }
}

impl Rates {
    /// What is known of `pipeline`; nothing where it cannot be understood.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(root: &OutputRoot, pipeline: &str) -> Result<Self, Error> {
        let json = root.get(&path(pipeline)).await?;
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default())
    }

    /// Adds a run.
    ///
    /// # Errors
    /// The output cannot be read or written.
    pub async fn add(
        root: &OutputRoot,
        pipeline: &str,
        measured: Measured,
        staging: &Path,
    ) -> Result<(), Error> {
        let mut rates = Self::load(root, pipeline).await?;
        rates.runs.push(measured);
        let n_old = rates.runs.len().saturating_sub(RUNS_KEPT);
        rates.runs.drain(..n_old);
        let json = serde_json::to_vec(&rates)
            .map_err(|error| Error::bug(format!("rates cannot be written: {error}")))?;
        root.put(staging, &path(pipeline), &json).await
    }

    /// How many runs it knows.
    pub fn n_runs(&self) -> usize {
        self.runs.len()
    }

    /// How many seconds `work` may take: rows by the median pace of the last runs; `None` where none of them did
    /// what it takes.
    pub fn estimate(&self, work: &Work) -> Option<f64> {
        let seconds = |rows: u64, pace: &dyn Fn(&Measured) -> Option<Pace>| match rows {
            0 => Some(0.0),
            rows => self.median(pace).map(|pace| pace * rows as f64),
        };
        let open = seconds(work.n_rows, &|run| run.open)?;
        let score = seconds(work.n_scored, &|run| run.score)?;
        let train = work
            .to_train
            .iter()
            .map(|(name, rows)| seconds(*rows, &|run| run.train.get(name).copied()));
        Some(open + score + train.sum::<Option<f64>>()?)
    }

    /// Seconds a row.
    fn median(&self, of: &dyn Fn(&Measured) -> Option<Pace>) -> Option<f64> {
        let paces = self.runs.iter().filter_map(|run| of(run)?.seconds_a_row());
        let mut paces: Vec<f64> = paces.collect();
        paces.sort_by(f64::total_cmp);
        paces.get(paces.len() / 2).copied()
    }
}

fn path(pipeline: &str) -> String {
    format!("_state/rates/pipeline={pipeline}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rows: u64, seconds: f64) -> Option<Pace> {
        Some(Pace { rows, seconds })
    }

    #[test]
    fn an_estimate_takes_the_median_pace_of_each_stage() {
        let run = |score, train: Option<f64>| Measured {
            open: pace(100, 1.0),
            score: pace(10, score),
            train: train
                .map(|seconds| ("ewma".to_owned(), Pace { rows: 50, seconds }))
                .into_iter()
                .collect(),
        };
        let rates = Rates { runs: vec![run(1.0, Some(5.0)), run(90.0, None), run(2.0, None)] };
        let work = |n_scored, to_train: &[&str]| Work {
            n_rows: 200,
            to_train: to_train.iter().map(|name| ((*name).to_owned(), 100)).collect(),
            n_scored,
        };
        // 200 rows at 1/100, 30 at the median of 0.1, 9 and 0.2; 100 rows to learn from at 5/50.
        assert_eq!(rates.estimate(&work(30, &[])), Some(8.0));
        assert_eq!(rates.estimate(&work(30, &["ewma"])), Some(18.0));
        assert_eq!(rates.estimate(&work(0, &[])), Some(2.0));
        assert_eq!(rates.estimate(&work(30, &["autoencoder"])), None, "it was never made");
        assert_eq!(Rates::default().estimate(&work(0, &[])), None);
        let of_nothing =
            Rates { runs: vec![Measured { open: pace(0, 1.0), ..Measured::default() }] };
        assert_eq!(of_nothing.estimate(&work(0, &[])), None);
    }
}
