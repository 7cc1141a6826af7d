//! Statistics of one frame of rows: one frame in, one number out, the same bits every time. The
//! windows of the SQL functions `rolling_mean`, `rolling_std`, `rolling_median` and `ewma`.
//!
//! Shapes: frame `[n]`, oldest value first -> `[]`. Units: those of the values.

use crate::statistics::to_real;

/// Partial sums kept side by side, so that the processor adds them in parallel; the order of
/// additions depends on the frame's length only.
const LANES: usize = 4;

/// Sum of `term(value)` in a fixed order: lane by lane, then the rest.
fn sum(frame: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = frame.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += term(value);
        }
    }
    let tail = rest.iter().fold(0.0, |total, &value| total + term(value));
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail
}

/// Arithmetic mean.
pub fn mean(frame: &[f64]) -> f64 {
    sum(frame, |value| value) / to_real(frame.len())
}

/// Sample standard deviation (ddof 1), two passes; 0 for a constant frame, exactly.
pub fn standard_deviation(frame: &[f64]) -> f64 {
    if frame.windows(2).all(|pair| pair[0] == pair[1]) {
        // The mean of equal values may round, and would leave a residue of 1e-17 for a zero.
        return 0.0;
    }
    let centre = mean(frame);
    let squares = sum(frame, |value| (value - centre) * (value - centre));
    (squares / to_real(frame.len() - 1)).sqrt()
}

/// Median; of an even number of values the midpoint of the middle two. Reorders `scratch`.
pub fn median(frame: &[f64], scratch: &mut Vec<f64>) -> f64 {
    scratch.clear();
    scratch.extend_from_slice(frame);
    let middle = scratch.len() / 2;
    let (lower, &mut upper, _) = scratch.select_nth_unstable_by(middle, f64::total_cmp);
    if frame.len() % 2 == 1 {
        return upper;
    }
    lower.iter().copied().max_by(f64::total_cmp).map_or(upper, |below| f64::midpoint(below, upper))
}

/// Exponentially weighted mean: weight `(1-λ)λ^k` for the value `k` rows back, over this frame
/// only, divided by the weights' sum.
pub fn ewma(frame: &[f64], lambda: f64) -> f64 {
    // Horner's rule from the oldest value on; the factor (1-λ) cancels against the weights' sum.
    let (weighted, weights) = frame.iter().fold((0.0, 0.0), |(weighted, weights), &value| {
        (weighted * lambda + value, weights * lambda + 1.0)
    });
    weighted / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_one_to_five_are_worked_by_hand() {
        let frame = [5.0, 1.0, 4.0, 2.0, 3.0];
        let mut scratch = Vec::new();
        assert_eq!(mean(&frame), 3.0);
        assert_eq!(median(&frame, &mut scratch), 3.0);
        assert_eq!(median(&frame[..4], &mut scratch), 3.0); // 1 2 4 5: (2 + 4) / 2
        // Squares of the deviations 2, -2, 1, -1, 0 sum to 10; 10 / 4 = 2.5.
        assert_eq!(standard_deviation(&frame), 2.5_f64.sqrt());
        // Weights 1/4, 1/2, 1 (oldest first), sum 7/4: (5/4 + 1/2 + 4) / (7/4) = 23/7.
        assert_eq!(ewma(&frame[..3], 0.5), 23.0 / 7.0);
    }

    #[test]
    fn a_constant_frame_has_no_deviation_at_all() {
        assert_eq!(standard_deviation(&[0.1; 7]), 0.0);
        assert_eq!(median(&[0.1], &mut Vec::new()), 0.1);
    }

    #[test]
    fn figures_agree_with_numpy() {
        // numpy 2: x = sin(arange(63) * 0.7) * exp(arange(63) / 40)
        let frame: Vec<f64> =
            (0..63).map(|i| (f64::from(i) * 0.7).sin() * (f64::from(i) / 40.0).exp()).collect();
        const MEAN: f64 = -0.08647648447624276;
        const STD: f64 = 1.8872909390201074;
        const MEDIAN: f64 = 0.09903182158960998;
        const EWMA: f64 = -0.4313223303328954;
        // Sums in another order than NumPy's pairwise one: a few units in the last place.
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() <= 4e-15 * expected.abs(), "{found} {expected}");
        };
        close(mean(&frame), MEAN);
        close(standard_deviation(&frame), STD);
        close(median(&frame, &mut Vec::new()), MEDIAN);
        close(ewma(&frame, 0.94), EWMA);
    }
}
