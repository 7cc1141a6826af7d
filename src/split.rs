//! The spans of a run as dates.
//!
//! Fractions are resolved once, when the first model of a pipeline is trained, and stored: a nightly
//! run with one row more must not move the spans under the models. Under `retrain = "every 90d"` they do move, by
//! whole steps of so many calendar days: as many as fit between the end of calibration and the last session of the
//! data, which is left to test on. What the clock says decides nothing.

use std::path::Path;

use chrono::{Datelike, NaiveDate};
use oddlot_engine::fingerprint::trade_days;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::ticker_rows::day_of;
use oddlot_engine::{Error, Kind, Report};
use oddlot_series::{Fractions, Spans, Split};
use serde::{Deserialize, Serialize};

use crate::plan::{Plan, SplitPlan};
use crate::prices::Prices;
use crate::settings::retrain::Retrain;
use crate::train::Policy;

/// 9999-12-31, the last day that every reader of Parquet knows: all rows come before it.
const END_OF_DAYS: i32 = 2_932_896;

/// What is stored of resolved fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// train, validation, calibration.
    fractions: [f64; 3],
    spans: Spans,
}

/// How far a split has moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    /// From where.
    spans: Spans,
    /// Days of a step.
    every_days: i32,
    /// Steps.
    steps: i32,
}

/// The split of a plan, and how it came about.
#[derive(Clone, Copy, Debug)]
pub struct Resolved {
    /// As rows fall into it.
    pub split: Split,
    /// As the plan has it, before it moved.
    base: Split,
    moved: Option<Moved>,
}

/// Stores what fractions were resolved to and how far the split has moved, once models rest on it; dates that stay
/// need no storing.
///
/// # Errors
/// The output cannot be written.
pub async fn store(
    plan: &Plan,
    resolved: Resolved,
    root: &OutputRoot,
    staging: &Path,
) -> Result<(), Error> {
    let Resolved { base, moved, .. } = resolved;
    if let Some(fractions) = fractions_of(plan) {
        put(&path(plan), &Stored { fractions, spans: base.spans() }, root, staging).await?;
    }
    if let Some(moved) = moved {
        put(&moved_path(plan), &moved, root, staging).await?;
    }
    Ok(())
}

/// Writes what is not there yet.
async fn put(
    path: &str,
    stored: &impl Serialize,
    root: &OutputRoot,
    staging: &Path,
) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(stored)
        .map_err(|error| Error::bug(format!("a split cannot be written: {error}")))?;
    if root.get(path).await?.as_ref() != Some(&json) {
        root.put(staging, path, &json).await?;
    }
    Ok(())
}

/// The split of a plan over its prices; nothing is stored. It moves on to `as_of`, a day since 1970-01-01, where one
/// is given, else to the last session of the source; never back behind what it has moved to before.
///
/// # Errors
/// Too few days for the fractions; the store cannot be read.
pub async fn preview(
    plan: &Plan,
    prices: &Prices,
    root: Option<&OutputRoot>,
    policy: Policy,
    as_of: Option<i32>,
) -> Result<Resolved, Error> {
    let base = unmoved(plan, prices, root, policy).await?;
    let Retrain::Every(days) = plan.retrain else {
        return Ok(Resolved { split: base, base, moved: None });
    };
    let (spans, every_days) = (base.spans(), days.get());
    let stored = match root {
        Some(root) if policy != Policy::Always => root.get(&moved_path(plan)).await?,
        _ => None,
    };
    let stored = stored.and_then(|json| serde_json::from_slice::<Moved>(&json).ok());
    let stored = stored.filter(|stored| (stored.spans, stored.every_days) == (spans, every_days));
    let last_day = as_of.unwrap_or_else(|| day_of(prices.span.1));
    let steps = stored.map_or(0, |stored| stored.steps).max(steps(spans, every_days, last_day));
    let split = Split::try_from(moved(spans, every_days, steps))
        .map_err(|error| Error::bug(error.to_string()))?;
    Ok(Resolved { split, base, moved: Some(Moved { spans, every_days, steps }) })
}

/// So many steps of `every_days` end before `last_day`.
fn steps(spans: Spans, every_days: i32, last_day: i32) -> i32 {
    last_day.saturating_sub(spans.calibration_to).saturating_sub(1).max(0) / every_days.max(1)
}

fn moved(spans: Spans, every_days: i32, steps: i32) -> Spans {
    let by = every_days.saturating_mul(steps);
    let Spans { train_to, validation_to, calibration_to } = spans;
    Spans {
        train_to: train_to.saturating_add(by),
        validation_to: validation_to.saturating_add(by),
        calibration_to: calibration_to.saturating_add(by),
    }
}

/// The split as the plan has it.
async fn unmoved(
    plan: &Plan,
    prices: &Prices,
    root: Option<&OutputRoot>,
    policy: Policy,
) -> Result<Split, Error> {
    let impossible = |error: oddlot_series::SplitError| Error::bug(error.to_string());
    if let SplitPlan::Dates { train_to, validation_to, calibration_to } = plan.split {
        let spans = Spans {
            train_to: day(train_to),
            validation_to: day(validation_to),
            calibration_to: day(calibration_to),
        };
        return Split::try_from(spans).map_err(impossible);
    }
    if plan.split == SplitPlan::Whole {
        let [train_to, validation_to, calibration_to] = [END_OF_DAYS; 3];
        return Split::try_from(Spans { train_to, validation_to, calibration_to })
            .map_err(impossible);
    }
    if let SplitPlan::Rows { train, validation } = plan.split {
        // Counted from the first day, they stay where they are when later days come: nothing to store.
        let days = trade_days(&prices.session).await?;
        let day = |rows: usize| rows.checked_sub(1).and_then(|last| days.get(last)).copied();
        let (Some(train_to), Some(validation_to)) = (day(train), day(train + validation)) else {
            return Err(Error::new(
                Kind::Data,
                Report::new("the source is too short for its split")
                    .at(plan.places.place("split.train_rows", &plan.file))
                    .expected(format!("at least {} days", train + validation))
                    .found(format!("{} days", days.len()))
                    .hint("lower `train_rows` or `validation_rows` of [split]"),
            ));
        };
        let calibration_to = validation_to;
        return Split::try_from(Spans { train_to, validation_to, calibration_to })
            .map_err(impossible);
    }
    let fractions = fractions_of(plan).unwrap_or_default();
    let stored = match root {
        Some(root) if policy != Policy::Always => root.get(&path(plan)).await?,
        _ => None,
    };
    let stored = stored.and_then(|json| serde_json::from_slice::<Stored>(&json).ok());
    if let Some(stored) = stored.filter(|stored| stored.fractions == fractions) {
        return Split::try_from(stored.spans).map_err(impossible);
    }
    let [train, validation, calibration] = fractions;
    let days = trade_days(&prices.session).await?;
    Split::from_fractions(&days, &Fractions { train, validation, calibration }).map_err(|error| {
        Error::new(
            Kind::Data,
            Report::new("the source is too short for its split")
                .at(plan.places.place("split.train", &plan.file))
                .expected("at least one day in each span")
                .found(error.to_string())
                .hint("add history, or change the fractions of [split]"),
        )
    })
}

fn fractions_of(plan: &Plan) -> Option<[f64; 3]> {
    match plan.split {
        SplitPlan::Dates { .. } | SplitPlan::Rows { .. } | SplitPlan::Whole => None,
        SplitPlan::Fractions { train, validation, calibration } => {
            Some([train, validation, calibration])
        }
    }
}

fn path(plan: &Plan) -> String {
    format!("_state/splits/pipeline={}.json", plan.pipeline.as_str())
}

fn moved_path(plan: &Plan) -> String {
    format!("_state/splits/pipeline={}.moved.json", plan.pipeline.as_str())
}

/// Days since 1970-01-01.
pub fn day(date: NaiveDate) -> i32 {
    // `num_days_from_ce` of 1970-01-01.
    date.num_days_from_ce() - 719_163
}

/// The year of a day, counted from 1970-01-01.
pub fn year_of(day: i32) -> i32 {
    NaiveDate::from_epoch_days(day).map_or(0, |date| date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_moves_by_whole_steps_and_leaves_a_day_to_test_on() {
        let spans = Spans { train_to: 100, validation_to: 150, calibration_to: 200 };
        let of = |last_day| steps(spans, 90, last_day);
        assert_eq!([0, 200, 290].map(of), [0, 0, 0], "a step would end with the last day");
        assert_eq!([291, 380, 381, 1_000].map(of), [1, 1, 2, 8]);
        let there = Spans { train_to: 280, validation_to: 330, calibration_to: 380 };
        assert_eq!((moved(spans, 90, 2), moved(spans, 90, 0)), (there, spans));
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(day(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()), 0);
        assert_eq!(day(NaiveDate::from_ymd_opt(1950, 1, 3).unwrap()), -7303);
    }
}
