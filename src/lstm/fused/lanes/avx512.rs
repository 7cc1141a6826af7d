//! AVX-512: 16 lanes, 32 registers, a tile of 6 rows × 4 vectors.
#![allow(unsafe_code, reason = "intrinsics")]

use std::arch::x86_64::*;
use std::hint::black_box;

use super::{Lanes, MOST_LANES, Panel, Strided, Work};
use crate::fused::isa::Isa;
use crate::random::UnitMask;

/// Token: this machine has AVX-512 F, BW, DQ, VL and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// A token, where the machine has the instruction set.
    pub(crate) fn new() -> Option<Self> {
        Isa::Avx512.is_available().then_some(Self(()))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    #[inline(never)]
    fn enabled<W: Work<Self>>(self, work: W) -> W::Output {
        work.call(self)
    }
}

/// An expression of value-only intrinsics.
macro_rules! intrinsic {
    ($e:expr) => {{
        // SAFETY: the token `self` exists, so `Avx512::new` found the instruction set on this machine, and
        // these intrinsics need nothing else: they touch no memory.
        unsafe { $e }
    }};
}

/// A 32-bit integer in every lane.
macro_rules! set {
    ($x:expr) => {
        _mm512_set1_epi32(($x).cast_signed())
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

impl Lanes for Avx512 {
    type E = f32;
    type V = __m512;
    const N: usize = 16;
    const ROWS: usize = 6;

    #[inline(always)]
    fn run<W: Work<Self>>(self, work: W) -> W::Output {
        // SAFETY: the token `self` exists, so the machine has what `enabled` is compiled for.
        unsafe { self.enabled(work) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        intrinsic!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    fn load(self, from: &[f32], at: usize) -> __m512 {
        let lanes = &from[at..at + Self::N];
        // SAFETY: `lanes` holds 16 numbers; an unaligned load needs no more (features: as in `intrinsic`).
        unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32], at: usize) {
        let lanes = &mut to[at..at + Self::N];
        // SAFETY: `lanes` holds 16 numbers; an unaligned store needs no more (features: as in `intrinsic`).
        unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsic!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        intrinsic!(_mm512_sqrt_ps(a))
    }

    #[inline(always)]
    fn relu(self, a: __m512) -> __m512 {
        // The second operand comes back where one is NaN.
        intrinsic!(_mm512_max_ps(_mm512_setzero_ps(), a))
    }

    #[inline(always)]
    fn where_positive(self, x: __m512, y: __m512) -> __m512 {
        intrinsic!({
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(positive, y)
        })
    }

    #[inline(always)]
    fn exp_neg<const R: usize>(self, x: [__m512; R]) -> [__m512; R] {
        use super::portable::{EXP2, LARGEST_EXPONENT, MINUS_LOG2_E};
        let (scale, largest) = (self.splat(MINUS_LOG2_E), self.splat(LARGEST_EXPONENT));
        let (mut y, mut n, mut p) = (x, x, x);
        each!(R, k => y = _mm512_mul_ps(x[k], scale));
        // `min` gives its second operand where one is NaN. Small powers need no bound: `scalef` rounds to 0.
        each!(R, k => y = _mm512_min_ps(largest, y[k]));
        each!(R, k => n = _mm512_roundscale_ps::<_MM_FROUND_NO_EXC>(y[k]));
        each!(R, k => y = _mm512_sub_ps(y[k], n[k]));
        let [c0, c1, c2, c3, c4, c5] = EXP2;
        let (c0, c1, c2) = (self.splat(c0), self.splat(c1), self.splat(c2));
        let (c3, c4, c5) = (self.splat(c3), self.splat(c4), self.splat(c5));
        each!(R, k => p = _mm512_fmadd_ps(c5, y[k], c4));
        each!(R, k => p = _mm512_fmadd_ps(p[k], y[k], c3));
        each!(R, k => p = _mm512_fmadd_ps(p[k], y[k], c2));
        each!(R, k => p = _mm512_fmadd_ps(p[k], y[k], c1));
        each!(R, k => p = _mm512_fmadd_ps(p[k], y[k], c0));
        each!(R, k => p = _mm512_scalef_ps(p[k], n[k]));
        p
    }

    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        intrinsic!(_mm512_reduce_add_ps(a))
    }

    #[inline(always)]
    fn dropout(self, mask: UnitMask, first_unit: usize, kept: f32) -> __m512 {
        let [low, high, below] = [mask.low(), mask.high(), mask.dropped_below()];
        intrinsic!({
            let lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let unit = _mm512_add_epi32(lane, set!(first_unit as u32));
            let x =
                _mm512_xor_si512(_mm512_mullo_epi32(unit, set!(UnitMask::UNIT_FACTOR)), set!(low));
            let x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
            let x = _mm512_xor_si512(_mm512_mullo_epi32(x, set!(UnitMask::FACTORS[0])), set!(high));
            let x = _mm512_xor_si512(x, _mm512_srli_epi32::<15>(x));
            let x = _mm512_mullo_epi32(x, set!(UnitMask::FACTORS[1]));
            let x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
            let keeps = _mm512_cmpge_epu32_mask(x, set!(below));
            _mm512_maskz_mov_ps(keeps, _mm512_set1_ps(kept))
        })
    }

    #[inline(always)]
    fn transpose(self, square: &mut [__m512; MOST_LANES]) {
        let mut pairs = *square;
        for k in 0..8 {
            let (a, b) = (square[2 * k], square[2 * k + 1]);
            pairs[2 * k] = intrinsic!(_mm512_unpacklo_ps(a, b));
            pairs[2 * k + 1] = intrinsic!(_mm512_unpackhi_ps(a, b));
        }
        // `fours[4 k + j]` holds column `j` of each quarter, for rows `4 k` to `4 k + 3`.
        let mut fours = pairs;
        for k in 0..4 {
            for half in 0..2 {
                let (a, b) = (pairs[4 * k + half], pairs[4 * k + half + 2]);
                fours[4 * k + 2 * half] = intrinsic!(_mm512_shuffle_ps::<0x44>(a, b));
                fours[4 * k + 2 * half + 1] = intrinsic!(_mm512_shuffle_ps::<0xEE>(a, b));
            }
        }
        for j in 0..4 {
            let (a, b) = (fours[j], fours[4 + j]);
            let (c, d) = (fours[8 + j], fours[12 + j]);
            // Quarters 0 and 2, then 1 and 3, of rows 0 to 7 and 8 to 15.
            let even_low = intrinsic!(_mm512_shuffle_f32x4::<0x88>(a, b));
            let even_high = intrinsic!(_mm512_shuffle_f32x4::<0x88>(c, d));
            let odd_low = intrinsic!(_mm512_shuffle_f32x4::<0xDD>(a, b));
            let odd_high = intrinsic!(_mm512_shuffle_f32x4::<0xDD>(c, d));
            square[j] = intrinsic!(_mm512_shuffle_f32x4::<0x88>(even_low, even_high));
            square[j + 4] = intrinsic!(_mm512_shuffle_f32x4::<0x88>(odd_low, odd_high));
            square[j + 8] = intrinsic!(_mm512_shuffle_f32x4::<0xDD>(even_low, even_high));
            square[j + 12] = intrinsic!(_mm512_shuffle_f32x4::<0xDD>(odd_low, odd_high));
        }
    }

    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        self,
        k: usize,
        a: Strided<'_, f32>,
        b: Panel<'_, f32>,
        acc: &mut [[__m512; NV]; MR],
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
            // `b.values[i * b.row..][..NV * 16]` with `i < k`; the two assertions say that both lie inside
            // their slices. The pointers move on once more after the last read, by wrapping arithmetic, and
            // are not read there. Features: as in `intrinsic`.
            unsafe {
                let mut vectors = [_mm512_loadu_ps(right); NV];
                for v in 1..NV {
                    vectors[v] = _mm512_loadu_ps(right.add(v * Self::N));
                }
                for m in 0..MR {
                    let x = _mm512_set1_ps(*left.add(m * a.row));
                    for v in 0..NV {
                        sums[m][v] = _mm512_fmadd_ps(x, vectors[v], sums[m][v]);
                    }
                }
            }
            left = left.wrapping_add(a.step);
            right = right.wrapping_add(b.row);
        }
        *acc = sums;
    }
}
