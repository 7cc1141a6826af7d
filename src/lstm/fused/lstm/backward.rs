//! The way back through an LSTM layer: cells, then weights.

use std::marker::PhantomData;

use super::super::cell::{Squash, backward};
use super::super::lanes::{Lanes, Panel, Strided, Work};
use super::super::product::{ColumnSums, Product};
use super::Shape;

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
    /// Sum of the gate gradients over all steps, where every step read the same input.
    pub(crate) d_projected: Option<&'a mut [S::E]>,
    /// Candidate and output activation.
    pub(crate) squash: PhantomData<Q>,
}

impl<S: Lanes, Q: Squash> Work<S> for CellsBack<'_, S, Q> {
    type Output = ();

    #[inline(always)]
    fn call(mut self, s: S) {
        let (padded, gate_row) = (self.shape.padded, self.shape.gate_row::<S>());
        let zero = s.splat(S::E::default());
        for row in 0..self.rows {
            for chunk in 0..padded / S::N {
                let at = row * padded + chunk * S::N;
                let gate_at = row * gate_row + chunk * 4 * S::N;
                let mut gates = [zero; 4];
                for (v, gate) in gates.iter_mut().enumerate() {
                    *gate = s.load(self.gates, gate_at + v * S::N);
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
                for (v, d_gate) in d_gates.into_iter().enumerate() {
                    s.store(d_gate, self.gates, gate_at + v * S::N);
                    if let Some(total) = self.d_projected.as_deref_mut() {
                        let sum = s.add(s.load(total, gate_at + v * S::N), d_gate);
                        s.store(sum, total, gate_at + v * S::N);
                    }
                }
            }
        }
    }
}

/// Adds `Σ_row left[row]ᵀ · d_gates[row]` to a weight gradient, and the gate gradients to that of the bias.
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
    /// `[chunk, gate, lane]`, where the bias belongs to this product.
    pub(crate) d_bias: Option<&'a mut [S::E]>,
}

/// Rows that a product of weight gradients sums at a time.
const SLICE: usize = 48;

impl<S: Lanes> WeightGradient<'_, S> {
    /// Computes it.
    pub(crate) fn run(self, s: S) {
        let row = self.shape.gate_row::<S>();
        let columns = self.shape.gates();
        if self.rows == 0 {
            return;
        }
        match self.d_bias {
            Some(d_bias) if self.width == 1 => {
                s.run(SingleInput {
                    left: self.left,
                    left_row: self.left_row,
                    rows: self.rows,
                    d_gates: self.d_gates,
                    row,
                    d_weight: self.d_weight,
                    d_bias,
                });
                return;
            }
            Some(total) => {
                s.run(ColumnSums { values: self.d_gates, row, rows: self.rows, total });
            }
            None => {}
        }
        let panel = 4 * S::N;
        for (chunk, d_weight) in self.d_weight.chunks_exact_mut(self.width * panel).enumerate() {
            debug_assert!(chunk * panel < columns);
            s.run(Product {
                a: Strided { values: self.left, row: 1, step: self.left_row },
                b: Panel { values: &self.d_gates[chunk * panel..], row },
                out: d_weight,
                out_row: panel,
                rows: self.width,
                columns: panel,
                terms: self.rows,
                slice: SLICE,
                accumulate: true,
            });
        }
    }
}

/// Weight and bias gradient of a layer with one input, in one pass.
struct SingleInput<'a, S: Lanes> {
    left: &'a [S::E],
    left_row: usize,
    rows: usize,
    d_gates: &'a [S::E],
    row: usize,
    d_weight: &'a mut [S::E],
    d_bias: &'a mut [S::E],
}

impl<S: Lanes> Work<S> for SingleInput<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        for column in (0..self.d_bias.len()).step_by(S::N) {
            let mut bias = s.load(self.d_bias, column);
            let mut weight = s.load(self.d_weight, column);
            for row in 0..self.rows {
                let d_gate = s.load(self.d_gates, row * self.row + column);
                bias = s.add(bias, d_gate);
                weight = s.fma(s.splat(self.left[row * self.left_row]), d_gate, weight);
            }
            s.store(bias, self.d_bias, column);
            s.store(weight, self.d_weight, column);
        }
    }
}
