//! Every vector operation of every instruction set against scalar arithmetic.

use super::*;
use crate::fused::Isa;
use crate::random::{self, Dropout, Stream};

fn draw(word: u64, k: usize) -> f32 {
    random::uniform_in(-3.0, 3.0, 17, Stream::Sample, &[word, k as u64]) as f32
}

/// What a test does with each instruction set of this machine.
trait Check {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa);
}

fn on_every_set(check: &impl Check) {
    for isa in Isa::available() {
        with_lanes!(isa, s => check.check(s, isa));
    }
}

/// Runs `operation` on vectors inside the instruction set.
struct Apply<'a, F> {
    a: &'a [f32],
    b: &'a [f32],
    operation: F,
}

impl<S: Lanes<E = f32>, F: Fn(S, S::V, S::V) -> S::V> Work<S> for Apply<'_, F> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn call(self, s: S) -> Vec<f32> {
        let mut out = vec![0.0; self.a.len()];
        for at in (0..self.a.len()).step_by(S::N) {
            let result = (self.operation)(s, s.load(self.a, at), s.load(self.b, at));
            s.store(result, &mut out, at);
        }
        out
    }
}

struct Arithmetic;

impl Check for Arithmetic {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        let special = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40];
        let a: Vec<f32> = (0..56).map(|k| draw(1, k)).chain(special).collect();
        let b: Vec<f32> = (0..64).map(|k| draw(2, k)).collect();
        let same = |what: &str, found: Vec<f32>, expected: &dyn Fn(f32, f32) -> f32| {
            for ((&a, &b), found) in a.iter().zip(&b).zip(found) {
                let expected = expected(a, b);
                assert!(
                    found == expected || found.is_nan() && expected.is_nan(),
                    "{isa}: {what} of {a} and {b} is {found}, not {expected}"
                );
            }
        };
        let (x, y) = (&a[..], &b[..]);
        same("sum", s.run(Apply { a: x, b: y, operation: |s: S, a, b| s.add(a, b) }), &|a, b| {
            a + b
        });
        same(
            "difference",
            s.run(Apply { a: x, b: y, operation: |s: S, a, b| s.sub(a, b) }),
            &|a, b| a - b,
        );
        same(
            "product",
            s.run(Apply { a: x, b: y, operation: |s: S, a, b| s.mul(a, b) }),
            &|a, b| a * b,
        );
        same(
            "quotient",
            s.run(Apply { a: x, b: y, operation: |s: S, a, b| s.div(a, b) }),
            &|a, b| a / b,
        );
        same("root", s.run(Apply { a: x, b: y, operation: |s: S, a, _| s.sqrt(a) }), &|a, _| {
            a.sqrt()
        });
        same("relu", s.run(Apply { a: x, b: y, operation: |s: S, a, _| s.relu(a) }), &|a, _| {
            if a < 0.0 { 0.0 } else { a }
        });
        same(
            "choice",
            s.run(Apply { a: x, b: y, operation: |s: S, a, b| s.where_positive(a, b) }),
            &|a, b| if a > 0.0 { b } else { 0.0 },
        );
        let found = s.run(Apply { a: x, b: y, operation: |s: S, a, b| s.fma(a, b, a) });
        for ((&a, &b), found) in x.iter().zip(y).zip(found).take(56) {
            // One rounding or two, of numbers below 12.
            assert!((found - (a * b + a)).abs() < 2e-6, "{isa}: {a} · {b} + {a} = {found}");
        }
    }
}

#[test]
fn arithmetic_is_that_of_numbers_and_hands_on_nan() {
    on_every_set(&Arithmetic);
}

struct Exponential;

impl Check for Exponential {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        let a: Vec<f32> = (0..16_000).map(|k| (k as f32 - 8_000.0) / 400.0).collect();
        let operation = |s: S, a, b| {
            let [one, _] = s.exp_neg([a, b]);
            one
        };
        let found = s.run(Apply { a: &a, b: &a, operation });
        for (&x, found) in a.iter().zip(found) {
            let expected = (-f64::from(x)).exp();
            let relative = (f64::from(found) - expected).abs() / expected;
            // The argument is scaled by log₂ e and rounded: 20 · 6e-8; the polynomial adds 9e-8.
            assert!(relative < 1.5e-6, "{isa}: e^-{x} = {found}, off by {relative:e}");
            let tanh = (1.0 - f64::from(found)) / (1.0 + f64::from(found));
            assert!((tanh - (f64::from(x) / 2.0).tanh()).abs() < 1.3e-7, "{isa}: tanh {x}/2");
        }
        let mut edges = vec![f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::NAN];
        edges.resize(16, 0.0);
        let found = s.run(Apply { a: &edges, b: &edges, operation });
        for k in [0, 2] {
            assert!((0.0..1e-11).contains(&found[k]), "{isa}: {found:?}");
        }
        for k in [1, 3] {
            let cube = (1.0 + found[k]).powi(3);
            assert!(cube.is_finite() && cube > 1e33, "{isa}: {found:?}");
        }
        assert!(found[4].is_nan() && found[5] == 1.0, "{isa}: {found:?}");
    }
}

#[test]
fn exponentials_are_good_to_single_precision_and_stay_finite() {
    on_every_set(&Exponential);
}

struct Tile {
    k: usize,
}

/// The register tile of a set, or its scalar twin.
struct RunTile<'a> {
    a: Strided<'a, f32>,
    b: Panel<'a, f32>,
    k: usize,
}

impl<S: Lanes<E = f32>> Work<S> for RunTile<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn call(self, s: S) -> Vec<f32> {
        let mut acc = [[s.splat(0.5); 2]; 3];
        s.tile::<3, 2>(self.k, self.a, self.b, &mut acc);
        let mut out = vec![0.0; 6 * S::N];
        for (m, row) in acc.iter().enumerate() {
            for (v, &sum) in row.iter().enumerate() {
                s.store(sum, &mut out, (m * 2 + v) * S::N);
            }
        }
        out
    }
}

impl Check for Tile {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        let (row, step, b_row) = (5, 17, 2 * S::N + 3);
        // Exactly as long as the last element that is read: one more would be out of bounds.
        let n_a = if self.k == 0 { 0 } else { 2 * row + (self.k - 1) * step + 1 };
        let n_b = if self.k == 0 { 0 } else { (self.k - 1) * b_row + 2 * S::N };
        let a: Vec<f32> = (0..n_a).map(|k| draw(3, k)).collect();
        let b: Vec<f32> = (0..n_b).map(|k| draw(4, k)).collect();
        let found = s.run(RunTile {
            a: Strided { values: &a, row, step },
            b: Panel { values: &b, row: b_row },
            k: self.k,
        });
        for m in 0..3 {
            for column in 0..2 * S::N {
                let mut expected = 0.5_f64;
                for k in 0..self.k {
                    let (x, y) = (a[m * row + k * step], b[k * b_row + column]);
                    expected += f64::from(x) * f64::from(y);
                }
                let found = f64::from(found[m * 2 * S::N + column]);
                // At most 40 products below 9, rounded one by one.
                assert!(
                    (found - expected).abs() < 5e-5,
                    "{isa}: {m}, {column}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn the_register_tile_agrees_with_a_loop_over_numbers() {
    for k in [0, 1, 2, 40] {
        on_every_set(&Tile { k });
    }
}

struct ShortOperand;

impl Check for ShortOperand {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        let (a, b) = (vec![1.0; 2 * 5 + 3], vec![1.0; 3 * 40 + 2 * S::N - 1]);
        for (n_a, n_b) in [(a.len() - 1, b.len() + 1), (a.len(), b.len())] {
            let b: Vec<f32> = vec![1.0; n_b];
            let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                s.run(RunTile {
                    a: Strided { values: &a[..n_a], row: 5, step: 1 },
                    b: Panel { values: &b, row: 40 },
                    k: 4,
                })
            }));
            assert!(attempt.is_err(), "{isa}: {n_a} {n_b}");
        }
    }
}

#[test]
fn an_operand_that_ends_early_stops_the_program_and_is_not_read() {
    on_every_set(&ShortOperand);
}

struct Turned;

struct Transpose<'a>(&'a [f32]);

impl<S: Lanes<E = f32>> Work<S> for Transpose<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn call(self, s: S) -> Vec<f32> {
        let mut square = [s.splat(0.0); MOST_LANES];
        for (k, row) in square[..S::N].iter_mut().enumerate() {
            *row = s.load(self.0, k * S::N);
        }
        s.transpose(&mut square);
        let mut out = vec![0.0; S::N * S::N];
        for (k, &row) in square[..S::N].iter().enumerate() {
            s.store(row, &mut out, k * S::N);
        }
        out
    }
}

impl Check for Turned {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        let square: Vec<f32> = (0..S::N * S::N).map(|k| k as f32).collect();
        let turned = s.run(Transpose(&square));
        for i in 0..S::N {
            for j in 0..S::N {
                assert_eq!(turned[j * S::N + i], square[i * S::N + j], "{isa}: {i}, {j}");
            }
        }
    }
}

#[test]
fn a_square_is_turned_about_its_diagonal() {
    on_every_set(&Turned);
}

struct Masked;

struct DropoutRow(random::UnitMask, usize);

impl<S: Lanes<E = f32>> Work<S> for DropoutRow {
    type Output = Vec<f32>;

    #[inline(always)]
    fn call(self, s: S) -> Vec<f32> {
        let mut out = vec![0.0; self.1];
        for unit in (0..self.1).step_by(S::N) {
            s.store(s.dropout(self.0, unit, 1.25), &mut out, unit);
        }
        out
    }
}

impl Check for Masked {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        for rate in [0.0, 0.2, 0.999] {
            for row in 0..40 {
                let mask = Dropout { seed: 8, step: 2 }.layer(rate, 1).units(row, 3);
                for (unit, factor) in s.run(DropoutRow(mask, 64)).into_iter().enumerate() {
                    let expected = if mask.keeps(unit) { 1.25 } else { 0.0 };
                    assert_eq!(factor, expected, "{isa}: rate {rate}, row {row}, unit {unit}");
                }
            }
        }
    }
}

#[test]
fn a_dropout_vector_keeps_what_the_mask_keeps() {
    on_every_set(&Masked);
}

struct Summed;

struct Sum<'a>(&'a [f32]);

impl<S: Lanes<E = f32>> Work<S> for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self, s: S) -> f32 {
        s.sum(s.load(self.0, 0))
    }
}

impl Check for Summed {
    fn check<S: Lanes<E = f32>>(&self, s: S, isa: Isa) {
        // Powers of two: every order of adding is exact, and every lane leaves its mark.
        let lanes: Vec<f32> = (0..S::N).map(|k| (1_u32 << k) as f32).collect();
        assert_eq!(s.run(Sum(&lanes)), ((1_u32 << S::N) - 1) as f32, "{isa}");
    }
}

#[test]
fn a_sum_takes_every_lane_once() {
    on_every_set(&Summed);
}
