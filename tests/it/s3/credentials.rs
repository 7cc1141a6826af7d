//! Who may: keys, a pod's role, an instance's role, and nobody.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use crate::cloud::{Cloud, SESSION_TOKEN};
use crate::market::{closes, csv};
use crate::server::{ACCESS_KEY, SECRET_KEY};
use crate::workshop::Ran;

fn ends_with(mut command: Command, code: i32, words: &[&str]) {
    let ran = Ran::from(command.output().unwrap()).ends_with(code);
    for word in words {
        assert!(ran.stderr.contains(word), "{word}\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains(SECRET_KEY) && !ran.stderr.contains("wr0ng"), "{}", ran.stderr);
}

#[test]
fn credentials_that_are_refused_end_with_77_and_say_where_they_come_from() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let with = |arguments: &[&str], name: &str, value: &str| {
        let mut command = cloud.command(arguments);
        command.env(name, value);
        command
    };
    let refused = ["S3 refuses these credentials", "they come from AWS_ACCESS_KEY_ID\n"];
    let place = [&refused[..], &["--> job.toml:3:8", "SignatureDoesNotMatch"]].concat();
    ends_with(with(&["run", "job.toml"], "AWS_SECRET_ACCESS_KEY", "wr0ng"), 77, &place);
    ends_with(with(&["run", "job.toml"], "AWS_ACCESS_KEY_ID", "AKIAWR0NG"), 77, &refused);
    let root = ["sql", "--root", "s3://tables/base", "SELECT 1"];
    ends_with(with(&root, "AWS_SECRET_ACCESS_KEY", "wr0ng"), 77, &refused);
    let half = ["AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY", "--> job.toml:3:8"];
    ends_with(with(&["run", "job.toml"], "AWS_SECRET_ACCESS_KEY", ""), 77, &half);
    let nobody = ["AWS_SKIP_SIGNATURE is set"];
    ends_with(with(&["run", "job.toml"], "AWS_SKIP_SIGNATURE", "true"), 77, &nobody);
    assert_eq!(cloud.out().len(), 0);
}

/// The binary without keys, and with `variables`.
fn without_keys(cloud: &Cloud, variables: &[(&str, &str)]) -> Command {
    let mut command = cloud.command(&["run", "job.toml"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.envs(variables.iter().copied());
    command
}

#[test]
fn credentials_that_nobody_gives_end_with_77_and_say_where_they_were_looked_for() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let none = "there are no credentials for S3";
    let nowhere = [("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")];
    let words = [none, "the instance's role, as no AWS_ACCESS_KEY_ID is set", "--> job.toml:3:8"];
    ends_with(without_keys(&cloud, &nowhere), 77, &words);
    let absent = cloud.workshop.path("token").display().to_string();
    let identity = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", absent.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/reader"),
    ];
    let words = [none, "the web identity in ", "as arn:aws:iam::1:role/reader"];
    ends_with(without_keys(&cloud, &identity), 77, &words);
    cloud.workshop.write("token", "wr0ng token of a web identity");
    let sts = [identity[0], identity[1], ("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:9")];
    ends_with(without_keys(&cloud, &sts), 77, &words);
}

/// Answers each request by its path, on and on.
fn service(answers: Vec<(&'static str, String)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let answer = answers.iter().find(|(start, _)| request.starts_with(start));
            let (status, body) = match answer {
                Some((_, body)) => ("200 OK", body.as_str()),
                None => ("404 Not Found", ""),
            };
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
            let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

fn session() -> String {
    serde_json::json!({
        "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Token": SESSION_TOKEN,
        "Expiration": "2999-01-01T00:00:00Z", "RoleArn": "arn:aws:iam::1:role/reader",
        "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC",
    })
    .to_string()
}

#[test]
fn a_profile_gives_keys_or_names_the_process_that_does_and_others_are_handed_over() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let config = cloud.workshop.path("config").display().to_string();
    let printed = serde_json::json!({
        "Version": 1, "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Expiration": "2999-01-01T00:00:00Z",
    });
    cloud.workshop.write("printed.json", &printed.to_string());
    let give = cloud.workshop.path("printed.json").display().to_string();
    let keys = format!("aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    cloud.workshop.write("config", &format!(
        "[profile night]\ncredential_process = cat {give}\n[profile keys]\n{keys}[profile sso]\nsso_session = us\n\
         [profile old]\ncredential_process = sh -c 'echo wr0ng; exit 4'\n"
    ));
    let with = |profile: &str, code: i32, words: &[&str]| {
        let variables = [
            ("AWS_CONFIG_FILE", config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"),
            ("AWS_PROFILE", profile),
        ];
        ends_with(without_keys(&cloud, &variables), code, words);
    };
    with(
        "sso",
        77,
        &[
            "this profile cannot be resolved here",
            "eval \"$(aws configure export-credentials --profile sso --format env)\"",
        ],
    );
    with(
        "old",
        77,
        &[
            "there are no credentials for S3",
            "the credential_process of the profile old, AWS_PROFILE",
            "credential_process sh failed: exit status: 4",
        ],
    );
    with("gone", 77, &["there is no such profile\n  --> AWS_PROFILE=gone"]);
    with("night", 0, &[]);
    assert_eq!(cloud.cells().len(), 28);
    with("keys", 0, &[]);
}

#[test]
fn an_expired_token_ends_with_77_and_says_whose_it_was() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    cloud.refuse("ListObjectsV2", "", || s3s::S3ErrorCode::ExpiredToken);
    let mut command = cloud.command(&["run", "job.toml"]);
    command.env("AWS_SESSION_TOKEN", SESSION_TOKEN);
    let words = [
        "S3 refuses these credentials",
        "ExpiredToken",
        "AWS_ACCESS_KEY_ID with AWS_SESSION_TOKEN",
    ];
    ends_with(command, 77, &words);
}

#[test]
fn the_role_of_a_pod_gives_access() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let pod = service(vec![("GET /v1/credentials", session())]);
    cloud.workshop.write("token", "a token of the pod");
    let token = cloud.workshop.path("token").display().to_string();
    let uri = format!("http://{pod}/v1/credentials");
    let role = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.as_str()),
    ];
    ends_with(without_keys(&cloud, &role), 0, &[]);
    assert_eq!(cloud.cells().len(), 28);
}

#[test]
fn the_role_of_an_instance_gives_access() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let path = "GET /latest/meta-data/iam/security-credentials/";
    let metadata = service(vec![
        ("PUT /latest/api/token", "a token of the instance".to_owned()),
        ("GET /latest/meta-data/iam/security-credentials/reader", session()),
        (path, "reader".to_owned()),
    ]);
    let endpoint = format!("http://{metadata}");
    ends_with(without_keys(&cloud, &[("AWS_METADATA_ENDPOINT", &endpoint)]), 0, &[]);
    assert_eq!(cloud.cells().len(), 28);
}
