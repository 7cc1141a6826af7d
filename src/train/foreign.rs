//! A file of weights that another library has trained.

use std::path::Path;
use std::sync::Arc;

use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::Engine;
use oddlot_nets::checkpoint::from_safetensors;
use oddlot_nets::layouts::{self, ForeignLayout};
use oddlot_series::{Activation, FitError, Fitted, Layer, ModelSpec, NamedTensor};
use sha2::{Digest, Sha256};

use crate::artifact::Import;
use crate::plan::{ModelPlan, hex};

/// The file, read whole.
pub struct Foreign {
    layout: ForeignLayout,
    /// As the user wrote it, for messages.
    path: String,
    file_name: String,
    sha256: String,
    tensors: Vec<NamedTensor>,
    /// What the user says of its layers; empty leaves it to shapes and numbers.
    layers: Vec<String>,
}

impl Foreign {
    /// Reads a safetensors file.
    ///
    /// # Errors
    /// [`Kind::Data`]: it cannot be read, or is no safetensors file of `f32`.
    pub fn read(path: &Path, layout: ForeignLayout, layers: &[String]) -> Result<Self, Error> {
        let unusable = |title: &str, found: String| {
            Error::data(
                Report::new(title)
                    .at(path.display().to_string())
                    .expected("a safetensors file with arrays of 32-bit floats")
                    .found(found)
                    .hint(saved_by(layout)),
            )
        };
        let bytes = std::fs::read(path)
            .map_err(|error| unusable("the weights cannot be read", error.to_string()))?;
        let tensors = from_safetensors(&bytes).map_err(|error| {
            unusable("the file holds no weights that can be used", told(&error))
        })?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            layout,
            path: path.display().to_string(),
            file_name,
            sha256: hex(&Sha256::digest(&bytes)),
            tensors,
            layers: layers.to_vec(),
        })
    }

    /// The network of `spec` with these weights, and where they come from.
    ///
    /// # Errors
    /// [`Kind::Model`] with everything that does not fit; [`Kind::Config`] for layers that do not fit each
    /// other.
    pub(super) fn network(
        &self,
        spec: &ModelSpec,
        model: &ModelPlan,
        engine: Engine,
    ) -> Result<(Arc<dyn Fitted>, Import), Error> {
        self.warn_of_cells(spec);
        let unfit = |error: FitError| self.unfit(&error, model);
        let imported = layouts::import(self.layout, spec, &self.tensors, &self.layers);
        let imported = imported.map_err(unfit)?;
        let network = engine.load(spec.clone(), &imported.weights).map_err(unfit)?;
        let import = Import {
            layout: self.layout,
            file_name: self.file_name.clone(),
            sha256: self.sha256.clone(),
            layers: imported.layers,
        };
        Ok((Arc::from(network), import))
    }

    fn unfit(&self, error: &FitError, model: &ModelPlan) -> Error {
        let kind = match error {
            FitError::Weights(_) => Kind::Model,
            FitError::Layers { .. } => Kind::Config,
            _ => Kind::Bug,
        };
        let hint = match ForeignLayout::of(&self.tensors) {
            Some(other) if other != self.layout => {
                let name = other.name();
                format!("its names are those of {name}: `--layout {name}`")
            }
            _ => format!(
                "give `{}` the layers of the file, or name those of the file in their order with `--layers`; {}",
                model.name,
                saved_by(self.layout)
            ),
        };
        Error::new(
            kind,
            Report::new(format!("the weights do not fit `{}`", model.name))
                .at(self.path.as_str())
                .expected(format!(
                    "the arrays of {}, in the layout of {}",
                    model.detector.kind(),
                    self.layout.name()
                ))
                .found(told(error))
                .hint(hint),
        )
    }

    /// `torch.nn.LSTM` has no other activation than tanh: weights that came out of it were trained with that.
    fn warn_of_cells(&self, spec: &ModelSpec) {
        if self.layout == ForeignLayout::Pytorch && rectifies(spec) {
            tracing::warn!(
                "the network has `activation = \"relu\"`, and torch.nn.LSTM knows tanh only: it would expect something else"
            );
        }
    }
}

/// Whether a layer of `spec` has cells that rectify.
pub fn rectifies(spec: &ModelSpec) -> bool {
    let is_relu = |layer: &Layer| matches!(layer, Layer::Lstm { activation: Activation::Relu, .. });
    spec.layers.iter().any(is_relu)
}

fn saved_by(layout: ForeignLayout) -> String {
    format!("in Python: `{}`", layout.saving())
}

/// An error without the word that tells its kind.
fn told(error: &FitError) -> String {
    match error {
        FitError::Weights(found) => found.clone(),
        other => other.to_string(),
    }
}
