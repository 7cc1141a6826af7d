//! The price of a ticker beside what a model expected of it.
//!
//! Above, prices with the band of what is not flagged; below, the score against the threshold; one time axis
//! for both. A flag is a mark in both, whose shape tells how grave it is. Thousands of rows are thinned to what
//! the pixels can show, and no flag is thinned away.

mod drawn;
mod frame;
mod html;
mod terminal;
mod thin;
mod words;

pub use drawn::picture;
pub(crate) use drawn::small;
pub use html::html;
pub use terminal::{Colours, terminal};

use crate::picture::{Ink, Mark};

/// One row. `None` is what the tables have no value for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// µs since 1970-01-01 UTC.
    pub ts: i64,
    /// What was observed, in the unit of the chart.
    pub observed: Option<f64>,
    /// What the model expected, in the same unit.
    pub expected: Option<f64>,
    /// Below it the value is flagged.
    pub lower: Option<f64>,
    /// Above it the value is flagged.
    pub upper: Option<f64>,
    /// The score that decided.
    pub score: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// How grave the flag is, where there is one.
    pub flag: Option<Severity>,
    /// Change of the price, percent, where it is known.
    pub return_pct: Option<f64>,
}

impl Row {
    /// The score over its threshold, where that is positive.
    pub(crate) fn ratio(&self) -> Option<f64> {
        Some(self.score? / self.threshold.filter(|threshold| *threshold > 0.0)?)
    }
}

/// How grave a flag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Less than one and a half times the threshold.
    Low,
    /// Less than twice the threshold.
    Medium,
    /// Twice the threshold, or more.
    High,
    /// No score: a break, or a price that cannot be used.
    Break,
}

impl Severity {
    /// All, the least grave first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Break];

    /// Of a score over its threshold; `None` where a rule without a score has flagged.
    ///
    /// ```
    /// use oddlot_report::chart::Severity;
    /// assert_eq!(Severity::of(Some(1.7)), Severity::Medium);
    /// ```
    pub fn of(ratio: Option<f64>) -> Self {
        match ratio {
            Some(ratio) if ratio >= 2.0 => Self::High,
            Some(ratio) if ratio >= 1.5 => Self::Medium,
            Some(_) => Self::Low,
            None => Self::Break,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Low => "1 to 1.5 × threshold",
            Self::Medium => "1.5 to 2 ×",
            Self::High => "2 × or more",
            Self::Break => "break",
        }
    }

    pub(crate) fn look(self) -> (Mark, Ink) {
        match self {
            Self::Low => (Mark::Circle, Ink::Low),
            Self::Medium => (Mark::Diamond, Ink::Medium),
            Self::High => (Mark::Triangle, Ink::High),
            Self::Break => (Mark::Cross, Ink::Break),
        }
    }
}

/// A run of flagged rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// First flagged row, µs UTC.
    pub start: i64,
    /// Last flagged row, µs UTC.
    pub end: i64,
}

/// What one chart is of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Whose.
    pub ticker: String,
    /// Which pipeline's.
    pub pipeline: String,
    /// Which model's.
    pub model: String,
    /// What the observed values are: `close`, or the name of a feature.
    pub unit: String,
    /// In the order of time.
    pub rows: Vec<Row>,
    /// In the order of time.
    pub events: Vec<Event>,
}

impl Series {
    /// Flagged rows.
    pub fn flags(&self) -> impl Iterator<Item = (&Row, Severity)> {
        self.rows.iter().filter_map(|row| row.flag.map(|severity| (row, severity)))
    }
}

#[cfg(test)]
mod tests;
