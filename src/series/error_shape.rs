//! Mean and covariance of error vectors, and the distance of one from them.
//!
//! Shapes: magnitudes of scaled errors `[row, feature]` → mean `[feature]`, covariance
//! `[feature, feature]`; a row's `[feature]` → distance `[]`, in standard deviations.
//! A row has one vector: that of the last step of the window that ends there, so that the score stays
//! causal; of hindsight, that of each step of each window.
//! Source: Malhotra et al. 2016, "LSTM-based Encoder-Decoder for Multi-sensor Anomaly Detection", §2:
//! e = |x − x′| of each point, N(μ, Σ) by maximum likelihood on the validation set, a = (e − μ)ᵀ Σ⁻¹ (e − μ).
//! We differ: the root of it, so that it has a unit; and Σ gains a millionth of its mean variance on the
//! diagonal, so that features that err alike leave it invertible. As there, an error smaller than usual is
//! some way off too.

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::score::Scores;
use crate::split::{Span, Split};
use crate::statistics::to_real;

/// What the diagonal gains, as a share of the mean variance.
const RIDGE: f64 = 1e-6;

/// Fitted to the errors of the validation span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct ErrorShape {
    mean: Vec<f64>,
    /// Lower triangle L of Σ = L Lᵀ, `[feature, feature]`, row by row.
    root: Vec<f64>,
}

/// Errors have no shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShape {
    /// Too few rows.
    #[error("{0} rows with an error: two are needed")]
    TooFewRows(usize),
    /// No feature's errors vary.
    #[error("the errors are the same in all rows")]
    Constant,
    /// What is stored is damaged.
    #[error("stored mean and covariance of errors do not fit together")]
    Damaged,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    mean: Vec<f64>,
    root: Vec<f64>,
}

impl TryFrom<Parts> for ErrorShape {
    type Error = NoShape;

    fn try_from(Parts { mean, root }: Parts) -> Result<Self, NoShape> {
        let features = mean.len();
        let fits = features > 0
            && root.len() == features * features
            && mean.iter().chain(&root).all(|number| number.is_finite())
            && (0..features).all(|idx| root[idx * features + idx] > 0.0);
        if fits { Ok(Self { mean, root }) } else { Err(NoShape::Damaged) }
    }
}

impl From<ErrorShape> for Parts {
    fn from(ErrorShape { mean, root }: ErrorShape) -> Self {
        Self { mean, root }
    }
}

impl ErrorShape {
    /// Of the scaled errors of all rows, `[row, feature]`; those of a row that has one that is not finite do
    /// not count.
    ///
    /// # Errors
    /// Fewer than two rows, or no feature whose errors vary.
    pub fn fit(errors: &[f64], features: usize) -> Result<Self, NoShape> {
        let rows: Vec<Vec<f64>> = errors
            .chunks_exact(features.max(1))
            .filter(|row| row.iter().all(|error| error.is_finite()))
            .map(|row| row.iter().map(|error| error.abs()).collect())
            .collect();
        if rows.len() < 2 {
            return Err(NoShape::TooFewRows(rows.len()));
        }
        let n = to_real(rows.len());
        let mean: Vec<f64> = (0..features)
            .map(|feature_idx| rows.iter().map(|row| row[feature_idx]).sum::<f64>() / n)
            .collect();
        let covariance = |a: usize, b: usize| {
            rows.iter().map(|row| (row[a] - mean[a]) * (row[b] - mean[b])).sum::<f64>() / n
        };
        let pairs = (0..features).flat_map(|a| (0..features).map(move |b| (a, b)));
        let mut matrix: Vec<f64> = pairs.map(|(a, b)| covariance(a, b)).collect();
        let trace: f64 = (0..features).map(|idx| matrix[idx * features + idx]).sum();
        let ridge = RIDGE * trace / to_real(features);
        for idx in 0..features {
            matrix[idx * features + idx] += ridge;
        }
        let root = cholesky(&matrix, features).ok_or(NoShape::Constant)?;
        Self::try_from(Parts { mean, root }).map_err(|_| NoShape::Constant)
    }

    /// The scaled errors that it is fitted on: of the rows of the validation span that a detector scored,
    /// breaks aside, `[row, feature]`.
    pub fn errors(history: &History<'_>, scores: &Scores, split: &Split) -> Vec<f64> {
        let counts = |row_idx: &usize| {
            split.span(history.days[*row_idx]) == Span::Validation
                && !history.breaks[*row_idx]
                && scores.causal[*row_idx].is_finite()
        };
        let rows = (0..history.len()).filter(counts);
        rows.flat_map(|row_idx| scores.scaled_errors(history, row_idx)).collect()
    }

    /// The distance of a row's scaled errors; NaN where their number is another or one is NaN.
    pub fn distance(&self, errors: impl Iterator<Item = f64>) -> f64 {
        let errors: Vec<f64> = errors.map(f64::abs).collect();
        if errors.len() != self.mean.len() {
            return f64::NAN;
        }
        let offsets: Vec<f64> = errors.iter().zip(&self.mean).map(|(e, mean)| e - mean).collect();
        self.whiten(&offsets).iter().map(|part| part * part).sum::<f64>().sqrt()
    }

    /// How large an error of one feature is at this distance where all others are 0; NaN where none is.
    pub(crate) fn reach(&self, distance: f64, feature_idx: usize) -> f64 {
        // (t u − m)ᵀ(t u − m) = d², with u and m the whitened unit vector and mean.
        let unit: Vec<f64> =
            (0..self.mean.len()).map(|idx| if idx == feature_idx { 1.0 } else { 0.0 }).collect();
        let (u, m) = (self.whiten(&unit), self.whiten(&self.mean));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (a, b, c) = (dot(&u, &u), dot(&u, &m), dot(&m, &m) - distance * distance);
        (b + (b * b - a * c).sqrt()) / a
    }

    /// L⁻¹ x, by forward substitution.
    fn whiten(&self, x: &[f64]) -> Vec<f64> {
        let features = self.mean.len();
        let mut solved: Vec<f64> = Vec::with_capacity(features);
        for (row, value) in x.iter().enumerate() {
            let line = &self.root[row * features..row * features + row];
            let known: f64 = line.iter().zip(&solved).map(|(l, y)| l * y).sum();
            solved.push((value - known) / self.root[row * features + row]);
        }
        solved
    }
}

/// The lower triangle L of a symmetric matrix L Lᵀ; `None` unless it is positive definite.
fn cholesky(matrix: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut root = vec![0.0; n * n];
    for row in 0..n {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| root[row * n + k] * root[column * n + k]).sum();
            let rest = matrix[row * n + column] - known;
            root[row * n + column] = match row == column {
                true if rest > 0.0 => rest.sqrt(),
                true => return None,
                false => rest / root[column * n + column],
            };
        }
    }
    Some(root)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::threshold::golden::{Golden, uniform};

    fn distance(shape: &ErrorShape, errors: &[f64]) -> f64 {
        shape.distance(errors.iter().copied())
    }

    #[test]
    fn of_one_feature_it_is_the_distance_from_the_mean_in_deviations() {
        // Magnitudes 1 3 5 7: mean 4, variance 5.
        let shape = ErrorShape::fit(&[1.0, -3.0, 5.0, -7.0], 1).unwrap();
        let sd = (5.0_f64 * (1.0 + RIDGE)).sqrt();
        assert!((distance(&shape, &[-10.0]) - 6.0 / sd).abs() < 1e-14);
        assert!((distance(&shape, &[4.0])).abs() < 1e-14);
        assert!((distance(&shape, &[0.0]) - 4.0 / sd).abs() < 1e-14);
        // 4 + 2 deviations is where the distance is 2.
        assert!((shape.reach(2.0, 0) - (4.0 + 2.0 * sd)).abs() < 1e-13);
    }

    #[test]
    fn distances_agree_with_numpy() {
        let golden = Golden::read().mahalanobis;
        let [a, b, c] = [61_803, 38_197, 14_142].map(|step| uniform(400, step));
        let errors: Vec<f64> =
            (0..400).flat_map(|k| [a[k] - 0.5, 0.3 * a[k] + b[k] - 0.6, c[k].powi(3)]).collect();
        let shape = ErrorShape::fit(&errors, 3).unwrap();
        for (point, golden) in golden.points.iter().zip(golden.distances) {
            // An inverse against a triangular solution, condition number some 10.
            assert!((distance(&shape, point) / golden - 1.0).abs() < 1e-11, "{golden}");
        }
    }

    #[test]
    fn features_that_err_alike_and_one_that_never_errs_leave_it_finite() {
        let errors: Vec<f64> = (0..50).flat_map(|k| [f64::from(k), f64::from(k), 0.0]).collect();
        let shape = ErrorShape::fit(&errors, 3).unwrap();
        assert!(distance(&shape, &[3.0, 3.0, 0.0]).is_finite());
        // What never happened is far away.
        assert!(distance(&shape, &[24.5, 24.5, 1.0]) > 50.0);
    }

    #[test]
    fn degenerate_errors_have_no_shape() {
        assert_eq!(ErrorShape::fit(&[], 2), Err(NoShape::TooFewRows(0)));
        assert_eq!(ErrorShape::fit(&[1.0, 2.0], 2), Err(NoShape::TooFewRows(1)));
        assert_eq!(ErrorShape::fit(&[1.0, f64::NAN, 2.0], 1).map(|s| s.mean), Ok(vec![1.5]));
        assert_eq!(ErrorShape::fit(&[3.0; 20], 2), Err(NoShape::Constant));
        assert_eq!(ErrorShape::fit(&[1e300, 2e300, 1e308], 1), Err(NoShape::Constant));
        let shape = ErrorShape::fit(&[1.0, 2.0, 3.0, 9.0], 2).unwrap();
        assert!(distance(&shape, &[1.0]).is_nan());
        assert!(distance(&shape, &[1.0, f64::NAN]).is_nan());
    }

    #[test]
    fn a_stored_shape_keeps_its_bits_and_is_checked() {
        let shape = ErrorShape::fit(&[0.1, 0.2, 0.35, 0.9, 0.4, 0.1], 2).unwrap();
        let text = serde_json::to_string(&shape).unwrap();
        assert_eq!(serde_json::from_str::<ErrorShape>(&text).unwrap(), shape);
        for broken in [r#"{"mean":[],"root":[]}"#, r#"{"mean":[1.0],"root":[0.0]}"#] {
            assert!(serde_json::from_str::<ErrorShape>(broken).is_err());
        }
    }

    proptest! {
        #[test]
        fn scaling_a_feature_changes_no_distance(
            rows in prop::collection::vec((0.1_f64..9.0, 0.1_f64..9.0), 5..40),
            exponent in -8_i32..8,
        ) {
            let unit = 2.0_f64.powi(exponent);
            let errors: Vec<f64> = rows.iter().flat_map(|row| [row.0, row.1]).collect();
            let scaled: Vec<f64> = errors.iter().map(|error| error * unit).collect();
            let (one, two) = (ErrorShape::fit(&errors, 2), ErrorShape::fit(&scaled, 2));
            if let (Ok(one), Ok(two)) = (one, two) {
                let (a, b) = (distance(&one, &[3.0, 1.0]), distance(&two, &[3.0 * unit, unit]));
                prop_assert!((a / b - 1.0).abs() < 1e-9, "{} {}", a, b);
            }
        }

        #[test]
        fn an_error_as_far_as_the_reach_is_at_the_distance(
            rows in prop::collection::vec((0.1_f64..9.0, 0.1_f64..9.0), 5..40),
            far in 1.0_f64..30.0,
        ) {
            let errors: Vec<f64> = rows.iter().flat_map(|row| [row.0, row.1]).collect();
            let Ok(shape) = ErrorShape::fit(&errors, 2) else { return Ok(()) };
            let reach = shape.reach(far, 1);
            if reach.is_finite() && reach >= 0.0 {
                prop_assert!((distance(&shape, &[0.0, reach]) / far - 1.0).abs() < 1e-6);
            }
        }
    }
}
