//! Tensors of burn-ndarray.

#![expect(deprecated, reason = "upstream prefers `flex`; ndarray is this project's choice")]

use std::borrow::Cow;

use burn::backend::ndarray::{NdArray, NdArrayTensor};

/// The backend that the fused operation runs on.
pub(in crate::fused) type Host = NdArray;

/// A tensor of it; clones share memory until one of them is written to.
pub(in crate::fused) type Storage = NdArrayTensor;

/// Its values; copied only where they do not lie one after the other.
pub(in crate::fused) fn values(storage: &Storage) -> Cow<'_, [f32]> {
    let NdArrayTensor::F32(array) = storage else { not_f32() };
    let view = array.view();
    view.to_slice().map_or_else(|| view.iter().copied().collect(), Cow::Borrowed)
}

/// Its values for writing; they are copied first if another tensor shares them.
pub(in crate::fused) fn values_mut(storage: &mut Storage) -> &mut [f32] {
    let NdArrayTensor::F32(array) = storage else { not_f32() };
    let array = array.ensure_owned();
    if !array.is_standard_layout() {
        *array = array.as_standard_layout().to_shared();
    }
    array.as_slice_mut().unwrap_or_else(|| unreachable!("a standard layout is one slice"))
}

fn not_f32() -> ! {
    unreachable!("the fused operation is given f32 tensors only")
}
