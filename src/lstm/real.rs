//! The arithmetic that the scalar reference needs, for `f32` and `f64`.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point number.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + Send
    + Sync
    + 'static
{
    /// 1
    const ONE: Self;

    /// The nearest number of this width.
    fn from_f64(value: f64) -> Self;

    /// The same number, widened.
    fn to_f64(self) -> f64;

    /// `e^self`
    fn exp(self) -> Self;

    /// Hyperbolic tangent.
    fn tanh(self) -> Self;

    /// Square root.
    fn sqrt(self) -> Self;

    /// 0
    fn zero() -> Self {
        Self::default()
    }

    /// `1 / (1 + e^-self)`: 0 and 1 at the infinities, NaN for NaN.
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }

    /// `max(self, 0)`, but NaN for NaN.
    fn relu(self) -> Self {
        if self < Self::zero() { Self::zero() } else { self }
    }
}

impl Real for f32 {
    const ONE: Self = 1.0;

    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn tanh(self) -> Self {
        self.tanh()
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

impl Real for f64 {
    const ONE: Self = 1.0;

    fn from_f64(value: f64) -> Self {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn tanh(self) -> Self {
        self.tanh()
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoid_saturates_without_overflow() {
        assert_eq!(
            [Real::sigmoid(-1e4_f32), Real::sigmoid(0.0_f32), Real::sigmoid(1e4_f32)],
            [0.0, 0.5, 1.0]
        );
    }

    #[test]
    fn relu_and_sigmoid_hand_nan_on() {
        assert!(Real::relu(f64::NAN).is_nan());
        assert!(Real::sigmoid(f64::NAN).is_nan());
    }
}
