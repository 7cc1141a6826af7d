//! Area under the precision-recall curve, as average precision.
//!
//! `Σ (Rₖ − Rₖ₋₁) Pₖ` over the distinct scores from the highest down: steps, no interpolation, which would
//! be too kind. Random scores give the share of anomalous rows.
//!
//! Shapes: labels and scores `[time]`. Source: `average_precision_score` of scikit-learn.

use super::ranking::cuts;
use crate::statistics::to_real;

/// Average precision; `None` without an anomalous row.
pub fn auc_pr(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let n_anomalous = labels.iter().filter(|is_anomalous| **is_anomalous).count();
    let (mut area, mut n_before) = (0.0, 0);
    for cut in cuts(labels, scores) {
        area += to_real(cut.n_true - n_before) * cut.precision();
        n_before = cut.n_true;
    }
    (n_anomalous > 0).then(|| area / to_real(n_anomalous))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::golden;

    #[test]
    fn average_precision_of_a_small_case() {
        // Down the scores: anomalous, not, anomalous. (1/2)·1 + (1/2)·(2/3) = 5/6.
        let found = auc_pr(&[true, false, true], &[3.0, 2.0, 1.0]);
        assert!((found.unwrap() - 5.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn average_precision_agrees_with_scikit_learn() {
        for case in golden::cases() {
            let found = auc_pr(&case.labels(), &case.scores).unwrap();
            // Sums of at most 2,000 terms below 1.
            assert!((found - case.auc_pr).abs() < 1e-12, "{found} {}", case.auc_pr);
        }
    }

    #[test]
    fn degenerate_rows() {
        assert_eq!(auc_pr(&[], &[]), None);
        assert_eq!(auc_pr(&[false, false], &[1.0, 2.0]), None);
        // All equal, or all silent: the share of anomalous rows.
        assert_eq!(auc_pr(&[true, false, false, false], &[7.0; 4]), Some(0.25));
        assert_eq!(auc_pr(&[true, false, false, false], &[f64::NAN; 4]), Some(0.25));
        assert_eq!(auc_pr(&[true, true], &[1.0, 2.0]), Some(1.0));
    }
}
