//! The discrete Fourier transform of a series of any length, in O(n log n).
//!
//! Bluestein's transform: of a length that is no power of two it is a convolution, computed by transforms whose
//! length is one. Written here, since the crates for it would have others of this workspace rebuilt with
//! other features; one transform a series asks for nothing faster.
//!
//! Shapes: `[time]` complex → `[frequency]` complex, unscaled: forward, then inverse gives n times the input.
//! Source: Bluestein 1970, "A linear filtering approach to the computation of discrete Fourier transform".

use std::f64::consts::TAU;

use crate::statistics::to_real;

/// Real and imaginary part.
pub(super) type Complex = [f64; 2];

/// `Σ x[t] · e^(∓2πi·t·k / n)`, minus for the forward transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To frequencies.
    Forward,
    /// Back, without dividing by n.
    Inverse,
}

/// The transform of `values`.
pub(super) fn transform(values: &[Complex], direction: Direction) -> Vec<Complex> {
    let n = values.len();
    if n.is_power_of_two() || n == 0 {
        let mut values = values.to_vec();
        by_halves(&mut values, direction);
        return values;
    }
    // t·k = (t² + k² − (k − t)²) / 2: a product before, a convolution, a product after.
    let chirp: Vec<Complex> = (0..n).map(|t| unit(t * t % (2 * n), 2 * n, direction)).collect();
    let length = (2 * n - 1).next_power_of_two();
    let (mut left, mut right) = (vec![[0.0; 2]; length], vec![[0.0; 2]; length]);
    for t in 0..n {
        left[t] = product(values[t], chirp[t]);
        right[t] = conjugate(chirp[t]);
        right[(length - t) % length] = right[t];
    }
    by_halves(&mut left, Direction::Forward);
    by_halves(&mut right, Direction::Forward);
    let mut both: Vec<Complex> = left.iter().zip(&right).map(|(a, b)| product(*a, *b)).collect();
    by_halves(&mut both, Direction::Inverse);
    let scaled = both.iter().zip(&chirp).map(|(value, chirp)| product(*value, *chirp));
    scaled.map(|[re, im]| [re / to_real(length), im / to_real(length)]).collect()
}

/// In place, of a length that is a power of two (Cooley and Tukey 1965).
fn by_halves(values: &mut [Complex], direction: Direction) {
    let n = values.len();
    if n < 2 {
        return;
    }
    let shift = usize::BITS - n.trailing_zeros();
    for k in 0..n {
        let mirrored = k.reverse_bits() >> shift;
        if k < mirrored {
            values.swap(k, mirrored);
        }
    }
    let units: Vec<Complex> = (0..n / 2).map(|k| unit(k, n, direction)).collect();
    let mut half = 1;
    while half < n {
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            let units = units.iter().step_by(n / (2 * half));
            for ((low, high), unit) in low.iter_mut().zip(high).zip(units) {
                let turned = product(*high, *unit);
                *high = [low[0] - turned[0], low[1] - turned[1]];
                *low = [low[0] + turned[0], low[1] + turned[1]];
            }
        }
        half *= 2;
    }
}

/// `e^(∓2πi·k / n)`.
fn unit(k: usize, n: usize, direction: Direction) -> Complex {
    let (sin, cos) = (TAU * to_real(k) / to_real(n)).sin_cos();
    if direction == Direction::Forward { [cos, -sin] } else { [cos, sin] }
}

fn product([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a * c - b * d, a * d + b * c]
}

fn conjugate([re, im]: Complex) -> Complex {
    [re, -im]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: &[Complex], expected: &[Complex], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let gap = (found[0] - expected[0]).hypot(found[1] - expected[1]);
            assert!(gap <= tolerance, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn transforms_of_three_and_four_values_by_hand() {
        // 1 2 4: sum 7; 1 + 2w + 4w² with w = −1/2 − i√3/2: −2 + i√3, and its conjugate.
        let root = 3.0_f64.sqrt();
        let found = transform(&[[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]], Direction::Forward);
        close(&found, &[[7.0, 0.0], [-2.0, root], [-2.0, -root]], 1e-14);
        // 1 2 3 4: 10, −2 + 2i, −2, −2 − 2i.
        let found = transform(&[1.0, 2.0, 3.0, 4.0].map(|x| [x, 0.0]), Direction::Forward);
        close(&found, &[[10.0, 0.0], [-2.0, 2.0], [-2.0, 0.0], [-2.0, -2.0]], 1e-14);
        assert!(transform(&[], Direction::Forward).is_empty());
    }

    #[test]
    fn the_transform_is_the_sum_it_stands_for_at_every_length() {
        for n in 1..70_usize {
            let values: Vec<Complex> =
                (0..n).map(|k| [to_real(k * k).sin(), to_real(k * 7).cos()]).collect();
            let sum = |k: usize| {
                (0..n).fold([0.0; 2], |[re, im], t| {
                    let term = product(values[t], unit(t * k % n, n, Direction::Forward));
                    [re + term[0], im + term[1]]
                })
            };
            let expected: Vec<Complex> = (0..n).map(sum).collect();
            // 70 numbers near 1, three transforms.
            close(&transform(&values, Direction::Forward), &expected, 1e-12);
        }
    }

    proptest! {
        #[test]
        fn forward_and_back_is_n_times_the_input(
            values in prop::collection::vec((-9.0_f64..9.0, -9.0_f64..9.0), 1..300),
        ) {
            let values: Vec<Complex> = values.into_iter().map(|(re, im)| [re, im]).collect();
            let back = transform(&transform(&values, Direction::Forward), Direction::Inverse);
            let n = to_real(values.len());
            let back: Vec<Complex> = back.iter().map(|[re, im]| [re / n, im / n]).collect();
            close(&back, &values, 1e-11);
        }
    }
}
