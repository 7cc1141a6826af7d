//! Which rows teach, stop, calibrate and test.

use chrono::NaiveDate;
use oddlot_engine::Report;
use serde::Serialize;

use crate::settings::{
    Mistakes,
    range::SpanRows,
    split::Split,
    value::{Placed, as_iso},
};

/// Four spans, one after the other; the test span is what is left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitPlan {
    /// By last trading dates, inclusive and strictly ascending.
    Dates {
        /// Last day to train on.
        #[serde(serialize_with = "as_iso")]
        train_to: NaiveDate,
        /// Last day to validate on.
        #[serde(serialize_with = "as_iso")]
        validation_to: NaiveDate,
        /// Last day to calibrate on.
        #[serde(serialize_with = "as_iso")]
        calibration_to: NaiveDate,
    },
    /// By counts of the sorted distinct dates, without calibration; only where a published protocol is reproduced.
    Rows {
        /// Days to train on, at least one.
        train: usize,
        /// Days to validate on after those, perhaps none.
        validation: usize,
    },
    /// By shares of the sorted distinct dates; each above zero, their sum below one.
    Fractions {
        /// Share to train on.
        train: f64,
        /// Share to validate on.
        validation: f64,
        /// Share to calibrate on.
        calibration: f64,
    },
    /// None: all rows teach the detectors that score them. They are told as rows of the training span.
    Whole,
}

impl SplitPlan {
    pub(super) fn lower(
        split: &Split,
        is_dated: bool,
        is_published: bool,
        mistakes: &Mistakes<'_>,
    ) -> Option<Self> {
        if Split::ROWS.iter().any(|key| split.keys.contains(key)) {
            return by_rows(split, is_published, mistakes);
        }
        let has =
            |keys: [&'static str; 3]| keys.into_iter().filter(|k| split.keys.contains(k)).count();
        match (has(Split::DATES), has(Split::FRACTIONS)) {
            (0, 0) => {
                let report = Report::new("[split] has neither dates nor fractions")
                    .expected(format!("{}; or {}", list(Split::DATES), list(Split::FRACTIONS)))
                    .found("none of them")
                    .hint("add `train_to = \"2001-12-31\"` and so on, or `train = 0.6` and so on");
                mistakes.add(split.at, report);
                None
            }
            (0, _) => by_fractions(split, mistakes),
            (_, 0) => by_dates(split, is_dated, mistakes),
            _ => {
                let report = Report::new("[split] mixes dates and fractions")
                    .expected(format!("{}; or {}", list(Split::DATES), list(Split::FRACTIONS)))
                    .found(split.keys.join(", "))
                    .hint("keep one kind");
                mistakes.add(split.at, report);
                None
            }
        }
    }
}

fn by_dates(split: &Split, is_dated: bool, mistakes: &Mistakes<'_>) -> Option<SplitPlan> {
    let is_complete = tell_missing(split, Split::DATES, "= \"YYYY-MM-DD\"", mistakes);
    if !is_dated {
        let report = Report::new("a split by dates needs dates")
            .expected("a time column, `source.columns.ts`, or a split by fractions")
            .found("rows numbered without dates")
            .hint("name the time column, or write `train = 0.6` and so on");
        mistakes.add(split.at, report);
    }
    let dates = [&split.train_to, &split.validation_to, &split.calibration_to];
    let mut is_ascending = true;
    for (earlier, later) in [(0, 1), (1, 2), (0, 2)] {
        let (Some(first), Some(second)) = (dates[earlier], dates[later]) else { continue };
        // The outer pair says nothing new where the middle date is there.
        if later - earlier == 2 && dates[1].is_some() {
            continue;
        }
        if second.value <= first.value {
            is_ascending = false;
            let (first_key, second_key) = (Split::DATES[earlier], Split::DATES[later]);
            let report = Report::new("the split's dates are out of order")
                .expected(format!("`{second_key}` later than {} ({first_key})", first.value))
                .found(format!("{second_key} = {}", second.value))
                .hint("train, validation and calibration follow each other; the test span is the rest");
            mistakes.add(second.at, report);
        }
    }
    if !(is_complete && is_dated && is_ascending) {
        return None;
    }
    Some(SplitPlan::Dates {
        train_to: split.train_to.as_ref()?.value,
        validation_to: split.validation_to.as_ref()?.value,
        calibration_to: split.calibration_to.as_ref()?.value,
    })
}

fn by_rows(split: &Split, is_published: bool, mistakes: &Mistakes<'_>) -> Option<SplitPlan> {
    if !is_published {
        let report = Report::new("a split by rows leaves nothing to calibrate on")
            .expected(format!("{}; or {}", list(Split::DATES), list(Split::FRACTIONS)))
            .found(split.keys.join(", "))
            .hint("split by dates; only what reproduces a published protocol, [as_published], counts rows");
        mistakes.add(split.at, report);
        return None;
    }
    if split.keys.iter().any(|key| !Split::ROWS.contains(key)) {
        let report = Report::new("[split] mixes rows with dates or fractions")
            .expected(Split::ROWS.join(", "))
            .found(split.keys.join(", "))
            .hint("keep one kind");
        mistakes.add(split.at, report);
        return None;
    }
    let rows = |placed: &Option<Placed<SpanRows>>| placed.as_ref().map(|rows| rows.value.get());
    let train = rows(&split.train_rows).filter(|rows| *rows > 0);
    let Some(train) = train else {
        let report = Report::new("[split] has no row to train on")
            .expected("`train_rows` of 1 or more")
            .found(split.keys.join(", "))
            .hint("add `train_rows = 7782`");
        mistakes.add(split.at, report);
        return None;
    };
    Some(SplitPlan::Rows { train, validation: rows(&split.validation_rows).unwrap_or(0) })
}

fn by_fractions(split: &Split, mistakes: &Mistakes<'_>) -> Option<SplitPlan> {
    tell_missing(split, Split::FRACTIONS, "= 0.2", mistakes);
    let share = |fraction: &Option<Placed<_>>| fraction.as_ref().map(fraction_of);
    let train = share(&split.train)?;
    let validation = share(&split.validation)?;
    let calibration = share(&split.calibration)?;
    let sum = train + validation + calibration;
    // A billionth is below any share of real dates and above rounding (0.1 + 0.2 + 0.7 is not 1).
    if sum < 1.0 - 1e-9 {
        return Some(SplitPlan::Fractions { train, validation, calibration });
    }
    let report = Report::new("the split leaves nothing to test")
        .expected("train + validation + calibration < 1")
        .found(format!("{train} + {validation} + {calibration} = {}", (sum * 1e9).round() / 1e9))
        .hint("lower one of them: the rest is the test span");
    mistakes.add(split.train.as_ref().and_then(|train| train.at), report);
    None
}

fn fraction_of(placed: &Placed<crate::settings::range::Fraction>) -> f64 {
    placed.value.get()
}

/// Tells which keys of a kind are missing; whether there was none.
fn tell_missing(
    split: &Split,
    keys: [&'static str; 3],
    example: &str,
    mistakes: &Mistakes<'_>,
) -> bool {
    let missing: Vec<_> = keys.into_iter().filter(|key| !split.keys.contains(key)).collect();
    for key in &missing {
        let report = Report::new(format!("`split.{key}` is missing"))
            .expected(format!("all of {}", list(keys)))
            .found(format!("only {}", split.keys.join(", ")))
            .hint(format!("add `{key} {example}`"));
        mistakes.add(split.at, report);
    }
    missing.is_empty()
}

fn list(keys: [&str; 3]) -> String {
    keys.join(", ")
}
