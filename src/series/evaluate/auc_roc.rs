//! Area under the receiver operating characteristic.
//!
//! The share of pairs of an anomalous row and another in which the anomalous one scores higher; equal
//! scores count half. Random scores give 1/2. Where anomalies are rare it hides false alarms: see AUC-PR.
//!
//! Shapes: labels and scores `[time]`. Source: Hanley and McNeil 1982, as scikit-learn's `roc_auc_score`.

use super::ranking::cuts;
use crate::statistics::to_real;

/// Area under the curve; `None` without an anomalous row, or without another.
pub fn auc_roc(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let cuts = cuts(labels, scores);
    let all = cuts.last().filter(|all| all.n_true > 0 && all.n_false > 0)?;
    let (mut twice, mut true_before, mut false_before) = (0.0, 0, 0);
    for cut in &cuts {
        twice += to_real(cut.n_false - false_before) * to_real(cut.n_true + true_before);
        (true_before, false_before) = (cut.n_true, cut.n_false);
    }
    Some(twice / 2.0 / (to_real(all.n_true) * to_real(all.n_false)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::golden;

    #[test]
    fn the_area_of_a_small_case() {
        // Pairs (3, 2) and (2, 2) and (3, 1) and (2, 1): higher, equal, higher, higher: 3.5/4.
        let found = auc_roc(&[true, false, true, false], &[3.0, 2.0, 2.0, 1.0]);
        assert_eq!(found, Some(0.875));
    }

    #[test]
    fn the_area_agrees_with_scikit_learn() {
        for case in golden::cases() {
            let found = auc_roc(&case.labels(), &case.scores).unwrap();
            // Halves of whole numbers below 10⁶, divided once.
            assert!((found - case.auc_roc).abs() < 1e-12, "{found} {}", case.auc_roc);
        }
    }

    #[test]
    fn degenerate_rows() {
        assert_eq!(auc_roc(&[], &[]), None);
        assert_eq!(auc_roc(&[true], &[1.0]), None);
        assert_eq!(auc_roc(&[false], &[1.0]), None);
        assert_eq!(auc_roc(&[true, false], &[5.0, 5.0]), Some(0.5));
        assert_eq!(auc_roc(&[true, false], &[f64::NAN, -1e300]), Some(0.0));
    }

    proptest! {
        #[test]
        fn reversed_scores_reverse_the_area(
            rows in prop::collection::vec((any::<bool>(), -9_i32..9), 0..40),
        ) {
            let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            let reversed: Vec<f64> = scores.iter().map(|score| -score).collect();
            match (auc_roc(&labels, &scores), auc_roc(&labels, &reversed)) {
                (Some(area), Some(other)) => prop_assert!((area + other - 1.0).abs() < 1e-12),
                (none, other) => prop_assert_eq!(none, other),
            }
        }
    }
}
