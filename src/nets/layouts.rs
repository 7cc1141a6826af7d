//! Weights in the layouts of Keras and PyTorch: which array of theirs is which of ours.
//!
//! All three have the gates in the order input, forget, candidate, output, one block of `units` each.
//!
//! | | ours | Keras 3 | PyTorch |
//! |---|---|---|---|
//! | LSTM, input | `weight_input` `[in, 4u]` | `kernel` `[in, 4u]` | `weight_ih_l0` `[4u, in]` |
//! | LSTM, recurrent | `weight_recurrent` `[u, 4u]` | `recurrent_kernel` `[u, 4u]` | `weight_hh_l0` `[4u, u]` |
//! | LSTM, bias | `bias` `[4u]`, or `bias_input` and `bias_recurrent` | `bias` `[4u]` | `bias_ih_l0`, `bias_hh_l0` `[4u]` |
//! | dense | `weight` `[in, u]`, `bias` `[u]` | `kernel` `[in, u]`, `bias` `[u]` | `weight` `[u, in]`, `bias` `[u]` |
//!
//! An LSTM adds its two biases up, so that one and zeros are the same as the one: that is how one becomes
//! two, and a sum (rounded to `f32`) is how two become one.
//!
//! The names before the array's own (`encoder/lstm_cell/kernel`, `encoder.weight_ih_l0`) are the user's. A
//! layer of the file is found by its shapes; several of the same shapes by the number in their names
//! (`lstm`, `lstm_1`; `0`, `3`); where there is none the caller names the layers in the network's order.
//!
//! A file tells neither activation nor order of the layers, nor how the input was scaled.

mod found;
mod keras;
mod matching;
mod pytorch;
mod slot;

use oddlot_series::{FitError, ModelSpec, NamedTensor};
use serde::{Deserialize, Serialize};

use crate::network::Network;
use found::Key;
use slot::{Kind, Slot};

/// Whose layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignLayout {
    /// `{w.path: w.numpy() for w in model.weights}` of Keras 3.
    Keras,
    /// `model.state_dict()` of PyTorch.
    Pytorch,
}

/// Weights in our names, and where in the file they were.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// As [`crate::Engine::load`] takes them.
    pub weights: Vec<NamedTensor>,
    /// What the file calls each layer with weights, in the network's order.
    pub layers: Vec<String>,
}

/// How a library names and shapes the arrays of a layer.
trait Convention: Sync {
    /// Names of the arrays of a layer, without the layer's own.
    fn leaves(&self, kind: Kind) -> &'static [&'static str];

    /// Their shapes.
    fn shapes(&self, slot: &Slot) -> Vec<Vec<usize>>;

    /// Layer and kind of array that a name stands for; `None` where it is no name of this library's.
    fn parse(&self, name: &str) -> Option<(Key, &'static str)>;

    /// The name of an array, the other way round.
    fn name(&self, key: &Key, kind: Kind, leaf: &str) -> String;

    /// What a layer is called where nobody has named it: the `n`th of its kind, from 0.
    fn default_key(&self, kind: Kind, n: usize) -> Key;

    /// The layer that a person means.
    fn key(&self, label: &str) -> Key;

    /// Their arrays, in the order of the leaves, as ours, in the order of the slot.
    fn read(&self, slot: &Slot, arrays: &[&[f32]]) -> Vec<Vec<f32>>;

    /// Ours as theirs.
    fn write(&self, slot: &Slot, arrays: &[&[f32]]) -> Vec<Vec<f32>>;
}

impl ForeignLayout {
    /// `keras`, `pytorch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keras => "keras",
            Self::Pytorch => "pytorch",
        }
    }

    /// What a user writes in Python to save a model.
    pub fn saving(self) -> &'static str {
        match self {
            Self::Keras => {
                "from safetensors.numpy import save_file; \
                 save_file({w.path: w.numpy() for w in model.weights}, \"net.safetensors\")"
            }
            Self::Pytorch => {
                "from safetensors.torch import save_file; \
                 save_file(model.state_dict(), \"net.safetensors\")"
            }
        }
    }

    /// The layout whose names `file` has, if it is one.
    pub fn of(file: &[NamedTensor]) -> Option<Self> {
        let has = |layout: Self, leaf: &str| {
            let found = |tensor: &NamedTensor| layout.convention().parse(&tensor.name);
            file.iter().filter_map(found).any(|(_, found)| found == leaf)
        };
        [(Self::Keras, "kernel"), (Self::Pytorch, "weight_ih"), (Self::Pytorch, "weight")]
            .into_iter()
            .find(|(layout, leaf)| has(*layout, leaf))
            .map(|(layout, _)| layout)
    }

    fn convention(self) -> &'static dyn Convention {
        match self {
            Self::Keras => &keras::Keras,
            Self::Pytorch => &pytorch::Pytorch,
        }
    }
}

/// The weights that `file` holds for the network of `spec`.
///
/// `layers` names the layers of the file that have weights, in the order of the network; empty finds them by
/// shape and number.
///
/// # Errors
/// [`FitError::Weights`] with everything that is missing, unknown, misshapen or not finite;
/// [`FitError::Layers`].
pub fn import(
    layout: ForeignLayout,
    spec: &ModelSpec,
    file: &[NamedTensor],
    layers: &[String],
) -> Result<Imported, FitError> {
    let convention = layout.convention();
    let slots = slot::slots(&Network::new(spec.clone())?);
    let found = matching::assign(convention, &slots, file, layers)?;
    let mut imported = Imported { weights: Vec::new(), layers: Vec::new() };
    for (slot, layer) in slots.iter().zip(&found) {
        let theirs: Vec<&[f32]> = convention
            .leaves(slot.kind)
            .iter()
            .filter_map(|leaf| layer.array(leaf))
            .map(|tensor| tensor.values.as_slice())
            .collect();
        let ours = convention.read(slot, &theirs);
        let named = slot.parameters.iter().zip(ours).map(|(parameter, values)| NamedTensor {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            values,
        });
        imported.weights.extend(named);
        imported.layers.push(layer.key.label());
    }
    Ok(imported)
}

/// The weights of the network of `spec` in the names and shapes of `layout`.
///
/// `layers` is what the layers with weights shall be called, in the order of the network; empty takes
/// `lstm`, `lstm_1`, `dense` … (Keras) and `lstm_0`, `lstm_1`, `dense_0` … (PyTorch).
///
/// # Errors
/// [`FitError::Weights`]: weights that do not fit the spec, or another number of names than of layers.
pub fn export(
    layout: ForeignLayout,
    spec: &ModelSpec,
    weights: &[NamedTensor],
    layers: &[String],
) -> Result<Vec<NamedTensor>, FitError> {
    let convention = layout.convention();
    let network = Network::new(spec.clone())?;
    let flat = network.layout.flat(weights)?;
    let slots = slot::slots(&network);
    let keys = match layers {
        [] => slots.iter().map(|slot| convention.default_key(slot.kind, slot.number)).collect(),
        names => matching::named(convention, &slots, names).map_err(FitError::Weights)?,
    };
    let mut tensors = Vec::new();
    for (slot, key) in slots.iter().zip(&keys) {
        let ours: Vec<&[f32]> =
            slot.parameters.iter().map(|parameter| &flat[parameter.range.clone()]).collect();
        let theirs = convention.write(slot, &ours);
        let arrays = convention.leaves(slot.kind).iter().zip(convention.shapes(slot)).zip(theirs);
        tensors.extend(arrays.map(|((leaf, shape), values)| NamedTensor {
            name: convention.name(key, slot.kind, leaf),
            shape,
            values,
        }));
    }
    Ok(tensors)
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
