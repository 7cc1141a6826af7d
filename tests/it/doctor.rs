//! `oddlot doctor`: what it says of places that work and of those that do not, and that it leaves nothing.

use s3s::S3ErrorCode;

use crate::cloud::Cloud;
use crate::market::{closes, csv};
use crate::server::SECRET_KEY;
use crate::workshop::{Ran, Workshop, tree};

/// What each check of a place said.
fn standings(ran: &Ran, of: &str) -> Vec<String> {
    let json = ran.json();
    let checks = json["checks"].as_array().unwrap().iter().filter(|check| check["of"] == of);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    checks.map(|check| format!("{} {}", text(&check["what"]), text(&check["standing"]))).collect()
}

fn cloud() -> Cloud {
    Cloud::with_prices(&csv(&closes()))
}

#[test]
fn a_machine_and_local_places_that_work_are_told_and_nothing_is_left() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let before = tree(&workshop.path(""));
    let ran = workshop.oddlot(&["doctor", "job.toml"]).ok();
    assert_eq!(standings(&ran, "source"), ["read ok"]);
    assert_eq!(standings(&ran, "output")[..2], ["write ok", "staging ok"]);
    assert!(standings(&ran, "machine").iter().any(|check| check == "certificates ok"));
    assert_eq!(tree(&workshop.path("")), before);
    assert!(!workshop.path("out").exists());
    assert!(workshop.oddlot(&["doctor"]).ok().json()["pipeline"].is_null());
    workshop.write("out", "a file in the way");
    let ran = workshop.oddlot(&["doctor", "job.toml"]).ends_with(73);
    assert!(ran.stderr.contains("the output cannot be written"), "{}", ran.stderr);
}

#[test]
fn buckets_that_work_are_told_with_whose_credentials_and_nothing_is_left() {
    let cloud = cloud();
    let before = cloud.out();
    let ran = cloud.oddlot(&["doctor", "job.toml"]).ok();
    assert_eq!(standings(&ran, "source"), ["settings ok", "credentials ok", "list ok", "get ok"]);
    let output = [
        "settings ok",
        "credentials ok",
        "list ok",
        "put ok",
        "get ok",
        "clock ok",
        "conditional put ok",
    ];
    assert_eq!(standings(&ran, "output"), output);
    assert!(ran.stdout.contains("key AKIA…TEST, from AWS_ACCESS_KEY_ID"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(SECRET_KEY) && !ran.stderr.contains(SECRET_KEY));
    assert_eq!(cloud.out(), before, "nothing is left");
    assert!(!cloud.everything().keys().any(|path| path.contains("doctor")));
}

#[test]
fn wrong_credentials_end_with_77_and_say_whose_they_are() {
    let cloud = cloud();
    let mut command = cloud.command(&["doctor", "job.toml"]);
    command.env("AWS_SECRET_ACCESS_KEY", "wr0ng");
    let ran = Ran::from(command.output().unwrap()).ends_with(77);
    assert_eq!(standings(&ran, "source"), ["settings ok", "credentials ok", "list broken"]);
    assert_eq!(standings(&ran, "output"), ["settings ok", "credentials ok", "list broken"]);
    for words in [
        "S3 refuses these credentials",
        "they come from AWS_ACCESS_KEY_ID",
        "SignatureDoesNotMatch",
    ] {
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("wr0ng") && !ran.stdout.contains("wr0ng"));
    // Nobody gives any.
    let mut command = cloud.command(&["doctor", "job.toml"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9");
    let ran = Ran::from(command.output().unwrap()).ends_with(77);
    assert_eq!(standings(&ran, "output"), ["settings ok", "credentials broken"]);
    assert!(ran.stderr.contains("there are no credentials for S3"), "{}", ran.stderr);
}

#[test]
fn a_wrong_endpoint_ends_with_75_and_names_it() {
    let cloud = cloud();
    let mut command = cloud.command(&["doctor", "job.toml"]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let ran = Ran::from(command.output().unwrap()).ends_with(75);
    assert_eq!(standings(&ran, "output"), ["settings ok", "credentials ok", "list broken"]);
    assert!(ran.stderr.contains("S3 cannot be reached"), "{}", ran.stderr);
    assert!(ran.stdout.contains("http://127.0.0.1:9"), "{}", ran.stdout);
}

#[test]
fn a_server_without_conditional_put_is_told_as_such() {
    let cloud = cloud();
    // One that does not know the header, and one that takes no notice of it.
    cloud.refuse("PutObject", "-conditional", || S3ErrorCode::NotImplemented);
    let refusing = cloud.oddlot(&["doctor", "job.toml"]).ok();
    cloud.relent();
    cloud.forget_preconditions("-conditional");
    let heedless = cloud.oddlot(&["doctor", "job.toml"]).ok();
    for ran in [&refusing, &heedless] {
        assert_eq!(standings(ran, "output").last().unwrap(), "conditional put odd");
        for words in
            ["the server has no conditional put", "let one machine write to this output at a time"]
        {
            assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
        }
        assert_eq!(ran.json()["exit"], 0, "a run does without");
    }
    assert!(heedless.stderr.contains("the second put replaced the first"), "{}", heedless.stderr);
    assert_eq!(cloud.out().len(), 0);
    // Reading alone may be allowed.
    cloud.relent();
    cloud.refuse("PutObject", "doctor", || S3ErrorCode::AccessDenied);
    let ran = cloud.oddlot(&["doctor", "job.toml"]).ends_with(77);
    assert_eq!(standings(&ran, "output").last().unwrap(), "put broken");
}
