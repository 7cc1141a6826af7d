//! Networks in Burn: layers, training, checkpoints. Knows `oddlot-series`, never DataFusion.
//!
//! A [`series::ModelSpec`](oddlot_series::ModelSpec) becomes a checked `Network`, an engine computes it
//! (`fused`: kernels for whole networks; `tensor`: plain Burn tensor operations on any device), and one visible
//! loop trains it.

#[cfg(test)]
mod archive_tests;
pub mod checkpoint;
mod compute;
mod device;
mod engine;
mod expect;
#[cfg(test)]
mod fixture;
pub mod fused;
mod gradient;
mod held_out;
mod initialise;
mod laid_out;
pub mod layouts;
mod memory;
mod network;
mod parameters;
mod shards;
mod spec;
pub mod tensor;
mod train;
mod trained;

pub use engine::Engine;
pub use held_out::mean_loss;
pub use oddlot_lstm::fused::{Isa, Threads};
pub use spec::{
    AutoencoderConfig, ForecasterConfig, StackedAutoencoderConfig, StackedForecasterConfig,
    autoencoder, forecaster, n_weights, stacked_autoencoder, stacked_forecaster, steps,
};
