//! The spans of a run as dates.
//!
//! Fractions are resolved once, when the first model of a pipeline is trained, and stored: a nightly
//! run with one row more must not move the spans under the models.

use std::path::Path;

use chrono::{Datelike, NaiveDate};
use oddlot_engine::fingerprint::trade_days;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind, Report};
use oddlot_series::{Fractions, Spans, Split};
use serde::{Deserialize, Serialize};

use crate::plan::{Plan, SplitPlan};
use crate::prices::Prices;
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

/// Stores what fractions were resolved to, once models rest on it; dates need no storing.
///
/// # Errors
/// The output cannot be written.
pub async fn store(
    plan: &Plan,
    split: Split,
    root: &OutputRoot,
    staging: &Path,
) -> Result<(), Error> {
    let Some(fractions) = fractions_of(plan) else { return Ok(()) };
    let json = serde_json::to_vec_pretty(&Stored { fractions, spans: split.spans() })
        .map_err(|error| Error::bug(format!("a split cannot be written: {error}")))?;
    if root.get(&path(plan)).await?.as_ref() != Some(&json) {
        root.put(staging, &path(plan), &json).await?;
    }
    Ok(())
}

/// The split of a plan over its prices; nothing is stored.
///
/// # Errors
/// Too few days for the fractions; the store cannot be read.
pub async fn preview(
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

/// Days since 1970-01-01.
pub fn day(date: NaiveDate) -> i32 {
    // `num_days_from_ce` of 1970-01-01.
    date.num_days_from_ce() - 719_163
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970() {
        assert_eq!(day(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()), 0);
        assert_eq!(day(NaiveDate::from_ymd_opt(1950, 1, 3).unwrap()), -7303);
    }
}
