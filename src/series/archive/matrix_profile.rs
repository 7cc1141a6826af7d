//! Matrix profile: how far each window is, in shape, from the nearest other.
//!
//! Windows of two periods are standardised each by its own mean and deviation (at least
//! [`SD_FLOOR`], so that flat windows are not blown up to noise); a window's score is its Euclidean distance to
//! the nearest that does not overlap it, a row's the mean over the windows that cover it. Of several
//! features squared distances are summed.
//!
//! Shapes: `[time, feature]` → `[time]`. Units: none. Time: O(n²), a tenth of a second at 8,000 rows, some
//! seconds at 30,000.
//! Source: Yeh et al., ICDM 2016, "Matrix Profile I"; sums along diagonals as in Zhu et al., ICDM 2016,
//! "Matrix Profile II". We differ: windows that overlap at all are no neighbours (there: by three quarters).

use serde::{Deserialize, Serialize};

use super::Standardised;
use super::neighbours::{Pairs, nearest};
use super::smoothing::windows_to_points;
use crate::moments::Moments;
use crate::statistics::to_real;

/// The least deviation a window is divided by, in deviations of the series.
const SD_FLOOR: f64 = 1e-3;

/// `[detector.matrix_profile]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatrixProfile {}

impl MatrixProfile {
    pub(super) fn score(self, series: &Standardised) -> Vec<f64> {
        let length = series.double_window();
        let windows = series.columns().iter().map(|column| Windows::of(column, length));
        let shapes = Shapes { length: to_real(length), features: windows.collect() };
        let nearest: Vec<f64> =
            nearest(series, length, &shapes).into_iter().map(|other| other.square.sqrt()).collect();
        windows_to_points(&nearest, length)
    }
}

struct Shapes {
    length: f64,
    features: Vec<Windows>,
}

/// What is known of each window of a feature, `[window]`.
struct Windows {
    means: Vec<f64>,
    /// 1 / deviation, or 1 / floor.
    inverses: Vec<f64>,
    /// Norm of the standardised window: the root of its length, less where the floor divides it.
    norms: Vec<f64>,
}

impl Windows {
    fn of(column: &[f64], length: usize) -> Self {
        let moments: Vec<Moments> =
            column.windows(length).map(|window| Moments::of(window.iter().copied())).collect();
        // The mean of equal values may round, and leave a deviation of 1e-17 for a zero.
        let sd = |m: &Moments| if m.min < m.max { m.sd() } else { 0.0 };
        let inverses: Vec<f64> = moments.iter().map(|m| 1.0 / sd(m).max(SD_FLOOR)).collect();
        let norm = |(m, inverse): (&Moments, &f64)| to_real(length).sqrt() * sd(m) * inverse;
        Self {
            means: moments.iter().map(|m| m.mean).collect(),
            norms: moments.iter().zip(&inverses).map(norm).collect(),
            inverses,
        }
    }
}

impl Pairs for Shapes {
    fn term(a: f64, b: f64) -> f64 {
        a * b
    }

    fn add(
        &self,
        feature_idx: usize,
        first: usize,
        others: usize,
        sums: &[f64],
        distances: &mut [f64],
    ) {
        let Windows { means, inverses, norms } = &self.features[feature_idx];
        let (mean, inverse, norm) = (self.length * means[first], inverses[first], norms[first]);
        let others = means[others..].iter().zip(&inverses[others..]).zip(&norms[others..]);
        for ((distance, sum), ((other_mean, other_inverse), other_norm)) in
            distances.iter_mut().zip(sums).zip(others)
        {
            let product = (sum - mean * other_mean) * inverse * other_inverse;
            // No larger than the norms allow: of flat windows nothing but rounding would be left.
            let most = norm * other_norm;
            let product = if product < most { product } else { most };
            let product = if product > -most { product } else { -most };
            let apart = norm - other_norm;
            *distance += apart * apart + 2.0 * (most - product);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    #[test]
    fn a_louder_copy_has_the_same_shape() {
        // 0 1 0 −1 repeated, the second half five times as loud: every window of four has its like.
        let wave = [0.0, 1.0, 0.0, -1.0];
        let values: Vec<f64> =
            (0..32).map(|k| wave[k % 4] * if k < 16 { 1.0 } else { 5.0 }).collect();
        let found = scores(&Archive::MatrixProfile(MatrixProfile {}), &values, 4);
        // Windows of eight; those across the change of loudness are shaped otherwise.
        assert!(found[..8].iter().chain(&found[24..]).all(|&score| score < 1e-6), "{found:?}");
        assert!(found[16] > 0.5, "{found:?}");
    }

    #[test]
    fn flat_windows_are_like_each_other_and_unlike_others() {
        let mut values = vec![0.0; 80];
        values[40] = 1.0;
        let found = scores(&Archive::MatrixProfile(MatrixProfile {}), &values, 5);
        assert_eq!(found[..20], [0.0; 20]);
        // The spike's window has norm √20, flat ones 0.
        assert!((found[40] - 20.0_f64.sqrt()).abs() < 1e-12, "{}", found[40]);
    }

    proptest! {
        #[test]
        fn distances_agree_with_windows_compared_outright(
            values in prop::collection::vec(-9_i32..9, 24..90),
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let series = crate::archive::Series { values: &values, features: 1, period: 10 };
            let series = Standardised::of(&series).unwrap();
            let length = series.double_window();
            let shape = |window: &[f64]| -> Vec<f64> {
                let moments = Moments::of(window.iter().copied());
                window.iter().map(|x| (x - moments.mean) / moments.sd().max(SD_FLOOR)).collect()
            };
            let shapes: Vec<Vec<f64>> = series.columns()[0].windows(length).map(shape).collect();
            let windows = Shapes {
                length: to_real(length),
                features: vec![Windows::of(&series.columns()[0], length)],
            };
            for (a, found) in nearest(&series, length, &windows).into_iter().enumerate() {
                let apart = shapes.iter().enumerate().filter(|(b, _)| b.abs_diff(a) >= length);
                let square = |other: &Vec<f64>| -> f64 {
                    other.iter().zip(&shapes[a]).map(|(x, y)| (x - y) * (x - y)).sum()
                };
                let expected = apart.map(|(_, other)| square(other)).fold(f64::INFINITY, f64::min);
                // Flat windows divide sums that ran along by the floor, twice.
                prop_assert!((found.square - expected).abs() < 1e-7, "{} {:?} {}", a, found, expected);
            }
        }
    }
}
