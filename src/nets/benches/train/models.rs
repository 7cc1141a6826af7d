//! Models A, B and C, a series for them, and their kernels without Burn.

use oddlot_lstm::adam;
use oddlot_lstm::fused::{Batch, Biases, Isa, Program, Threads};
use oddlot_lstm::layers::{Activation, Emit, Layer, Stack};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::{self, Dropout, Stream};
use oddlot_nets::{AutoencoderConfig, ForecasterConfig, autoencoder, forecaster};
use oddlot_series::{self as series, ModelSpec, Training, Windows};

/// Rows that the network reads.
const STEPS: usize = 30;
const UNITS: usize = 64;
const DROPOUT: f64 = 0.2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// LSTM 64, dropout, repeat, LSTM 64, dropout, dense.
    A,
    /// LSTM 1→128→64→64→128, dense, two biases.
    B,
    /// LSTM 64, dropout, dense; tells the next row.
    C,
}

impl Name {
    /// Rows of a window.
    pub(crate) fn length(self) -> usize {
        if self == Self::C { STEPS + 1 } else { STEPS }
    }
}

pub(crate) fn spec(name: Name) -> ModelSpec {
    let (length, features, units) = (name.length(), 1, UNITS);
    let (latent, dropout, training) = (None, DROPOUT, TRAINING);
    let a = AutoencoderConfig { length, features, units, latent, dropout, training };
    match name {
        Name::A => autoencoder(a),
        Name::C => forecaster(ForecasterConfig { length, features, units, dropout, training }),
        Name::B => {
            let lstm = |units| series::Layer::Lstm {
                units,
                activation: series::Activation::Tanh,
                emit: series::Emit::Sequence,
            };
            let mut layers: Vec<_> = [128, 64, 64, 128].map(lstm).to_vec();
            layers.push(series::Layer::Dense { units: 1 });
            ModelSpec { layers, bias: series::BiasConvention::Double, ..autoencoder(a) }
        }
    }
}

fn stack(name: Name) -> (Stack, Biases) {
    let lstm = |units, emit| Layer::Lstm { units, activation: Activation::Tanh, emit };
    let (dropout, dense) = (Layer::Dropout { rate: DROPOUT }, Layer::Dense { units: 1 });
    let repeat = Layer::RepeatVector { steps: STEPS };
    let (last, sequence) = (lstm(UNITS, Emit::Last), lstm(UNITS, Emit::Sequence));
    let (layers, biases) = match name {
        Name::A => (vec![last, dropout, repeat, sequence, dropout, dense], Biases::One),
        Name::C => (vec![last, dropout, dense], Biases::One),
        Name::B => {
            let mut layers = [128, 64, 64, 128].map(|units| lstm(units, Emit::Sequence)).to_vec();
            layers.push(dense);
            (layers, Biases::Two)
        }
    };
    (Stack::new(&layers, STEPS, 1).expect("layers fit"), biases)
}

/// `n` windows, one row apart.
pub(crate) struct Series {
    values: Vec<f32>,
    starts: Vec<u32>,
    length: usize,
}

impl Series {
    pub(crate) fn new(name: Name, n: usize) -> Self {
        let length = name.length();
        let values = (0..n + length).map(|row| (row as f32 * 0.37).sin()).collect();
        Self { values, starts: (0..n as u32).collect(), length }
    }

    pub(crate) fn windows(&self) -> Windows<'_> {
        Windows::new(&self.values, &self.starts, self.length, 1).expect("windows lie inside")
    }
}

/// A training without Burn.
pub(crate) struct Kernel {
    program: Program,
    threads: Threads,
    adam: adam::Adam,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    target_offset: u32,
    step: u64,
}

impl Kernel {
    pub(crate) fn new(name: Name, isa: Isa, threads: Threads) -> Self {
        let (stack, biases) = stack(name);
        let program = Program::new(&stack, biases, isa).expect("this machine has it");
        let draw = |i| random::uniform_in(-0.1, 0.1, 1, Stream::Sample, &[i]) as f32;
        let flat: Vec<f32> = (0..program.n_weights() as u64).map(draw).collect();
        let series::Adam { learning_rate, beta_1, beta_2, epsilon } = TRAINING.adam;
        let settings = adam::Settings { learning_rate, beta_1, beta_2, epsilon };
        Self {
            threads,
            adam: adam::Adam::new(settings, program.n_packed()),
            weights: program.pack(&flat),
            gradient: vec![0.0; program.n_packed()],
            target_offset: if name == Name::C { STEPS as u32 } else { 0 },
            step: 0,
            program,
        }
    }

    /// All windows of `series` as one batch.
    pub(crate) fn step(&mut self, series: &Series) {
        let inputs = &series.starts;
        let targets: Vec<u32> = inputs.iter().map(|start| start + self.target_offset).collect();
        let dropout = Some(Dropout { seed: 42, step: self.step });
        let values = &series.values;
        let batch = Batch { values, inputs, targets: &targets, loss: Loss::Mae, dropout };
        let (weights, gradient) = (&mut self.weights, &mut self.gradient);
        self.program.loss_and_gradient(weights, &batch, self.threads, gradient);
        self.adam.step(self.program.isa(), weights, gradient);
        self.step += 1;
    }
}

const TRAINING: Training = Training {
    loss: series::Loss::Mae,
    adam: series::Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
    epochs: 5,
    batch_size: 32,
    patience: None,
    restore_best: false,
    shuffle: true,
    clip_norm: None,
    seed: 42,
};
