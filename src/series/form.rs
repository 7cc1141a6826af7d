//! `[score]` and `[merge]`: what a detector's errors are turned into before a threshold sees them.
//!
//! Shapes: errors `[time, feature]` → scores `[time]`. By default the causal score is the root mean square
//! of a row's scaled errors and the hindsight score their median over windows, neither smoothed.

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::merge::Merge;
use crate::norm::Norm;
use crate::score::Scores;
use crate::smoothing::Smoothing;

/// How errors become scores; stored with the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Form {
    /// How the errors of all features become one.
    pub norm: Norm,
    /// How the errors of all windows become one.
    pub merge: Merge,
    /// Of the causal score, over rows up to its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<Smoothing>,
    /// Of the hindsight score, over rows around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hindsight_smoothing: Option<Smoothing>,
}

impl Form {
    /// Whether scores are those of a pipeline that says nothing of them.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Rows before a row that its scores depend on beyond what the detector looks at.
    pub fn rows_before(&self) -> usize {
        let causal = self.smoothing.map_or(0, |smoothing| smoothing.rows() - 1);
        causal.max(self.rows_after())
    }

    /// Rows after a row that its hindsight score depends on beyond what windows cover.
    pub fn rows_after(&self) -> usize {
        self.hindsight_smoothing.map_or(0, |smoothing| smoothing.half())
    }

    /// Turns the root mean square into another norm, and smooths.
    pub(crate) fn apply(&self, history: &History<'_>, scores: &mut Scores) {
        if self.norm != Norm::L2 {
            for row_idx in 0..history.len() {
                if scores.causal[row_idx].is_finite() {
                    let score = self.norm.of(scores.scaled_errors(history, row_idx));
                    scores.causal[row_idx] = if score.is_finite() { score } else { f64::NAN };
                }
            }
        }
        if let Some(smoothing) = self.smoothing {
            scores.causal = smoothing.trailing(history, &scores.causal);
        }
        if let Some(smoothing) = self.hindsight_smoothing {
            scores.hindsight = smoothing.centred(history, &scores.hindsight);
            scores.smoothed_rows = smoothing.half();
            mark_interim(history, scores);
        }
    }
}

/// A smoothed score may change as long as one within its reach may, or may yet come.
fn mark_interim(history: &History<'_>, scores: &mut Scores) {
    let n_rows = history.len();
    let is_open = scores.is_interim.clone();
    for row_idx in 0..n_rows {
        let last = row_idx + scores.smoothed_rows;
        let same = |&row: &usize| history.segments[row] == history.segments[row_idx];
        let reached = (row_idx..n_rows.min(last + 1)).take_while(same);
        let ends_open = n_rows > 0 && last >= n_rows && same(&(n_rows - 1));
        scores.is_interim[row_idx] = scores.hindsight[row_idx].is_finite()
            && (ends_open || reached.into_iter().any(|row| is_open[row]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calibration::Sample;
    use crate::error_shape::ErrorShape;
    use crate::history::tests::OwnedHistory;
    use crate::score::Detector;
    use crate::score::tests::mean_of_window;
    use crate::split::{Spans, Split};

    fn with(form: Form, steps: usize, features: usize) -> Detector {
        Detector { form, ..mean_of_window(steps, steps, features) }
    }

    #[test]
    fn a_causal_score_is_normed_then_smoothed() {
        // Two features, windows of one row and its mean: no error. Windows of two rows expect their mean:
        // 0 0, 2 6, 6 6 → errors of the last row 1 3, then 2 0.
        let history = OwnedHistory::new(&[0.0, 0.0, 2.0, 6.0, 6.0, 6.0], 2, 2);
        let of = |norm, smoothing| {
            let form = Form { norm, smoothing, ..Form::default() };
            with(form, 2, 2).score("A", &history.view()).unwrap().causal[1..].to_vec()
        };
        assert_eq!(of(Norm::L2, None), [5.0_f64.sqrt(), 2.0_f64.sqrt()]);
        assert_eq!(of(Norm::L1, None), [2.0, 1.0]);
        assert_eq!(of(Norm::Max, None), [3.0, 2.0]);
        assert_eq!(of(Norm::L1, Some(Smoothing::Mean { rows: 2 })), [2.0, 1.5]);
        let shape = ErrorShape::fit(&[1.0, 1.0, 3.0, 2.0, 2.0, 9.0], 2).unwrap();
        let expected = [[1.0, 3.0], [2.0, 0.0]].map(|row| shape.distance(row.into_iter()));
        assert_eq!(of(Norm::Mahalanobis(shape), None), expected);
    }

    #[test]
    fn a_hindsight_score_takes_its_norm_in_each_window() {
        // The windows of the case above have errors (1 3, 1 3) and (2 0, 2 0): row 1 merges both.
        let history = OwnedHistory::new(&[0.0, 0.0, 2.0, 6.0, 6.0, 6.0], 2, 2);
        let form = Form { norm: Norm::L1, merge: Merge::Max, ..Form::default() };
        let scores = with(form, 2, 2).score("A", &history.view()).unwrap();
        assert_eq!(scores.hindsight, [2.0, 2.0, 1.0]);
    }

    #[test]
    fn a_smoothed_hindsight_score_is_interim_for_longer_and_counts_for_less() {
        let history = OwnedHistory::new(&[1.0; 12], 1, 3);
        let form =
            Form { hindsight_smoothing: Some(Smoothing::Mean { rows: 5 }), ..Form::default() };
        let scores = with(form.clone(), 3, 1).score("A", &history.view()).unwrap();
        // Two rows by windows, two more by smoothing.
        let open = scores.is_interim.iter().filter(|is_interim| **is_interim).count();
        assert_eq!(open, 4);
        assert_eq!((form.rows_before(), form.rows_after()), (2, 2));
        // Calibration is days 4 … 10. Row 5 is smoothed with row 3, which the window that ends on day 3
        // covers; row 7 with row 9, which the window that ends on day 11 covers. Row 6 with neither.
        let spans = Spans { train_to: 0, validation_to: 3, calibration_to: 10 };
        let mut marked = scores.clone();
        marked.hindsight = (0..12).map(f64::from).collect();
        let sample = Sample::of(&history.view(), &marked, &Split::try_from(spans).unwrap());
        assert_eq!(sample.hindsight, [6.0]);
    }

    #[test]
    fn nothing_said_is_nothing_stored_or_changed() {
        assert_eq!(serde_json::from_str::<Form>("{}").unwrap(), Form::default());
        assert!(Form::default().is_default());
        assert_eq!((Form::default().rows_before(), Form::default().rows_after()), (0, 0));
    }

    proptest! {
        #[test]
        fn a_smoothed_causal_score_sees_no_later_row(
            values in prop::collection::vec(-3.0_f64..3.0, 6..40),
            rows in 1_usize..6,
        ) {
            let form = Form { smoothing: Some(Smoothing::Median { rows }), ..Form::default() };
            let detector = with(form, 3, 1);
            let whole = detector.score("A", &OwnedHistory::new(&values, 1, 3).view()).unwrap();
            let n_rows = values.len() - 1;
            let first = OwnedHistory::new(&values[..n_rows], 1, 3);
            let first = detector.score("A", &first.view()).unwrap();
            let bits = |scores: &[f64]| scores[..n_rows].iter().map(|s| s.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&whole.causal), bits(&first.causal));
        }
    }
}
