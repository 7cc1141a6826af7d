//! How well a detector foretells what it never saw, beside the naive ways of doing so.
//!
//! All errors are mean absolute errors per element (row × feature) in scaled units of the same
//! scaler and on the same windows, so that they can stand in one table.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::scale::Scaler;
use crate::score::Scores;
use crate::statistics::to_real;

/// A mean that can be added up over tickers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    sum: f64,
    n: u64,
}

impl Mean {
    /// Adds one number.
    pub fn add(&mut self, value: f64) {
        self.sum += value;
        self.n += 1;
    }

    /// Adds the numbers of another mean.
    pub fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.n += other.n;
    }

    /// How many numbers.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The mean; `None` of no number.
    pub fn get(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
        let n = self.n as f64;
        (self.n > 0).then_some(self.sum / n)
    }
}

/// Held-out errors of one detector and of naive rivals, over the same windows.
///
/// Beside a reconstruction stand `window_mean` and `straight_line`, beside a forecast `persistence`
/// and `zero`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The detector itself: over the whole window if it reconstructs, of the last row if it forecasts.
    pub detector: Mean,
    /// The window by its own mean.
    pub window_mean: Mean,
    /// The window by its own least-squares line.
    pub straight_line: Mean,
    /// The last row by the row before it (none where a window has one row).
    pub persistence: Mean,
    /// The last row by the value 0 of the feature: of a return, by the price before it.
    pub zero: Mean,
}

impl HeldOut {
    /// Errors on the windows of `history` that end in one of `rows` and that the detector scored.
    ///
    /// `scaler` gives the common unit: that of the network which is compared.
    pub fn of(history: &History<'_>, scores: &Scores, scaler: &Scaler, rows: Range<usize>) -> Self {
        let mut held_out = Self::default();
        let first = (rows.start + 1).saturating_sub(history.length);
        let scaled: Vec<Vec<f64>> = (0..history.features)
            .map(|feature_idx| {
                let value = |row_idx| history.row(row_idx)[feature_idx];
                (first..rows.end).map(|row| scaler.scale(feature_idx, value(row))).collect()
            })
            .collect();
        let ends = rows.filter(|&end| history.windowed[end] && scores.causal[end].is_finite());
        for end in ends {
            if scores.steps > 1 {
                held_out.detector.add(scores.window_error[end]);
            }
            for (feature_idx, scaled) in scaled.iter().enumerate() {
                let window = &scaled[end + 1 - history.length - first..=end - first];
                held_out.add_window(scores, scaler, feature_idx, (end, window));
            }
        }
        held_out
    }

    /// Adds the errors of another ticker.
    pub fn merge(&mut self, other: &Self) {
        self.detector.merge(other.detector);
        self.window_mean.merge(other.window_mean);
        self.straight_line.merge(other.straight_line);
        self.persistence.merge(other.persistence);
        self.zero.merge(other.zero);
    }

    /// Adds one feature of the window that ends at `end`, scaled, `[step]`.
    fn add_window(
        &mut self,
        scores: &Scores,
        scaler: &Scaler,
        feature_idx: usize,
        (end, window): (usize, &[f64]),
    ) {
        let today = window[window.len() - 1];
        if scores.steps == 1 {
            let expected = scores.expected[end * scaler.features() + feature_idx];
            self.detector.add((today - scaler.scale(feature_idx, expected)).abs());
        }
        let [around_mean, around_line] = naive_errors(window);
        self.window_mean.add(around_mean);
        self.straight_line.add(around_line);
        if let [.., yesterday, _] = window {
            self.persistence.add((today - yesterday).abs());
        }
        self.zero.add((today - scaler.scale(feature_idx, 0.0)).abs());
    }
}

/// Mean absolute errors of a window around its mean and around its least-squares line; the latter is 0 for one
/// or two rows.
fn naive_errors(window: &[f64]) -> [f64; 2] {
    let n = to_real(window.len());
    let mean = window.iter().sum::<f64>() / n;
    let middle = (n - 1.0) / 2.0;
    // Sums that do not wait for each other, side by side.
    let (mut around_mean, mut squares, mut products) = (0.0, 0.0, 0.0);
    for (step, value) in window.iter().enumerate() {
        let offset = to_real(step) - middle;
        around_mean += (value - mean).abs();
        squares += offset * offset;
        products += offset * (value - mean);
    }
    let slope = if squares > 0.0 { products / squares } else { 0.0 };
    let line =
        |(step, value): (usize, &f64)| (value - mean - slope * (to_real(step) - middle)).abs();
    let around_line = window.iter().enumerate().map(line).sum::<f64>();
    [around_mean / n, around_line / n]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::scale::ScalerParts;

    fn scaler(mean: f64, sd: f64) -> Scaler {
        let parts = ScalerParts { mean: vec![mean], sd: vec![sd], min: vec![0.0], max: vec![1.0] };
        Scaler::try_from(parts).unwrap()
    }

    #[test]
    fn naive_reconstructions_of_a_small_window() {
        // 1 2 6: mean 3, |−2|+|−1|+|3| = 6, / 3 = 2.
        // Line: slope (−1·−2 + 1·3)/2 = 2.5, fitted 0.5 3 5.5, errors .5 1 .5, mean 2/3.
        let [around_mean, around_line] = naive_errors(&[1.0, 2.0, 6.0]);
        assert_eq!(around_mean, 2.0);
        assert!((around_line - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn naive_reconstructions_agree_with_numpy() {
        // python3 -c "import numpy as np; t=np.arange(30.); x=np.sin(t*t); p=np.polyfit(t,x,1); print(abs(x-x.mean()).mean(), abs(x-np.polyval(p,t)).mean())"
        let window: Vec<f64> = (0..30).map(|k| (f64::from(k) * f64::from(k)).sin()).collect();
        // polyfit solves by SVD: agreement to some 1e-15 of numbers near 1.
        let [around_mean, around_line] = naive_errors(&window);
        assert!((around_mean - WINDOW_MEAN).abs() < 1e-14);
        assert!((around_line - STRAIGHT_LINE).abs() < 1e-14);
    }
    const WINDOW_MEAN: f64 = 0.5964627542907278;
    const STRAIGHT_LINE: f64 = 0.5953642700541462;

    #[test]
    fn the_rivals_are_measured_on_the_windows_that_the_detector_scored() {
        let history = OwnedHistory::new(&[1.0, 2.0, 6.0, 4.0, f64::NAN, 8.0], 1, 3);
        let mut scores = Scores::empty(6, 1, 1);
        scores.expected[2] = 5.0;
        scores.causal[2] = 1.0;
        scores.expected[3] = 1.0;
        scores.causal[3] = 3.0;
        scores.causal[5] = 3.0;
        let held_out = |rows| HeldOut::of(&history.view(), &scores, &scaler(1.0, 2.0), rows);
        // The only window that ends in the rows from 3 on: 2 6 4, scaled .5 2.5 1.5, mean 1.5.
        let mut test = held_out(3..6);
        assert_eq!(test.detector.get(), Some(1.5)); // |4 − 1| / 2
        assert_eq!(test.window_mean.get(), Some(2.0 / 3.0)); // (1 + 1 + 0) / 3
        assert_eq!(test.persistence.get(), Some(1.0)); // |4 − 6| / 2
        assert_eq!(test.zero.get(), Some(2.0)); // |4 − 0| / 2
        test.merge(&held_out(1..3));
        assert_eq!((test.detector.n(), test.detector.get()), (2, Some(1.0))); // (1.5 + .5) / 2
        assert_eq!(held_out(0..1).detector.get(), None);
    }

    #[test]
    fn degenerate_windows_have_no_error() {
        for constant in [&[3.0][..], &[3.0; 2], &[3.0; 3]] {
            assert_eq!(naive_errors(constant), [0.0; 2]);
        }
        assert!(naive_errors(&[f64::NAN, 1.0]).iter().all(|error| error.is_nan()));
    }

    proptest! {
        #[test]
        fn a_straight_line_is_reconstructed_without_error(
            level in -100_i32..100,
            slope in -10_i32..10,
            n in 1_i32..40,
        ) {
            let line: Vec<f64> = (0..n).map(|k| f64::from(level + slope * k)).collect();
            // Numbers below 1000, each rounded a few times.
            prop_assert!(naive_errors(&line)[1] < 1e-11);
        }
    }
}
