use super::*;
use crate::layers::{Activation, Emit};
use crate::random::{self, Stream};

fn lstm(units: usize, activation: Activation, emit: Emit) -> Layer {
    Layer::Lstm { units, activation, emit }
}

/// Every kind of layer, both activations, a bottleneck, and dropout twice.
fn autoencoder(activation: Activation) -> Stack {
    let layers = [
        lstm(4, activation, Emit::Sequence),
        lstm(3, Activation::Tanh, Emit::Last),
        Layer::Dropout { rate: 0.3 },
        Layer::Dense { units: 2 },
        Layer::RepeatVector { steps: 5 },
        lstm(3, activation, Emit::Sequence),
        Layer::Dropout { rate: 0.3 },
        Layer::Dense { units: 2 },
    ];
    Stack::new(&layers, 5, 2).unwrap()
}

fn drawn(n: usize, stream: u64) -> Vec<f64> {
    (0..n as u64).map(|i| random::uniform_in(-0.8, 0.8, 11, Stream::Sample, &[stream, i])).collect()
}

fn drawn_weights(stack: &Stack) -> Vec<LayerWeights<f64>> {
    let mut weights = zeros(stack);
    for (layer_idx, layer) in weights.iter_mut().enumerate() {
        for (array_idx, array) in layer.arrays_mut().into_iter().enumerate() {
            *array = drawn(array.len(), (layer_idx * 8 + array_idx) as u64);
        }
    }
    weights
}

fn drawn_batch(stack: &Stack) -> Vec<(Vec<f64>, Vec<f64>)> {
    (0..3)
        .map(|row| {
            (drawn(stack.input().size(), 100 + row), drawn(stack.output().size(), 200 + row))
        })
        .collect()
}

#[test]
fn one_unit_over_two_steps_by_hand() {
    let stack = Stack::new(&[lstm(1, Activation::Tanh, Emit::Sequence)], 2, 1).unwrap();
    let weights = [LayerWeights::Lstm {
        input: vec![1.0, 2.0, 3.0, 4.0],
        recurrent: vec![0.5, -0.5, 1.0, -1.0],
        bias: vec![0.1, 0.2, 0.3, 0.4],
    }];
    let out: Vec<f64> = forward(&stack, &weights, &[0.5, -0.25], 0, None).output().to_vec();
    // Step 1, x = 0.5, no state: i = σ(0.6) = 0.645656, g = tanh(1.8) = 0.946806, o = σ(2.4) = 0.916827
    //   c = 0.645656 · 0.946806 = 0.611311, h = 0.916827 · tanh(0.611311) = 0.916827 · 0.545049 = 0.499716
    // Step 2, x = -0.25, h = 0.499716:
    //   i = σ(-0.25 + 0.249858 + 0.1) = σ(0.099858) = 0.524944
    //   f = σ(-0.5 - 0.249858 + 0.2) = σ(-0.549858) = 0.365897
    //   g = tanh(-0.75 + 0.499716 + 0.3) = tanh(0.049716) = 0.049675
    //   o = σ(-1 - 0.499716 + 0.4) = σ(-1.099716) = 0.249793
    //   c = 0.365897 · 0.611311 + 0.524944 · 0.049675 = 0.249754, h = 0.249793 · 0.244687 = 0.061121
    // Six decimals were carried, so five are compared.
    assert!((out[0] - 0.499_716).abs() < 1e-5, "{}", out[0]);
    assert!((out[1] - 0.061_121).abs() < 1e-5, "{}", out[1]);
}

#[test]
fn gradients_agree_with_finite_differences() {
    for activation in [Activation::Tanh, Activation::Relu] {
        for loss in [Loss::Mae, Loss::Mse, Loss::Huber { delta: 0.3 }] {
            let dropout = Some(Dropout { seed: 5, step: 2 });
            finite_differences_agree(&autoencoder(activation), loss, dropout);
            finite_differences_agree(&autoencoder(activation), loss, None);
        }
    }
}

/// Richardson-extrapolated central differences: truncation O(h⁴) = 1e-16 at h = 1e-4 and rounding
/// ε/h = 1e-12, so 1e-8 relative to the largest gradient leaves room for the sums only.
fn finite_differences_agree(stack: &Stack, loss: Loss, dropout: Option<Dropout>) {
    let weights = drawn_weights(stack);
    let batch = drawn_batch(stack);
    let (_, mut gradient) = loss_and_gradient(stack, &weights, &batch, loss, dropout);
    let shifted = |layer: usize, array: usize, k: usize, by: f64| {
        let mut weights = weights.clone();
        weights[layer].arrays_mut()[array][k] += by;
        loss_and_gradient(stack, &weights, &batch, loss, dropout).0
    };
    let mut worst = 0.0_f64;
    let mut largest = 0.0_f64;
    for (layer, gradient) in gradient.iter_mut().enumerate() {
        for (array, gradient) in gradient.arrays_mut().into_iter().enumerate() {
            for (k, &derived) in gradient.iter().enumerate() {
                let central = |h: f64| {
                    (shifted(layer, array, k, h) - shifted(layer, array, k, -h)) / (2.0 * h)
                };
                let h = 1e-4;
                let measured = (4.0 * central(h / 2.0) - central(h)) / 3.0;
                worst = worst.max((measured - derived).abs());
                largest = largest.max(derived.abs());
            }
        }
    }
    assert!(worst <= 1e-8 * largest.max(0.1), "{loss:?} {dropout:?}: {worst:e} of {largest:e}");
}

#[test]
fn dropout_leaves_scoring_alone_and_changes_training() {
    let stack = autoencoder(Activation::Tanh);
    let (weights, batch) = (drawn_weights(&stack), drawn_batch(&stack));
    let run = |dropout| forward(&stack, &weights, &batch[0].0, 0, dropout).output().to_vec();
    assert_eq!(run(None), run(None));
    assert_ne!(run(None), run(Some(Dropout { seed: 1, step: 1 })));
}

#[test]
fn f32_follows_f64() {
    let stack = autoencoder(Activation::Tanh);
    let weights = drawn_weights(&stack);
    let mut narrow: Vec<LayerWeights<f32>> = zeros(&stack);
    for (layer, wide) in narrow.iter_mut().zip(&mut weights.clone()) {
        for (array, wide) in layer.arrays_mut().into_iter().zip(wide.arrays_mut()) {
            *array = wide.iter().map(|&x| x as f32).collect();
        }
    }
    let window = drawn(stack.input().size(), 100);
    let window_f32: Vec<f32> = window.iter().map(|&x| x as f32).collect();
    let wide = forward(&stack, &weights, &window, 0, None);
    let found = forward(&stack, &narrow, &window_f32, 0, None);
    for (found, wide) in found.output().iter().zip(wide.output()) {
        // A dozen roundings of 6e-8 in values below 1.
        assert!((f64::from(*found) - wide).abs() < 1e-6);
    }
}

#[test]
fn nan_in_the_window_reaches_the_output() {
    let stack = autoencoder(Activation::Relu);
    let weights = drawn_weights(&stack);
    let mut window = drawn(stack.input().size(), 100);
    window[3] = f64::NAN;
    assert!(forward(&stack, &weights, &window, 0, None).output().iter().all(|x| x.is_nan()));
}
