//! The text of the inputs: read whole, checked to be text, its line ends looked at.

use std::fs;
use std::path::{Path, PathBuf};

use super::lines::Lines;
use super::report::{Oddities, OddityKind};
use crate::error::{Error, Kind, Report, Result};

/// One input: its text without the byte-order mark, and where its lines begin.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) lines: Lines,
}

impl Source {
    /// `path:line`, for an error.
    pub(super) fn place(&self, line: u64) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// The file name without its last extension.
    pub(super) fn stem(&self) -> String {
        self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Reads every file whole.
pub(super) fn read(files: &[PathBuf], oddities: &mut Oddities) -> Result<Vec<Source>> {
    if files.is_empty() {
        let report = Report::new("no file to import")
            .expected("one or more CSV files")
            .found("none")
            .hint("name them: `oddlot import prices.csv -o DIR`");
        return Err(Error::config(report));
    }
    files.iter().map(|path| read_one(path, oddities)).collect()
}

fn read_one(path: &Path, oddities: &mut Oddities) -> Result<Source> {
    let bytes = fs::read(path).map_err(|cause| unreadable(path, &cause))?;
    refuse_other_formats(path, &bytes)?;
    let text = String::from_utf8(bytes).map_err(|cause| {
        let line = cause.as_bytes()[..cause.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        Error::data(
            Report::new("the file is not UTF-8 text")
                .at(format!("{}:{line}", path.display()))
                .expected("UTF-8")
                .found("bytes that are no character")
                .hint("convert it, as `iconv -f latin1 -t utf-8`"),
        )
    })?;
    let (text, has_mark) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest.to_owned(), true),
        None => (text, false),
    };
    if text.trim().is_empty() {
        let report = Report::new("the file is empty")
            .at(path.display().to_string())
            .expected("a line of column names and rows below it")
            .found("0 bytes")
            .hint("write the file with its rows, or leave it out");
        return Err(Error::data(report));
    }
    let source = Source { path: path.to_owned(), lines: Lines::of(&text), text };
    if has_mark {
        oddities.note(OddityKind::ByteOrderMark, &source, 1);
    }
    note_line_ends(&source, oddities);
    Ok(source)
}

fn unreadable(path: &Path, cause: &std::io::Error) -> Error {
    let report = Report::new("the file cannot be read")
        .at(path.display().to_string())
        .expected("a CSV file that this user may read")
        .found(match cause.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_owned(),
            std::io::ErrorKind::IsADirectory => "a folder".to_owned(),
            _ => cause.to_string(),
        })
        .hint("correct the path, or make the file readable");
    let kind = match cause.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory => Kind::Data,
        _ => Kind::Store,
    };
    Error::new(kind, report)
}

/// Formats that people hand over as CSV, told by their first bytes.
fn refuse_other_formats(path: &Path, bytes: &[u8]) -> Result<()> {
    const FORMATS: [(&[u8], &str, &str); 6] = [
        (b"PAR1", "a Parquet file", "it needs no import: point `source.path` at it"),
        (b"\x1f\x8b", "gzip", "unpack it first: `gunzip`"),
        (b"\x28\xb5\x2f\xfd", "zstd", "unpack it first: `unzstd`"),
        (b"PK\x03\x04", "a zip archive or a spreadsheet", "save the sheet as CSV"),
        (b"\xff\xfe", "UTF-16 text", "convert it, as `iconv -f utf-16 -t utf-8`"),
        (b"\xfe\xff", "UTF-16 text", "convert it, as `iconv -f utf-16 -t utf-8`"),
    ];
    match FORMATS.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        None => Ok(()),
        Some((_, found, hint)) => Err(Error::data(
            Report::new("the file is not CSV")
                .at(path.display().to_string())
                .expected("UTF-8 text")
                .found(*found)
                .hint(*hint),
        )),
    }
}

fn note_line_ends(source: &Source, oddities: &mut Oddities) {
    let text = &source.text;
    let mut line = 1;
    let mut start = 0;
    for (newline, _) in text.match_indices('\n') {
        let content = &text[start..newline];
        if content.ends_with('\r') {
            oddities.note(OddityKind::CarriageReturn, source, line);
        }
        if content.trim_end_matches('\r').is_empty() {
            oddities.note(OddityKind::EmptyLine, source, line);
        }
        start = newline + 1;
        line += 1;
    }
    if !text.ends_with('\n') {
        oddities.note(OddityKind::NoLastNewline, source, line);
    }
}
