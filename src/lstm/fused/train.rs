//! Loss and gradient of one shard: all layers forward, then back, while its activations stay in the cache.

use std::marker::PhantomData;
use std::ops::Range;

use super::Batch;
use super::buffer::Buffer;
use super::cell::{Relu, Squash, Tanh};
use super::lanes::{Lanes, Panel, Strided};
use super::lstm::{CellsBack, Forward, Input, Remember, Totals, WeightGradient, Weights};
use super::plan::{ByRow, Kind, Lstm, Plan, Signal, Stage};
use super::product::Product;
use super::rows::{ColumnSums, Dense, DenseBack, DenseWeights, Drop};
use crate::layers::{Activation, Emit};
use crate::random::LayerMask;
use crate::real::Real;

/// Rows (time steps × rows of the shard) that a product of weight gradients sums at a time.
const BLOCK_ROWS: usize = 96;

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
        gradient.fill(S::E::default());
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
                    self.by_row(layer, stage, time, x, out);
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

    /// A layer that treats rows by themselves, on the rows of one time step.
    fn by_row(&self, layer: &ByRow, stage: &Stage, time: usize, x: &[S::E], out: &mut [S::E]) {
        let rows = self.n_rows();
        match layer {
            ByRow::Dropout { layer_idx, rate } => {
                self.dropped(*layer_idx, *rate, time, stage, x, out)
            }
            ByRow::Dense { .. } => {
                let weights = dense_weights(layer, stage.input, self.packed);
                let out_row = stage.output.stride;
                self.s.run(Dense { weights, values: x, out, out_row, rows });
            }
        }
    }

    fn dropped(
        &self,
        layer_idx: usize,
        rate: f64,
        time: usize,
        stage: &Stage,
        values: &[S::E],
        out: &mut [S::E],
    ) {
        let Some(dropout) = self.batch.dropout else {
            out.copy_from_slice(values);
            return;
        };
        let mask: LayerMask = dropout.layer(rate, layer_idx);
        self.s.run(Drop {
            values,
            out,
            width: stage.input.stride,
            rows: self.n_rows(),
            mask,
            kept: S::E::from_f64(1.0 / (1.0 - rate)),
            first_row: self.rows.start,
            time,
        });
    }

    fn by_row_back(
        &self,
        layer: &ByRow,
        stage: &Stage,
        time: usize,
        x: &[S::E],
        slope: &[S::E],
        d_x: &mut [S::E],
        gradient: &mut [S::E],
    ) {
        match layer {
            ByRow::Dropout { layer_idx, rate } => {
                self.dropped(*layer_idx, *rate, time, stage, slope, d_x);
            }
            ByRow::Dense { weight, bias, .. } => {
                let (d_weight, d_bias) =
                    gradient[weight.start..bias.end].split_at_mut(weight.len());
                self.s.run(DenseBack {
                    weights: dense_weights(layer, stage.input, self.packed),
                    values: x,
                    d_out: slope,
                    d_out_row: stage.output.stride,
                    rows: self.n_rows(),
                    d_weight,
                    d_bias,
                    d_values: d_x,
                });
            }
        }
    }

    /// The layers after the last one that mixes time steps, the loss, and the way back through them: time
    /// step by time step. Returns the loss and the gradient of `x`.
    fn tail(&self, x: &[S::E], gradient: &mut [S::E]) -> (f64, Buffer<S::E>) {
        let rows = self.n_rows();
        let tail = &self.plan.tail;
        let mut d_x = Buffer::any(x.len());
        let step_in = x.len() / self.plan.output.steps;
        let any = |stage: &Stage| Buffer::any(rows * stage.output.stride);
        let mut values: Vec<Buffer<S::E>> = tail.iter().map(any).collect();
        let mut slopes: Vec<Buffer<S::E>> = tail.iter().map(any).collect();
        let mut total = 0.0;
        for time in 0..self.plan.output.steps {
            let x = &x[time * step_in..(time + 1) * step_in];
            let d_x = &mut d_x[time * step_in..(time + 1) * step_in];
            for (k, stage) in tail.iter().enumerate() {
                let (before, rest) = values.split_at_mut(k);
                let x = before.last().map_or(x, |values| values);
                if let Kind::ByRow(layer) = &stage.kind {
                    self.by_row(layer, stage, time, x, &mut rest[0]);
                }
            }
            let out = values.last().map_or(x, |values| values);
            let d_out = match slopes.last_mut() {
                Some(slope) => &mut slope[..],
                None => &mut *d_x,
            };
            total += self.loss(time, out, d_out);
            for (k, stage) in tail.iter().enumerate().rev() {
                let (before, rest) = slopes.split_at_mut(k);
                let d_x = before.last_mut().map_or(&mut *d_x, |slope| slope);
                let x = if k == 0 { x } else { &values[k - 1] };
                if let Kind::ByRow(layer) = &stage.kind {
                    self.by_row_back(layer, stage, time, x, &rest[0], d_x, gradient);
                }
            }
        }
        (total, d_x)
    }

    /// Loss of one output step, summed, and its gradient.
    fn loss(&self, time: usize, out: &[S::E], d_out: &mut [S::E]) -> f64 {
        let Signal { width, stride, steps } = self.plan.output;
        let scale = 1.0 / (self.batch.inputs.len() * steps * width) as f64;
        let starts = &self.batch.targets[self.rows.clone()];
        let mut total = 0.0;
        for ((&start, out), d_out) in
            starts.iter().zip(out.chunks_exact(stride)).zip(d_out.chunks_exact_mut(stride))
        {
            d_out.fill(S::E::default());
            let target = &self.batch.values[start as usize + time * width..][..width];
            for ((d_out, &out), &target) in d_out.iter_mut().zip(out).zip(target) {
                let error = out.to_f64() - target.to_f64();
                total += self.batch.loss.value(error);
                *d_out = S::E::from_f64(self.batch.loss.slope(error) * scale);
            }
        }
        total
    }

    fn lstm_forward<Q: Squash>(&self, lstm: &Lstm, input: Signal, x: &[S::E]) -> Trace<S::E> {
        let (rows, shape) = (self.n_rows(), lstm.shape);
        let gate_row = shape.gate_row::<S>();
        let (step, gate_step) = (rows * shape.padded, rows * gate_row);
        let mut values = Buffer::any(lstm.steps * step);
        let mut state = Buffer::any(lstm.steps * step);
        let mut gates = Buffer::any(lstm.steps * gate_step);
        let mut squashed = Buffer::any(lstm.steps * step);
        let weights = lstm_weights(lstm, self.packed, self.prepared);
        let projected =
            lstm.is_repeated.then(|| project(self.s, lstm, weights, rows, x, input.stride));
        for time in 0..lstm.steps {
            let at = time * step;
            let input = match &projected {
                Some(projected) => Input::Projected(projected),
                None => Input::Values(&x[time * rows * input.stride..], input.stride),
            };
            self.s.run(Forward::<S, Q> {
                shape,
                rows,
                weights,
                input,
                hidden: &mut values,
                hidden_at: at,
                state: &mut state,
                state_at: at,
                before: (time > 0).then(|| [at - step; 2]),
                remember: Some(Remember {
                    gates: &mut gates[time * gate_step..(time + 1) * gate_step],
                    squashed: &mut squashed[at..at + step],
                }),
                squash: PhantomData,
            });
        }
        let start = match lstm.emit {
            Emit::Last => (lstm.steps - 1) * step,
            Emit::Sequence => 0,
        };
        Trace { values, start, memory: Some(Memory { gates, squashed, state }) }
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
                    self.lstm_back::<Tanh>(lstm, stage.input, x, trace, &slope, gradient)
                }
                Activation::Relu => {
                    self.lstm_back::<Relu>(lstm, stage.input, x, trace, &slope, gradient)
                }
            },
            Kind::ByRow(layer) => {
                let mut d_x = Buffer::any(x.len());
                let (step_in, step_out) = self.step_sizes(stage);
                for time in 0..stage.output.steps {
                    let from = time * step_in..(time + 1) * step_in;
                    let slope = &slope[time * step_out..(time + 1) * step_out];
                    let x = &x[from.clone()];
                    self.by_row_back(layer, stage, time, x, slope, &mut d_x[from], gradient);
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

    fn lstm_back<Q: Squash>(
        &self,
        lstm: &Lstm,
        input: Signal,
        x: &[S::E],
        trace: &mut Trace<S::E>,
        slope: &[S::E],
        gradient: &mut [S::E],
    ) -> Buffer<S::E> {
        let (s, rows, shape) = (self.s, self.n_rows(), lstm.shape);
        let gate_row = shape.gate_row::<S>();
        let (step, gate_step) = (rows * shape.padded, rows * gate_row);
        let Some(Memory { gates, squashed, state }) = &mut trace.memory else {
            return Buffer::any(0);
        };
        let hidden = &trace.values;
        let [d_input, d_recurrent, d_bias, d_bias_2] = lstm_gradient(lstm, gradient);
        let d_x_row = shape.inputs.next_multiple_of(S::N);
        let d_x_step = if lstm.wants_input { rows * d_x_row } else { 0 };
        let mut d_x = Buffer::any(if lstm.is_repeated { d_x_step } else { lstm.steps * d_x_step });
        let mut d_hidden = Buffer::zeros(step);
        let mut d_state = Buffer::zeros(step);
        let mut d_projected = lstm.is_repeated.then(|| Buffer::zeros(gate_step));
        let block = (BLOCK_ROWS / rows).max(1);
        let mut upto = lstm.steps;
        for time in (0..lstm.steps).rev() {
            let d_output = match lstm.emit {
                Emit::Sequence => Some(&slope[time * step..(time + 1) * step]),
                Emit::Last => (time + 1 == lstm.steps).then_some(slope),
            };
            let totals = match d_projected.as_deref_mut() {
                Some(total) => Totals::Projected(total),
                None if shape.inputs == 1 => {
                    let x = &x[time * rows * input.stride..];
                    Totals::BiasAndInput(d_bias, d_input, x, input.stride)
                }
                None => Totals::Bias(d_bias),
            };
            s.run(CellsBack::<S, Q> {
                shape,
                rows,
                gates: &mut gates[time * gate_step..(time + 1) * gate_step],
                squashed: &squashed[time * step..(time + 1) * step],
                state_before: (time > 0).then(|| &state[(time - 1) * step..time * step]),
                d_hidden: &d_hidden,
                d_output,
                d_state: &mut d_state,
                totals,
                squash: PhantomData,
            });
            let d_gates = &gates[time * gate_step..];
            if time > 0 {
                let weight = &self.prepared[lstm.recurrent_back.clone()];
                self.times_gates(lstm, d_gates, weight, shape.padded, &mut d_hidden);
            }
            if lstm.wants_input && !lstm.is_repeated {
                let weight = &self.prepared[lstm.input_back.clone()];
                let d_x = &mut d_x[time * d_x_step..(time + 1) * d_x_step];
                self.times_gates(lstm, d_gates, weight, d_x_row, d_x);
            }
            if upto - time < block && time > 0 {
                continue;
            }
            let first = time.max(1);
            WeightGradient {
                shape,
                rows: (upto - first) * rows,
                left: &hidden[(first - 1) * step..],
                left_row: shape.padded,
                width: shape.units,
                d_gates: gates.get(first * gate_step..).unwrap_or_default(),
                d_weight: &mut *d_recurrent,
            }
            .run(s);
            if !lstm.is_repeated && shape.inputs > 1 {
                WeightGradient {
                    shape,
                    rows: (upto - time) * rows,
                    left: &x[time * rows * input.stride..],
                    left_row: input.stride,
                    width: shape.inputs,
                    d_gates,
                    d_weight: &mut *d_input,
                }
                .run(s);
            }
            upto = time;
        }
        if let Some(d_gates) = &d_projected {
            WeightGradient {
                shape,
                rows,
                left: x,
                left_row: input.stride,
                width: shape.inputs,
                d_gates,
                d_weight: d_input,
            }
            .run(s);
            s.run(ColumnSums { values: d_gates, row: gate_row, rows, total: &mut *d_bias });
            if lstm.wants_input {
                let weight = &self.prepared[lstm.input_back.clone()];
                self.times_gates(lstm, d_gates, weight, d_x_row, &mut d_x);
            }
        }
        if !d_bias_2.is_empty() {
            d_bias_2.copy_from_slice(d_bias);
        }
        d_x
    }

    /// `out = d_gates · weight`, `weight` being `[gate, columns]`.
    fn times_gates(
        &self,
        lstm: &Lstm,
        d_gates: &[S::E],
        weight: &[S::E],
        columns: usize,
        out: &mut [S::E],
    ) {
        self.s.run(Product {
            a: Strided { values: d_gates, row: lstm.shape.gate_row::<S>(), step: 1 },
            b: Panel { values: weight, row: columns },
            out,
            out_row: columns,
            rows: self.n_rows(),
            columns,
            terms: lstm.shape.gates(),
            slice: 256,
            accumulate: false,
        });
    }
}

impl<E: Real> Trace<E> {
    fn output(&self) -> &[E] {
        &self.values[self.start..]
    }
}

/// Windows as `[step, row, stride]`.
pub(crate) fn gather<S: Lanes>(signal: Signal, values: &[S::E], starts: &[u32]) -> Buffer<S::E> {
    let Signal { steps, width, stride } = signal;
    let rows = starts.len();
    let mut out = Buffer::any(steps * rows * stride);
    if stride > width {
        out.fill(S::E::default());
    }
    for (row, &start) in starts.iter().enumerate() {
        let window = &values[start as usize..start as usize + steps * width];
        for (step, values) in window.chunks_exact(width).enumerate() {
            let at = (step * rows + row) * stride;
            out[at..at + width].copy_from_slice(values);
        }
    }
    out
}

/// A layer's weights.
pub(crate) fn lstm_weights<'a, E>(
    lstm: &Lstm,
    packed: &'a [E],
    prepared: &'a [E],
) -> Weights<'a, E> {
    let [input, recurrent, ..] = lstm.weights.clone();
    Weights {
        input: &packed[input],
        recurrent: &packed[recurrent],
        bias: &prepared[lstm.bias.clone()],
    }
}

/// A dense layer's weights.
pub(crate) fn dense_weights<'a, E>(
    layer: &ByRow,
    input: Signal,
    packed: &'a [E],
) -> DenseWeights<'a, E> {
    let (outputs, weight, bias) = match layer {
        ByRow::Dense { outputs, weight, bias } => (*outputs, weight.clone(), bias.clone()),
        ByRow::Dropout { .. } => (0, 0..0, 0..0),
    };
    DenseWeights { weight: &packed[weight], bias: &packed[bias], inputs: input.stride, outputs }
}

/// Bias and product with an input that all steps share: `[row, gate]`.
pub(crate) fn project<S: Lanes>(
    s: S,
    lstm: &Lstm,
    weights: Weights<'_, S::E>,
    rows: usize,
    x: &[S::E],
    x_row: usize,
) -> Buffer<S::E> {
    let (gates, row) = (lstm.shape.gates(), lstm.shape.gate_row::<S>());
    let mut out = Buffer::any(rows * row);
    for out in out.chunks_exact_mut(row) {
        out[..gates].copy_from_slice(weights.bias);
    }
    let panel = 4 * S::N;
    let inputs = lstm.shape.inputs;
    for (chunk, weight) in weights.input.chunks_exact(inputs * panel).enumerate() {
        s.run(Product {
            a: Strided { values: x, row: x_row, step: 1 },
            b: Panel { values: weight, row: panel },
            out: &mut out[chunk * panel..],
            out_row: row,
            rows,
            columns: panel,
            terms: inputs,
            slice: 256,
            accumulate: true,
        });
    }
    out
}

/// The gradient of one layer in parts: input, recurrent, bias, second bias.
fn lstm_gradient<'a, E>(lstm: &Lstm, gradient: &'a mut [E]) -> [&'a mut [E]; 4] {
    let [input, recurrent, bias, second] = lstm.weights.clone();
    let layer = &mut gradient[input.start..second.end];
    let (d_input, rest) = layer.split_at_mut(input.len());
    let (d_recurrent, rest) = rest.split_at_mut(recurrent.len());
    let (d_bias, d_second) = rest.split_at_mut(bias.len());
    [d_input, d_recurrent, d_bias, d_second]
}
