//! A network's kernels without Burn and without the training loop.

use oddlot_lstm::adam::{Adam, Settings};
use oddlot_lstm::fused::{Batch, Program, Threads};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::{self, Dropout, Stream};
use oddlot_nets::{Isa, fused};
use oddlot_series::{FitError, ModelSpec};

use super::models::{Name, Series};

/// Kernels with weights, and an optimiser for them.
pub struct Kernel {
    pub program: Program,
    target_offset: u32,
    threads: Threads,
    adam: Adam,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    step: u64,
}

impl Kernel {
    /// Of `spec`, which is that of `name`.
    pub fn new(name: Name, spec: &ModelSpec, isa: Isa, threads: Threads) -> Result<Self, FitError> {
        let program = fused::program(spec, isa)?;
        let draw = |k| random::uniform_in(-0.1, 0.1, 1, Stream::Sample, &[k]) as f32;
        let flat: Vec<f32> = (0..program.n_weights() as u64).map(draw).collect();
        let adam = spec.training.adam;
        let settings = Settings {
            learning_rate: adam.learning_rate,
            beta_1: adam.beta_1,
            beta_2: adam.beta_2,
            epsilon: adam.epsilon,
        };
        Ok(Self {
            target_offset: name.target_offset(),
            threads,
            adam: Adam::new(settings, program.n_packed()),
            weights: program.pack(&flat),
            gradient: vec![0.0; program.n_packed()],
            step: 0,
            program,
        })
    }

    /// Loss, gradient and Adam of the windows that begin at `inputs`.
    pub fn train(&mut self, series: &Series, inputs: &[u32]) {
        let targets: Vec<u32> = inputs.iter().map(|start| start + self.target_offset).collect();
        let dropout = Some(Dropout { seed: 42, step: self.step });
        let values = &series.values;
        let batch = Batch { values, inputs, targets: &targets, loss: Loss::Mae, dropout };
        let (weights, gradient) = (&mut self.weights, &mut self.gradient);
        self.program.loss_and_gradient(weights, &batch, self.threads, gradient);
        self.adam.step(self.program.isa(), self.threads, weights, gradient);
        self.step += 1;
    }

    /// What it expects of all windows, into `out`.
    pub fn score(&self, series: &Series, out: &mut [f32]) {
        let Series { values, starts, .. } = series;
        self.program.forward(&self.weights, values, starts, self.threads, out);
    }
}
