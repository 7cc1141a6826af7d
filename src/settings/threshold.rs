//! `[threshold]`, `[calibration]`, `[merge]` and `[events]`: from scores to flags to events.

use serde::{Deserialize, Serialize};

use super::{
    fields::Fields,
    range::{Positive, Quantile, Rows},
    split::Scope,
    value::Named,
};

/// `[threshold.quantile]` or `[threshold.fixed]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Above a quantile of the calibration scores.
    Quantile {
        /// The share of calibration scores below it.
        q: Quantile,
    },
    /// Above a number.
    Fixed {
        /// In units of the score.
        value: Positive,
    },
}

/// `[calibration]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// On which rows.
    pub scope: Scope,
    /// A ticker with fewer calibration rows takes the pooled threshold.
    pub min_rows: Rows,
}

/// `[merge]`: how the errors of all windows that cover a day become its hindsight score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// How.
    pub method: MergeMethod,
    /// Whether the hindsight score decides what is flagged.
    pub decides: bool,
}

/// How several errors become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// The middle one.
    Median,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
}

/// `[events]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// So many rows without a flag do not yet end an event.
    pub max_gap_rows: Rows,
}

impl Threshold {
    /// Reads the table.
    pub fn read(fields: Fields<'_>) -> Option<Self> {
        let (variant, mut fields) = fields.choice(&["quantile", "fixed"])?;
        let threshold = match variant {
            "quantile" => {
                let q = fields.required::<Quantile>("q", "q = 0.995");
                q.map(|q| Self::Quantile { q: q.value })
            }
            _ => {
                let value = fields.required::<Positive>("value", "value = 4.0");
                value.map(|value| Self::Fixed { value: value.value })
            }
        };
        fields.finish();
        threshold
    }
}

impl Calibration {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let default = Self::default();
        let scope = fields.or("scope", default.scope).value;
        let min_rows = fields.or("min_rows", default.min_rows).value;
        fields.finish();
        Self { scope, min_rows }
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self { scope: Scope::Pooled, min_rows: Rows::literal(250) }
    }
}

impl Merge {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let default = Self::default();
        let method = fields.or("method", default.method).value;
        let decides = fields.or("decides", default.decides).value;
        fields.finish();
        Self { method, decides }
    }
}

impl Default for Merge {
    fn default() -> Self {
        Self { method: MergeMethod::Median, decides: false }
    }
}

impl Named for MergeMethod {
    const NAMES: &'static [(&'static str, Self)] =
        &[("median", Self::Median), ("mean", Self::Mean), ("max", Self::Max)];
}

impl Events {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let max_gap_rows = fields.or("max_gap_rows", Self::default().max_gap_rows).value;
        fields.finish();
        Self { max_gap_rows }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { max_gap_rows: Rows::literal(0) }
    }
}
