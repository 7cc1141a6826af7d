//! What one LSTM cell does with its four gates, on vectors of units.
//!
//! Gates before activation are `z = [input, forget, candidate, output]`. With tanh, the exponentials of all
//! four share two divisions: `1/a` and `1/b` are `b/(ab)` and `a/(ab)`.
//!
//! `R` rows go side by side, one operation at a time: one row's chain alone is too long for the window in
//! which a processor looks for independent work.

use super::lanes::Lanes;
use crate::layers::Activation;
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
    /// Which one it is.
    const ACTIVATION: Activation;

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
        Self::forward(s, z, before).map(|cell| [cell.state, cell.hidden])
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
    const ACTIVATION: Activation = Activation::Tanh;

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
            let [a, b, c] = [e_input[r], e_forget[r], e_candidate[r]].map(|e| s.add(one, e));
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
            let [a, b, c] = [e_input[r], e_forget[r], e_candidate[r]].map(|e| s.add(one, e));
            let a_c = s.mul(a, c);
            above[r] = s.fma(before[r], a_c, s.mul(s.sub(one, e_candidate[r]), b));
            below[r] = s.mul(a_c, b);
        }
        for r in 0..R {
            state[r] = s.div(above[r], below[r]);
        }
        let e_state = s.exp_neg(state.map(|c| s.add(c, c)));
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
    let gate = |gate: usize| z.map(|z| z[gate]);
    let twice = gate(2).map(|z| s.add(z, z));
    [s.exp_neg(gate(0)), s.exp_neg(gate(1)), s.exp_neg(twice), s.exp_neg(gate(3))]
}

impl Squash for Relu {
    const ACTIVATION: Activation = Activation::Relu;

    #[inline(always)]
    fn forward<S: Lanes, const R: usize>(
        s: S,
        z: [[S::V; 4]; R],
        before: [S::V; R],
    ) -> [Activated<S::V>; R] {
        let one = s.splat(S::E::ONE);
        let gate = |gate: usize| s.exp_neg(z.map(|z| z[gate])).map(|e| s.add(one, e));
        let (a, b, c) = (gate(0), gate(1), gate(3));
        std::array::from_fn(|r| {
            let a_b = s.mul(a[r], b[r]);
            let inverse = s.div(one, s.mul(a_b, c[r]));
            let inverse_both = s.mul(inverse, c[r]);
            let (input, forget) = (s.mul(inverse_both, b[r]), s.mul(inverse_both, a[r]));
            let (candidate, output) = (s.relu(z[r][2]), s.mul(inverse, a_b));
            let state = s.fma(forget, before[r], s.mul(input, candidate));
            let squashed = s.relu(state);
            let gates = [input, forget, candidate, output];
            Activated { gates, state, squashed, hidden: s.mul(output, squashed) }
        })
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
    let sigmoid = |y: S::V, slope: S::V| s.mul(slope, s.mul(y, s.sub(one, y)));
    let d_gates = [
        sigmoid(input, s.mul(d_state, candidate)),
        sigmoid(forget, s.mul(d_state, state_before)),
        Q::back(s, candidate, s.mul(d_state, input)),
        sigmoid(output, s.mul(d_hidden, squashed)),
    ];
    (d_gates, s.mul(d_state, forget))
}
