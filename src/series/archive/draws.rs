//! Draws for detectors that choose at random and for made-up prices: each is a hash of a seed and of what it is
//! for.
//!
//! There is no generator state: the same seed and words give the same number in any order. As the draws of
//! the networks, which this crate does not know.
//!
//! Source: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, "Fast Splittable
//! Pseudorandom Number Generators"), chained once a word.

use std::f64::consts::TAU;

/// 2⁶⁴ divided by the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
pub(crate) fn uniform(seed: u64, words: &[usize]) -> f64 {
    unit_interval(hash(seed, words))
}

/// Standard normal (Box and Muller 1958, the cosine branch).
pub(crate) fn normal(seed: u64, words: &[usize]) -> f64 {
    let state = hash(seed, words);
    // 1 - u lies in (0, 1], so that its logarithm is finite.
    let radius = (-2.0 * (1.0 - unit_interval(state)).ln()).sqrt();
    radius * (TAU * unit_interval(mix(state, 1))).cos()
}

/// Uniform in `0..n`; 0 where `n` is 0.
pub(crate) fn below(n: usize, seed: u64, words: &[usize]) -> usize {
    // The high half of a 128-bit product: below n, so that it fits.
    let product = u128::from(hash(seed, words)) * (n as u128);
    #[expect(clippy::cast_possible_truncation, reason = "below n")]
    let high = (product >> 64) as usize;
    high
}

fn hash(seed: u64, words: &[usize]) -> u64 {
    words.iter().fold(mix(seed, 0), |state, &word| mix(state, word as u64))
}

fn unit_interval(bits: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
    let numerator = (bits >> 11) as f64;
    numerator * 2.0_f64.powi(-53)
}

fn mix(state: u64, word: u64) -> u64 {
    let z = (state ^ word).wrapping_add(GOLDEN_GAMMA);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::to_real;

    #[test]
    fn the_first_draw_is_that_of_splitmix64() {
        // Java's SplittableRandom(0).nextLong() and Vigna's splitmix64.c from state 0.
        assert_eq!(hash(0, &[]), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn draws_stay_in_their_range_and_fill_it() {
        let draws: Vec<f64> = (0..10_000).map(|k| uniform(7, &[k])).collect();
        assert!(draws.iter().all(|&draw| (0.0..1.0).contains(&draw)));
        // The mean of n uniform draws deviates by √(1/12n) = .003.
        let mean = draws.iter().sum::<f64>() / to_real(draws.len());
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let mut seen = [false; 7];
        (0..200).for_each(|k| seen[below(7, 3, &[k, 1])] = true);
        assert_eq!(seen, [true; 7]);
        assert_eq!(below(0, 3, &[]), 0);
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let draws: Vec<f64> = (0..10_000).map(|k| normal(7, &[k])).collect();
        let n = to_real(draws.len());
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|z| z * z).sum::<f64>() / n - mean * mean;
        // Of n draws the mean deviates by √(1/n) = .01, the variance by √(2/n) = .014.
        assert!(mean.abs() < 0.04 && (variance - 1.0).abs() < 0.06, "{mean} {variance}");
    }
}
