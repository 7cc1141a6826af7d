//! PyTorch: `encoder.weight_ih_l0`, the names of `model.state_dict()`.
//!
//! Source: the documentation of `torch.nn.LSTM` (gates i, f, g, o; two biases) and `torch.nn.Linear` of
//! PyTorch 2.15. A module with `num_layers = 2` is two layers here: `encoder` and `encoder:1`.

use super::slot::{Kind, Slot, sum, transposed};
use super::{Convention, Key};

pub(super) struct Pytorch;

impl Convention for Pytorch {
    fn leaves(&self, kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Lstm => &["weight_ih", "weight_hh", "bias_ih", "bias_hh"],
            Kind::Dense => &["weight", "bias"],
        }
    }

    fn shapes(&self, slot: &Slot) -> Vec<Vec<usize>> {
        let Slot { inputs, units, .. } = *slot;
        match slot.kind {
            Kind::Lstm => vec![
                vec![4 * units, inputs],
                vec![4 * units, units],
                vec![4 * units],
                vec![4 * units],
            ],
            Kind::Dense => vec![vec![units, inputs], vec![units]],
        }
    }

    fn parse(&self, name: &str) -> Option<(Key, &'static str)> {
        let (path, array) = name.rsplit_once('.').unwrap_or(("", name));
        let known = |kind, leaf: &str| self.leaves(kind).iter().find(|known| **known == leaf);
        if let Some(leaf) = known(Kind::Dense, array) {
            return Some((Key { path: path.to_owned(), sub: 0 }, leaf));
        }
        let (leaf, sub) = array.rsplit_once("_l")?;
        Some((Key { path: path.to_owned(), sub: sub.parse().ok()? }, known(Kind::Lstm, leaf)?))
    }

    fn name(&self, key: &Key, kind: Kind, leaf: &str) -> String {
        let dot = if key.path.is_empty() { "" } else { "." };
        match kind {
            Kind::Lstm => format!("{}{dot}{leaf}_l{}", key.path, key.sub),
            Kind::Dense => format!("{}{dot}{leaf}", key.path),
        }
    }

    fn default_key(&self, kind: Kind, n: usize) -> Key {
        let kind = if kind == Kind::Lstm { "lstm" } else { "dense" };
        Key { path: format!("{kind}_{n}"), sub: 0 }
    }

    fn key(&self, label: &str) -> Key {
        let sub = label.rsplit_once(':').and_then(|(path, sub)| Some((path, sub.parse().ok()?)));
        let (path, sub) = sub.unwrap_or((label, 0));
        Key { path: path.to_owned(), sub }
    }

    fn read(&self, slot: &Slot, arrays: &[&[f32]]) -> Vec<Vec<f32>> {
        match *arrays {
            [input, recurrent, first, second] => {
                let mut ours =
                    vec![transposed(input, slot.inputs), transposed(recurrent, slot.units)];
                match slot.parameters.len() {
                    // The network has one bias.
                    3 => ours.push(sum(first, second)),
                    _ => ours.extend([first.to_vec(), second.to_vec()]),
                }
                ours
            }
            [weight, bias] => vec![transposed(weight, slot.inputs), bias.to_vec()],
            _ => Vec::new(),
        }
    }

    fn write(&self, slot: &Slot, arrays: &[&[f32]]) -> Vec<Vec<f32>> {
        let gates = 4 * slot.units;
        match *arrays {
            [input, recurrent, bias] => vec![
                transposed(input, gates),
                transposed(recurrent, gates),
                bias.to_vec(),
                vec![0.0; gates],
            ],
            [input, recurrent, first, second] => vec![
                transposed(input, gates),
                transposed(recurrent, gates),
                first.to_vec(),
                second.to_vec(),
            ],
            [weight, bias] => vec![transposed(weight, slot.units), bias.to_vec()],
            _ => Vec::new(),
        }
    }
}
