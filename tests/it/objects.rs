//! Nothing but finished objects lies under `tables/`, and nothing unfinished is left behind.

use crate::market::{closes, csv};
use crate::workshop::{PIPELINE, Workshop};

#[test]
fn only_finished_objects_lie_under_tables_and_nothing_is_left_in_staging() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    for path in workshop.out().keys() {
        assert!(!path.starts_with("_staging"), "{path}");
        let Some(path) = path.strip_prefix("tables/") else {
            assert!(path.starts_with("models/") || path.starts_with("_state/"), "{path}");
            continue;
        };
        let parts: Vec<&str> = path.split('/').collect();
        let [table, pipeline, year, file] = parts[..] else { panic!("{path}") };
        assert_eq!(pipeline, "pipeline=job");
        assert!(year.starts_with("year=2"), "{path}");
        let is_ours = match table {
            "errors" | "reconstructions" | "anomalies" | "events" => file == "part-00000.parquet",
            "models" => file.starts_with("model-") && file.ends_with(".parquet"),
            "runs" | "ticker_status" | "alerts" => {
                file.starts_with("run-") && file.ends_with(".parquet")
            }
            _ => false,
        };
        assert!(is_ours, "{path}");
    }
    assert!(!workshop.path("out/_staging").exists());
}

#[test]
fn a_root_that_is_a_file_ends_with_73_and_stays_as_it_is() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.write("out", "a letter");
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(73);
    assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    assert_eq!(std::fs::read_to_string(workshop.path("out")).unwrap(), "a letter");
}

#[test]
fn an_output_that_fails_half_way_ends_with_73_and_leaves_no_staging() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    // No cell of `events` can be written, and `events` comes last.
    std::fs::create_dir_all(workshop.path("out/tables")).unwrap();
    workshop.write("out/tables/events", "a letter");
    workshop.oddlot(&["run", "job.toml"]).ends_with(73);
    assert!(!workshop.path("out/_staging").exists());
    assert_eq!(workshop.cells().len(), 21, "what was committed before stays");
    assert!(!workshop.path("out/tables/runs").exists(), "the run is not complete");

    // The obstacle is removed, and the same command resumes.
    std::fs::remove_file(workshop.path("out/tables/events")).unwrap();
    assert_eq!(workshop.run()["cells_replaced"], 7);
    let undisturbed = Workshop::with_prices(&csv(&closes()));
    undisturbed.run();
    assert_eq!(workshop.cells(), undisturbed.cells());
    let told = "SELECT ticker, trade_date, model FROM alerts ORDER BY ticker, trade_date, model";
    assert_eq!(workshop.sql(told), undisturbed.sql(told), "no alert is lost");
}

#[test]
fn a_job_that_cannot_be_calibrated_writes_no_table_and_leaves_no_staging() {
    // The calibration span lies on one day that is a Saturday.
    let pipeline = PIPELINE.replace("2012-12-31", "2013-01-04").replace("2013-12-31", "2013-01-05");
    let workshop = Workshop::new(&pipeline);
    workshop.prices(&csv(&closes()));
    let ran = workshop.oddlot(&["run", "job.toml"]).ends_with(3);
    assert!(ran.stderr.contains("cannot be calibrated"), "{}", ran.stderr);
    assert_eq!(workshop.out().len(), 0, "{:?}", workshop.out().keys());
    assert!(!workshop.path("out/_staging").exists());
}
