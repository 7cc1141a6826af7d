//! What a pipeline file may say, and what it is told where it may not.

use std::path::Path;

use insta::assert_snapshot;
use oddlot_engine::Kind;

use super::*;
use crate::diagnostic::{self, Colour};

mod archive;
mod choices;
mod cross_checks;
mod fuzz;
mod hash;
mod messages;
mod published;
mod scope;
mod shipped;
mod whole_files;

const BASE: &str = r#"[source]
path = "prices.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }

[features]
sql = "builtin:log_return"

[windows]
length = 30

[split]
train_to = "2001-12-31"
validation_to = "2004-12-31"
calibration_to = "2011-12-22"

[models.ae.detector.lstm_autoencoder]
units = 16
latent = 4

[models.ewma.detector.ewma_z]
lambda = 0.94

[threshold.quantile]
q = 0.995

[output]
root = "out"
"#;

fn shell(name: &str) -> Option<String> {
    (name == "BUCKET").then(|| "secret-bucket".to_owned())
}

fn read(text: &str) -> Result<Plan, Error> {
    Plan::from_text("pipelines/p.toml", text, Path::new("/nowhere"), &shell)
}

/// The base file with one piece put in another's place.
fn changed(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from}");
    BASE.replace(from, to)
}

fn plan(from: &str, to: &str) -> Plan {
    read(&changed(from, to)).unwrap_or_else(|error| panic!("{error}"))
}

/// What is told about a text.
fn told_of(text: &str) -> String {
    let error = read(text).expect_err("a mistake is told");
    assert_eq!(error.kind, Kind::Config);
    diagnostic::error(&error, Colour::Never)
}

fn told(from: &str, to: &str) -> String {
    told_of(&changed(from, to))
}

fn warned(from: &str, to: &str) -> String {
    let plan = plan(from, to);
    plan.warnings.iter().map(|report| diagnostic::warning(report, Colour::Never)).collect()
}
