//! Engine `tensor`: plain Burn tensor operations on any Burn device.
//!
//! It is the reference that fused kernels are tested against and the road to other devices. All tensors
//! have the axes `[time, batch, unit]`.
//! The way back is written out layer by layer instead of being recorded operation by operation. Recording
//! makes some twenty graph nodes a step, recomputes exponentials on the way back and cannot gather a weight's
//! gradient into one product: 50 ms of processor time for the two LSTMs of a batch of 32 (64 units, 30 steps)
//! where the whole training batch takes 13 this way. A test holds it against Burn's own autodiff.

mod dense;
mod engine;
mod host;
mod lstm;

use std::sync::Arc;

use oddlot_series::{
    EpochReport, FitError, Fitted, Model, ModelSpec, NamedTensor, TrainingWindows,
};

use crate::network::Network;
use crate::shards::ByShards;
pub(crate) use crate::tensor::engine::TensorEngine;
use crate::trained::Trained;
use crate::{device, memory, train};

/// A network that is computed by tensor operations.
pub struct TensorModel {
    network: Arc<Network>,
}

impl TensorModel {
    /// Checks the layers of `spec`.
    ///
    /// # Errors
    /// [`FitError::Layers`].
    pub fn new(spec: ModelSpec) -> Result<Self, FitError> {
        memory::keep_freed_memory();
        Ok(Self { network: Arc::new(Network::new(spec)?) })
    }

    /// Weights in all, as the spec's bias convention counts them.
    pub fn n_weights(&self) -> usize {
        self.network.layout.len()
    }

    /// The trained network that `weights` were taken from.
    ///
    /// # Errors
    /// [`FitError::Weights`] with everything that is missing, unknown or of another shape.
    pub fn load(&self, weights: &[NamedTensor]) -> Result<Box<dyn Fitted>, FitError> {
        Ok(self.fitted(self.network.layout.flat(weights)?))
    }

    pub(crate) fn engine(&self) -> ByShards<TensorEngine> {
        let engine = TensorEngine::new(self.network.stack.clone(), device::device());
        ByShards::new(Arc::clone(&self.network), engine)
    }

    fn fitted(&self, flat: Vec<f32>) -> Box<dyn Fitted> {
        Box::new(Trained::new(&self.network, self.engine(), flat))
    }
}

impl Model for TensorModel {
    fn spec(&self) -> &ModelSpec {
        &self.network.spec
    }

    fn fit(
        &self,
        data: TrainingWindows<'_>,
        observe: &mut dyn FnMut(&EpochReport),
    ) -> Result<Box<dyn Fitted>, FitError> {
        Ok(self.fitted(train::train(&self.engine(), &self.network, data, observe)?))
    }
}

#[cfg(test)]
mod autodiff_tests;
#[cfg(test)]
mod tests;
