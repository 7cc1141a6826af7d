//! The layers of a file, as its names group its arrays.

use oddlot_series::NamedTensor;

use super::Convention;
use super::slot::{Kind, Slot};

/// A layer of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// `sequential/lstm_1`, `encoder`.
    pub(super) path: String,
    /// The layer within a module of several.
    pub(super) sub: usize,
}

impl Key {
    /// How a person names it.
    pub(super) fn label(&self) -> String {
        match self.sub {
            0 => self.path.clone(),
            sub => format!("{}:{sub}", self.path),
        }
    }

    /// Its names without their numbers, and the numbers: `a/lstm_2` is `a`, `lstm` and none, 2.
    pub(super) fn order(&self) -> (Vec<&str>, Vec<Option<u64>>, usize) {
        let (texts, numbers) = self.path.split(['/', '.']).map(numbered).unzip();
        (texts, numbers, self.sub)
    }
}

/// `lstm_2` as `lstm` and 2.
fn numbered(name: &str) -> (&str, Option<u64>) {
    let text = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[text.len()..].parse().ok();
    (text.strip_suffix('_').filter(|_| number.is_some()).unwrap_or(text), number)
}

/// A layer of a file with its arrays.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) key: Key,
    pub(super) arrays: Vec<(&'static str, &'a NamedTensor)>,
}

impl<'a> Found<'a> {
    /// The array of a kind.
    pub(super) fn array(&self, leaf: &str) -> Option<&'a NamedTensor> {
        self.arrays.iter().find(|(found, _)| *found == leaf).map(|(_, tensor)| *tensor)
    }

    /// Dense layers have nothing recurrent.
    pub(super) fn kind(&self, convention: &dyn Convention) -> Kind {
        let dense = convention.leaves(Kind::Dense);
        match self.arrays.iter().all(|(leaf, _)| dense.contains(leaf)) {
            true => Kind::Dense,
            false => Kind::Lstm,
        }
    }

    /// What keeps it from being `slot`.
    pub(super) fn misfits(&self, convention: &dyn Convention, slot: &Slot) -> Vec<String> {
        let mut misfits = Vec::new();
        let leaves = convention.leaves(slot.kind);
        for (leaf, shape) in leaves.iter().zip(convention.shapes(slot)) {
            match self.array(leaf) {
                None => {
                    let name = convention.name(&self.key, slot.kind, leaf);
                    misfits.push(format!("{name} is missing ({} wants {shape:?})", slot.name()));
                }
                Some(tensor) if tensor.shape != shape => misfits.push(format!(
                    "{} has the shape {:?} where {} wants {shape:?}",
                    tensor.name,
                    tensor.shape,
                    slot.name()
                )),
                Some(tensor) if tensor.values.iter().any(|value| !value.is_finite()) => {
                    misfits.push(format!("{} holds a value that is not finite", tensor.name));
                }
                Some(_) => {}
            }
        }
        let extra = self.arrays.iter().filter(|(leaf, _)| !leaves.contains(leaf));
        misfits.extend(extra.map(|(_, tensor)| unknown(&tensor.name)));
        misfits
    }

    pub(super) fn has_shapes_of(&self, convention: &dyn Convention, slot: &Slot) -> bool {
        let leaves = convention.leaves(slot.kind);
        let shapes = convention.shapes(slot);
        let fits = |(leaf, shape): (&&str, Vec<usize>)| {
            self.array(leaf).is_some_and(|tensor| tensor.shape == shape)
        };
        self.arrays.len() == leaves.len() && leaves.iter().zip(shapes).all(fits)
    }
}

/// In the order of their names, numbers as numbers.
pub(super) fn layers_of<'a>(
    convention: &dyn Convention,
    file: &'a [NamedTensor],
    faults: &mut Vec<String>,
) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = Vec::new();
    for tensor in file {
        match convention.parse(&tensor.name) {
            None => faults.push(unknown(&tensor.name)),
            Some((key, leaf)) => match found.iter_mut().find(|layer| layer.key == key) {
                Some(layer) if layer.array(leaf).is_some() => {
                    faults.push(format!("{} is a second {leaf} of its layer", tensor.name));
                }
                Some(layer) => layer.arrays.push((leaf, tensor)),
                None => found.push(Found { key, arrays: vec![(leaf, tensor)] }),
            },
        }
    }
    found.sort_by(|a, b| a.key.order().cmp(&b.key.order()));
    found
}

/// What is said of an array that nothing wants.
pub(super) fn unknown(name: &str) -> String {
    format!("{name} belongs to no layer")
}
