//! Figures of detectors against labels, beside what needs no detector.
//!
//! Each ticker is evaluated by itself (`one.rs`), then means are taken over tickers and seeds (`mean.rs`) and
//! written (`table.rs`, `write.rs`). Where scores come from is `source.rs`.

mod mean;
mod one;
mod source;
mod table;
mod write;

pub use mean::evaluate;
pub use source::{Given, of_file, of_pipeline};
pub use table::{Style, text};
pub use write::{csv, json};

/// One ticker: its rows within the span, its labels, and what was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Whose.
    pub ticker: String,
    /// Its group, where labels name one.
    pub group: Option<String>,
    /// When each row is, in days; `None` where rows have numbers.
    pub days: Option<Vec<f64>>,
    /// Whether each row is anomalous.
    pub labels: Vec<bool>,
    /// What was watched, where it is known.
    pub values: Option<Vec<f64>>,
    /// The longest buffer of the volume under the surface.
    pub window: usize,
    /// What each detector said.
    pub detectors: Vec<Scored>,
}

/// What one detector said of one ticker.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Its name.
    pub name: String,
    /// NaN where it said nothing.
    pub scores: Vec<f64>,
    /// The rows that it flags at its own threshold, where it has one of this score.
    pub flags: Option<Vec<bool>>,
}

/// Which threshold figures belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// None: only the order of the scores counts.
    Any,
    /// The detector's own.
    Own,
    /// The best on these labels.
    Oracle,
}

impl Threshold {
    /// In the order of the tables.
    pub const ALL: [Self; 3] = [Self::Any, Self::Own, Self::Oracle];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Own => "own",
            Self::Oracle => "oracle",
        }
    }
}
