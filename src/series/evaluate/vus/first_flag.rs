//! From which of the thresholds on each row is flagged.

use std::ops::Range;

use crate::statistics::to_real;

/// Thresholds of a curve: scores at even steps down the ranking.
pub(super) const THRESHOLDS: usize = 250;

/// The first threshold that flags each row, and the first that flags a row of any range.
pub(super) struct FirstFlags {
    /// `by_level[k][row]`: the first threshold among the rows `row .. row + 2^k`.
    by_level: Vec<Vec<u8>>,
}

impl FirstFlags {
    /// Of `scores`, none NaN, at least one.
    pub(super) fn new(scores: &[f64]) -> Self {
        let mut descending = scores.to_vec();
        descending.sort_unstable_by(|a, b| b.total_cmp(a));
        let thresholds: Vec<f64> =
            (0..THRESHOLDS).map(|step| descending[rank(step, scores.len())]).collect();
        let first = |score: &f64| thresholds.partition_point(|threshold| threshold > score);
        // The last threshold is the lowest score: each row is flagged by one.
        let rows = scores.iter().map(|score| u8::try_from(first(score)).unwrap_or(u8::MAX));
        let mut by_level = vec![rows.collect::<Vec<u8>>()];
        let mut width = 1;
        while 2 * width <= scores.len() {
            let Some(half) = by_level.last() else { break };
            let both = half.iter().zip(&half[width..]).map(|(a, b)| *a.min(b));
            let both: Vec<u8> = both.collect();
            by_level.push(both);
            width *= 2;
        }
        Self { by_level }
    }

    /// The first threshold that flags one of `rows`, which are not none.
    pub(super) fn first_in(&self, rows: Range<usize>) -> usize {
        let level = (usize::BITS - 1 - rows.len().leading_zeros()) as usize;
        let level_rows = &self.by_level[level];
        usize::from(level_rows[rows.start].min(level_rows[rows.end - (1 << level)]))
    }

    /// The weight of all `rows` that each threshold flags.
    pub(super) fn running(
        &self,
        rows: impl Iterator<Item = usize>,
        weight: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let mut sums = vec![0.0; THRESHOLDS];
        for row_idx in rows {
            sums[usize::from(self.by_level[0][row_idx])] += weight(row_idx);
        }
        let mut so_far = 0.0;
        for sum in &mut sums {
            so_far += *sum;
            *sum = so_far;
        }
        sums
    }
}

/// Rank of the score that is threshold `step`: `linspace(0, n − 1, 250)`, rounded down.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 … n − 1")]
fn rank(step: usize, n: usize) -> usize {
    match step + 1 == THRESHOLDS {
        true => n - 1,
        false => (to_real(step) * (to_real(n - 1) / to_real(THRESHOLDS - 1))) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_numpy() {
        // python3 -c "import numpy as np; r=np.linspace(0,999,250).astype(int); print(r[[0,1,2,124,125,248,249]], r.sum())"
        let ranks: Vec<usize> = (0..THRESHOLDS).map(|step| rank(step, 1000)).collect();
        assert_eq!([0, 1, 2, 124, 125, 248, 249].map(|step| ranks[step]), RANKS);
        assert_eq!(ranks.iter().sum::<usize>(), RANK_SUM);
        assert!((0..THRESHOLDS).all(|step| rank(step, 1) == 0));
    }
    const RANKS: [usize; 7] = [0, 4, 8, 497, 501, 994, 999];
    const RANK_SUM: usize = 124_752;

    #[test]
    fn the_first_flag_of_a_range_is_that_of_its_highest_score() {
        let scores: Vec<f64> = (0..100).map(|k| f64::from(k * 37 % 100)).collect();
        let flags = FirstFlags::new(&scores);
        for start in 0..100 {
            for end in start + 1..=100 {
                let expected = (start..end).map(|row_idx| flags.by_level[0][row_idx]).min();
                assert_eq!(Some(flags.first_in(start..end)), expected.map(usize::from));
            }
        }
    }
}
