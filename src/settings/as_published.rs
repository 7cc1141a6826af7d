//! `[as_published]`: reproduces a published protocol, warts included.
//!
//! With it a pipeline may do what nothing else may: tell the next row at every step, score a window by one
//! number, date it to the day after, split by row counts without calibration, stop by windows that share rows
//! with those it learns from. Its thresholds are set by hand.

use oddlot_series::{Target, WindowScore};

use super::{
    fields::Fields,
    range::Fraction,
    value::{Named, Placed},
};

/// `[as_published]`
#[derive(Clone, Debug)]
pub struct AsPublished {
    /// Where the table stands.
    pub at: Option<usize>,
    /// What networks are asked for.
    pub target: Placed<Target>,
    /// How a window is scored.
    pub score: Placed<WindowScore>,
    /// Share of the training windows, the last ones, that training is watched by.
    pub validation_share: Option<Placed<Fraction>>,
}

impl AsPublished {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let published = Self {
            at: fields.at(),
            target: fields.or("target", Target::Reconstruction),
            score: fields.or("score", WindowScore::MeanAbsolute),
            validation_share: fields.optional("validation_share", "validation_share = 0.1"),
        };
        fields.finish();
        published
    }
}

impl Named for Target {
    // A forecast is what `lstm_forecaster` is asked for where nothing is reproduced.
    const NAMES: &'static [(&'static str, Self)] = &[
        ("window", Self::Reconstruction),
        ("rows_before", Self::RowsBefore),
        ("next_everywhere", Self::NextEverywhere),
    ];
}

impl Named for WindowScore {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("mean_absolute", Self::MeanAbsolute),
        ("mean_square", Self::MeanSquare),
        ("sum_of_squares", Self::SumOfSquares),
    ];
}
