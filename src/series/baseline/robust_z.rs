//! Robust z: distance from the rolling median in robust standard deviations.
//!
//! Expected is the median of the present rows among the last `rows`, scale is 1.4826 × their median
//! absolute deviation from it.
//!
//! Shapes: past `[row]`, oldest first, NaN = missing → one expectation. Units: those of the values.
//! Source: Hampel 1974, "The influence curve and its role in robust estimation"; as a filter on past
//! rows only.

use serde::{Deserialize, Serialize};

use super::Expectation;
use crate::range::{Lookback, OutOfRange};
use crate::statistics::{SIGMA_PER_MAD, median};

/// `[detector.robust_z]`: `rows` 60, `min_rows` 20.
///
/// Invariant: `1 <= min_rows <= rows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct RobustZ(Lookback);

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    rows: usize,
    min_rows: usize,
}

impl Default for Settings {
    fn default() -> Self {
        RobustZ::default().into()
    }
}

impl Default for RobustZ {
    fn default() -> Self {
        Self(Lookback { rows: 60, min_rows: 20 })
    }
}

impl TryFrom<Settings> for RobustZ {
    type Error = OutOfRange;

    fn try_from(settings: Settings) -> Result<Self, OutOfRange> {
        Self::new(settings.rows, settings.min_rows)
    }
}

impl From<RobustZ> for Settings {
    fn from(RobustZ(Lookback { rows, min_rows }): RobustZ) -> Self {
        Self { rows, min_rows }
    }
}

impl RobustZ {
    /// Looks back on at most `rows` rows and says nothing below `min_rows` of them.
    ///
    /// # Errors
    /// Unless `1 <= min_rows <= rows`.
    pub fn new(rows: usize, min_rows: usize) -> Result<Self, OutOfRange> {
        Ok(Self(Lookback::new(rows, min_rows)?))
    }

    pub(super) fn lookback(&self) -> Lookback {
        self.0
    }

    /// Median and scaled median absolute deviation; `None` with fewer than `min_rows` present values
    /// or where more than half of them are equal.
    pub fn expect(&self, past: &[f64]) -> Option<Expectation> {
        let first = past.len().saturating_sub(self.0.rows);
        let mut present: Vec<f64> =
            past[first..].iter().copied().filter(|value| value.is_finite()).collect();
        let expected = median(&mut present)?;
        let mut deviations: Vec<f64> =
            present.iter().map(|value| (value - expected).abs()).collect();
        let scale = SIGMA_PER_MAD * median(&mut deviations)?;
        (present.len() >= self.0.min_rows && scale > 0.0)
            .then_some(Expectation::new(expected, scale))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn median_and_deviation_of_a_small_case() {
        // Median of 1 2 3 4 100 is 3; deviations 2 1 0 1 97, their median 1.
        let robust = RobustZ::new(5, 1).unwrap();
        let expected = Some(Expectation::new(3.0, SIGMA_PER_MAD));
        assert_eq!(robust.expect(&[100.0, 1.0, 2.0, 3.0, 4.0]), expected);
        // The last five rows hold 1 2 3 4: median 2.5, deviations 1.5 .5 .5 1.5, their median 1.
        let expected = Some(Expectation::new(2.5, SIGMA_PER_MAD));
        assert_eq!(robust.expect(&[100.0, 1.0, f64::NAN, 2.0, 3.0, 4.0]), expected);
    }

    #[test]
    fn median_and_deviation_agree_with_numpy() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(80.)**2)[-60:]; m=np.median(x); print(m, 1.482602218505602*np.median(abs(x-m)))"
        let past: Vec<f64> = (0..80).map(|k| f64::from(k * k).sin()).collect();
        let found = RobustZ::default().expect(&past).unwrap();
        // Order statistics of the same numbers; sin may differ by one ulp between libraries.
        assert!((found.expected - 0.16297654497358366).abs() < 1e-15, "{found:?}");
        assert!((found.scale - 1.1120865703816392).abs() < 1e-15, "{found:?}");
    }

    #[test]
    fn degenerate_pasts_expect_nothing() {
        let robust = RobustZ::new(60, 2).unwrap();
        assert_eq!(robust.expect(&[]), None);
        assert_eq!(robust.expect(&[1.0]), None);
        assert_eq!(RobustZ::new(60, 3).unwrap().expect(&[1.0, 2.0]), None);
        assert_eq!(robust.expect(&[5.0; 30]), None);
        assert_eq!(robust.expect(&[f64::NAN; 30]), None);
    }

    proptest! {
        #[test]
        fn a_scaled_series_keeps_its_z_scores(
            past in prop::collection::vec(-1.0_f64..1.0, 20..80),
            value in -1.0_f64..1.0,
        ) {
            let z = |factor: f64| {
                let past: Vec<f64> = past.iter().map(|x| x * factor).collect();
                RobustZ::default().expect(&past).map(|e| (value * factor - e.expected) / e.scale)
            };
            // By a power of two, so that nothing is rounded.
            prop_assert_eq!(z(1.0), z(1024.0));
        }

        #[test]
        fn one_wild_row_moves_the_expectation_no_further_than_its_neighbours(
            past in prop::collection::vec(-1.0_f64..1.0, 21..60),
        ) {
            let mut wild = past.clone();
            wild[0] = 1e9;
            let expected = RobustZ::default().expect(&wild).map(|e| e.expected);
            prop_assert!(expected.is_some_and(|expected| (-1.0..1.0).contains(&expected)));
        }
    }
}
