//! What a network expects of windows, and how far off it is on average.

use oddlot_series::{FitError, Windows};

use crate::compute::Compute;
use crate::held_out;
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

/// Mean loss per element over `windows`, dropout off; NaN where there is no window.
///
/// # Errors
/// Windows of another shape than the network's.
pub(crate) fn mean_loss<C: Compute>(
    engine: &C,
    network: &Network,
    weights: &C::Weights,
    windows: Windows<'_>,
) -> Result<f64, FitError> {
    let expected = expect(engine, network, weights, windows)?;
    Ok(held_out::mean(network.loss(), &expected, &network.spec, windows))
}
