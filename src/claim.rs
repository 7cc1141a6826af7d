//! Which pipeline file writes under a name into an output.
//!
//! A pipeline's name is its file's, and its cells are filed under it. Two files of one name with one
//! output would replace each other's cells at every run, and nobody would be told.

use std::path::Path;

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Who wrote last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    /// The pipeline file, as the machine that ran it knows it.
    file: String,
    /// Hash of what it said.
    config_hash: String,
}

/// Refuses an output that another pipeline file of the same name writes to.
///
/// A file that has moved, or that only another machine has, is the same one as far as can be told.
///
/// # Errors
/// There is such a file; the store cannot be read.
pub async fn check(plan: &Plan, root: &OutputRoot) -> Result<(), Error> {
    let Some(json) = root.get(&path(plan)).await? else { return Ok(()) };
    // What cannot be read claims nothing.
    let Ok(known) = serde_json::from_slice::<Claim>(&json) else { return Ok(()) };
    let own = of(plan);
    let other = Path::new(&known.file);
    if known.file == own.file || known.config_hash == own.config_hash || !other.is_file() {
        return Ok(());
    }
    let name = plan.pipeline.as_str();
    let report = Report::new(format!("another pipeline `{name}` writes to this output"))
        .at(plan.places.place("output.root", &plan.file))
        .expected("a name of its own for each pipeline of an output")
        .found(format!("{}, whose tables have the same name", known.file))
        .hint("rename one of the files, or set another `output.root`");
    Err(Error::config(report))
}

/// Notes that this file writes here.
///
/// # Errors
/// The output cannot be written.
pub async fn store(plan: &Plan, root: &OutputRoot, staging: &Path) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(&of(plan))
        .map_err(|error| Error::bug(format!("a claim cannot be written: {error}")))?;
    if root.get(&path(plan)).await?.as_ref() == Some(&json) {
        return Ok(());
    }
    root.put(staging, &path(plan), &json).await
}

fn of(plan: &Plan) -> Claim {
    let file = Path::new(&plan.file);
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    Claim { file: file.display().to_string(), config_hash: plan.config_hash() }
}

fn path(plan: &Plan) -> String {
    format!("_state/pipelines/pipeline={}.json", plan.pipeline.as_str())
}
