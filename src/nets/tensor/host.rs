//! Between plain slices and tensors.

use burn::tensor::{Device, Tensor, TensorData};

/// A tensor from row-major values.
pub(super) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The values of a tensor, row-major.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data();
    // The engine makes `f32` tensors only, so the conversion cannot fail.
    data.try_into_vec::<f32>().unwrap_or_else(|error| unreachable!("an f32 tensor: {error:?}"))
}

/// `[rows, columns]` as `[columns, rows]`, both row-major.
pub(super) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    (0..values.len()).map(|k| values[(k % rows) * columns + k / rows]).collect()
}

/// `[outer, inner, width]` as `[inner, outer, width]`: windows one after the other to steps one after the
/// other, and back.
pub(super) fn swapped(rows: &[&[f32]], width: usize) -> Vec<f32> {
    let inner = rows.first().map_or(0, |row| row.len() / width);
    let mut out = Vec::with_capacity(rows.len() * inner * width);
    for step in 0..inner {
        for row in rows {
            out.extend_from_slice(&row[step * width..(step + 1) * width]);
        }
    }
    out
}
