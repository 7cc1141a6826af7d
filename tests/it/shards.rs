//! `--shard`: shards side by side are one run.

use crate::failpoints::{PIPELINE, TOLD, lasting};
use crate::market::{Close, csv, date, ticker_from};
use crate::workshop::{Ran, Running, Workshop, changed};

/// Tickers enough for eight parts.
const NAMES: [&str; 12] = ["A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M"];

/// [`PIPELINE`] on later days, in eight parts.
fn pipeline() -> String {
    PIPELINE
        .replace("calibration_to = \"2014-12-31\"", "calibration_to = \"2015-12-31\"")
        .replace("validation_to = \"2013-12-31\"", "validation_to = \"2015-03-31\"")
        .replace("train_to = \"2013-06-30\"", "train_to = \"2014-12-31\"")
        .replace("root = \"out\"", "root = \"out\"\nparts = 8")
}

fn workshop() -> Workshop {
    let closes: Vec<Close> =
        NAMES.iter().flat_map(|name| ticker_from(name, date("2014-06-02"))).collect();
    let workshop = Workshop::new(&pipeline());
    workshop.write("prices.csv", &csv(&closes));
    workshop.oddlot(&["import", "prices.csv", "-o", ".", "--name", "prices"]).ok();
    workshop
}

fn shard(workshop: &Workshop, shard: &str) -> std::process::Command {
    let mut command = workshop.command(&["run", "job.toml", "--threads", "1", "--shard", shard]);
    command.env("ODDLOT_LOG", "warn,oddlot=info");
    command
}

#[test]
fn eight_shards_side_by_side_equal_one_run() {
    let one = workshop();
    let whole = one.run();
    let shared = workshop();
    let shards = (0..8).map(|i| Running::start(shard(&shared, &format!("{i}/8"))));
    let shards: Vec<_> = shards.collect();
    let ran: Vec<Ran> = shards.into_iter().map(|shard| shard.end().ok()).collect();

    assert_eq!(changed(&one.cells(), &shared.cells()), [""; 0]);
    assert_eq!(lasting(&one), lasting(&shared), "models, counts and the result");
    for query in
        [TOLD[0], TOLD[1], "SELECT DISTINCT ticker, status, n_rows FROM ticker_status ORDER BY 1"]
    {
        assert_eq!(shared.sql(query), one.sql(query), "{query}");
    }
    let trained = ran.iter().filter(|ran| ran.stderr.contains("train: no model yet")).count();
    assert_eq!(trained, 1, "one has trained, the others have waited");
    let sum = |key: &str| ran.iter().map(|ran| ran.json()[key].as_u64().unwrap()).sum::<u64>();
    for key in ["tickers", "cells", "cells_replaced", "anomalies", "alerts"] {
        assert_eq!(sum(key), whole[key].as_u64().unwrap(), "{key}");
    }
    // Whoever committed last has found all of them, and has told the result of all.
    let last = ran.iter().filter(|ran| ran.json()["all_shards"] == true).count();
    let complete = shared.one("SELECT count(*) FROM runs WHERE status = 'complete'");
    assert_eq!(complete, last.to_string());
    assert!(last >= 1);
    assert!(ran.iter().any(|ran| ran.json()["models"] == whole["models"]));
    shared.oddlot(&["verify", "job.toml"]).ok();
    assert_eq!(shared.run()["nothing_to_do"], true);
}

#[test]
fn a_shard_writes_its_own_parts_and_readers_wait_for_the_last() {
    let one = workshop();
    one.run();
    let shared = workshop();
    let first = Ran::from(shard(&shared, "0/3").output().unwrap()).ok();
    assert!(first.stdout.contains("shard 0/3 is written"), "{}", first.stdout);
    let parts: Vec<String> = shared.cells().into_keys().collect();
    let is_own = |cell: &String| {
        ["part-00000", "part-00003", "part-00006"].iter().any(|part| cell.contains(part))
    };
    assert!(parts.iter().all(is_own), "{parts:?}");
    assert_eq!(parts.len(), one.cells().keys().filter(|cell| is_own(cell)).count());
    assert_eq!(shared.sql("SELECT status, command FROM runs"), ["shard,run"]);
    assert_eq!(shared.one("SELECT count(*) FROM errors"), "0", "readers see complete runs");
    assert!(!shared.path("out/_state/results").exists());
    let again = Ran::from(shard(&shared, "0/3").output().unwrap()).ok().json();
    assert_eq!((&again["nothing_to_do"], &again["all_shards"]), (&true.into(), &false.into()));

    shared.oddlot(&["verify", "job.toml"]).ok();
    Ran::from(shard(&shared, "1/3").output().unwrap()).ok();
    let dry = ["run", "job.toml", "--shard", "2/3", "--dry-run"];
    let dry = shared.oddlot(&dry).ok().json();
    let last = Ran::from(shard(&shared, "2/3").output().unwrap()).ok().json();
    assert_eq!(dry["cells_stale"], last["cells_replaced"]);
    assert_eq!(last["all_shards"], true);
    assert_eq!(lasting(&one), lasting(&shared));
    let rows = "SELECT ticker, trade_date, model, score FROM errors ORDER BY 1, 2, 3";
    assert_eq!(shared.sql(rows), one.sql(rows));
    assert_eq!(shared.sql(TOLD[0]), one.sql(TOLD[0]));
    shared.oddlot(&["verify", "job.toml"]).ok();
}

#[test]
fn shards_of_other_parts_go_on_beside_a_run_and_those_of_the_same_do_not() {
    let shared = workshop();
    shared.oddlot(&["train", "job.toml"]).ok();
    let first = Running::held(shard(&shared, "0/2"), "cell_moved");
    let refused = Ran::from(shard(&shared, "2/4").output().unwrap()).ends_with(75).stderr;
    assert!(refused.contains("one run at a time of part 2 of `job`"), "{refused}");
    shared.oddlot(&["run", "job.toml"]).ends_with(75);
    let beside = Ran::from(shard(&shared, "1/2").output().unwrap()).ok().json();
    assert_eq!(beside["all_shards"], false);
    assert_eq!(first.end().ok().json()["all_shards"], true);
    let one = workshop();
    one.run();
    assert_eq!(lasting(&one), lasting(&shared));
}

#[test]
fn more_shards_than_parts_are_refused_before_anything_is_read() {
    let shared = workshop();
    let ran = Ran::from(shard(&shared, "0/9").output().unwrap()).ends_with(2).stderr;
    for told in ["there are more shards than parts", "N <= 8", "--shard 0/9", "job.toml:"] {
        assert!(ran.contains(told), "{ran}");
    }
    assert!(shared.out().is_empty());
    shared.oddlot(&["run", "job.toml", "--shard", "8/8"]).ends_with(2);
}
