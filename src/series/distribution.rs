//! The calibration scores, to rank later scores among them.
//!
//! Shapes: scores `[n]`. Units: those of the scores. Scores that are not finite do not count.
//! Above 10,000 scores, the 1,000 largest are kept and 9,000 evenly spaced order statistics of the
//! rest: ranks are exact in the tail; below it a score ranks at most n/9,000 places too low, so that
//! a p-value is never too small.

use serde::{Deserialize, Serialize};

use crate::statistics::{sort, to_real};

/// So many scores are kept at most.
const KEPT_MAX: usize = 10_000;

/// So many of the largest are kept all.
const LARGEST: usize = 1_000;

/// Ascending calibration scores, thinned where there are many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Distribution {
    n: usize,
    kept: Vec<f64>,
}

/// Where a score stands among calibration scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    n: usize,
    n_at_or_above: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    n: usize,
    kept: Vec<f64>,
}

/// Stored scores are no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored calibration scores are not finite, not ascending, or not as many as they say")]
pub struct NotADistribution;

impl TryFrom<Parts> for Distribution {
    type Error = NotADistribution;

    fn try_from(Parts { n, kept }: Parts) -> Result<Self, NotADistribution> {
        let fits = kept.len() == n.min(KEPT_MAX)
            && kept.iter().all(|score| score.is_finite())
            && kept.is_sorted();
        if fits { Ok(Self { n, kept }) } else { Err(NotADistribution) }
    }
}

impl From<Distribution> for Parts {
    fn from(Distribution { n, kept }: Distribution) -> Self {
        Self { n, kept }
    }
}

impl Distribution {
    /// The distribution of the finite ones among `scores`.
    pub fn new(scores: &[f64]) -> Self {
        let mut kept: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
        sort(&mut kept);
        let n = kept.len();
        if n > KEPT_MAX {
            kept = (0..KEPT_MAX).map(|kept_idx| kept[rank(kept_idx, n)]).collect();
        }
        Self { n, kept }
    }

    /// How many scores it was made of.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Where `score` stands among the calibration scores; `None` without any or of NaN.
    pub fn rank(&self, score: f64) -> Option<Rank> {
        if score.is_nan() || self.n == 0 {
            return None;
        }
        let first_kept = self.kept.partition_point(|&kept| kept < score);
        // Scores left out between the kept one below and this one may be as large: count them.
        let n_at_or_above = match first_kept.checked_sub(1) {
            None => self.n,
            Some(below) => self.n - 1 - rank(below, self.n),
        };
        Some(Rank { n: self.n, n_at_or_above })
    }

    /// The least kept score that a share `q` of them, in `[0, 1]`, lies below or at; `None` without any.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let place = (q * to_real(self.n)) as usize;
        let place = place.min(self.n.checked_sub(1)?);
        let mut kept = (0..self.kept.len()).skip_while(|&idx| rank(idx, self.n) < place);
        kept.next().and_then(|idx| self.kept.get(idx)).copied()
    }

    /// How many scores are below `score`; `None` without any or of NaN.
    pub(crate) fn n_below(&self, score: f64) -> Option<usize> {
        self.rank(score).map(|rank| rank.n - rank.n_at_or_above)
    }

    /// [`Rank::percentile`] of `score`.
    pub fn percentile(&self, score: f64) -> Option<f64> {
        self.rank(score).map(Rank::percentile)
    }

    /// [`Rank::p_value`] of `score`.
    pub fn p_value(&self, score: f64) -> Option<f64> {
        self.rank(score).map(Rank::p_value)
    }
}

impl Rank {
    /// Whether no calibration score is as large.
    pub fn is_beyond(self) -> bool {
        self.n_at_or_above == 0
    }

    /// Share of calibration scores below the score in percent, 0 … 100.
    pub fn percentile(self) -> f64 {
        100.0 * to_real(self.n - self.n_at_or_above) / to_real(self.n)
    }

    /// `(1 + scores at or above) / (n + 1)`: how often a calm day would score so high.
    ///
    /// Source: Phipson and Smyth 2010, "Permutation p-values should never be zero".
    pub fn p_value(self) -> f64 {
        to_real(1 + self.n_at_or_above) / to_real(self.n + 1)
    }
}

/// Place of a kept score among all `n` ascending ones.
fn rank(kept_idx: usize, n: usize) -> usize {
    let knots = KEPT_MAX - LARGEST;
    if n <= KEPT_MAX {
        kept_idx
    } else if kept_idx < knots {
        kept_idx * (n - LARGEST - 1) / (knots - 1)
    } else {
        n - KEPT_MAX + kept_idx
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranks_of_a_small_case() {
        let calibration = Distribution::new(&[3.0, f64::NAN, 1.0, 2.0, 3.0]);
        assert_eq!(calibration.n(), 4);
        // Of 1 2 3 3, two are below 3 and two at or above: 50 %, (1 + 2)/(4 + 1).
        assert_eq!(calibration.percentile(3.0), Some(50.0));
        assert_eq!(calibration.p_value(3.0), Some(0.6));
        assert_eq!(
            (calibration.percentile(9.0), calibration.p_value(9.0)),
            (Some(100.0), Some(0.2))
        );
        assert_eq!((calibration.percentile(0.0), calibration.p_value(0.0)), (Some(0.0), Some(1.0)));
    }

    #[test]
    fn percentiles_agree_with_numpy() {
        // python3 -c "import numpy as np; print((np.arange(200)**2%37 < 30).mean()*100)"
        let scores: Vec<f64> = (0..200).map(|k| f64::from(k * k % 37)).collect();
        assert_eq!(Distribution::new(&scores).percentile(30.0), Some(79.0));
    }

    #[test]
    fn thinning_keeps_the_tail_exact_and_ranks_the_rest_conservatively() {
        let n = 50_000;
        let scores: Vec<f64> = (0..n).map(f64::from).collect();
        let thinned = Distribution::new(&scores);
        assert_eq!((thinned.n(), thinned.kept.len()), (50_000, 10_000));
        for score in 0..n {
            let exact = f64::from(1 + n - score) / f64::from(n + 1);
            let found = thinned.p_value(f64::from(score)).unwrap();
            // 50,000 / 9,000 places.
            let most = if score > n - 1_000 { exact } else { exact + 6.0 / f64::from(n + 1) };
            assert!((exact..=most).contains(&found), "{score}: {exact} {found}");
        }
    }

    #[test]
    fn degenerate_samples() {
        let none = Distribution::new(&[f64::NAN]);
        assert_eq!((none.n(), none.percentile(1.0), none.p_value(1.0)), (0, None, None));
        let one = Distribution::new(&[1.0]);
        assert_eq!((one.percentile(1.0), one.p_value(1.0)), (Some(0.0), Some(1.0)));
        assert_eq!((one.percentile(f64::NAN), one.p_value(f64::NAN)), (None, None));
        let constant = Distribution::new(&[1.0; 20_000]);
        assert_eq!((constant.percentile(1.0), constant.p_value(1.0)), (Some(0.0), Some(1.0)));
    }

    #[test]
    fn a_stored_distribution_keeps_its_bits_and_is_checked() {
        let calibration = Distribution::new(&[0.1, 0.30000000000000004]);
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(text, r#"{"n":2,"kept":[0.1,0.30000000000000004]}"#);
        assert_eq!(serde_json::from_str::<Distribution>(&text).unwrap(), calibration);
        for broken in [r#"{"n":3,"kept":[0.1,0.2]}"#, r#"{"n":2,"kept":[0.2,0.1]}"#] {
            assert!(serde_json::from_str::<Distribution>(broken).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_higher_score_is_never_more_usual(
            scores in prop::collection::vec(0.0_f64..9.0, 1..60),
            (a, b) in (-1.0_f64..10.0, -1.0_f64..10.0),
        ) {
            let calibration = Distribution::new(&scores);
            prop_assert!(calibration.p_value(a.max(b)) <= calibration.p_value(a.min(b)));
            prop_assert!(calibration.percentile(a.max(b)) >= calibration.percentile(a.min(b)));
        }
    }
}
