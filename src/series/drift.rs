//! Whether scores are still distributed as they were in calibration.
//!
//! Shapes: calibration scores `[m]` → edges `[k]`, counts of later scores `[k + 1]` → two measures. Units: those
//! of the scores, of which only the order counts. Later scores are counted between percentiles of the
//! calibration scores, so that memory does not grow with their number and parts can be counted apart.
//!
//! - PSI, the population stability index Σ (p − q)·ln(p/q) over the deciles of calibration, each count raised by
//!   half a score so that an empty one gives no infinity. Source: Siddiqi 2006, "Credit Risk Scorecards", who
//!   calls less than 0.1 no change and more than 0.25 a large one; Yurdakul 2018, "Statistical Properties of
//!   Population Stability Index", for what chance alone gives.
//! - KS, the largest distance between the two distribution functions, at the edges: at most a hundredth below
//!   that between all scores. Its p-value is Kolmogorov's limit at (√e + 0.12 + 0.11/√e)·KS, e = n·m/(n + m).
//!   Source: Stephens 1970, "Use of the Kolmogorov-Smirnov, Cramér-von Mises and related statistics without
//!   extensive tables". It takes scores as independent: those of one day are not, so that it is too small, and
//!   [`Drift::verdict`] asks for both measures.

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::statistics::to_real;

/// Later scores are counted between so many quantiles.
const FINE: usize = 100;

/// PSI is taken between so many.
const COARSE: usize = 10;

/// Siddiqi's: less is no change.
const PSI_LEAST: f64 = 0.1;

/// χ²(9) exceeds it with probability 0.01; PSI is about χ²(9)·(1/n + 1/m) where nothing has changed.
const PSI_CHANCE: f64 = 21.665_994_333_461_9;

/// KS counts as other than chance below it.
const P_VALUE_MOST: f64 = 0.01;

/// Of fewer later scores nothing is said.
const N_LEAST: u64 = 30;

/// Calibration scores as bins for later ones.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreBins {
    /// Ascending; bin `k` has the scores from edge `k − 1` on and below edge `k`.
    edges: Vec<f64>,
    /// Calibration scores in each bin.
    expected: Vec<u64>,
}

/// Later scores beside those of calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Later scores.
    pub n: u64,
    /// Calibration scores.
    pub n_calibration: u64,
    /// Population stability index.
    pub psi: f64,
    /// Largest distance of the distribution functions, 0 … 1.
    pub ks: f64,
    /// Of `ks`, two-sided.
    pub p_value: f64,
    /// Whether the later scores are the larger ones where that distance is.
    pub is_larger: bool,
}

/// What to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too few later scores.
    TooFew,
    /// No more than chance, or than matters.
    Steady,
    /// Later scores are larger.
    Grown,
    /// Later scores are smaller.
    Shrunk,
}

impl ScoreBins {
    /// Bins between the percentiles of `calibration`; `None` without any.
    pub fn of(calibration: &Distribution) -> Option<Self> {
        let quantile = |k: usize| calibration.quantile(to_real(k) / to_real(FINE));
        let mut edges: Vec<f64> = (1..FINE).filter_map(quantile).collect();
        edges.dedup();
        let below = |edge: &f64| calibration.n_below(*edge);
        let mut cumulated: Vec<usize> = edges.iter().filter_map(below).collect();
        cumulated.push(calibration.n());
        let before = std::iter::once(0).chain(cumulated.iter().copied());
        let counts = cumulated.iter().zip(before);
        let expected = counts.map(|(until, from)| until.saturating_sub(from) as u64).collect();
        (!edges.is_empty()).then_some(Self { edges, expected })
    }

    /// The bin of `score`; `None` where it is not finite.
    pub fn bin(&self, score: f64) -> Option<usize> {
        score.is_finite().then(|| self.edges.partition_point(|edge| *edge <= score))
    }

    /// Later scores, `(bin, how many)` in any order, beside those of calibration; `None` without any.
    pub fn drift(&self, counts: impl IntoIterator<Item = (usize, u64)>) -> Option<Drift> {
        let mut found = vec![0_u64; self.expected.len()];
        for (bin, count) in counts {
            if let Some(found) = found.get_mut(bin) {
                *found += count;
            }
        }
        let (n, n_calibration) = (found.iter().sum(), self.expected.iter().sum());
        if n == 0 || n_calibration == 0 {
            return None;
        }
        let (ks, is_larger) = largest_gap(&self.expected, &found);
        let p_value = p_value(ks, n, n_calibration);
        let psi = stability_index(&self.expected, &found);
        Some(Drift { n, n_calibration, psi, ks, p_value, is_larger })
    }
}

impl Drift {
    /// What to make of it: both measures have to say so.
    pub fn verdict(&self) -> Verdict {
        let of_chance = PSI_CHANCE * (1.0 / real(self.n) + 1.0 / real(self.n_calibration));
        let is_other = self.p_value < P_VALUE_MOST && self.psi > PSI_LEAST.max(of_chance);
        match (self.n >= N_LEAST, is_other, self.is_larger) {
            (false, ..) => Verdict::TooFew,
            (true, false, _) => Verdict::Steady,
            (true, true, true) => Verdict::Grown,
            (true, true, false) => Verdict::Shrunk,
        }
    }
}

/// The largest distance between two cumulated shares, and whether the first is above the second there.
fn largest_gap(expected: &[u64], found: &[u64]) -> (f64, bool) {
    let n_expected = real(expected.iter().sum());
    let n_found = real(found.iter().sum());
    let (mut until_expected, mut until_found) = (0, 0);
    let (mut widest, mut is_above) = (0.0, false);
    for (expected, found) in expected.iter().zip(found) {
        until_expected += expected;
        until_found += found;
        let gap = real(until_expected) / n_expected - real(until_found) / n_found;
        if gap.abs() > widest {
            (widest, is_above) = (gap.abs(), gap > 0.0);
        }
    }
    (widest, is_above)
}

fn stability_index(expected: &[u64], found: &[u64]) -> f64 {
    let n_expected: u64 = expected.iter().sum();
    let mut groups: Vec<(u64, u64)> = Vec::new();
    let (mut before, mut last) = (0, None);
    for (expected, found) in expected.iter().zip(found) {
        // A tenth of calibration scores each, as far as ties allow; half a bin makes up for percentiles that lie
        // between two scores.
        let (fine, coarse) = (FINE as u64, COARSE as u64);
        let half_bins = 2 * fine * before + n_expected;
        let group = (half_bins / (2 * fine / coarse * n_expected)).min(coarse - 1);
        if last != Some(group) {
            groups.push((0, 0));
            last = Some(group);
        }
        if let Some((of_expected, of_found)) = groups.last_mut() {
            *of_expected += expected;
            *of_found += found;
        }
        before += expected;
    }
    let half = 0.5 * to_real(groups.len());
    let n_found: u64 = found.iter().sum();
    let share = |count: u64, n: u64| (real(count) + 0.5) / (real(n) + half);
    let terms = groups.iter().map(|&(expected, found)| {
        let (p, q) = (share(found, n_found), share(expected, n_expected));
        (p - q) * (p / q).ln()
    });
    terms.sum()
}

fn p_value(ks: f64, n: u64, m: u64) -> f64 {
    let root = (real(n) * real(m) / (real(n) + real(m))).sqrt();
    kolmogorov((root + 0.12 + 0.11 / root) * ks)
}

/// The probability that Kolmogorov's limit exceeds `x`.
fn kolmogorov(x: f64) -> f64 {
    use std::f64::consts::PI;
    // Both series are the same function; each is used where it converges within a few terms.
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let term = |k: i32| (-(f64::from(2 * k - 1) * PI / x).powi(2) / 8.0).exp();
        let within: f64 = (2.0 * PI).sqrt() / x * (1..=6).map(term).sum::<f64>();
        return (1.0 - within).clamp(0.0, 1.0);
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (1..=6).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// Exact below 2^53 scores.
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
