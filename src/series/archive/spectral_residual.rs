//! Spectral residual: what stands out of a series once its usual frequencies are evened out.
//!
//! The logarithm of the amplitudes of the Fourier transform less their moving average over three
//! frequencies, with the old phases, transformed back; the squared magnitudes, of several features summed,
//! become scores by [`Standardised::smoothed`].
//!
//! Shapes: `[time, feature]` → `[time]`. Units: none.
//! Source: Ren et al., KDD 2019, "Time-Series Anomaly Detection Service at Microsoft". We differ: no extra
//! points are foretold (the series is closed), and the map is smoothed instead of held against its own mean.

use serde::{Deserialize, Serialize};

use super::Standardised;
use super::fourier::{Complex, Direction, transform};
use super::smoothing::moving_average;
use crate::statistics::to_real;

/// Frequencies over which logarithms are averaged.
const SMOOTH: usize = 3;

/// Added to amplitudes, so that each has a logarithm.
const AMPLITUDE_MIN: f64 = 1e-8;

/// `[detector.spectral_residual]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpectralResidual {}

impl SpectralResidual {
    pub(super) fn score(self, series: &Standardised) -> Vec<f64> {
        let mut squares = vec![0.0; series.len()];
        for column in series.columns() {
            for (square, saliency) in squares.iter_mut().zip(saliency(column)) {
                *square += saliency * saliency;
            }
        }
        series.smoothed(&squares)
    }
}

/// Magnitude of the series with evened-out amplitudes, `[time]`.
fn saliency(column: &[f64]) -> Vec<f64> {
    if column.len() < 2 || column.iter().all(|&value| value == 0.0) {
        return column.to_vec();
    }
    let values: Vec<Complex> = column.iter().map(|&value| [value, 0.0]).collect();
    let mut spectrum = transform(&values, Direction::Forward);
    let mut logs: Vec<f64> =
        spectrum.iter().map(|[re, im]| (re.hypot(*im) + AMPLITUDE_MIN).ln()).collect();
    // The mean of a standardised series is rounding: it has no amplitude that the next could be held against.
    logs[0] = logs[1];
    let usual = moving_average(&logs, SMOOTH);
    for ((value, log), usual) in spectrum.iter_mut().zip(&logs).zip(usual) {
        let (amplitude, phase) = ((log - usual).exp(), value[1].atan2(value[0]));
        *value = [amplitude * phase.cos(), amplitude * phase.sin()];
    }
    spectrum[0] = [0.0; 2];
    let map = transform(&spectrum, Direction::Inverse);
    map.iter().map(|[re, im]| re.hypot(*im) / to_real(column.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    #[test]
    fn a_lone_spike_is_its_own_saliency() {
        // All amplitudes of a lone 1 are 1, their logarithms less their average 0: nothing is changed but
        // that the mean, 1/12, is taken out.
        let mut spike = [0.0; 12];
        spike[5] = 1.0;
        for (found, spike) in saliency(&spike).iter().zip(spike) {
            let expected = (spike - 1.0 / 12.0_f64).abs();
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    #[test]
    fn a_kick_in_a_wave_stands_out() {
        let mut values: Vec<f64> =
            (0..300).map(|k| (f64::from(k) * std::f64::consts::TAU / 20.0).sin()).collect();
        values[200] += 2.0;
        let found = scores(&Archive::SpectralResidual(SpectralResidual {}), &values, 20);
        let top = (0..300).max_by(|&a, &b| found[a].total_cmp(&found[b])).unwrap();
        assert!(top.abs_diff(200) <= 16, "{top}");
    }
}
