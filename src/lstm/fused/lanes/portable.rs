//! Arrays of four numbers: safe Rust that the compiler turns into whatever vectors the target has.
//!
//! In single precision it computes as the vectorised sets do; in double precision, for the checks of
//! gradients, with the exponential of the standard library.

use super::{Lanes, MOST_LANES, Work};
use crate::random::UnitMask;
use crate::real::Real;

/// `2^f` on `[-1/2, 1/2]`, least maximal relative error for degree 5 (9.2e-8 before rounding). The second is
/// near ln 2, and is not ln 2.
#[allow(clippy::approx_constant, clippy::excessive_precision, reason = "a minimax polynomial")]
pub(super) const EXP2: [f32; 6] =
    [1.0, 0.693_147_0, 0.240_222_42, 0.055_507_336, 0.009_671_513, 0.001_326_472_4];
/// e^-x = 2^(-x · log₂ e)
pub(super) const MINUS_LOG2_E: f32 = -std::f32::consts::LOG2_E;
/// Three factors of `1 + 2⁴⁰` multiply to less than the largest `f32`.
pub(super) const LARGEST_EXPONENT: f32 = 40.0;
/// 1.5 · 2²³: adding it leaves an integer in the low bits of the mantissa.
pub(super) const ROUNDER: f32 = 12_582_912.0;

/// Token: any machine will do.
#[derive(Clone, Copy)]
pub(crate) struct Portable<E>(std::marker::PhantomData<E>);

impl<E> Portable<E> {
    /// A token.
    pub(crate) fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// A number that the portable lanes can hold.
pub(crate) trait Lane: Real {
    /// `e^-x` for [`Lanes::exp_neg`].
    fn exp_neg(self) -> Self;
    /// `self · b + c`, in one instruction where the target has one.
    fn fma(self, b: Self, c: Self) -> Self;
}

impl Lane for f32 {
    #[inline(always)]
    fn exp_neg(self) -> Self {
        let y = self * MINUS_LOG2_E;
        // Comparisons with NaN are false, so that it stays.
        let y = if y > LARGEST_EXPONENT { LARGEST_EXPONENT } else { y };
        let y = if y < -LARGEST_EXPONENT { -LARGEST_EXPONENT } else { y };
        let n = y + ROUNDER;
        let f = y - (n - ROUNDER);
        let [c0, c1, c2, c3, c4, c5] = EXP2;
        let p = c5.fma(f, c4).fma(f, c3).fma(f, c2).fma(f, c1).fma(f, c0);
        f32::from_bits(p.to_bits().wrapping_add(n.to_bits() << 23))
    }

    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
            self.mul_add(b, c)
        } else {
            self * b + c
        }
    }
}

impl Lane for f64 {
    #[inline(always)]
    fn exp_neg(self) -> Self {
        // 40 · ln 2: the same bounds as in single precision.
        (-self).clamp(-27.7, 27.7).exp()
    }

    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        self * b + c
    }
}

impl<E: Lane> Lanes for Portable<E> {
    type E = E;
    type V = [E; 4];
    const N: usize = 4;
    /// Three rows of four vectors are twelve of the sixteen registers that SSE2 has; aarch64 has thirty-two.
    const ROWS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 3 };

    #[inline(always)]
    fn run<W: Work<Self>>(self, work: W) -> W::Output {
        work.call(self)
    }

    #[inline(always)]
    fn splat(self, x: E) -> [E; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn load(self, from: &[E], at: usize) -> [E; 4] {
        let lanes = &from[at..at + 4];
        [lanes[0], lanes[1], lanes[2], lanes[3]]
    }

    #[inline(always)]
    fn store(self, v: [E; 4], to: &mut [E], at: usize) {
        to[at..at + 4].copy_from_slice(&v);
    }

    #[inline(always)]
    fn add(self, a: [E; 4], b: [E; 4]) -> [E; 4] {
        std::array::from_fn(|k| a[k] + b[k])
    }

    #[inline(always)]
    fn sub(self, a: [E; 4], b: [E; 4]) -> [E; 4] {
        std::array::from_fn(|k| a[k] - b[k])
    }

    #[inline(always)]
    fn mul(self, a: [E; 4], b: [E; 4]) -> [E; 4] {
        std::array::from_fn(|k| a[k] * b[k])
    }

    #[inline(always)]
    fn div(self, a: [E; 4], b: [E; 4]) -> [E; 4] {
        std::array::from_fn(|k| a[k] / b[k])
    }

    #[inline(always)]
    fn fma(self, a: [E; 4], b: [E; 4], c: [E; 4]) -> [E; 4] {
        std::array::from_fn(|k| a[k].fma(b[k], c[k]))
    }

    #[inline(always)]
    fn sqrt(self, a: [E; 4]) -> [E; 4] {
        a.map(E::sqrt)
    }

    #[inline(always)]
    fn relu(self, a: [E; 4]) -> [E; 4] {
        a.map(E::relu)
    }

    #[inline(always)]
    fn where_positive(self, x: [E; 4], y: [E; 4]) -> [E; 4] {
        std::array::from_fn(|k| if x[k] > E::zero() { y[k] } else { E::zero() })
    }

    #[inline(always)]
    fn exp_neg<const R: usize>(self, x: [[E; 4]; R]) -> [[E; 4]; R] {
        x.map(|x| x.map(E::exp_neg))
    }

    #[inline(always)]
    fn sum(self, a: [E; 4]) -> E {
        (a[0] + a[2]) + (a[1] + a[3])
    }

    #[inline(always)]
    fn dropout(self, mask: UnitMask, first_unit: usize, kept: E) -> [E; 4] {
        std::array::from_fn(|k| if mask.keeps(first_unit + k) { kept } else { E::zero() })
    }

    #[inline(always)]
    fn transpose(self, square: &mut [[E; 4]; MOST_LANES]) {
        for i in 0..4 {
            for j in 0..i {
                (square[i][j], square[j][i]) = (square[j][i], square[i][j]);
            }
        }
    }
}
