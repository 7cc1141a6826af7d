//! Scores smoothed along time.
//!
//! Shapes: scores `[time]` → `[time]`. Units: those of the scores. A row without a score has none after
//! smoothing either; among its neighbours it is left out. No frame reaches beyond its segment, and each is
//! computed afresh in a fixed order, so that no bit depends on where a read began.
//!
//! The causal score is smoothed over the rows up to its own ([`Smoothing::trailing`]), the hindsight score
//! over as many rows on either side ([`Smoothing::centred`]).

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::range::Lambda;
use crate::statistics::{median, to_real};

/// `[score.smoothing.mean]`, `[merge.smoothing.median]` …
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Smoothing {
    /// The mean of the frame.
    Mean {
        /// Rows of the frame, its own included.
        rows: usize,
    },
    /// The middle one of the frame: a single spike vanishes.
    Median {
        /// Rows of the frame, its own included.
        rows: usize,
    },
    /// A mean with weights λᵏ at a distance of k rows.
    Ewma {
        /// Weight of a row relative to the one that is nearer by one.
        lambda: Lambda,
        /// Rows of the frame, its own included.
        rows: usize,
    },
}

impl Smoothing {
    /// Rows of the frame.
    pub fn rows(&self) -> usize {
        match *self {
            Self::Mean { rows } | Self::Median { rows } | Self::Ewma { rows, .. } => rows.max(1),
        }
    }

    /// Rows on either side of a centred frame.
    pub fn half(&self) -> usize {
        self.rows() / 2
    }

    /// Each score by the frame of rows that ends with it.
    pub fn trailing(&self, history: &History<'_>, scores: &[f64]) -> Vec<f64> {
        self.smooth(history, scores, self.rows() - 1, 0)
    }

    /// Each score by the frame of rows around it.
    pub fn centred(&self, history: &History<'_>, scores: &[f64]) -> Vec<f64> {
        self.smooth(history, scores, self.half(), self.half())
    }

    fn smooth(
        &self,
        history: &History<'_>,
        scores: &[f64],
        before: usize,
        after: usize,
    ) -> Vec<f64> {
        let segments = history.segments;
        let mut frame = Vec::with_capacity(before + after + 1);
        let at = |row_idx: usize| {
            if !scores[row_idx].is_finite() {
                return f64::NAN;
            }
            let rows = row_idx.saturating_sub(before)..scores.len().min(row_idx + after + 1);
            frame.clear();
            frame.extend(
                rows.filter(|&row| segments[row] == segments[row_idx] && scores[row].is_finite())
                    .map(|row| (row.abs_diff(row_idx), scores[row])),
            );
            self.of_frame(&frame)
        };
        (0..scores.len()).map(at).collect()
    }

    /// Of (distance, score), of which there is one.
    fn of_frame(&self, frame: &[(usize, f64)]) -> f64 {
        let smoothed = match self {
            Self::Mean { .. } => {
                frame.iter().map(|(_, score)| score).sum::<f64>() / to_real(frame.len())
            }
            Self::Median { .. } => {
                let mut scores: Vec<f64> = frame.iter().map(|(_, score)| *score).collect();
                median(&mut scores).unwrap_or(f64::NAN)
            }
            Self::Ewma { lambda, .. } => {
                let weight = |distance: usize| lambda.get().powf(to_real(distance));
                let sums = frame.iter().fold((0.0, 0.0), |(sum, weights), &(distance, score)| {
                    (sum + weight(distance) * score, weights + weight(distance))
                });
                sums.0 / sums.1
            }
        };
        if smoothed.is_finite() { smoothed } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::threshold::golden::{Golden, uniform};

    fn ewma(lambda: f64, rows: usize) -> Smoothing {
        Smoothing::Ewma { lambda: Lambda::try_from(lambda).unwrap(), rows }
    }

    fn whole(n: usize) -> OwnedHistory {
        OwnedHistory::new(&vec![1.0; n], 1, 1)
    }

    #[test]
    fn frames_of_three_worked_by_hand() {
        let (history, scores) = (whole(4), [1.0, 5.0, 3.0, 7.0]);
        let (mean, median) = (Smoothing::Mean { rows: 3 }, Smoothing::Median { rows: 3 });
        // 1 | 1 5 | 1 5 3 | 5 3 7
        assert_eq!(mean.trailing(&history.view(), &scores), [1.0, 3.0, 3.0, 5.0]);
        assert_eq!(median.trailing(&history.view(), &scores), [1.0, 3.0, 3.0, 5.0]);
        // 1 5 | 1 5 3 | 5 3 7 | 3 7
        assert_eq!(mean.centred(&history.view(), &scores), [3.0, 3.0, 5.0, 5.0]);
        assert_eq!(median.centred(&history.view(), &scores), [3.0, 3.0, 5.0, 5.0]);
        // λ = ½: 1 | (5 + ½)/1½ | (3 + 2½ + ¼)/1¾ | (7 + 1½ + 1¼)/1¾
        let found = ewma(0.5, 3).trailing(&history.view(), &scores);
        for (found, expected) in found.iter().zip([1.0, 5.5 / 1.5, 5.75 / 1.75, 9.75 / 1.75]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
    }

    #[test]
    fn smoothed_scores_agree_with_numpy() {
        let (golden, scores, history) = (Golden::read().smoothed, uniform(40, 61_803), whole(40));
        let view = history.view();
        let (mean, median) = (Smoothing::Mean { rows: 5 }, Smoothing::Median { rows: 5 });
        for (found, golden) in [
            (mean.trailing(&view, &scores), golden.mean),
            (median.trailing(&view, &scores), golden.median),
            (ewma(0.7, 5).trailing(&view, &scores), golden.ewma),
            (mean.centred(&view, &scores), golden.centred_mean),
            (median.centred(&view, &scores), golden.centred_median),
            (ewma(0.7, 5).centred(&view, &scores), golden.centred_ewma),
        ] {
            for (found, golden) in found.iter().zip(&golden) {
                // A few roundings in another order.
                assert!((found - golden).abs() < 1e-14, "{found} {golden}");
            }
        }
    }

    #[test]
    fn no_frame_reaches_into_another_segment() {
        let history = OwnedHistory::new(&[1.0; 4], 1, 1).cut(2, false);
        let mean = Smoothing::Mean { rows: 3 };
        assert_eq!(mean.trailing(&history.view(), &[1.0, 3.0, 9.0, 5.0]), [1.0, 2.0, 9.0, 7.0]);
        assert_eq!(mean.centred(&history.view(), &[1.0, 3.0, 9.0, 5.0]), [2.0, 2.0, 7.0, 7.0]);
    }

    #[test]
    fn degenerate_scores() {
        let mean = Smoothing::Mean { rows: 3 };
        assert!(mean.trailing(&whole(0).view(), &[]).is_empty());
        let found = mean.trailing(&whole(4).view(), &[f64::NAN, 2.0, f64::INFINITY, 4.0]);
        assert!(found[0].is_nan() && found[2].is_nan());
        assert_eq!((found[1], found[3]), (2.0, 3.0));
        for smoothing in [mean, Smoothing::Median { rows: 3 }, ewma(0.5, 3)] {
            assert_eq!(smoothing.trailing(&whole(3).view(), &[7.0; 3]), [7.0; 3]);
            assert_eq!(smoothing.centred(&whole(1).view(), &[7.0]), [7.0]);
        }
        // Too large to add up: no score rather than an infinite one.
        assert!(mean.trailing(&whole(2).view(), &[1.7e308, 1.7e308])[1].is_nan());
    }

    proptest! {
        #[test]
        fn a_smoothed_score_lies_between_the_scores_of_its_frame_and_sees_none_later(
            scores in prop::collection::vec(0.0_f64..9.0, 2..60),
            rows in 1_usize..8,
            later in 0.0_f64..99.0,
        ) {
            let history = whole(scores.len());
            let mut changed = scores.clone();
            *changed.last_mut().unwrap() = later;
            for smoothing in [Smoothing::Mean { rows }, Smoothing::Median { rows }, ewma(0.7, rows)] {
                let found = smoothing.trailing(&history.view(), &scores);
                for (row, found) in found.iter().enumerate() {
                    let frame = &scores[(row + 1).saturating_sub(rows)..=row];
                    let least = frame.iter().copied().fold(f64::INFINITY, f64::min);
                    let most = frame.iter().copied().fold(0.0, f64::max);
                    prop_assert!((least - 1e-13..=most + 1e-13).contains(found));
                }
                let other = smoothing.trailing(&history.view(), &changed);
                prop_assert_eq!(&found[..scores.len() - 1], &other[..scores.len() - 1]);
            }
        }
    }
}
