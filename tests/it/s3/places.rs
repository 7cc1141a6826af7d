//! Buckets, prefixes and servers that are not there, and where the file may name them.

use crate::cloud::Cloud;
use crate::market::{closes, csv};
use crate::server::{ACCESS_KEY, SECRET_KEY};
use crate::workshop::PIPELINE;

fn cloud() -> Cloud {
    Cloud::with_prices(&csv(&closes()))
}

/// Replaces a part of the pipeline file.
fn edit(cloud: &Cloud, from: &str, to: &str) {
    let file = std::fs::read_to_string(cloud.workshop.path("job.toml")).unwrap();
    assert!(file.contains(from), "{file}");
    cloud.workshop.write("job.toml", &file.replace(from, to));
}

#[test]
fn a_source_bucket_that_is_not_there_is_a_slip_in_the_file_and_ends_with_78() {
    let cloud = cloud();
    edit(&cloud, "s3://prices/eod/*.parquet", "s3://price/eod/*.parquet");
    for command in ["run", "check", "plan"] {
        let told = cloud.oddlot(&[command, "job.toml"]).ends_with(78).stderr;
        assert!(told.contains("there is no such bucket\n  --> job.toml:3:8"), "{told}");
    }
    edit(&cloud, "s3://price/", "s3://Prices/");
    let told = cloud.oddlot(&["run", "job.toml"]).ends_with(78).stderr;
    assert!(told.contains("cannot be the name of a bucket\n  --> job.toml:3:8"), "{told}");
}

#[test]
fn a_prefix_without_files_ends_with_3_as_an_empty_folder_does() {
    let cloud = cloud();
    edit(&cloud, "s3://prices/eod/*.parquet", "s3://prices/end-of-day/");
    let told = cloud.oddlot(&["run", "job.toml"]).ends_with(3).stderr;
    assert!(told.contains("the source has no file\n  --> job.toml:3:8"), "{told}");
    assert_eq!(cloud.out().len(), 0);
}

#[test]
fn an_output_bucket_that_is_not_there_ends_with_73_before_anything_is_trained() {
    let cloud = cloud();
    edit(&cloud, "s3://tables/base", "s3://table/base");
    let ran = cloud.oddlot(&["run", "job.toml"]).ends_with(73);
    assert!(ran.stderr.contains("there is no such bucket\n  --> job.toml:28:8"), "{}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    // Whoever only reads has named a place without tables.
    let told = cloud.oddlot(&["sql", "--root", "s3://table/base", "SELECT 1"]).ends_with(3).stderr;
    assert!(told.contains("there is no such bucket\n  --> s3://table/base"), "{told}");
}

#[test]
fn a_server_that_does_not_answer_ends_with_75() {
    let cloud = cloud();
    let mut run = cloud.command(&["run", "job.toml"]);
    // Port 9 is nobody's here.
    run.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let told = crate::workshop::Ran::from(run.output().unwrap()).ends_with(75).stderr;
    assert!(told.contains("S3 cannot be reached\n  --> job.toml:3:8"), "{told}");
    assert!(told.contains("onnection refused"), "{told}");
}

#[test]
fn an_endpoint_without_encryption_is_refused_unless_it_is_allowed() {
    let cloud = cloud();
    let mut run = cloud.command(&["run", "job.toml"]);
    run.env_remove("AWS_ALLOW_HTTP");
    let told = crate::workshop::Ran::from(run.output().unwrap()).ends_with(78).stderr;
    assert!(told.contains("the endpoint of S3 is not encrypted\n  --> job.toml:3:8"), "{told}");
    assert!(told.contains("allow_http = true"), "{told}");
}

#[test]
fn the_file_may_say_how_each_bucket_is_reached() {
    let cloud = cloud();
    let s3 = format!(
        "endpoint = \"http://{}\"\nregion = \"eu-central-1\"\nallow_http = true\n",
        cloud.address
    );
    let file = std::fs::read_to_string(cloud.workshop.path("job.toml")).unwrap();
    cloud.workshop.write("job.toml", &format!("{file}[output.s3]\n{s3}[source.s3]\n{s3}"));
    let oddlot = |arguments: &[&str]| {
        let mut command = cloud.bare(arguments);
        // What the variables say is not asked where the file speaks.
        command.env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9").env("AWS_REGION", "nowhere");
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        crate::workshop::Ran::from(command.output().unwrap()).ok()
    };
    oddlot(&["run", "job.toml"]);
    let counted =
        oddlot(&["sql", "-p", "job.toml", "--format", "csv", "SELECT count(*) AS n FROM runs"]);
    assert_eq!(counted.stdout, "n\n1\n");
}

#[test]
fn a_bucket_may_have_a_host_of_its_own_and_no_prefix() {
    let cloud = cloud();
    edit(&cloud, "s3://tables/base", "s3://tables");
    let mut run = cloud.command(&["run", "job.toml"]);
    // No name server knows prices.s3.test; the server itself is the proxy that does.
    run.env("AWS_PROXY_URL", format!("http://{}", cloud.address));
    run.env("AWS_ENDPOINT_URL", "http://s3.test").env("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true");
    crate::workshop::Ran::from(run.output().unwrap()).ok();
    let is_cell = |name: &&String| name.starts_with("tables/tables/") && name.contains("/part-");
    assert_eq!(cloud.everything().keys().filter(is_cell).count(), 28);
}

#[test]
fn mistakes_about_buckets_are_told_with_their_lines_all_at_once() {
    let cloud = Cloud::new(&PIPELINE.replace("prices/*.parquet", "local/*.parquet"));
    let file = std::fs::read_to_string(cloud.workshop.path("job.toml")).unwrap();
    let s3 = "[source.s3]\nregion = \"eu\"\n[output.s3]\nend_point = \"x\"\npath_style = \"yes\"\n";
    cloud.workshop.write("job.toml", &format!("{file}{s3}"));
    let told = cloud.oddlot(&["check", "job.toml"]).ends_with(78).stderr;
    for part in [
        "unknown key `end_point` in [output.s3]\n  --> job.toml:32:1",
        "did you mean `endpoint`?",
        "`output.s3.path_style` has the wrong type\n  --> job.toml:33:14",
        "[source.s3] has no bucket",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn one_bucket_is_not_reached_in_two_ways() {
    let cloud = cloud();
    edit(&cloud, "s3://tables/base", "s3://prices/out");
    let file = std::fs::read_to_string(cloud.workshop.path("job.toml")).unwrap();
    cloud.workshop.write("job.toml", &format!("{file}[output.s3]\nregion = \"eu-central-1\"\n"));
    let told = cloud.oddlot(&["check", "job.toml"]).ends_with(78).stderr;
    assert!(told.contains("one bucket is to be reached in two ways"), "{told}");
    // Alike, source and output may share a bucket.
    cloud.workshop.write("job.toml", &file);
    cloud.oddlot(&["run", "job.toml"]).ok();
    assert_eq!(cloud.oddlot(&["run", "job.toml"]).ok().json()["cells_replaced"], 0);
}
