//! From the scaled errors of one row to one number.
//!
//! Shapes: errors `[feature]` in units of their scale → score `[]`. Of one feature all norms but
//! `mahalanobis` are the error's magnitude. NaN where an error is NaN or there is none.

use serde::{Deserialize, Serialize};

use crate::error_shape::ErrorShape;
use crate::statistics::{root_mean_square, to_real};

/// `[score]`, `norm`: how the errors of all features become one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Root of the mean square.
    #[default]
    L2,
    /// Mean magnitude: many small errors count as much as a large one.
    L1,
    /// Largest magnitude: one feature suffices.
    Max,
    /// Mahalanobis distance of the magnitudes from those of the validation span.
    Mahalanobis(ErrorShape),
}

impl Norm {
    /// The score of one row's errors.
    pub fn of(&self, errors: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::L2 => root_mean_square(errors),
            Self::L1 => {
                let (sum, n) = errors.fold((0.0, 0), |(sum, n), error| (sum + error.abs(), n + 1));
                sum / to_real(n)
            }
            Self::Max => errors.fold(f64::NAN, |most, error| match error.is_nan() {
                true => f64::INFINITY,
                false => most.max(error.abs()),
            }),
            Self::Mahalanobis(shape) => shape.distance(errors),
        }
    }

    /// How large an error of one feature gives this score where all others are 0; NaN where none does.
    pub(crate) fn reach(&self, score: f64, features: usize, feature_idx: usize) -> f64 {
        match self {
            Self::L2 => score * to_real(features).sqrt(),
            Self::L1 => score * to_real(features),
            Self::Max => score,
            Self::Mahalanobis(shape) => shape.reach(score, feature_idx),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: [Norm; 3] = [Norm::L2, Norm::L1, Norm::Max];

    fn of(norm: &Norm, errors: &[f64]) -> f64 {
        norm.of(errors.iter().copied())
    }

    #[test]
    fn norms_of_three_and_four() {
        // √((9 + 16)/2), (3 + 4)/2, 4; numpy: np.linalg.norm(e, ord)/2**(1/ord)
        assert_eq!(of(&Norm::L2, &[3.0, -4.0]), 12.5_f64.sqrt());
        assert_eq!(of(&Norm::L1, &[3.0, -4.0]), 3.5);
        assert_eq!(of(&Norm::Max, &[3.0, -4.0]), 4.0);
    }

    #[test]
    fn of_one_feature_all_are_its_magnitude() {
        for norm in &PLAIN {
            assert_eq!(of(norm, &[-0.1]), 0.1);
            assert_eq!(norm.reach(0.7, 1, 0), 0.7);
        }
    }

    #[test]
    fn degenerate_errors_have_no_finite_norm() {
        for norm in &PLAIN {
            assert!(of(norm, &[]).is_nan(), "{norm:?}");
            assert!(!of(norm, &[1.0, f64::NAN]).is_finite(), "{norm:?}");
            assert!(!of(norm, &[f64::NAN, 1.0]).is_finite(), "{norm:?}");
            assert!(!of(norm, &[f64::INFINITY, 1.0]).is_finite(), "{norm:?}");
            assert_eq!(of(norm, &[0.0; 3]), 0.0);
        }
    }

    proptest! {
        #[test]
        fn norms_are_ordered_and_ask_for_no_order_of_features(
            errors in prop::collection::vec(-9.0_f64..9.0, 1..8),
        ) {
            let [l2, l1, max] = PLAIN.map(|norm| of(&norm, &errors));
            prop_assert!(l1 <= l2 + 1e-12 && l2 <= max + 1e-12);
            let reversed: Vec<f64> = errors.iter().rev().copied().collect();
            for norm in &PLAIN {
                prop_assert!((of(norm, &errors) - of(norm, &reversed)).abs() < 1e-12);
            }
        }

        #[test]
        fn an_error_as_far_as_the_reach_has_the_score(score in 0.1_f64..9.0, features in 1_usize..5) {
            for norm in &PLAIN {
                let mut errors = vec![0.0; features];
                errors[features - 1] = norm.reach(score, features, features - 1);
                prop_assert!((of(norm, &errors) - score).abs() < 1e-12);
            }
        }
    }
}
