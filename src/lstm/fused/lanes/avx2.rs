//! AVX2 with FMA: 8 lanes, 16 registers, a tile of 3 rows × 4 vectors.
//!
//! Twelve sums, three broadcast rows and one vector of the right operand at a time are sixteen registers.
#![allow(unsafe_code, reason = "intrinsics")]

use std::arch::x86_64::*;
use std::hint::black_box;

use super::{Lanes, MOST_LANES, Panel, Strided, Work};
use crate::fused::isa::Isa;
use crate::random::UnitMask;

/// Token: this machine has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// A token, where the machine has the instruction set.
    pub(crate) fn new() -> Option<Self> {
        Isa::Avx2.is_available().then_some(Self(()))
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline(never)]
    fn enabled<W: Work<Self>>(self, work: W) -> W::Output {
        work.call(self)
    }
}

/// An expression of value-only intrinsics.
macro_rules! intrinsic {
    ($e:expr) => {{
        // SAFETY: the token `self` exists, so `Avx2::new` found the instruction set on this machine, and
        // these intrinsics need nothing else: they touch no memory.
        unsafe { $e }
    }};
}

/// A 32-bit integer in every lane.
macro_rules! set {
    ($x:expr) => {
        _mm256_set1_epi32(($x).cast_signed())
    };
}

/// Applies `$e` to `R` vectors, one operation at a time.
macro_rules! each {
    ($r:ident, $k:ident => $to:ident = $e:expr) => {
        for $k in 0..$r {
            $to[$k] = intrinsic!($e);
        }
    };
}

impl Lanes for Avx2 {
    type E = f32;
    type V = __m256;
    const N: usize = 8;
    const ROWS: usize = 3;

    #[inline(always)]
    fn run<W: Work<Self>>(self, work: W) -> W::Output {
        // SAFETY: the token `self` exists, so the machine has what `enabled` is compiled for.
        unsafe { self.enabled(work) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        intrinsic!(_mm256_set1_ps(x))
    }

    #[inline(always)]
    fn load(self, from: &[f32], at: usize) -> __m256 {
        let lanes = &from[at..at + Self::N];
        // SAFETY: `lanes` holds 8 numbers; an unaligned load needs no more (features: as in `intrinsic`).
        unsafe { _mm256_loadu_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m256, to: &mut [f32], at: usize) {
        let lanes = &mut to[at..at + Self::N];
        // SAFETY: `lanes` holds 8 numbers; an unaligned store needs no more (features: as in `intrinsic`).
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        intrinsic!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        intrinsic!(_mm256_sqrt_ps(a))
    }

    #[inline(always)]
    fn relu(self, a: __m256) -> __m256 {
        // The second operand comes back where one is NaN.
        intrinsic!(_mm256_max_ps(_mm256_setzero_ps(), a))
    }

    #[inline(always)]
    fn where_positive(self, x: __m256, y: __m256) -> __m256 {
        intrinsic!(_mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(x, _mm256_setzero_ps()), y))
    }

    #[inline(always)]
    fn exp_neg<const R: usize>(self, x: [__m256; R]) -> [__m256; R] {
        use super::portable::{EXP2, LARGEST_EXPONENT, MINUS_LOG2_E, ROUNDER};
        let scale = self.splat(MINUS_LOG2_E);
        let (smallest, largest) = (self.splat(-LARGEST_EXPONENT), self.splat(LARGEST_EXPONENT));
        let rounder = self.splat(ROUNDER);
        let (mut y, mut n, mut p) = (x, x, x);
        each!(R, k => y = _mm256_mul_ps(x[k], scale));
        // `min` and `max` give their second operand where one is NaN.
        each!(R, k => y = _mm256_max_ps(smallest, _mm256_min_ps(largest, y[k])));
        each!(R, k => n = _mm256_add_ps(y[k], rounder));
        each!(R, k => y = _mm256_sub_ps(y[k], _mm256_sub_ps(n[k], rounder)));
        let [c0, c1, c2, c3, c4, c5] = EXP2;
        let (c0, c1, c2) = (self.splat(c0), self.splat(c1), self.splat(c2));
        let (c3, c4, c5) = (self.splat(c3), self.splat(c4), self.splat(c5));
        each!(R, k => p = _mm256_fmadd_ps(c5, y[k], c4));
        each!(R, k => p = _mm256_fmadd_ps(p[k], y[k], c3));
        each!(R, k => p = _mm256_fmadd_ps(p[k], y[k], c2));
        each!(R, k => p = _mm256_fmadd_ps(p[k], y[k], c1));
        each!(R, k => p = _mm256_fmadd_ps(p[k], y[k], c0));
        // The exponent sits in the low bits of the rounded sum.
        each!(R, k => p = _mm256_castsi256_ps(_mm256_add_epi32(
            _mm256_castps_si256(p[k]),
            _mm256_slli_epi32::<23>(_mm256_castps_si256(n[k])),
        )));
        p
    }

    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        intrinsic!({
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        })
    }

    #[inline(always)]
    fn dropout(self, mask: UnitMask, first_unit: usize, kept: f32) -> __m256 {
        let [low, high, below] = [mask.low(), mask.high(), mask.dropped_below()];
        intrinsic!({
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let unit = _mm256_add_epi32(lane, set!(first_unit as u32));
            let x =
                _mm256_xor_si256(_mm256_mullo_epi32(unit, set!(UnitMask::UNIT_FACTOR)), set!(low));
            let x = _mm256_xor_si256(x, _mm256_srli_epi32::<16>(x));
            let x = _mm256_xor_si256(_mm256_mullo_epi32(x, set!(UnitMask::FACTORS[0])), set!(high));
            let x = _mm256_xor_si256(x, _mm256_srli_epi32::<15>(x));
            let x = _mm256_mullo_epi32(x, set!(UnitMask::FACTORS[1]));
            let x = _mm256_xor_si256(x, _mm256_srli_epi32::<16>(x));
            // x >= below, unsigned, as max(x, below) == x.
            let keeps = _mm256_cmpeq_epi32(_mm256_max_epu32(x, set!(below)), x);
            _mm256_and_ps(_mm256_castsi256_ps(keeps), _mm256_set1_ps(kept))
        })
    }

    #[inline(always)]
    fn transpose(self, square: &mut [__m256; MOST_LANES]) {
        let mut pairs = [self.splat(0.0); 8];
        for k in 0..4 {
            let (a, b) = (square[2 * k], square[2 * k + 1]);
            pairs[2 * k] = intrinsic!(_mm256_unpacklo_ps(a, b));
            pairs[2 * k + 1] = intrinsic!(_mm256_unpackhi_ps(a, b));
        }
        let mut fours = pairs;
        for k in 0..2 {
            for half in 0..2 {
                let (a, b) = (pairs[4 * k + half], pairs[4 * k + half + 2]);
                fours[4 * k + 2 * half] = intrinsic!(_mm256_shuffle_ps::<0x44>(a, b));
                fours[4 * k + 2 * half + 1] = intrinsic!(_mm256_shuffle_ps::<0xEE>(a, b));
            }
        }
        for k in 0..4 {
            let (a, b) = (fours[k], fours[k + 4]);
            square[k] = intrinsic!(_mm256_permute2f128_ps::<0x20>(a, b));
            square[k + 4] = intrinsic!(_mm256_permute2f128_ps::<0x31>(a, b));
        }
    }

    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        self,
        k: usize,
        a: Strided<'_, f32>,
        b: Panel<'_, f32>,
        acc: &mut [[__m256; NV]; MR],
    ) {
        if k == 0 {
            return;
        }
        assert!(a.holds(MR, k), "the left operand ends early");
        assert!(b.holds(k, NV * Self::N), "the right operand ends early");
        // A black box: else the compiler works out every address anew from the row numbers in each step.
        let (mut left, mut right) = black_box((a.values.as_ptr(), b.values.as_ptr()));
        let mut sums = *acc;
        for _ in 0..k {
            // SAFETY: step `i` of the loop reads `a.values[m * a.row + i * a.step]` with `m < MR` and
            // `b.values[i * b.row..][..NV * 8]` with `i < k`; the two assertions say that both lie inside
            // their slices. The pointers move on once more after the last read, by wrapping arithmetic, and
            // are not read there. Features: as in `intrinsic`.
            unsafe {
                let mut rows = [_mm256_setzero_ps(); MR];
                for m in 0..MR {
                    rows[m] = _mm256_broadcast_ss(&*left.add(m * a.row));
                }
                for v in 0..NV {
                    let vector = _mm256_loadu_ps(right.add(v * Self::N));
                    for m in 0..MR {
                        sums[m][v] = _mm256_fmadd_ps(rows[m], vector, sums[m][v]);
                    }
                }
            }
            left = left.wrapping_add(a.step);
            right = right.wrapping_add(b.row);
        }
        *acc = sums;
    }
}
