//! One LSTM layer on a shard of rows, time step by time step.
//!
//! Axes are `[time, row, unit]`. A *chunk* is one vector of units; with its four gates it is one block of
//! columns `[input, forget, candidate, output]`, so that a register tile holds all gates of its units and
//! activates them before anything is written.

mod backward;
mod forward;

pub(crate) use backward::{CellsBack, Totals, WeightGradient};
pub(crate) use forward::{Forward, Input, Remember, waiting_gates};

use super::lanes::Lanes;

/// Sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Values of an input step.
    pub(crate) inputs: usize,
    /// Hidden units.
    pub(crate) units: usize,
    /// Units, rounded up to whole vectors.
    pub(crate) padded: usize,
}

impl Shape {
    /// Gates of all padded units.
    pub(crate) fn gates(self) -> usize {
        4 * self.padded
    }

    /// From one row of gates to the next: one vector more than the gates, so that rows do not all fall
    /// on the same sets of a cache.
    pub(crate) fn gate_row<S: Lanes>(self) -> usize {
        self.gates() + S::N
    }
}

/// A layer's weights as the kernels read them: for every chunk the rows of its `4 · lanes` columns.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a, E> {
    /// `[chunk, input, gate, lane]`
    pub(crate) input: &'a [E],
    /// `[chunk, unit, gate, lane]`
    pub(crate) recurrent: &'a [E],
    /// `[chunk, gate, lane]`
    pub(crate) bias: &'a [E],
}
