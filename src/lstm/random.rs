//! Counter-based random numbers: every draw is a hash of what it is for.
//!
//! There is no generator state, so draws can be made in any order by any number of threads and a shard
//! of a batch sees the numbers that it would have seen in the whole batch.
//!
//! Source: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, "Fast Splittable
//! Pseudorandom Number Generators", variant 13 of Stafford's mixers), chained once a word.

use std::f64::consts::TAU;

/// 2⁶⁴ divided by the golden ratio, made odd: the increment of SplitMix64.
const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a sequence of draws is for; two purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// Initial weights.
    Weights = 1,
    /// The order of windows in an epoch.
    Shuffle = 2,
    /// Dropout masks.
    Dropout = 3,
    /// Anything in a test or a benchmark.
    Sample = 4,
    /// Which windows a batch holds.
    Batch = 5,
}

/// Hash of a seed, a purpose and the words that tell one draw from another.
pub fn hash(seed: u64, stream: Stream, words: &[u64]) -> u64 {
    words.iter().fold(mix(seed, stream as u64), |state, &word| mix(state, word))
}

/// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
pub fn uniform(seed: u64, stream: Stream, words: &[u64]) -> f64 {
    unit_interval(hash(seed, stream, words))
}

/// Uniform in `[low, high)`.
pub fn uniform_in(low: f64, high: f64, seed: u64, stream: Stream, words: &[u64]) -> f64 {
    low + (high - low) * uniform(seed, stream, words)
}

/// Standard normal (Box and Muller 1958, the cosine branch).
pub fn normal(seed: u64, stream: Stream, words: &[u64]) -> f64 {
    let first = hash(seed, stream, words);
    // 1 - u lies in (0, 1], so that its logarithm is finite.
    let radius = (-2.0 * (1.0 - unit_interval(first)).ln()).sqrt();
    radius * (TAU * unit_interval(mix(first, 1))).cos()
}

/// A permutation of `0..n` (Fisher and Yates), another one for each epoch.
pub fn shuffle(seed: u64, epoch: u64, n: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        let draw = hash(seed, Stream::Shuffle, &[epoch, i as u64]);
        order.swap(i, below(draw, i + 1));
    }
    order
}

/// `count` draws from `0..n` with replacement, others at each step; none where `n` is 0.
pub fn batch(seed: u64, step: u64, count: usize, n: usize) -> Vec<u32> {
    let draws = 0..if n == 0 { 0 } else { count as u64 };
    draws.map(|k| below(hash(seed, Stream::Batch, &[step, k]), n) as u32).collect()
}

/// Uniform in `0..n`: the high half of a 128-bit product, without a division.
fn below(draw: u64, n: usize) -> usize {
    ((u128::from(draw) * n as u128) >> 64) as usize
}

/// Which values dropout keeps at one training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropout {
    /// Seed of the training.
    pub seed: u64,
    /// Batches since the training began.
    pub step: u64,
}

impl Dropout {
    /// The mask of layer `layer_idx`, which drops a share `rate`.
    pub fn layer(self, rate: f64, layer_idx: usize) -> LayerMask {
        let state = hash(self.seed, Stream::Dropout, &[self.step, layer_idx as u64]);
        // `rate < 1`, so the product stays below 2³².
        LayerMask { state, dropped_below: (rate * 2.0_f64.powi(32)) as u32 }
    }

    /// Whether unit `unit` of row `row` of the batch is kept at time `time` by layer `layer_idx`.
    pub fn keeps(self, rate: f64, layer_idx: usize, row: usize, time: usize, unit: usize) -> bool {
        self.layer(rate, layer_idx).units(row, time).keeps(unit)
    }
}

/// Dropout mask of one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerMask {
    state: u64,
    dropped_below: u32,
}

impl LayerMask {
    /// The mask of the units of row `row` of the batch at time `time`.
    pub fn units(self, row: usize, time: usize) -> UnitMask {
        let state = mix(mix(self.state, row as u64), time as u64);
        UnitMask { state, dropped_below: self.dropped_below }
    }
}

/// Dropout mask of the units of one row at one time.
///
/// A unit is told from the others by a 32-bit hash, so that vector units compute many at once: an odd multiple
/// of its number, then the two multiplications and three shifts of `lowbias32` (Wellons 2018, "Prospecting
/// for Hash Functions"), with half of the state mixed in before each.
#[derive(Clone, Copy, Debug)]
pub struct UnitMask {
    state: u64,
    dropped_below: u32,
}

impl UnitMask {
    /// 2³² divided by the golden ratio, made odd.
    pub(crate) const UNIT_FACTOR: u32 = 0x9E37_79B9;
    /// The multipliers of `lowbias32`.
    pub(crate) const FACTORS: [u32; 2] = [0x7FEB_352D, 0x846C_A68B];

    /// Whether the unit is kept.
    #[inline]
    pub fn keeps(self, unit: usize) -> bool {
        let x = (unit as u32).wrapping_mul(Self::UNIT_FACTOR) ^ self.low();
        let x = (x ^ (x >> 16)).wrapping_mul(Self::FACTORS[0]) ^ self.high();
        let x = (x ^ (x >> 15)).wrapping_mul(Self::FACTORS[1]);
        x ^ (x >> 16) >= self.dropped_below
    }

    /// Low half of the state.
    #[inline]
    pub(crate) fn low(self) -> u32 {
        self.state as u32
    }

    /// High half of the state.
    #[inline]
    pub(crate) fn high(self) -> u32 {
        (self.state >> 32) as u32
    }

    /// Hashes below it are dropped.
    #[inline]
    pub(crate) fn dropped_below(self) -> u32 {
        self.dropped_below
    }
}

/// One link of the chain: a bijection of `word` for every `state`.
#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let z = (state ^ word).wrapping_add(GOLDEN_GAMMA);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The top 53 bits as a fraction.
fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * 2.0_f64.powi(-53)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // First output of SplitMix64 seeded with 0 (Vigna's reference implementation).
        assert_eq!(mix(0, 0), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn uniform_fills_the_unit_interval_evenly() {
        let n = 40_000_u64;
        let draws: Vec<f64> = (0..n).map(|i| uniform(7, Stream::Sample, &[i])).collect();
        assert!(draws.iter().all(|&u| (0.0..1.0).contains(&u)));
        let mean = draws.iter().sum::<f64>() / n as f64;
        // Standard error of the mean is 1/√(12 n) = 0.00144; four of them.
        assert!((mean - 0.5).abs() < 0.0058, "mean {mean}");
        let lowest_tenth = draws.iter().filter(|&&u| u < 0.1).count() as f64 / n as f64;
        // √(0.1 · 0.9 / n) = 0.0015; four of them.
        assert!((lowest_tenth - 0.1).abs() < 0.006, "{lowest_tenth}");
    }

    #[test]
    fn normal_has_mean_zero_and_variance_one() {
        let n = 40_000_u64;
        let draws: Vec<f64> = (0..n).map(|i| normal(7, Stream::Sample, &[i])).collect();
        let mean = draws.iter().sum::<f64>() / n as f64;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / n as f64;
        // Standard errors 1/√n = 0.005 and √(2/n) = 0.007; four of each.
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.028, "{mean} {variance}");
    }

    #[test]
    fn shuffle_permutes_and_each_epoch_anew() {
        let (first, second) = (shuffle(1, 1, 100), shuffle(1, 2, 100));
        assert_ne!(first, second);
        assert_eq!(first, shuffle(1, 1, 100));
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<u32>>());
        assert_eq!((shuffle(1, 1, 0), shuffle(1, 1, 1)), (vec![], vec![0]));
    }

    #[test]
    fn a_batch_draws_evenly_and_each_step_anew() {
        assert_ne!(batch(1, 0, 32, 1000), batch(1, 1, 32, 1000));
        assert_eq!(batch(1, 0, 32, 1000)[..8], batch(1, 0, 8, 1000)[..]);
        let mut counts = [0_u32; 10];
        (0..1000).flat_map(|step| batch(3, step, 10, 10)).for_each(|k| counts[k as usize] += 1);
        // 10,000 draws at a tenth: √(10000 · .1 · .9) = 30; four of them.
        assert!(counts.iter().all(|&n| n.abs_diff(1000) < 120), "{counts:?}");
        assert!(batch(1, 0, 4, 0).is_empty());
    }

    #[test]
    fn dropout_drops_its_share_and_differs_in_every_coordinate() {
        let dropout = Dropout { seed: 3, step: 5 };
        let mask = |d: Dropout, layer, row, time| -> Vec<bool> {
            (0..64).map(|unit| d.keeps(0.2, layer, row, time, unit)).collect()
        };
        let base = mask(dropout, 1, 0, 0);
        assert_ne!(base, mask(Dropout { step: 6, ..dropout }, 1, 0, 0));
        assert_ne!(base, mask(dropout, 2, 0, 0));
        assert_ne!(base, mask(dropout, 1, 1, 0));
        assert_ne!(base, mask(dropout, 1, 0, 1));
        let dropped =
            (0..100).flat_map(|row| mask(dropout, 1, row, 0)).filter(|&kept| !kept).count();
        // 6,400 draws at 0.2: √(0.2 · 0.8 / 6400) = 0.005; four of them.
        assert!((dropped as f64 / 6400.0 - 0.2).abs() < 0.02, "{dropped}");
        assert!((0..100).all(|unit| dropout.keeps(0.0, 1, 0, 0, unit)));
    }
}
