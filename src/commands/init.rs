//! `init`: a pipeline for files of the user's.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use oddlot_engine::{Error, Kind, Report};
use serde_json::json;

use super::export::shell_word;
use super::{block_on, threads};
use crate::cli::InitArgs;
use crate::exit::Exit;
use crate::propose::{Asked, propose};
use crate::settings::Slug;
use crate::{say, say_json};

/// `oddlot init`: proposes a pipeline and writes it.
pub fn init(args: &InitArgs) -> Result<Exit, Error> {
    let given = args.name.strip_suffix(".toml").unwrap_or(&args.name);
    let Some(name) = Slug::new(given.to_owned()) else {
        return Err(Error::new(
            Kind::Usage,
            Report::new("this cannot name a pipeline")
                .at("NAME")
                .expected("1 to 64 lowercase letters, digits and _")
                .found(crate::diagnostic::name(&args.name))
                .hint(format!("call it `{}`", Slug::nearest(given))),
        ));
    };
    let file = format!("{name}.toml");
    refuse_there(&file)?;
    let threads = threads(None);
    block_on(threads, async {
        let proposal = propose(&Asked {
            name: &name,
            from: &args.from,
            columns: &args.column,
            ticker: args.ticker.as_deref(),
            folder: Path::new("."),
            threads,
        })
        .await?;
        write_new(&file, &proposal.text)?;
        say(&format!("wrote {file}:\n"));
        for note in &proposal.notes {
            say(&format!("- {note}\n"));
        }
        let ticker = shell_word(&crate::diagnostic::name(&proposal.ticker));
        say(&format!(
            "try next\n  oddlot plan {file}\n  oddlot run {file}\n  oddlot chart {ticker} -p {file}\n"
        ));
        say_json(&json!({ "pipeline": name.as_str(), "file": file, "notes": proposal.notes }));
        Ok(Exit::Done)
    })
}

fn refuse_there(file: &str) -> Result<(), Error> {
    if !Path::new(file).exists() { Ok(()) } else { Err(there(file)) }
}

fn there(file: &str) -> Error {
    Error::new(
        Kind::Output,
        Report::new("this file is there already")
            .at(file)
            .expected("a name that is free")
            .found("a file, which may be yours")
            .hint("choose another NAME, or move the file away"),
    )
}

/// Never over a file that somebody has made meanwhile.
fn write_new(file: &str, text: &str) -> Result<(), Error> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let done = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
    done.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there(file),
        _ => Error::new(
            Kind::Output,
            Report::new("the pipeline cannot be written")
                .at(file)
                .expected("a folder that this user may write to, with room left")
                .found(error.to_string())
                .hint("go to another folder"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_somebody_has_made_meanwhile_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        let path = file.to_str().unwrap();
        write_new(path, "first").unwrap();
        let error = write_new(path, "second").unwrap_err();
        assert_eq!(error.kind, Kind::Output);
        assert_eq!(error.reports[0].title, "this file is there already");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "first");
    }
}
