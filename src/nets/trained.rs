//! A trained network, whichever engine computes it.

use std::sync::Arc;

use oddlot_series::{FitError, Fitted, ModelSpec, NamedTensor, Windows};

use crate::compute::Compute;
use crate::expect;
use crate::network::Network;

/// Flat weights, and the same in the engine's own form.
pub(crate) struct Trained<C: Compute> {
    network: Arc<Network>,
    engine: C,
    weights: C::Weights,
    flat: Vec<f32>,
}

impl<C: Compute> Trained<C> {
    /// `flat` must be laid out as `network` says.
    pub(crate) fn new(network: &Arc<Network>, engine: C, flat: Vec<f32>) -> Self {
        let weights = engine.prepare(&flat);
        Self { network: Arc::clone(network), engine, weights, flat }
    }
}

impl<C: Compute> Fitted for Trained<C> {
    fn spec(&self) -> &ModelSpec {
        &self.network.spec
    }

    fn steps(&self) -> usize {
        self.network.steps()
    }

    fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        expect::expect(&self.engine, &self.network, &self.weights, windows)
    }

    fn expect_alone(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        self.network.check_windows(&windows)?;
        Ok(self.engine.expect_alone(&self.weights, windows))
    }

    fn weights(&self) -> Vec<NamedTensor> {
        self.network.layout.named(&self.flat)
    }
}
