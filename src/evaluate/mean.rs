//! Means over tickers and seeds.

use oddlot_series::evaluate::figures::Means;
use oddlot_series::evaluate::ranges;
use rayon::prelude::*;

use super::one::{Figures, NULL_ROWS, SEEDS, figures};
use super::{Series, Threshold};

/// A figure by its name; `None` is undefined.
pub type Value = (&'static str, Option<f64>);

/// One row of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The detector, or what needs none, in brackets.
    pub name: String,
    /// Figures in the order of [`Threshold::ALL`]; empty where there is no such threshold.
    pub values: [Vec<Value>; 3],
}

impl Row {
    /// Whether it needs no detector.
    pub fn is_null(&self) -> bool {
        NULL_ROWS.contains(&self.name.as_str())
    }

    /// A figure by its name.
    pub fn get(&self, threshold: Threshold, name: &str) -> Option<f64> {
        let found = self.values[threshold as usize].iter().find(|value| value.0 == name);
        found.and_then(|value| value.1)
    }
}

/// The rows of some tickers.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The group or ticker; empty for all.
    pub name: String,
    /// Detectors first.
    pub rows: Vec<Row>,
}

/// Everything that is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Tickers with a row in the span.
    pub n_tickers: usize,
    /// Of those, tickers without an anomaly there.
    pub unlabelled: Vec<String>,
    /// Rows in the span.
    pub n_rows: usize,
    /// Anomalous rows among them.
    pub n_anomalous: usize,
    /// Runs of anomalous rows.
    pub n_events: usize,
    /// The smallest and the largest window of the volumes.
    pub windows: (usize, usize),
    /// Whether rows have numbers instead of times.
    pub is_numbered: bool,
    /// Over all tickers.
    pub all: Vec<Row>,
    /// Over the tickers of each group, by name.
    pub groups: Vec<Part>,
    /// By ticker.
    pub tickers: Vec<Part>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// Evaluates tickers side by side; the result does not depend on how many at a time.
pub fn evaluate(series: &[Series], tolerance: usize) -> Evaluation {
    let by_ticker: Vec<Vec<Figures>> =
        series.par_iter().map(|series| figures(series, tolerance)).collect();
    let count = |rows: &[bool]| rows.iter().filter(|is_anomalous| **is_anomalous).count();
    let unlabelled = series.iter().filter(|series| count(&series.labels) == 0);
    let windows = series.iter().map(|series| series.window);
    let mut groups: Vec<&String> =
        series.iter().filter_map(|series| series.group.as_ref()).collect();
    groups.sort_unstable();
    groups.dedup();
    let of_group = |group: &&String| {
        let is_in = |(series, _): &(&Series, &Vec<Figures>)| series.group.as_ref() == Some(*group);
        let figures = series.iter().zip(&by_ticker).filter(is_in).map(|(_, figures)| figures);
        Part { name: (*group).clone(), rows: mean(figures) }
    };
    let of_ticker = |(series, figures): (&Series, &Vec<Figures>)| Part {
        name: series.ticker.clone(),
        rows: mean(std::iter::once(figures)),
    };
    Evaluation {
        n_tickers: series.len(),
        unlabelled: unlabelled.map(|series| series.ticker.clone()).collect(),
        n_rows: series.iter().map(|series| series.labels.len()).sum(),
        n_anomalous: series.iter().map(|series| count(&series.labels)).sum(),
        n_events: series.iter().map(|series| ranges(&series.labels).len()).sum(),
        windows: (windows.clone().min().unwrap_or(0), windows.max().unwrap_or(0)),
        is_numbered: series.iter().any(|series| series.days.is_none()),
        all: mean(by_ticker.iter()),
        groups: groups.iter().map(of_group).collect(),
        tickers: series.iter().zip(&by_ticker).map(of_ticker).collect(),
        notes: Vec::new(),
    }
}

/// Means over tickers, of random scores then over seeds; rows in the order of their first ticker.
fn mean<'a>(tickers: impl Iterator<Item = &'a Vec<Figures>>) -> Vec<Row> {
    let mut rows: Vec<(String, Vec<[Means; 3]>)> = Vec::new();
    for figures in tickers.flatten() {
        let at = match rows.iter().position(|(name, _)| *name == figures.name) {
            Some(at) => at,
            None => {
                rows.push((figures.name.clone(), Vec::with_capacity(SEEDS.len())));
                rows.len() - 1
            }
        };
        let seeds = &mut rows[at].1;
        while seeds.len() <= figures.seed_idx {
            seeds.push(Default::default());
        }
        for (means, named) in seeds[figures.seed_idx].iter_mut().zip(&figures.by_threshold) {
            means.add(named.as_deref().unwrap_or_default());
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(name, seeds)| row(name, &seeds)).collect();
    // A ticker may lack a detector that others have.
    rows.sort_by_key(Row::is_null);
    rows
}

fn row(name: String, seeds: &[[Means; 3]]) -> Row {
    let values = [0, 1, 2].map(|threshold_idx| {
        let by_seed: Vec<Vec<Value>> = seeds.iter().map(|seed| seed[threshold_idx].get()).collect();
        let first = by_seed.first().cloned().unwrap_or_default();
        let over_seeds = |(idx, (name, _)): (usize, Value)| {
            let known: Vec<f64> = by_seed.iter().filter_map(|values| values.get(idx)?.1).collect();
            let sum: f64 = known.iter().sum();
            (name, (!known.is_empty()).then(|| sum / known.len() as f64))
        };
        first.into_iter().enumerate().map(over_seeds).collect()
    });
    Row { name, values }
}
