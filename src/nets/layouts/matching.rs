//! Which layer of a file is which of the network.

use oddlot_series::{FitError, NamedTensor};

use super::Convention;
use super::found::{Found, Key, layers_of, unknown};
use super::slot::Slot;

/// The layer of `file` for each slot.
///
/// # Errors
/// [`FitError::Weights`] with everything that is wrong.
pub(super) fn assign<'a>(
    convention: &dyn Convention,
    slots: &[Slot],
    file: &'a [NamedTensor],
    names: &[String],
) -> Result<Vec<Found<'a>>, FitError> {
    let mut faults = Vec::new();
    let mut found = layers_of(convention, file, &mut faults);
    let chosen = match names {
        [] => by_shape(convention, slots, &found, &mut faults),
        names => by_name(convention, slots, &found, names, &mut faults),
    };
    for (slot, chosen) in slots.iter().zip(&chosen) {
        match chosen {
            Some(idx) => faults.extend(found[*idx].misfits(convention, slot)),
            None if names.is_empty() => faults.push(missing(convention, slot)),
            None => {}
        }
    }
    let idle = (0..found.len()).filter(|idx| !chosen.contains(&Some(*idx)));
    faults.extend(idle.flat_map(|idx| &found[idx].arrays).map(|(_, tensor)| unknown(&tensor.name)));
    if !faults.is_empty() {
        return Err(FitError::Weights(faults.join("; ")));
    }
    let mut found: Vec<Option<Found<'_>>> = found.drain(..).map(Some).collect();
    Ok(chosen.into_iter().flatten().filter_map(|idx| found[idx].take()).collect())
}

/// The layers that `names` stand for: one a slot, no two the same.
///
/// # Errors
/// What is wrong with the names.
pub(super) fn named(
    convention: &dyn Convention,
    slots: &[Slot],
    names: &[String],
) -> Result<Vec<Key>, String> {
    if names.len() != slots.len() {
        let wanted: Vec<String> = slots.iter().map(Slot::name).collect();
        return Err(format!(
            "{} layers are named where the network has {} with weights: {}",
            names.len(),
            slots.len(),
            wanted.join(", ")
        ));
    }
    let keys: Vec<Key> = names.iter().map(|name| convention.key(name)).collect();
    let twice = (1..keys.len()).find(|&idx| keys[..idx].contains(&keys[idx]));
    twice.map_or(Ok(keys), |idx| Err(format!("`{}` is named twice", names[idx])))
}

/// Layers by their shapes, several of the same shapes by their numbers, and what is left by its place.
fn by_shape(
    convention: &dyn Convention,
    slots: &[Slot],
    found: &[Found<'_>],
    faults: &mut Vec<String>,
) -> Vec<Option<usize>> {
    let mut chosen: Vec<Option<usize>> = vec![None; slots.len()];
    for first in 0..slots.len() {
        let is_first = !slots[..first].iter().any(|slot| slot.is_like(&slots[first]));
        if !is_first {
            continue;
        }
        let alike: Vec<usize> =
            (first..slots.len()).filter(|&idx| slots[idx].is_like(&slots[first])).collect();
        let fitting: Vec<usize> = (0..found.len())
            .filter(|&idx| found[idx].has_shapes_of(convention, &slots[first]))
            .collect();
        if fitting.len() > 1 && !are_numbered(found, &fitting) {
            let labels: Vec<String> = fitting.iter().map(|&idx| found[idx].key.label()).collect();
            let names: Vec<String> = alike.iter().map(|&idx| slots[idx].name()).collect();
            faults.push(format!(
                "{} have the same shapes and no numbers that say which is {}",
                labels.join(", "),
                names.join(", which ")
            ));
        }
        for (slot_idx, found_idx) in alike.into_iter().zip(fitting) {
            chosen[slot_idx] = Some(found_idx);
        }
    }
    // What fits nowhere is compared with what is missing, so that both shapes are told.
    for (slot_idx, slot) in slots.iter().enumerate() {
        if chosen[slot_idx].is_none() {
            let is_free = |idx: &usize| {
                !chosen.contains(&Some(*idx)) && found[*idx].kind(convention) == slot.kind
            };
            chosen[slot_idx] = (0..found.len()).find(is_free);
        }
    }
    chosen
}

fn are_numbered(found: &[Found<'_>], layers: &[usize]) -> bool {
    let orders: Vec<_> = layers.iter().map(|&idx| found[idx].key.order()).collect();
    orders.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0] != pair[1])
}

fn by_name(
    convention: &dyn Convention,
    slots: &[Slot],
    found: &[Found<'_>],
    names: &[String],
    faults: &mut Vec<String>,
) -> Vec<Option<usize>> {
    let keys = match named(convention, slots, names) {
        Ok(keys) => keys,
        Err(fault) => {
            faults.push(fault);
            return vec![None; slots.len()];
        }
    };
    let mut find = |key: &Key| {
        let idx = found.iter().position(|layer| layer.key == *key);
        if idx.is_none() {
            faults.push(format!("there is no layer `{}`", key.label()));
        }
        idx
    };
    keys.iter().map(&mut find).collect()
}

fn missing(convention: &dyn Convention, slot: &Slot) -> String {
    let arrays = convention.leaves(slot.kind).iter().zip(convention.shapes(slot));
    let arrays: Vec<String> = arrays.map(|(leaf, shape)| format!("{leaf} {shape:?}")).collect();
    format!("{} is missing: {}", slot.name(), arrays.join(", "))
}
