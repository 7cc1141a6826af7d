//! One time step of an LSTM layer, from input to hidden state without a stop in memory.

use std::marker::PhantomData;

use super::super::cell::{Activated, Squash};
use super::super::lanes::{Lanes, Panel, Strided, Work};
use super::super::product::{balanced, with_rows};
use super::{Shape, Weights};

/// What a step reads.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a, E> {
    /// `[row, input]`, and the distance of two rows.
    Values(&'a [E], usize),
    /// `[row, gate]`: bias and input already multiplied out, because every step reads the same.
    Projected(&'a [E]),
}

/// What a training step keeps for the way back, `[row, ..]` of this step.
pub(crate) struct Remember<'a, E> {
    /// Activated gates, rows of [`Shape::gate_row`].
    pub(crate) gates: &'a mut [E],
    /// Squashed states.
    pub(crate) squashed: &'a mut [E],
}

/// One time step of all rows.
pub(crate) struct Forward<'a, S: Lanes, Q> {
    /// Sizes.
    pub(crate) shape: Shape,
    /// How many rows.
    pub(crate) rows: usize,
    /// Weights.
    pub(crate) weights: Weights<'a, S::E>,
    /// What the step reads.
    pub(crate) input: Input<'a, S::E>,
    /// Hidden states `[.., row, unit]`: those before lie at `before`, the new ones go to `hidden_at`.
    pub(crate) hidden: &'a mut [S::E],
    /// Where the new hidden states go.
    pub(crate) hidden_at: usize,
    /// Cell states, likewise.
    pub(crate) state: &'a mut [S::E],
    /// Where the new states go.
    pub(crate) state_at: usize,
    /// Where hidden and cell states of the step before lie; `None` in the first step.
    pub(crate) before: Option<[usize; 2]>,
    /// What to keep; `None` when scoring.
    pub(crate) remember: Option<Remember<'a, S::E>>,
    /// Candidate and output activation.
    pub(crate) squash: PhantomData<Q>,
}

impl<S: Lanes, Q: Squash> Work<S> for Forward<'_, S, Q> {
    type Output = ();

    #[inline(always)]
    fn call(mut self, s: S) {
        let rows = self.rows;
        match self.remember.take() {
            Some(mut remember) => {
                for chunk in 0..self.shape.padded / S::N {
                    for (row, n) in balanced(rows, S::ROWS) {
                        with_rows!(n, R => self.train_block::<R>(s, chunk, row, &mut remember));
                    }
                }
            }
            None => {
                for chunk in 0..self.shape.padded / S::N {
                    for (row, n) in balanced(rows, S::ROWS) {
                        with_rows!(n, R => self.score_block::<R>(s, chunk, row));
                    }
                }
            }
        }
    }
}

/// The first `G` rows.
#[inline(always)]
fn group<S: Lanes, const G: usize>(rows: &[[S::V; 4]]) -> [[S::V; 4]; G] {
    let mut group = [rows[0]; G];
    group.copy_from_slice(&rows[..G]);
    group
}

/// Calls `$f` for groups of at most three of `$rows` rows.
macro_rules! by_threes {
    ($R:ident, $m:ident, $G:ident => $call:expr) => {{
        let mut $m = 0;
        while $m + 3 <= $R {
            const $G: usize = 3;
            $call;
            $m += 3;
        }
        if $m + 2 <= $R {
            const $G: usize = 2;
            $call;
            $m += 2;
        }
        if $m < $R {
            const $G: usize = 1;
            $call;
        }
    }};
}

impl<S: Lanes, Q: Squash> Forward<'_, S, Q> {
    /// Gates before activation of `R` rows from `row`.
    #[inline(always)]
    fn gates<const R: usize>(&self, s: S, chunk: usize, row: usize) -> [[S::V; 4]; R] {
        let Shape { inputs, units, padded } = self.shape;
        let width = 4 * S::N;
        let panel = |terms: usize| chunk * terms * width..(chunk + 1) * terms * width;
        let mut acc = [[s.splat(S::E::default()); 4]; R];
        for (m, acc) in acc.iter_mut().enumerate() {
            let (from, at) = match self.input {
                Input::Values(..) => (self.weights.bias, chunk * width),
                Input::Projected(projected) => {
                    (projected, (row + m) * self.shape.gate_row::<S>() + chunk * width)
                }
            };
            for (v, sum) in acc.iter_mut().enumerate() {
                *sum = s.load(from, at + v * S::N);
            }
        }
        if let Input::Values(values, stride) = self.input {
            let a = Strided { values, row: stride, step: 1 }.from(row, 0);
            let values = &self.weights.input[panel(inputs)];
            s.tile::<R, 4>(inputs, a, Panel { values, row: width }, &mut acc);
        }
        if let Some([hidden_at, _]) = self.before {
            let values = &self.hidden[hidden_at..];
            let a = Strided { values, row: padded, step: 1 }.from(row, 0);
            let values = &self.weights.recurrent[panel(units)];
            s.tile::<R, 4>(units, a, Panel { values, row: width }, &mut acc);
        }
        acc
    }

    #[inline(always)]
    fn states_before<const G: usize>(&self, s: S, at: usize) -> [S::V; G] {
        let mut states = [s.splat(S::E::default()); G];
        if let Some([_, state_at]) = self.before {
            for (g, state) in states.iter_mut().enumerate() {
                *state = s.load(self.state, state_at + at + g * self.shape.padded);
            }
        }
        states
    }

    #[inline(always)]
    fn train_block<const R: usize>(
        &mut self,
        s: S,
        chunk: usize,
        row: usize,
        remember: &mut Remember<'_, S::E>,
    ) {
        let z = self.gates::<R>(s, chunk, row);
        by_threes!(R, m, G => {
            let at = (row + m) * self.shape.padded + chunk * S::N;
            let before = self.states_before::<G>(s, at);
            let cells = Q::forward::<S, G>(s, group::<S, G>(&z[m..]), before);
            for (g, cell) in cells.into_iter().enumerate() {
                let at = at + g * self.shape.padded;
                let Activated { gates, state, squashed, hidden } = cell;
                let gate_at = (row + m + g) * self.shape.gate_row::<S>() + chunk * 4 * S::N;
                for (v, gate) in gates.into_iter().enumerate() {
                    s.store(gate, remember.gates, gate_at + v * S::N);
                }
                s.store(squashed, remember.squashed, at);
                s.store(state, self.state, self.state_at + at);
                s.store(hidden, self.hidden, self.hidden_at + at);
            }
        });
    }

    #[inline(always)]
    fn score_block<const R: usize>(&mut self, s: S, chunk: usize, row: usize) {
        let z = self.gates::<R>(s, chunk, row);
        by_threes!(R, m, G => {
            let at = (row + m) * self.shape.padded + chunk * S::N;
            let before = self.states_before::<G>(s, at);
            let cells = Q::score::<S, G>(s, group::<S, G>(&z[m..]), before);
            for (g, [state, hidden]) in cells.into_iter().enumerate() {
                let at = at + g * self.shape.padded;
                s.store(state, self.state, self.state_at + at);
                s.store(hidden, self.hidden, self.hidden_at + at);
            }
        });
    }
}
