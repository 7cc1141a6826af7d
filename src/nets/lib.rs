//! Networks in Burn: layers, training, checkpoints. Knows `oddlot-series`, never DataFusion.
//!
//! A [`series::ModelSpec`](oddlot_series::ModelSpec) becomes a checked `Network`, an engine computes it
//! (`tensor`: plain Burn tensor operations on any device), and one visible loop trains it.

pub mod checkpoint;
mod compute;
mod device;
mod expect;
#[cfg(test)]
mod fixture;
mod gradient;
mod held_out;
mod initialise;
pub mod layouts;
mod memory;
mod network;
mod parameters;
mod shards;
mod spec;
pub mod tensor;
mod train;

pub use held_out::mean_loss;
pub use spec::{AutoencoderConfig, ForecasterConfig, autoencoder, forecaster};

use oddlot_series::{FitError, Fitted, ModelSpec, NamedTensor};

/// A trained network from its stored weights.
///
/// # Errors
/// Layers that do not fit each other, or weights that do not fit the layers.
pub fn load(spec: ModelSpec, weights: &[NamedTensor]) -> Result<Box<dyn Fitted>, FitError> {
    tensor::TensorModel::new(spec)?.load(weights)
}
