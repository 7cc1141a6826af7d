//! Single kernels and whole networks, in every instruction set of this machine, on one thread.
//!
//! `cargo bench -p oddlot-lstm --features bench --bench kernels -- [FILTER]`, such as `train_step` or
//! `forward`. `item/s` are floating-point operations of the matrix products where a kernel has some (`Gitem/s`
//! is GFLOP/s), else cells: rows times units; weights in `adam`; windows for whole networks. Look at
//! `fastest`: whatever else the machine does only adds time.

#![allow(clippy::expect_used, reason = "a benchmark may stop")]

use std::fmt;

use divan::Bencher;
use divan::counter::ItemsCount;
use oddlot_lstm::adam::{Adam, Settings};
use oddlot_lstm::fused::bench::{Kernel, Size};
use oddlot_lstm::fused::{Batch, Biases, Isa, Program, SCORE_BLOCK_WINDOWS, Threads};
use oddlot_lstm::layers::{Activation, Emit, Layer, Stack};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::Dropout;

fn main() {
    divan::main();
}

const STEPS: usize = 30;

/// An instruction set, and what it works on.
struct Case<T> {
    isa: Isa,
    of: T,
}

impl<T: fmt::Display> fmt::Display for Case<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.isa, self.of)
    }
}

fn in_every_isa<T: Clone>(many: &[T]) -> Vec<Case<T>> {
    let isas = Isa::available().into_iter();
    isas.flat_map(|isa| many.iter().map(move |of| Case { isa, of: of.clone() })).collect()
}

/// Rows of a kernel: a shard of a batch of 32, one of 256, a block in scoring.
#[derive(Clone)]
struct Rows(Size);

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows × {} units", self.0.rows, self.0.units)
    }
}

fn kernel_cases() -> Vec<Case<Rows>> {
    let rows = |units| [16, 32, SCORE_BLOCK_WINDOWS].map(|rows| Rows(Size { rows, units }));
    in_every_isa(&[64, 128].map(rows).concat())
}

macro_rules! kernels {
    ($($name:ident: $kernel:ident),+) => {
        $(
            #[divan::bench(args = kernel_cases())]
            fn $name(bencher: Bencher<'_, '_>, case: &Case<Rows>) {
                let size = case.of.0;
                let items = match Kernel::$kernel.product_flops(size) {
                    0 => size.rows * size.units,
                    flops => flops,
                };
                let run = Kernel::$kernel.prepare(case.isa, size);
                bencher.counter(ItemsCount::new(items)).bench_local(run);
            }
        )+
    };
}

kernels!(
    recurrent: Recurrent, back: Back, weight_gradient: WeightGradient,
    train_step: TrainStep, score_step: ScoreStep, cells_back: CellsBack,
    dropout: Dropout, dense: Dense, dense_back: DenseBack
);

/// As many weights as models C, A and B have, roughly.
#[divan::bench(args = in_every_isa(&[17_000, 50_000, 250_000]))]
fn adam(bencher: Bencher<'_, '_>, case: &Case<usize>) {
    let settings = Settings { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    let mut adam = Adam::new(settings, case.of);
    let (mut weights, gradient) = (vec![0.1; case.of], vec![0.01; case.of]);
    bencher
        .counter(ItemsCount::new(case.of))
        .bench_local(|| adam.step(case.isa, Threads::One, &mut weights, &gradient));
}

/// A network of `peers/README.md` and its batch.
#[derive(Clone, Copy)]
struct Whole(char, usize);

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

impl Whole {
    fn program(self, isa: Isa) -> Program {
        let lstm = |units, emit| Layer::Lstm { units, activation: Activation::Tanh, emit };
        let (last, sequence) = (lstm(64, Emit::Last), lstm(64, Emit::Sequence));
        let (dropout, dense) = (Layer::Dropout { rate: 0.2 }, Layer::Dense { units: 1 });
        let (repeat, wide) = (Layer::RepeatVector { steps: STEPS }, lstm(128, Emit::Sequence));
        let (layers, biases) = match self.0 {
            'A' => (vec![last, dropout, repeat, sequence, dropout, dense], Biases::One),
            'B' => (vec![wide, last, repeat, sequence, wide, dense], Biases::Two),
            _ => (vec![last, dropout, dense], Biases::One),
        };
        let stack = Stack::new(&layers, STEPS, 1).expect("layers fit");
        Program::new(&stack, biases, isa).expect("this machine has it")
    }

    /// Values that windows lie in, and where they and their targets begin.
    fn windows(self) -> (Vec<f32>, Vec<u32>, Vec<u32>) {
        let ahead = if self.0 == 'C' { STEPS as u32 } else { 0 };
        let values = (0..self.1 + STEPS).map(|row| (row as f32 * 0.37).sin()).collect();
        let starts = 0..self.1 as u32;
        (values, starts.clone().collect(), starts.map(|start| start + ahead).collect())
    }
}

fn weights(program: &Program) -> Vec<f32> {
    let flat: Vec<f32> = (0..program.n_weights()).map(|k| 0.1 * (k as f32).sin()).collect();
    program.pack(&flat)
}

fn batches() -> Vec<Case<Whole>> {
    in_every_isa(&['A', 'C', 'B'].map(|name| [Whole(name, 32), Whole(name, 256)]).concat())
}

#[divan::bench(args = batches())]
fn loss_and_gradient(bencher: Bencher<'_, '_>, case: &Case<Whole>) {
    let program = case.of.program(case.isa);
    let (values, inputs, targets) = case.of.windows();
    let (packed, mut gradient) = (weights(&program), vec![0.0; program.n_packed()]);
    let dropout = Some(Dropout { seed: 1, step: 1 });
    let (inputs, targets) = (&inputs[..], &targets[..]);
    let batch = Batch { values: &values, inputs, targets, loss: Loss::Mae, dropout };
    bencher
        .counter(ItemsCount::new(inputs.len()))
        .bench_local(|| program.loss_and_gradient(&packed, &batch, Threads::One, &mut gradient));
}

fn blocks() -> Vec<Case<Whole>> {
    in_every_isa(&['A', 'C', 'B'].map(|name| Whole(name, SCORE_BLOCK_WINDOWS)))
}

#[divan::bench(args = blocks())]
fn forward(bencher: Bencher<'_, '_>, case: &Case<Whole>) {
    let program = case.of.program(case.isa);
    let (values, starts, _) = case.of.windows();
    let packed = weights(&program);
    let mut out = vec![0.0; starts.len() * program.stack().output().size()];
    bencher.counter(ItemsCount::new(starts.len())).bench_local(|| {
        program.forward(&packed, &values, &starts, Threads::One, &mut out);
    });
}
