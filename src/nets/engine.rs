//! Which engine computes a network.

use std::fmt;

use oddlot_lstm::fused::{Isa, Threads};
use oddlot_series::{FitError, Fitted, Model, ModelSpec, NamedTensor, Networks};

use crate::fused::FusedModel;
use crate::tensor::TensorModel;

/// Computes networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Kernels for whole networks in an instruction set of the processor.
    Fused(Isa),
    /// Plain Burn tensor operations.
    Tensor,
}

impl Engine {
    /// `fused` or `tensor`: what weights depend on beyond their last digits.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fused(_) => "fused",
            Self::Tensor => "tensor",
        }
    }

    /// Something to be trained; the fused engine keeps to `threads` while it trains. The weights do not
    /// depend on them.
    ///
    /// # Errors
    /// [`FitError::Layers`], and [`FitError::Engine`] where this machine cannot run the engine.
    pub fn model(self, spec: ModelSpec, threads: Threads) -> Result<Box<dyn Model>, FitError> {
        Ok(match self {
            Self::Fused(isa) => Box::new(FusedModel::new(spec, isa, threads)?),
            Self::Tensor => Box::new(TensorModel::new(spec)?),
        })
    }

    /// Something to be trained and scored on the thread that asks, beside many others; the tensor engine
    /// takes the threads that it is given. The bits do not depend on it.
    ///
    /// # Errors
    /// As [`Engine::model`].
    pub fn model_alone(self, spec: ModelSpec) -> Result<Box<dyn Model>, FitError> {
        Ok(match self {
            Self::Fused(isa) => Box::new(FusedModel::alone(spec, isa)?),
            Self::Tensor => Box::new(TensorModel::new(spec)?),
        })
    }

    /// A trained network from its stored weights, whichever engine trained it.
    ///
    /// # Errors
    /// Layers that do not fit each other, weights that do not fit the layers, and [`FitError::Engine`] where
    /// this machine cannot run the engine.
    pub fn load(
        self,
        spec: ModelSpec,
        weights: &[NamedTensor],
    ) -> Result<Box<dyn Fitted>, FitError> {
        match self {
            Self::Fused(isa) => FusedModel::new(spec, isa, Threads::All)?.load(weights),
            Self::Tensor => TensorModel::new(spec)?.load(weights),
        }
    }
}

/// Networks of archive detectors: many series at a time, each on a thread of its own.
impl Networks for Engine {
    fn model(&self, spec: ModelSpec) -> Result<Box<dyn Model>, FitError> {
        self.model_alone(spec)
    }
}

/// `fused avx512`, `tensor`.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fused(isa) => write!(f, "{} {isa}", self.name()),
            Self::Tensor => f.write_str(self.name()),
        }
    }
}
