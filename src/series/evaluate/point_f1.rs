//! Precision, recall and F1 of flags row by row, and the best that a threshold chosen on the labels could do.
//!
//! The best is an oracle: nobody has the labels before the anomalies. It stands beside what a tool reached at
//! its own threshold, never in its place.
//!
//! Shapes: labels, flags and scores `[time]`.

use super::ranking::cuts;
use crate::statistics::to_real;

/// Flags against labels, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointF1 {
    /// Share of the flagged rows that are anomalous; `None` without a flag.
    pub precision: Option<f64>,
    /// Share of the anomalous rows that are flagged.
    pub recall: f64,
    /// Harmonic mean of both; 0 without a flag.
    pub f1: f64,
}

/// Row by row; `None` without an anomalous row.
pub fn point_f1(labels: &[bool], flags: &[bool]) -> Option<PointF1> {
    let count = |rows: &[bool]| rows.iter().filter(|is_in| **is_in).count();
    let n_true = labels.iter().zip(flags).filter(|(label, flag)| **label && **flag).count();
    let (n_anomalous, n_flagged) = (count(labels), count(flags));
    (n_anomalous > 0).then(|| PointF1 {
        precision: (n_flagged > 0).then(|| to_real(n_true) / to_real(n_flagged)),
        recall: to_real(n_true) / to_real(n_anomalous),
        f1: f1(n_true, n_flagged, n_anomalous),
    })
}

/// The score at or above which flags have the best F1, the highest of equals; `None` without an anomalous row.
///
/// Minus infinity flags every row, also those without a score.
pub fn oracle_threshold(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let n_anomalous = labels.iter().filter(|is_anomalous| **is_anomalous).count();
    let mut best: Option<(f64, f64)> = None;
    for cut in cuts(labels, scores) {
        let f1 = f1(cut.n_true, cut.n_true + cut.n_false, n_anomalous);
        if best.is_none_or(|(_, most)| f1 > most) {
            best = Some((cut.threshold, f1));
        }
    }
    best.filter(|_| n_anomalous > 0).map(|(threshold, _)| threshold)
}

/// Rows whose score is at or above `threshold`; a row without one is flagged by minus infinity only.
pub fn flagged_from(scores: &[f64], threshold: f64) -> Vec<bool> {
    let all = threshold == f64::NEG_INFINITY;
    scores.iter().map(|score| all || *score >= threshold).collect()
}

fn f1(n_true: usize, n_flagged: usize, n_anomalous: usize) -> f64 {
    2.0 * to_real(n_true) / to_real(n_flagged + n_anomalous)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_of_a_small_case() {
        // Two of three flags are right, two of four anomalies are flagged: 2·2/(3 + 4).
        let labels = [true, true, true, true, false, false];
        let flags = [true, true, false, false, true, false];
        let found = point_f1(&labels, &flags).unwrap();
        assert_eq!((found.precision, found.recall), (Some(2.0 / 3.0), 0.5));
        assert_eq!(found.f1, 4.0 / 7.0);
    }

    #[test]
    fn the_oracle_takes_the_best_of_all_thresholds() {
        // Down the scores: 9 anomalous, 8 not, 7 anomalous, 1 not. F1: 2/3, 1/2, 4/5, 2/3.
        let scores = [7.0, 1.0, 9.0, 8.0];
        let labels = [true, false, true, false];
        assert_eq!(oracle_threshold(&labels, &scores), Some(7.0));
        assert_eq!(flagged_from(&scores, 7.0), [true, false, true, true]);
    }

    #[test]
    fn the_oracle_agrees_with_scikit_learn() {
        // precision_recall_curve(labels, scores), F1 = 2PR/(P + R), of scores k·k mod 37 and labels
        // (k·k mod 37 > 20 and k even), k < 200:
        // python3 -c "import numpy as np; from sklearn.metrics import precision_recall_curve as c; k=np.arange(200);
        //   p,r,t=c((k*k%37>20)&(k%2==0),k*k%37); f=2*p*r/(p+r+1e-300); print(f.max(), t[f.argmax()])"
        let scores: Vec<f64> = (0..200).map(|k| f64::from(k * k % 37)).collect();
        let labels: Vec<bool> = (0..200).map(|k| k * k % 37 > 20 && k % 2 == 0).collect();
        let threshold = oracle_threshold(&labels, &scores).unwrap();
        let found = point_f1(&labels, &flagged_from(&scores, threshold)).unwrap();
        assert_eq!(threshold, THRESHOLD);
        assert!((found.f1 - F1).abs() < 1e-15, "{}", found.f1);
    }
    const THRESHOLD: f64 = 21.0;
    const F1: f64 = 0.657_342_657_342_657_4;

    #[test]
    fn degenerate_rows() {
        assert_eq!(point_f1(&[], &[]), None);
        assert_eq!(oracle_threshold(&[false], &[1.0]), None);
        let silent = point_f1(&[true, false], &[false, false]).unwrap();
        assert_eq!((silent.precision, silent.recall, silent.f1), (None, 0.0, 0.0));
        // Nothing but silence: the oracle flags everything.
        assert_eq!(oracle_threshold(&[true, false], &[f64::NAN; 2]), Some(f64::NEG_INFINITY));
        assert_eq!(flagged_from(&[f64::NAN, 1.0], f64::NEG_INFINITY), [true, true]);
        assert_eq!(flagged_from(&[f64::NAN, 1.0], 0.0), [false, true]);
    }

    proptest! {
        #[test]
        fn no_threshold_beats_the_oracle(
            rows in prop::collection::vec((any::<bool>(), 0_i32..20), 1..40),
            threshold in 0_i32..20,
        ) {
            let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            if let Some(best) = oracle_threshold(&labels, &scores) {
                let of = |threshold| point_f1(&labels, &flagged_from(&scores, threshold)).unwrap().f1;
                prop_assert!(of(best) >= of(f64::from(threshold)));
            }
        }
    }
}
