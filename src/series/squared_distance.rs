//! Squared Euclidean distance, given up once it is no nearest one.
//!
//! Shapes: any number of pairs of slices of one length each → one number. Terms are added in a fixed order of
//! four lanes, part by part, so that a distance that is not given up has the same bits whatever `best` was.

/// Values after which the sum is held against the best one.
const PART: usize = 32;

/// Sums that run beside each other.
const LANES: usize = 4;

/// Of all pairs together; any number from `best` on where it is not less than `best`.
pub(crate) fn squared_distance<'a>(
    pairs: impl IntoIterator<Item = (&'a [f64], &'a [f64])>,
    best: f64,
) -> f64 {
    let mut sum = 0.0;
    for (a, b) in pairs {
        for (a, b) in a.chunks(PART).zip(b.chunks(PART)) {
            sum += of_part(a, b);
            if sum >= best {
                return sum;
            }
        }
    }
    sum
}

fn of_part(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a.remainder().iter().zip(b.remainder());
    let tail: f64 = rest.map(|(a, b)| (a - b) * (a - b)).sum();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.zip(b) {
        for k in 0..LANES {
            lanes[k] += (a[k] - b[k]) * (a[k] - b[k]);
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn squares_of_all_pairs_are_added() {
        // 1² + 2² + 3² + 4² + 5², then 6².
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0], [0.0; 5]);
        assert_eq!(squared_distance([(&a[..], &b[..])], f64::INFINITY), 55.0);
        let pairs = [(&a[..], &b[..]), (&[7.0][..], &[1.0][..])];
        assert_eq!(squared_distance(pairs, f64::INFINITY), 91.0);
        assert_eq!(squared_distance([], 1.0), 0.0);
    }

    proptest! {
        #[test]
        fn what_is_less_than_the_best_has_the_same_bits_and_what_is_not_is_told_so(
            values in prop::collection::vec((-9.0_f64..9.0, -9.0_f64..9.0), 0..200),
            share in 0.0_f64..2.0,
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
            let whole = squared_distance([(&a[..], &b[..])], f64::INFINITY);
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
            // 200 numbers below 324, in another order.
            prop_assert!((whole - plain).abs() < 1e-9);
            let found = squared_distance([(&a[..], &b[..])], whole * share);
            let is_right = if share > 1.0 { found == whole } else { found >= whole * share };
            prop_assert!(is_right, "{found} {whole} {share}");
        }
    }
}
