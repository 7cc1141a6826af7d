//! The operation as a part of somebody's graph.

use std::sync::Arc;

use burn::tensor::Tensor;
use oddlot_lstm::loss::Loss;

use super::super::op::{Call, loss};
use super::super::storage::{Host, Storage, storage, values};
use super::*;
use crate::gradient;

const ROWS: [u32; 5] = [0, 3, 4, 9, 20];

/// Packed weights, values, and what a batch of an autoencoder needs besides.
fn batch(drawn: &Drawn) -> (Storage, Tensor<1>, Call) {
    let model = fused(&small_autoencoder(TRAINING), Isa::best(), Threads::One);
    let program = Arc::clone(&model.engine.program);
    let network = Network::new(small_autoencoder(TRAINING)).unwrap();
    let packed = program.pack(&initialise::weights(&network));
    let gradient = storage(vec![f32::NAN; packed.len()]);
    let call = Call {
        program,
        inputs: ROWS.to_vec(),
        targets: ROWS.to_vec(),
        loss: Loss::Mse,
        dropout: Some(Dropout { seed: 1, step: 2 }),
        threads: Threads::One,
        gradient,
    };
    let values = Tensor::from_primitive::<Host>(storage(drawn.values.clone()));
    (storage(packed), values, call)
}

/// Gradient of what `of` makes of the loss.
fn gradient(of: impl Fn(Tensor<1>, &dyn Fn() -> Tensor<1>) -> Tensor<1>) -> Vec<f32> {
    let drawn = Drawn::new(30, 1);
    let (weights, values, call) = batch(&drawn);
    let weights = Tensor::<1>::from_primitive::<Host>(weights).autodiff().require_grad();
    let again = || loss(weights.clone(), values.clone(), call.clone());
    let gradients = of(again(), &again).backward();
    weights.grad(&gradients).unwrap().into_data().try_into_vec().unwrap()
}

#[test]
fn backward_multiplies_by_what_comes_from_above() {
    let plain = gradient(|loss, _| loss);
    assert!(largest(&plain) > 1e-3);
    // One multiplication on each side, of the same two numbers.
    let scaled: Vec<f32> = plain.iter().map(|g| g * 2.5).collect();
    assert_eq!(gradient(|loss, _| loss * 2.5), scaled);
}

#[test]
fn two_losses_of_the_same_weights_add_their_gradients() {
    let plain = gradient(|loss, _| loss);
    // x + 3x, rounded twice; 1.2e-7 of 4x at most.
    let sum = gradient(|loss, again| loss + again() * 3.0);
    for (sum, plain) in sum.iter().zip(&plain) {
        assert!((sum - 4.0 * plain).abs() <= 1.2e-7 * sum.abs(), "{sum} {plain}");
    }
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let drawn = Drawn::new(30, 1);
    let (weights, buffer, call) = batch(&drawn);
    let gradient = gradient(|loss, _| loss);
    // Along the gradient itself, where the loss changes most.
    let length = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    let at = |far: f64| {
        let weights = values(&weights);
        let moved = weights.iter().zip(&gradient);
        let moved = moved.map(|(w, &g)| w + (far * f64::from(g) / length) as f32).collect();
        let moved = Tensor::<1>::from_primitive::<Host>(storage(moved));
        f64::from(loss(moved, buffer.clone(), call.clone()).into_scalar::<f32>())
    };
    let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
    // The loss is about 1 and rounds to 6e-8, so its difference to 6e-6 of a step of 2e-2; the third
    // derivative adds 1e-4 of the curvature's own size.
    assert!((slope / length - 1.0).abs() < 1e-3, "{slope} {length}");
}

#[test]
fn weights_that_nobody_tracks_give_the_same_loss_and_no_graph() {
    let drawn = Drawn::new(30, 1);
    let (weights, values, call) = batch(&drawn);
    let weights = Tensor::<1>::from_primitive::<Host>(weights);
    let plain = loss(weights.clone(), values.clone(), call.clone());
    let untracked = loss(weights.clone().autodiff(), values.clone(), call.clone());
    let tracked = loss(weights.autodiff().require_grad(), values, call);
    assert!(!plain.is_autodiff() && !untracked.is_tracked() && tracked.is_tracked());
    let plain = plain.into_scalar::<f32>();
    assert_eq!(untracked.into_scalar::<f32>(), plain);
    assert_eq!(tracked.into_scalar::<f32>(), plain);
}

#[test]
fn a_training_writes_weights_and_gradient_in_place() {
    let drawn = Drawn::new(30, 1);
    let model = fused(&small_autoencoder(TRAINING), Isa::best(), Threads::One);
    let network = Network::new(small_autoencoder(TRAINING)).unwrap();
    let mut trainer = model.engine.trainer(initialise::weights(&network), drawn.windows());
    let places = |trainer: &engine::FusedTrainer<'_>| {
        [&trainer.weights, &trainer.gradient].map(|storage| values(storage).as_ptr())
    };
    let (before, weights) = (places(&trainer), trainer.weights());
    for step in 0..3 {
        trainer.loss_and_gradient(&ROWS, Dropout { seed: 1, step });
        gradient::clip(trainer.gradient(), 0.1);
        trainer.step();
    }
    assert_ne!(trainer.weights(), weights);
    assert_eq!(places(&trainer), before);
}
