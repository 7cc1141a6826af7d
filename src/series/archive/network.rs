//! LSTM networks that learn from the very series they score.
//!
//! The autoencoder reads a window of about one period to one vector and tells the window from it; rows that
//! it cannot tell, in the mean of the windows that cover them, are odd. The forecaster tells each row from the rows before it. Both see the
//! whole standardised series, draw their windows from it at random and learn for a fixed number of steps,
//! so that what is rare has little say in what they learn.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series. Draws depend on the
//! seed and on the series' name alone.
//! Source: Malhotra et al. 2016 (EncDec-AD) for the autoencoder, without its bottleneck's second half;
//! Smith and Topin 2019 for the rate of learning. Lengths, steps and smoothing are this project's own.

use serde::{Deserialize, Serialize};

use super::{ArchiveError, Networks, Standardised};
use crate::model::{FitError, Fitted, TrainingWindows};
use crate::spec::{
    Activation, Adam, BiasConvention, Emit, Initialiser, Layer, Loss, ModelSpec, Reduction,
    Schedule, Target, Training,
};
use crate::statistics::{median, to_real, to_single};
use crate::windows::Windows;

/// Shortest and longest window of the autoencoder, in rows.
const WINDOW: (usize, usize) = (16, 128);

/// So many windows are scored at most, unless that would leave rows uncovered: evenly spaced ones tell
/// what all of them would.
const WINDOWS_SCORED: usize = 3000;

/// Rows that the forecaster reads before it tells the next one.
const CONTEXT: usize = 64;

/// `[detector.lstm_autoencoder]` and `[detector.lstm_forecaster]` of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmSettings {
    /// Hidden units; an autoencoder has as many on either side.
    pub units: usize,
    /// Batches learnt from.
    pub steps: usize,
    /// Windows in a batch.
    pub batch_size: usize,
    /// Largest step size of the cycle.
    pub learning_rate: f64,
    /// Where every draw starts, together with the series' name.
    pub seed: u64,
}

impl LstmSettings {
    /// The defaults of `lstm_autoencoder`.
    pub const AUTOENCODER: Self =
        Self { units: 32, steps: 500, batch_size: 32, learning_rate: 0.01, seed: 42 };

    /// The defaults of `lstm_forecaster`.
    pub const FORECASTER: Self = Self { steps: 200, ..Self::AUTOENCODER };

    /// What is asked for `target` of windows of `length` rows; conventions are those of PyTorch, where this was tried.
    fn spec(
        &self,
        target: Target,
        length: usize,
        features: usize,
        layers: Vec<Layer>,
    ) -> ModelSpec {
        let Self { steps, batch_size, learning_rate, seed, .. } = *self;
        let training = Training {
            loss: Loss::Mse,
            adam: Adam { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 },
            epochs: 1,
            batch_size,
            patience: None,
            restore_best: false,
            shuffle: true,
            clip_norm: Some(1.0),
            reduction: Reduction::Mean,
            seed,
            steps: Some(steps),
            schedule: Schedule::OneCycle,
        };
        ModelSpec {
            target,
            length,
            features,
            layers,
            bias: BiasConvention::Double,
            initialiser: Initialiser::Pytorch,
            training,
            as_published: None,
        }
    }

    fn lstm(&self, emit: Emit) -> Layer {
        Layer::Lstm { units: self.units, activation: Activation::Tanh, emit }
    }
}

/// `seed` for the series called `name`: the same whatever else is scored, and in whatever order.
///
/// FNV-1a (Fowler, Noll and Vo), begun from the seed.
pub(super) fn seed_of(seed: u64, name: &str) -> u64 {
    const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// Smoothed error of each row in the windows that cover it, by an autoencoder that learnt from the series.
pub(super) fn score_by_autoencoder(
    settings: &LstmSettings,
    series: &Standardised,
    networks: &dyn Networks,
) -> Result<Vec<f64>, ArchiveError> {
    let length = series.period().clamp(WINDOW.0, WINDOW.1).min(series.len());
    let features = series.columns().len();
    if length < 2 {
        return Ok(vec![0.0; series.len()]);
    }
    let layers = vec![
        settings.lstm(Emit::Last),
        Layer::RepeatVector { steps: length },
        settings.lstm(Emit::Sequence),
        Layer::Dense { units: features },
    ];
    let spec = settings.spec(Target::Reconstruction, length, features, layers);
    let values = interleaved(series);
    let fitted = fit(networks, spec, &values)?;

    let rows = evenly(series.len() + 1 - length, WINDOWS_SCORED, length);
    let starts = elements(rows.iter().copied(), features)?;
    let windows = windows(&values, &starts, length, features)?;
    let expected = fitted.expect(windows)?;
    let squares = windows
        .iter()
        .flat_map(|window| window.chunks_exact(features))
        .zip(expected.chunks_exact(features))
        .map(|(row, expected)| sum_of_squares(row, expected));
    Ok(series.smoothed(&covering_means(squares, &rows, length, series.len())))
}

/// Smoothed error of the forecast of each row, by a forecaster that learnt from the series.
pub(super) fn score_by_forecaster(
    settings: &LstmSettings,
    series: &Standardised,
    networks: &dyn Networks,
) -> Result<Vec<f64>, ArchiveError> {
    let context = CONTEXT.min(series.len() / 2);
    let features = series.columns().len();
    if context == 0 {
        return Ok(vec![0.0; series.len()]);
    }
    let layers = vec![settings.lstm(Emit::Sequence), Layer::Dense { units: features }];
    let length = context + 1;
    let spec = settings.spec(Target::EveryForecast, length, features, layers);
    let values = interleaved(series);
    let fitted = fit(networks, spec, &values)?;

    let starts = elements(0..series.len() + 1 - length, features)?;
    let expected = fitted.expect(windows(&values, &starts, length, features)?)?;
    let size = context * features;
    let squares = squared_errors(&values, &expected, size, features);
    Ok(series.smoothed(&squares))
}

/// Squared one-step errors summed over features, `[time]`.
///
/// Each window forecasts the row after its context. The rows of the first context, which would be told from
/// less, are not judged: they take the middle one of the others.
fn squared_errors(values: &[f32], expected: &[f32], size: usize, features: usize) -> Vec<f64> {
    let last = expected.chunks_exact(size).map(|window| &window[size - features..]);
    let rows = values[size..].chunks_exact(features);
    let judged: Vec<f64> =
        rows.zip(last).map(|(row, expected)| sum_of_squares(row, expected)).collect();
    let middle = median(&mut judged.clone()).unwrap_or_default();
    let mut squares = vec![middle; size / features];
    squares.extend(judged);
    squares
}

fn sum_of_squares(row: &[f32], expected: &[f32]) -> f64 {
    let square = |(value, expected): (&f32, &f32)| {
        let error = f64::from(*value) - f64::from(*expected);
        error * error
    };
    row.iter().zip(expected).map(square).sum()
}

/// Each row's mean over the windows that cover it of what each of them says of it, `[window, step]` one after
/// the other; every row must be covered.
fn covering_means(
    said: impl Iterator<Item = f64>,
    starts: &[usize],
    length: usize,
    n_rows: usize,
) -> Vec<f64> {
    let mut sums = vec![(0.0, 0_usize); n_rows];
    let rows = starts.iter().flat_map(|&start| start..start + length);
    for (value, row_idx) in said.zip(rows) {
        let (sum, count) = &mut sums[row_idx];
        *sum += value;
        *count += 1;
    }
    sums.into_iter().map(|(sum, count)| sum / to_real(count.max(1))).collect()
}

/// At most `most` evenly spaced rows of `0..n`, the first and the last among them, no two further apart
/// than `apart`.
fn evenly(n: usize, most: usize, apart: usize) -> Vec<usize> {
    let stride = n.div_ceil(most).clamp(1, apart.max(1));
    let last = n.saturating_sub(1);
    (0..last).step_by(stride).chain([last]).collect()
}

/// `[time, feature]`, rounded to what networks compute with.
fn interleaved(series: &Standardised) -> Vec<f32> {
    let columns = series.columns();
    let rows = (0..series.len()).flat_map(|row| columns.iter().map(move |column| column[row]));
    rows.map(to_single).collect()
}

/// Windows that begin at the rows `starts`.
fn windows<'a>(
    values: &'a [f32],
    starts: &'a [u32],
    length: usize,
    features: usize,
) -> Result<Windows<'a>, FitError> {
    Windows::new(values, starts, length, features).map_err(|error| FitError::Shape {
        expected: format!("{length} × {features}"),
        found: error.to_string(),
    })
}

/// Learns from windows of the whole series.
fn fit(
    networks: &dyn Networks,
    spec: ModelSpec,
    values: &[f32],
) -> Result<Box<dyn Fitted>, FitError> {
    let (length, features) = (spec.length, spec.features);
    let starts = elements(0..values.len() / features + 1 - length, features)?;
    let train = windows(values, &starts, length, features)?;
    let validation = train.slice(0..0);
    networks.model(spec)?.fit(TrainingWindows { train, validation }, &mut |_| {})
}

/// First elements of rows.
fn elements(rows: impl Iterator<Item = usize>, features: usize) -> Result<Vec<u32>, FitError> {
    let element = |row: usize| {
        u32::try_from(row * features).map_err(|_| FitError::Shape {
            expected: format!("at most {} values in all", u32::MAX),
            found: format!("more than {row} rows of {features} features"),
        })
    };
    rows.map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_a_stride_apart_cover_every_row() {
        assert_eq!(evenly(7, 3, 9), [0, 3, 6]);
        assert_eq!(evenly(8, 3, 9), [0, 3, 6, 7]);
        assert_eq!(evenly(8, 3, 2), [0, 2, 4, 6, 7]);
        assert_eq!((evenly(1, 3, 2), evenly(3, usize::MAX, 1)), (vec![0], vec![0, 1, 2]));
        for (n, length) in [(1, 5), (50, 3), (9000, 16), (9001, 2)] {
            let starts = evenly(n, 1000, length);
            let said = std::iter::repeat_n(2.0, starts.len() * length);
            let n_rows = n + length - 1;
            assert_eq!(covering_means(said, &starts, length, n_rows), vec![2.0; n_rows]);
        }
    }

    #[test]
    fn a_row_has_the_mean_of_the_windows_over_it() {
        // Windows of two rows at rows 0, 1 and 3: row 1 lies in the first two.
        let said = [1.0, 2.0, 6.0, 3.0, 8.0, 9.0];
        let found = covering_means(said.into_iter(), &[0, 1, 3], 2, 5);
        assert_eq!(found, [1.0, 4.0, 3.0, 8.0, 9.0]);
    }

    #[test]
    fn each_window_tells_the_row_after_its_context_and_earlier_rows_take_the_middle() {
        // Two rows of context: the windows tell rows 2, 3 and 4, their last steps are off by 1, 0 and 3.
        let values = [7.0, 7.0, 2.0, 3.0, 4.0];
        let expected = [9.0, 1.0, 9.0, 3.0, 9.0, 7.0];
        assert_eq!(squared_errors(&values, &expected, 2, 1), [1.0, 1.0, 1.0, 0.0, 9.0]);
    }

    #[test]
    fn squares_are_summed_over_features() {
        // One row of context; row (3, 4), expected (0, 0): 9 + 16.
        assert_eq!(squared_errors(&[0.0, 0.0, 3.0, 4.0], &[0.0, 0.0], 2, 2), [25.0, 25.0]);
    }

    #[test]
    fn seeds_differ_by_name_and_by_seed() {
        // FNV-1a of nothing but eight zero bytes, then of "a" after them, by hand in Python:
        // h=0xcbf29ce484222325; [h:=((h^b)*0x100000001b3)%2**64 for b in bytes(8)+b"a"]
        assert_eq!(seed_of(0, ""), 0xA8C7_F832_281A_39C5);
        let all = [seed_of(1, "a"), seed_of(2, "a"), seed_of(1, "b"), seed_of(1, "")];
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
    }
}
