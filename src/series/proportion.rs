//! How often something happened, with a 95 % interval.
//!
//! Shapes: counts → share in `[0, 1]`. Wilson's interval takes days as independent; flags come in runs, so
//! the number of days is divided by Kish's design effect Σ length² / Σ length over the runs, which is 1 where
//! no flag follows another. Runs of one ticker, and tickers, are taken as independent of each other.
//! Sources: Wilson 1927, "Probable inference, the law of succession, and statistical inference"; Kish 1965,
//! "Survey Sampling", for the design effect of clusters.

use serde::{Deserialize, Serialize};

use crate::statistics::to_real;

/// Φ⁻¹(.975): the quantile of the standard normal distribution that two sides of 2.5 % lie beyond.
const Z: f64 = 1.959_963_984_540_054;

/// Flags among rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proportion {
    /// Rows.
    pub n: usize,
    /// Of them, flagged.
    pub n_flagged: usize,
    /// Sum of the squared lengths of runs of flagged rows.
    pub squared_runs: usize,
}

impl Proportion {
    /// Counts rows in time order, of which `None` is not looked at and ends no run.
    pub fn of(rows: impl Iterator<Item = Option<bool>>) -> Self {
        let mut counted = Self::default();
        let mut length = 0;
        for is_flagged in rows.flatten() {
            counted.n += 1;
            if is_flagged {
                length += 1;
                counted.n_flagged += 1;
            } else {
                counted.squared_runs += length * length;
                length = 0;
            }
        }
        counted.squared_runs += length * length;
        counted
    }

    /// Adds the rows of another ticker.
    pub fn add(&mut self, other: Self) {
        self.n += other.n;
        self.n_flagged += other.n_flagged;
        self.squared_runs += other.squared_runs;
    }

    /// The share that is flagged; `None` of no row.
    pub fn share(&self) -> Option<f64> {
        (self.n > 0).then(|| to_real(self.n_flagged) / to_real(self.n))
    }

    /// By how much runs make the rows count for less; 1 without flags.
    pub fn design_effect(&self) -> f64 {
        if self.n_flagged == 0 { 1.0 } else { to_real(self.squared_runs) / to_real(self.n_flagged) }
    }

    /// Wilson's 95 % interval over as many rows as there are by the design effect; `None` of no row.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (share, n) = (self.share()?, to_real(self.n) / self.design_effect());
        let squared = Z * Z / n;
        let centre = (share + squared / 2.0) / (1.0 + squared);
        let half = (share * (1.0 - share) / n + squared / (4.0 * n)).sqrt() * Z / (1.0 + squared);
        // Of no flag the lower end is 0, of nothing else the upper is 1; roundings aside.
        let low = if self.n_flagged == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if self.n_flagged == self.n { 1.0 } else { (centre + half).min(1.0) };
        Some((low, high))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_are_counted_by_their_squared_lengths() {
        // 1 1 · 0 1 0 1: a run of two, a row that is not looked at, and two runs of one: 4 + 1 + 1.
        let rows = [Some(true), Some(true), None, Some(false), Some(true), Some(false), Some(true)];
        let counted = Proportion::of(rows.into_iter());
        assert_eq!(counted, Proportion { n: 6, n_flagged: 4, squared_runs: 6 });
        assert_eq!((counted.share(), counted.design_effect()), (Some(4.0 / 6.0), 1.5));
    }

    #[test]
    fn intervals_agree_with_scipy() {
        // python3 -c "from scipy.stats import binomtest as b; [print(b(k,n).proportion_ci(method='wilson')) for k,n in [(22,3553),(0,100),(7,7),(500,100000)]]"
        for (n_flagged, n, low, high) in GOLDEN {
            let counted = Proportion { n, n_flagged, squared_runs: n_flagged };
            let found = counted.interval().unwrap();
            assert!((found.0 - low).abs() < 1e-14 && (found.1 - high).abs() < 1e-14, "{found:?}");
        }
    }
    const GOLDEN: [(usize, usize, f64, f64); 4] = [
        (22, 3553, 0.00409269752438363, 0.009357848240609909),
        (0, 100, 0.0, 0.03699349820698568),
        (7, 7, 0.6456695649333126, 1.0),
        (500, 100000, 0.004581445312245602, 0.005456583669211608),
    ];

    #[test]
    fn runs_of_four_widen_the_interval_as_a_quarter_of_the_rows_would() {
        let clustered = Proportion { n: 400, n_flagged: 8, squared_runs: 32 }.interval();
        assert_eq!(clustered, Proportion { n: 100, n_flagged: 2, squared_runs: 2 }.interval());
    }

    #[test]
    fn degenerate_counts() {
        let none = Proportion::of(std::iter::empty());
        assert_eq!((none.share(), none.interval(), none.design_effect()), (None, None, 1.0));
        assert_eq!(Proportion::of([None, None].into_iter()), Proportion::default());
    }

    proptest! {
        #[test]
        fn the_share_lies_within_its_interval(rows in prop::collection::vec(any::<bool>(), 1..200)) {
            let counted = Proportion::of(rows.iter().copied().map(Some));
            let ((low, high), share) = (counted.interval().unwrap(), counted.share().unwrap());
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
        }
    }
}
