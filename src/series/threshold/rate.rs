//! How often a threshold flags a calm day, as it says beforehand.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::range::OutOfRange;

/// Share of calm days that are flagged.
///
/// Invariant: `0 < rate < 1`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

impl Rate {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// .005: one false alarm in 200 calm days, as the default quantile has it.
impl Default for Rate {
    fn default() -> Self {
        Self(0.005)
    }
}

impl TryFrom<f64> for Rate {
    type Error = OutOfRange;

    fn try_from(rate: f64) -> Result<Self, OutOfRange> {
        if rate > 0.0 && rate < 1.0 {
            Ok(Self(rate))
        } else {
            Err(OutOfRange { what: "rate", expected: "0 < rate < 1", found: rate })
        }
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> f64 {
        rate.0
    }
}

/// What a threshold promises of days like those it was calibrated on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stated {
    /// This share is flagged.
    About(f64),
    /// No more than this share is flagged.
    AtMost(f64),
}

impl Stated {
    /// The share.
    pub fn rate(self) -> f64 {
        match self {
            Self::About(rate) | Self::AtMost(rate) => rate,
        }
    }
}

/// `0.50 %`, `≤ 0.50 %`.
impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About(rate) => f.write_str(&percent(*rate)),
            Self::AtMost(rate) => write!(f, "≤ {}", percent(*rate)),
        }
    }
}

/// A share as a percentage with two digits after the point, four where two would say little.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 0.1 {
        format!("{percent:.4} %")
    } else {
        format!("{percent:.2} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_rate_says_whether_it_is_a_bound() {
        assert_eq!(Stated::About(0.005).to_string(), "0.50 %");
        assert_eq!(Stated::AtMost(0.000_25).to_string(), "≤ 0.0250 %");
        assert_eq!(Stated::About(0.0).to_string(), "0.00 %");
    }

    #[test]
    fn a_rate_lies_between_nothing_and_everything() {
        for outside in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(Rate::try_from(outside).is_err(), "{outside}");
        }
    }
}
