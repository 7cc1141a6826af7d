//! Events: runs of flagged rows of one ticker and one detector.

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::judge::{Direction, JudgedRow};

/// `[events]`: `max_gap_rows` 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventRule {
    /// So many unflagged rows may lie between two flagged rows of one event.
    pub max_gap_rows: usize,
}

/// A run of flagged rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// First flagged row.
    pub start_row_idx: usize,
    /// Last flagged row.
    pub end_row_idx: usize,
    /// Flagged rows.
    pub n_points: usize,
    /// Row with the largest threshold ratio, the first of equals; of breaks alone, the first.
    pub peak_row_idx: usize,
    /// Its threshold ratio; `None` where no row has one.
    pub peak_threshold_ratio: Option<f64>,
    /// Its direction.
    pub direction: Option<Direction>,
}

impl EventRule {
    /// The events among the judged rows of `history`, in order, which are also written into the rows.
    ///
    /// A gap between dates ends an event; a break does not.
    pub fn group(&self, history: &History<'_>, rows: &mut [JudgedRow]) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut open = false;
        for row in rows {
            let row_idx = row.row_idx;
            open &= history.continues(row_idx) || history.breaks[row_idx];
            if !row.is_anomaly {
                continue;
            }
            match events.last_mut() {
                Some(event) if open && row_idx - event.end_row_idx <= 1 + self.max_gap_rows => {
                    event.extend(row);
                }
                _ => events.push(Event::new(row)),
            }
            row.event_idx = Some(events.len() - 1);
            open = true;
        }
        events
    }
}

impl Event {
    fn new(row: &JudgedRow) -> Self {
        Self {
            start_row_idx: row.row_idx,
            end_row_idx: row.row_idx,
            n_points: 1,
            peak_row_idx: row.row_idx,
            peak_threshold_ratio: row.threshold_ratio,
            direction: row.direction,
        }
    }

    fn extend(&mut self, row: &JudgedRow) {
        self.end_row_idx = row.row_idx;
        self.n_points += 1;
        // None is less than any number.
        if row.threshold_ratio > self.peak_threshold_ratio {
            self.peak_row_idx = row.row_idx;
            self.peak_threshold_ratio = row.threshold_ratio;
            self.direction = row.direction;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::split::Span;

    /// Flagged where there is a ratio; a ratio of 0 stands for a flagged row without one.
    fn rows(ratios: &[Option<f64>]) -> Vec<JudgedRow> {
        let row = |(row_idx, ratio): (usize, &Option<f64>)| JudgedRow {
            is_anomaly: ratio.is_some(),
            threshold_ratio: ratio.filter(|&ratio| ratio > 0.0),
            ..JudgedRow::unjudged(row_idx, Span::Test)
        };
        ratios.iter().enumerate().map(row).collect()
    }

    fn history(n: usize) -> OwnedHistory {
        OwnedHistory::new(&vec![1.0; n], 1, 1)
    }

    /// (start, end, points, peak) of each event.
    fn group(
        max_gap_rows: usize,
        history: &OwnedHistory,
        ratios: &[Option<f64>],
    ) -> Vec<(usize, usize, usize, usize)> {
        let events = EventRule { max_gap_rows }.group(&history.view(), &mut rows(ratios));
        let summary = |e: &Event| (e.start_row_idx, e.end_row_idx, e.n_points, e.peak_row_idx);
        events.iter().map(summary).collect()
    }

    const RATIOS: [Option<f64>; 7] = [None, Some(1.5), Some(3.0), Some(3.0), None, Some(2.0), None];

    #[test]
    fn successive_flags_are_one_event_with_its_first_largest_ratio_as_peak() {
        assert_eq!(group(0, &history(7), &RATIOS), [(1, 3, 3, 2), (5, 5, 1, 5)]);
    }

    #[test]
    fn a_gap_of_one_row_is_bridged_where_allowed() {
        assert_eq!(group(1, &history(7), &RATIOS), [(1, 5, 4, 2)]);
    }

    #[test]
    fn a_gap_between_dates_ends_an_event_and_a_break_does_not() {
        assert_eq!(group(1, &history(7).cut(4, false), &RATIOS), [(1, 3, 3, 2), (5, 5, 1, 5)]);
        let ratios = [Some(1.5), Some(0.0), Some(2.0)];
        assert_eq!(group(0, &history(3).cut(1, true), &ratios), [(0, 2, 3, 2)]);
        assert_eq!(group(0, &history(3).cut(1, true), &[None, Some(0.0), None]), [(1, 1, 1, 1)]);
    }

    #[test]
    fn rows_know_their_event() {
        let mut rows = rows(&RATIOS);
        EventRule::default().group(&history(7).view(), &mut rows);
        let events: Vec<Option<usize>> = rows.iter().map(|row| row.event_idx).collect();
        assert_eq!(events, [None, Some(0), Some(0), Some(0), None, Some(1), None]);
    }

    #[test]
    fn no_rows_and_no_flags_are_no_events() {
        assert!(group(0, &history(0), &[]).is_empty());
        assert!(group(3, &history(2), &[None, None]).is_empty());
    }

    proptest! {
        #[test]
        fn every_flag_is_in_exactly_one_event_and_larger_gaps_never_make_more(
            flags in prop::collection::vec(any::<bool>(), 0..60),
            max_gap_rows in 0_usize..4,
        ) {
            let ratios: Vec<Option<f64>> = flags.iter().map(|&f| f.then_some(2.0)).collect();
            let history = history(flags.len());
            let events = group(max_gap_rows, &history, &ratios);
            let n_points: usize = events.iter().map(|event| event.2).sum();
            prop_assert_eq!(n_points, flags.iter().filter(|&&flag| flag).count());
            prop_assert!(events.windows(2).all(|pair| pair[0].1 < pair[1].0));
            prop_assert!(group(max_gap_rows + 1, &history, &ratios).len() <= events.len());
        }
    }
}
