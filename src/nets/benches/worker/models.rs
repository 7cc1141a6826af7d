//! Models A, B and C of `peers/README.md`, and windows for them.

use oddlot_lstm::layers as kernel;
use oddlot_lstm::random::{self, Stream};
use oddlot_series::{
    Activation, Adam, BiasConvention, Emit, Initialiser, Layer, Loss, ModelSpec, Reduction,
    Schedule, Target, Training, Windows,
};
use serde::Deserialize;

/// Rows that the network reads.
pub(crate) const STEPS: usize = 30;
pub(crate) const UNITS: usize = 64;
pub(crate) const DROPOUT: f64 = 0.2;
pub(crate) const ADAM: Adam =
    Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) enum Name {
    /// LSTM 64, dropout, repeat, LSTM 64, dropout, dense.
    A,
    /// LSTM 128 → 64, repeat, LSTM 64 → 128, dense; two biases.
    B,
    /// LSTM 64, dropout, dense; tells the next row.
    C,
}

impl Name {
    /// Rows of a window.
    fn length(self) -> usize {
        if self == Self::C { STEPS + 1 } else { STEPS }
    }

    fn layers(self) -> Vec<Layer> {
        let lstm = |units, emit| Layer::Lstm { units, activation: Activation::Tanh, emit };
        let (last, sequence) = (lstm(UNITS, Emit::Last), lstm(UNITS, Emit::Sequence));
        let (repeat, dropout) =
            (Layer::RepeatVector { steps: STEPS }, Layer::Dropout { rate: DROPOUT });
        let (wide, dense) = (lstm(128, Emit::Sequence), Layer::Dense { units: 1 });
        match self {
            Self::A => vec![last, dropout, repeat, sequence, dropout, dense],
            Self::B => vec![wide, last, repeat, sequence, wide, dense],
            Self::C => vec![last, dropout, dense],
        }
    }

    pub(crate) fn bias(self) -> BiasConvention {
        if self == Self::B { BiasConvention::Double } else { BiasConvention::Single }
    }

    /// For the kernels.
    pub(crate) fn stack(self) -> kernel::Stack {
        let layers: Vec<_> = self.layers().into_iter().map(lowered).collect();
        kernel::Stack::new(&layers, STEPS, 1).expect("layers fit")
    }

    /// For the engines, trained for `epochs` in batches of `batch_size`.
    pub(crate) fn spec(self, epochs: usize, batch_size: usize) -> ModelSpec {
        ModelSpec {
            target: if self == Self::C { Target::Forecast } else { Target::Reconstruction },
            length: self.length(),
            features: 1,
            layers: self.layers(),
            bias: self.bias(),
            initialiser: Initialiser::Pytorch,
            training: Training {
                loss: Loss::Mae,
                adam: ADAM,
                epochs,
                batch_size,
                patience: None,
                restore_best: false,
                shuffle: true,
                clip_norm: None,
                reduction: Reduction::Mean,
                seed: 42,
                steps: None,
                schedule: Schedule::Constant,
            },
            as_published: None,
        }
    }
}

fn lowered(layer: Layer) -> kernel::Layer {
    match layer {
        Layer::Lstm { units, emit, .. } => kernel::Layer::Lstm {
            units,
            activation: kernel::Activation::Tanh,
            emit: match emit {
                Emit::Last => kernel::Emit::Last,
                Emit::Sequence => kernel::Emit::Sequence,
            },
        },
        Layer::Dropout { rate } => kernel::Layer::Dropout { rate },
        Layer::RepeatVector { steps } => kernel::Layer::RepeatVector { steps },
        Layer::Dense { units } => kernel::Layer::Dense { units },
    }
}

/// Windows of a random walk, one row apart.
pub(crate) struct Series {
    pub(crate) values: Vec<f32>,
    /// Where each window begins.
    pub(crate) starts: Vec<u32>,
    /// Where what the network is to give for it begins.
    pub(crate) targets: Vec<u32>,
    length: usize,
}

impl Series {
    pub(crate) fn new(name: Name, n_windows: usize) -> Self {
        let step = |row: usize| 0.01 * random::normal(1, Stream::Sample, &[row as u64]);
        let walk = (0..n_windows + STEPS).scan(0.0, |price, row| {
            *price += step(row);
            Some(*price as f32)
        });
        let target_offset = if name == Name::C { STEPS as u32 } else { 0 };
        Self {
            values: walk.collect(),
            starts: (0..n_windows as u32).collect(),
            targets: (0..n_windows as u32).map(|start| start + target_offset).collect(),
            length: name.length(),
        }
    }

    pub(crate) fn windows(&self) -> Windows<'_> {
        Windows::new(&self.values, &self.starts, self.length, 1).expect("windows lie inside")
    }
}
