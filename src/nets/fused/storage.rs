//! The memory behind a tensor of the chosen backend, read and written in place.
//!
//! Burn's own way out of a tensor (`into_data`) copies unless nobody else holds it, and its way in allocates.
//! At 50,000 weights and a batch a millisecond both would show.

#[cfg(feature = "flex")]
mod flex;
#[cfg(not(feature = "flex"))]
mod ndarray;

#[cfg(feature = "flex")]
pub(super) use flex::{Host, Storage, values, values_mut};
#[cfg(not(feature = "flex"))]
pub(super) use ndarray::{Host, Storage, values, values_mut};

use burn::tensor::TensorData;

/// A tensor `[n]` that takes over `values`.
#[cfg_attr(not(feature = "flex"), expect(deprecated, reason = "as in `ndarray`"))]
pub(super) fn storage(values: Vec<f32>) -> Storage {
    let n = values.len();
    Storage::from_data(TensorData::new(values, [n]))
}
