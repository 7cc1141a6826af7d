//! Scores of one ticker by a network: scale, cut, expect, compare, merge.
//!
//! Shapes: values `[time, feature]` → expectations `[window, step, feature]` → scores `[time]`.
//! Input is rounded to `f32` once; all errors are taken in `f64` against the unrounded value.

use crate::as_published;
use crate::history::History;
use crate::merge::{Merge, PointMerge};
use crate::model::{FitError, Fitted};
use crate::norm::Norm;
use crate::scale::Scaler;
use crate::score::Scores;
use crate::statistics::to_real;
use crate::windows::Windows;

/// Windows handed to the network at once: it bounds what their expectations take (30 steps: 1.5 MB).
/// Their number changes no result: [`Fitted::expect`] promises it.
const WINDOWS_PER_CALL: usize = 128 * 96;

/// What a network's errors are measured and joined by.
#[derive(Clone, Copy)]
pub(crate) struct How<'a> {
    pub(crate) scaler: &'a Scaler,
    /// Over windows.
    pub(crate) merge: Merge,
    /// Over features.
    pub(crate) norm: &'a Norm,
}

/// Scores every full window of a checked history.
pub(crate) fn score(
    network: &dyn Fitted,
    How { scaler, merge, norm }: How<'_>,
    history: &History<'_>,
) -> Result<Scores, FitError> {
    if let Some(published) = network.spec().as_published {
        return as_published::score(network, published.score, scaler, history);
    }
    let (features, steps) = (history.features, network.steps());
    check_shape(network, scaler, history)?;
    let values = history.scaled(scaler);
    let ends: Vec<usize> = history.window_ends().collect();
    let starts = starts(&ends, history)?;
    let windows = Windows::new(&values, &starts, history.length, features)
        .map_err(|error| shape(network, &error.to_string()))?;

    let mut scores = Scores::empty(history.len(), features, steps);
    let mut points = PointMerge::new(merge, steps);
    let mut errors = Vec::with_capacity(steps * features);
    for (call, ends) in ends.chunks(WINDOWS_PER_CALL).enumerate() {
        let first = call * WINDOWS_PER_CALL;
        let expected = network.expect(windows.slice(first..first + ends.len()))?;
        if expected.len() != ends.len() * steps * features {
            let found = format!("gave {} values for {} windows", expected.len(), ends.len());
            return Err(shape(network, &found));
        }
        for (&end, expected) in ends.iter().zip(expected.chunks_exact(steps * features)) {
            window_errors(scaler, history, end, expected, &mut errors);
            scores.window_error[end] = mean_magnitude(errors.iter().copied());
            match (features, norm) {
                // The usual case, bit for bit: the root of the square of the only error.
                (1, Norm::L2) => points.push(end, errors.iter().map(|e| (e * e).sqrt())),
                _ => {
                    let of_step = |errors: &[f64]| norm.of(errors.iter().copied());
                    points.push(end, errors.chunks_exact(features).map(of_step));
                }
            }
            let newest = &expected[(steps - 1) * features..];
            for (feature_idx, &scaled) in newest.iter().enumerate() {
                let idx = end * features + feature_idx;
                scores.expected[idx] = scaler.unscale(feature_idx, f64::from(scaled));
                scores.scale[idx] = scaler.sd()[feature_idx];
            }
            scores.close_row(history, end);
        }
    }
    let (hindsight, n_windows) = points.finish(history.len());
    scores.n_windows = n_windows;
    if steps > 1 {
        scores.hindsight = hindsight;
        mark_interim(&mut scores.is_interim, history, steps);
    }
    Ok(scores)
}

/// Mean magnitude; NaN of nothing and where it is not finite.
pub(crate) fn mean_magnitude(errors: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = errors.fold((0.0, 0_usize), |(sum, n), error| (sum + error.abs(), n + 1));
    let mean = sum / to_real(n);
    if mean.is_finite() { mean } else { f64::NAN }
}

/// Errors in scaled units of the window that ends at `end`, `[step, feature]`, given what the
/// network expects of its last rows, `[step, feature]`.
fn window_errors(
    scaler: &Scaler,
    history: &History<'_>,
    end: usize,
    expected: &[f32],
    errors: &mut Vec<f64>,
) {
    let last = (end + 1) * history.features;
    let values = &history.values[last - expected.len()..last];
    errors.clear();
    let error = |feature_idx: usize, (value, expected): (&f64, &f32)| {
        let expected = scaler.unscale(feature_idx, f64::from(*expected));
        (value - expected) / scaler.sd()[feature_idx]
    };
    let pairs = values.iter().zip(expected);
    match history.features {
        // No division by the number of features in the usual case.
        1 => errors.extend(pairs.map(|pair| error(0, pair))),
        n => errors.extend(pairs.enumerate().map(|(idx, pair)| error(idx % n, pair))),
    }
}

/// The newest `steps - 1` rows may be covered by windows yet to come, unless a missing value or the
/// end of their segment keeps those away.
fn mark_interim(is_interim: &mut [bool], history: &History<'_>, steps: usize) {
    for row_idx in (0..history.len()).rev().take(steps - 1) {
        if !history.is_whole(row_idx) {
            break;
        }
        is_interim[row_idx] = true;
        if !history.continues(row_idx) {
            break;
        }
    }
}

pub(crate) fn starts(ends: &[usize], history: &History<'_>) -> Result<Vec<u32>, FitError> {
    let start = |&end: &usize| {
        u32::try_from((end + 1 - history.length) * history.features).map_err(|_| FitError::Shape {
            expected: format!("fewer than {} values in all", u32::MAX),
            found: format!("{}", history.values.len()),
        })
    };
    ends.iter().map(start).collect()
}

pub(crate) fn check_shape(
    network: &dyn Fitted,
    scaler: &Scaler,
    history: &History<'_>,
) -> Result<(), FitError> {
    let spec = network.spec();
    let fits = spec.length == history.length
        && spec.features == history.features
        && scaler.features() == history.features
        && (1..=history.length).contains(&network.steps());
    if fits {
        Ok(())
    } else {
        Err(shape(network, &format!("{} × {}", history.length, history.features)))
    }
}

fn shape(network: &dyn Fitted, found: &str) -> FitError {
    let spec = network.spec();
    FitError::Shape {
        expected: format!("{} × {}", spec.length, spec.features),
        found: found.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::model::NamedTensor;
    use crate::scale::ScalerParts;
    use crate::spec::tests::without_layers;
    use crate::spec::{ModelSpec, Target};

    /// Stands in for a network: expects of each of the last `steps` rows the mean of the window.
    pub(crate) struct MeanOfWindow {
        spec: ModelSpec,
        steps: usize,
    }

    impl MeanOfWindow {
        pub(crate) fn new(length: usize, steps: usize, features: usize) -> Self {
            let spec = without_layers(Target::Reconstruction, length, features);
            Self { spec, steps }
        }
    }

    impl Fitted for MeanOfWindow {
        fn spec(&self) -> &ModelSpec {
            &self.spec
        }

        fn steps(&self) -> usize {
            self.steps
        }

        fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
            let features = windows.features();
            let mean = |window: &[f32], feature_idx: usize| {
                let values = window.iter().skip(feature_idx).step_by(features);
                let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
                sum / n
            };
            let of_window = |window| {
                let means: Vec<f32> = (0..features).map(|f| mean(window, f)).collect();
                means.repeat(self.steps)
            };
            Ok(windows.iter().flat_map(of_window).collect())
        }

        fn weights(&self) -> Vec<NamedTensor> {
            Vec::new()
        }
    }

    /// Stands in for a network that gives every window back in reverse.
    struct Reversed(MeanOfWindow);

    impl Fitted for Reversed {
        fn spec(&self) -> &ModelSpec {
            self.0.spec()
        }

        fn steps(&self) -> usize {
            self.0.steps()
        }

        fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
            Ok(windows.iter().flat_map(|window| window.iter().rev().copied()).collect())
        }

        fn weights(&self) -> Vec<NamedTensor> {
            Vec::new()
        }
    }

    fn scored(
        network: &dyn Fitted,
        scaler: &Scaler,
        merge: Merge,
        history: &History<'_>,
    ) -> Result<Scores, FitError> {
        score(network, How { scaler, merge, norm: &Norm::L2 }, history)
    }

    fn scaler(mean: &[f64], sd: &[f64]) -> Scaler {
        let (mean, sd) = (mean.to_vec(), sd.to_vec());
        Scaler::try_from(ScalerParts { min: mean.clone(), max: mean.clone(), mean, sd }).unwrap()
    }

    #[test]
    fn an_autoencoder_gives_causal_hindsight_and_window_errors() {
        // Scaled by mean 1, sd 2: rows 1 3 5 13 5 become 0 1 2 6 2; windows of three rows and their
        // means: 0 1 2 → 1, 1 2 6 → 3, 2 6 2 → 10/3.
        let history = OwnedHistory::new(&[1.0, 3.0, 5.0, 13.0, 5.0], 1, 3);
        let network = MeanOfWindow::new(3, 3, 1);
        let scores =
            scored(&network, &scaler(&[1.0], &[2.0]), Merge::Median, &history.view()).unwrap();
        // 10/3 in f32 is 2e-7 off; unscaling and dividing by sd keep that.
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 5e-7, "{found}");
        assert!(scores.causal[..2].iter().all(|score| score.is_nan()));
        assert_eq!(scores.causal[2..4], [1.0, 3.0]);
        near(scores.causal[4], 4.0 / 3.0);
        assert_eq!(scores.expected[2..4], [3.0, 7.0]);
        assert_eq!(scores.scale[2], 2.0);
        // Row 2 is covered with errors 1, 1 and 4/3, row 3 with 3 and 8/3.
        assert_eq!(scores.n_windows, [1, 2, 3, 2, 1]);
        assert_eq!(scores.hindsight[..3], [1.0, 1.0, 1.0]); // 1 | 0, 2 | 1, 1, 4/3
        near(scores.hindsight[3], 17.0 / 6.0);
        near(scores.window_error[2], 2.0 / 3.0); // (1 + 0 + 1) / 3
        assert_eq!(scores.window_error[3], 2.0); // (2 + 1 + 3) / 3
        assert_eq!(scores.is_interim, [false, false, false, true, true]);
    }

    #[test]
    fn the_causal_expectation_is_that_of_the_last_step() {
        // 1 2 6 is expected to be 6 2 1: errors −5 0 5.
        let history = OwnedHistory::new(&[1.0, 2.0, 6.0], 1, 3);
        let network = Reversed(MeanOfWindow::new(3, 3, 1));
        let scores =
            scored(&network, &scaler(&[0.0], &[1.0]), Merge::Median, &history.view()).unwrap();
        assert_eq!((scores.expected[2], scores.causal[2]), (1.0, 5.0));
        assert_eq!(scores.hindsight, [5.0, 0.0, 5.0]);
    }

    #[test]
    fn more_windows_than_a_call_takes_are_scored_alike() {
        let n = WINDOWS_PER_CALL + 10;
        let values: Vec<f64> = (0..n).map(|k| to_real(k * k % 97)).collect();
        let history = OwnedHistory::new(&values, 1, 3);
        let network = MeanOfWindow::new(3, 3, 1);
        let score = |history: &OwnedHistory| {
            scored(&network, &scaler(&[0.0], &[1.0]), Merge::Mean, &history.view()).unwrap()
        };
        let whole = score(&history);
        // The last 20 rows alone: their first two lack windows, so from the third on (of hindsight,
        // from the fifth) all must agree.
        let last = score(&OwnedHistory::new(&values[n - 20..], 1, 3));
        assert_eq!(whole.causal[n - 18..], last.causal[2..]);
        assert_eq!(whole.hindsight[n - 16..], last.hindsight[4..]);
        assert_eq!(whole.n_windows[n - 16..], last.n_windows[4..]);
    }

    #[test]
    fn features_are_scaled_apart_and_their_errors_joined() {
        // Feature 0: 0 2, mean 1, error 1; feature 1 in tens: 0 6, mean 3, error 3. √((1 + 9)/2).
        let history = OwnedHistory::new(&[0.0, 0.0, 2.0, 60.0], 2, 2);
        let network = MeanOfWindow::new(2, 2, 2);
        let scaler = scaler(&[0.0, 0.0], &[1.0, 10.0]);
        let scores = scored(&network, &scaler, Merge::Median, &history.view()).unwrap();
        assert_eq!(scores.causal[1], 5.0_f64.sqrt());
        assert_eq!(scores.expected[2..], [1.0, 30.0]);
        assert_eq!(scores.window_error[1], 2.0); // (1 + 3 + 1 + 3) / 4
    }

    #[test]
    fn a_forecaster_has_no_hindsight_and_is_never_interim() {
        let history = OwnedHistory::new(&[1.0, 2.0, 6.0, 4.0], 1, 2);
        let network = MeanOfWindow::new(2, 1, 1);
        let scores =
            scored(&network, &scaler(&[0.0], &[1.0]), Merge::Median, &history.view()).unwrap();
        assert_eq!(scores.causal[1..], [0.5, 2.0, 1.0]);
        assert_eq!(scores.window_error[1..], scores.causal[1..]);
        assert_eq!(scores.n_windows, [0, 1, 1, 1]);
        assert!(scores.hindsight.iter().all(|score| score.is_nan()));
        assert!(!scores.is_interim.contains(&true));
    }

    #[test]
    fn windows_avoid_missing_values_and_a_missing_last_row_leaves_nothing_interim() {
        let history = OwnedHistory::new(&[1.0, 2.0, f64::NAN, 4.0, 5.0, f64::NAN], 1, 2);
        let network = MeanOfWindow::new(2, 2, 1);
        let scores =
            scored(&network, &scaler(&[0.0], &[1.0]), Merge::Median, &history.view()).unwrap();
        assert_eq!(scores.n_windows, [1, 1, 0, 1, 1, 0]);
        assert_eq!((scores.causal[1], scores.causal[4]), (0.5, 0.5));
        assert!(scores.causal[2].is_nan() && scores.causal[5].is_nan());
        assert!(!scores.is_interim.contains(&true));
    }

    #[test]
    fn only_the_last_segment_is_interim() {
        let history = OwnedHistory::new(&[1.0; 6], 1, 4).cut(4, false);
        let network = MeanOfWindow::new(4, 4, 1);
        let scores =
            scored(&network, &scaler(&[0.0], &[1.0]), Merge::Median, &history.view()).unwrap();
        assert_eq!(scores.is_interim, [false, false, false, false, true, true]);
    }

    #[test]
    fn a_network_for_other_windows_is_refused() {
        let history = OwnedHistory::new(&[1.0; 6], 1, 4);
        let network = MeanOfWindow::new(3, 3, 1);
        let refused = scored(&network, &scaler(&[0.0], &[1.0]), Merge::Median, &history.view());
        let expected =
            FitError::Shape { expected: "3 × 1".to_owned(), found: "4 × 1".to_owned() };
        assert_eq!(refused, Err(expected));
    }

    #[test]
    fn an_expectation_that_is_not_finite_is_no_score() {
        // 1e300 is beyond f32.
        let history = OwnedHistory::new(&[1.0, 1e300, 1.0, 1.0], 1, 2);
        let network = MeanOfWindow::new(2, 2, 1);
        let scores =
            scored(&network, &scaler(&[0.0], &[1.0]), Merge::Median, &history.view()).unwrap();
        assert!(scores.causal[1].is_nan() && scores.hindsight[1].is_nan());
        assert_eq!(scores.causal[3], 0.0);
    }
}
