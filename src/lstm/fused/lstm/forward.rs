//! One time step of an LSTM layer: gates of some rows, then what their cells make of them, before the next rows.

use std::marker::PhantomData;

use super::super::cell::Squash;
use super::super::lanes::{Lanes, Panel, Strided, Work};
use super::super::product::{balanced, with_rows};
use super::{Shape, Weights};
use crate::real::Real;

/// What a step reads.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a, E> {
    /// `[row, input]`, and the distance of two rows.
    Values(&'a [E], usize),
    /// `[row, gate]`: bias and input already multiplied out, because every step reads the same.
    Projected(&'a [E]),
}

/// Where the gates of a step lie.
pub(crate) enum Gates<'a, E> {
    /// All of them, kept for the way back: `[row, gate]` in rows of [`Shape::gate_row`], and the squashed states
    /// `[row, unit]`.
    Kept { gates: &'a mut [E], squashed: &'a mut [E] },
    /// Those of [`WAITING_ROWS`] rows of a chunk, until they are activated: `[row, gate, lane]`.
    Waiting(&'a mut [E]),
}

/// Rows whose gates are multiplied out before the first of them is activated: enough for the phases of
/// [`Squash`] to keep the processor busy, few enough for their gates to stay in the first-level cache.
pub(crate) const WAITING_ROWS: usize = 24;

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
    /// Where its gates lie.
    pub(crate) gates: Gates<'a, S::E>,
    /// Candidate and output activation.
    pub(crate) squash: PhantomData<Q>,
}

impl<S: Lanes, Q: Squash> Work<S> for Forward<'_, S, Q> {
    type Output = ();

    #[inline(always)]
    fn call(mut self, s: S) {
        for chunk in 0..self.shape.padded / S::N {
            for (first, waiting) in balanced(self.rows, WAITING_ROWS) {
                for (row, n) in balanced(waiting, S::ROWS) {
                    with_rows!(S, n, R => self.multiply::<R>(s, chunk, first, row));
                }
                self.activate(s, chunk, first, waiting);
            }
        }
    }
}

impl<S: Lanes, Q: Squash> Forward<'_, S, Q> {
    /// Gates before activation of `R` rows from `row`, of those that wait from `first`.
    #[inline(always)]
    fn multiply<const R: usize>(&mut self, s: S, chunk: usize, first: usize, row: usize) {
        let (at, gate_row) = self.gates_at(chunk, first);
        let to = at + row * gate_row;
        let row = first + row;
        let Shape { inputs, units, padded } = self.shape;
        let width = 4 * S::N;
        let panel = |terms: usize| chunk * terms * width..(chunk + 1) * terms * width;
        let mut acc = [[s.splat(S::E::default()); 4]; R];
        match self.input {
            Input::Values(..) => {
                for v in 0..4 {
                    let bias = s.load(self.weights.bias, chunk * width + v * S::N);
                    for m in 0..R {
                        acc[m][v] = bias;
                    }
                }
            }
            Input::Projected(projected) => {
                for m in 0..R {
                    let at = (row + m) * self.shape.gate_row::<S>() + chunk * width;
                    for v in 0..4 {
                        acc[m][v] = s.load(projected, at + v * S::N);
                    }
                }
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
        let (Gates::Kept { gates, .. } | Gates::Waiting(gates)) = &mut self.gates;
        for m in 0..R {
            store(s, acc[m], gates, to + m * gate_row);
        }
    }

    /// Where the gates of the row `first` lie, the first of those that wait, and how far the next row's are.
    #[inline(always)]
    fn gates_at(&self, chunk: usize, first: usize) -> (usize, usize) {
        match self.gates {
            Gates::Kept { .. } => {
                let gate_row = self.shape.gate_row::<S>();
                (first * gate_row + chunk * 4 * S::N, gate_row)
            }
            Gates::Waiting(_) => (0, 4 * S::N),
        }
    }

    /// Activates the gates of `n` rows from `first`.
    #[inline(always)]
    fn activate(&mut self, s: S, chunk: usize, first: usize, n: usize) {
        let (gates_at, gate_row) = self.gates_at(chunk, first);
        let at = first * self.shape.padded + chunk * S::N;
        let rows = Rows { n, gates_at, gate_row, at, row: self.shape.padded };
        let (Gates::Kept { gates, .. } | Gates::Waiting(gates)) = &mut self.gates;
        exponentials::<S, Q>(s, rows, gates);
        let cells = Cells {
            hidden: &mut *self.hidden,
            hidden_at: self.hidden_at + at,
            state: &mut *self.state,
            state_at: self.state_at + at,
            before_at: self.before.map(|[_, state_at]| state_at + at),
        };
        match &mut self.gates {
            Gates::Kept { gates, squashed } => cells.remember::<S, Q>(s, rows, gates, squashed),
            Gates::Waiting(gates) => cells.forget::<S, Q>(s, rows, gates),
        }
    }
}

/// Rows whose cells are activated side by side, of one chunk.
#[derive(Clone, Copy)]
struct Rows {
    n: usize,
    /// Where the gates of the first one lie.
    gates_at: usize,
    /// From the gates of one to those of the next.
    gate_row: usize,
    /// Where the units of the first one lie in a step.
    at: usize,
    /// From the units of one to those of the next.
    row: usize,
}

/// Hidden and cell states; where those of the first row lie, and its cell state before.
struct Cells<'b, E> {
    hidden: &'b mut [E],
    hidden_at: usize,
    state: &'b mut [E],
    state_at: usize,
    before_at: Option<usize>,
}

/// The first phase of all rows, in place.
#[inline(always)]
fn exponentials<S: Lanes, Q: Squash>(s: S, rows: Rows, gates: &mut [S::E]) {
    for k in 0..rows.n {
        let at = rows.gates_at + k * rows.gate_row;
        store(s, Q::exponentials(s, load(s, gates, at)), gates, at);
    }
}

impl<E: Real> Cells<'_, E> {
    /// The state before of row `k`.
    #[inline(always)]
    fn before<S: Lanes<E = E>>(&self, s: S, rows: Rows, k: usize) -> S::V {
        match self.before_at {
            Some(at) => s.load(self.state, at + k * rows.row),
            None => s.splat(E::default()),
        }
    }

    /// The other phases, of a step that remembers.
    #[inline(always)]
    fn remember<S: Lanes<E = E>, Q: Squash>(
        self,
        s: S,
        rows: Rows,
        gates: &mut [E],
        squashed: &mut [E],
    ) {
        for k in 0..rows.n {
            let at = rows.gates_at + k * rows.gate_row;
            let (opened, state) = Q::open(s, load(s, gates, at), self.before(s, rows, k));
            store(s, opened, gates, at);
            s.store(state, self.state, self.state_at + k * rows.row);
        }
        for k in 0..rows.n {
            let state = s.load(self.state, self.state_at + k * rows.row);
            s.store(Q::exponential(s, state), squashed, rows.at + k * rows.row);
        }
        for k in 0..rows.n {
            let (at, output_at) =
                (rows.at + k * rows.row, rows.gates_at + k * rows.gate_row + 3 * S::N);
            let e_state = s.load(squashed, at);
            let [output, tanh, hidden] = Q::close(s, s.load(gates, output_at), e_state);
            s.store(output, gates, output_at);
            s.store(tanh, squashed, at);
            s.store(hidden, self.hidden, self.hidden_at + k * rows.row);
        }
    }

    /// The other phases, of a step that remembers nothing.
    #[inline(always)]
    fn forget<S: Lanes<E = E>, Q: Squash>(self, s: S, rows: Rows, gates: &mut [E]) {
        for k in 0..rows.n {
            let at = rows.gates_at + k * rows.gate_row;
            let (output, state) = Q::state(s, load(s, gates, at), self.before(s, rows, k));
            s.store(output, gates, at + 3 * S::N);
            s.store(state, self.state, self.state_at + k * rows.row);
        }
        for k in 0..rows.n {
            let state = s.load(self.state, self.state_at + k * rows.row);
            s.store(Q::exponential(s, state), gates, rows.gates_at + k * rows.gate_row);
        }
        for k in 0..rows.n {
            let [e_state, _, _, output] = load(s, gates, rows.gates_at + k * rows.gate_row);
            let hidden = Q::hidden(s, output, e_state);
            s.store(hidden, self.hidden, self.hidden_at + k * rows.row);
        }
    }
}

/// The gates of a cell.
#[inline(always)]
fn load<S: Lanes>(s: S, from: &[S::E], at: usize) -> [S::V; 4] {
    let from = &from[at..at + 4 * S::N];
    let mut gates = [s.splat(S::E::default()); 4];
    for v in 0..4 {
        gates[v] = s.load(from, v * S::N);
    }
    gates
}

#[inline(always)]
fn store<S: Lanes>(s: S, gates: [S::V; 4], to: &mut [S::E], at: usize) {
    let to = &mut to[at..at + 4 * S::N];
    for v in 0..4 {
        s.store(gates[v], to, v * S::N);
    }
}
