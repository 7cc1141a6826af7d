//! What an engine can do: the seam between the training loop and whatever computes a network.

use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::Dropout;
use oddlot_lstm::scalar::LayerWeights;

/// Computes a network.
pub(crate) trait Engine: Send + Sync {
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
