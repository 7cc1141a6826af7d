//! How far an output is from its target, per element.

use crate::real::Real;

/// What training minimises; a loss is the mean over elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `|e|`
    Mae,
    /// `e²`
    Mse,
    /// `e²/2` up to `delta`, then `delta (|e| - delta/2)` (Huber 1964).
    Huber {
        /// Where it turns linear.
        delta: f64,
    },
}

impl Loss {
    /// Loss of one element whose output is off by `error`.
    pub fn value<T: Real>(self, error: T) -> T {
        let size = if error < T::zero() { -error } else { error };
        match self {
            Self::Mae => size,
            Self::Mse => error * error,
            Self::Huber { delta } => {
                let (delta, half) = (T::from_f64(delta), T::from_f64(0.5));
                if size > delta { delta * (size - half * delta) } else { half * error * error }
            }
        }
    }

    /// Derivative of [`Loss::value`]; 0 at the kink of the absolute error, NaN for NaN.
    pub fn slope<T: Real>(self, error: T) -> T {
        match self {
            Self::Mae => bounded(error, T::zero(), T::ONE),
            Self::Mse => error + error,
            Self::Huber { delta } => {
                let delta = T::from_f64(delta);
                bounded(error, delta, delta)
            }
        }
    }
}

/// `error` within ±`linear_from`, ±`outside` beyond.
fn bounded<T: Real>(error: T, linear_from: T, outside: T) -> T {
    if error > linear_from {
        outside
    } else if error < -linear_from {
        -outside
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_slopes_by_hand() {
        let huber = Loss::Huber { delta: 1.0 };
        // 1 · (3 - 0.5) = 2.5 beyond delta, 0.5² / 2 = 0.125 within it.
        assert_eq!((huber.value(-3.0), huber.value(0.5)), (2.5, 0.125));
        assert_eq!((huber.slope(-3.0), huber.slope(0.5)), (-1.0, 0.5));
        assert_eq!(
            (Loss::Mae.value(-3.0), Loss::Mae.slope(-3.0), Loss::Mae.slope(0.0)),
            (3.0, -1.0, 0.0)
        );
        assert_eq!((Loss::Mse.value(-3.0), Loss::Mse.slope(-3.0)), (9.0, -6.0));
    }

    #[test]
    fn nan_is_handed_on() {
        for loss in [Loss::Mae, Loss::Mse, Loss::Huber { delta: 1.0 }] {
            assert!(loss.value(f32::NAN).is_nan() && loss.slope(f32::NAN).is_nan(), "{loss:?}");
        }
    }
}
