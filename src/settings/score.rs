//! `[score]`, and the smoothing of `[merge]`: what errors are turned into before a threshold sees them.

use oddlot_engine::Report;
use serde::{Deserialize, Serialize};

use super::{
    fields::Fields,
    range::{Decay, Lookback},
    value::Named,
};

/// `[score]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// How the errors of all features become one.
    pub norm: NormName,
    /// How scores are smoothed over rows up to their own.
    pub smoothing: Option<Smoothing>,
}

/// How the errors of all features become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormName {
    /// Root of their mean square.
    #[default]
    L2,
    /// Their mean magnitude.
    L1,
    /// The largest magnitude.
    Max,
    /// Distance from the errors of the validation span, in deviations.
    Mahalanobis,
}

/// `[score.smoothing.mean]`, `[merge.smoothing.median]` …
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Smoothing {
    /// The mean of so many rows.
    Mean {
        /// Its own included.
        rows: Lookback,
    },
    /// The middle one of so many rows.
    Median {
        /// Its own included.
        rows: Lookback,
    },
    /// A mean with weights that decay.
    Ewma {
        /// From row to row.
        lambda: Decay,
        /// Rows it is cut off at.
        rows: Lookback,
    },
}

const EXAMPLE: &str = "rows = 5";

impl Score {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let norm = fields.or("norm", NormName::default()).value;
        let smoothing = fields.optional_table("smoothing").and_then(Smoothing::read);
        fields.finish();
        Self { norm, smoothing }
    }
}

impl Smoothing {
    /// Reads the table.
    pub fn read(fields: Fields<'_>) -> Option<Self> {
        let (variant, mut fields) = fields.choice(&["mean", "median", "ewma"])?;
        let rows = fields.required::<Lookback>("rows", EXAMPLE).map(|rows| rows.value);
        let smoothing = match variant {
            "mean" => rows.map(|rows| Self::Mean { rows }),
            "median" => rows.map(|rows| Self::Median { rows }),
            _ => {
                let lambda = fields.required::<Decay>("lambda", "lambda = 0.7");
                rows.zip(lambda).map(|(rows, lambda)| Self::Ewma { lambda: lambda.value, rows })
            }
        };
        fields.finish();
        smoothing
    }

    /// Reads the table of a frame that has as many rows before its own as after.
    pub fn read_centred(fields: Fields<'_>) -> Option<Self> {
        let (at, mistakes, title) = (fields.at(), fields.mistakes(), fields.title());
        let smoothing = Self::read(fields)?;
        if smoothing.rows().get() % 2 == 1 {
            return Some(smoothing);
        }
        let rows = smoothing.rows().get();
        let report = Report::new(format!("a frame of {rows} rows has no middle"))
            .expected(format!(
                "an odd number of rows in {title}: hindsight is smoothed on either side"
            ))
            .found(format!("rows = {rows}"))
            .hint(format!("take {} or {}", rows - 1, rows + 1));
        mistakes.add(at, report);
        None
    }

    fn rows(self) -> Lookback {
        match self {
            Self::Mean { rows } | Self::Median { rows } | Self::Ewma { rows, .. } => rows,
        }
    }
}

impl Named for NormName {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("l2", Self::L2),
        ("l1", Self::L1),
        ("max", Self::Max),
        ("mahalanobis", Self::Mahalanobis),
    ];
}
