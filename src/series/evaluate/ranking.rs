//! Rows in the order of their scores, and where thresholds cut them.
//!
//! A row without a score counts as lower than all others: a detector that is silent finds nothing there.

use crate::statistics::to_real;

/// Scores to compare; NaN becomes the lowest.
pub(super) fn known(scores: &[f64]) -> Vec<f64> {
    scores.iter().map(|&score| if score.is_nan() { f64::NEG_INFINITY } else { score }).collect()
}

/// What a threshold at one of the scores flags: the rows at or above it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    /// Flagged are scores at or above this.
    pub(super) threshold: f64,
    /// Flagged rows that are anomalous.
    pub(super) n_true: usize,
    /// Flagged rows that are not.
    pub(super) n_false: usize,
}

impl Cut {
    /// Share of the flagged rows that are anomalous.
    pub(super) fn precision(&self) -> f64 {
        to_real(self.n_true) / to_real(self.n_true + self.n_false)
    }
}

/// One cut at each distinct score, highest first: more rows are flagged from one to the next.
pub(super) fn cuts(labels: &[bool], scores: &[f64]) -> Vec<Cut> {
    let mut rows: Vec<(f64, bool)> =
        known(scores).into_iter().zip(labels.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut cuts: Vec<Cut> = Vec::new();
    let (mut n_true, mut n_false) = (0, 0);
    for (score, is_anomalous) in rows {
        n_true += usize::from(is_anomalous);
        n_false += usize::from(!is_anomalous);
        let cut = Cut { threshold: score, n_true, n_false };
        match cuts.last_mut() {
            // Also 0 and -0.
            Some(last) if last.threshold == score => *last = cut,
            _ => cuts.push(cut),
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_cut_together_and_rows_without_a_score_come_last() {
        let scores = [2.0, f64::NAN, 0.0, 2.0, -0.0];
        let cuts = cuts(&[true, true, false, false, true], &scores);
        let counts: Vec<(usize, usize)> =
            cuts.iter().map(|cut| (cut.n_true, cut.n_false)).collect();
        assert_eq!(counts, [(1, 1), (2, 2), (3, 2)]);
        assert_eq!(cuts[2].threshold, f64::NEG_INFINITY);
        assert_eq!(cuts[0].precision(), 0.5);
    }
}
