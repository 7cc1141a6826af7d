//! The inputs: where each is, what its columns are parted by, and its records when asked for.
//!
//! Every reading opens the file anew, so that no text is held.

use std::path::{Path, PathBuf};

use super::records::Records;
use super::report::Oddities;
use super::{OddityKind, decode, escaped, shown};
use crate::error::{Error, Report, Result};

/// What may part fields, best first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// One input.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) delimiter: u8,
}

impl Source {
    /// `path:line`, for an error.
    pub(super) fn place(&self, line: u64) -> String {
        place(&self.path, line)
    }

    /// Its records from the first, which is the header.
    pub(super) fn records(&self) -> Result<Records<'_>> {
        Records::open(&self.path, self.delimiter)
    }

    /// The record that begins on this line, safe to print. Reads the file up to there.
    pub(super) fn content(&self, line: u64) -> String {
        let Ok(records) = self.records() else { return String::new() };
        let found = records.flatten().find(|record| record.line >= line);
        found.map(|record| shown(record.raw())).unwrap_or_default()
    }
}

pub(super) fn place(path: &Path, line: u64) -> String {
    format!("{}:{line}", escaped(&path.display().to_string()))
}

/// Opens every file and finds out what parts its fields.
pub(super) fn open(
    files: &[PathBuf],
    delimiter: Option<char>,
    oddities: &mut Oddities,
) -> Result<Vec<Source>> {
    if files.is_empty() {
        let report = Report::new("no file to import")
            .expected("one or more CSV files")
            .found("none")
            .hint("name them: `oddlot import prices.csv -o DIR`");
        return Err(Error::config(report));
    }
    files.iter().map(|path| open_one(path, delimiter, oddities)).collect()
}

fn open_one(path: &Path, delimiter: Option<char>, oddities: &mut Oddities) -> Result<Source> {
    let packing = decode::open(path)?.packing;
    // No delimiter of ours is part of it, so that the first field is the whole line.
    let mut lines = Records::open(path, b'\0')?;
    let Some(header) = lines.next().transpose()? else {
        return Err(Error::data(
            Report::new("the file has no line of column names")
                .at(place(path, 1))
                .expected("column names, as date,close")
                .found("empty lines only")
                .hint("add a line of column names at the top"),
        ));
    };
    let delimiter = match delimiter {
        Some(chosen) => chosen,
        None => find_delimiter(path, header.line, header.raw())?,
    };
    let Ok(delimiter) = u8::try_from(delimiter) else {
        return Err(Error::config(
            Report::new("the delimiter is no single byte")
                .at("--delimiter")
                .expected("one of , ; | or a tab")
                .found(delimiter.to_string())
                .hint("leave the option out to have it found"),
        ));
    };
    let source = Source { path: path.to_owned(), delimiter };
    if packing != decode::Packing::Plain {
        oddities.note(OddityKind::Compressed, path, header.line, header.raw());
    }
    if delimiter != b',' {
        oddities.note(OddityKind::Delimiter, path, header.line, header.raw());
    }
    Ok(source)
}

/// The one candidate that the header has outside its quotes; a comma where there is none.
fn find_delimiter(path: &Path, line: u64, header: &str) -> Result<char> {
    let bare: String = header.split('"').step_by(2).collect();
    let found: Vec<char> = DELIMITERS.into_iter().filter(|c| bare.contains(*c)).collect();
    match found.as_slice() {
        [] => Ok(','),
        [only] => Ok(*only),
        several => {
            let named: Vec<String> =
                several.iter().map(|c| format!("`{}`", shown(&c.to_string()))).collect();
            Err(Error::data(
                Report::new("the column names can be parted in several ways")
                    .at(place(path, line))
                    .expected("names parted by one of , ; | or a tab")
                    .found(format!("{}, which has {}", shown(header), named.join(" and ")))
                    .hint("say which: `--delimiter ';'`"),
            ))
        }
    }
}
