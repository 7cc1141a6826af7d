//! How fast the vector units multiply and add when nothing holds them up: what a kernel is measured against.

use std::hint::black_box;

use super::lanes::{Lanes, Work, with_lanes};
use super::product::with_rows;
use super::{Isa, UnknownIsa};

/// A loop of fused multiply-adds on registers, for somebody with a clock.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    isa: Isa,
}

impl Peak {
    /// The loop of an instruction set.
    ///
    /// # Errors
    /// This machine lacks it.
    pub fn new(isa: Isa) -> Result<Self, UnknownIsa> {
        match isa.is_available() {
            true => Ok(Self { isa }),
            false => Err(UnknownIsa { found: isa.to_string(), available: Isa::available() }),
        }
    }

    /// Goes around `rounds` times and returns the floating-point operations done, two a multiply-add.
    ///
    /// A round takes a dozen cycles, or half of that where there are but sixteen registers.
    pub fn run(self, rounds: u32) -> u64 {
        // Numbers that stay near 1, so that nothing overflows or becomes denormal.
        let (factor, term) = black_box((0.999, 0.001));
        black_box(self.sum(Chains { rounds, factor, term }));
        u64::from(rounds) * self.flops_per_round()
    }

    fn flops_per_round(self) -> u64 {
        with_lanes!(self.isa, s => flops_per_round(s))
    }

    fn sum(self, chains: Chains) -> f32 {
        with_lanes!(self.isa, s => s.run(chains))
    }
}

/// Every number of the register tile, times two.
fn flops_per_round<S: Lanes>(_: S) -> u64 {
    (2 * S::ROWS * VECTORS * S::N) as u64
}

/// Vectors of a tile row.
const VECTORS: usize = 4;

/// `x = x · factor + term`, from 1, in as many vectors as the register tile has: 24 or, in sixteen registers, 12.
/// A multiply-add takes four cycles and two begin in each, so that eight would keep the units busy.
struct Chains {
    rounds: u32,
    factor: f32,
    term: f32,
}

impl<S: Lanes<E = f32>> Work<S> for Chains {
    /// Sum over all numbers: nobody can leave one out.
    type Output = f32;

    #[inline(always)]
    fn call(self, s: S) -> f32 {
        with_rows!(S, S::ROWS, R => run::<S, R>(s, &self))
    }
}

#[inline(always)]
fn run<S: Lanes<E = f32>, const R: usize>(s: S, chains: &Chains) -> f32 {
    let (factor, term) = (s.splat(chains.factor), s.splat(chains.term));
    let mut x = [[s.splat(1.0); VECTORS]; R];
    for _ in 0..chains.rounds {
        for m in 0..R {
            for v in 0..VECTORS {
                x[m][v] = s.fma(x[m][v], factor, term);
            }
        }
    }
    let mut sum = 0.0;
    for m in 0..R {
        for v in 0..VECTORS {
            sum += s.sum(x[m][v]);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_multiply_add_is_done_and_counted() {
        for isa in Isa::available() {
            let peak = Peak::new(isa).unwrap();
            for rounds in [0, 1, 7, 1000] {
                // From 1, times 1 plus 1: one more a round in every number. All sums are whole and below 2²⁴.
                let sum = peak.sum(black_box(Chains { rounds, factor: 1.0, term: 1.0 }));
                let numbers = sum / (1.0 + rounds as f32);
                assert_eq!(2 * u64::from(rounds) * numbers as u64, peak.run(rounds), "{isa}");
                assert_eq!(sum, numbers.trunc() * (1.0 + rounds as f32), "{isa}");
            }
        }
    }

    #[test]
    fn a_round_fills_the_register_tile() {
        let flops = |isa| Peak::new(isa).map(|peak| peak.run(1)).ok();
        assert!(flops(Isa::Avx512).is_none_or(|flops| flops == 2 * 24 * 16));
        assert!(flops(Isa::Avx2).is_none_or(|flops| flops == 2 * 12 * 8));
        let rows = if cfg!(target_arch = "aarch64") { 6 } else { 3 };
        assert_eq!(flops(Isa::Portable), Some(2 * rows * 4 * 4));
    }

    #[test]
    fn the_numbers_neither_overflow_nor_fade() {
        for isa in Isa::available() {
            let peak = Peak::new(isa).unwrap();
            let sum = |rounds| peak.sum(black_box(Chains { rounds, factor: 0.999, term: 0.001 }));
            // A fixed point at 1; each rounding is off by 6e-8, and a thousandth of it is lost a round.
            assert!((sum(100_000) / sum(0) - 1.0).abs() < 1e-4, "{isa}");
        }
    }
}
