//! `--result-file`: the result of a run as JSON, for a scheduler that cannot read stdout.
//!
//! One pipeline is one object, several are a list of them: what the last line of stdout says, with the exit code,
//! and with the error where one stopped it. The file of an earlier run is gone before the first is begun, so that
//! nobody takes it for this one's.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use oddlot_engine::{Error, Kind, Report};
use serde_json::{Value, json};

use crate::exit::Exit;

/// A file that will hold the results.
pub struct ResultFile {
    path: PathBuf,
    results: Mutex<Vec<Value>>,
}

impl ResultFile {
    /// Removes what is there, and sees that something can be written.
    ///
    /// # Errors
    /// It cannot.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let staged = staged(path);
        let removed = match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::create(&staged).and_then(|_| fs::remove_file(&staged)),
        };
        removed.map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), results: Mutex::default() })
    }

    /// Adds how the run of a pipeline ended.
    pub fn add(&self, pipeline: &Path, ended: &Result<(Exit, Value), Error>) {
        let result = match ended {
            Ok((exit, result)) => {
                let mut result = result.clone();
                result["exit"] = exit.code().into();
                result
            }
            Err(error) => stopped(pipeline, error),
        };
        self.results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
    }

    /// Puts the file in place; where a signal ended the command, it says so.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(self, ended: &Result<Exit, Error>) -> Result<(), Error> {
        let Self { path, results } = self;
        let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Ok(exit @ (Exit::Interrupted | Exit::Terminated)) = ended {
            results.push(json!({ "exit": exit.code(), "error": "interrupted" }));
        }
        let json = match results.as_slice() {
            [only] => only.to_string(),
            several => Value::from(several).to_string(),
        };
        let staged = staged(&path);
        let written = File::create(&staged)
            .and_then(|mut file| {
                file.write_all(json.as_bytes()).and_then(|()| file.write_all(b"\n"))?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&staged, &path));
        written.map_err(|error| unwritable(&path, &error))
    }
}

fn stopped(pipeline: &Path, error: &Error) -> Value {
    let titles: Vec<&str> = error.reports.iter().map(|report| report.title.as_str()).collect();
    json!({
        "pipeline": pipeline.file_stem().map(|stem| stem.to_string_lossy()),
        "exit": Exit::from(error).code(),
        "error": titles.join("; "),
    })
}

/// Beside its place, so that one rename puts it there.
fn staged(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let report = Report::new("the result file cannot be written")
        .at(path.display().to_string())
        .expected("a file in a folder that this user may write to")
        .found(error.to_string())
        .hint("make the folder, or name another file with `--result-file`");
    Error::new(Kind::Output, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn one_pipeline_is_an_object_several_are_a_list_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        fs::write(&path, "yesterday's").unwrap();
        let file = ResultFile::new(&path).unwrap();
        assert!(!path.exists(), "yesterday's is gone");
        file.add(Path::new("a.toml"), &Ok((Exit::Skipped(99), json!({ "pipeline": "a" }))));
        file.write(&Ok(Exit::Skipped(99))).unwrap();
        assert_eq!(read(&path), json!({ "pipeline": "a", "exit": 99 }));

        let file = ResultFile::new(&path).unwrap();
        file.add(Path::new("a.toml"), &Ok((Exit::Done, json!({ "pipeline": "a" }))));
        let refused = Error::data(Report::new("no rows"));
        file.add(Path::new("x/b.toml"), &Err(refused));
        file.write(&Ok(Exit::Input)).unwrap();
        let b = json!({ "pipeline": "b", "exit": 3, "error": "no rows" });
        assert_eq!(read(&path), json!([{ "pipeline": "a", "exit": 0 }, b]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_anything_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let error = ResultFile::new(&folder.path().join("no/such/result.json")).err().unwrap();
        assert_eq!(error.kind, Kind::Output);
        assert!(ResultFile::new(folder.path()).is_err(), "a folder");
    }
}
