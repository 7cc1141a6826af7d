//! The way back through an LSTM layer: cells, then weights.

use std::marker::PhantomData;

use super::super::cell::{Squash, backward};
use super::super::lanes::{Lanes, Panel, Strided, Work};
use super::super::product::Product;
use super::Shape;

/// What takes the sum of the gate gradients while they are in registers.
pub(crate) enum Totals<'a, E> {
    /// `[row, gate]`, over all steps: every step read the same input.
    Projected(&'a mut [E]),
    /// `[gate]`: the gradient of the bias.
    Bias(&'a mut [E]),
    /// Those of the bias and of the one input's weight, which read `values`, `stride` apart.
    BiasAndInput(&'a mut [E], &'a mut [E], &'a [E], usize),
}

/// Turns the activated gates of one time step into their gradients before activation, in place.
pub(crate) struct CellsBack<'a, S: Lanes, Q> {
    /// Sizes.
    pub(crate) shape: Shape,
    /// How many rows.
    pub(crate) rows: usize,
    /// In: activated gates. Out: gradients. Rows of [`Shape::gate_row`].
    pub(crate) gates: &'a mut [S::E],
    /// Squashed states `[row, unit]`.
    pub(crate) squashed: &'a [S::E],
    /// Cell states before the step; `None` in the first step.
    pub(crate) state_before: Option<&'a [S::E]>,
    /// Gradient of the hidden states from the step after `[row, unit]`.
    pub(crate) d_hidden: &'a [S::E],
    /// What the layer above adds to it.
    pub(crate) d_output: Option<&'a [S::E]>,
    /// Gradient of the cell states; in: from the step after, out: for the step before.
    pub(crate) d_state: &'a mut [S::E],
    /// What the gate gradients are added to.
    pub(crate) totals: Totals<'a, S::E>,
    /// Candidate and output activation.
    pub(crate) squash: PhantomData<Q>,
}

impl<S: Lanes, Q: Squash> Work<S> for CellsBack<'_, S, Q> {
    type Output = ();

    #[inline(always)]
    fn call(mut self, s: S) {
        for chunk in 0..self.shape.padded / S::N {
            self.chunk(s, chunk);
        }
    }
}

impl<S: Lanes, Q: Squash> CellsBack<'_, S, Q> {
    /// One vector of units of all rows.
    #[inline(always)]
    fn chunk(&mut self, s: S, chunk: usize) {
        let (padded, gate_row) = (self.shape.padded, self.shape.gate_row::<S>());
        let zero = s.splat(S::E::default());
        let (mut bias, mut weight) = ([zero; 4], [zero; 4]);
        for row in 0..self.rows {
            let at = row * padded + chunk * S::N;
            let gate_at = row * gate_row + chunk * 4 * S::N;
            let mut gates = [zero; 4];
            for v in 0..4 {
                gates[v] = s.load(self.gates, gate_at + v * S::N);
            }
            let mut d_hidden = s.load(self.d_hidden, at);
            if let Some(more) = self.d_output {
                d_hidden = s.add(d_hidden, s.load(more, at));
            }
            let state_before = match self.state_before {
                Some(state) => s.load(state, at),
                None => zero,
            };
            let (squashed, d_state) = (s.load(self.squashed, at), s.load(self.d_state, at));
            let (d_gates, d_state) =
                backward::<S, Q>(s, gates, squashed, state_before, d_hidden, d_state);
            s.store(d_state, self.d_state, at);
            let mut x = zero;
            if let Totals::BiasAndInput(_, _, values, stride) = &self.totals {
                x = s.splat(values[row * stride]);
            }
            for v in 0..4 {
                let d_gate = d_gates[v];
                s.store(d_gate, self.gates, gate_at + v * S::N);
                if let Totals::Projected(total) = &mut self.totals {
                    let sum = s.add(s.load(total, gate_at + v * S::N), d_gate);
                    s.store(sum, total, gate_at + v * S::N);
                } else {
                    bias[v] = s.add(bias[v], d_gate);
                    weight[v] = s.fma(x, d_gate, weight[v]);
                }
            }
        }
        let column = chunk * 4 * S::N;
        if let Totals::Bias(total) | Totals::BiasAndInput(total, ..) = &mut self.totals {
            add_to(s, total, column, bias);
        }
        if let Totals::BiasAndInput(_, total, ..) = &mut self.totals {
            add_to(s, total, column, weight);
        }
    }
}

/// `total[column..] += sums`
#[inline(always)]
fn add_to<S: Lanes>(s: S, total: &mut [S::E], column: usize, sums: [S::V; 4]) {
    for v in 0..4 {
        let at = column + v * S::N;
        s.store(s.add(s.load(total, at), sums[v]), total, at);
    }
}

/// `Σ_row left[row]ᵀ · d_gates[row]`, a weight gradient or a part of it.
///
/// `rows` are those of a block of time steps that lie one behind the other.
pub(crate) struct WeightGradient<'a, S: Lanes> {
    /// Sizes.
    pub(crate) shape: Shape,
    /// Rows of all time steps of the block.
    pub(crate) rows: usize,
    /// What the weight was multiplied with, `[row, width]`: inputs or earlier hidden states.
    pub(crate) left: &'a [S::E],
    /// From one row of `left` to the next.
    pub(crate) left_row: usize,
    /// Values of a row of `left`.
    pub(crate) width: usize,
    /// Gate gradients, rows of [`Shape::gate_row`].
    pub(crate) d_gates: &'a [S::E],
    /// `[chunk, width, gate, lane]`
    pub(crate) d_weight: &'a mut [S::E],
    /// Whether to add to what is there.
    pub(crate) accumulate: bool,
}

impl<S: Lanes> WeightGradient<'_, S> {
    /// Computes it.
    pub(crate) fn run(self, s: S) {
        if self.rows == 0 {
            return;
        }
        let panel = 4 * S::N;
        for (chunk, d_weight) in self.d_weight.chunks_exact_mut(self.width * panel).enumerate() {
            s.run(Product {
                a: Strided { values: self.left, row: 1, step: self.left_row },
                b: Panel {
                    values: &self.d_gates[chunk * panel..],
                    row: self.shape.gate_row::<S>(),
                },
                out: d_weight,
                out_row: panel,
                rows: self.width,
                columns: panel,
                terms: self.rows,
                slice: self.rows,
                accumulate: self.accumulate,
            });
        }
    }
}
