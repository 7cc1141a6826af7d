//! Runs of rows: events are runs of labelled rows, alarms are runs of flagged ones.

use std::ops::Range;

/// The longest runs of rows that are true, in order; neither touches the next.
pub fn ranges(rows: &[bool]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (row_idx, _) in rows.iter().enumerate().filter(|(_, is_in)| **is_in) {
        match ranges.last_mut() {
            Some(last) if last.end == row_idx => last.end += 1,
            _ => ranges.push(row_idx..row_idx + 1),
        }
    }
    ranges
}

/// `range` with `rows` more on either side, as far as there are `n` rows.
pub(super) fn widened(range: &Range<usize>, rows: usize, n: usize) -> Range<usize> {
    range.start.saturating_sub(rows)..range.end.saturating_add(rows).min(n)
}

/// Rows that two ranges share.
pub(super) fn shared(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

/// `n` rows that are true within `ranges`.
#[cfg(test)]
pub(super) fn rows_of(n: usize, ranges: &[(usize, usize)]) -> Vec<bool> {
    let is_in = |row_idx: usize| ranges.iter().any(|&(a, b)| (a..=b).contains(&row_idx));
    (0..n).map(is_in).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_begin_and_end_where_the_rows_do() {
        let rows = [true, true, false, true, false, false, true];
        assert_eq!(ranges(&rows), [0..2, 3..4, 6..7]);
        assert_eq!(ranges(&[true; 3]).first(), Some(&(0..3)));
        assert!(ranges(&[]).is_empty() && ranges(&[false; 3]).is_empty());
    }

    #[test]
    fn a_range_widens_no_further_than_the_rows() {
        assert_eq!(widened(&(3..5), 2, 9), 1..7);
        assert_eq!(widened(&(1..5), 9, 6), 0..6);
        assert_eq!(widened(&(1..5), usize::MAX, 6), 0..6);
    }

    proptest! {
        #[test]
        fn the_runs_hold_every_row_that_is_true_once(rows in prop::collection::vec(any::<bool>(), 0..40)) {
            let held: Vec<usize> = ranges(&rows).into_iter().flatten().collect();
            let is_true: Vec<usize> = (0..rows.len()).filter(|&row_idx| rows[row_idx]).collect();
            prop_assert_eq!(held, is_true);
        }
    }
}
