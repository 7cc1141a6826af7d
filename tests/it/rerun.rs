//! The same command again: nothing changes, and where all is made anew it becomes the same.

use crate::market::{closes, csv};
use crate::workshop::{MODELS, Workshop, changed};

#[test]
fn the_same_command_twice_replaces_no_cell_and_says_so() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let first = workshop.run();
    // 4 tables × 7 years.
    assert_eq!((&first["cells"], &first["cells_replaced"]), (&28.into(), &28.into()));
    let before = workshop.cells();
    assert_eq!(before.len(), 28);

    let again = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(
        again.stdout.contains("nothing to do: all 28 cells are up to date"),
        "{}",
        again.stdout
    );
    let second = again.json();
    assert_eq!(second["cells_replaced"], 0);
    assert_eq!(second["alerts"], 0);
    // What the tables say is told again.
    assert_eq!(second["models"], first["models"]);
    assert_eq!(second["anomalies"], first["anomalies"]);
    assert_eq!(changed(&before, &workshop.cells()), [""; 0]);
    let runs = workshop.sql("SELECT status, n_cells_replaced FROM runs ORDER BY run_id");
    assert_eq!(runs, ["complete,28", "complete,0"]);
}

#[test]
fn a_full_refresh_and_any_number_of_threads_give_the_same_bytes() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    let (cells, model_ids) = (workshop.cells(), workshop.model_ids());
    assert_eq!(model_ids.len(), MODELS.len());
    for threads in ["1", "2", "7"] {
        let command = ["run", "job.toml", "--full-refresh", "--threads", threads];
        let again = workshop.oddlot(&command).ok().json();
        assert_eq!(again["cells_replaced"], 28, "--full-refresh writes every cell");
        assert_eq!(changed(&cells, &workshop.cells()), [""; 0], "--threads {threads}");
        assert_eq!(workshop.model_ids(), model_ids, "--threads {threads}");
    }
    // A cell that was never there before is no copy of the old one either.
    let other = Workshop::with_prices(&csv(&closes()));
    other.oddlot(&["run", "job.toml", "--threads", "3"]).ok();
    assert_eq!(changed(&cells, &other.cells()), [""; 0], "another folder");
}

#[test]
fn a_cell_that_was_deleted_is_written_again() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    let before = workshop.cells();
    let cell = "errors/pipeline=job/year=2014/part-00000.parquet";
    std::fs::remove_file(workshop.path("out/tables").join(cell)).unwrap();
    assert_eq!(workshop.run()["cells_replaced"], 1);
    assert_eq!(changed(&before, &workshop.cells()), [""; 0]);
}
