//! Which pipeline file writes under a name into an output.
//!
//! A pipeline's name is its file's, and its cells are filed under it. Two files of one name with one
//! output would replace each other's cells at every run, and nobody would be told.

use std::path::{Component, Path, PathBuf};

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Who wrote last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    /// The pipeline file: seen from the output, where both are on one disk, so that they may move
    /// together.
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
    let own = of(plan, root);
    let other = match root.local() {
        Some(folder) => folder.join(&known.file),
        None => PathBuf::from(&known.file),
    };
    if known.file == own.file || known.config_hash == own.config_hash || !other.is_file() {
        return Ok(());
    }
    let other = other.canonicalize().unwrap_or(other);
    let name = plan.pipeline.as_str();
    let report = Report::new(format!("another pipeline `{name}` writes to this output"))
        .at(plan.places.place("output.root", &plan.file))
        .expected("a name of its own for each pipeline of an output")
        .found(format!("{}, whose tables have the same name", other.display()))
        .hint("rename one of the files, or set another `output.root`");
    Err(Error::config(report))
}

/// Notes that this file writes here.
///
/// # Errors
/// The output cannot be written.
pub async fn store(plan: &Plan, root: &OutputRoot, staging: &Path) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(&of(plan, root))
        .map_err(|error| Error::bug(format!("a claim cannot be written: {error}")))?;
    if root.get(&path(plan)).await?.as_ref() == Some(&json) {
        return Ok(());
    }
    root.put(staging, &path(plan), &json).await
}

fn of(plan: &Plan, root: &OutputRoot) -> Claim {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let file = whole(Path::new(&plan.file));
    let file = match root.local() {
        Some(folder) => seen_from(&whole(folder), &file),
        None => file,
    };
    Claim { file: file.display().to_string(), config_hash: plan.config_hash() }
}

/// The way from `folder` to `file`, both absolute.
fn seen_from(folder: &Path, file: &Path) -> PathBuf {
    let shared = folder.components().zip(file.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(file.components().skip(shared)).collect()
}

fn path(plan: &Plan) -> String {
    format!("_state/pipelines/pipeline={}.json", plan.pipeline.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_from_the_output_wherever_both_lie() {
        let way = |folder: &str, file: &str| seen_from(Path::new(folder), Path::new(file));
        assert_eq!(way("/a/out", "/a/pipelines/p.toml"), Path::new("../pipelines/p.toml"));
        assert_eq!(way("/a/out", "/a/out/p.toml"), Path::new("p.toml"));
        assert_eq!(way("/mnt/x/y", "/srv/p.toml"), Path::new("../../../srv/p.toml"));
    }
}
