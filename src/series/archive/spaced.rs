//! Some of many: evenly spaced indices, and values between those that were computed.

use crate::statistics::to_real;

/// At most `most` indices of `0..n`, ascending, evenly spaced from the first to the last.
pub(crate) fn evenly(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    let steps = most.saturating_sub(1).max(1);
    (0..most).map(|k| k * (n - 1) / steps).collect()
}

/// Values at `0..n` from those at the ascending `places`, linear between them and constant beyond.
pub(super) fn interpolate(places: &[usize], values: &[f64], n: usize) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return Vec::new() };
    let at = |idx: usize| {
        let after = places.partition_point(|&place| place <= idx);
        match (after.checked_sub(1), places.get(after)) {
            (None, _) => first,
            (_, None) => last,
            (Some(before), Some(&right)) => {
                let left = places[before];
                let share = to_real(idx - left) / to_real(right - left);
                values[before] + share * (values[after] - values[before])
            }
        }
    };
    (0..n).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_many_reach_from_the_first_to_the_last() {
        assert_eq!(evenly(3, 5), [0, 1, 2]);
        assert_eq!(evenly(11, 3), [0, 5, 10]);
        assert_eq!(evenly(10, 4), [0, 3, 6, 9]);
        assert_eq!(evenly(10, 1), [0]);
        assert!(evenly(0, 4).is_empty());
    }

    #[test]
    fn values_between_are_linear_and_beyond_constant() {
        let found = interpolate(&[1, 3, 7], &[2.0, 6.0, 2.0], 9);
        assert_eq!(found, [2.0, 2.0, 4.0, 6.0, 5.0, 4.0, 3.0, 2.0, 2.0]);
        assert!(interpolate(&[], &[], 3).is_empty());
    }
}
