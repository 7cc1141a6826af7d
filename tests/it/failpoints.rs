//! Killed or failed at every named step of a cell's life, a run is completed by the same command.

use std::collections::BTreeMap;

use oddlot_engine::failpoint::Failpoint;

use crate::workshop::{Ran, Workshop};

/// One network and one baseline, and a fifth of the usual prices: a blink a run.
pub const PIPELINE: &str = r#"
[source]
path = "prices.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:log_return"
[windows]
length = 4
[split]
train_to = "2013-06-30"
validation_to = "2013-12-31"
calibration_to = "2014-12-31"
[models.autoencoder.detector.lstm_autoencoder]
units = 2
latent = 1
[models.autoencoder.train]
epochs = 1
[models.ewma.detector.ewma_z]
[threshold.quantile]
q = 0.99
[output]
root = "out"
"#;

/// Files by their paths below `out`, with their bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What the run tables tell, but for the runs' names and clocks.
pub const TOLD: [&str; 3] = [
    "SELECT ticker, trade_date, model, event_id FROM alerts ORDER BY 1, 2, 3",
    "SELECT model, model_id, threshold FROM models ORDER BY 1",
    "SELECT DISTINCT ticker, status, n_rows FROM ticker_status ORDER BY 1",
];

/// [`PIPELINE`] over a few prices.
pub fn workshop() -> Workshop {
    let workshop = Workshop::new(PIPELINE);
    let closes = crate::market::closes();
    let few = closes.iter().filter(|row| row.date >= crate::market::date("2013-01-01"));
    let few: Vec<_> = few.filter(|row| row.ticker != "AAA").cloned().collect();
    workshop.write("prices.csv", &crate::market::csv(&few));
    workshop.oddlot(&["import", "prices.csv", "-o", ".", "--name", "prices"]).ok();
    workshop
}

fn run_with(workshop: &Workshop, failpoint: &str) -> Ran {
    let mut command = workshop.command(&["run", "job.toml"]);
    command.env("ODDLOT_FAILPOINT", failpoint).output().unwrap().into()
}

/// The ledger names runs, and rates hold what a clock has measured.
fn is_of_a_run(path: &str) -> bool {
    ["_state/cells/", "_state/rates/"].iter().any(|folder| path.starts_with(folder))
}

/// Points that every run passes; where cells are removed, `planner` kills.
fn passed() -> impl Iterator<Item = &'static Failpoint> {
    Failpoint::ALL.iter().filter(|point| **point != Failpoint::OrphanRemoved)
}

/// Cells, models and everything of `_state` but what differs from run to run.
pub fn lasting(workshop: &Workshop) -> Files {
    let is_lasting = |path: &String| {
        path.contains("/part-") && path.starts_with("tables/")
            || path.starts_with("models/")
            || path.starts_with("_state/") && !is_of_a_run(path)
    };
    workshop.out().into_iter().filter(|(path, _)| is_lasting(path)).collect()
}

/// What a reader may find after a run has stopped at any moment.
fn nothing_is_torn(workshop: &Workshop, whole: &Files, at: &str) {
    for (path, bytes) in lasting(workshop) {
        assert_eq!(whole.get(&path), Some(&bytes), "{at}: {path}");
    }
    let tables = workshop.path("out/tables");
    for path in crate::workshop::tree(&tables).keys() {
        let file = path.rsplit('/').next().unwrap();
        let is_object = ["part-", "run-", "model-"].iter().any(|name| file.starts_with(name));
        assert!(is_object && file.ends_with(".parquet"), "{at}: {path}");
    }
}

/// The same command completes what `at` has stopped, and nobody sees that it was.
pub fn completes(workshop: &Workshop, undisturbed: &Workshop, at: &str) {
    nothing_is_torn(workshop, &lasting(undisturbed), at);
    workshop.run();
    assert_eq!(lasting(workshop), lasting(undisturbed), "{at}");
    assert!(!workshop.path("out/_staging").exists(), "{at}");
    for query in TOLD {
        assert_eq!(workshop.sql(query), undisturbed.sql(query), "{at}: {query}");
    }
    let was_complete = ["run_committed", "staging_removed"].iter().any(|name| at.starts_with(name));
    let runs = workshop.sql("SELECT status, n_rows, n_cells FROM runs");
    let whole = undisturbed.one("SELECT status, n_rows, n_cells FROM runs");
    assert_eq!(runs, vec![whole; 1 + usize::from(was_complete)], "{at}");
    workshop.oddlot(&["verify", "job.toml"]).ok();
}

#[test]
fn a_run_killed_at_any_failpoint_is_completed_by_the_same_command() {
    let undisturbed = workshop();
    undisturbed.run();
    for point in passed() {
        let killed = workshop();
        let ran = run_with(&killed, point.name());
        assert_eq!(ran.code, None, "{}: no signal ended it: {}", point.name(), ran.stderr);
        completes(&killed, &undisturbed, point.name());
    }
}

#[test]
fn a_run_killed_while_it_replaces_cells_is_completed_by_the_same_command() {
    let replaced = |workshop: &Workshop| {
        workshop.run();
        workshop.write("job.toml", &PIPELINE.replace("q = 0.99", "q = 0.95"));
    };
    let undisturbed = workshop();
    replaced(&undisturbed);
    let before = undisturbed.cells();
    undisturbed.run();
    let after = undisturbed.cells();
    assert!(before.iter().all(|(cell, bytes)| after[cell] != *bytes));
    // In the middle of four tables of four years.
    for at in
        ["entry_removed:7", "object_moved:20", "cell_moved:9", "cell_noted:16", "cell_synced:6"]
    {
        let killed = workshop();
        replaced(&killed);
        assert_eq!(run_with(&killed, at).code, None, "{at}: it was not killed");
        for (cell, bytes) in killed.cells() {
            assert!(bytes == before[&cell] || bytes == after[&cell], "{at}: {cell}");
        }
        assert_eq!(killed.cells().len(), before.len(), "{at}: no cell is lost");
        killed.run();
        assert_eq!(killed.cells(), after, "{at}");
        killed.oddlot(&["verify", "job.toml"]).ok();
    }
}

#[test]
fn a_run_that_fails_at_any_failpoint_tidies_up_and_is_completed_by_the_same_command() {
    let undisturbed = workshop();
    undisturbed.run();
    // The last one lies behind the run's end, where nothing can fail any more.
    for point in passed().filter(|point| **point != Failpoint::StagingRemoved) {
        let failed = workshop();
        let at = format!("{}=error", point.name());
        let ran = run_with(&failed, &at).ends_with(73);
        assert!(ran.stderr.contains("a test has stopped this run"), "{at}: {}", ran.stderr);
        assert!(!failed.path("out/_staging").exists(), "{at}");
        completes(&failed, &undisturbed, &at);
    }
}

#[test]
fn a_failpoint_that_is_none_is_refused_before_anything_is_done() {
    let workshop = workshop();
    let ran = run_with(&workshop, "cell_mvoed").ends_with(2);
    assert!(ran.stderr.contains("cell_moved"), "{}", ran.stderr);
    assert!(workshop.out().is_empty());
}
