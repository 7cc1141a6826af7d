//! An LSTM layer as tensor operations, forwards and backwards.
//!
//! One (batched) matrix product a step gives all four gates as `[gate, batch, unit]`, each gate one
//! contiguous plane. The input is projected beforehand, the whole sequence in one product, and only once
//! where every step reads the same vector.
//!
//! Planes lie in the order input, forget, output, candidate. The weights that run forwards carry the factor
//! of each plane's exponent (1 for a sigmoid, 2 for a tanh), so that `1 / (1 + exp(-z))` is taken of all
//! four at once: σ of the gates, and (tanh + 1) / 2 of the candidate.
//!
//! Source: see `oddlot_lstm::scalar`, whose twin this is.

mod backward;
mod planes;

use burn::tensor::{Device, Tensor};
use oddlot_lstm::layers::{Activation, Emit};

use super::host;

/// Weights of an LSTM, both ways round; `gate` counts planes.
pub(super) struct Lstm {
    /// `[1, gate, input, unit]`, with the factors of the exponents.
    input: Tensor<4>,
    /// `[gate, unit, unit]`, with the factors of the exponents and a minus.
    recurrent: Tensor<3>,
    /// `[1, gate, 1, unit]`, with the factors of the exponents and a minus, see [`sum`].
    bias_negative: Tensor<4>,
    /// `[1, gate, unit, input]`
    input_back: Tensor<4>,
    /// `[gate, unit, unit]`
    recurrent_back: Tensor<3>,
    activation: Activation,
}

/// What going back needs.
pub(super) struct Trace {
    /// `[time, batch, input]`, one step where the input is repeated.
    x: Tensor<3>,
    cells: Vec<Cell>,
}

/// One step; every tensor is `[1, batch, unit]` unless it says otherwise.
struct Cell {
    /// All four planes after the exponent, `[gate, batch, unit]`.
    planes: Tensor<3>,
    input: Tensor<3>,
    forget: Tensor<3>,
    output: Tensor<3>,
    candidate: Tensor<3>,
    state: Tensor<3>,
    /// The state after its activation.
    activated: Tensor<3>,
    hidden: Tensor<3>,
}

impl Lstm {
    pub(super) fn new(
        [input, recurrent, bias]: [&[f32]; 3],
        activation: Activation,
        device: &Device,
    ) -> Self {
        let units = bias.len() / 4;
        let inputs = input.len() / (4 * units);
        let factors = match activation {
            Activation::Tanh => [1.0, 1.0, 1.0, 2.0],
            Activation::Relu => [1.0; 4],
        };
        let forward = |values: &[f32]| planes::scaled(planes::cut(values, units), factors);
        let negative = |values: &[f32]| planes::scaled(forward(values), [-1.0; 4]);
        let back = |values: &[f32]| planes::turned(&planes::cut(values, units), units);
        Self {
            input: host::tensor(forward(input), [1, 4, inputs, units], device),
            recurrent: host::tensor(negative(recurrent), [4, units, units], device),
            bias_negative: host::tensor(negative(bias), [1, 4, 1, units], device),
            input_back: host::tensor(back(input), [1, 4, units, inputs], device),
            recurrent_back: host::tensor(back(recurrent), [4, units, units], device),
            activation,
        }
    }

    /// Reads `steps` steps of `x` `[time, batch, input]`, or its only step again and again.
    pub(super) fn forward(&self, x: Tensor<3>, steps: usize) -> Trace {
        let [given, batch, inputs] = x.dims();
        let units = self.recurrent.dims()[2];
        // [time, gate, batch, unit]
        let projected = x.clone().reshape([given, 1, batch, inputs]).matmul(self.input.clone())
            - self.bias_negative.clone();
        let mut cells: Vec<Cell> = Vec::with_capacity(steps);
        for time in 0..steps {
            let own = if given == 1 {
                projected.clone()
            } else {
                projected.clone().slice_dim(0, time..time + 1)
            };
            let own = own.reshape([4, batch, units]);
            let cell = match cells.last() {
                Some(before) => {
                    let exponents = before.hidden.clone().matmul(self.recurrent.clone()) - own;
                    self.cell(exponents, Some(before.state.clone()))
                }
                None => self.cell(own.neg(), None),
            };
            cells.push(cell);
        }
        Trace { x, cells }
    }

    /// One step from the exponents `-z`, `[gate, batch, unit]`.
    fn cell(&self, exponents: Tensor<3>, state_before: Option<Tensor<3>>) -> Cell {
        let (planes, candidate) = match self.activation {
            Activation::Tanh => {
                let planes = reciprocal_of_one_plus_exp(exponents);
                let candidate = plane(&planes, 3).mul_scalar(2.0).sub_scalar(1.0);
                (planes, candidate)
            }
            Activation::Relu => {
                let candidate = plane(&exponents, 3).neg().clamp_min(0.0);
                (reciprocal_of_one_plus_exp(exponents), candidate)
            }
        };
        let [input, forget, output] = [0, 1, 2].map(|gate| plane(&planes, gate));
        let fresh = input.clone() * candidate.clone();
        let state = match state_before {
            Some(before) => sum(fresh, forget.clone() * before),
            None => fresh,
        };
        let activated = match self.activation {
            Activation::Tanh => tanh(state.clone()),
            Activation::Relu => state.clone().clamp_min(0.0),
        };
        let hidden = output.clone() * activated.clone();
        Cell { planes, input, forget, output, candidate, state, activated, hidden }
    }
}

impl Trace {
    /// `[1, batch, unit]`, or `[time, batch, unit]`.
    pub(super) fn output(&self, emit: Emit) -> Tensor<3> {
        let from = match emit {
            Emit::Last => self.cells.len() - 1,
            Emit::Sequence => 0,
        };
        Tensor::cat(self.cells[from..].iter().map(|cell| cell.hidden.clone()).collect(), 0)
    }
}

/// Plane `gate`, `[1, batch, unit]`.
fn plane(planes: &Tensor<3>, gate: usize) -> Tensor<3> {
    planes.clone().slice_dim(0, gate..gate + 1)
}

/// σ, from the exponent of its e.
fn reciprocal_of_one_plus_exp(exponents: Tensor<3>) -> Tensor<3> {
    exponents.exp().add_scalar(1.0).recip()
}

/// `2 σ(2z) - 1`. On ndarray Burn's own goes through `f64`, several times slower.
fn tanh(z: Tensor<3>) -> Tensor<3> {
    reciprocal_of_one_plus_exp(z.mul_scalar(-2.0)).mul_scalar(2.0).sub_scalar(1.0)
}

/// `a + b` as `a - (-b)`: the same bits, but on ndarray a difference works in place on whole vectors and a
/// sum does not (sums took 15 % of a training batch).
fn sum(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    a - b.neg()
}
