//! How far a network is off on windows that it has not learnt from, whichever engine computes it.

use oddlot_lstm::loss::Loss;
use oddlot_series::{FitError, Fitted, ModelSpec, Windows};

use crate::network::lowered_loss;

/// Mean loss per element in scaled units, by the loss of the network's spec; `None` without a window.
///
/// # Errors
/// Windows of another shape than the network's.
pub fn mean_loss(network: &dyn Fitted, windows: Windows<'_>) -> Result<Option<f64>, FitError> {
    if windows.is_empty() {
        return Ok(None);
    }
    let expected = network.expect(windows)?;
    let spec = network.spec();
    Ok(Some(mean(lowered_loss(spec.training.loss), &expected, spec, windows)))
}

/// Mean of `loss` over what was expected of windows and what should have been; NaN of nothing.
pub(crate) fn mean(loss: Loss, expected: &[f32], spec: &ModelSpec, windows: Windows<'_>) -> f64 {
    let size = expected.len() / windows.len().max(1);
    let mut total = 0.0;
    for (expected, window) in expected.chunks_exact(size.max(1)).zip(windows.iter()) {
        for (&expected, &target) in expected.iter().zip(spec.target_of(window).iter()) {
            total += loss.value(f64::from(expected) - f64::from(target));
        }
    }
    total / expected.len() as f64
}

#[cfg(test)]
mod tests {
    use oddlot_series::{Model, TrainingWindows};

    use super::*;
    use crate::fixture::{Sine, TRAINING, small_autoencoder, small_forecaster};
    use crate::tensor::TensorModel;

    #[test]
    fn it_is_the_validation_loss_that_training_tells() {
        for spec in [small_autoencoder(TRAINING), small_forecaster(TRAINING)] {
            let (train, held_out) = (Sine::new(60), Sine::new(130).flipped());
            let data = TrainingWindows { train: train.windows(), validation: held_out.windows() };
            let mut best = None;
            let fitted = TensorModel::new(spec)
                .unwrap()
                .fit(data, &mut |epoch| {
                    best = if epoch.is_best { epoch.validation_loss } else { best };
                })
                .unwrap();
            assert_eq!(mean_loss(fitted.as_ref(), held_out.windows()).unwrap(), best);
            let none = held_out.windows().slice(0..0);
            assert_eq!(mean_loss(fitted.as_ref(), none).unwrap(), None);
        }
    }
}
