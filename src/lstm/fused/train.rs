//! Loss and gradient of one shard: all layers forward, then back, while its activations stay in the cache.

mod by_row;
mod recurrent;

use std::ops::Range;

use super::Batch;
use super::buffer::Buffer;
use super::cell::{Relu, Tanh};
use super::lanes::Lanes;
use super::parts::gather;
use super::plan::{ByRow, Kind, Plan, Signal, Stage};
use crate::layers::Activation;
use crate::real::Real;
use by_row::Step;
#[cfg(feature = "bench")]
pub(crate) use recurrent::BLOCK_ROWS;

/// One shard of a batch.
pub(crate) struct Shard<'a, S: Lanes> {
    pub(crate) s: S,
    pub(crate) plan: &'a Plan,
    pub(crate) packed: &'a [S::E],
    pub(crate) prepared: &'a [S::E],
    pub(crate) batch: &'a Batch<'a, S::E>,
    /// Its rows of the batch.
    pub(crate) rows: Range<usize>,
}

/// What a body stage leaves behind.
struct Trace<E: Real> {
    /// Its output; an LSTM's is every hidden state.
    values: Buffer<E>,
    /// Where the output begins in `values`.
    start: usize,
    memory: Option<Memory<E>>,
}

/// What an LSTM remembers of every step.
struct Memory<E: Real> {
    gates: Buffer<E>,
    squashed: Buffer<E>,
    state: Buffer<E>,
}

impl<S: Lanes> Shard<'_, S> {
    /// Loss, summed over elements; `gradient`, packed, is overwritten by that of the mean over the batch.
    pub(crate) fn run(&self, gradient: &mut [S::E]) -> f64 {
        self.clear_dense(gradient);
        let input =
            gather::<S>(self.plan.input, self.batch.values, &self.batch.inputs[self.rows.clone()]);
        let mut traces: Vec<Trace<S::E>> = Vec::with_capacity(self.plan.body.len());
        for stage in &self.plan.body {
            let x = traces.last().map_or(&input[..], Trace::output);
            traces.push(self.forward(stage, x));
        }
        let last = traces.last().map_or(&input[..], Trace::output);
        let (loss, mut slope) = self.tail(last, gradient);
        for (k, stage) in self.plan.body.iter().enumerate().rev() {
            let (before, rest) = traces.split_at_mut(k);
            let x = before.last().map_or(&input[..], Trace::output);
            slope = self.backward(stage, x, &mut rest[0], slope, gradient);
        }
        loss
    }

    /// Dense layers add to their gradient time step by time step; LSTM layers begin theirs themselves.
    fn clear_dense(&self, gradient: &mut [S::E]) {
        for stage in self.plan.body.iter().chain(&self.plan.tail) {
            if let Kind::ByRow(ByRow::Dense { weight, bias, .. }) = &stage.kind {
                gradient[weight.start..bias.end].fill(S::E::default());
            }
        }
    }

    fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Numbers of a signal.
    fn size(&self, signal: Signal) -> usize {
        signal.steps * self.n_rows() * signal.stride
    }

    fn forward(&self, stage: &Stage, x: &[S::E]) -> Trace<S::E> {
        match &stage.kind {
            Kind::Lstm(lstm) => match lstm.activation {
                Activation::Tanh => self.lstm_forward::<Tanh>(lstm, stage.input, x),
                Activation::Relu => self.lstm_forward::<Relu>(lstm, stage.input, x),
            },
            Kind::ByRow(layer) => {
                let mut values = Buffer::any(self.size(stage.output));
                let (step_in, step_out) = self.step_sizes(stage);
                for time in 0..stage.output.steps {
                    let x = &x[time * step_in..(time + 1) * step_in];
                    let out = &mut values[time * step_out..(time + 1) * step_out];
                    self.by_row(layer, Step { stage, time }, x, out);
                }
                Trace { values, start: 0, memory: None }
            }
            Kind::Repeat => {
                let mut values = Buffer::any(self.size(stage.output));
                for step in values.chunks_exact_mut(x.len()) {
                    step.copy_from_slice(x);
                }
                Trace { values, start: 0, memory: None }
            }
        }
    }

    fn step_sizes(&self, stage: &Stage) -> (usize, usize) {
        (self.n_rows() * stage.input.stride, self.n_rows() * stage.output.stride)
    }

    /// Gradient of what the stage read, from that of what it gave.
    fn backward(
        &self,
        stage: &Stage,
        x: &[S::E],
        trace: &mut Trace<S::E>,
        slope: Buffer<S::E>,
        gradient: &mut [S::E],
    ) -> Buffer<S::E> {
        match &stage.kind {
            Kind::Lstm(lstm) => match lstm.activation {
                Activation::Tanh => {
                    self.lstm_back::<Tanh>(lstm, (stage.input, x), trace, &slope, gradient)
                }
                Activation::Relu => {
                    self.lstm_back::<Relu>(lstm, (stage.input, x), trace, &slope, gradient)
                }
            },
            Kind::ByRow(layer) => {
                let mut d_x = Buffer::any(x.len());
                let (step_in, step_out) = self.step_sizes(stage);
                for time in 0..stage.output.steps {
                    let from = time * step_in..(time + 1) * step_in;
                    let slope = &slope[time * step_out..(time + 1) * step_out];
                    let x = &x[from.clone()];
                    let step = Step { stage, time };
                    self.by_row_back(layer, step, x, slope, &mut d_x[from], gradient);
                }
                d_x
            }
            Kind::Repeat => {
                let mut d_x = Buffer::zeros(x.len());
                for step in slope.chunks_exact(d_x.len()) {
                    d_x.iter_mut().zip(step).for_each(|(sum, &more)| *sum += more);
                }
                d_x
            }
        }
    }
}

impl<E: Real> Trace<E> {
    fn output(&self) -> &[E] {
        &self.values[self.start..]
    }
}
