//! Range-based precision, recall and F1.
//!
//! Each range counts once, whatever its length. Recall of an event: 0.2 for having a flag at all, 0.8 times
//! the share of it that is flagged, divided by the number of alarms that share it. Precision of an alarm: the
//! share of it that is labelled, divided by the number of events it touches. Means over events and alarms.
//!
//! Shapes: labels and flags `[time]`. Source: Tatbul et al., NeurIPS 2018, "Precision and Recall for Time
//! Series", with the weights of TSB-AD (α = 0.2, flat bias, reciprocal cardinality). We differ: flags on every
//! row are one alarm, where TSB-AD finds none.

use std::ops::Range;

use super::ranges::{ranges, shared};
use crate::statistics::to_real;

/// Which rows of a range weigh more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias {
    /// All the same.
    #[default]
    Flat,
    /// The first ones.
    Front,
    /// The middle ones.
    Middle,
    /// The last ones.
    Back,
}

/// How ranges are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeRule {
    /// Weight of having a flag at all in the recall of an event, 0 … 1.
    pub existence: f64,
    /// Which rows of an event or alarm weigh more.
    pub bias: Bias,
}

impl Default for RangeRule {
    /// That of TSB-AD.
    fn default() -> Self {
        Self { existence: 0.2, bias: Bias::Flat }
    }
}

/// Flags against labels, range by range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeF1 {
    /// Mean over alarms; `None` without an alarm.
    pub precision: Option<f64>,
    /// Mean over events.
    pub recall: f64,
    /// Harmonic mean of both; 0 without an alarm.
    pub f1: f64,
}

/// Range by range; `None` without an event.
pub fn range_f1(labels: &[bool], flags: &[bool], rule: RangeRule) -> Option<RangeF1> {
    let (events, alarms) = (ranges(labels), ranges(flags));
    let recall = mean_reward(&events, &alarms, rule)?;
    let precision = mean_reward(&alarms, &events, RangeRule { existence: 0.0, ..rule });
    let sum = recall + precision.unwrap_or(0.0);
    let f1 = if sum > 0.0 { 2.0 * recall * precision.unwrap_or(0.0) / sum } else { 0.0 };
    Some(RangeF1 { precision, recall, f1 })
}

/// Mean over `these` of how well `others` cover them.
fn mean_reward(these: &[Range<usize>], others: &[Range<usize>], rule: RangeRule) -> Option<f64> {
    let sum: f64 = these.iter().map(|range| reward(range, others, rule)).sum();
    (!these.is_empty()).then(|| sum / to_real(these.len()))
}

fn reward(range: &Range<usize>, others: &[Range<usize>], rule: RangeRule) -> f64 {
    let first = others.partition_point(|other| other.end <= range.start);
    let last = others.partition_point(|other| other.start < range.end);
    let touching = &others[first..last.max(first)];
    if touching.is_empty() {
        return 0.0;
    }
    let weigh = |rows: Range<usize>| -> f64 {
        rows.map(|row_idx| rule.bias.weight(row_idx - range.start + 1, range.len())).sum()
    };
    let covered: f64 = touching.iter().map(|other| weigh(shared(range, other))).sum();
    let overlap = covered / weigh(range.clone()) / to_real(touching.len());
    rule.existence + (1.0 - rule.existence) * overlap
}

impl Bias {
    /// Weight of the `place`-th of `length` rows, counted from 1.
    fn weight(self, place: usize, length: usize) -> f64 {
        match self {
            Self::Flat => 1.0,
            Self::Front => to_real(length - place + 1),
            Self::Back => to_real(place),
            Self::Middle if 2 * place <= length => to_real(place),
            Self::Middle => to_real(length - place + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::golden;
    use crate::evaluate::ranges::rows_of;

    #[test]
    fn figures_of_a_small_case() {
        // Events 2–5 and 8–8; alarms 1–2 and 5–5.
        let labels = rows_of(10, &[(2, 5), (8, 8)]);
        let flags = rows_of(10, &[(1, 2), (5, 5)]);
        let found = range_f1(&labels, &flags, RangeRule::default()).unwrap();
        // First event: 0.2 + 0.8 · (2/4) · (1/2) = 0.4; the second has none. Alarms: 1/2 and 1.
        assert!((found.recall - 0.2).abs() < 1e-15);
        assert_eq!(found.precision, Some(0.75));
        assert!((found.f1 - 2.0 * 0.2 * 0.75 / 0.95).abs() < 1e-15);
    }

    #[test]
    fn figures_agree_with_tsb_ad() {
        for case in golden::cases() {
            let found = range_f1(&case.labels(), &case.flags(), RangeRule::default()).unwrap();
            // Sums of at most 20 terms.
            assert!((found.recall - case.range_recall).abs() < 1e-13);
            assert!((found.precision.unwrap_or(0.0) - case.range_precision).abs() < 1e-13);
            assert!((found.f1 - case.range_f1).abs() < 1e-13);
        }
    }

    #[test]
    fn biases_agree_with_prts() {
        let mut n_compared = 0;
        for case in golden::cases() {
            let (Some(recalls), Some(precisions)) = (case.biased_recall, case.biased_precision)
            else {
                continue;
            };
            for (bias_idx, bias) in
                [Bias::Flat, Bias::Front, Bias::Middle, Bias::Back].into_iter().enumerate()
            {
                let rule = RangeRule { bias, ..RangeRule::default() };
                let found = range_f1(&case.labels(), &case.flags(), rule).unwrap();
                assert!((found.recall - recalls[bias_idx]).abs() < 1e-12, "{bias:?}");
                assert!(
                    (found.precision.unwrap() - precisions[bias_idx]).abs() < 1e-12,
                    "{bias:?}"
                );
                n_compared += 1;
            }
        }
        assert!(n_compared > 100, "{n_compared}");
    }

    #[test]
    fn degenerate_rows() {
        let rule = RangeRule::default();
        assert_eq!(range_f1(&[], &[], rule), None);
        assert_eq!(range_f1(&[false; 3], &[true; 3], rule), None);
        let silent = range_f1(&[true, false], &[false, false], rule).unwrap();
        assert_eq!((silent.precision, silent.recall, silent.f1), (None, 0.0, 0.0));
        // Flags everywhere: one alarm, a quarter of which is labelled, in one event.
        let all = range_f1(&[false, true, false, false], &[true; 4], rule).unwrap();
        assert_eq!((all.precision, all.recall), (Some(0.25), 1.0));
    }

    proptest! {
        #[test]
        fn flags_that_are_the_labels_are_perfect_and_all_figures_lie_between_0_and_1(
            rows in prop::collection::vec(any::<(bool, bool)>(), 1..40),
        ) {
            let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let flags: Vec<bool> = rows.iter().map(|row| row.1).collect();
            if let Some(own) = range_f1(&labels, &labels, RangeRule::default()) {
                prop_assert_eq!((own.precision, own.recall, own.f1), (Some(1.0), 1.0, 1.0));
                let found = range_f1(&labels, &flags, RangeRule::default()).unwrap();
                prop_assert!((0.0..=1.0).contains(&found.f1) && (0.0..=1.0).contains(&found.recall));
            }
        }
    }
}
