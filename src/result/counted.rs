//! From counts to the result.

use super::tally::{ModelCounts, YearCounts, bins, is_archive};
use super::{Lately, ModelSummary, Realised, Summary};
use crate::train::{Ready, reference_idx};

impl Summary {
    /// What `models` have to show for themselves, given the counts of all parts and years.
    pub fn of<'a>(models: &[Ready], years: impl Iterator<Item = &'a YearCounts>) -> Self {
        let mut all = YearCounts::default();
        years.for_each(|year| all.add(year));
        let of = |ready: &Ready| counts_of(ready, &all);
        let baselines: Vec<&Ready> =
            models.iter().filter(|ready| ready.model.artifact.is_baseline()).collect();
        let reference = models.get(reference_idx(models)).and_then(of);
        let reference = reference.as_ref();
        Self {
            is_archive: models.iter().any(is_archive),
            test_days: all.test_days,
            n_test_rows: reference.map_or(0, |counts| counts.n_rows),
            outside_share: reference.and_then(|counts| counts.outside.get()),
            models: models
                .iter()
                .filter_map(|ready| Some(model_summary(ready, &of(ready)?, &baselines, &all)))
                .collect(),
            events: all.strongest,
        }
    }
}

/// The counts of a model, of all its packs; `None` where none was counted.
fn counts_of(ready: &Ready, all: &YearCounts) -> Option<ModelCounts> {
    let mut counted = ready.ids().filter_map(|id| all.models.get(id));
    let mut sum = counted.next()?.clone();
    counted.for_each(|other| sum.add(other));
    Some(sum)
}

/// Rows that two models both flag.
fn shared(one: &Ready, other: &Ready, all: &YearCounts) -> u64 {
    let own = one.ids().filter_map(|id| all.shared.get(id));
    own.flat_map(|own| other.ids().filter_map(|id| own.get(id))).sum()
}

/// What threshold it is, in words.
fn threshold_words(ready: &Ready) -> String {
    let artifact = &ready.model.artifact;
    if ready.is_packed() {
        return format!("each ticker's own, of {} tickers", ready.n_own());
    }
    let Some(deciding) = artifact.deciding() else { return String::new() };
    let own = match deciding.per_ticker.len() {
        0 => String::new(),
        n => format!("; {n} tickers have their own"),
    };
    format!("{}{own}", deciding.pooled.words())
}

fn model_summary(
    ready: &Ready,
    counts: &ModelCounts,
    baselines: &[&Ready],
    all: &YearCounts,
) -> ModelSummary {
    let artifact = &ready.model.artifact;
    let reconstructs = ready.model.steps().is_some_and(|steps| steps > 1);
    let is_network = ready.model.steps().is_some();
    let held_out = &counts.held_out;
    let rivals = match reconstructs {
        true => [("window mean", held_out.window_mean), ("straight line", held_out.straight_line)],
        false => [("zero", held_out.zero), ("persistence", held_out.persistence)],
    };
    let like = baselines
        .iter()
        .map(|other| (other.model.artifact.name.clone(), shared(ready, other, all)))
        .max_by_key(|(name, n)| (*n, std::cmp::Reverse(name.clone())));
    let pooled = artifact.deciding().map(|deciding| &deciding.pooled);
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
            .filter_map(|other| {
                let mae = counts_of(other, all)?.held_out.detector.get()?;
                Some((other.model.artifact.name.clone(), mae))
            })
            .collect(),
        threshold: pooled.map(|pooled| pooled.threshold),
        threshold_words: threshold_words(ready),
        stated_rate: match artifact.packed() {
            Some(packed) => packed.threshold.stated_rate(),
            None => pooled.and_then(|pooled| pooled.stated_rate()),
        },
        realised: Realised::of(&counts.judged),
        lately: Lately::of(bins(ready).as_ref(), &counts.drift),
        n_scored: counts.n_scored,
        n_flags: counts.n_flags,
        n_events: counts.n_events,
        correlation: counts.moments.correlation(),
        like: like.filter(|_| is_network),
    }
}
