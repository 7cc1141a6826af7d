use std::path::Path;

use oddlot_engine::fingerprint::Reach;

use super::*;

fn plan(parts: u32) -> Plan {
    let text = format!(
        r#"
[source]
path = "prices.parquet"
columns = {{ ticker = "ticker", ts = "date", value = "close" }}
[features]
sql = "builtin:close"
[windows]
length = 5
[split]
train_to = "2001-12-31"
validation_to = "2004-12-31"
calibration_to = "2011-12-22"
[models.ewma.detector.ewma_z]
[threshold.quantile]
q = 0.99
[output]
root = "out"
parts = {parts}
"#
    );
    Plan::from_text("job.toml", &text, Path::new("."), &|_| None).unwrap()
}

fn cell(table: Table, year: i32, part: u32) -> Cell {
    Cell { table, pipeline: "job".into(), year, part }
}

#[test]
fn fewer_parts_than_the_tables_have_need_a_run_of_everything() {
    let cell = cell(Table::Errors, 2000, 2);
    let of =
        |range, tickers: &Selection| refuse_some_of_fewer_parts(&plan(2), &cell, range, tickers);
    assert!(of(Range::default(), &Selection::default()).is_ok());
    let from = Some("2000-01-01".parse().unwrap());
    let error = of(Range { from, to: None }, &Selection::default()).unwrap_err();
    assert_eq!(error.kind, oddlot_engine::Kind::Config);
    assert_eq!(error.reports[0].expected.as_deref(), Some("output.parts > 2"));
}

const DAY_US: i64 = 86_400_000_000;

/// Ten rows a year from 1970 on for eight years, `value` in the row of that index.
fn digest(changed: Option<usize>) -> InputDigest {
    let ts: Vec<i64> =
        (0..80).map(|row| (row / 10 * 365 + row / 10 / 2 + row % 10 + 10) * DAY_US).collect();
    let mut values = vec![1.0; 80];
    if let Some(row) = changed {
        values[row] = 2.0;
    }
    let mut digest = InputDigest::default();
    digest.add("A", &ts, &values, 1);
    digest
}

/// Of scores that depend on ten rows before and two after.
fn prints(is_across: bool) -> Prints {
    let reach = Reach { rows_before: 10, rows_after: 2 };
    let selection = Selection::default();
    let context = String::new();
    let (of_parts, settings, models) = Default::default();
    Prints {
        context,
        of_parts,
        settings,
        models,
        parts: 1,
        reach,
        event_rows: 1,
        is_across,
        selection,
    }
}

/// Years of `table` that a changed row dirties; events reach as `span` says of a year.
fn dirty(
    table: Table,
    changed: usize,
    is_across: bool,
    span: impl Fn(i32) -> (i32, i32),
) -> Vec<i32> {
    let prints = prints(is_across);
    let (old, new) = (digest(None), digest(Some(changed)));
    assert_eq!(old.years(), (1970..1978).collect::<Vec<_>>());
    let is_dirty = |year: &i32| {
        let cell = cell(table, *year, 0);
        prints.of(&old, &cell, span(*year)) != prints.of(&new, &cell, span(*year))
    };
    (1970..1978).filter(is_dirty).collect()
}

#[test]
fn a_changed_row_dirties_the_years_within_reach() {
    // A row of 1973: 1974 looks ten rows back on it, 1972 two rows ahead.
    for is_across in [false, true] {
        assert_eq!(dirty(Table::Errors, 35, is_across, |y| (y, y)), [1972, 1973, 1974]);
        // Whether an event goes on into 1974, or began before it, is one row further.
        assert_eq!(dirty(Table::Events, 35, is_across, |y| (y, y)), [1972, 1973, 1974, 1975]);
    }
}

#[test]
fn an_event_of_many_years_is_dirtied_by_any_of_them() {
    let long = |year| if year == 1970 { (1970, 1976) } else { (year, year) };
    assert_eq!(dirty(Table::Events, 75, false, long), [1970, 1976, 1977]);
    // Scores know nothing of events.
    assert_eq!(dirty(Table::Errors, 75, false, long), [1976, 1977]);
}

#[test]
fn a_range_touches_whole_years() {
    let date = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
    let range = Range { from: date("1972-06-01"), to: date("1973-01-01") };
    let touched: Vec<i32> = (1970..1976).filter(|year| range.touches(*year)).collect();
    assert_eq!(touched, [1972, 1973]);
    assert_eq!(range.to_string(), "1972-06-01 … 1973-01-01");
    assert!(Range { from: None, to: date("1969-12-31") }.touches(1969));
    assert!((1960..1980).all(|year| Range::default().touches(year)));
}

#[test]
fn a_cell_whose_events_reach_as_far_as_they_did_keeps_the_fingerprint_that_it_was_chosen_by() {
    let (prints, digest) = (prints(false), digest(None));
    let print = |table, span| {
        let chosen = Chosen {
            cell: cell(table, 1972, 0),
            fingerprint: "as chosen".to_owned(),
            entry: None,
            why: Vec::new(),
        };
        (prints.of_chosen(&digest, &chosen, span), prints.of(&digest, &chosen.cell, span))
    };
    assert_eq!(print(Table::Events, (1972, 1972)).0, "as chosen");
    let (found, expected) = print(Table::Events, (1972, 1975));
    assert_eq!(found, expected);
    // Scores know nothing of events.
    assert_eq!(print(Table::Errors, (1972, 1975)).0, "as chosen");
}
