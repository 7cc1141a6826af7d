//! Difference: how much a series changes from row to row, smoothed.
//!
//! Squared differences to the row before, of several features summed; then [`Standardised::smoothed`]. The first row has none.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: a null model of this project's comparisons, after Wu and Keogh, TKDE 2021, "Current time series
//! anomaly detection benchmarks are flawed", who find many labels by one line.

use serde::{Deserialize, Serialize};

use super::Standardised;

/// `[detector.difference]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Difference {}

impl Difference {
    pub(super) fn score(self, series: &Standardised) -> Vec<f64> {
        let mut squares = vec![0.0; series.len()];
        for column in series.columns() {
            for (square, pair) in squares.iter_mut().skip(1).zip(column.windows(2)) {
                *square += (pair[1] - pair[0]).powi(2);
            }
        }
        series.smoothed(&squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    #[test]
    fn a_step_by_hand() {
        // 0 0 0 4: mean 1, sd √3; the step is 4/√3, at the last row only. Of four rows nothing is smoothed.
        let found = scores(&Archive::Difference(Difference {}), &[0.0, 0.0, 0.0, 4.0], 10);
        for (found, expected) in found.iter().zip([0.0, 0.0, 0.0, 4.0 / 3.0_f64.sqrt()]) {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }
}
