//! A network as a program of the fused kernels, and a training that runs through Burn's autodiff.

use std::sync::Arc;

use burn::tensor::Tensor;
use oddlot_lstm::adam::{Adam, Settings};
use oddlot_lstm::fused::{Program, Threads};
use oddlot_lstm::random::Dropout;
use oddlot_series::Windows;

use super::op::{self, Call};
use super::storage::{Host, Storage, storage, values, values_mut};
use crate::compute::{Compute, Trainer};
use crate::network::Network;

/// Computes a network by its program.
#[derive(Clone)]
pub(super) struct FusedEngine {
    network: Arc<Network>,
    pub(super) program: Arc<Program>,
    threads: Threads,
}

impl FusedEngine {
    /// `program` must be made of the layers of `network`.
    pub(super) fn new(network: Arc<Network>, program: Arc<Program>, threads: Threads) -> Self {
        Self { network, program, threads }
    }

    /// The same on other threads.
    pub(super) fn with_threads(&self, threads: Threads) -> Self {
        Self { threads, ..self.clone() }
    }
}

impl Compute for FusedEngine {
    /// Packed.
    type Weights = Vec<f32>;
    type Trainer<'a> = FusedTrainer<'a>;

    fn prepare(&self, flat: &[f32]) -> Vec<f32> {
        self.program.pack(flat)
    }

    fn expect(&self, packed: &Vec<f32>, windows: Windows<'_>) -> Vec<f32> {
        let mut out = vec![0.0; windows.len() * self.network.stack.output().size()];
        let (values, starts) = (windows.values(), windows.starts());
        self.program.forward(packed, values, starts, self.threads, &mut out);
        out
    }

    fn expect_alone(&self, packed: &Vec<f32>, windows: Windows<'_>) -> Vec<f32> {
        self.with_threads(Threads::One).expect(packed, windows)
    }

    fn trainer<'a>(&'a self, flat: Vec<f32>, windows: Windows<'a>) -> FusedTrainer<'a> {
        let packed = self.program.pack(&flat);
        let adam = self.network.spec.training.adam;
        let settings = Settings {
            learning_rate: adam.learning_rate,
            beta_1: adam.beta_1,
            beta_2: adam.beta_2,
            epsilon: adam.epsilon,
        };
        FusedTrainer {
            engine: self,
            starts: windows.starts(),
            values: Tensor::from_primitive::<Host>(storage(windows.values().to_vec())),
            adam: Adam::new(settings, packed.len()),
            gradient: storage(vec![0.0; packed.len()]),
            weights: storage(packed),
        }
    }
}

/// A training on packed weights.
///
/// Between two batches nobody else holds `weights` or `gradient`, so both are written in place.
pub(super) struct FusedTrainer<'a> {
    engine: &'a FusedEngine,
    /// First element of each window.
    starts: &'a [u32],
    /// The values that all windows share, copied once a training.
    values: Tensor<1>,
    pub(super) weights: Storage,
    pub(super) gradient: Storage,
    adam: Adam,
}

impl Trainer for FusedTrainer<'_> {
    fn loss_and_gradient(&mut self, chosen: &[u32], dropout: Dropout) -> f64 {
        let FusedEngine { network, program, threads } = self.engine;
        let inputs: Vec<u32> = chosen.iter().map(|&idx| self.starts[idx as usize]).collect();
        let call = Call {
            program: Arc::clone(program),
            targets: inputs.iter().map(|&start| start + network.target_offset()).collect(),
            inputs,
            loss: network.loss(),
            dropout: Some(dropout),
            threads: *threads,
            gradient: std::mem::replace(&mut self.gradient, storage(Vec::new())),
        };
        let n_elements = chosen.len() * network.stack.output().size();
        let weights = Tensor::<1>::from_primitive::<Host>(self.weights.clone());
        let weights = weights.autodiff().require_grad();
        let loss = op::loss(weights.clone(), self.values.clone(), call);
        let mut gradients = loss.backward();
        let gradient = weights.grad_remove(&mut gradients).map(Tensor::try_into_primitive::<Host>);
        self.gradient = match gradient {
            Some(Ok(gradient)) => gradient,
            other => unreachable!("the weights are tracked on this backend: {other:?}"),
        };
        f64::from(loss.into_scalar::<f32>()) * n_elements as f64
    }

    fn gradient(&mut self) -> &mut [f32] {
        values_mut(&mut self.gradient)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.adam.set_learning_rate(learning_rate);
    }

    fn step(&mut self) {
        let isa = self.engine.program.isa();
        self.adam.step(
            isa,
            self.engine.threads,
            values_mut(&mut self.weights),
            &values(&self.gradient),
        );
    }

    fn weights(&self) -> Vec<f32> {
        self.engine.program.unpack(&values(&self.weights))
    }
}
