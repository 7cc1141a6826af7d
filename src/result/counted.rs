//! From counts to the result.

use super::tally::{ModelCounts, YearCounts, is_archive};
use super::{ModelSummary, Realised, Summary};
use crate::artifact::StoredJudge;
use crate::train::Ready;

impl Summary {
    /// What `models` have to show for themselves, given the counts of all parts and years.
    pub fn of<'a>(models: &[Ready], years: impl Iterator<Item = &'a YearCounts>) -> Self {
        let mut all = YearCounts::default();
        years.for_each(|year| all.add(year));
        let of = |ready: &Ready| all.models.get(&ready.model.model_id);
        let baselines: Vec<(&str, &str)> = models
            .iter()
            .filter(|ready| matches!(ready.model.artifact.judge, StoredJudge::Baseline(_)))
            .map(|ready| (ready.model.artifact.name.as_str(), ready.model.model_id.as_str()))
            .collect();
        let network = models.iter().find(|ready| ready.model.network.is_some()).or(models.first());
        let reference = network.and_then(of);
        Self {
            is_archive: models.iter().any(is_archive),
            test_days: all.test_days,
            n_test_rows: reference.map_or(0, |counts| counts.n_rows),
            outside_share: reference.and_then(|counts| counts.outside.get()),
            models: models
                .iter()
                .filter_map(|ready| Some(model_summary(ready, of(ready)?, &baselines, &all)))
                .collect(),
            events: all.strongest,
        }
    }
}

fn model_summary(
    ready: &Ready,
    counts: &ModelCounts,
    baselines: &[(&str, &str)],
    all: &YearCounts,
) -> ModelSummary {
    let artifact = &ready.model.artifact;
    let reconstructs = ready.model.network.as_ref().is_some_and(|network| network.steps() > 1);
    let is_network = ready.model.network.is_some();
    let held_out = &counts.held_out;
    let rivals = match reconstructs {
        true => [("window mean", held_out.window_mean), ("straight line", held_out.straight_line)],
        false => [("zero", held_out.zero), ("persistence", held_out.persistence)],
    };
    let own_shared = all.shared.get(&ready.model.model_id);
    let shared = |other: &str| own_shared.and_then(|own| own.get(other)).copied().unwrap_or(0);
    let like = baselines
        .iter()
        .map(|&(name, model_id)| (name.to_owned(), shared(model_id)))
        .max_by_key(|(name, n)| (*n, std::cmp::Reverse(name.clone())));
    let deciding = artifact.deciding();
    let own = match deciding.map_or(0, |deciding| deciding.per_ticker.len()) {
        0 => String::new(),
        n => format!("; {n} tickers have their own"),
    };
    let pooled = deciding.map(|deciding| &deciding.pooled);
    ModelSummary {
        name: artifact.name.clone(),
        detector: artifact.detector.clone(),
        reconstructs,
        is_network,
        mae: held_out.detector.get(),
        rivals: rivals
            .into_iter()
            .filter_map(|(name, mean)| Some((name.to_owned(), mean.get()?)))
            .collect(),
        baselines: baselines
            .iter()
            .filter(|_| is_network && !reconstructs)
            .filter_map(|&(name, model_id)| {
                Some((name.to_owned(), all.models.get(model_id)?.held_out.detector.get()?))
            })
            .collect(),
        threshold: pooled.map(|pooled| pooled.threshold),
        threshold_words: pooled
            .map(|pooled| format!("{}{own}", pooled.words()))
            .unwrap_or_default(),
        stated_rate: pooled.and_then(|pooled| pooled.stated_rate()),
        realised: Realised::of(&counts.judged),
        n_scored: counts.n_scored,
        n_flags: counts.n_flags,
        n_events: counts.n_events,
        correlation: counts.moments.correlation(),
        like: like.filter(|_| is_network),
    }
}
