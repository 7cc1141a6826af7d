//! The networks that are measured, as data: windows of thirty rows of one feature.

use clap::ValueEnum;
use oddlot_nets::{AutoencoderConfig, ForecasterConfig, autoencoder, forecaster};
use oddlot_series::{Activation, BiasConvention, Emit, Layer, ModelSpec, ShapeError, Windows};
use serde::Serialize;

use crate::plan::training;
use crate::settings::train::Train;

/// Rows that a network reads.
const STEPS: usize = 30;
const UNITS: usize = 64;
const DROPOUT: f64 = 0.2;

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
pub enum Name {
    /// Autoencoder of the shipped kind, 64 units: LSTM, repeat, LSTM, dense
    #[value(name = "A")]
    A,
    /// Deep autoencoder: LSTM 128, LSTM 64, repeat, LSTM 64, LSTM 128, dense
    #[value(name = "B")]
    B,
    /// Forecaster of the shipped kind, 64 units: LSTM, dense
    #[value(name = "C")]
    C,
}

impl Name {
    /// The network, trained as a pipeline trains by default, in batches of `batch` windows.
    pub fn spec(self, epochs: usize, batch: usize) -> ModelSpec {
        let mut training = training(&Train::default());
        (training.epochs, training.batch_size) = (epochs, batch);
        let (length, features, units) = (self.length(), 1, UNITS);
        let (latent, dropout) = (None, DROPOUT);
        let a = AutoencoderConfig { length, features, units, latent, dropout, training };
        match self {
            Self::A => autoencoder(a),
            Self::B => {
                let lstm = |units, emit| Layer::Lstm { units, activation: Activation::Tanh, emit };
                let layers = vec![
                    lstm(128, Emit::Sequence),
                    lstm(64, Emit::Last),
                    Layer::RepeatVector { steps: STEPS },
                    lstm(64, Emit::Sequence),
                    lstm(128, Emit::Sequence),
                    Layer::Dense { units: 1 },
                ];
                ModelSpec { layers, bias: BiasConvention::Double, ..autoencoder(a) }
            }
            Self::C => forecaster(ForecasterConfig { length, features, units, dropout, training }),
        }
    }

    /// Rows of a window; the forecaster's last is what it tells.
    fn length(self) -> usize {
        if self == Self::C { STEPS + 1 } else { STEPS }
    }

    /// Rows from the first of a window to the first of its target.
    pub fn target_offset(self) -> u32 {
        if self == Self::C { STEPS as u32 } else { 0 }
    }
}

/// Windows, one row apart.
pub struct Series {
    /// A wave.
    pub values: Vec<f32>,
    /// First row of each window.
    pub starts: Vec<u32>,
    length: usize,
}

impl Series {
    /// `n` windows for `name`.
    pub fn new(name: Name, n: usize) -> Self {
        let length = name.length();
        let values = (0..n + length).map(|row| (row as f32 * 0.37).sin()).collect();
        Self { values, starts: (0..n as u32).collect(), length }
    }

    /// All of them.
    pub fn windows(&self) -> Result<Windows<'_>, ShapeError> {
        Windows::new(&self.values, &self.starts, self.length, 1)
    }
}
