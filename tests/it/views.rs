//! `oddlot export ddl`: the views are those tables, in a folder of any name and in a bucket.

use std::process::Command;

use serde_json::json;

use crate::cloud::Cloud;
use crate::market::{closes, csv};
use crate::workshop::{PIPELINE, Ran, Workshop, python};

const COUNTS: &str = "SELECT (SELECT count(*) FROM errors), (SELECT count(*) FROM errors_all), \
                      (SELECT count(*) FROM anomalies), (SELECT count(*) FROM committed_models)";

/// `COUNTS` by DuckDB, if this machine has it with `module`.
fn counted(
    workshop: &Workshop,
    views: &str,
    module: &str,
    more: &[&str],
    of: &Command,
) -> Option<Ran> {
    let python = python(&format!("duckdb, {module}"))?;
    workshop.write("views.sql", views);
    let mut duckdb = Command::new(&python);
    duckdb.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/views.py"));
    duckdb.arg(workshop.path("views.sql")).arg(COUNTS).args(more);
    duckdb.envs(of.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(duckdb.output().unwrap().into())
}

#[test]
fn the_views_of_a_folder_are_its_tables_whatever_it_is_called() {
    let pipeline = PIPELINE.replace("root = \"out\"", "root = \"o'ut [1]* é\"");
    let workshop = Workshop::new(&pipeline);
    workshop.prices(&csv(&closes()));
    let none = workshop.oddlot(&["export", "ddl", "job.toml"]);
    assert!(none.code != Some(0) && none.stdout.is_empty(), "{} {}", none.stdout, none.stderr);
    let n_flags = workshop.run()["anomalies"].as_u64().unwrap();
    let views = workshop.oddlot(&["export", "ddl", "job.toml"]).ok().stdout;
    let explained = "COMMENT ON COLUMN errors.\"threshold_ratio\" IS 'score / threshold';\n";
    assert!(
        views.contains(explained) && views.contains("/o''ut [[]1][*] é/tables/errors/"),
        "{views}"
    );
    let command = workshop.command(&[]);
    let Some(seen) = counted(&workshop, &views, "json", &[], &command) else { return };
    assert_eq!(seen.ok().json(), json!([[3 * 1826 * 5, 3 * 1826 * 5, n_flags, 5]]));
}

#[test]
fn the_views_of_a_bucket_are_its_tables() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let n_flags = cloud.oddlot(&["run", "job.toml"]).ok().json()["anomalies"].clone();
    let views = cloud.oddlot(&["export", "ddl", "job.toml"]).ok().stdout;
    assert!(views.contains("'s3://tables/base/tables/errors/*/*/*.parquet'"), "{views}");
    let command = cloud.command(&[]);
    let Some(seen) = counted(&cloud.workshop, &views, "s3fs", &["--bucket"], &command) else {
        return;
    };
    assert_eq!(seen.ok().json(), json!([[3 * 1826 * 5, 3 * 1826 * 5, n_flags, 5]]));
}
