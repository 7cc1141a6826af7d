//! What one LSTM cell does with its four gates, on vectors of units.
//!
//! Gates before activation are `z = [input, forget, candidate, output]`. With tanh, the exponentials of all
//! four share two divisions: `1/a` and `1/b` are `b/(ab)` and `a/(ab)`.
//!
//! A cell is one long chain: exponentials, a division, an exponential, a division. A processor that looks for
//! independent work finds little of it in one chain, and the next row's lies too far ahead. So a cell is done in four
//! short phases, each of them for many rows before the next one.

use super::lanes::Lanes;
use crate::real::Real;

/// The candidate and output activation as a type, and what it makes of a cell; all vectors are units.
pub(crate) trait Squash: Copy + 'static {
    /// First phase: exponentials of `z`, where there are any.
    fn exponentials<S: Lanes>(s: S, z: [S::V; 4]) -> [S::V; 4];

    /// Second phase, of a step that remembers its gates: input, forget and candidate gate, what [`Squash::close`]
    /// needs of the output gate, and the cell state.
    fn open<S: Lanes>(s: S, e: [S::V; 4], before: S::V) -> ([S::V; 3], S::V, S::V);

    /// Second phase of a step that remembers nothing: what [`Squash::hidden`] needs of the output gate, and the cell
    /// state.
    fn state<S: Lanes>(s: S, e: [S::V; 4], before: S::V) -> (S::V, S::V);

    /// Third phase: what the last one needs of the state.
    fn exponential<S: Lanes>(s: S, state: S::V) -> S::V;

    /// Fourth phase, of a step that remembers: output gate, squashed state and hidden state, from what the second
    /// one kept of the output gate and what came of the third.
    fn close<S: Lanes>(s: S, output: S::V, exponential: S::V) -> [S::V; 3];

    /// Fourth phase of a step that remembers nothing: the hidden state, from what the second one kept of the output
    /// gate and what came of the third.
    fn hidden<S: Lanes>(s: S, output: S::V, exponential: S::V) -> S::V;

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
    /// `e^-z` of the gates and `e^-2z` of the candidate.
    #[inline(always)]
    fn exponentials<S: Lanes>(s: S, [input, forget, candidate, output]: [S::V; 4]) -> [S::V; 4] {
        s.exp_neg([input, forget, s.add(candidate, candidate), output])
    }

    #[inline(always)]
    fn open<S: Lanes>(s: S, e: [S::V; 4], before: S::V) -> ([S::V; 3], S::V, S::V) {
        let one = s.splat(S::E::ONE);
        let [e_input, e_forget, e_candidate, e_output] = e;
        let (a, b, c) = (s.add(one, e_input), s.add(one, e_forget), s.add(one, e_candidate));
        let both = s.mul(a, b);
        let inverse = s.div(one, s.mul(both, c));
        let inverse_both = s.mul(inverse, c);
        let (input, forget) = (s.mul(inverse_both, b), s.mul(inverse_both, a));
        let candidate = s.mul(s.mul(inverse, both), s.sub(one, e_candidate));
        let state = s.fma(forget, before, s.mul(input, candidate));
        ([input, forget, candidate], e_output, state)
    }

    #[inline(always)]
    fn state<S: Lanes>(s: S, e: [S::V; 4], before: S::V) -> (S::V, S::V) {
        let one = s.splat(S::E::ONE);
        let [e_input, e_forget, e_candidate, e_output] = e;
        let (a, b, c) = (s.add(one, e_input), s.add(one, e_forget), s.add(one, e_candidate));
        let a_c = s.mul(a, c);
        let above = s.fma(before, a_c, s.mul(s.sub(one, e_candidate), b));
        (e_output, s.div(above, s.mul(a_c, b)))
    }

    /// `e^-2x`
    #[inline(always)]
    fn exponential<S: Lanes>(s: S, state: S::V) -> S::V {
        let [e] = s.exp_neg([s.add(state, state)]);
        e
    }

    #[inline(always)]
    fn close<S: Lanes>(s: S, e_output: S::V, e_state: S::V) -> [S::V; 3] {
        let one = s.splat(S::E::ONE);
        let (a, b) = (s.add(one, e_output), s.add(one, e_state));
        let inverse = s.div(one, s.mul(a, b));
        let output = s.mul(inverse, b);
        let squashed = s.mul(s.mul(inverse, a), s.sub(one, e_state));
        [output, squashed, s.mul(output, squashed)]
    }

    #[inline(always)]
    fn hidden<S: Lanes>(s: S, e_output: S::V, e_state: S::V) -> S::V {
        let one = s.splat(S::E::ONE);
        let below = s.mul(s.add(one, e_output), s.add(one, e_state));
        s.div(s.sub(one, e_state), below)
    }

    #[inline(always)]
    fn back<S: Lanes>(s: S, y: S::V, slope: S::V) -> S::V {
        s.mul(slope, s.sub(s.splat(S::E::ONE), s.mul(y, y)))
    }
}

impl Squash for Relu {
    /// `e^-z` of the gates; the candidate as it is.
    #[inline(always)]
    fn exponentials<S: Lanes>(s: S, [input, forget, candidate, output]: [S::V; 4]) -> [S::V; 4] {
        let [input, forget, output] = s.exp_neg([input, forget, output]);
        [input, forget, candidate, output]
    }

    #[inline(always)]
    fn open<S: Lanes>(s: S, e: [S::V; 4], before: S::V) -> ([S::V; 3], S::V, S::V) {
        let one = s.splat(S::E::ONE);
        let [e_input, e_forget, candidate, e_output] = e;
        let (a, b, c) = (s.add(one, e_input), s.add(one, e_forget), s.add(one, e_output));
        let a_b = s.mul(a, b);
        let inverse = s.div(one, s.mul(a_b, c));
        let inverse_both = s.mul(inverse, c);
        let (input, forget) = (s.mul(inverse_both, b), s.mul(inverse_both, a));
        let (candidate, output) = (s.relu(candidate), s.mul(inverse, a_b));
        let state = s.fma(forget, before, s.mul(input, candidate));
        ([input, forget, candidate], output, state)
    }

    #[inline(always)]
    fn state<S: Lanes>(s: S, e: [S::V; 4], before: S::V) -> (S::V, S::V) {
        let (_, output, state) = Self::open(s, e, before);
        (output, state)
    }

    /// The squashed state.
    #[inline(always)]
    fn exponential<S: Lanes>(s: S, state: S::V) -> S::V {
        s.relu(state)
    }

    #[inline(always)]
    fn close<S: Lanes>(s: S, output: S::V, squashed: S::V) -> [S::V; 3] {
        [output, squashed, s.mul(output, squashed)]
    }

    #[inline(always)]
    fn hidden<S: Lanes>(s: S, output: S::V, squashed: S::V) -> S::V {
        s.mul(output, squashed)
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
