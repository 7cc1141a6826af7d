//! Numbers that know their range.
//!
//! Every test is stated positively, so that NaN fails it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    tree::Value,
    value::{FromToml, Mismatch},
};

/// A number outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct OutOfRange {
    /// The range in words.
    pub expected: &'static str,
    /// The number.
    pub found: f64,
}

macro_rules! real_number {
    ($(#[$doc:meta])* $name:ident: $x:ident, $expected:literal, $test:expr, $bounds:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        #[allow(clippy::manual_range_contains, reason = "a range's `contains` is not const")]
        impl $name {
            /// A constant of ours, checked when it is compiled.
            pub const fn literal($x: f64) -> Self {
                assert!($test, concat!("expected ", $expected));
                Self($x)
            }

            /// The number.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        #[allow(clippy::manual_range_contains, reason = "as in `literal`")]
        impl TryFrom<f64> for $name {
            type Error = OutOfRange;

            fn try_from($x: f64) -> Result<Self, OutOfRange> {
                if $test { Ok(Self($x)) } else { Err(OutOfRange { expected: $expected, found: $x }) }
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> f64 {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromToml for $name {
            fn expected() -> String {
                $expected.into()
            }

            fn from_toml(value: &Value) -> Result<Self, Mismatch> {
                real(value).and_then(|number| Self::try_from(number).map_err(|_| Mismatch::Range))
            }

            fn to_toml(&self) -> String {
                self.to_string()
            }

            fn schema() -> Json {
                let mut schema = json!($bounds);
                schema["type"] = "number".into();
                schema
            }
        }
    };
}

macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident: $least:literal to $most:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// A constant of ours, checked when it is compiled.
            pub const fn literal(number: u64) -> Self {
                assert!(matches!(number, $least..=$most), "out of range");
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> usize {
                self.0 as usize
            }
        }

        impl TryFrom<u64> for $name {
            type Error = OutOfRange;

            fn try_from(number: u64) -> Result<Self, OutOfRange> {
                if matches!(number, $least..=$most) {
                    Ok(Self(number))
                } else {
                    let expected = concat!("a whole number from ", $least, " to ", $most);
                    Err(OutOfRange { expected, found: number as f64 })
                }
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> u64 {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromToml for $name {
            fn expected() -> String {
                concat!("a whole number from ", $least, " to ", $most).into()
            }

            fn from_toml(value: &Value) -> Result<Self, Mismatch> {
                whole(value).and_then(|number| Self::try_from(number).map_err(|_| Mismatch::Range))
            }

            fn to_toml(&self) -> String {
                self.to_string()
            }

            fn schema() -> Json {
                let [least, most]: [u64; 2] = [$least, $most];
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
        }
    };
}

/// `1` is as good as `1.0`.
fn real(value: &Value) -> Result<f64, Mismatch> {
    match value {
        Value::Real(Some(number)) => Ok(*number),
        Value::Whole(Some(number)) => Ok(*number as f64),
        Value::Real(None) | Value::Whole(None) => Err(Mismatch::Range),
        _ => Err(Mismatch::Type),
    }
}

fn whole(value: &Value) -> Result<u64, Mismatch> {
    match value {
        Value::Whole(Some(number)) => u64::try_from(*number).map_err(|_| Mismatch::Range),
        Value::Whole(None) => Err(Mismatch::Range),
        _ => Err(Mismatch::Type),
    }
}

real_number! {
    /// A share of scores that stay below the threshold.
    Quantile: q, "a number with 0 < q < 1", q > 0.0 && q < 1.0,
    { "exclusiveMinimum": 0, "exclusiveMaximum": 1 }
}
real_number! {
    /// A share of the dates.
    Fraction: share, "a number with 0 < share < 1", share > 0.0 && share < 1.0,
    { "exclusiveMinimum": 0, "exclusiveMaximum": 1 }
}
real_number! {
    /// A share of values set to zero in training.
    Dropout: rate, "a number with 0 <= rate < 1", rate >= 0.0 && rate < 1.0,
    { "minimum": 0, "exclusiveMaximum": 1 }
}
real_number! {
    /// Weight of yesterday's variance in an exponentially weighted one.
    Decay: lambda, "a number with 0 < lambda < 1", lambda > 0.0 && lambda < 1.0,
    { "exclusiveMinimum": 0, "exclusiveMaximum": 1 }
}
real_number! {
    /// Alerts per 1,000 ticker-days.
    Alerts: alerts, "a number with 0 < alerts < 1000", alerts > 0.0 && alerts < 1000.0,
    { "exclusiveMinimum": 0, "exclusiveMaximum": 1000 }
}
real_number! {
    /// A finite number above zero.
    Positive: x, "a finite number > 0", x > 0.0 && x < f64::INFINITY,
    { "exclusiveMinimum": 0 }
}

whole_number! {
    /// Rows of a window. A forecaster sees all but the last, so two is the least.
    WindowLength: 2 to 4096
}
whole_number! {
    /// Rows of a window, as it may also be where a published protocol is reproduced.
    PublishedLength: 1 to 4096
}
whole_number! {
    /// Rows of a span where a published protocol is reproduced.
    SpanRows: 0 to 1000000000
}
impl From<WindowLength> for PublishedLength {
    fn from(length: WindowLength) -> Self {
        Self(length.0)
    }
}
whole_number! {
    /// Width of a layer.
    Units: 1 to 4096
}
whole_number! {
    /// Rows of a window whose principal components are taken.
    ComponentRows: 2 to 512
}
whole_number! {
    /// Rows that a row is regressed on.
    Order: 1 to 500
}
whole_number! {
    /// Of a polynomial through some rows.
    Degree: 0 to 8
}
whole_number! {
    /// Passes over the training windows.
    Epochs: 1 to 100000
}
whole_number! {
    /// Epochs without a better validation loss; zero never stops early.
    Patience: 0 to 100000
}
whole_number! {
    /// Windows a training step sees.
    BatchSize: 1 to 65536
}
whole_number! {
    /// Batches that a network learns from.
    Steps: 1 to 1000000
}
whole_number! {
    /// A number of things, at least one.
    Count: 1 to 1000000
}
whole_number! {
    /// How often a member of an ensemble counts.
    Times: 1 to 100
}
whole_number! {
    /// Rows of a moving average; one leaves everything as it is.
    Smoothing: 1 to 1000000
}
whole_number! {
    /// Where every draw starts.
    Seed: 0 to 9223372036854775807
}
whole_number! {
    /// Rows that a statistic looks back on; two is the least with a spread.
    Lookback: 2 to 10000
}
whole_number! {
    /// Typical windows; no more than are kept to choose them from.
    Clusters: 1 to 1000
}
whole_number! {
    /// Which of the nearest windows counts; no more of them are kept.
    Neighbours: 1 to 1000
}
whole_number! {
    /// A number of rows.
    Rows: 0 to 1000000000
}
whole_number! {
    /// Calendar days between two rows of one ticker.
    GapDays: 1 to 36500
}
whole_number! {
    /// A number of tickers.
    Tickers: 0 to 1000000000
}
whole_number! {
    /// Files that a cell's year is split into.
    Parts: 1 to 1024
}

whole_number! {
    /// Tries of a request to a bucket.
    Attempts: 1 to 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_the_open_ends_are_refused() {
        for q in [f64::NAN, 0.0, 1.0, -0.1, f64::INFINITY] {
            assert!(Quantile::try_from(q).is_err(), "{q}");
        }
        assert_eq!(Quantile::try_from(0.995).map(Quantile::get), Ok(0.995));
        assert!(Dropout::try_from(0.0).is_ok());
        assert!(Positive::try_from(f64::INFINITY).is_err());
    }

    #[test]
    fn whole_numbers_include_both_ends() {
        assert!(WindowLength::try_from(1).is_err());
        assert_eq!(WindowLength::try_from(2).map(WindowLength::get), Ok(2));
        assert_eq!(WindowLength::try_from(4096).map(WindowLength::get), Ok(4096));
        assert!(WindowLength::try_from(4097).is_err());
    }

    #[test]
    fn a_whole_number_serves_as_a_real_one_but_not_the_reverse() {
        assert_eq!(Positive::from_toml(&Value::Whole(Some(1))), Ok(Positive(1.0)));
        assert_eq!(Epochs::from_toml(&Value::Real(Some(30.0))), Err(Mismatch::Type));
        assert_eq!(Epochs::from_toml(&Value::Whole(Some(-1))), Err(Mismatch::Range));
        assert_eq!(Epochs::from_toml(&Value::Whole(None)), Err(Mismatch::Range));
    }

    #[test]
    fn stored_numbers_go_through_the_same_door() {
        assert!(serde_json::from_str::<Quantile>("1.5").is_err());
        assert!(serde_json::from_str::<WindowLength>("1").is_err());
        assert_eq!(serde_json::to_string(&Quantile(0.5)).unwrap(), "0.5");
    }
}
