//! Distance from the median, smoothed: the one-liner that many networks do not beat.
//!
//! `MA(√Σ (z - median)²)`, the sum over features, over a fixed number of rows.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: standard deviations of the series.
//! Source: the null model of this project's comparisons; unsmoothed it is the distance of Hampel 1974.

use serde::{Deserialize, Serialize};

use super::{Standardised, smoothing::moving_average};
use crate::statistics::median;

/// `[detector.median_distance]`: `smooth` 50.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MedianDistance {
    /// Rows of the moving average; 1 leaves the distances as they are.
    pub smooth: usize,
}

impl Default for MedianDistance {
    fn default() -> Self {
        Self { smooth: 50 }
    }
}

impl MedianDistance {
    pub(super) fn score(&self, series: &Standardised) -> Vec<f64> {
        let mut squares = vec![0.0; series.len()];
        for column in series.columns() {
            let Some(middle) = median(&mut column.clone()) else { continue };
            for (square, value) in squares.iter_mut().zip(column) {
                *square += (value - middle) * (value - middle);
            }
        }
        let distances: Vec<f64> = squares.into_iter().map(f64::sqrt).collect();
        moving_average(&distances, self.smooth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    fn of(values: &[f64], smooth: usize) -> Vec<f64> {
        scores(&Archive::MedianDistance(MedianDistance { smooth }), values, 10)
    }

    #[test]
    fn distances_from_the_median_in_standard_deviations() {
        // 0 1 2 3 14: mean 4, squares 16 9 4 1 100, sd √26, median 2.
        let expected = [2.0, 1.0, 0.0, 1.0, 12.0].map(|d| d / 26.0_f64.sqrt());
        for (found, expected) in of(&[0.0, 1.0, 2.0, 3.0, 14.0], 1).iter().zip(expected) {
            // Three roundings of numbers near 1.
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
    }

    #[test]
    fn units_do_not_matter() {
        let values: Vec<f64> = (0..99).map(|k| f64::from(k * k).sin()).collect();
        let scaled: Vec<f64> = values.iter().map(|value| value * 1024.0).collect();
        assert_eq!(of(&values, 50), of(&scaled, 50));
    }
}
