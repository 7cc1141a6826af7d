//! No secret is told: not in messages, not in logs of the finest grain, not in what is written.

use crate::cloud::{Cloud, SESSION_TOKEN};
use crate::market::{closes, csv};
use crate::server::SECRET_KEY;
use crate::workshop::Ran;

#[test]
fn neither_logs_nor_messages_nor_objects_hold_a_secret() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let oddlot = |arguments: &[&str], variables: &[(&str, &str)], code: i32| {
        let mut command = cloud.command(arguments);
        command.env("AWS_SESSION_TOKEN", SESSION_TOKEN).env("ODDLOT_LOG", "trace");
        command.envs(variables.iter().copied());
        let ran = Ran::from(command.output().unwrap()).ends_with(code);
        ran.stdout + &ran.stderr
    };
    let wrong = [("AWS_ACCESS_KEY_ID", "AKIAODDLOTFALSE")];
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    let mut told = vec![
        oddlot(&["run", "job.toml"], &[], 0),
        oddlot(&["run", "job.toml", "--log-format", "json"], &[], 0),
        oddlot(&["sql", "-p", "job.toml", "SELECT * FROM runs"], &[], 0),
        oddlot(&["run", "job.toml"], &wrong, 77),
        oddlot(&["run", "job.toml"], &nowhere, 75),
        oddlot(&["run", "job.toml"], &[("AWS_SECRET_ACCESS_KEY", SECRET_KEY), wrong[0]], 77),
    ];
    assert!(
        told.iter()
            .all(|text| text.contains("DEBUG") || text.contains("TRACE") || text.contains("error"))
    );
    // The file may not hold one either: there is no such key.
    let file = std::fs::read_to_string(cloud.workshop.path("job.toml")).unwrap();
    cloud
        .workshop
        .write("job.toml", &format!("{file}[output.s3]\nsecret_access_key = \"{SECRET_KEY}\"\n"));
    let refused = oddlot(&["check", "job.toml"], &[], 78);
    assert!(refused.contains("unknown key `secret_access_key` in [output.s3]"), "{refused}");
    told.push(refused);
    let written = cloud.out();
    let written =
        written.iter().map(|(name, bytes)| format!("{name} {}", String::from_utf8_lossy(bytes)));
    for text in told.into_iter().chain(written) {
        for secret in [SECRET_KEY, SESSION_TOKEN] {
            if let Some(at) = text.find(secret) {
                let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
                panic!("a secret is told: {}", text[from..at + secret.len()].trim());
            }
        }
    }
}
