//! Source and output on a real S3 server.

mod conditional;
mod credentials;
mod faults;
mod hostile;
mod leases;
mod places;
mod secrets;
mod uploads;
mod wire;

use crate::cloud::Cloud;
use crate::market::{closes, csv, revise};
use crate::workshop::{Workshop, changed};

#[test]
fn a_job_on_s3_writes_the_cells_of_a_local_one_byte_for_byte() {
    let local = Workshop::with_prices(&csv(&closes()));
    let done = local.run();
    let cloud = Cloud::with_prices(&csv(&closes()));
    let ran = cloud.oddlot(&["run", "job.toml"]).ok();
    let mut on_s3 = ran.json();
    on_s3["run_id"] = done["run_id"].clone();
    assert_eq!(on_s3, done);
    assert!(!local.cells().is_empty());
    assert_eq!(changed(&local.cells(), &cloud.cells()), [""; 0]);
    // One object a cell, each by one PUT; the staging folder of this machine is gone.
    let puts = cloud.asked("PutObject");
    for cell in cloud.cells().keys() {
        let object = format!("base/tables/{cell}");
        assert_eq!(puts.iter().filter(|key| **key == object).count(), 1, "{object}");
    }
    let out = cloud.out();
    assert!(out.keys().all(|path| !path.contains("_staging") && !path.contains("writable")));
    assert!(!cloud.workshop.path("oddlot-staging").exists());

    let again = cloud.oddlot(&["run", "job.toml"]).ok().json();
    assert_eq!(again["cells_replaced"], 0);
    assert_eq!(changed(&local.cells(), &cloud.cells()), [""; 0]);
}

#[test]
fn a_revised_price_replaces_the_same_cells_on_s3_as_locally() {
    let mut prices = closes();
    let local = Workshop::with_prices(&csv(&prices));
    let cloud = Cloud::with_prices(&csv(&prices));
    local.run();
    cloud.oddlot(&["run", "job.toml"]).ok();
    let before = cloud.cells();
    revise(&mut prices, "AAA", "2015-06-01", 11, 10);
    local.prices(&csv(&prices));
    cloud.workshop.prices(&csv(&prices));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
    let replaced = local.run()["cells_replaced"].clone();
    assert_eq!(cloud.oddlot(&["run", "job.toml"]).ok().json()["cells_replaced"], replaced);
    assert_eq!(changed(&local.cells(), &cloud.cells()), [""; 0]);
    assert!(!changed(&before, &cloud.cells()).is_empty());
}

#[test]
fn every_command_asks_and_answers_over_s3() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    assert!(cloud.oddlot(&["check", "job.toml"]).ok().stdout.contains("no mistake found"));
    let planned = cloud.oddlot(&["plan", "job.toml"]).ok().json();
    assert_eq!(planned["cells_stale"], 28);
    assert_eq!(cloud.out().len(), 0, "neither has written anything");
    cloud.oddlot(&["train", "job.toml"]).ok();
    cloud.oddlot(&["score", "job.toml"]).ok();
    assert_eq!(cloud.oddlot(&["plan", "job.toml"]).ok().json()["cells_stale"], 0);

    let local = Workshop::with_prices(&csv(&closes()));
    local.run();
    let query = "SELECT ticker, model, count(*), sum(score) FROM errors GROUP BY ALL ORDER BY 1, 2";
    assert_eq!(cloud.sql(query), local.sql(query));
    let by_root = ["sql", "--root", "s3://tables/base", "--format", "csv", query];
    let by_root = cloud.oddlot(&by_root).ok().stdout;
    assert_eq!(by_root.lines().skip(1).collect::<Vec<_>>(), local.sql(query));

    let runs = cloud.oddlot(&["runs", "--root", "s3://tables/base"]).ok().stdout;
    assert!(runs.contains("complete"), "{runs}");
    let models = cloud.oddlot(&["models", "job.toml"]).ok().stdout;
    assert_eq!(models.lines().count(), 5, "{models}");
    for place in ["job.toml", "s3://tables/base"] {
        let export = ["models", "export", place, "forecaster", "--layout", "keras"];
        cloud.oddlot(&[&export[..], &["--output", "net.safetensors"]].concat()).ok();
        let import = ["models", "import", "job.toml", "forecaster", "net.safetensors"];
        cloud.oddlot(&[&import[..], &["--layout", "keras"]].concat()).ok();
    }
}
