//! One run of a part at a time on a bucket, whichever machine it is on.

use std::process::Command;

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::market::{closes, csv, revise};
use crate::workshop::{PIPELINE, Ran, Running, Workshop, changed};

const TRAINING: &str = "tables/base/_state/leases/pipeline=job/training.json";
const LEASE: &str = "tables/base/_state/leases/pipeline=job/part-00000.json";

/// The terms of a run on another machine.
fn other(until: &str) -> Vec<u8> {
    let place = "elsewhere 5b1f 2:7";
    let terms = json!({ "run_id": "other", "place": place, "token": 41, "until": until });
    serde_json::to_vec(&terms).unwrap()
}

fn held_by_another(cloud: &Cloud, until: &str) {
    let file = cloud.file(LEASE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, other(until)).unwrap();
}

fn terms(cloud: &Cloud) -> Value {
    serde_json::from_slice(&std::fs::read(cloud.file(LEASE)).unwrap()).unwrap()
}

#[test]
fn a_run_on_another_machine_is_named_and_nothing_is_written() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    held_by_another(&cloud, "2999-01-01T00:00:00Z");
    let before = cloud.out();
    let ran = cloud.oddlot(&["run", "job.toml"]).ends_with(75);
    let told = "error: another run of this pipeline is at work\n  --> s3://tables/base\n  \
        expected  one run at a time of part 0 of `job`\n  \
        found     run other on elsewhere, whose lease ends at 2999-01-01T00:00:00Z unless it goes on\n  \
        hint: wait until it has ended, then run the same command again\n";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(changed(&before, &cloud.out()), [""; 0]);
    // Who only reads needs none.
    cloud.oddlot(&["plan", "job.toml"]).ok();
}

#[test]
fn a_lease_that_ran_out_is_taken_over_and_given_up_at_the_end() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    held_by_another(&cloud, "2026-01-01T00:00:00Z");
    cloud.oddlot(&["run", "job.toml"]).ok();
    assert_eq!(
        (&terms(&cloud)["token"], &terms(&cloud)["until"]),
        (&42.into(), &"1970-01-01T00:00:00Z".into())
    );
    let run = cloud.oddlot(&["run", "job.toml"]).ok().json();
    assert_eq!((&terms(&cloud)["token"], &terms(&cloud)["run_id"]), (&43.into(), &run["run_id"]));
}

#[test]
fn a_run_that_has_lost_its_lease_replaces_no_cell_any_more() {
    let mut prices = closes();
    let cloud = Cloud::with_prices(&csv(&prices));
    cloud.oddlot(&["run", "job.toml"]).ok();
    let before = cloud.cells();
    revise(&mut prices, "AAA", "2015-06-01", 3, 2);
    cloud.workshop.prices(&csv(&prices));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
    // It was suspended, another machine took over, and now it goes on.
    let file = cloud.file(LEASE);
    cloud.before("PutObject", "_state/counts/", move || {
        std::fs::write(file, other("2999-01-01T00:00:00Z")).unwrap();
    });
    let ran = cloud.oddlot(&["run", "job.toml"]).ends_with(75);
    assert!(ran.stderr.contains("this run has lost its lease"), "{}", ran.stderr);
    assert!(ran.stderr.contains("it is held by run other now"), "{}", ran.stderr);
    assert_eq!(changed(&before, &cloud.cells()), [""; 0]);
    assert_eq!(terms(&cloud)["run_id"], "other", "what is another's is not given up");
}

/// A command on another machine: it shares no file with this one.
fn elsewhere(cloud: &Cloud, arguments: &[&str]) -> Command {
    let folder = cloud.workshop.path("elsewhere");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = cloud.command(arguments);
    command.env("TMPDIR", folder);
    command
}

#[test]
fn a_second_machine_is_told_who_is_at_work_and_goes_on_after_a_run_that_was_told_to_end() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let run = ["run", "job.toml"];
    let first = Running::held(cloud.command(&run), "cell_moved:2");
    let second = Ran::from(elsewhere(&cloud, &run).output().unwrap()).ends_with(75).stderr;
    assert!(second.contains(&format!(", process {}, since 2", first.id())), "{second}");
    assert!(second.contains("whose lease ends at 2"), "{second}");
    first.signal("TERM");
    let mut first = first;
    first.until("what is in hand is finished");
    let first = first.end().ends_with(143);
    assert!(first.stderr.contains("2 of 28 cells are written, 26 remain"), "{}", first.stderr);
    assert_eq!(terms(&cloud)["until"], "1970-01-01T00:00:00Z", "it is given up");
    Ran::from(elsewhere(&cloud, &run).output().unwrap()).ok();
    let local = Workshop::with_prices(&csv(&closes()));
    local.run();
    assert_eq!(changed(&local.cells(), &cloud.cells()), [""; 0]);
}

#[test]
fn shards_on_two_machines_equal_one_run_and_one_of_them_trains() {
    let pipeline = PIPELINE.replace("root = \"out\"", "root = \"out\"\nparts = 4");
    let cloud = Cloud::new(&pipeline);
    cloud.workshop.prices(&csv(&closes()));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
    let shard = |i: &'static str| ["run", "job.toml", "--shard", i];
    // The first trains, and the other waits for it.
    let first = Running::held(cloud.command(&shard("0/2")), "model_trained");
    let mut second = elsewhere(&cloud, &shard("1/2"));
    second.env("ODDLOT_LOG", "info");
    let mut second = Running::start(second);
    second.until("waiting for models that another run trains");
    first.end().ok();
    let second = second.end().ok();
    assert!(!second.stderr.contains("train: "), "{}", second.stderr);
    let local = Workshop::new(&pipeline);
    local.prices(&csv(&closes()));
    local.run();
    assert_eq!(changed(&local.cells(), &cloud.cells()), [""; 0]);
    let told = "SELECT ticker, trade_date, model FROM alerts ORDER BY ticker, trade_date, model";
    assert_eq!(cloud.sql(told), local.sql(told));
    assert!(cloud.sql("SELECT status FROM runs").contains(&"complete".to_owned()));
}

#[test]
fn a_run_that_has_lost_the_lease_of_training_stores_no_model() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let first = Running::held(cloud.command(&["train", "job.toml"]), "model_trained");
    std::fs::write(cloud.file(TRAINING), other("2999-01-01T00:00:00Z")).unwrap();
    let told = first.end().ends_with(75).stderr;
    assert!(told.contains("this run has lost its lease"), "{told}");
    assert!(!cloud.out().keys().any(|object| object.contains("models/")), "nothing is stored");
}
