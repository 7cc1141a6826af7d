//! What the training loop asks of a gradient: that it is finite, and no longer than wanted.

/// Exponent bits: all set in an infinity or a NaN.
const EXPONENT: u32 = 0x7F80_0000;

/// Partial sums of [`norm`]. One sum waits four cycles for each addition; sixteen keep the vector units busy.
const LANES: usize = 16;

/// Whether every element is finite. Bits only, so that the compiler makes vectors of it: a sequential sum
/// costs a twentieth of a batch.
pub(crate) fn is_finite(gradient: &[f32]) -> bool {
    let broken = |g: &f32| u32::from(g.to_bits() & EXPONENT == EXPONENT);
    gradient.iter().fold(0, |found, g| found | broken(g)) == 0
}

/// Euclidean length.
pub(crate) fn norm(gradient: &[f32]) -> f64 {
    let square = |g: f32| f64::from(g) * f64::from(g);
    let chunks = gradient.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|&g| square(g)).sum();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &g)| *sum += square(g));
    }
    (sums.iter().sum::<f64>() + rest).sqrt()
}

/// Multiplies `gradient`: from that of a mean to that of a sum.
pub(crate) fn scale(gradient: &mut [f32], factor: f64) {
    let factor = factor as f32;
    gradient.iter_mut().for_each(|g| *g *= factor);
}

/// Scales `gradient` down to a length of `longest`.
pub(crate) fn clip(gradient: &mut [f32], longest: f64) {
    let norm = norm(gradient);
    if norm > longest {
        let factor = (longest / norm) as f32;
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_keeps_the_direction() {
        let mut gradient = [3.0, -4.0];
        clip(&mut gradient, 10.0);
        assert_eq!(gradient, [3.0, -4.0]);
        clip(&mut gradient, 2.5);
        assert_eq!(gradient, [1.5, -2.0]);
    }

    #[test]
    fn every_element_counts_wherever_it_lies() {
        for n in [1, 15, 16, 17, 40] {
            // 2 · √n, a whole number of lanes or not.
            assert!((norm(&vec![-2.0; n]) - 2.0 * (n as f64).sqrt()).abs() < 1e-12, "{n}");
            for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for place in 0..n {
                    let mut gradient = vec![f32::MAX; n];
                    assert!(is_finite(&gradient));
                    gradient[place] = broken;
                    assert!(
                        !is_finite(&gradient) && !norm(&gradient).is_finite(),
                        "{place} of {n}"
                    );
                }
            }
        }
    }
}
