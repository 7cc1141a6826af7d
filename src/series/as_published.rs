//! Scores as published systems give them, warts included: one number for a whole window, in scaled units.
//!
//! The number lands on the window's last row. Where the network reads the rows before that one
//! ([`Target::NextEverywhere`](crate::Target), [`Target::RowsBefore`](crate::Target)) a shock is therefore dated to the
//! day after the window, as it was published. Windows that reach over the end of a span are left without
//! a score, since published systems cut train and test apart before they cut windows; and no fallback speaks.
//!
//! Shapes: values `[time, feature]` → what the network gives `[window, step, feature]` → scores `[time]`.

use crate::history::History;
use crate::model::{FitError, Fitted};
use crate::network::{check_shape, starts};
use crate::scale::Scaler;
use crate::score::Scores;
use crate::spec::{Loss, Target, WindowScore};
use crate::split::Split;
use crate::statistics::to_real;
use crate::windows::Windows;

/// Scores every full window of a checked history. `window_error` is what training minimises, per element, so
/// that its mean over a span is that span's loss.
pub(crate) fn score(
    network: &dyn Fitted,
    rule: WindowScore,
    scaler: &Scaler,
    history: &History<'_>,
) -> Result<Scores, FitError> {
    check_shape(network, scaler, history)?;
    let spec = network.spec();
    let values = history.scaled(scaler);
    let ends: Vec<usize> = history.window_ends().collect();
    let starts = starts(&ends, history)?;
    let misfit = |found: String| FitError::Shape {
        expected: format!("{} × {}", spec.length, spec.features),
        found,
    };
    let windows = Windows::new(&values, &starts, history.length, history.features)
        .map_err(|error| misfit(error.to_string()))?;
    let size = network.steps() * history.features;
    let expected = network.expect(windows)?;
    if size > history.length * history.features || expected.len() != ends.len() * size {
        return Err(misfit(format!("{} values for {} windows", expected.len(), ends.len())));
    }
    let mut scores = Scores::empty(history.len(), history.features, network.steps());
    let pairs = expected.chunks_exact(size.max(1)).zip(windows.iter());
    for (&end, (expected, window)) in ends.iter().zip(pairs) {
        scores.causal[end] = finite(window_score(rule, expected, window));
        scores.window_error[end] =
            finite(loss(spec.training.loss, expected, &spec.target_of(window)));
        scores.n_windows[end] = 1;
        if spec.target == Target::Reconstruction {
            // Only then is the day itself among what was told.
            for feature_idx in 0..history.features {
                let told = expected[size - history.features + feature_idx];
                let idx = end * history.features + feature_idx;
                scores.expected[idx] = scaler.unscale(feature_idx, f64::from(told));
                scores.scale[idx] = scaler.sd()[feature_idx];
            }
        }
    }
    Ok(scores)
}

/// Takes the scores of windows away that reach over the end of a span, and every fallback.
pub(crate) fn apart(mut scores: Scores, history: &History<'_>, split: &Split) -> Scores {
    for end in history.window_ends() {
        let first = history.days[end + 1 - history.length];
        if split.span(first) != split.span(history.days[end]) {
            scores.causal[end] = f64::NAN;
            scores.window_error[end] = f64::NAN;
            scores.n_windows[end] = 0;
        }
    }
    scores.falls_back = false;
    scores
}

/// One number for the rows that the network gives, held against the first rows of the window.
fn window_score(rule: WindowScore, expected: &[f32], window: &[f32]) -> f64 {
    let errors = expected.iter().zip(window).map(|(&e, &w)| f64::from(e) - f64::from(w));
    match rule {
        WindowScore::MeanAbsolute => errors.map(f64::abs).sum::<f64>() / to_real(expected.len()),
        WindowScore::MeanSquare => errors.map(|e| e * e).sum::<f64>() / to_real(expected.len()),
        WindowScore::SumOfSquares => errors.map(|e| e * e).sum(),
    }
}

/// Mean training loss per element.
fn loss(loss: Loss, expected: &[f32], target: &[f32]) -> f64 {
    let errors = expected.iter().zip(target).map(|(&e, &t)| f64::from(e) - f64::from(t));
    let of = |error: f64| match loss {
        Loss::Mae => error.abs(),
        Loss::Mse => error * error,
        Loss::Huber { delta } if error.abs() > delta => delta * (error.abs() - 0.5 * delta),
        Loss::Huber { .. } => 0.5 * error * error,
    };
    errors.map(of).sum::<f64>() / to_real(expected.len())
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::model::NamedTensor;
    use crate::network::tests::MeanOfWindow;
    use crate::scale::ScalerParts;
    use crate::spec::ModelSpec;
    use crate::split::Spans;

    /// Gives the mean of its window (the last row too, which a real network would not see) at each of two steps.
    struct Stub {
        inner: MeanOfWindow,
        spec: ModelSpec,
    }

    impl Fitted for Stub {
        fn spec(&self) -> &ModelSpec {
            &self.spec
        }

        fn steps(&self) -> usize {
            2
        }

        fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
            self.inner.expect(windows)
        }

        fn weights(&self) -> Vec<NamedTensor> {
            Vec::new()
        }
    }

    fn stub(target: Target, loss: Loss) -> Stub {
        let inner = MeanOfWindow::new(3, 2, 1);
        let mut spec = inner.spec().clone();
        (spec.target, spec.training.loss) = (target, loss);
        Stub { inner, spec }
    }

    fn scaler() -> Scaler {
        let one = |x: f64| vec![x];
        let parts = ScalerParts { mean: one(1.0), sd: one(2.0), min: one(0.0), max: one(9.0) };
        Scaler::try_from(parts).unwrap()
    }

    fn scored(rule: WindowScore, target: Target, loss: Loss) -> Scores {
        // Scaled by mean 1, sd 2: 0 1 2 6 2; windows of three rows and their means 1 and 3 and 10/3.
        let history = OwnedHistory::new(&[1.0, 3.0, 5.0, 13.0, 5.0], 1, 3);
        score(&stub(target, loss), rule, &scaler(), &history.view()).unwrap()
    }

    #[test]
    fn a_window_has_one_score_dated_to_the_row_after_what_was_read() {
        // Reads 0 1 | dated 2, tells 1 1: |1-0|, |1-1|. Reads 1 2 | dated 6, tells 3 3: 2, 1.
        let next = Target::NextEverywhere;
        let scores = scored(WindowScore::MeanAbsolute, next, Loss::Mae);
        assert!(scores.causal[..2].iter().all(|score| score.is_nan()));
        assert_eq!(scores.causal[2..4], [0.5, 1.5]);
        assert_eq!(scored(WindowScore::SumOfSquares, next, Loss::Mae).causal[2..4], [1.0, 5.0]);
        assert_eq!(scored(WindowScore::MeanSquare, next, Loss::Mae).causal[2..4], [0.5, 2.5]);
        // The loss holds the same against the next row: 1 1 against 2 2, 3 3 against 6 6.
        assert_eq!(scores.window_error[2..4], [1.0, 3.0]);
        let squared = scored(WindowScore::MeanAbsolute, next, Loss::Mse);
        assert_eq!(squared.window_error[2..4], [1.0, 9.0]);
        // Of an autoencoder both are taken against what was read.
        let before = scored(WindowScore::MeanSquare, Target::RowsBefore, Loss::Mse);
        assert_eq!(before.window_error[2..4], before.causal[2..4]);
    }

    #[test]
    fn a_window_that_reaches_over_the_end_of_a_span_has_no_score() {
        let history = OwnedHistory::new(&[1.0, 3.0, 5.0, 13.0, 5.0, 5.0, 5.0], 1, 3);
        let view = history.view();
        let last = view.days[3];
        let spans = Spans { train_to: last, validation_to: last, calibration_to: last };
        let split = Split::try_from(spans).unwrap();
        let network = stub(Target::NextEverywhere, Loss::Mae);
        let scores = score(&network, WindowScore::MeanAbsolute, &scaler(), &view).unwrap();
        let scores = apart(Scores { changes: vec![1.0; 7], ..scores }, &view, &split);
        let scored: Vec<bool> = scores.causal.iter().map(|score| score.is_finite()).collect();
        // Windows that end at rows 4 and 5 begin in training and end after it.
        assert_eq!(scored, [false, false, true, true, false, false, true]);
        assert!(scores.fallback(|_| true).iter().all(|score| score.is_nan()));
    }

    #[test]
    fn degenerate_histories_give_no_score() {
        let network = stub(Target::NextEverywhere, Loss::Mae);
        for values in [&[][..], &[1.0], &[1.0, f64::NAN, 1.0]] {
            let history = OwnedHistory::new(values, 1, 3);
            let scores =
                score(&network, WindowScore::SumOfSquares, &scaler(), &history.view()).unwrap();
            assert!(scores.causal.iter().all(|score| score.is_nan()), "{values:?}");
        }
        assert!(window_score(WindowScore::MeanAbsolute, &[], &[]).is_nan());
        assert!(finite(f64::INFINITY).is_nan());
    }

    proptest::proptest! {
        #[test]
        fn the_sum_of_squares_is_the_mean_square_times_the_values(
            pairs in proptest::collection::vec((-9.0_f32..9.0, -9.0_f32..9.0), 1..40),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let [sum, mean, size] = [
                WindowScore::SumOfSquares, WindowScore::MeanSquare, WindowScore::MeanAbsolute,
            ].map(|rule| window_score(rule, &a, &b));
            proptest::prop_assert!((sum - mean * to_real(a.len())).abs() <= 1e-9 * (1.0 + sum));
            // Jensen: the squared mean is no more than the mean of squares.
            proptest::prop_assert!(size * size <= mean * (1.0 + 1e-12));
        }
    }
}
