//! Holds every stored model against its checksums, and the pointers against the models.

use std::collections::{BTreeMap, BTreeSet};

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::verify::{Finding, Mends};
use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::Engine;

use super::pack::part_of_file;
use super::{Model, Pack, PackPointer, Pointer};

/// How many models there are, and what is wrong with them; `named` are those that rows of tables
/// name, each with an object that does.
///
/// # Errors
/// The store cannot be read.
pub async fn models(
    root: &OutputRoot,
    named: &BTreeMap<String, String>,
    engine: Engine,
    mends: &Mends,
) -> Result<(usize, Vec<Finding>), Error> {
    let mut findings = Vec::new();
    let mut used: BTreeMap<String, String> = named.clone();
    for path in root.list("_state/models").await? {
        let place = path.strip_prefix("_state/models/pipeline=").and_then(|rest| {
            let (pipeline, name) = rest.split_once('/')?;
            Some((pipeline, name.strip_suffix(".json")?))
        });
        let Some((pipeline, name)) = place else {
            findings.push(foreign(&path, mends));
            continue;
        };
        if let Some((name, part)) = name.split_once('/') {
            // Of packs the name is a folder, and each part has a file.
            let Some(part) = part_of_file(&format!("{part}.json")) else {
                findings.push(foreign(&path, mends));
                continue;
            };
            match PackPointer::load(root, pipeline, name, part).await? {
                Some(pointer) => drop(used.insert(pointer.model_id, path.clone())),
                None => findings.push(unreadable(&path, &mends.run(pipeline))),
            }
            continue;
        }
        match Pointer::load(root, pipeline, name).await? {
            Some(pointer) => drop(used.insert(pointer.model_id, path.clone())),
            None => findings.push(unreadable(&path, &mends.run(pipeline))),
        }
    }
    let mut stored = BTreeSet::new();
    for path in root.list("models").await? {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["models", id, "model.json" | "tickers.json" | "weights.safetensors"] => {
                stored.insert(id.to_owned());
            }
            _ => findings.push(foreign(&path, mends)),
        }
    }
    for id in &stored {
        let whole = async {
            let model = Model::load(root, id, engine).await?;
            match model.artifact.packed() {
                Some(_) => Pack::of(root, model).await.map(drop),
                None => Ok(()),
            }
        };
        match whole.await {
            Ok(()) => {}
            Err(error) if error.kind == Kind::Model => {
                findings.extend(
                    error
                        .reports
                        .into_iter()
                        .map(|report| damaged(id, used.get(id), report, mends)),
                );
            }
            Err(error) => return Err(error),
        }
    }
    let gone = used.iter().filter(|(id, _)| !stored.contains(*id));
    findings.extend(gone.map(|(id, by)| missing(id, by)));
    findings.sort_by(|a, b| a.object.cmp(&b.object));
    Ok((stored.len(), findings))
}

/// A model that nothing uses is one that a run has not finished storing.
fn damaged(id: &str, used_by: Option<&String>, report: Report, mends: &Mends) -> Finding {
    let object = format!("models/{id}");
    match used_by {
        Some(by) => {
            let hint =
                format!("restore {} from a copy, or train again: {RETRAIN}", mends.object(&object));
            let title = format!("{}, and {by} names it", report.title);
            Finding::damage("damaged", &object, Report { title, ..report }.hint(hint))
        }
        None => {
            let hint =
                format!("delete {}, or train again: nothing names it", mends.object(&object));
            Finding::leftover("unfinished", &object, report.hint(hint))
        }
    }
}

const RETRAIN: &str = "`oddlot train PIPELINE --full-refresh`";

fn missing(id: &str, by: &str) -> Finding {
    let report = Report::new("a model is missing")
        .expected(format!("the model that {by} names"))
        .found("no such folder")
        .hint(format!("restore it from a copy, or train again: {RETRAIN}"));
    Finding::damage("missing", &format!("models/{id}"), report)
}

fn unreadable(path: &str, again: &str) -> Finding {
    let report = Report::new("it cannot be read which model a pipeline uses")
        .expected("a pointer as `oddlot train` writes it")
        .found("something else")
        .hint(format!("{again}: it trains the model again"));
    Finding::damage("damaged", path, report)
}

fn foreign(path: &str, mends: &Mends) -> Finding {
    let expected = "model.json and weights.safetensors, and a pointer for each name";
    Finding::foreign(path, "its models", expected, mends)
}
