//! The reference: any stack of layers forwards and backwards, one window and one number at a time.
//!
//! Slow and plain on purpose. It is the safe twin that the tensor engine and the fused kernels are tested
//! against, in `f64` where a gradient is checked and in `f32` where bits are compared.
//!
//! Weights are row-major: `[input, 4 units]`, `[units, 4 units]` and `[4 units]` for an LSTM (gates
//! input, forget, candidate, output), `[input, units]` and `[units]` for a dense layer.
//! Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins 2000:
//! `c = f∘c₋₁ + i∘g`, `h = o∘act(c)`.

mod backward;
mod forward;

pub use backward::backward;
pub use forward::{Trace, forward};

use crate::layers::{Extent, Layer, Placed, Stack};
use crate::loss::Loss;
use crate::random::Dropout;
use crate::real::Real;

/// Weights of one layer, or their gradients.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerWeights<T> {
    /// Dropout and repeat-vector have none.
    None,
    /// An LSTM with one bias; where a network has two, their sum.
    Lstm {
        /// `[input, 4 units]`
        input: Vec<T>,
        /// `[units, 4 units]`
        recurrent: Vec<T>,
        /// `[4 units]`
        bias: Vec<T>,
    },
    /// An affine map.
    Dense {
        /// `[input, units]`
        weight: Vec<T>,
        /// `[units]`
        bias: Vec<T>,
    },
}

impl<T: Real> LayerWeights<T> {
    /// All zero, in the shapes of `placed`.
    pub fn zeros(placed: &Placed) -> Self {
        let inputs = placed.input.width();
        let zeros = |n: usize| vec![T::zero(); n];
        match placed.layer {
            Layer::Lstm { units, .. } => Self::Lstm {
                input: zeros(inputs * 4 * units),
                recurrent: zeros(units * 4 * units),
                bias: zeros(4 * units),
            },
            Layer::Dense { units } => {
                Self::Dense { weight: zeros(inputs * units), bias: zeros(units) }
            }
            Layer::Dropout { .. } | Layer::RepeatVector { .. } => Self::None,
        }
    }

    /// The arrays, in the order in which they are declared.
    pub fn arrays_mut(&mut self) -> Vec<&mut Vec<T>> {
        match self {
            Self::None => Vec::new(),
            Self::Lstm { input, recurrent, bias } => vec![input, recurrent, bias],
            Self::Dense { weight, bias } => vec![weight, bias],
        }
    }
}

/// All weights of `stack`, zero.
pub fn zeros<T: Real>(stack: &Stack) -> Vec<LayerWeights<T>> {
    stack.layers().iter().map(LayerWeights::zeros).collect()
}

/// Mean loss per element of a batch of windows and its gradient with respect to every weight.
///
/// # Shapes
/// A window `[time, feature]`, its target as [`Stack::output`].
pub fn loss_and_gradient<T: Real>(
    stack: &Stack,
    weights: &[LayerWeights<T>],
    batch: &[(Vec<T>, Vec<T>)],
    loss: Loss,
    dropout: Option<Dropout>,
) -> (T, Vec<LayerWeights<T>>) {
    let n_elements = T::from_f64((batch.len() * stack.output().size()) as f64);
    let mut total = T::zero();
    let mut gradient = zeros(stack);
    for (row, (window, target)) in batch.iter().enumerate() {
        let trace = forward(stack, weights, window, row, dropout);
        let errors = || trace.output().iter().zip(target).map(|(&found, &wanted)| found - wanted);
        for error in errors() {
            total += loss.value(error);
        }
        let slope: Vec<T> = errors().map(|error| loss.slope(error) / n_elements).collect();
        backward(stack, weights, &trace, slope, &mut gradient);
    }
    (total / n_elements, gradient)
}

/// Row `time` of `values`, which are `[steps, width]` as `extent` says.
fn step<T>(values: &[T], extent: Extent, time: usize) -> &[T] {
    let width = extent.width();
    &values[time * width..(time + 1) * width]
}

#[cfg(test)]
mod tests;
