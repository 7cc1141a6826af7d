//! `[split]` and `[scaling]`: which rows teach, and how they are scaled.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    fields::Fields,
    range::{Fraction, SpanRows},
    value::{Named, Placed},
};

/// `[split]`, by last dates or by fractions. What is missing or mixed is told when it is lowered.
#[derive(Clone, Debug)]
pub struct Split {
    /// Where the table stands.
    pub at: Option<usize>,
    /// Last day of the training span.
    pub train_to: Option<Placed<NaiveDate>>,
    /// Last day of the validation span.
    pub validation_to: Option<Placed<NaiveDate>>,
    /// Last day of the calibration span; the test span follows.
    pub calibration_to: Option<Placed<NaiveDate>>,
    /// Share of the dates to train on.
    pub train: Option<Placed<Fraction>>,
    /// Share of the dates to validate on.
    pub validation: Option<Placed<Fraction>>,
    /// Share of the dates to calibrate on; the rest is the test span.
    pub calibration: Option<Placed<Fraction>>,
    /// Days to train on, from the first.
    pub train_rows: Option<Placed<SpanRows>>,
    /// Days to validate on, after those.
    pub validation_rows: Option<Placed<SpanRows>>,
    /// The keys that are there, whether or not their values could be read.
    pub keys: Vec<&'static str>,
}

/// Whether something is fitted on all tickers together or on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All tickers together.
    Pooled,
    /// Each ticker for itself.
    Ticker,
}

/// `[scaling.standard]` or `[scaling.none]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Values as the feature SQL gives them.
    None,
    /// Minus mean, by standard deviation, of the training rows.
    Standard {
        /// Of which training rows.
        scope: Scope,
    },
}

impl Split {
    /// The keys of a split by dates, in order.
    pub const DATES: [&'static str; 3] = ["train_to", "validation_to", "calibration_to"];
    /// The keys of a split by fractions, in order.
    pub const FRACTIONS: [&'static str; 3] = ["train", "validation", "calibration"];

    /// The keys of a split by rows, in order: only where a published protocol is reproduced.
    pub const ROWS: [&'static str; 2] = ["train_rows", "validation_rows"];

    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let keys = Self::DATES.into_iter().chain(Self::FRACTIONS).chain(Self::ROWS);
        let keys = keys.filter(|key| fields.has(key));
        let split = Self {
            at: fields.at(),
            keys: keys.collect(),
            train_to: fields.optional("train_to", "train_to = \"2001-12-31\""),
            validation_to: fields.optional("validation_to", "validation_to = \"2001-12-31\""),
            calibration_to: fields.optional("calibration_to", "calibration_to = \"2001-12-31\""),
            train: fields.optional("train", "train = 0.6"),
            validation: fields.optional("validation", "validation = 0.1"),
            calibration: fields.optional("calibration", "calibration = 0.2"),
            train_rows: None,
            validation_rows: None,
        };
        // Not among the keys that a misspelt one is told to be: few have a use for them.
        let by_rows = Self::ROWS.iter().any(|key| fields.has(key));
        let split = match by_rows {
            true => Self {
                train_rows: fields.optional("train_rows", "train_rows = 7782"),
                validation_rows: fields.optional("validation_rows", "validation_rows = 779"),
                ..split
            },
            false => split,
        };
        fields.finish();
        split
    }
}

impl Named for Scope {
    const NAMES: &'static [(&'static str, Self)] =
        &[("pooled", Self::Pooled), ("ticker", Self::Ticker)];
}

impl Default for Scaling {
    fn default() -> Self {
        Self::Standard { scope: Scope::Pooled }
    }
}

impl Scaling {
    /// Reads the table.
    pub fn read(fields: Fields<'_>) -> Option<Self> {
        let (variant, mut fields) = fields.choice(&["standard", "none"])?;
        let scaling = match variant {
            "standard" => Self::Standard { scope: fields.or("scope", Scope::Pooled).value },
            _ => Self::None,
        };
        fields.finish();
        Some(scaling)
    }
}
