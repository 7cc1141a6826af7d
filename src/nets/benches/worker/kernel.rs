//! The kernels without Burn.

use std::hint::black_box;

use oddlot_lstm::adam::{Adam, Settings};
use oddlot_lstm::fused::{Batch, Biases, Isa, Program, Threads};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::{self, Dropout, Stream};
use oddlot_series::BiasConvention;
use rayon::prelude::*;

use super::models::{ADAM, Name, Series};
use super::request::{Op, Setting};

pub(crate) fn run(setting: &Setting, isa: Isa, lap: &mut dyn FnMut()) {
    match setting.op {
        Op::Train => train(setting, isa, lap),
        Op::Score => score(setting, isa, lap),
        Op::Bulk => bulk(setting, isa, lap),
    }
}

fn train(setting: &Setting, isa: Isa, lap: &mut dyn FnMut()) {
    let series = Series::new(setting.model, setting.batch.get());
    let mut kernel = Kernel::new(setting.model, isa, setting.kernel_threads());
    loop {
        kernel.step(&series, 0, setting.batch.get());
        lap();
    }
}

fn score(setting: &Setting, isa: Isa, lap: &mut dyn FnMut()) {
    let Series { values, starts, .. } = Series::new(setting.model, setting.batch.get());
    let Kernel { program, threads, weights, .. } =
        Kernel::new(setting.model, isa, setting.kernel_threads());
    let mut out = vec![0.0; starts.len() * program.stack().output().size()];
    loop {
        program.forward(&weights, &values, &starts, threads, &mut out);
        black_box(&mut out);
        lap();
    }
}

/// Each model on one thread, the next one as soon as a thread is free.
fn bulk(setting: &Setting, isa: Isa, lap: &mut dyn FnMut()) {
    let (batch, n_batches) = (setting.batch.get(), setting.bulk_batches());
    let series = Series::new(setting.model, n_batches * batch);
    let new = |_| Kernel::new(setting.model, isa, Threads::One);
    let mut kernels: Vec<Kernel> = (0..setting.models.get()).map(new).collect();
    let mut steps_of_each = 1;
    loop {
        kernels.par_iter_mut().with_max_len(1).for_each(|kernel| {
            (0..steps_of_each).for_each(|k| kernel.step(&series, k * batch, batch));
        });
        steps_of_each = n_batches;
        lap();
    }
}

/// A training.
struct Kernel {
    program: Program,
    threads: Threads,
    adam: Adam,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    step: u64,
}

impl Kernel {
    fn new(name: Name, isa: Isa, threads: Threads) -> Self {
        let biases = match name.bias() {
            BiasConvention::Single => Biases::One,
            BiasConvention::Double => Biases::Two,
        };
        let program = Program::new(&name.stack(), biases, isa).expect("this machine has it");
        let draw = |i| random::uniform_in(-0.1, 0.1, 1, Stream::Sample, &[i]) as f32;
        let flat: Vec<f32> = (0..program.n_weights() as u64).map(draw).collect();
        let settings = Settings {
            learning_rate: ADAM.learning_rate,
            beta_1: ADAM.beta_1,
            beta_2: ADAM.beta_2,
            epsilon: ADAM.epsilon,
        };
        Self {
            threads,
            adam: Adam::new(settings, program.n_packed()),
            weights: program.pack(&flat),
            gradient: vec![0.0; program.n_packed()],
            step: 0,
            program,
        }
    }

    /// Learns from `batch` windows from the one at `first`.
    fn step(&mut self, series: &Series, first: usize, batch: usize) {
        let chosen = first..first + batch;
        let (inputs, targets) = (&series.starts[chosen.clone()], &series.targets[chosen]);
        let dropout = Some(Dropout { seed: 42, step: self.step });
        let batch = Batch { values: &series.values, inputs, targets, loss: Loss::Mae, dropout };
        let (weights, gradient) = (&mut self.weights, &mut self.gradient);
        self.program.loss_and_gradient(weights, &batch, self.threads, gradient);
        self.adam.step(self.program.isa(), self.threads, weights, gradient);
        self.step += 1;
    }
}
