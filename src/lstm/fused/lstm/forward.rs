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
                        with_rows!(S, n, R => self.train_block::<R>(s, chunk, row, &mut remember));
                    }
                }
            }
            None => {
                for chunk in 0..self.shape.padded / S::N {
                    for (row, n) in balanced(rows, S::ROWS) {
                        with_rows!(S, n, R => self.score_block::<R>(s, chunk, row));
                    }
                }
            }
        }
    }
}

/// Calls `$call` for the `$R` rows of a block in groups of at most three: `$FIRST`, `$G` rows.
///
/// The groups are constants, so that the block's sums never leave the registers for their sake.
macro_rules! in_groups {
    ($R:ident, $FIRST:ident, $G:ident => $call:expr) => {
        match $R {
            1 => in_groups!(@ $FIRST, $G, $call, 0 1),
            2 => in_groups!(@ $FIRST, $G, $call, 0 2),
            3 => in_groups!(@ $FIRST, $G, $call, 0 3),
            4 => in_groups!(@ $FIRST, $G, $call, 0 2, 2 2),
            5 => in_groups!(@ $FIRST, $G, $call, 0 3, 3 2),
            _ => in_groups!(@ $FIRST, $G, $call, 0 3, 3 3),
        }
    };
    (@ $FIRST:ident, $G:ident, $call:expr, $($first:literal $rows:literal),+) => {{
        $({
            const $FIRST: usize = $first;
            const $G: usize = $rows;
            $call;
        })+
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
        acc
    }

    #[inline(always)]
    fn states_before<const G: usize>(&self, s: S, at: usize) -> [S::V; G] {
        let mut states = [s.splat(S::E::default()); G];
        if let Some([_, state_at]) = self.before {
            for g in 0..G {
                states[g] = s.load(self.state, state_at + at + g * self.shape.padded);
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
        in_groups!(R, FIRST, G => self.train_group::<R, FIRST, G>(s, chunk, row, &z, remember));
    }

    #[inline(always)]
    fn train_group<const R: usize, const FIRST: usize, const G: usize>(
        &mut self,
        s: S,
        chunk: usize,
        row: usize,
        z: &[[S::V; 4]; R],
        remember: &mut Remember<'_, S::E>,
    ) {
        let (padded, gate_row) = (self.shape.padded, self.shape.gate_row::<S>());
        let at = (row + FIRST) * padded + chunk * S::N;
        let gate_at = (row + FIRST) * gate_row + chunk * 4 * S::N;
        let before = self.states_before::<G>(s, at);
        let cells = Q::forward::<S, G>(s, group::<S, R, FIRST, G>(z), before);
        for g in 0..G {
            let Activated { gates, state, squashed, hidden } = cells[g];
            for v in 0..4 {
                s.store(gates[v], remember.gates, gate_at + g * gate_row + v * S::N);
            }
            s.store(squashed, remember.squashed, at + g * padded);
            s.store(state, self.state, self.state_at + at + g * padded);
            s.store(hidden, self.hidden, self.hidden_at + at + g * padded);
        }
    }

    #[inline(always)]
    fn score_block<const R: usize>(&mut self, s: S, chunk: usize, row: usize) {
        let z = self.gates::<R>(s, chunk, row);
        in_groups!(R, FIRST, G => self.score_group::<R, FIRST, G>(s, chunk, row, &z));
    }

    #[inline(always)]
    fn score_group<const R: usize, const FIRST: usize, const G: usize>(
        &mut self,
        s: S,
        chunk: usize,
        row: usize,
        z: &[[S::V; 4]; R],
    ) {
        let padded = self.shape.padded;
        let at = (row + FIRST) * padded + chunk * S::N;
        let before = self.states_before::<G>(s, at);
        let cells = Q::score::<S, G>(s, group::<S, R, FIRST, G>(z), before);
        for g in 0..G {
            let [state, hidden] = cells[g];
            s.store(state, self.state, self.state_at + at + g * padded);
            s.store(hidden, self.hidden, self.hidden_at + at + g * padded);
        }
    }
}

/// Rows `FIRST` to `FIRST + G` of a block.
#[inline(always)]
fn group<S: Lanes, const R: usize, const FIRST: usize, const G: usize>(
    z: &[[S::V; 4]; R],
) -> [[S::V; 4]; G] {
    let mut group = [z[0]; G];
    group.copy_from_slice(&z[FIRST..FIRST + G]);
    group
}
