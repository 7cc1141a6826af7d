//! What one LSTM cell does with its four gates, on vectors of units.
//!
//! Gates before activation are `z = [input, forget, candidate, output]`. With tanh, the exponentials of all
//! four share two divisions: `1/a` and `1/b` are `b/(ab)` and `a/(ab)`.
//!
//! `R` rows go side by side, one operation at a time: one row's chain alone is too long for the window in
//! which a processor looks for independent work.

use super::lanes::Lanes;
use crate::real::Real;

/// A cell after its step; all vectors are units.
#[derive(Clone, Copy)]
pub(crate) struct Activated<V> {
    /// Input, forget, candidate and output gate.
    pub(crate) gates: [V; 4],
    /// Cell state.
    pub(crate) state: V,
    /// The state, squashed.
    pub(crate) squashed: V,
    /// Hidden state.
    pub(crate) hidden: V,
}

/// The candidate and output activation as a type.
pub(crate) trait Squash: Copy + 'static {
    /// A step that remembers everything.
    fn forward<S: Lanes, const R: usize>(
        s: S,
        z: [[S::V; 4]; R],
        before: [S::V; R],
    ) -> [Activated<S::V>; R];

    /// A step that only gives state and hidden state.
    fn score<S: Lanes, const R: usize>(
        s: S,
        z: [[S::V; 4]; R],
        before: [S::V; R],
    ) -> [[S::V; 2]; R] {
        let cells = Self::forward(s, z, before);
        let mut both = [[s.splat(S::E::default()); 2]; R];
        for r in 0..R {
            both[r] = [cells[r].state, cells[r].hidden];
        }
        both
    }

    /// Derivative, told from the result `y`, times `slope`.
    fn back<S: Lanes>(s: S, y: S::V, slope: S::V) -> S::V;
}

/// Hyperbolic tangent.
#[derive(Clone, Copy)]
pub(crate) struct Tanh;

/// `max(x, 0)`
#[derive(Clone, Copy)]
pub(crate) struct Relu;

impl Squash for Tanh {
    #[inline(always)]
    fn forward<S: Lanes, const R: usize>(
        s: S,
        z: [[S::V; 4]; R],
        before: [S::V; R],
    ) -> [Activated<S::V>; R] {
        let one = s.splat(S::E::ONE);
        let [e_input, e_forget, e_candidate, e_output] = exponentials(s, z);
        let zero = s.splat(S::E::default());
        let nothing = Activated { gates: [zero; 4], state: zero, squashed: zero, hidden: zero };
        let mut cells = [nothing; R];
        let (mut both, mut inverse) = ([zero; R], [zero; R]);
        for r in 0..R {
            let (a, b) = (s.add(one, e_input[r]), s.add(one, e_forget[r]));
            let c = s.add(one, e_candidate[r]);
            cells[r].gates = [a, b, c, zero];
            both[r] = s.mul(a, b);
            inverse[r] = s.mul(both[r], c);
        }
        for r in 0..R {
            inverse[r] = s.div(one, inverse[r]);
        }
        let mut twice = [zero; R];
        for r in 0..R {
            let [a, b, c, _] = cells[r].gates;
            let inverse_both = s.mul(inverse[r], c);
            let (input, forget) = (s.mul(inverse_both, b), s.mul(inverse_both, a));
            let candidate = s.mul(s.mul(inverse[r], both[r]), s.sub(one, e_candidate[r]));
            cells[r].gates = [input, forget, candidate, zero];
            cells[r].state = s.fma(forget, before[r], s.mul(input, candidate));
            twice[r] = s.add(cells[r].state, cells[r].state);
        }
        let e_state = s.exp_neg(twice);
        let mut sums = [[zero; 2]; R];
        for r in 0..R {
            sums[r] = [s.add(one, e_output[r]), s.add(one, e_state[r])];
            inverse[r] = s.mul(sums[r][0], sums[r][1]);
        }
        for r in 0..R {
            inverse[r] = s.div(one, inverse[r]);
        }
        for r in 0..R {
            let output = s.mul(inverse[r], sums[r][1]);
            let squashed = s.mul(s.mul(inverse[r], sums[r][0]), s.sub(one, e_state[r]));
            cells[r].gates[3] = output;
            cells[r].squashed = squashed;
            cells[r].hidden = s.mul(output, squashed);
        }
        cells
    }

    #[inline(always)]
    fn score<S: Lanes, const R: usize>(
        s: S,
        z: [[S::V; 4]; R],
        before: [S::V; R],
    ) -> [[S::V; 2]; R] {
        let one = s.splat(S::E::ONE);
        let [e_input, e_forget, e_candidate, e_output] = exponentials(s, z);
        let zero = s.splat(S::E::default());
        let (mut above, mut below, mut state) = ([zero; R], [zero; R], [zero; R]);
        for r in 0..R {
            let (a, b) = (s.add(one, e_input[r]), s.add(one, e_forget[r]));
            let c = s.add(one, e_candidate[r]);
            let a_c = s.mul(a, c);
            above[r] = s.fma(before[r], a_c, s.mul(s.sub(one, e_candidate[r]), b));
            below[r] = s.mul(a_c, b);
        }
        for r in 0..R {
            state[r] = s.div(above[r], below[r]);
        }
        let mut twice = state;
        for r in 0..R {
            twice[r] = s.add(state[r], state[r]);
        }
        let e_state = s.exp_neg(twice);
        for r in 0..R {
            below[r] = s.mul(s.add(one, e_output[r]), s.add(one, e_state[r]));
            above[r] = s.sub(one, e_state[r]);
        }
        let mut both = [[zero; 2]; R];
        for r in 0..R {
            both[r] = [state[r], s.div(above[r], below[r])];
        }
        both
    }

    #[inline(always)]
    fn back<S: Lanes>(s: S, y: S::V, slope: S::V) -> S::V {
        s.mul(slope, s.sub(s.splat(S::E::ONE), s.mul(y, y)))
    }
}

/// `e^-z` of the gates and `e^-2z` of the candidate.
#[inline(always)]
fn exponentials<S: Lanes, const R: usize>(s: S, z: [[S::V; 4]; R]) -> [[S::V; R]; 4] {
    let mut gates = [[s.splat(S::E::default()); R]; 4];
    for r in 0..R {
        gates[0][r] = z[r][0];
        gates[1][r] = z[r][1];
        gates[2][r] = s.add(z[r][2], z[r][2]);
        gates[3][r] = z[r][3];
    }
    [s.exp_neg(gates[0]), s.exp_neg(gates[1]), s.exp_neg(gates[2]), s.exp_neg(gates[3])]
}

impl Squash for Relu {
    #[inline(always)]
    fn forward<S: Lanes, const R: usize>(
        s: S,
        z: [[S::V; 4]; R],
        before: [S::V; R],
    ) -> [Activated<S::V>; R] {
        let (one, zero) = (s.splat(S::E::ONE), s.splat(S::E::default()));
        let [e_input, e_forget, _, e_output] = exponentials(s, z);
        let nothing = Activated { gates: [zero; 4], state: zero, squashed: zero, hidden: zero };
        let mut cells = [nothing; R];
        for r in 0..R {
            let (a, b) = (s.add(one, e_input[r]), s.add(one, e_forget[r]));
            let c = s.add(one, e_output[r]);
            let a_b = s.mul(a, b);
            let inverse = s.div(one, s.mul(a_b, c));
            let inverse_both = s.mul(inverse, c);
            let (input, forget) = (s.mul(inverse_both, b), s.mul(inverse_both, a));
            let (candidate, output) = (s.relu(z[r][2]), s.mul(inverse, a_b));
            let state = s.fma(forget, before[r], s.mul(input, candidate));
            let squashed = s.relu(state);
            let gates = [input, forget, candidate, output];
            cells[r] = Activated { gates, state, squashed, hidden: s.mul(output, squashed) };
        }
        cells
    }

    #[inline(always)]
    fn back<S: Lanes>(s: S, y: S::V, slope: S::V) -> S::V {
        s.where_positive(y, slope)
    }
}

/// Gradients of one cell: of its gates before activation, and of the state before it.
#[inline(always)]
pub(crate) fn backward<S: Lanes, Q: Squash>(
    s: S,
    gates: [S::V; 4],
    squashed: S::V,
    state_before: S::V,
    d_hidden: S::V,
    d_state: S::V,
) -> ([S::V; 4], S::V) {
    let one = s.splat(S::E::ONE);
    let [input, forget, candidate, output] = gates;
    let d_state = s.add(d_state, Q::back(s, squashed, s.mul(d_hidden, output)));
    let d_gates = [
        sigmoid_back(s, one, input, s.mul(d_state, candidate)),
        sigmoid_back(s, one, forget, s.mul(d_state, state_before)),
        Q::back(s, candidate, s.mul(d_state, input)),
        sigmoid_back(s, one, output, s.mul(d_hidden, squashed)),
    ];
    (d_gates, s.mul(d_state, forget))
}

/// Derivative of the sigmoid, told from its result `y`, times `slope`.
#[inline(always)]
fn sigmoid_back<S: Lanes>(s: S, one: S::V, y: S::V, slope: S::V) -> S::V {
    s.mul(slope, s.mul(y, s.sub(one, y)))
}
