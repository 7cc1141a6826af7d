//! Keras 3: `encoder/lstm_cell/kernel`, the paths of `model.weights`.
//!
//! Source: `keras/src/layers/rnn/lstm.py` (gates i, f, c, o; one bias, the forget gate's 1 already in it) and
//! `keras/src/layers/core/dense.py` of Keras 3.15. A dense layer in a `TimeDistributed` is a path of its own.

use super::slot::{Kind, Slot, sum};
use super::{Convention, Key};

/// What Keras calls the cell within an LSTM layer.
const CELL: &str = "/lstm_cell";

pub(super) struct Keras;

impl Convention for Keras {
    fn leaves(&self, kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Lstm => &["kernel", "recurrent_kernel", "bias"],
            Kind::Dense => &["kernel", "bias"],
        }
    }

    fn shapes(&self, slot: &Slot) -> Vec<Vec<usize>> {
        let Slot { inputs, units, .. } = *slot;
        match slot.kind {
            Kind::Lstm => vec![vec![inputs, 4 * units], vec![units, 4 * units], vec![4 * units]],
            Kind::Dense => vec![vec![inputs, units], vec![units]],
        }
    }

    fn parse(&self, name: &str) -> Option<(Key, &'static str)> {
        let (path, leaf) = name.rsplit_once('/')?;
        let leaf = self.leaves(Kind::Lstm).iter().find(|known| **known == leaf)?;
        Some((self.key(path), leaf))
    }

    fn name(&self, key: &Key, kind: Kind, leaf: &str) -> String {
        let cell = if kind == Kind::Lstm { CELL } else { "" };
        format!("{}{cell}/{leaf}", key.path)
    }

    fn default_key(&self, kind: Kind, n: usize) -> Key {
        let kind = if kind == Kind::Lstm { "lstm" } else { "dense" };
        self.key(&if n == 0 { kind.to_owned() } else { format!("{kind}_{n}") })
    }

    fn key(&self, label: &str) -> Key {
        Key { path: label.strip_suffix(CELL).unwrap_or(label).to_owned(), sub: 0 }
    }

    fn read(&self, slot: &Slot, arrays: &[&[f32]]) -> Vec<Vec<f32>> {
        let mut ours: Vec<Vec<f32>> = arrays.iter().map(|array| array.to_vec()).collect();
        // The network has two biases.
        if ours.len() < slot.parameters.len() {
            ours.push(vec![0.0; 4 * slot.units]);
        }
        ours
    }

    fn write(&self, _: &Slot, arrays: &[&[f32]]) -> Vec<Vec<f32>> {
        match *arrays {
            [input, recurrent, first, second] => {
                vec![input.to_vec(), recurrent.to_vec(), sum(first, second)]
            }
            _ => arrays.iter().map(|array| array.to_vec()).collect(),
        }
    }
}
