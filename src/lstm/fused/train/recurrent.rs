//! LSTM layers of a shard: every step forward, then back.

use std::marker::PhantomData;

use super::{Memory, Shard, Trace};
use crate::fused::buffer::Buffer;
use crate::fused::cell::Squash;
use crate::fused::lanes::{Lanes, Panel, Strided};
use crate::fused::lstm::{
    CellsBack, Forward, Input, Remember, Totals, WeightGradient, waiting_gates,
};
use crate::fused::parts::{lstm_weights, project};
use crate::fused::plan::{Lstm, Signal};
use crate::fused::product::Product;
use crate::fused::rows::ColumnSums;
use crate::layers::Emit;

/// Rows (time steps × rows of the shard) that a product of weight gradients sums at a time: so many rows of
/// gates and hidden states stay in the first-level cache.
pub(crate) const BLOCK_ROWS: usize = 96;

impl<S: Lanes> Shard<'_, S> {
    pub(super) fn lstm_forward<Q: Squash>(
        &self,
        lstm: &Lstm,
        input: Signal,
        x: &[S::E],
    ) -> Trace<S::E> {
        let (rows, shape) = (self.n_rows(), lstm.shape);
        let gate_row = shape.gate_row::<S>();
        let (step, gate_step) = (rows * shape.padded, rows * gate_row);
        let mut values = Buffer::any(lstm.steps * step);
        let mut state = Buffer::any(lstm.steps * step);
        let mut gates = Buffer::any(lstm.steps * gate_step);
        let mut squashed = Buffer::any(lstm.steps * step);
        let mut waiting = Buffer::any(waiting_gates::<S>());
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
                waiting: &mut waiting,
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

    /// Gradient of what the layer read, from `slope`, that of what it gave.
    pub(super) fn lstm_back<Q: Squash>(
        &self,
        lstm: &Lstm,
        read: (Signal, &[S::E]),
        trace: &mut Trace<S::E>,
        slope: &[S::E],
        gradient: &mut [S::E],
    ) -> Buffer<S::E> {
        let (s, rows, shape) = (self.s, self.n_rows(), lstm.shape);
        let (input, x) = read;
        let gate_row = shape.gate_row::<S>();
        let (step, gate_step) = (rows * shape.padded, rows * gate_row);
        let Some(Memory { gates, squashed, state }) = &mut trace.memory else {
            return Buffer::any(0);
        };
        let [d_input, d_recurrent, d_bias, d_bias_2] = lstm_gradient(lstm, gradient);
        d_input.fill(S::E::default());
        d_bias.fill(S::E::default());
        if lstm.steps == 1 {
            // No step has one before it.
            d_recurrent.fill(S::E::default());
        }
        let d_x_row = shape.inputs.next_multiple_of(S::N);
        let d_x_step = if lstm.wants_input { rows * d_x_row } else { 0 };
        let mut d_x = Buffer::any(if lstm.is_repeated { d_x_step } else { lstm.steps * d_x_step });
        let (mut d_hidden, mut d_state) = (Buffer::zeros(step), Buffer::zeros(step));
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
                self.times_gates(lstm, d_gates, weight, &mut d_hidden);
            }
            if lstm.wants_input && !lstm.is_repeated {
                let weight = &self.prepared[lstm.input_back.clone()];
                let d_x = &mut d_x[time * d_x_step..(time + 1) * d_x_step];
                self.times_gates(lstm, d_gates, weight, d_x);
            }
            if upto - time < block && time > 0 {
                continue;
            }
            // Gate gradients of the steps `time..upto` are there: their share of the weights'.
            let first = time.max(1);
            let rows_of = |steps: usize| steps * rows;
            WeightGradient {
                shape,
                rows: rows_of(upto - first),
                left: &trace.values[(first - 1) * step..],
                left_row: shape.padded,
                width: shape.units,
                d_gates: gates.get(first * gate_step..).unwrap_or_default(),
                d_weight: &mut *d_recurrent,
                accumulate: upto < lstm.steps,
            }
            .run(s);
            if !lstm.is_repeated && shape.inputs > 1 {
                WeightGradient {
                    shape,
                    rows: rows_of(upto - time),
                    left: &x[rows_of(time) * input.stride..],
                    left_row: input.stride,
                    width: shape.inputs,
                    d_gates,
                    d_weight: &mut *d_input,
                    accumulate: true,
                }
                .run(s);
            }
            upto = time;
        }
        if let Some(d_gates) = &d_projected {
            let (left, left_row, width) = (x, input.stride, shape.inputs);
            let (d_weight, accumulate) = (d_input, true);
            WeightGradient { shape, rows, left, left_row, width, d_gates, d_weight, accumulate }
                .run(s);
            s.run(ColumnSums { values: d_gates, row: gate_row, rows, total: &mut *d_bias });
            if lstm.wants_input {
                let weight = &self.prepared[lstm.input_back.clone()];
                self.times_gates(lstm, d_gates, weight, &mut d_x);
            }
        }
        if !d_bias_2.is_empty() {
            d_bias_2.copy_from_slice(d_bias);
        }
        d_x
    }

    /// `out = d_gates · weight`, `weight` being `[gate, column]` and `out` `[row, column]`.
    fn times_gates(&self, lstm: &Lstm, d_gates: &[S::E], weight: &[S::E], out: &mut [S::E]) {
        let (rows, gates) = (self.n_rows(), lstm.shape.gates());
        let columns = weight.len() / gates;
        self.s.run(Product {
            a: Strided { values: d_gates, row: lstm.shape.gate_row::<S>(), step: 1 },
            b: Panel { values: weight, row: columns },
            out,
            out_row: columns,
            rows,
            columns,
            terms: gates,
            slice: 256,
            accumulate: false,
        });
    }
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
