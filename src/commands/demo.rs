//! `demo`: the S&P 500 job with its prices, from the binary alone.

use std::fs;
use std::path::Path;

use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::Engine;

use super::job;
use crate::cli::{DemoArgs, Job};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::tell;

/// Files of the demo, as they lie in the repository; the pipeline names the prices by their place beside it.
const FILES: [(&str, &[u8]); 2] = [
    ("data/sp500/sp500.parquet", include_bytes!("../../data/sp500/sp500.parquet")),
    (PIPELINE, include_bytes!("../../pipelines/sp500.toml")),
];
const PIPELINE: &str = "pipelines/sp500.toml";

/// What to do where the folder cannot be written to.
const ANOTHER_FOLDER: &str = "name another: `oddlot demo FOLDER`";

/// `oddlot demo`: writes the files to an empty folder, and runs the job.
pub fn demo(args: &DemoArgs, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    let folder = &args.folder;
    refuse_used(folder)?;
    for (name, bytes) in FILES {
        write(&folder.join(name), bytes)?;
        tell(&format!("wrote {}\n", below(folder, name).display()));
    }
    let pipelines = vec![below(folder, PIPELINE)];
    job::run(&Job { pipelines, ..Job::default() }, progress, engine)
}

/// As a person would name it: without `./`.
fn below(folder: &Path, name: &str) -> std::path::PathBuf {
    if folder == Path::new(".") { name.into() } else { folder.join(name) }
}

/// Nothing of the user's may be lost or mixed up with.
fn refuse_used(folder: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unwritable(folder, &error)),
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    let pipeline = below(folder, PIPELINE);
    let hint = match fs::read(&pipeline).is_ok_and(|bytes| bytes == FILES[1].1) {
        true => format!("the demo is here: `oddlot run {}` goes on with it", pipeline.display()),
        false => "name a folder that is to be made: `oddlot demo oddlot-demo`".to_owned(),
    };
    let rest =
        if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
    names.truncate(3);
    Err(Error::new(
        Kind::Output,
        Report::new("the folder is not empty")
            .at(folder.display().to_string())
            .expected("an empty folder, or one that is to be made")
            .found(crate::diagnostic::visible(&format!("{}{rest}", names.join(", "))))
            .hint(hint),
    ))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    super::written::whole(file, bytes, "a file of the demo", ANOTHER_FOLDER)
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Error {
    Error::new(
        Kind::Output,
        Report::new("the folder cannot be used")
            .at(folder.display().to_string())
            .expected("an empty folder that this user may write to")
            .found(error.to_string())
            .hint(ANOTHER_FOLDER),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_tells_of_the_folder_and_not_of_an_option_that_demo_lacks() {
        let folder = tempfile::tempdir().unwrap();
        // Where the file is to be staged there is a folder.
        fs::create_dir_all(folder.path().join("prices.parquet.part")).unwrap();
        let error = write(&folder.path().join("prices.parquet"), b"PAR1").unwrap_err();
        let report = &error.reports[0];
        assert_eq!(error.kind, Kind::Output);
        assert_eq!(report.title, "a file of the demo cannot be written");
        assert_eq!(report.hint.as_deref(), Some("name another: `oddlot demo FOLDER`"));
    }
}
