//! The fallback: a score for rows that a detector cannot score, so that nothing disappears.
//!
//! The change to the row before, over 1.4826 × the median of the absolute changes in the 250 rows
//! before. Rows of all segments count: a gap is no reason to stay silent. Where more than half of the
//! changes are 0, 1.2533 × their mean takes the place of the median; where all are 0 there is no score.
//!
//! Shapes: `[time]` → `[time]`. Units: log changes of the reference price; of the first feature
//! (plain differences) where the history has no reference price. NaN where there is no change.

use std::collections::VecDeque;

use crate::history::History;
use crate::statistics::{SIGMA_PER_MAD, SIGMA_PER_MEAN_DEVIATION, median_of_sorted, to_real};

/// A change is compared with those in so many rows before it, about a year of sessions.
pub const ROWS_MAX: usize = 250;

/// There is no score with fewer changes before.
pub const ROWS_MIN: usize = 10;

/// How many rows before a row its score depends on: changes in the last [`ROWS_MAX`], each from a
/// price at most as many rows before.
pub const LOOKBACK: usize = 2 * ROWS_MAX;

/// Changes from the last row before whose price (or first feature) is there, `[time]`; NaN where
/// either is missing.
///
/// A price of 0 or less is missing; one of more than [`ROWS_MAX`] rows ago is forgotten.
pub fn changes(history: &History<'_>) -> Vec<f64> {
    let level = |row_idx: usize| match history.reference_prices {
        Some(prices) => prices[row_idx].ln(),
        None => history.row(row_idx)[0],
    };
    let mut previous: Option<(usize, f64)> = None;
    let change = |row_idx| {
        let now = level(row_idx);
        let before = previous.filter(|(before_idx, _)| row_idx - before_idx <= ROWS_MAX);
        let change = before.map_or(f64::NAN, |(_, before)| now - before);
        previous = if now.is_finite() { Some((row_idx, now)) } else { previous };
        if change.is_finite() { change } else { f64::NAN }
    };
    (0..history.len()).map(change).collect()
}

/// Fallback score of each row from its change and the changes before it, `[time]`; NaN where none, and
/// of rows that `is_asked` is not true of. Where few are asked, few changes are looked at.
pub fn scores(changes: &[f64], is_asked: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut past = Sizes::default();
    // Of the changes before it, all that still count are in `past`.
    let mut known = 0;
    let mut score = |row_idx: usize| {
        let first = row_idx.saturating_sub(ROWS_MAX);
        if first > known {
            (past, known) = (Sizes::default(), first);
        }
        changes[known..row_idx].iter().for_each(|change| past.push(change.abs()));
        known = row_idx;
        let score = past.usual().map_or(f64::NAN, |usual| changes[row_idx].abs() / usual);
        if score.is_finite() { score } else { f64::NAN }
    };
    let of_row = |row_idx| if is_asked(row_idx) { score(row_idx) } else { f64::NAN };
    (0..changes.len()).map(of_row).collect()
}

/// Sizes of the changes of the last [`ROWS_MAX`] rows: in order of arrival, NaN where missing, and
/// the present ones ascending.
#[derive(Default)]
struct Sizes {
    arrived: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl Sizes {
    fn push(&mut self, size: f64) {
        if self.arrived.len() == ROWS_MAX
            && let Some(oldest) = self.arrived.pop_front()
            && !oldest.is_nan()
        {
            self.sorted.remove(self.sorted.partition_point(|&x| x < oldest));
        }
        self.arrived.push_back(size);
        if !size.is_nan() {
            self.sorted.insert(self.sorted.partition_point(|&x| x < size), size);
        }
    }

    /// Usual size of a change; `None` with too few of them or where all are 0.
    fn usual(&self) -> Option<f64> {
        let median = median_of_sorted(&self.sorted).filter(|_| self.sorted.len() >= ROWS_MIN)?;
        let usual = if median > 0.0 {
            SIGMA_PER_MAD * median
        } else {
            let sum = self.sorted.iter().sum::<f64>();
            SIGMA_PER_MEAN_DEVIATION * sum / to_real(self.sorted.len())
        };
        (usual > 0.0).then_some(usual)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;

    /// Of every row.
    fn scores(changes: &[f64]) -> Vec<f64> {
        super::scores(changes, |_| true)
    }

    #[test]
    fn a_change_is_compared_with_the_median_change_before_it() {
        // |changes| 1 … 10, median 5.5; then 11: 11 / (1.4826 · 5.5) = 2 / 1.4826.
        let changes: Vec<f64> = [f64::NAN].into_iter().chain((1..=11).map(f64::from)).collect();
        let scores = scores(&changes);
        assert!(scores[..11].iter().all(|score| score.is_nan()));
        assert_eq!(scores[11], 11.0 / (SIGMA_PER_MAD * 5.5));
    }

    #[test]
    fn prices_change_in_logs_and_across_missing_rows_and_segments() {
        let mut history = OwnedHistory::new(&[0.0; 5], 1, 1).cut(2, false);
        history.reference_prices = Some(vec![1.0, 2.0, f64::NAN, 4.0, 0.0]);
        let changes = changes(&history.view());
        assert!(changes[0].is_nan() && changes[2].is_nan() && changes[4].is_nan());
        // ln 2 and ln 4 − ln 2, each rounded once.
        assert!((changes[1] - std::f64::consts::LN_2).abs() < 1e-15);
        assert!((changes[3] - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn a_price_of_more_than_a_year_ago_is_forgotten() {
        let after = |n_missing: usize| {
            let mut levels = vec![f64::NAN; n_missing + 2];
            levels[0] = 1.0;
            levels[n_missing + 1] = 3.0;
            changes(&OwnedHistory::new(&levels, 1, 1).view())[n_missing + 1]
        };
        assert_eq!(after(ROWS_MAX - 1), 2.0);
        assert!(after(ROWS_MAX).is_nan());
    }

    #[test]
    fn without_prices_the_first_feature_is_differenced() {
        let history = OwnedHistory::new(&[1.0, 50.0, 4.0, 70.0, 2.0, 90.0], 2, 1);
        let changes = changes(&history.view());
        assert!(changes[0].is_nan());
        assert_eq!(changes[1..], [3.0, -2.0]);
    }

    #[test]
    fn scores_agree_with_pandas() {
        // python3 -c "import numpy as np, pandas as pd; c=pd.Series(np.sin(np.arange(300.)**2)); a=c.abs(); print((a/(1.482602218505602*a.rolling(250,min_periods=10).median().shift())).iloc[[10,299]].tolist())"
        let changes: Vec<f64> = (0..300).map(|k| f64::from(k * k).sin()).collect();
        let scores = scores(&changes);
        assert!(scores[9].is_nan());
        // Order statistics of the same numbers and two roundings.
        assert!((scores[10] - 0.49259504892524103).abs() < 1e-15, "{}", scores[10]);
        assert!((scores[299] - 0.6153756417074647).abs() < 1e-15, "{}", scores[299]);
    }

    #[test]
    fn degenerate_changes_have_no_score() {
        assert!(scores(&[]).is_empty());
        assert!(scores(&[1.0])[0].is_nan());
        assert!(scores(&[f64::NAN; 30]).iter().all(|score| score.is_nan()));
        assert!(scores(&[0.0; 30]).iter().all(|score| score.is_nan()));
    }

    #[test]
    fn mostly_unchanged_prices_are_compared_with_the_mean_change() {
        // Nine zeros and a 1: median 0, mean .1; then 2 / (1.2533 · .1).
        let mut changes = vec![0.0; 9];
        changes.extend([1.0, 2.0]);
        let scores = scores(&changes);
        assert_eq!(scores[10], 2.0 / (SIGMA_PER_MEAN_DEVIATION / 10.0));
    }

    proptest! {
        #[test]
        fn a_row_has_the_same_score_whichever_others_are_asked(
            changes in prop::collection::vec(prop::option::weighted(0.9, -9_i32..9), 0..1200),
            asked in prop::collection::vec(0_usize..1200, 1..6),
        ) {
            let changes: Vec<f64> =
                changes.iter().map(|change| change.map_or(f64::NAN, f64::from)).collect();
            let (all, some) = (scores(&changes), super::scores(&changes, |row| asked.contains(&row)));
            for row in 0..changes.len() {
                let expected = if asked.contains(&row) { all[row] } else { f64::NAN };
                prop_assert_eq!(some[row].to_bits(), expected.to_bits(), "row {}", row);
            }
        }

        #[test]
        fn a_scaled_series_keeps_its_scores(
            changes in prop::collection::vec(-1.0_f64..1.0, 0..40),
        ) {
            // By a power of two, so that nothing is rounded.
            let scaled: Vec<f64> = changes.iter().map(|change| change * 1024.0).collect();
            let bits = |scores: Vec<f64>| scores.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(bits(scores(&changes)), bits(scores(&scaled)));
        }

        #[test]
        fn rows_beyond_the_lookback_change_nothing(
            levels in prop::collection::vec(prop::option::weighted(0.3, -9.0_f64..9.0), 510..600),
        ) {
            let levels: Vec<f64> = levels.iter().map(|level| level.unwrap_or(f64::NAN)).collect();
            let last = |levels: &[f64]| {
                let score = scores(&changes(&OwnedHistory::new(levels, 1, 1).view()));
                score[score.len() - 1].to_bits()
            };
            prop_assert_eq!(last(&levels), last(&levels[levels.len() - LOOKBACK - 1..]));
        }
    }
}
