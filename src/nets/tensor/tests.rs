use burn::tensor::Tensor;
use oddlot_lstm::layers::{Activation, Emit, Layer, Stack};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::{self, Dropout, Stream};
use oddlot_lstm::scalar::{self, LayerWeights};

use super::engine::TensorEngine;
use super::*;
use crate::shards::{Shard, ShardEngine};

fn lstm(units: usize, activation: Activation, emit: Emit) -> Layer {
    Layer::Lstm { units, activation, emit }
}

/// Every kind of layer in every place: LSTM on a sequence, on a repeated vector, and on dropout of one;
/// dense on a vector and on a sequence; both activations.
fn stack(activation: Activation) -> Stack {
    let layers = [
        lstm(6, activation, Emit::Sequence),
        Layer::Dropout { rate: 0.25 },
        lstm(5, Activation::Tanh, Emit::Last),
        Layer::Dropout { rate: 0.25 },
        Layer::Dense { units: 3 },
        Layer::RepeatVector { steps: 7 },
        lstm(4, activation, Emit::Sequence),
        Layer::Dense { units: 3 },
        lstm(4, Activation::Tanh, Emit::Last),
        Layer::RepeatVector { steps: 7 },
        Layer::Dropout { rate: 0.25 },
        lstm(6, Activation::Tanh, Emit::Sequence),
        Layer::Dense { units: 2 },
    ];
    Stack::new(&layers, 7, 2).unwrap()
}

pub(super) fn drawn(n: usize, stream: u64) -> Vec<f64> {
    // Rounded to f32, so that both widths start from the same numbers.
    let one = |i| random::uniform_in(-0.6, 0.6, 3, Stream::Sample, &[stream, i]) as f32;
    (0..n as u64).map(|i| f64::from(one(i))).collect()
}

pub(super) fn narrowed(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// The same drawn weights in both widths.
pub(super) fn weights(stack: &Stack) -> (Vec<LayerWeights<f64>>, Vec<LayerWeights<f32>>) {
    let (mut wide, mut narrow) = (scalar::zeros(stack), scalar::zeros(stack));
    for (layer_idx, (wide, narrow)) in wide.iter_mut().zip(&mut narrow).enumerate() {
        let arrays = wide.arrays_mut().into_iter().zip(narrow.arrays_mut());
        for (array_idx, (wide, narrow)) in arrays.enumerate() {
            *wide = drawn(wide.len(), (layer_idx * 4 + array_idx) as u64);
            *narrow = narrowed(wide);
        }
    }
    (wide, narrow)
}

pub(super) fn batch(stack: &Stack, n: u64) -> Vec<(Vec<f64>, Vec<f64>)> {
    let (input, output) = (stack.input().size(), stack.output().size());
    (0..n).map(|row| (drawn(input, 1000 + row), drawn(output, 2000 + row))).collect()
}

pub(super) fn slices(batch: &[Vec<f32>]) -> Vec<&[f32]> {
    batch.iter().map(Vec::as_slice).collect()
}

pub(super) fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().fold(0.0, |largest, value| value.abs().max(largest))
}

#[test]
fn forward_agrees_with_the_scalar_reference() {
    for activation in [Activation::Tanh, Activation::Relu] {
        let stack = stack(activation);
        let (wide, narrow) = weights(&stack);
        let batch = batch(&stack, 5);
        let engine = TensorEngine::new(stack.clone(), device::device());
        let inputs: Vec<Vec<f32>> = batch.iter().map(|(window, _)| narrowed(window)).collect();
        let found = engine.forward(&engine.prepare(&narrow), &slices(&inputs));
        let wanted: Vec<f64> = batch
            .iter()
            .flat_map(|(window, _)| {
                scalar::forward(&stack, &wide, window, 0, None).output().to_vec()
            })
            .collect();
        assert_eq!(found.len(), wanted.len());
        let off = largest(
            &found.iter().zip(&wanted).map(|(&f, &w)| f64::from(f) - w).collect::<Vec<_>>(),
        );
        // Seven steps of four LSTMs round some hundred times, 6e-8 each, and mostly cancel.
        assert!(off <= 2e-6, "{activation:?}: {off:e}");
    }
}

#[test]
fn gradients_agree_with_the_scalar_reference() {
    for activation in [Activation::Tanh, Activation::Relu] {
        for loss in [Loss::Mae, Loss::Mse, Loss::Huber { delta: 0.3 }] {
            let stack = stack(activation);
            let (wide, narrow) = weights(&stack);
            let batch = batch(&stack, 5);
            let dropout = Dropout { seed: 9, step: 4 };
            let (wanted_loss, mut wanted) =
                scalar::loss_and_gradient(&stack, &wide, &batch, loss, Some(dropout));
            let engine = TensorEngine::new(stack.clone(), device::device());
            let inputs: Vec<Vec<f32>> = batch.iter().map(|(window, _)| narrowed(window)).collect();
            let targets: Vec<Vec<f32>> = batch.iter().map(|(_, target)| narrowed(target)).collect();
            let n_elements = (batch.len() * stack.output().size()) as f64;
            let shard = Shard {
                inputs: slices(&inputs),
                targets: slices(&targets),
                first_row: 0,
                loss,
                scale: 1.0 / n_elements,
                dropout,
            };
            let (found_loss, mut found) =
                engine.loss_and_gradient(&engine.prepare(&narrow), &shard);
            assert!((found_loss / n_elements - wanted_loss).abs() < 1e-6);
            for (layer_idx, (found, wanted)) in found.iter_mut().zip(&mut wanted).enumerate() {
                for (found, wanted) in found.arrays_mut().into_iter().zip(wanted.arrays_mut()) {
                    let off: Vec<f64> =
                        found.iter().zip(wanted.iter()).map(|(&f, &w)| f64::from(f) - w).collect();
                    // Relative to the array's largest: a sum of 35 products rounds to √35 · 6e-8
                    // and the chain of layers multiplies that by about ten.
                    let relative = largest(&off) / largest(wanted.iter());
                    assert!(relative <= 1e-5, "{activation:?} {loss:?} {layer_idx}: {relative:e}");
                }
            }
        }
    }
}

/// The written-out way back against Burn's recorded one, on the same forward pass.
#[test]
fn gradients_agree_with_burns_autodiff() {
    let (units, steps, rows) = (5, 6, 4);
    for (activation, emit) in [
        (Activation::Tanh, Emit::Sequence),
        (Activation::Tanh, Emit::Last),
        (Activation::Relu, Emit::Sequence),
    ] {
        let arrays = [drawn(2 * 4 * units, 1), drawn(units * 4 * units, 2), drawn(4 * units, 3)];
        let arrays = arrays.map(|array| narrowed(&array));
        let arrays = [arrays[0].as_slice(), &arrays[1], &arrays[2]];
        let window = narrowed(&drawn(steps * rows * 2, 4));

        let recorded = device::device().autodiff();
        let layer = lstm::Lstm::new(arrays, activation, &recorded);
        let x = host::tensor(window.clone(), [steps, rows, 2], &recorded).require_grad();
        let out = layer.forward(x.clone(), steps).output(emit);
        let weight =
            host::tensor(narrowed(&drawn(out.shape().num_elements(), 5)), out.dims(), &recorded);
        let gradients = (out * weight.clone()).sum().backward();
        let wanted = host::values(x.grad(&gradients).unwrap());

        let plain = device::device();
        let layer = lstm::Lstm::new(arrays, activation, &plain);
        let trace = layer.forward(host::tensor(window, [steps, rows, 2], &plain), steps);
        let slope: Tensor<3> = weight.inner();
        let (_, d_x) = layer.backward(trace, slope, emit, true);
        for (found, wanted) in host::values(d_x.unwrap()).iter().zip(&wanted) {
            // Both are f32 and differ in the order of sums only.
            assert!((found - wanted).abs() <= 2e-6, "{activation:?} {emit:?}: {found} {wanted}");
        }
    }
}
