//! Four spans of time: train, validation, calibration, test.
//!
//! A window belongs to the span of its last row. Train and validation windows lie wholly inside
//! theirs; calibration and test windows may reach back for context, so that no test day is unscored.
//! Days are counted from 1970-01-01.

use serde::{Deserialize, Serialize};

use crate::statistics::to_real;

/// One of the four spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Scaler and weights are fitted here.
    Train,
    /// Training stops by this span.
    Validation,
    /// Thresholds are calibrated here.
    Calibration,
    /// Nothing was chosen here.
    Test,
}

impl Span {
    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Calibration => "calibration",
            Self::Test => "test",
        }
    }
}

/// The last days of the first three spans, inclusive; the test span has no end.
///
/// Invariant: ascending. A span may be empty (two equal days), but for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Spans", into = "Spans")]
pub struct Split(Spans);

/// [`Split`] before it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spans {
    /// Last day of training.
    pub train_to: i32,
    /// Last day of validation.
    pub validation_to: i32,
    /// Last day of calibration.
    pub calibration_to: i32,
}

/// Shares of the days; what is left is the test span.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fractions {
    /// Share of the days to train on.
    pub train: f64,
    /// Share of the days to stop by.
    pub validation: f64,
    /// Share of the days to calibrate on.
    pub calibration: f64,
}

/// Why there is no such split.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The ends do not ascend.
    #[error("expected train_to <= validation_to <= calibration_to, found days {} > {}", .0.0, .0.1)]
    Order((i32, i32)),
    /// A share is negative or NaN, training has none, or they are more than the whole.
    #[error("expected shares of 0 or more, train above 0, together at most 1, found {} + {} + {}", .0.train, .0.validation, .0.calibration)]
    Fractions(Fractions),
    /// Not a single day falls to training.
    #[error("expected at least one training day, found none in {n_days} days")]
    TooFewDays {
        /// Days there are.
        n_days: usize,
    },
}

impl TryFrom<Spans> for Split {
    type Error = SplitError;

    fn try_from(spans: Spans) -> Result<Self, SplitError> {
        if spans.train_to > spans.validation_to {
            Err(SplitError::Order((spans.train_to, spans.validation_to)))
        } else if spans.validation_to > spans.calibration_to {
            Err(SplitError::Order((spans.validation_to, spans.calibration_to)))
        } else {
            Ok(Self(spans))
        }
    }
}

impl From<Split> for Spans {
    fn from(split: Split) -> Spans {
        split.0
    }
}

impl Split {
    /// Resolves shares of `days`, which are distinct and ascending.
    ///
    /// Rows are rounded down: .95 of 8,192 days is 7,782.
    ///
    /// # Errors
    /// [`SplitError::Fractions`], [`SplitError::TooFewDays`].
    pub fn from_fractions(days: &[i32], shares: &Fractions) -> Result<Self, SplitError> {
        /// Shares are decimals: .29 × 100 must be 29, not 28.999999999999996.
        const ROUNDING: f64 = 1e-9;
        let Fractions { train, validation, calibration } = *shares;
        let all = train + validation + calibration;
        if !(train > 0.0 && validation >= 0.0 && calibration >= 0.0 && all <= 1.0 + ROUNDING) {
            return Err(SplitError::Fractions(*shares));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounds down a share of a count"
        )]
        let rows = |share: f64| (to_real(days.len()) * share + ROUNDING).floor() as usize;
        let last_day = |share: f64| rows(share).checked_sub(1).and_then(|last| days.get(last));
        match (last_day(train), last_day(train + validation), last_day(all)) {
            (Some(&train_to), Some(&validation_to), Some(&calibration_to)) => {
                Self::try_from(Spans { train_to, validation_to, calibration_to })
            }
            _ => Err(SplitError::TooFewDays { n_days: days.len() }),
        }
    }

    /// The last days.
    pub fn spans(&self) -> Spans {
        self.0
    }

    /// The span `day` falls in.
    pub fn span(&self, day: i32) -> Span {
        if day <= self.0.train_to {
            Span::Train
        } else if day <= self.0.validation_to {
            Span::Validation
        } else if day <= self.0.calibration_to {
            Span::Calibration
        } else {
            Span::Test
        }
    }

    /// The span of a window, or `None` for one that ends in validation and begins in training.
    pub fn window_span(&self, first_day: i32, last_day: i32) -> Option<Span> {
        let span = self.span(last_day);
        (span != Span::Validation || self.span(first_day) == span).then_some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split() -> Split {
        Split::try_from(Spans { train_to: 10, validation_to: 20, calibration_to: 30 }).unwrap()
    }

    #[test]
    fn the_last_day_of_a_span_belongs_to_it() {
        let spans = [10, 11, 20, 21, 30, 31].map(|day| split().span(day).name());
        let expected = ["train", "validation", "validation", "calibration", "calibration", "test"];
        assert_eq!(spans, expected);
    }

    #[test]
    fn a_validation_window_lies_wholly_inside_and_a_later_one_may_reach_back() {
        assert_eq!(split().window_span(11, 12), Some(Span::Validation));
        assert_eq!(split().window_span(10, 12), None);
        assert_eq!(split().window_span(19, 21), Some(Span::Calibration));
        assert_eq!(split().window_span(29, 31), Some(Span::Test));
        assert_eq!(split().window_span(1, 10), Some(Span::Train));
    }

    #[test]
    fn shares_are_rounded_down_to_rows_as_the_seeds_do() {
        // SEEDS §3: 95 % of 8192 rows are 7782, 80 % are 6553.
        let days: Vec<i32> = (1..=8192).collect();
        let shares = Fractions { train: 0.8, validation: 0.15, calibration: 0.0 };
        let spans = Split::from_fractions(&days, &shares).unwrap().spans();
        assert_eq!(spans, Spans { train_to: 6553, validation_to: 7782, calibration_to: 7782 });
        let days: Vec<i32> = (1..=100).collect();
        let shares = Fractions { train: 0.29, validation: 0.0, calibration: 0.71 };
        let spans = Split::from_fractions(&days, &shares).unwrap().spans();
        assert_eq!(spans, Spans { train_to: 29, validation_to: 29, calibration_to: 100 });
    }

    #[test]
    fn impossible_splits_are_refused() {
        let backwards = Spans { train_to: 10, validation_to: 9, calibration_to: 30 };
        assert_eq!(Split::try_from(backwards), Err(SplitError::Order((10, 9))));
        let shares = |train, validation| Fractions { train, validation, calibration: 0.1 };
        let days: Vec<i32> = (1..=100).collect();
        for (train, validation) in [(0.0, 0.1), (f64::NAN, 0.1), (0.8, -0.1), (0.8, 0.2)] {
            let refused = Split::from_fractions(&days, &shares(train, validation));
            assert!(matches!(refused, Err(SplitError::Fractions(_))), "{train} {validation}");
        }
        let refused = Split::from_fractions(&[], &shares(0.5, 0.1));
        assert_eq!(refused, Err(SplitError::TooFewDays { n_days: 0 }));
        assert!(Split::from_fractions(&[1], &shares(0.5, 0.1)).is_err());
    }

    #[test]
    fn a_stored_split_is_checked_when_it_is_read() {
        let text = serde_json::to_string(&split()).unwrap();
        assert_eq!(text, r#"{"train_to":10,"validation_to":20,"calibration_to":30}"#);
        assert_eq!(serde_json::from_str::<Split>(&text).unwrap(), split());
        assert!(serde_json::from_str::<Split>(&text.replace("30", "15")).is_err());
    }
}
