//! Single kernels with operands of their own, for `benches/kernels.rs`; only with the feature `bench`.
//!
//! Each runs as the engine runs it: one shard of a training batch or one block in scoring, one time step.
//! Running it again and again changes no operand in a way that matters: sums grow, nothing becomes
//! denormal.

use std::marker::PhantomData;

use super::Isa;
use super::buffer::Buffer;
use super::cell::Tanh;
use super::lanes::{Lanes, Panel, Strided, with_lanes};
use super::lstm::{
    CellsBack, Forward, Input, Remember, Shape, Totals, WeightGradient, Weights, waiting_gates,
};
use super::product::Product;
use super::rows::{Dense, DenseBack, DenseWeights, Drop};
use super::train::BLOCK_ROWS;
use crate::random::{self, Dropout, Stream};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Hidden states times recurrent weights, without what an LSTM does with the product.
    Recurrent,
    /// Gate gradients times recurrent weights.
    Back,
    /// Hidden states times gate gradients, over a block of time steps.
    WeightGradient,
    /// An LSTM step that remembers what the way back needs.
    TrainStep,
    /// An LSTM step that does not.
    ScoreStep,
    /// The way back through the cells of a step.
    CellsBack,
    /// Dropout of an LSTM's output.
    Dropout,
    /// A dense layer of one unit.
    Dense,
    /// The way back through it.
    DenseBack,
}

/// Rows and an LSTM of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows of a shard or block.
    pub rows: usize,
    /// Hidden units.
    pub units: usize,
}

impl Kernel {
    /// Something to run, in an instruction set of this machine.
    pub fn prepare(self, isa: Isa, size: Size) -> Box<dyn FnMut()> {
        with_lanes!(isa, s => prepare(s, self, size))
    }

    /// Floating-point operations of the matrix products; 0 where there is none.
    pub fn product_flops(self, size: Size) -> usize {
        let gates = 4 * size.units;
        match self {
            Self::Recurrent | Self::Back => 2 * size.rows * size.units * gates,
            Self::WeightGradient => 2 * block_rows(size) * size.units * gates,
            Self::TrainStep | Self::ScoreStep => 2 * size.rows * (size.units + 1) * gates,
            Self::CellsBack | Self::Dropout | Self::Dense | Self::DenseBack => 0,
        }
    }
}

/// Rows of the block of time steps that weight gradients sum at a time.
fn block_rows(size: Size) -> usize {
    (BLOCK_ROWS / size.rows).max(1) * size.rows
}

fn prepare<S: Lanes<E = f32>>(s: S, kernel: Kernel, size: Size) -> Box<dyn FnMut()> {
    let padded = size.units.next_multiple_of(S::N);
    let shape = Shape { inputs: 1, units: size.units, padded };
    let bench = Bench { s, shape, rows: size.rows, block: block_rows(size) };
    match kernel {
        Kernel::Recurrent => bench.recurrent(),
        Kernel::Back => bench.back(),
        Kernel::WeightGradient => bench.weight_gradient(),
        Kernel::TrainStep => bench.step(true),
        Kernel::ScoreStep => bench.step(false),
        Kernel::CellsBack => bench.cells_back(),
        Kernel::Dropout => bench.dropout(),
        Kernel::Dense => bench.dense(),
        Kernel::DenseBack => bench.dense_back(),
    }
}

/// Small numbers.
fn draw(len: usize) -> Buffer<f32> {
    let mut buffer = Buffer::any(len);
    for (k, x) in buffer.iter_mut().enumerate() {
        *x = random::uniform_in(-0.1, 0.1, 1, Stream::Sample, &[k as u64]) as f32;
    }
    buffer
}

#[derive(Clone, Copy)]
struct Bench<S> {
    s: S,
    shape: Shape,
    rows: usize,
    block: usize,
}

impl<S: Lanes<E = f32>> Bench<S> {
    fn gate_row(self) -> usize {
        self.shape.gate_row::<S>()
    }

    fn recurrent(self) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let (hidden, weight) = (draw(rows * shape.padded), draw(shape.units * shape.gates()));
        let (mut out, panel) = (draw(rows * self.gate_row()), 4 * S::N);
        Box::new(move || {
            for (chunk, weight) in weight.chunks_exact(shape.units * panel).enumerate() {
                s.run(Product {
                    a: Strided { values: &hidden, row: shape.padded, step: 1 },
                    b: Panel { values: weight, row: panel },
                    out: &mut out[chunk * panel..],
                    out_row: self.gate_row(),
                    rows,
                    columns: panel,
                    terms: shape.units,
                    slice: 256,
                    accumulate: true,
                });
            }
        })
    }

    fn back(self) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let (d_gates, weight) = (draw(rows * self.gate_row()), draw(shape.gates() * shape.padded));
        let mut out = draw(rows * shape.padded);
        Box::new(move || {
            s.run(Product {
                a: Strided { values: &d_gates, row: self.gate_row(), step: 1 },
                b: Panel { values: &weight, row: shape.padded },
                out: &mut out,
                out_row: shape.padded,
                rows,
                columns: shape.padded,
                terms: shape.gates(),
                slice: 256,
                accumulate: false,
            });
        })
    }

    fn weight_gradient(self) -> Box<dyn FnMut()> {
        let Self { s, shape, block, .. } = self;
        let (hidden, d_gates) = (draw(block * shape.padded), draw(block * self.gate_row()));
        let mut d_weight = draw(shape.units * shape.gates());
        Box::new(move || {
            WeightGradient {
                shape,
                rows: block,
                left: &hidden,
                left_row: shape.padded,
                width: shape.units,
                d_gates: &d_gates,
                d_weight: &mut d_weight,
                accumulate: true,
            }
            .run(s);
        })
    }

    /// From the first half of hidden and cell states to the second.
    fn step(self, remembers: bool) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let step = rows * shape.padded;
        let (input, recurrent) = (draw(shape.gates()), draw(shape.units * shape.gates()));
        let (bias, x) = (draw(shape.gates()), draw(rows));
        let (mut hidden, mut state) = (draw(2 * step), draw(2 * step));
        let (mut gates, mut squashed) = (draw(rows * self.gate_row()), draw(step));
        let mut waiting = draw(waiting_gates::<S>());
        Box::new(move || {
            let remember =
                remembers.then(|| Remember { gates: &mut gates[..], squashed: &mut squashed[..] });
            s.run(Forward::<S, Tanh> {
                shape,
                rows,
                weights: Weights { input: &input, recurrent: &recurrent, bias: &bias },
                input: Input::Values(&x, 1),
                hidden: &mut hidden,
                hidden_at: step,
                state: &mut state,
                state_at: step,
                before: Some([0, 0]),
                waiting: &mut waiting,
                remember,
                squash: PhantomData,
            });
        })
    }

    /// All slopes are zero and stay so: gates are overwritten by their gradients, which would else shrink
    /// from run to run until they are denormal.
    fn cells_back(self) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let step = rows * shape.padded;
        let mut gates = draw(rows * self.gate_row());
        let (squashed, before) = (draw(step), draw(step));
        let (d_hidden, d_output) = (Buffer::zeros(step), Buffer::zeros(step));
        let (mut d_state, x) = (Buffer::zeros(step), draw(rows));
        let (mut d_bias, mut d_input) =
            (Buffer::zeros(shape.gates()), Buffer::zeros(shape.gates()));
        Box::new(move || {
            s.run(CellsBack::<S, Tanh> {
                shape,
                rows,
                gates: &mut gates,
                squashed: &squashed,
                state_before: Some(&before),
                d_hidden: &d_hidden,
                d_output: Some(&d_output),
                d_state: &mut d_state,
                totals: Totals::BiasAndInput(&mut d_bias, &mut d_input, &x, 1),
                squash: PhantomData,
            });
        })
    }

    fn dropout(self) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let (values, mut out) = (draw(rows * shape.padded), draw(rows * shape.padded));
        let mask = Dropout { seed: 1, step: 1 }.layer(0.2, 1);
        Box::new(move || {
            s.run(Drop {
                values: &values,
                out: &mut out,
                width: shape.padded,
                rows,
                mask,
                kept: 1.25,
                first_row: 0,
                time: 0,
            });
        })
    }

    fn dense(self) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let (weight, bias) = (draw(shape.padded), draw(S::N));
        let (values, mut out) = (draw(rows * shape.padded), draw(rows * S::N));
        Box::new(move || {
            let weights =
                DenseWeights { weight: &weight, bias: &bias, inputs: shape.padded, outputs: 1 };
            s.run(Dense { weights, values: &values, out: &mut out, out_row: S::N, rows });
        })
    }

    fn dense_back(self) -> Box<dyn FnMut()> {
        let Self { s, shape, rows, .. } = self;
        let (weight, bias) = (draw(shape.padded), draw(S::N));
        let (values, d_out) = (draw(rows * shape.padded), draw(rows * S::N));
        let (mut d_weight, mut d_bias) = (draw(shape.padded), draw(S::N));
        let mut d_values = draw(rows * shape.padded);
        Box::new(move || {
            let weights =
                DenseWeights { weight: &weight, bias: &bias, inputs: shape.padded, outputs: 1 };
            s.run(DenseBack {
                weights,
                values: &values,
                d_out: &d_out,
                d_out_row: S::N,
                rows,
                d_weight: &mut d_weight,
                d_bias: &mut d_bias,
                d_values: &mut d_values,
            });
        })
    }
}
