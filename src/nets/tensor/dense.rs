//! The affine map of the last axis, the same at every step.

use burn::tensor::{Device, Tensor};
use oddlot_lstm::scalar::LayerWeights;

use super::host;

/// Weights of a dense layer, both ways round.
pub(super) struct Dense {
    /// `[input, unit]`
    forward: Tensor<2>,
    /// `[unit, input]`
    backward: Tensor<2>,
    /// `[1, unit]`
    bias: Tensor<2>,
}

impl Dense {
    pub(super) fn new(weight: &[f32], bias: &[f32], device: &Device) -> Self {
        let (inputs, units) = (weight.len() / bias.len(), bias.len());
        Self {
            forward: host::tensor(weight.to_vec(), [inputs, units], device),
            backward: host::tensor(host::transposed(weight, units), [units, inputs], device),
            bias: host::tensor(bias.to_vec(), [1, units], device),
        }
    }

    /// `[time, batch, input]` to `[time, batch, unit]`.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [steps, batch, inputs] = x.dims();
        let y = x.reshape([steps * batch, inputs]).matmul(self.forward.clone()) + self.bias.clone();
        let units = self.bias.dims()[1];
        y.reshape([steps, batch, units])
    }

    /// Gradient of the weights, and of the input where `wants_input`.
    pub(super) fn backward(
        &self,
        x: Tensor<3>,
        slope: Tensor<3>,
        wants_input: bool,
    ) -> (LayerWeights<f32>, Option<Tensor<3>>) {
        let ([steps, batch, inputs], [_, _, units]) = (x.dims(), slope.dims());
        let x = x.reshape([steps * batch, inputs]);
        let slope = slope.reshape([steps * batch, units]);
        let bias = host::values(slope.clone().sum_dim(0));
        // The narrower of the two is turned: it is the one that gets copied.
        let weight = if units < inputs {
            host::transposed(&host::values(slope.clone().transpose().matmul(x)), inputs)
        } else {
            host::values(x.transpose().matmul(slope.clone()))
        };
        let d_x = wants_input
            .then(|| slope.matmul(self.backward.clone()).reshape([steps, batch, inputs]));
        (LayerWeights::Dense { weight, bias }, d_x)
    }
}
