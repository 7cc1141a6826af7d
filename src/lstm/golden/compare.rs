//! How far an engine is from torch.

use super::case::{Batch, Case, lengths};

/// Largest differences, relative.
#[derive(Debug, Default)]
pub(crate) struct Distance {
    /// Of the loss.
    pub(crate) loss: f64,
    /// Of an element of the gradient, as a share of the largest of its array.
    pub(crate) element: f64,
    /// Of the Euclidean norm of an array, as a share of it; sees every element.
    pub(crate) norm: f64,
}

impl Distance {
    /// The largest of the three.
    pub(crate) fn worst(&self) -> f64 {
        self.loss.max(self.element).max(self.norm)
    }
}

/// Runs `engine` on the batch of `case`. It is given the flat weights, the values and the batch, and gives
/// the mean loss per element and its flat gradient, both in canonical order.
pub(crate) fn distance(
    case: &Case,
    engine: impl Fn(&Case, &[f32], &[f32], &Batch) -> (f64, Vec<f64>),
) -> Distance {
    let batch = &case.batches()[0];
    let (loss, gradient) = engine(case, &case.weights(), &case.values(), batch);
    let mut distance = Distance { loss: relative(loss, case.losses[0]), ..Distance::default() };
    let mut rest = &gradient[..];
    assert_eq!(case.gradient.len(), lengths(&case.stack).len(), "arrays of {}", case.name);
    for (golden, (len, _)) in case.gradient.iter().zip(lengths(&case.stack)) {
        assert_eq!(golden.len, len, "an array of {}", case.name);
        let (found, after) = rest.split_at(golden.len);
        rest = after;
        for (found, wanted) in found.iter().step_by(golden.stride).zip(&golden.values) {
            distance.element = worse(distance.element, (found - wanted).abs() / golden.largest);
        }
        let norm = found.iter().map(|x| x * x).sum::<f64>().sqrt();
        distance.norm = worse(distance.norm, relative(norm, golden.norm));
    }
    assert!(rest.is_empty(), "{} elements too many in the gradient of {}", rest.len(), case.name);
    distance
}

/// Largest relative difference between the losses of the first `found.len()` batches and torch's.
pub(crate) fn losses_apart(case: &Case, found: &[f64]) -> f64 {
    found.iter().zip(&case.losses).map(|(&found, &wanted)| relative(found, wanted)).fold(0.0, worse)
}

fn relative(found: f64, wanted: f64) -> f64 {
    ((found - wanted) / wanted).abs()
}

/// The larger one; NaN if either is.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}
