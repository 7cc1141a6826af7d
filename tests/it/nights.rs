//! What schedulers ask for: `--as-of`, days without a session, `--skip-code` and `--result-file`.

use std::fs;

use serde_json::{Value, json};

use crate::market::{closes, csv, date, until};
use crate::workshop::{PIPELINE, Workshop, year_of};

fn result(workshop: &Workshop, name: &str) -> Value {
    serde_json::from_slice(&fs::read(workshop.path(name)).unwrap()).unwrap()
}

/// A run as a scheduler starts it.
fn nightly(as_of: &str) -> [&str; 8] {
    ["run", "job.toml", "--as-of", as_of, "--skip-code", "99", "--result-file", "result.json"]
}

#[test]
fn a_night_after_a_session_scores_it_and_a_night_without_one_is_skipped() {
    // The market was closed on 2012-10-29 and 30, a Monday and a Tuesday.
    let closed = ["2012-10-29", "2012-10-30"].map(date);
    let mut prices = closes();
    prices.retain(|row| !closed.contains(&row.date));
    let workshop = Workshop::new(PIPELINE);
    workshop.prices(&csv(&until(&prices, "2012-10-26")));
    let first = workshop.oddlot(&nightly("2012-10-26T22:30:00+00:00")).ends_with(3);
    assert!(first.stderr.contains("calibration"), "too little to calibrate on: {}", first.stderr);
    let told = result(&workshop, "result.json");
    assert_eq!((&told["exit"], &told["pipeline"]), (&3.into(), &"job".into()));

    workshop.prices(&csv(&prices));
    workshop.run();
    for (as_of, session) in [
        ("2012-10-29 22:30:00+00:00", "2012-10-26"),
        ("2012-10-31T00:00:00Z", "2012-10-26"),
        ("2012-10-31T20:59:00Z", "2012-10-26"),
        ("2012-10-31T21:00:00Z", "2012-10-31"),
    ] {
        let ran = workshop.oddlot(&nightly(as_of)).ends_with(99).json();
        assert_eq!(ran["session"], session, "{as_of}");
        let told = result(&workshop, "result.json");
        assert_eq!(told["exit"], 99);
        assert_eq!(told["run_id"], ran["run_id"]);
    }
    for day in ["2012-10-29", "2012-10-30", "2012-10-27", "2017-01-01"] {
        for command in ["run", "score", "plan"] {
            let ran = workshop.oddlot(&[command, "job.toml", "--date", day]).ok();
            let why = format!("nothing to do: {day} is no session of the source");
            assert!(ran.stdout.contains(&why), "{}", ran.stdout);
        }
    }
    assert_eq!(
        workshop.oddlot(&["run", "job.toml", "--date", "2012-10-29"]).ok().json()["cells"],
        0
    );
    // A Tuesday after the end of the source is no holiday: its rows are missing.
    let late = workshop.oddlot(&["run", "job.toml", "--date", "2017-01-03"]).ends_with(3);
    assert!(late.stderr.contains("the source has no row in the range"), "{}", late.stderr);
    workshop.oddlot(&["run", "job.toml", "--as-of", "2009-12-31T00:00:00Z"]).ok();
}

#[test]
fn a_night_writes_the_cells_of_its_session_and_says_so_in_a_file() {
    let workshop = Workshop::with_prices(&csv(&until(&closes(), "2016-12-29")));
    workshop.run();
    workshop.prices(&csv(&closes()));
    let before = workshop.cells();
    let ran = workshop.oddlot(&nightly("2016-12-30T22:30:00Z")).ends_with(0).json();
    // Scores and reconstructions of 2016; nobody flags the new day, so that flags are as they were.
    assert_eq!((&ran["session"], &ran["cells_replaced"]), (&"2016-12-30".into(), &2.into()));
    let changed = crate::workshop::changed(&before, &workshop.cells());
    assert!(changed.iter().all(|cell| year_of(cell) == 2016));
    let mut told = result(&workshop, "result.json");
    assert_eq!(told["exit"], 0);
    told.as_object_mut().unwrap().remove("exit");
    assert_eq!(told, ran);

    // A session that closes at another hour.
    let tokyo = PIPELINE.replace("[features]", "session_close = \"06:30\"\n[features]");
    workshop.write("job.toml", &tokyo);
    let ran = workshop.oddlot(&["run", "job.toml", "--as-of", "2016-12-29T06:30:00Z"]).ok().json();
    assert_eq!((&ran["session"], &ran["cells_replaced"]), (&"2016-12-29".into(), &0.into()));
}

#[test]
fn several_pipelines_are_skipped_only_if_none_had_anything_to_do() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.write("other.toml", PIPELINE);
    let both =
        ["run", "job.toml", "other.toml", "--skip-code", "99", "--result-file", "result.json"];
    workshop.run();
    workshop.oddlot(&both).ends_with(0);
    workshop.oddlot(&both).ends_with(99);
    let told = result(&workshop, "result.json");
    let exits: Vec<&Value> = told.as_array().unwrap().iter().map(|one| &one["exit"]).collect();
    assert_eq!(exits, [&json!(99), &json!(99)]);
    workshop.write("other.toml", "[source]");
    workshop.oddlot(&both).ends_with(78);
    assert_eq!(result(&workshop, "result.json")[1]["exit"], 78);
    // A failure is told too, and a place that cannot be is refused before anything is done.
    let nowhere = ["run", "job.toml", "--result-file", "no/such/folder.json"];
    workshop.oddlot(&nowhere).ends_with(73);
}
