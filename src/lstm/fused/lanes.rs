//! Vectors of one instruction set, and the register tile.
//!
//! A value of a [`Lanes`] type is a token: it can only be made where the machine has the instruction set, so
//! that every method may use it. Kernels are generic over the token, are forced inline, and are entered
//! through [`Lanes::run`], the one function that the compiler builds with the set's features enabled. Kernels
//! put no arithmetic into closures: what an iterator's closure does is not compiled for the set unless it is
//! inlined, which a dev build may decide against.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

use crate::random::UnitMask;
use crate::real::Real;

/// Vectors of `N` numbers.
///
/// NaN goes in and comes out of every operation; nothing here replaces it.
pub(crate) trait Lanes: Copy + Send + Sync + 'static {
    /// A number.
    type E: Real;
    /// A vector.
    type V: Copy;
    /// Numbers of a vector.
    const N: usize;
    /// Rows of a register tile: with the four gates of a vector of units each, and what a step of the
    /// product needs beside them, they fill the registers.
    const ROWS: usize;

    /// Runs `work` in a function that is compiled for this instruction set.
    fn run<W: Work<Self>>(self, work: W) -> W::Output;

    /// `x` in every lane.
    fn splat(self, x: Self::E) -> Self::V;
    /// `from[at..at + N]`
    fn load(self, from: &[Self::E], at: usize) -> Self::V;
    /// Writes `to[at..at + N]`.
    fn store(self, v: Self::V, to: &mut [Self::E], at: usize);
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, rounded once where the set can
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `√a`
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `max(a, 0)`, NaN for NaN
    fn relu(self, a: Self::V) -> Self::V;
    /// `y` where `x > 0`, else 0
    fn where_positive(self, x: Self::V, y: Self::V) -> Self::V;
    /// `e^-x` of `R` vectors side by side, so that their chains of operations overlap. The result lies in
    /// `[2⁻⁴⁰, 2⁴⁰]` or a little beyond, so that a product of three `1 + e^-x` stays finite.
    fn exp_neg<const R: usize>(self, x: [Self::V; R]) -> [Self::V; R];
    /// Sum over the lanes.
    fn sum(self, a: Self::V) -> Self::E;
    /// `kept` for the units from `first_unit` that the mask keeps, else 0.
    fn dropout(self, mask: UnitMask, first_unit: usize, kept: Self::E) -> Self::V;

    /// Turns the square whose rows are the first `N` vectors.
    fn transpose(self, square: &mut [Self::V; MOST_LANES]);

    /// `acc[m][v] += Σ_k a(m, k) · b[k][v]` for one register tile.
    ///
    /// The scalar twin of the vectorised versions; safe, with every index checked.
    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        self,
        k: usize,
        a: Strided<'_, Self::E>,
        b: Panel<'_, Self::E>,
        acc: &mut [[Self::V; NV]; MR],
    ) {
        for step in 0..k {
            for m in 0..MR {
                let x = self.splat(a.values[m * a.row + step * a.step]);
                for v in 0..NV {
                    let vector = self.load(b.values, step * b.row + v * Self::N);
                    acc[m][v] = self.fma(x, vector, acc[m][v]);
                }
            }
        }
    }
}

/// Lanes of the widest instruction set.
pub(crate) const MOST_LANES: usize = 16;

/// The left operand of a product: element `(m, k)` is `values[m * row + k * step]`.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, E> {
    /// Where `(0, 0)` is the first.
    pub(crate) values: &'a [E],
    /// From one row to the next.
    pub(crate) row: usize,
    /// From one term of the sum to the next.
    pub(crate) step: usize,
}

impl<'a, E> Strided<'a, E> {
    /// The operand without its first `rows` rows and `steps` terms.
    #[inline(always)]
    pub(crate) fn from(self, rows: usize, steps: usize) -> Self {
        Self { values: &self.values[rows * self.row + steps * self.step..], ..self }
    }

    /// Whether elements up to row `rows` and term `k` are there.
    #[inline(always)]
    pub(crate) fn holds(&self, rows: usize, k: usize) -> bool {
        (rows - 1) * self.row + (k - 1) * self.step < self.values.len()
    }
}

/// The right operand of a product: row `k` begins at `values[k * row]`.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a, E> {
    /// Where row 0 is the first.
    pub(crate) values: &'a [E],
    /// From one row to the next.
    pub(crate) row: usize,
}

impl<E> Panel<'_, E> {
    /// Whether `width` elements of each of `k` rows are there.
    #[inline(always)]
    pub(crate) fn holds(&self, k: usize, width: usize) -> bool {
        (k - 1) * self.row + width <= self.values.len()
    }
}

/// Calls `$call` with the token of `$isa` as `$s`.
macro_rules! with_lanes {
    ($isa:expr, $s:ident => $call:expr) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            $crate::fused::Isa::Avx512 if let Some($s) = $crate::fused::lanes::Avx512::new() => {
                $call
            }
            #[cfg(target_arch = "x86_64")]
            $crate::fused::Isa::Avx2 if let Some($s) = $crate::fused::lanes::Avx2::new() => $call,
            _ => {
                let $s = $crate::fused::lanes::Portable::<f32>::new();
                $call
            }
        }
    };
}
pub(crate) use with_lanes;

/// Something to run with an instruction set enabled.
pub(crate) trait Work<S: Lanes> {
    /// What comes of it.
    type Output;

    /// Does it. Implementations are `#[inline(always)]`.
    fn call(self, s: S) -> Self::Output;
}

#[cfg(test)]
mod tests;
