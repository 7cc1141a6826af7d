//! Some of many: evenly spaced indices.

/// At most `most` indices of `0..n`, ascending, evenly spaced from the first to the last.
pub(crate) fn evenly(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    let steps = most.saturating_sub(1).max(1);
    (0..most).map(|k| k * (n - 1) / steps).collect()
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
}
