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

/// What a training step keeps for the way back, `[row, ..]` of this step.
pub(crate) struct Remember<'a, E> {
    /// Activated gates, rows of [`Shape::gate_row`].
    pub(crate) gates: &'a mut [E],
    /// Squashed states.
    pub(crate) squashed: &'a mut [E],
}

/// Rows whose gates are multiplied out before the first of them is activated: enough for the phases of
/// [`Squash`] to keep the processor busy, few enough for their gates to stay in the first-level cache.
const WAITING_ROWS: usize = 12;

/// Numbers of the gates that wait.
pub(crate) const fn waiting_gates<S: Lanes>() -> usize {
    WAITING_ROWS * 4 * S::N
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
    /// [`waiting_gates`] that lie here until they are activated.
    pub(crate) waiting: &'a mut [S::E],
    /// What to keep; `None` when scoring.
    pub(crate) remember: Option<Remember<'a, S::E>>,
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
        let to = row * 4 * S::N;
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
        for m in 0..R {
            store(s, acc[m], &mut self.waiting[to + m * width..]);
        }
    }

    /// Activates the gates that wait, of `n` rows from `first`.
    #[inline(always)]
    fn activate(&mut self, s: S, chunk: usize, first: usize, n: usize) {
        let at = first * self.shape.padded + chunk * S::N;
        let gates_at = first * self.shape.gate_row::<S>() + chunk * 4 * S::N;
        let row = self.shape.padded;
        let cells = Cells {
            row,
            gate_row: self.shape.gate_row::<S>(),
            waiting: &mut self.waiting[..n * 4 * S::N],
            hidden: &mut self.hidden[self.hidden_at + at..],
            states: States {
                values: &mut *self.state,
                at: self.state_at + at,
                before_at: self.before.map(|[_, state_at]| state_at + at),
                row,
            },
        };
        match &mut self.remember {
            Some(Remember { gates, squashed }) => {
                let (gates, squashed) = (&mut gates[gates_at..], &mut squashed[at..]);
                cells.remember::<S, Q>(s, gates, squashed);
            }
            None => cells.score::<S, Q>(s),
        }
    }
}

/// Cells of one chunk, whose gates before activation wait.
struct Cells<'b, E> {
    /// From the units of one row to those of the next.
    row: usize,
    /// From the gates that are kept of one row to those of the next.
    gate_row: usize,
    /// `[row, gate, lane]`, of these rows alone.
    waiting: &'b mut [E],
    /// New hidden states, from the first row on.
    hidden: &'b mut [E],
    states: States<'b, E>,
}

/// Cell states of one chunk.
struct States<'b, E> {
    values: &'b mut [E],
    /// Where the new ones of the first row go.
    at: usize,
    /// Where those before lie, maybe in the same place; `None` in the first step.
    before_at: Option<usize>,
    /// From one row to the next.
    row: usize,
}

impl<E: Real> Cells<'_, E> {
    /// All phases, of a step that remembers.
    #[inline(always)]
    fn remember<S: Lanes<E = E>, Q: Squash>(self, s: S, gates: &mut [E], squashed: &mut [E]) {
        let Self { row, gate_row, waiting, hidden, mut states } = self;
        exponentials::<S, Q>(s, waiting);
        let kept = gates.chunks_mut(gate_row);
        for (k, (waiting, gates)) in waiting.chunks_exact_mut(4 * S::N).zip(kept).enumerate() {
            let (opened, output, state) = Q::open(s, load(s, waiting), states.before(s, k));
            store(s, opened, gates);
            s.store(output, waiting, 3 * S::N);
            states.set(s, k, state);
        }
        states.exponentials::<S, Q>(s, waiting);
        let kept = gates.chunks_mut(gate_row).zip(squashed.chunks_mut(row));
        let cells = waiting.chunks_exact(4 * S::N).zip(hidden.chunks_mut(row)).zip(kept);
        for ((waiting, hidden), (gates, squashed)) in cells {
            let [e_state, _, _, output] = load(s, waiting);
            let [output, tanh, new] = Q::close(s, output, e_state);
            s.store(output, gates, 3 * S::N);
            s.store(tanh, squashed, 0);
            s.store(new, hidden, 0);
        }
    }

    /// All phases, of a step that remembers nothing.
    #[inline(always)]
    fn score<S: Lanes<E = E>, Q: Squash>(self, s: S) {
        let Self { row, waiting, hidden, mut states, .. } = self;
        exponentials::<S, Q>(s, waiting);
        for (k, waiting) in waiting.chunks_exact_mut(4 * S::N).enumerate() {
            let (output, state) = Q::state(s, load(s, waiting), states.before(s, k));
            s.store(output, waiting, 3 * S::N);
            states.set(s, k, state);
        }
        states.exponentials::<S, Q>(s, waiting);
        for (waiting, hidden) in waiting.chunks_exact(4 * S::N).zip(hidden.chunks_mut(row)) {
            let [e_state, _, _, output] = load(s, waiting);
            s.store(Q::hidden(s, output, e_state), hidden, 0);
        }
    }
}

/// The first phase, in place.
#[inline(always)]
fn exponentials<S: Lanes, Q: Squash>(s: S, waiting: &mut [S::E]) {
    for waiting in waiting.chunks_exact_mut(4 * S::N) {
        store(s, Q::exponentials(s, load(s, waiting)), waiting);
    }
}

impl<E: Real> States<'_, E> {
    /// The third phase, to the place of the first gate.
    #[inline(always)]
    fn exponentials<S: Lanes<E = E>, Q: Squash>(&self, s: S, waiting: &mut [E]) {
        let new = self.values[self.at..].chunks(self.row);
        for (waiting, state) in waiting.chunks_exact_mut(4 * S::N).zip(new) {
            s.store(Q::exponential(s, s.load(state, 0)), waiting, 0);
        }
    }

    /// The state before of row `k`.
    #[inline(always)]
    fn before<S: Lanes<E = E>>(&self, s: S, k: usize) -> S::V {
        match self.before_at {
            Some(at) => s.load(self.values, at + k * self.row),
            None => s.splat(E::default()),
        }
    }

    /// Sets the new one.
    #[inline(always)]
    fn set<S: Lanes<E = E>>(&mut self, s: S, k: usize, state: S::V) {
        s.store(state, self.values, self.at + k * self.row);
    }
}

/// The gates of a cell, which `from` begins with.
#[inline(always)]
fn load<S: Lanes>(s: S, from: &[S::E]) -> [S::V; 4] {
    let from = &from[..4 * S::N];
    let mut gates = [s.splat(S::E::default()); 4];
    for v in 0..4 {
        gates[v] = s.load(from, v * S::N);
    }
    gates
}

#[inline(always)]
fn store<S: Lanes, const GATES: usize>(s: S, gates: [S::V; GATES], to: &mut [S::E]) {
    let to = &mut to[..GATES * S::N];
    for v in 0..GATES {
        s.store(gates[v], to, v * S::N);
    }
}
