//! One run of a pipeline at a time on a bucket, whichever machine it is on.

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::market::{closes, csv, revise};
use crate::workshop::changed;

const LEASE: &str = "tables/base/_state/leases/pipeline=job.json";

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
        expected  one run at a time of `job` on one output\n  \
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
    cloud.oddlot(&["train", "job.toml"]).ok();
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
