//! Engine `fused`: the kernels of `oddlot-lstm`, trained through one Burn operation for the whole network.
//!
//! Weights stay in the order that the kernels read (*packed*) from the first batch to the last; they become
//! the flat vector of `parameters` at the end of an epoch only. Scoring needs no gradient
//! and calls the kernels directly.

mod engine;
mod op;
mod storage;

use std::sync::Arc;

use oddlot_lstm::fused::{Biases, Isa, Program, Threads};
use oddlot_series::{
    BiasConvention, EpochReport, FitError, Fitted, Model, ModelSpec, NamedTensor, TrainingWindows,
};

use crate::fused::engine::FusedEngine;
use crate::network::Network;
use crate::trained::Trained;
use crate::{memory, train};

/// A network that is computed by the fused kernels.
pub struct FusedModel {
    network: Arc<Network>,
    engine: FusedEngine,
    /// What a trained network is scored on.
    scored_on: Threads,
}

impl FusedModel {
    /// Checks the layers of `spec` and compiles them for `isa`; `threads` is what training uses.
    ///
    /// # Errors
    /// [`FitError::Layers`], and [`FitError::Engine`] where this machine lacks `isa`.
    pub fn new(spec: ModelSpec, isa: Isa, threads: Threads) -> Result<Self, FitError> {
        memory::keep_freed_memory();
        let network = Arc::new(Network::new(spec)?);
        let program = compile(&network, isa)?;
        debug_assert_eq!(program.n_weights(), network.layout.len());
        let engine = FusedEngine::new(Arc::clone(&network), Arc::new(program), threads);
        // One model is scored at a time, so all threads may help whoever trained it.
        Ok(Self { network, engine, scored_on: Threads::All })
    }

    /// A model that keeps to the thread that asks, in training and in scoring: for many of them side by
    /// side.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn alone(spec: ModelSpec, isa: Isa) -> Result<Self, FitError> {
        Ok(Self { scored_on: Threads::One, ..Self::new(spec, isa, Threads::One)? })
    }

    /// The trained network that `weights` were taken from.
    ///
    /// # Errors
    /// [`FitError::Weights`] with everything that is missing, unknown or of another shape.
    pub fn load(&self, weights: &[NamedTensor]) -> Result<Box<dyn Fitted>, FitError> {
        Ok(self.fitted(self.network.layout.flat(weights)?))
    }

    fn fitted(&self, flat: Vec<f32>) -> Box<dyn Fitted> {
        let engine = self.engine.with_threads(self.scored_on);
        Box::new(Trained::new(&self.network, engine, flat))
    }
}

/// The kernels of `spec` alone, without Burn: what a benchmark compares a [`FusedModel`] with.
///
/// # Errors
/// As [`FusedModel::new`].
pub fn program(spec: &ModelSpec, isa: Isa) -> Result<Program, FitError> {
    compile(&Network::new(spec.clone())?, isa)
}

fn compile(network: &Network, isa: Isa) -> Result<Program, FitError> {
    let biases = match network.spec.bias {
        BiasConvention::Single => Biases::One,
        BiasConvention::Double => Biases::Two,
    };
    Program::new(&network.stack, biases, isa)
        .map_err(|unavailable| FitError::Engine(unavailable.to_string()))
}

impl Model for FusedModel {
    fn spec(&self) -> &ModelSpec {
        &self.network.spec
    }

    fn fit(
        &self,
        data: TrainingWindows<'_>,
        observe: &mut dyn FnMut(&EpochReport),
    ) -> Result<Box<dyn Fitted>, FitError> {
        let n_values = data.train.values().len();
        if u32::try_from(n_values).is_err() {
            // A target begins later than its window, perhaps where no `u32` reaches.
            let (expected, found) =
                (format!("at most {} values in all", u32::MAX), n_values.to_string());
            return Err(FitError::Shape { expected, found });
        }
        Ok(self.fitted(train::train(&self.engine, &self.network, data, observe)?))
    }
}

#[cfg(test)]
mod tests;
