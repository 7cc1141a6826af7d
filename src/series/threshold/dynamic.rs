//! Hundman's nonparametric threshold: the level whose excesses disturb mean and deviation of the scores most
//! for how many they are.
//!
//! Shapes: scores `[n]` in time order → level `[]`. Units: those of the scores. Scores that are not finite do
//! not count. Of the levels ε = μ + z σ, z = 2.5, 3 … 11.5, the one is taken that has the largest
//! (Δμ/μ + Δσ/σ) / (|e_a| + |E|²): Δ is the decrease when the scores above ε are taken out, e_a those
//! scores, E their runs. Where no level has any score above it, it is μ + 12 σ.
//!
//! It is a stored threshold like any other: ε is found once, on the calibration scores, in stretches of at
//! most 2,100 (the published 70 values × 30), and the median of the stretches' levels is kept; the published
//! system finds a new one every 70 values, which no stored model could repeat. Scores are smoothed where
//! `[score]` says so, not here. No rate is stated: it looks for anomalies within the calibration scores.
//! Source: Hundman et al., KDD 2018, "Detecting Spacecraft Anomalies Using LSTMs and Nonparametric Dynamic
//! Thresholding", §3.2 and 3.3; the values of z are those of its code, telemanom.

use serde::{Deserialize, Serialize};

use super::k_sigma::mean_and_sd;
use super::{Rate, Uncalibrated};
use crate::statistics::{median, to_real};

/// Scores that share one search: 30 batches of 70.
const STRETCH: usize = 2_100;

/// Deviations above the mean where no level has a score above it.
const Z_MAX: f64 = 12.0;

/// `[threshold.dynamic]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByDynamic {
    /// Least step, as a share, from a run of flags to the next lower one for the higher to stay flagged;
    /// only where hindsight decides: see [`prune`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prune: Option<Rate>,
}

impl ByDynamic {
    /// Hundman's ε.
    ///
    /// # Errors
    /// No finite score.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        let finite: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
        if finite.is_empty() {
            return Err(Uncalibrated::NoScores);
        }
        let length = finite.len().div_ceil(finite.len().div_ceil(STRETCH));
        let mut levels: Vec<f64> = finite.chunks(length).map(epsilon).collect();
        median(&mut levels).ok_or(Uncalibrated::NoScores)
    }

    pub(super) fn words(&self, n: usize) -> String {
        let pruned = self.prune.map(|least| {
            format!(
                ", runs of flags pruned in hindsight where they stand out by less than {}",
                least.get()
            )
        });
        let pruned = pruned.unwrap_or_default();
        format!("Hundman's epsilon over {n} calibration scores{pruned}")
    }
}

/// The level of one stretch.
fn epsilon(scores: &[f64]) -> f64 {
    let (mean, sd) = mean_and_sd(scores);
    let level = |z: f64| (mean + z * sd).min(f64::MAX);
    let (mut best, mut epsilon) = (f64::NEG_INFINITY, level(Z_MAX));
    for half in 5..24 {
        let candidate = level(f64::from(half) / 2.0);
        // Of equals the higher level is taken; without spread or mean nothing is better than the start.
        if let Some(gain) = gain(scores, candidate, mean, sd).filter(|gain| *gain >= best) {
            (best, epsilon) = (gain, candidate);
        }
    }
    epsilon
}

/// What is gained by taking out the scores above `level`; `None` where there is none, or half of them.
fn gain(scores: &[f64], level: f64, mean: f64, sd: f64) -> Option<f64> {
    let kept: Vec<f64> = scores.iter().copied().filter(|&score| score <= level).collect();
    let n_above = scores.len() - kept.len();
    if n_above == 0 || 2 * n_above >= scores.len() {
        return None;
    }
    let is_above = |idx: usize| scores[idx] > level;
    let runs =
        (0..scores.len()).filter(|&idx| is_above(idx) && (idx == 0 || !is_above(idx - 1))).count();
    let (kept_mean, kept_sd) = mean_and_sd(&kept);
    let decrease = (mean - kept_mean) / mean + (sd - kept_sd) / sd;
    let gain = decrease / (to_real(n_above) + to_real(runs) * to_real(runs));
    gain.is_finite().then_some(gain)
}

/// Which runs of flags stay flagged, given the largest score of each and the largest score that is not
/// flagged (NaN where there is none).
///
/// Runs are put in descending order, the unflagged score last. A run stays if it, or a lower one, exceeds the
/// next in order by more than the share `least` of itself: what lies below the last such step is no more
/// remarkable than a calm day.
pub fn prune(peaks: &[f64], unflagged: f64, least: Rate) -> Vec<bool> {
    let mut order: Vec<usize> = (0..peaks.len()).collect();
    order.sort_by(|&a, &b| peaks[b].total_cmp(&peaks[a]).then(a.cmp(&b)));
    let next = |place: usize| order.get(place + 1).map_or(unflagged, |&idx| peaks[idx]);
    // A step to nothing (NaN) is as large as can be.
    let stands_out = |place: usize| {
        let peak = peaks[order[place]];
        let step = (peak - next(place)) / peak;
        step.is_nan() || step >= least.get()
    };
    let n_kept =
        (0..order.len()).rev().find(|&place| stands_out(place)).map_or(0, |place| place + 1);
    let mut kept = vec![false; peaks.len()];
    order[..n_kept].iter().for_each(|&idx| kept[idx] = true);
    kept
}

#[cfg(test)]
mod tests;
