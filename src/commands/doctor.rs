//! `doctor`: whether a run would find what it needs.

use std::path::Path;

use chrono::Utc;
use oddlot_engine::Error;
use oddlot_engine::doctor::{
    Check, Standing, machine, read_bucket, read_folder, write_bucket, write_folder,
};
use oddlot_engine::s3::Place;
use serde_json::{Value, json};

use super::{block_on, load, threads};
use crate::diagnostic::visible;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::run_id::RunId;
use crate::{colour, diagnostic, say, say_json, tell};

/// `oddlot doctor`.
pub fn doctor(pipeline: Option<&Path>) -> Result<Exit, Error> {
    let plan = pipeline.map(load).transpose()?;
    block_on(threads(None), async {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut checks =
            machine(variable, plan.as_ref().is_some_and(|plan| is_encrypted(plan, variable)));
        if let Some(plan) = &plan {
            checks.extend(places(plan).await);
        }
        for check in &checks {
            say(&line(check));
        }
        for check in &checks {
            match &check.standing {
                Standing::Fine(_) => {}
                Standing::Odd(report) => tell(&diagnostic::warning(report, colour())),
                Standing::Broken(error) => tell(&diagnostic::error(error, colour())),
            }
        }
        let broken = checks.iter().filter_map(|check| match &check.standing {
            Standing::Broken(error) => Some(Exit::from(error)),
            _ => None,
        });
        let exit = broken.reduce(Exit::worse).unwrap_or(Exit::Done);
        say_json(&json!({
            "pipeline": plan.as_ref().map(|plan| plan.pipeline.as_str()),
            "checks": checks.iter().map(told).collect::<Vec<_>>(),
            "exit": exit.code(),
        }));
        Ok(exit)
    })
}

/// The source, then the output. Where both are in one bucket, whatever is wrong is told of both.
async fn places(plan: &Plan) -> Vec<Check> {
    let source = Place { path: plan.source.path.clone(), s3: plan.source.s3.clone() };
    let mut checks = match source.bucket() {
        Some(_) => {
            let folder = Place { path: folder_of(&source.path).to_owned(), ..source };
            read_bucket("source", &folder).await
        }
        None => vec![read_folder("source", &source.path)],
    };
    let now = RunId::now();
    let output = &plan.output.root;
    checks.extend(match output.bucket() {
        Some(_) => write_bucket("output", output, now.as_str(), Utc::now()).await,
        None => write_folder("output", &output.path, now.as_str()),
    });
    checks
}

/// The folder of objects that a path names: a list is of whole names only.
fn folder_of(path: &str) -> &str {
    let plain = path.find(['*', '?']).map_or(path, |wild| &path[..wild]);
    let is_file = plain.len() == path.len() && path.ends_with(".parquet");
    match plain.rfind('/') {
        Some(end) if is_file || plain.len() < path.len() => &plain[..end],
        _ => path,
    }
}

/// Whether some place is a bucket that is reached by https.
fn is_encrypted(plan: &Plan, variable: impl Fn(&str) -> Option<String>) -> bool {
    let endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
    let is_http = |own: &Option<String>| {
        own.as_ref().or(endpoint.as_ref()).is_some_and(|url| url.starts_with("http://"))
    };
    let source = plan.source.path.starts_with("s3://") && !is_http(&plan.source.s3.endpoint);
    source || (plan.output.root.bucket().is_some() && !is_http(&plan.output.root.s3.endpoint))
}

fn line(check: &Check) -> String {
    let (sign, found) = match &check.standing {
        Standing::Fine(found) => ("ok", found.clone()),
        Standing::Odd(report) => ("odd", report.title.clone()),
        Standing::Broken(error) => {
            let titles = error.reports.iter().map(|report| report.title.as_str());
            ("broken", titles.collect::<Vec<_>>().join("; "))
        }
    };
    format!("{sign:<7} {:<8} {:<16} {}\n", check.of, check.what, visible(&found))
}

fn told(check: &Check) -> Value {
    let (standing, found) = match &check.standing {
        Standing::Fine(found) => ("ok", found.clone()),
        Standing::Odd(report) => ("odd", report.title.clone()),
        Standing::Broken(error) => ("broken", error.to_string()),
    };
    json!({ "of": check.of, "what": check.what, "standing": standing, "found": found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_at_the_folder_before_the_first_wildcard_or_file() {
        for (path, folder) in [
            ("s3://b/eod/*.parquet", "s3://b/eod"),
            ("s3://b/eod/2026*/x/*.parquet", "s3://b/eod"),
            ("s3://b/eod/a.parquet", "s3://b/eod"),
            ("s3://b/eod/", "s3://b/eod/"),
            ("s3://b/eod", "s3://b/eod"),
            ("s3://b/a.parquet", "s3://b"),
            ("s3://b/*.parquet", "s3://b"),
        ] {
            assert_eq!(folder_of(path), folder, "{path}");
        }
    }
}
