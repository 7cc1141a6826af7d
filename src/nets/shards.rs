//! Engines that compute a few windows at a time from plain slices, and everything around that.
//!
//! Such an engine says what a shard of a batch gives; weights, gradient and Adam stay in the flat vector's
//! order here. Training cuts a batch into shards ([`batch`]), scoring cuts windows into blocks ([`blocks`]).

mod adam;
mod batch;
mod blocks;

use std::sync::Arc;

use adam::Adam;
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::Dropout;
use oddlot_lstm::scalar::LayerWeights;
use oddlot_series::Windows;

use crate::compute::{Compute, Trainer};
use crate::network::Network;

/// Computes a few windows at a time.
pub(crate) trait ShardEngine: Send + Sync {
    /// Weights in the engine's own form; made once a batch, shared by its shards.
    type Weights: Send + Sync;

    /// Brings weights into the engine's form.
    fn prepare(&self, layers: &[LayerWeights<f32>]) -> Self::Weights;

    /// What the network gives for each input, `[row, step, unit]`, dropout off.
    fn forward(&self, weights: &Self::Weights, inputs: &[&[f32]]) -> Vec<f32>;

    /// Loss of a shard, summed over its elements, and the gradient of that sum times `scale`.
    fn loss_and_gradient(
        &self,
        weights: &Self::Weights,
        shard: &Shard<'_>,
    ) -> (f64, Vec<LayerWeights<f32>>);
}

/// A part of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Shard<'a> {
    /// Inputs, `[time, feature]` each.
    pub(crate) inputs: Vec<&'a [f32]>,
    /// Targets, `[step, feature]` each.
    pub(crate) targets: Vec<&'a [f32]>,
    /// Row of the batch that the first input is.
    pub(crate) first_row: usize,
    /// What is minimised.
    pub(crate) loss: Loss,
    /// Factor of the gradient: one over the elements of the whole batch.
    pub(crate) scale: f64,
    /// Which values to drop.
    pub(crate) dropout: Dropout,
}

/// A network computed by shards.
pub(crate) struct ByShards<E> {
    network: Arc<Network>,
    engine: E,
}

impl<E> ByShards<E> {
    /// `engine` must be made for the layers of `network`.
    pub(crate) fn new(network: Arc<Network>, engine: E) -> Self {
        Self { network, engine }
    }
}

impl<E: ShardEngine> Compute for ByShards<E> {
    type Weights = E::Weights;
    type Trainer<'a>
        = ShardTrainer<'a, E>
    where
        Self: 'a;

    fn prepare(&self, flat: &[f32]) -> E::Weights {
        self.engine.prepare(&self.network.layout.gather(flat))
    }

    fn expect(&self, weights: &E::Weights, windows: Windows<'_>) -> Vec<f32> {
        blocks::expect(&self.engine, &self.network, weights, windows)
    }

    fn trainer<'a>(&'a self, flat: Vec<f32>, windows: Windows<'a>) -> ShardTrainer<'a, E> {
        ShardTrainer {
            adam: Adam::new(self.network.spec.training.adam, flat.len()),
            gradient: vec![0.0; flat.len()],
            engine: self,
            windows,
            weights: flat,
        }
    }
}

/// A training by shards.
pub(crate) struct ShardTrainer<'a, E> {
    engine: &'a ByShards<E>,
    windows: Windows<'a>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    adam: Adam,
}

impl<E: ShardEngine> Trainer for ShardTrainer<'_, E> {
    fn loss_and_gradient(&mut self, chosen: &[u32], dropout: Dropout) -> f64 {
        let ByShards { network, engine } = self.engine;
        let (loss, gradient) =
            batch::loss_and_gradient(engine, network, &self.weights, self.windows, chosen, dropout);
        self.gradient = gradient;
        loss
    }

    fn gradient(&mut self) -> &mut [f32] {
        &mut self.gradient
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.adam.set_learning_rate(learning_rate);
    }

    fn step(&mut self) {
        self.adam.step(&mut self.weights, &self.gradient);
    }

    fn weights(&self) -> Vec<f32> {
        self.weights.clone()
    }
}
