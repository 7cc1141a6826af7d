//! What an engine can do: the seam between the training loop and whatever computes a network.

use oddlot_lstm::random::Dropout;
use oddlot_series::Windows;

/// Computes one network. Windows have the network's shape: whoever hands them in has checked it.
pub(crate) trait Compute: Send + Sync {
    /// Weights in the engine's own form.
    type Weights: Send + Sync;

    /// The state of a training.
    type Trainer<'a>: Trainer
    where
        Self: 'a;

    /// Brings the flat weight vector into the engine's form.
    fn prepare(&self, flat: &[f32]) -> Self::Weights;

    /// What the network gives for each window, `[window, step, unit]`, dropout off. A window's bits do not
    /// depend on the others.
    fn expect(&self, weights: &Self::Weights, windows: Windows<'_>) -> Vec<f32>;

    /// [`Self::expect`] on the thread that asks, where the engine can keep to it.
    fn expect_alone(&self, weights: &Self::Weights, windows: Windows<'_>) -> Vec<f32> {
        self.expect(weights, windows)
    }

    /// A training on `windows` that starts from the flat weight vector.
    fn trainer<'a>(&'a self, flat: Vec<f32>, windows: Windows<'a>) -> Self::Trainer<'a>;
}

/// A training in progress: weights, gradient and optimiser in whatever order suits the engine.
pub(crate) trait Trainer {
    /// Loss of the windows `chosen`, summed over their elements; the gradient of its mean is kept.
    fn loss_and_gradient(&mut self, chosen: &[u32], dropout: Dropout) -> f64;

    /// The kept gradient, every weight once; what else lies in it is zero.
    fn gradient(&mut self) -> &mut [f32];

    /// How far the steps from here on go.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// Moves the weights one step down the kept gradient.
    fn step(&mut self);

    /// The flat weight vector.
    fn weights(&self) -> Vec<f32>;
}
