//! The layers of a network that have weights.

use oddlot_lstm::layers::Layer;

use crate::network::Network;
use crate::parameters::Parameter;

/// What kind of layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Long short-term memory.
    Lstm,
    /// Affine.
    Dense,
}

/// A layer of ours that wants weights.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// What it is.
    pub(super) kind: Kind,
    /// 0-based, among its kind.
    pub(super) number: usize,
    /// Values of a step that go in.
    pub(super) inputs: usize,
    /// Values of a step that come out.
    pub(super) units: usize,
    /// Its arrays: input, recurrent and one or two biases; or weight and bias.
    pub(super) parameters: Vec<Parameter>,
}

impl Slot {
    /// `lstm_0`, as in our names of arrays.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::Lstm => format!("lstm_{}", self.number),
            Kind::Dense => format!("dense_{}", self.number),
        }
    }

    /// Whether the same arrays fit both.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.kind, self.inputs, self.units) == (other.kind, other.inputs, other.units)
    }
}

/// Those of `network`, in its order.
pub(super) fn slots(network: &Network) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for (layer_idx, placed) in network.stack.layers().iter().enumerate() {
        let kind = match placed.layer {
            Layer::Lstm { .. } => Kind::Lstm,
            Layer::Dense { .. } => Kind::Dense,
            Layer::Dropout { .. } | Layer::RepeatVector { .. } => continue,
        };
        let parameters = network.layout.parameters().iter();
        slots.push(Slot {
            kind,
            number: slots.iter().filter(|slot| slot.kind == kind).count(),
            inputs: placed.input.width(),
            units: placed.output.width(),
            parameters: parameters.filter(|p| p.layer_idx == layer_idx).cloned().collect(),
        });
    }
    slots
}

/// `[rows, columns]` as `[columns, rows]`.
pub(super) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let column = |k| values.iter().skip(k).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
}

/// What two biases come to.
pub(super) fn sum(first: &[f32], second: &[f32]) -> Vec<f32> {
    first.iter().zip(second).map(|(first, second)| first + second).collect()
}
