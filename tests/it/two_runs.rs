//! Two runs of one pipeline at once: one works, the other is told who does.

use crate::failpoints::{lasting, workshop};
use crate::workshop::{Ran, Running};

#[test]
fn a_second_run_of_the_same_parts_is_told_who_holds_them() {
    let held = workshop();
    let first = Running::held(held.command(&["run", "job.toml"]), "split_stored");
    let before = held.out();
    let second = held.oddlot(&["run", "job.toml"]).ends_with(75);
    let id = first.id();
    let found = second.stderr.lines().find(|line| line.starts_with("  found")).unwrap();
    assert!(second.stderr.contains("another run of this pipeline is at work"), "{}", second.stderr);
    assert!(
        found.contains(&format!(", process {id}, since 2")) && found.contains(" on "),
        "{found}"
    );
    assert_eq!(held.out(), before, "it has changed nothing");
    // The name that is told is that of the row that the first one writes.
    let run_id = first.end().ok().json()["run_id"].as_str().unwrap().to_owned();
    assert!(found.contains(&run_id), "{found} {run_id}");
    assert_eq!(held.run()["nothing_to_do"], true);
}

#[test]
fn of_two_runs_at_once_one_wins_and_the_other_is_refused_or_finds_nothing_to_do() {
    let undisturbed = workshop();
    undisturbed.run();
    for round in 0..10 {
        let shared = workshop();
        let runs = [(); 2].map(|()| Running::start(shared.command(&["run", "job.toml"])));
        let ran = runs.map(Running::end);
        let (won, other): (Vec<&Ran>, Vec<&Ran>) = ran.iter().partition(|ran| ran.code == Some(0));
        assert!(!won.is_empty(), "{round}: {} {}", ran[0].stderr, ran[1].stderr);
        assert!(other.iter().all(|ran| ran.code == Some(75)), "{round}: {}", ran[1].stderr);
        let idle = won.iter().filter(|ran| ran.json()["nothing_to_do"] == true).count();
        assert_eq!(idle, won.len() - 1, "{round}: only one does the work");
        assert_eq!(lasting(&shared), lasting(&undisturbed), "{round}");
        assert!(!shared.path("out/_staging").exists(), "{round}");
    }
}

#[test]
fn a_training_is_waited_for_where_a_run_is_asked_to() {
    let held = workshop();
    let first = Running::held(held.command(&["train", "job.toml"]), "model_trained");
    let refused = held.oddlot(&["run", "job.toml"]).ends_with(75).stderr;
    assert!(refused.contains("another run is training the models of this pipeline"), "{refused}");
    assert!(refused.contains("--wait MINUTES"), "{refused}");
    assert!(held.cells().is_empty());
    let mut waits = held.command(&["run", "job.toml", "--wait", "5"]);
    waits.env("ODDLOT_LOG", "info");
    let mut second = Running::start(waits);
    second.until("waiting for models that another run trains");
    first.end().ok();
    let ran = second.end().ok();
    assert!(!ran.stderr.contains("train: "), "it has found them trained: {}", ran.stderr);
    let undisturbed = workshop();
    undisturbed.run();
    assert_eq!(lasting(&held), lasting(&undisturbed));
}
