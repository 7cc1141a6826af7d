//! The whole network against Burn's own autodiff: the textbook forward pass, recorded.

use burn::tensor::{Device, Tensor, activation};
use oddlot_lstm::layers::{Activation, Emit, Layer, Stack};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::Dropout;
use oddlot_lstm::scalar::LayerWeights;

use super::engine::TensorEngine;
use super::tests::{batch, largest, narrowed, slices, weights};
use super::{device, host};
use crate::shards::{Shard, ShardEngine};

/// The arrays of a layer as tracked tensors, in the order of [`LayerWeights::arrays_mut`].
fn tracked(weights: &LayerWeights<f32>, device: &Device) -> Vec<Tensor<2>> {
    let (arrays, width) = match weights {
        LayerWeights::None => return Vec::new(),
        LayerWeights::Lstm { input, recurrent, bias } => (vec![input, recurrent, bias], bias.len()),
        LayerWeights::Dense { weight, bias } => (vec![weight, bias], bias.len()),
    };
    let one = |values: &Vec<f32>| {
        host::tensor(values.clone(), [values.len() / width, width], device).require_grad()
    };
    arrays.into_iter().map(one).collect()
}

/// `x` is `[time, batch, unit]`. Gates lie in the order input, forget, candidate, output.
fn lstm(x: Tensor<3>, arrays: &[Tensor<2>], kind: Activation, emit: Emit) -> Tensor<3> {
    let [steps, rows, width] = x.dims();
    let units = arrays[2].dims()[1] / 4;
    let activate = |t: Tensor<2>| match kind {
        Activation::Tanh => t.tanh(),
        Activation::Relu => activation::relu(t),
    };
    let mut state = Tensor::<2>::zeros([rows, units], &x.device());
    let mut hidden = state.clone();
    let mut all = Vec::new();
    for step in 0..steps {
        let now = x.clone().narrow(0, step, 1).reshape([rows, width]);
        let z = now.matmul(arrays[0].clone())
            + hidden.clone().matmul(arrays[1].clone())
            + arrays[2].clone();
        let gate = |idx: usize| z.clone().narrow(1, idx * units, units);
        let candidate = activate(gate(2));
        state = activation::sigmoid(gate(1)) * state + activation::sigmoid(gate(0)) * candidate;
        hidden = activation::sigmoid(gate(3)) * activate(state.clone());
        all.push(hidden.clone());
    }
    match emit {
        Emit::Sequence => Tensor::stack(all, 0),
        Emit::Last => hidden.unsqueeze_dim(0),
    }
}

fn dense(x: Tensor<3>, arrays: &[Tensor<2>]) -> Tensor<3> {
    let [steps, rows, width] = x.dims();
    let units = arrays[1].dims()[1];
    let y = x.reshape([steps * rows, width]).matmul(arrays[0].clone()) + arrays[1].clone();
    y.reshape([steps, rows, units])
}

#[test]
fn every_gradient_of_an_autoencoder_agrees_with_burns_autodiff() {
    for kind in [Activation::Tanh, Activation::Relu] {
        let layers = [
            Layer::Lstm { units: 6, activation: kind, emit: Emit::Sequence },
            Layer::Lstm { units: 5, activation: kind, emit: Emit::Last },
            Layer::Dense { units: 3 },
            Layer::RepeatVector { steps: 7 },
            Layer::Lstm { units: 4, activation: kind, emit: Emit::Sequence },
            Layer::Dense { units: 2 },
        ];
        let stack = Stack::new(&layers, 7, 2).unwrap();
        let (_, arrays) = weights(&stack);
        let pairs = batch(&stack, 5);
        let inputs: Vec<Vec<f32>> = pairs.iter().map(|(window, _)| narrowed(window)).collect();
        let targets: Vec<Vec<f32>> = pairs.iter().map(|(_, target)| narrowed(target)).collect();

        let recorded = device::device().autodiff();
        let tracked: Vec<_> = arrays.iter().map(|layer| tracked(layer, &recorded)).collect();
        let shape = [7, pairs.len(), 2];
        let mut x = host::tensor(host::swapped(&slices(&inputs), 2), shape, &recorded);
        for (layer, arrays) in layers.iter().zip(&tracked) {
            x = match *layer {
                Layer::Lstm { activation, emit, .. } => lstm(x, arrays, activation, emit),
                Layer::Dense { .. } => dense(x, arrays),
                Layer::RepeatVector { steps } => x.repeat_dim(0, steps),
                Layer::Dropout { .. } => x,
            };
        }
        let target = host::tensor(host::swapped(&slices(&targets), 2), shape, &recorded);
        let gradients = (x - target).powf_scalar(2.0).mean().backward();

        let engine = TensorEngine::new(stack.clone(), device::device());
        let n_elements = pairs.len() * stack.output().size();
        let shard = Shard {
            inputs: slices(&inputs),
            targets: slices(&targets),
            first_row: 0,
            loss: Loss::Mse,
            scale: 1.0 / n_elements as f64,
            dropout: Dropout { seed: 0, step: 0 },
        };
        let (_, mut found) = engine.loss_and_gradient(&engine.prepare(&arrays), &shard);
        for (found, tracked) in found.iter_mut().zip(&tracked) {
            for (found, tracked) in found.arrays_mut().into_iter().zip(tracked) {
                let wanted = host::values(tracked.grad(&gradients).unwrap());
                assert_eq!(found.len(), wanted.len());
                let off = |(f, w): (&f32, &f32)| f64::from(*f) - f64::from(*w);
                let off: Vec<f64> = found.iter().zip(&wanted).map(off).collect();
                let size: Vec<f64> = wanted.iter().map(|w| f64::from(*w)).collect();
                // Both are f32 and differ in the order of sums; relative to the array's largest.
                let relative = largest(&off) / largest(&size);
                assert!(relative <= 1e-5, "{kind:?}: {relative:e}");
            }
        }
    }
}
