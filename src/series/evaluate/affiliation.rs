//! Affiliation precision, recall and F1: how much nearer flags are to events than random ones would be.
//!
//! The rows are divided among the events, each row to the nearest. Within an event's zone, a flag counts by
//! the chance that a random row of the zone would lie farther from the event; a row of the event counts by the
//! chance that a random flag would lie farther from it. Means over zones. Flags nearby thus earn something: a
//! random detector reaches about .5 precision and much recall, so that null rows must stand beside it.
//!
//! Shapes: labels and flags `[time]`; row `i` is the interval `[i, i + 1)`. Source: Huet, Navarro and Rossi,
//! KDD 2022, "Local Evaluation of Time Series Anomaly Detection Algorithms".

mod chance;

use super::ranges::ranges;
use crate::statistics::to_real;
use chance::Interval;

/// Flags against labels, zone by zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affiliation {
    /// Mean over the zones that have a flag; `None` without a flag.
    pub precision: Option<f64>,
    /// Mean over all zones; 0 in one without a flag.
    pub recall: f64,
    /// Harmonic mean of both; 0 without a flag.
    pub f1: f64,
}

/// Zone by zone; `None` without an event.
pub fn affiliation(labels: &[bool], flags: &[bool]) -> Option<Affiliation> {
    let events = intervals(labels);
    let alarms = intervals(flags);
    let zones = nearest(&events, Interval { from: 0.0, to: to_real(labels.len()) });
    let (mut precisions, mut recalls, mut n_flagged_zones) = (0.0, 0.0, 0_usize);
    for (event, zone) in events.iter().zip(&zones) {
        let within = within(&alarms, *zone);
        if !within.is_empty() {
            precisions += precision(&within, *event, *zone);
            recalls += recall(&within, *event, *zone);
            n_flagged_zones += 1;
        }
    }
    let recall = (!events.is_empty()).then(|| recalls / to_real(events.len()))?;
    let precision = (n_flagged_zones > 0).then(|| precisions / to_real(n_flagged_zones));
    let sum = recall + precision.unwrap_or(0.0);
    let f1 = if sum > 0.0 { 2.0 * recall * precision.unwrap_or(0.0) / sum } else { 0.0 };
    Some(Affiliation { precision, recall, f1 })
}

fn intervals(rows: &[bool]) -> Vec<Interval> {
    let interval = |range: std::ops::Range<usize>| Interval {
        from: to_real(range.start),
        to: to_real(range.end),
    };
    ranges(rows).into_iter().map(interval).collect()
}

/// `whole` divided among intervals, each point to the nearest.
fn nearest(intervals: &[Interval], whole: Interval) -> Vec<Interval> {
    let between = |left: usize| (intervals[left].to + intervals[left + 1].from) / 2.0;
    let last = intervals.len().saturating_sub(1);
    let zone = |idx: usize| Interval {
        from: if idx == 0 { whole.from } else { between(idx - 1) },
        to: if idx == last { whole.to } else { between(idx) },
    };
    (0..intervals.len()).map(zone).collect()
}

/// The parts of ordered `intervals` within `zone`.
fn within(intervals: &[Interval], zone: Interval) -> Vec<Interval> {
    let first = intervals.partition_point(|interval| interval.to <= zone.from);
    let touching = intervals[first..].iter().take_while(|interval| interval.from < zone.to);
    touching.filter_map(|interval| interval.shared(zone)).collect()
}

/// Mean chance over the flagged points that a random point of the zone is farther from the event.
fn precision(alarms: &[Interval], event: Interval, zone: Interval) -> f64 {
    let length: f64 = alarms.iter().map(|alarm| alarm.length()).sum();
    alarms.iter().map(|alarm| chance::of_alarm(*alarm, event, zone)).sum::<f64>() / length
}

/// Mean chance over the points of the event that a random flag in the zone is farther from them.
fn recall(alarms: &[Interval], event: Interval, zone: Interval) -> f64 {
    let chances = alarms.iter().zip(nearest(alarms, zone)).map(|(alarm, near)| {
        event.shared(near).map_or(0.0, |part| chance::of_event(part, *alarm, zone))
    });
    chances.sum::<f64>() / event.length()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::golden;
    use crate::evaluate::ranges::rows_of;

    #[test]
    fn a_flag_beside_the_event_counts_by_what_is_farther() {
        // Ten rows, event [4, 5), flag [5, 6): the zone is all. A point at distance d right of the event has
        // 1 − (1 + min(4, d) + d)/10 of the zone farther: from d = 0 to 1 the mean is 1 − (1 + 2 · 0.5)/10 = 0.8.
        let found = affiliation(&rows_of(10, &[(4, 4)]), &rows_of(10, &[(5, 5)])).unwrap();
        assert!((found.precision.unwrap() - 0.8).abs() < 1e-15);
        // A point y of the event is 5 − y from the flag; 2 · (5 − y) of the zone is nearer: 1 − 2 · 0.5/10.
        assert!((found.recall - 0.9).abs() < 1e-15, "{found:?}");
        assert!((found.f1 - 2.0 * 0.8 * 0.9 / 1.7).abs() < 1e-15);
    }

    #[test]
    fn figures_agree_with_the_reference() {
        let mut n_compared = 0;
        for case in golden::cases() {
            let found = affiliation(&case.labels(), &case.flags()).unwrap();
            let (Some(precision), Some(recall)) =
                (case.affiliation_precision, case.affiliation_recall)
            else {
                assert_eq!((found.precision, found.recall), (None, 0.0));
                continue;
            };
            // Areas of lengths up to 2,000, by other formulas.
            assert!((found.precision.unwrap() - precision).abs() < 1e-11, "{found:?} {precision}");
            assert!((found.recall - recall).abs() < 1e-11, "{found:?} {recall}");
            n_compared += 1;
        }
        assert!(n_compared > 30, "{n_compared}");
    }

    #[test]
    fn degenerate_rows() {
        assert_eq!(affiliation(&[], &[]), None);
        assert_eq!(affiliation(&[false; 3], &[true; 3]), None);
        let silent = affiliation(&[true, false], &[false, false]).unwrap();
        assert_eq!((silent.precision, silent.recall, silent.f1), (None, 0.0, 0.0));
        let all = affiliation(&[true; 3], &[true; 3]).unwrap();
        assert_eq!((all.precision, all.recall, all.f1), (Some(1.0), 1.0, 1.0));
    }

    proptest! {
        #[test]
        fn flags_that_are_the_labels_are_perfect_and_all_figures_lie_between_0_and_1(
            rows in prop::collection::vec(any::<(bool, bool)>(), 1..60),
        ) {
            let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let flags: Vec<bool> = rows.iter().map(|row| row.1).collect();
            if let Some(own) = affiliation(&labels, &labels) {
                prop_assert!((own.f1 - 1.0).abs() < 1e-12);
                let found = affiliation(&labels, &flags).unwrap();
                for figure in [found.precision.unwrap_or(0.0), found.recall, found.f1] {
                    prop_assert!((-1e-12..=1.0 + 1e-12).contains(&figure), "{:?}", found);
                }
            }
        }
    }
}
