//! Small data and specs that several tests share.

use oddlot_series::{Adam, Loss, ModelSpec, Reduction, Schedule, Training, Windows};

use crate::{AutoencoderConfig, ForecasterConfig, autoencoder, forecaster};

/// Rows of a window.
pub(crate) const LENGTH: usize = 12;

/// Quick training that still learns.
pub(crate) const TRAINING: Training = Training {
    loss: Loss::Mse,
    adam: Adam { learning_rate: 1e-2, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
    epochs: 3,
    batch_size: 48,
    patience: None,
    restore_best: true,
    shuffle: true,
    clip_norm: None,
    reduction: Reduction::Mean,
    seed: 42,
    steps: None,
    schedule: Schedule::Constant,
};

/// An autoencoder of eight units with a bottleneck of three.
pub(crate) fn small_autoencoder(training: Training) -> ModelSpec {
    let (length, features, units, latent) = (LENGTH, 1, 8, Some(3));
    autoencoder(AutoencoderConfig { length, features, units, latent, dropout: 0.1, training })
}

/// A forecaster of eight units.
pub(crate) fn small_forecaster(training: Training) -> ModelSpec {
    let (length, features, units) = (LENGTH, 1, 8);
    forecaster(ForecasterConfig { length, features, units, dropout: 0.1, training })
}

/// A sine that repeats about every sixteen rows, and where windows of [`LENGTH`] rows begin in it.
pub(crate) struct Sine {
    values: Vec<f32>,
    starts: Vec<u32>,
}

impl Sine {
    /// `n` windows, one row apart.
    pub(crate) fn new(n: usize) -> Self {
        Self {
            values: (0..n + LENGTH).map(|i| (i as f32 * 0.4).sin()).collect(),
            starts: (0..n as u32).collect(),
        }
    }

    /// The same windows upside down and twice as large.
    pub(crate) fn flipped(mut self) -> Self {
        self.values.iter_mut().for_each(|value| *value *= -2.0);
        self
    }

    /// Puts `value` at row `row`.
    pub(crate) fn with(mut self, row: usize, value: f32) -> Self {
        self.values[row] = value;
        self
    }

    /// The windows.
    pub(crate) fn windows(&self) -> Windows<'_> {
        Windows::new(&self.values, &self.starts, LENGTH, 1).unwrap()
    }
}
