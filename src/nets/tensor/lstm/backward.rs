//! Back-propagation through time: a walk back over the steps, then one product a weight array.

use burn::tensor::Tensor;
use oddlot_lstm::layers::{Activation, Emit};
use oddlot_lstm::scalar::LayerWeights;

use super::{Cell, Lstm, Trace, host, planes, sum};

/// What flows back from the step after, `[1, batch, unit]` each.
struct Later {
    d_hidden: Tensor<3>,
    d_state: Tensor<3>,
}

impl Lstm {
    /// Gradients from `slope`, that of [`Trace::output`]; of the input only where `wants_input`.
    pub(in crate::tensor) fn backward(
        &self,
        trace: Trace,
        slope: Tensor<3>,
        emit: Emit,
        wants_input: bool,
    ) -> (LayerWeights<f32>, Option<Tensor<3>>) {
        let Trace { x, cells } = trace;
        let mut d_gates: Vec<Tensor<3>> = Vec::with_capacity(cells.len());
        let mut later: Option<Later> = None;
        for (time, cell) in cells.iter().enumerate().rev() {
            let from_above = match emit {
                Emit::Last => (time + 1 == cells.len()).then(|| slope.clone()),
                Emit::Sequence => Some(slope.clone().slice_dim(0, time..time + 1)),
            };
            let before = time.checked_sub(1).map(|earlier| cells[earlier].state.clone());
            let (d_z, d_state) = self.cell_backward(cell, before, from_above, later);
            let d_hidden = d_z.clone().matmul(self.recurrent_back.clone()).sum_dim(0);
            later = Some(Later { d_hidden, d_state });
            d_gates.push(d_z);
        }
        d_gates.reverse();
        self.gradients(x, &cells, d_gates, wants_input)
    }

    /// Gradient of the gates before activation `[gate, batch, unit]`, and of the state before this step.
    fn cell_backward(
        &self,
        cell: &Cell,
        state_before: Option<Tensor<3>>,
        from_above: Option<Tensor<3>>,
        later: Option<Later>,
    ) -> (Tensor<3>, Tensor<3>) {
        let (d_hidden, d_state) = match (from_above, later) {
            (Some(above), Some(later)) => (sum(later.d_hidden, above), Some(later.d_state)),
            (Some(above), None) => (above, None),
            (None, Some(later)) => (later.d_hidden, Some(later.d_state)),
            (None, None) => (cell.hidden.zeros_like(), None),
        };
        let d_output = d_hidden.clone() * cell.activated.clone();
        let through = d_hidden * cell.output.clone() * self.steepness(cell.activated.clone());
        let d_state = match d_state {
            Some(later) => sum(through, later),
            None => through,
        };
        let d_input = d_state.clone() * cell.candidate.clone();
        let d_forget = match state_before {
            Some(before) => d_state.clone() * before,
            None => d_state.zeros_like(),
        };
        let d_candidate = d_state.clone() * cell.input.clone();
        let sigmoids = cell.planes.clone();
        let slopes = sigmoids.clone() * sigmoids.neg().add_scalar(1.0);
        let d_z = match self.activation {
            // With s = (tanh + 1) / 2 the slope of tanh is 1 - tanh² = 4 s (1 - s).
            Activation::Tanh => {
                let d_candidate = d_candidate.mul_scalar(4.0);
                Tensor::cat(vec![d_input, d_forget, d_output, d_candidate], 0) * slopes
            }
            Activation::Relu => {
                let d_sigmoids = Tensor::cat(vec![d_input, d_forget, d_output], 0);
                let d_candidate = d_candidate * self.steepness(cell.candidate.clone());
                Tensor::cat(vec![d_sigmoids * slopes.slice_dim(0, 0..3), d_candidate], 0)
            }
        };
        (d_z, d_state * cell.forget.clone())
    }

    /// Derivative of the activation, told from its result.
    fn steepness(&self, result: Tensor<3>) -> Tensor<3> {
        match self.activation {
            Activation::Tanh => (result.clone() * result).neg().add_scalar(1.0),
            Activation::Relu => result.greater_elem(0.0).float(),
        }
    }

    /// Weight gradients, each in one product over all steps.
    fn gradients(
        &self,
        x: Tensor<3>,
        cells: &[Cell],
        d_gates: Vec<Tensor<3>>,
        wants_input: bool,
    ) -> (LayerWeights<f32>, Option<Tensor<3>>) {
        let ([given, batch, inputs], steps) = (x.dims(), cells.len());
        let units = self.recurrent.dims()[2];
        let recurrent = if steps > 1 {
            let hidden = cells[..steps - 1].iter().map(|cell| cell.hidden.clone()).collect();
            let d_z = rows(d_gates[1..].to_vec());
            products(Tensor::cat(hidden, 0), d_z)
        } else {
            vec![0.0; 4 * units * units]
        };
        // Where the input is repeated, its one step gets the sum of what all steps say.
        let d_gates = if given < steps { vec![summed(d_gates)] } else { d_gates };
        let d_x = wants_input.then(|| {
            let d_z: Tensor<4> = Tensor::stack(d_gates.clone(), 0);
            d_z.matmul(self.input_back.clone()).sum_dim(1).reshape([given, batch, inputs])
        });
        let d_z = rows(d_gates);
        let bias = host::values(d_z.clone().sum_dim(0));
        let input = products(x, d_z);
        let [input, recurrent, bias] =
            [input, recurrent, bias].map(|array| planes::reordered(array, units));
        (LayerWeights::Lstm { input, recurrent, bias }, d_x)
    }
}

/// For each time `[gate, batch, unit]`, as one matrix `[time · batch, gate · unit]`.
fn rows(d_gates: Vec<Tensor<3>>) -> Tensor<2> {
    let steps = d_gates.len();
    let [gates, batch, units] = d_gates[0].dims();
    let stacked: Tensor<4> = Tensor::stack(d_gates, 0);
    stacked.swap_dims(1, 2).reshape([steps * batch, gates * units])
}

/// `Σ aᵀ · b` over time and batch: `[time, batch, m]`, `[time · batch, n]` to `[m, n]` row-major.
fn products(a: Tensor<3>, b: Tensor<2>) -> Vec<f32> {
    let [steps, batch, m] = a.dims();
    host::values(a.reshape([steps * batch, m]).transpose().matmul(b))
}

/// Element-wise sum, in order.
fn summed(tensors: Vec<Tensor<3>>) -> Tensor<3> {
    let stacked: Tensor<4> = Tensor::stack(tensors, 0);
    stacked.sum_dim(0).squeeze_dim(0)
}
