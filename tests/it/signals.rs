//! Told to end, a run finishes the cell that it is writing and begins no other; told twice, it ends at once.
#![cfg(unix)]

use crate::failpoints::{completes, lasting, workshop};
use crate::workshop::{Running, Workshop, tree};

/// What a first signal is answered with.
const FINISHING: &str = "what is in hand is finished";

/// No run is told of as complete, and the same command completes it.
fn completed(workshop: &Workshop, undisturbed: &Workshop, at: &str) {
    assert!(!workshop.path("out/tables/runs").exists(), "{at}: it is not complete");
    completes(workshop, undisturbed, at);
}

#[test]
fn a_run_that_is_told_to_end_finishes_its_cell_and_the_same_command_does_the_rest() {
    let undisturbed = workshop();
    undisturbed.run();
    let n_cells = undisturbed.cells().len();
    // Held with the old entry gone and the cell not there yet, and with the cell there and no entry.
    for (signal, code, at, n_done) in
        [("TERM", 143, "entry_removed:5", 5), ("INT", 130, "cell_moved:3", 3)]
    {
        let told = workshop();
        let run = ["run", "job.toml", "--result-file", "result.json"];
        let mut running = Running::held(told.command(&run), at);
        running.signal(signal);
        running.until(FINISHING);
        let ran = running.end().ends_with(code);
        let left = n_cells - n_done;
        let found = format!("found     {n_done} of {n_cells} cells are written, {left} remain");
        assert!(ran.stderr.contains(&found), "{at}: {}", ran.stderr);
        assert_eq!(told.cells().len(), n_done, "{at}: no other was begun");
        let entries = tree(&told.path("out/_state/cells"));
        assert_eq!(entries.len(), n_done, "{at}: each is in the ledger");
        assert!(!told.path("out/_staging").exists(), "{at}: it has tidied up");
        let result = std::fs::read_to_string(told.path("result.json")).unwrap();
        assert!(result.contains(&format!("\"exit\":{code}")), "{at}: {result}");
        completed(&told, &undisturbed, at);
    }
}

#[test]
fn a_run_that_is_told_twice_ends_at_once_and_tears_nothing() {
    let undisturbed = workshop();
    undisturbed.run();
    let told = workshop();
    let mut running = Running::held(told.command(&["run", "job.toml"]), "cell_moved:6");
    running.signal("TERM");
    running.until(FINISHING);
    running.signal("TERM");
    // It is held still: nobody has let it go on.
    let ran = running.ended().ends_with(143);
    assert!(!ran.stderr.contains("cells are written"), "{}", ran.stderr);
    assert_eq!(told.cells().len(), 6);
    assert!(told.cells().iter().all(|(cell, bytes)| undisturbed.cells()[cell] == *bytes));
    completed(&told, &undisturbed, "told twice");
}

#[test]
fn a_run_that_is_told_to_end_while_it_learns_ends_before_the_next_epoch() {
    let undisturbed = workshop();
    undisturbed.run();
    let told = workshop();
    let mut running = Running::held(told.command(&["run", "job.toml"]), "epoch_trained");
    running.signal("TERM");
    running.until(FINISHING);
    // The thread that learns is held still, and is not waited for.
    let ran = running.ended().ends_with(143);
    let found = "found     training: 1 of 1 epochs; a model that is not stored yet is begun anew";
    assert!(ran.stderr.contains(found), "{}", ran.stderr);
    assert!(!told.path("out/models").exists() && told.cells().is_empty());
    completed(&told, &undisturbed, "learning");
}

#[test]
fn a_run_that_is_told_to_end_as_it_commits_is_done() {
    let undisturbed = workshop();
    undisturbed.run();
    let told = workshop();
    let mut running = Running::held(told.command(&["run", "job.toml"]), "alerts_told");
    running.signal("TERM");
    running.until(FINISHING);
    running.end();
    assert_eq!(lasting(&told), lasting(&undisturbed));
    assert_eq!(told.one("SELECT status FROM runs"), "complete");
}
