//! What a person on duty asks: which events were found, how soon, and how often was it for nothing?
//!
//! An event is found if a row within it, or within the tolerance before or behind it, is flagged. Precision counts
//! flagged rows, not runs of them: one long alarm over everything is not one right answer.
//!
//! Shapes: labels and flags `[time]`. Source: event recall beside point precision as in Garg et al., TNNLS 2021,
//! "An Evaluation of Anomaly Detection and Diagnosis in Multivariate Time Series"; the tolerance is ours.

use super::ranges::{ranges, widened};
use crate::statistics::to_real;

/// Events found, and flags for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// Events there are.
    pub n_events: usize,
    /// Of those found: first row of the event, and the first flagged row that found it.
    pub found: Vec<(usize, usize)>,
    /// Flagged rows.
    pub n_flags: usize,
    /// Flagged rows outside all events and their tolerance.
    pub n_false: usize,
}

impl Hits {
    /// Events that `flags` find; `tolerance` in rows.
    pub fn of(labels: &[bool], flags: &[bool], tolerance: usize) -> Self {
        let events = ranges(labels);
        let mut is_near = vec![false; labels.len()];
        let mut hits = Self { n_events: events.len(), ..Self::default() };
        for event in &events {
            let near = widened(event, tolerance, labels.len());
            is_near[near.clone()].fill(true);
            if let Some(row_idx) = near.into_iter().find(|&row_idx| flags[row_idx]) {
                hits.found.push((event.start, row_idx));
            }
        }
        for (_, is_near) in flags.iter().zip(is_near).filter(|(flag, _)| **flag) {
            hits.n_flags += 1;
            hits.n_false += usize::from(!is_near);
        }
        hits
    }

    /// Share of the events that were found; `None` without an event.
    pub fn recall(&self) -> Option<f64> {
        (self.n_events > 0).then(|| to_real(self.found.len()) / to_real(self.n_events))
    }

    /// Share of the flagged rows that lie at an event; `None` without an event or without a flag.
    pub fn precision(&self) -> Option<f64> {
        let n_right = to_real(self.n_flags - self.n_false);
        (self.n_events > 0 && self.n_flags > 0).then(|| n_right / to_real(self.n_flags))
    }

    /// Mean time from the first row of an event to its first flag, 0 where the flag came before; `None` where
    /// none was found. `time` gives the time of a row, in any unit.
    pub fn latency(&self, time: impl Fn(usize) -> f64) -> Option<f64> {
        let waited = |&(start, flag): &(usize, usize)| (time(flag) - time(start)).max(0.0);
        let sum: f64 = self.found.iter().map(waited).sum();
        (!self.found.is_empty()).then(|| sum / to_real(self.found.len()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::ranges::rows_of;

    #[test]
    fn a_small_case_with_and_without_tolerance() {
        // Events 5–7, 12, 18–19; flags 4, 6, 13, 16.
        let labels = rows_of(24, &[(5, 7), (12, 12), (18, 19)]);
        let flags = rows_of(24, &[(4, 4), (6, 6), (13, 13), (16, 16)]);
        let strict = Hits::of(&labels, &flags, 0);
        assert_eq!((strict.recall(), strict.precision()), (Some(1.0 / 3.0), Some(0.25)));
        assert_eq!(strict.latency(to_real), Some(1.0));
        // One row of tolerance: 4 finds the first event a row early, which counts as no wait, 13 the second.
        let kind = Hits::of(&labels, &flags, 1);
        assert_eq!(kind.found, [(5, 4), (12, 13)]);
        assert_eq!((kind.n_false, kind.precision()), (1, Some(0.75)));
        assert_eq!(kind.latency(to_real), Some(0.5));
        // The time of a row may be anything.
        assert_eq!(kind.latency(|row_idx| 7.0 * to_real(row_idx)), Some(3.5));
    }

    #[test]
    fn one_alarm_over_everything_is_right_as_often_as_there_are_anomalies() {
        let labels = rows_of(20, &[(3, 4), (10, 11)]);
        let all = Hits::of(&labels, &[true; 20], 0);
        assert_eq!((all.recall(), all.precision(), all.n_false), (Some(1.0), Some(0.2), 16));
    }

    #[test]
    fn degenerate_rows() {
        let none = Hits::of(&[], &[], 3);
        assert_eq!((none.recall(), none.precision(), none.latency(to_real)), (None, None, None));
        let normal = Hits::of(&[false; 3], &[true; 3], usize::MAX);
        assert_eq!((normal.recall(), normal.precision(), normal.n_false), (None, None, 3));
        let silent = Hits::of(&[true; 3], &[false; 3], 1);
        assert_eq!((silent.recall(), silent.precision()), (Some(0.0), None));
    }

    #[test]
    fn one_flag_may_find_two_events() {
        // Two events share one flag between them when their tolerances overlap.
        let hits = Hits::of(&rows_of(9, &[(2, 2), (6, 6)]), &rows_of(9, &[(4, 4)]), 2);
        assert_eq!((hits.found.len(), hits.n_false), (2, 0));
    }

    proptest! {
        #[test]
        fn more_tolerance_never_finds_less(
            rows in prop::collection::vec(any::<(bool, bool)>(), 0..50),
            tolerance in 0_usize..9,
        ) {
            let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let flags: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let (less, more) =
                (Hits::of(&labels, &flags, tolerance), Hits::of(&labels, &flags, tolerance + 1));
            prop_assert!(less.found.len() <= more.found.len() && less.n_false >= more.n_false);
            prop_assert!(less.found.len() <= less.n_events && less.n_false <= less.n_flags);
        }
    }
}
