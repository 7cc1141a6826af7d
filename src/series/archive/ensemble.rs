//! Ensemble: the mean of several detectors' standardised scores, of which a peaked one counts more.
//!
//! `Σ wᵢ (sᵢ - meanᵢ) / sdᵢ` with wᵢ ∝ peakedness + 0.1 (or all equal), Σ wᵢ = 1. The peakedness of scores is how
//! far the top stands above the best outside two periods around it, as a share of how far it stands
//! above the median: 1 of a lone peak, 0 where another place scores as high. Scores that are all equal say nothing
//! and count as 0.
//!
//! Shapes: scores `[member][time]` → `[time]`. Units: none; 0 is the mean.
//! Source: this project's trials; that a standardised mean does better than a mean rank is in Aggarwal and
//! Sathe 2015, "Theoretical foundations and algorithms for outlier ensembles".

use serde::{Deserialize, Serialize};

use super::Archive;
use crate::moments::Moments;
use crate::statistics::median;

/// What a member without any peak still counts.
const WEIGHT_MIN: f64 = 0.1;

/// `[detector.ensemble]`: `members`, `weights` = "peakedness".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ensemble {
    /// Whose scores are combined. None: all scores are 0.
    pub members: Vec<Archive>,
    /// How much each counts.
    pub weights: Weights,
}

/// How much each member of an ensemble counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// By how far its top stands out.
    #[default]
    Peakedness,
    /// All alike.
    Equal,
}

/// Those of the default that need no network: nearest neighbour, principal components and autoregression.
impl Default for Ensemble {
    fn default() -> Self {
        Self {
            members: vec![
                Archive::NearestNeighbour(super::NearestNeighbour::default()),
                Archive::WindowPca(super::WindowPca::default()),
                Archive::AutoRegression(super::AutoRegression::default()),
            ],
            weights: Weights::default(),
        }
    }
}

/// Scores of several detectors, `[member][time]`, as one, `[time]`; `n_rows` zeros where there is no member.
pub fn combine(scores: &[Vec<f64>], weights: Weights, period: usize, n_rows: usize) -> Vec<f64> {
    let raw: Vec<f64> = scores.iter().map(|scores| weights.of(scores, period)).collect();
    let sum: f64 = raw.iter().sum();
    let mut combined = vec![0.0; n_rows];
    for (scores, weight) in scores.iter().zip(raw) {
        let moments = Moments::of(scores.iter().copied());
        if moments.min < moments.max && moments.sd() > 0.0 {
            for (combined, score) in combined.iter_mut().zip(scores) {
                *combined += weight / sum * ((score - moments.mean) / moments.sd());
            }
        }
    }
    combined
}

impl Weights {
    fn of(self, scores: &[f64], period: usize) -> f64 {
        match self {
            Self::Peakedness => peakedness(scores, period) + WEIGHT_MIN,
            Self::Equal => 1.0,
        }
    }
}

/// How far the top of `scores` stands above the best more than two periods away from it, over how far
/// it stands above the median, within 0 … 1; 0 where there is nothing else, or all is equal.
pub fn peakedness(scores: &[f64], period: usize) -> f64 {
    let best = |scores: &[f64]| scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let top = best(scores);
    let Some(place) = scores.iter().position(|&score| score == top) else { return 0.0 };
    let reach = period.saturating_mul(2);
    let left = &scores[..place.saturating_sub(reach)];
    let right = scores.get(place.saturating_add(reach).saturating_add(1)..).unwrap_or_default();
    let other = best(left).max(best(right));
    let Some(middle) = median(&mut scores.to_vec()) else { return 0.0 };
    if other.is_finite() && top > middle {
        ((top - other) / (top - middle)).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::tests::{NoNetworks, scores};
    use crate::archive::{Difference, MedianDistance, Series};

    #[test]
    fn peakedness_is_the_lead_of_the_top_by_hand() {
        // Top 9 at row 2; rows 0 … 4 are near it (period 1); the best elsewhere is 5; the median of
        // 0 7 9 7 0 5 1 1 1 is 1: (9 − 5) / (9 − 1).
        assert_eq!(peakedness(&[0.0, 7.0, 9.0, 7.0, 0.0, 5.0, 1.0, 1.0, 1.0], 1), 0.5);
        // Another 9 further off: nothing stands out. With the rest at the median: all of it.
        assert_eq!(peakedness(&[9.0, 0.0, 0.0, 0.0, 9.0], 1), 0.0);
        assert_eq!(peakedness(&[9.0, 0.0, 0.0, 0.0, 0.0], 1), 1.0);
    }

    #[test]
    fn members_count_by_their_peakedness_by_hand() {
        // A lone peak weighs 1.1, two equal ones .1: shares 11/12 and 1/12. Of 5 0 0 0 0: mean 1, sd 2,
        // standardised 2 −.5 …; of 5 0 0 0 5: mean 2, sd √6.
        let members = [vec![5.0, 0.0, 0.0, 0.0, 0.0], vec![5.0, 0.0, 0.0, 0.0, 5.0]];
        let root = 6.0_f64.sqrt();
        let (a, b) = (11.0 / 12.0, 1.0 / 12.0);
        let rest = -0.5 * a - 2.0 / root * b;
        let expected = [2.0 * a + 3.0 / root * b, rest, rest, rest, -0.5 * a + 3.0 / root * b];
        for (found, expected) in combine(&members, Weights::Peakedness, 1, 5).iter().zip(expected) {
            // A few roundings of numbers near 1.
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        let equal = combine(&members, Weights::Equal, 1, 5);
        assert!((equal[0] - (1.0 + 1.5 / root)).abs() < 1e-15, "{}", equal[0]);
    }

    #[test]
    fn degenerate_scores_say_nothing() {
        assert_eq!(peakedness(&[], 10), 0.0);
        assert_eq!(peakedness(&[3.0], 10), 0.0);
        assert_eq!(peakedness(&[3.0; 9], 1), 0.0);
        assert_eq!(peakedness(&[1.0, 2.0, 3.0], usize::MAX), 0.0);
        assert_eq!(combine(&[], Weights::Equal, 10, 3), [0.0; 3]);
        assert_eq!(combine(&[vec![0.1; 7]], Weights::Peakedness, 1, 7), [0.0; 7]);
    }

    #[test]
    fn an_ensemble_is_its_members_combined() {
        let values: Vec<f64> = (0..200).map(|k| f64::from(k * k % 37)).collect();
        let members = vec![
            Archive::MedianDistance(MedianDistance::default()),
            Archive::Difference(Difference::default()),
        ];
        let each: Vec<Vec<f64>> = members.iter().map(|m| scores(m, &values, 12)).collect();
        let ensemble = Archive::Ensemble(Ensemble { members, weights: Weights::Equal });
        assert_eq!(scores(&ensemble, &values, 12), combine(&each, Weights::Equal, 12, 200));
        let empty = Archive::Ensemble(Ensemble { members: Vec::new(), weights: Weights::Equal });
        let series = Series { values: &values, features: 1, period: 12 };
        assert_eq!(empty.score(&series, &NoNetworks), Ok(vec![0.0; 200]));
    }

    proptest! {
        #[test]
        fn units_of_a_member_do_not_matter(
            values in prop::collection::vec(0_i32..100, 1..60),
            others in prop::collection::vec(0_i32..100, 60),
            period in 1_usize..20,
        ) {
            let real = |values: &[i32], unit: f64| values.iter().map(|&v| f64::from(v) * unit).collect::<Vec<_>>();
            let others = real(&others[..values.len()], 1.0);
            let with = |unit| {
                combine(&[real(&values, unit), others.clone()], Weights::Peakedness, period, values.len())
            };
            // By a power of two, so that nothing is rounded.
            prop_assert_eq!(with(1.0), with(1024.0));
        }

        #[test]
        fn peakedness_lies_between_nothing_and_all(
            values in prop::collection::vec(-9.0_f64..9.0, 0..60),
            period in 0_usize..40,
        ) {
            prop_assert!((0.0..=1.0).contains(&peakedness(&values, period)));
        }
    }
}
