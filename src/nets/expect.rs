//! What a network expects of windows, and how far off it is on average.

use oddlot_series::{FitError, Windows};

use crate::compute::Compute;
use crate::network::Network;

/// `[window, step, feature]`, in the order of the windows.
///
/// # Errors
/// Windows of another shape than the network's.
pub(crate) fn expect<C: Compute>(
    engine: &C,
    network: &Network,
    weights: &C::Weights,
    windows: Windows<'_>,
) -> Result<Vec<f32>, FitError> {
    network.check_windows(&windows)?;
    Ok(engine.expect(weights, windows))
}

/// Mean loss per element over `windows` with the flat weight vector, dropout off; `None` where there is no window.
///
/// # Errors
/// Windows of another shape than the network's.
pub(crate) fn mean_loss<C: Compute>(
    engine: &C,
    network: &Network,
    flat: &[f32],
    windows: Windows<'_>,
) -> Result<Option<f64>, FitError> {
    if windows.is_empty() {
        return Ok(None);
    }
    let expected = expect(engine, network, &engine.prepare(flat), windows)?;
    let targets = windows.iter().flat_map(|window| network.split(window).1);
    let loss = network.loss();
    let total: f64 = expected
        .iter()
        .zip(targets)
        .map(|(&expected, &target)| loss.value(f64::from(expected) - f64::from(target)))
        .sum();
    Ok(Some(total / expected.len() as f64))
}
