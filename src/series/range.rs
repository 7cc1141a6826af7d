//! A number outside its range, told with what was expected.

use serde::{Deserialize, Serialize};

/// A configured number is outside its range. NaN is outside every range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct OutOfRange {
    /// Which number.
    pub what: &'static str,
    /// The range, as a condition.
    pub expected: &'static str,
    /// The number.
    pub found: f64,
}

/// Decay of an exponentially weighted mean: the weight of a row relative to the row after it.
///
/// Invariant: `0 < lambda < 1`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Lambda(f64);

impl Lambda {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// .94, the daily decay of RiskMetrics (J.P. Morgan, 1996).
impl Default for Lambda {
    fn default() -> Self {
        Self(0.94)
    }
}

impl TryFrom<f64> for Lambda {
    type Error = OutOfRange;

    fn try_from(lambda: f64) -> Result<Self, OutOfRange> {
        if lambda > 0.0 && lambda < 1.0 {
            Ok(Self(lambda))
        } else {
            Err(OutOfRange { what: "lambda", expected: "0 < lambda < 1", found: lambda })
        }
    }
}

impl From<Lambda> for f64 {
    fn from(lambda: Lambda) -> f64 {
        lambda.0
    }
}

/// Share of calibration scores at or below a threshold.
///
/// Invariant: `0 < q < 1`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Quantile(f64);

impl Quantile {
    pub(crate) const NINE_TENTHS: Self = Self(0.9);

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// .995: one false alarm in 200 days of a calm year, about one a year.
impl Default for Quantile {
    fn default() -> Self {
        Self(0.995)
    }
}

impl TryFrom<f64> for Quantile {
    type Error = OutOfRange;

    fn try_from(q: f64) -> Result<Self, OutOfRange> {
        if q > 0.0 && q < 1.0 {
            Ok(Self(q))
        } else {
            Err(OutOfRange { what: "quantile", expected: "0 < q < 1", found: q })
        }
    }
}

impl From<Quantile> for f64 {
    fn from(q: Quantile) -> f64 {
        q.0
    }
}

/// The rows a baseline looks back on: at most `rows`, and nothing is said below `min_rows`.
///
/// Invariant: `1 <= min_rows <= rows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookback {
    pub(crate) rows: usize,
    pub(crate) min_rows: usize,
}

impl Lookback {
    pub(crate) fn new(rows: usize, min_rows: usize) -> Result<Self, OutOfRange> {
        if 1 <= min_rows && min_rows <= rows {
            Ok(Self { rows, min_rows })
        } else {
            #[expect(clippy::cast_precision_loss, reason = "only shown to the user")]
            let found = min_rows as f64;
            Err(OutOfRange { what: "min_rows", expected: "1 <= min_rows <= rows", found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_an_open_range_and_nan_are_outside() {
        for outside in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            assert!(Lambda::try_from(outside).is_err(), "lambda {outside}");
            assert!(Quantile::try_from(outside).is_err(), "quantile {outside}");
        }
        assert_eq!(Lambda::try_from(0.5).unwrap().get(), 0.5);
        assert_eq!(Quantile::try_from(0.5).unwrap().get(), 0.5);
    }

    #[test]
    fn serde_goes_through_the_same_door() {
        #[derive(Debug, Deserialize)]
        struct Table {
            #[expect(dead_code, reason = "only parsed")]
            q: Quantile,
        }
        assert!(toml::from_str::<Table>("q = 0.5").is_ok());
        assert!(toml::from_str::<Table>("q = nan").is_err());
        let error = toml::from_str::<Table>("q = 1.0").unwrap_err();
        assert_eq!(error.message(), "quantile: expected 0 < q < 1, found 1");
        assert_eq!(error.span(), Some(4..7));
    }

    #[test]
    fn a_lookback_shorter_than_its_minimum_is_refused() {
        assert!(Lookback::new(20, 21).is_err());
        assert!(Lookback::new(20, 0).is_err());
        assert!(Lookback::new(20, 20).is_ok());
    }
}
