//! What training and scoring share: windows gathered by time step, weights of a layer, repeated inputs.

use super::buffer::Buffer;
use super::lanes::{Lanes, Panel, Strided};
use super::lstm::Weights;
use super::plan::{ByRow, Lstm, Signal};
use super::product::Product;
use super::rows::DenseWeights;

/// Windows as `[step, row, stride]`.
pub(crate) fn gather<S: Lanes>(signal: Signal, values: &[S::E], starts: &[u32]) -> Buffer<S::E> {
    let Signal { steps, width, stride } = signal;
    let rows = starts.len();
    let mut out = Buffer::any(steps * rows * stride);
    if stride > width {
        out.fill(S::E::default());
    }
    for (row, &start) in starts.iter().enumerate() {
        let window = &values[start as usize..start as usize + steps * width];
        let to = out[row * stride..].chunks_mut(rows * stride);
        for (to, values) in to.zip(window.chunks_exact(width)) {
            copy(values, to);
        }
    }
    out
}

/// Copies `from` to the beginning of `to`. A single value, which is the usual case, takes no call for it.
#[inline]
pub(crate) fn copy<E: Copy>(from: &[E], to: &mut [E]) {
    match from {
        [value] => to[0] = *value,
        values => to[..values.len()].copy_from_slice(values),
    }
}

/// A layer's weights.
pub(crate) fn lstm_weights<'a, E>(
    lstm: &Lstm,
    packed: &'a [E],
    prepared: &'a [E],
) -> Weights<'a, E> {
    let [input, recurrent, ..] = lstm.weights.clone();
    Weights {
        input: &packed[input],
        recurrent: &packed[recurrent],
        bias: &prepared[lstm.bias.clone()],
    }
}

/// A dense layer's weights.
pub(crate) fn dense_weights<'a, E>(
    layer: &ByRow,
    input: Signal,
    packed: &'a [E],
) -> DenseWeights<'a, E> {
    let (outputs, weight, bias) = match layer {
        ByRow::Dense { outputs, weight, bias } => (*outputs, weight.clone(), bias.clone()),
        ByRow::Dropout { .. } => (0, 0..0, 0..0),
    };
    DenseWeights { weight: &packed[weight], bias: &packed[bias], inputs: input.stride, outputs }
}

/// Bias and product with an input that all steps share: `[row, gate]`.
pub(crate) fn project<S: Lanes>(
    s: S,
    lstm: &Lstm,
    weights: Weights<'_, S::E>,
    rows: usize,
    x: &[S::E],
    x_row: usize,
) -> Buffer<S::E> {
    let (gates, row) = (lstm.shape.gates(), lstm.shape.gate_row::<S>());
    let mut out = Buffer::any(rows * row);
    for out in out.chunks_exact_mut(row) {
        out[..gates].copy_from_slice(weights.bias);
    }
    let panel = 4 * S::N;
    let inputs = lstm.shape.inputs;
    for (chunk, weight) in weights.input.chunks_exact(inputs * panel).enumerate() {
        s.run(Product {
            a: Strided { values: x, row: x_row, step: 1 },
            b: Panel { values: weight, row: panel },
            out: &mut out[chunk * panel..],
            out_row: row,
            rows,
            columns: panel,
            terms: inputs,
            slice: 256,
            accumulate: true,
        });
    }
    out
}
