//! The dominant period of a series: the window of the volume under the surface.
//!
//! The lag of the highest local maximum of the autocorrelation among the lags 4 … 399, found in the first
//! 20,000 rows; 125 where there is none, or where it lies below lag 6 or above 303.
//!
//! Shapes: values `[time]` -> rows. Source: `find_length_rank` of TSB-AD 1.5 (Liu and Paparrizos 2024),
//! rank 1, with `acf(nlags = 400)` of statsmodels. We differ: sums are taken directly and not through a
//! Fourier transform, so that lags whose correlations differ by rounding only may rank otherwise.

use crate::statistics::to_real;

/// The window where a series has no period.
pub const LENGTH_WITHOUT_PERIOD: usize = 125;

/// Rows that are looked at.
const ROWS_MAX: usize = 20_000;

/// The largest lag whose correlation is computed.
const LAG_MAX: usize = 400;

/// The shortest lag: those before it are near everything.
const LAG_BASE: usize = 3;

/// Lags that count as a period; another highest maximum means that there is none.
const PERIODS: std::ops::RangeInclusive<usize> = 6..=303;

/// The dominant period of `values` in rows, 6 … 303.
///
/// # Shapes
/// values `[time]`. A value that is not finite, a constant or a short series has no period: 125.
pub fn length_rank(values: &[f64]) -> usize {
    let values = &values[..values.len().min(ROWS_MAX)];
    let correlations = autocorrelations(values);
    let mut highest: Option<(usize, f64)> = None;
    for lag in LAG_BASE + 1..correlations.len().saturating_sub(1) {
        let here = correlations[lag];
        let is_peak = here > correlations[lag - 1] && here > correlations[lag + 1];
        if is_peak && highest.is_none_or(|(_, height)| here >= height) {
            highest = Some((lag, here));
        }
    }
    match highest {
        Some((lag, _)) if PERIODS.contains(&lag) => lag,
        _ => LENGTH_WITHOUT_PERIOD,
    }
}

/// Autocorrelation at the lags 0 … 400, biased: each sum is divided by that of lag 0. NaN of a constant.
fn autocorrelations(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / to_real(values.len());
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let sum = |lag: usize| -> f64 { centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum() };
    let whole = if values.is_empty() { f64::NAN } else { sum(0) };
    (0..values.len().min(LAG_MAX + 1)).map(|lag| sum(lag) / whole).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        values: Vec<f64>,
        window: usize,
    }

    #[test]
    fn windows_agree_with_tsb_ad() {
        let golden = include_str!("../../../tests/golden/evaluate/length_rank.json");
        for case in serde_json::from_str::<Vec<Case>>(golden).unwrap() {
            assert_eq!(length_rank(&case.values), case.window, "{}", case.name);
        }
    }

    #[test]
    fn the_period_of_a_repeated_pattern_is_its_length() {
        // 0 0 0 0 0 0 0 1, repeated: the only maxima are at the multiples of 8, and of n biased terms
        // fewer remain at larger lags, so that 8 is the highest.
        let values: Vec<f64> = (0..200).map(|k| f64::from(u8::from(k % 8 == 7))).collect();
        assert_eq!(length_rank(&values), 8);
        // 1 at every fourth row: the highest maximum is lag 4, which is no period.
        let values: Vec<f64> = (0..200).map(|k| f64::from(u8::from(k % 4 == 3))).collect();
        assert_eq!(length_rank(&values), LENGTH_WITHOUT_PERIOD);
    }

    #[test]
    fn only_the_first_20_000_rows_count() {
        let mut values: Vec<f64> = (0..20_000).map(|k| f64::from(k % 30)).collect();
        assert_eq!(length_rank(&values), 30);
        values.extend((0..40_000).map(|k| 1e6 * f64::from(k % 50)));
        assert_eq!(length_rank(&values), 30);
    }

    #[test]
    fn degenerate_series_have_no_period() {
        let constant = [0.1; 500];
        let mut holed: Vec<f64> = (0..300).map(|k| f64::from(k % 20)).collect();
        holed[7] = f64::NAN;
        for values in [&[][..], &[1.0], &[1.0, 2.0], &[f64::INFINITY; 50], &constant, &holed] {
            assert_eq!(length_rank(values), LENGTH_WITHOUT_PERIOD);
        }
    }

    proptest! {
        #[test]
        fn the_unit_does_not_change_the_period(
            steps in prop::collection::vec(-9_i32..9, 0..300),
        ) {
            let values: Vec<f64> = steps.iter().map(|step| f64::from(*step)).collect();
            let window = length_rank(&values);
            prop_assert!(window == LENGTH_WITHOUT_PERIOD || PERIODS.contains(&window));
            // A power of two changes no rounding.
            let scaled: Vec<f64> = values.iter().map(|value| value * 1024.0).collect();
            prop_assert_eq!(length_rank(&scaled), window);
        }
    }
}
