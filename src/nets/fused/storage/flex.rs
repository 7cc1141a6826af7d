//! Tensors of burn-flex. Its accessors refuse another element type than `f32` by a panic of their own.

use std::borrow::Cow;

use burn::backend::flex::{Flex, FlexTensor};

/// The backend that the fused operation runs on.
pub(in crate::fused) type Host = Flex;

/// A tensor of it; clones share memory until one of them is written to.
pub(in crate::fused) type Storage = FlexTensor;

/// Its values; copied only where they do not lie one after the other.
pub(in crate::fused) fn values(storage: &Storage) -> Cow<'_, [f32]> {
    match storage.as_slice() {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(storage.to_contiguous().storage().to_vec()),
    }
}

/// Its values for writing; they are copied first if another tensor shares them.
pub(in crate::fused) fn values_mut(storage: &mut Storage) -> &mut [f32] {
    if !storage.is_contiguous() || storage.layout().start_offset() != 0 {
        *storage = storage.to_contiguous();
    }
    let n = storage.layout().num_elements();
    &mut storage.storage_mut()[..n]
}
