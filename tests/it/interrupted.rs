//! Killed in the middle, a run leaves whole cells, and the same command completes it.

use std::process::Stdio;

use crate::market::{closes, csv};
use crate::workshop::{PIPELINE, Workshop, tree};

/// Looks at the first cells before they are given up: far more than a run takes.
const LOOKS_MAX: usize = 50_000_000;

/// Many cells, so that the kill falls between two of them: 4 tables × 7 years × 8 parts.
fn workshop() -> Workshop {
    let workshop = Workshop::new(&PIPELINE.replace("root = \"out\"", "root = \"out\"\nparts = 8"));
    workshop.prices(&csv(&closes()));
    workshop
}

/// Kills a run once it has committed a cell in `folder`; whether it was still in the middle.
fn kill_in(folder: &str, workshop: &Workshop) -> bool {
    let folder = workshop.path("out/tables").join(folder);
    let has_cell = || !tree(&folder).is_empty();
    let mut run = workshop.command(&["run", "job.toml"]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut has_ended = false;
    for look in 0..LOOKS_MAX {
        has_ended = look % 100 == 0 && run.try_wait().unwrap().is_some();
        if has_ended || has_cell() {
            break;
        }
        std::thread::yield_now();
    }
    assert!(has_ended || has_cell(), "no cell was ever written");
    // On Unix this is SIGKILL.
    run.kill().unwrap();
    run.wait().unwrap();
    !workshop.path("out/tables/runs").exists()
}

#[test]
fn a_killed_run_is_completed_by_the_same_command_and_loses_nothing() {
    let undisturbed = workshop();
    undisturbed.run();
    let whole = undisturbed.cells();
    let told = "SELECT ticker, trade_date, model FROM alerts ORDER BY ticker, trade_date, model";
    let models = "SELECT model, model_id, threshold FROM models ORDER BY model";
    for table in ["reconstructions", "events/pipeline=job/year=2015"] {
        let killed = workshop();
        assert!(kill_in(table, &killed), "{table}: the run was over before it could be killed");
        let left = killed.cells();
        assert!(!left.is_empty() && left.len() < whole.len(), "{table}: {} cells", left.len());
        // Whatever is there is whole, and can be read.
        assert!(left.iter().all(|(cell, bytes)| whole[cell] == *bytes), "{table}");
        killed.sql("SELECT count(*) FROM reconstructions");

        let resumed = killed.run();
        assert_eq!(killed.cells(), whole, "{table}");
        assert!(resumed["cells_replaced"].as_u64() <= Some((whole.len() - left.len()) as u64 + 1));
        assert_eq!(killed.sql(told), undisturbed.sql(told), "{table}: no alert is lost");
        assert_eq!(killed.sql(models), undisturbed.sql(models), "{table}: no model is unlisted");
    }
}

#[test]
fn a_run_that_fails_after_its_last_cell_loses_neither_alerts_nor_models() {
    let undisturbed = Workshop::with_prices(&csv(&closes()));
    undisturbed.run();
    // Whether a model is listed is read first, and what cannot be read may be so for a while only.
    for (table, code) in [("models", 75), ("ticker_status", 73), ("alerts", 73), ("runs", 73)] {
        let stopped = Workshop::with_prices(&csv(&closes()));
        std::fs::create_dir_all(stopped.path("out/tables")).unwrap();
        let obstacle = format!("out/tables/{table}");
        stopped.write(&obstacle, "a letter");
        stopped.oddlot(&["run", "job.toml"]).ends_with(code);
        assert_eq!(stopped.cells(), undisturbed.cells(), "{table}");
        std::fs::remove_file(stopped.path(&obstacle)).unwrap();
        assert_eq!(stopped.run()["cells_replaced"], 0, "{table}");
        for query in [
            "SELECT model, model_id, threshold FROM models ORDER BY model",
            "SELECT DISTINCT ticker, status FROM ticker_status ORDER BY ticker",
            "SELECT ticker, trade_date, model FROM alerts ORDER BY ticker, trade_date, model",
        ] {
            assert_eq!(stopped.sql(query), undisturbed.sql(query), "{table}: {query}");
        }
    }
}
