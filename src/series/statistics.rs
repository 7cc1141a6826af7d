//! Small statistics shared by several files, in `f64` and in a fixed order.

/// 1/Φ⁻¹(3/4): makes the median absolute deviation estimate the σ of a normal sample.
pub(crate) const SIGMA_PER_MAD: f64 = 1.482_602_218_505_602;

/// √(π/2): makes the mean absolute deviation estimate the σ of a normal sample.
pub(crate) const SIGMA_PER_MEAN_DEVIATION: f64 = 1.253_314_137_315_500_3;

/// The one cast from statistics to network input. NaN stays NaN; beyond `f32` becomes infinite.
#[expect(clippy::cast_possible_truncation, reason = "this is the rounding to network precision")]
pub(crate) fn to_single(value: f64) -> f32 {
    value as f32
}

/// The one cast from a count to a real number; exact below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(crate) fn to_real(count: usize) -> f64 {
    count as f64
}

/// Ascending in place. NaN sorts last (or first, if negative): keep it out.
pub(crate) fn sort(values: &mut [f64]) {
    values.sort_unstable_by(f64::total_cmp);
}

/// Middle of ascending values, the mean of the two middle ones where their number is even.
pub(crate) fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted {
        [] => None,
        _ if sorted.len() % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// Median of finite values, which are reordered: that of [`median_of_sorted`], bit for bit.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let is_odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if !is_odd => Some(f64::midpoint(lower, upper)),
        _ => Some(upper),
    }
}

/// Root of the mean square; of one value its magnitude. NaN if a value is NaN or there is none.
pub(crate) fn root_mean_square(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value * value, n + 1));
    (sum / to_real(n)).sqrt()
}

/// `Some` where the value can be written to a table.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_middle_values() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values_for_every_number_of_them() {
        for n in 0..80_u32 {
            // Values repeat, and 0 comes with both signs.
            let values: Vec<f64> =
                (0..n).map(|k| f64::from(k * k % 17) * [1.0, -1.0][k as usize % 2]).collect();
            let mut sorted = values.clone();
            sort(&mut sorted);
            let expected = median_of_sorted(&sorted).map(f64::to_bits);
            assert_eq!(median(&mut values.clone()).map(f64::to_bits), expected, "{n}");
        }
    }

    #[test]
    fn the_root_mean_square_of_one_value_is_its_magnitude() {
        assert_eq!(root_mean_square([-0.1].into_iter()), 0.1);
        // √((9 + 16)/2) = √12.5
        assert_eq!(root_mean_square([3.0, -4.0].into_iter()), 12.5_f64.sqrt());
        assert!(root_mean_square([].into_iter()).is_nan());
    }

    #[test]
    fn the_sigma_constants_are_those_of_the_normal_distribution() {
        // scipy.stats.norm.ppf(0.75) = 0.6744897501960817
        assert!((SIGMA_PER_MAD * 0.674_489_750_196_081_7 - 1.0).abs() < 1e-15);
        let found = SIGMA_PER_MEAN_DEVIATION * SIGMA_PER_MEAN_DEVIATION;
        assert!((found - std::f64::consts::FRAC_PI_2).abs() < 1e-15);
    }
}
