//! `[threshold]`, `[calibration]`, `[merge]` and `[events]`: from scores to flags to events.

use oddlot_engine::Report;
use serde::{Deserialize, Serialize};

use super::{
    fields::Fields,
    range::{Alerts, Fraction, Positive, Quantile, Rows},
    score::Smoothing,
    split::Scope,
    value::Named,
};

/// `[threshold.quantile]`, `[threshold.fixed]` …
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
    /// So many standard deviations above the mean of the calibration scores.
    KSigma {
        /// How many.
        k: Positive,
    },
    /// So many median deviations above the median of the calibration scores.
    Mad {
        /// How many.
        k: Positive,
    },
    /// Where a generalised Pareto tail of the calibration scores has a stated rate.
    Peaks {
        /// The share of days that are flagged.
        rate: Fraction,
        /// The quantile that the tail begins at.
        initial: Quantile,
    },
    /// Where split conformal p-values are small.
    Conformal {
        /// The largest that is flagged.
        alpha: Fraction,
    },
    /// Hundman's epsilon.
    Dynamic {
        /// The least share by which a run of flags stands out, in hindsight.
        prune: Option<Fraction>,
    },
    /// At most so many alerts.
    Budget {
        /// Per 1,000 ticker-days.
        alerts: Alerts,
    },
}

/// The thresholds, as they are named in a file.
pub const THRESHOLDS: [&str; 8] =
    ["quantile", "fixed", "k_sigma", "mad", "peaks", "conformal", "dynamic", "budget"];

/// `[calibration]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// On which rows.
    pub scope: Scope,
    /// A ticker with fewer calibration rows takes the pooled threshold.
    pub min_rows: Rows,
    /// What p-values are beyond the largest calibration score.
    #[serde(skip_serializing_if = "PValues::is_default")]
    pub p_values: PValues,
}

/// What p-values are beyond the largest calibration score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PValues {
    /// 1/(n + 1).
    #[default]
    Rank,
    /// That of a generalised Pareto tail.
    Tail,
}

impl PValues {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Named for PValues {
    const NAMES: &'static [(&'static str, Self)] = &[("rank", Self::Rank), ("tail", Self::Tail)];
}

/// `[merge]`: how the errors of all windows that cover a day become its hindsight score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    /// How.
    pub method: MergeMethod,
    /// Whether the hindsight score decides what is flagged.
    pub decides: bool,
    /// How it is smoothed, over as many rows before a day as after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<Smoothing>,
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
    /// That of an archive whose file has none: one row in a hundred of each series.
    pub fn of_archive() -> Self {
        Self::Quantile { q: Quantile::literal(0.99) }
    }

    /// Reads the table.
    pub fn read(fields: Fields<'_>) -> Option<Self> {
        let (variant, mut fields) = fields.choice(&THRESHOLDS)?;
        let threshold = match variant {
            "quantile" => {
                let q = fields.required::<Quantile>("q", "q = 0.995");
                q.map(|q| Self::Quantile { q: q.value })
            }
            "k_sigma" => {
                let k = fields.required::<Positive>("k", "k = 4.0");
                k.map(|k| Self::KSigma { k: k.value })
            }
            "mad" => {
                let k = fields.required::<Positive>("k", "k = 6.0");
                k.map(|k| Self::Mad { k: k.value })
            }
            "peaks" => Self::read_peaks(&mut fields),
            "conformal" => {
                let alpha = fields.required::<Fraction>("alpha", "alpha = 0.005");
                alpha.map(|alpha| Self::Conformal { alpha: alpha.value })
            }
            "dynamic" => {
                let prune = fields.optional::<Fraction>("prune", "prune = 0.13");
                Some(Self::Dynamic { prune: prune.map(|prune| prune.value) })
            }
            "budget" => {
                let alerts = fields.required::<Alerts>("alerts", "alerts = 5");
                alerts.map(|alerts| Self::Budget { alerts: alerts.value })
            }
            _ => {
                let value = fields.required::<Positive>("value", "value = 4.0");
                value.map(|value| Self::Fixed { value: value.value })
            }
        };
        fields.finish();
        threshold
    }

    /// A rate that its tail has room for.
    fn read_peaks(fields: &mut Fields<'_>) -> Option<Self> {
        let rate = fields.required::<Fraction>("rate", "rate = 0.005");
        let initial = fields.or("initial", INITIAL);
        let rate = rate?;
        let (share, quantile) = (rate.value.get(), initial.value.get());
        if share + quantile < 1.0 {
            return Some(Self::Peaks { rate: rate.value, initial: initial.value });
        }
        let report = Report::new("the tail begins above the threshold it is to give")
            .expected(format!("rate + initial < 1, where `initial` is {quantile}"))
            .found(rate.written.unwrap_or_default())
            .hint("lower `initial`, or take [threshold.quantile]: so common a score needs no tail");
        fields.mistakes().add(rate.at, report);
        None
    }
}

/// Siffer 2017: a tail of the largest 2 %.
const INITIAL: Quantile = Quantile::literal(0.98);

impl Calibration {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let default = Self::default();
        let scope = fields.or("scope", default.scope).value;
        let min_rows = fields.or("min_rows", default.min_rows).value;
        let p_values = fields.or("p_values", default.p_values).value;
        fields.finish();
        Self { scope, min_rows, p_values }
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self { scope: Scope::Pooled, min_rows: Rows::literal(250), p_values: PValues::Rank }
    }
}

impl Merge {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let default = Self::default();
        let method = fields.or("method", default.method).value;
        let decides = fields.or("decides", default.decides).value;
        let smoothing = fields.optional_table("smoothing").and_then(Smoothing::read_centred);
        fields.finish();
        Self { method, decides, smoothing }
    }
}

impl Default for Merge {
    fn default() -> Self {
        Self { method: MergeMethod::Median, decides: false, smoothing: None }
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
