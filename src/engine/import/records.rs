//! The records of a file, one at a time, each with its line and its text.
//!
//! A physical line is read and checked to be UTF-8, then handed to the CSV parser, which takes
//! the next as well where a quote is open. So a line's number is never in doubt, and no more than
//! one record is held.

use std::io::{BufRead, Read};
use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::decode::{self, Opened};
use super::report::Oddities;
use super::text::place;
use super::{OddityKind, shown};
use crate::error::{Error, Report, Result};

/// Bytes that no honest record exceeds: a quote that is never closed would take in the whole file.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// One record.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The line it begins on, counted from 1.
    pub(super) line: u64,
    raw: String,
    text: String,
    ends: Vec<usize>,
}

impl Record {
    /// As it stands in the file, without the line end.
    pub(super) fn raw(&self) -> &str {
        self.raw.trim_end_matches(['\r', '\n'])
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, idx: usize) -> Option<&str> {
        let end = *self.ends.get(idx)?;
        let start = if idx == 0 { 0 } else { self.ends[idx - 1] };
        self.text.get(start..end)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|idx| self.get(idx))
    }
}

/// Reads records; what is odd about lines is in [`Records::into_oddities`].
pub(super) struct Records<'a> {
    path: &'a Path,
    opened: Opened,
    parser: Reader,
    /// The line last read, with its newline.
    line: Vec<u8>,
    /// Its number.
    line_number: u64,
    fields: Vec<u8>,
    ends: Vec<usize>,
    oddities: Oddities,
    is_done: bool,
}

impl<'a> Records<'a> {
    pub(super) fn open(path: &'a Path, delimiter: u8) -> Result<Self> {
        Ok(Self {
            path,
            opened: decode::open(path)?,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            line: Vec::new(),
            line_number: 0,
            fields: vec![0; 1024],
            ends: vec![0; 64],
            oddities: Oddities::new(0),
            is_done: false,
        })
    }

    /// Keeps so many examples of what is odd about the lines.
    #[must_use]
    pub(super) fn with_examples(self, n_examples: usize) -> Self {
        Self { oddities: Oddities::new(n_examples), ..self }
    }

    /// What was odd about the lines read so far.
    pub(super) fn into_oddities(self) -> Oddities {
        self.oddities
    }

    /// The next record, or none at the end.
    fn read(&mut self) -> Result<Option<Record>> {
        while self.read_line()? {
            if self.line.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                self.oddities.note(OddityKind::EmptyLine, self.path, self.line_number, "");
                continue;
            }
            return self.parse().map(Some);
        }
        Ok(None)
    }

    /// Hands lines to the parser until it has a record.
    fn parse(&mut self) -> Result<Record> {
        let mut record = Record { line: self.line_number, ..Record::default() };
        let (mut n_bytes, mut n_ends) = (0, 0);
        loop {
            record.raw.push_str(&String::from_utf8_lossy(&self.line));
            if record.raw.len() > RECORD_BYTES_MAX {
                return Err(self.endless(record.line));
            }
            let mut input = self.line.as_slice();
            let is_whole = loop {
                let (result, n_in, n_out, n_new) = self.parser.read_record(
                    input,
                    &mut self.fields[n_bytes..],
                    &mut self.ends[n_ends..],
                );
                input = &input[n_in..];
                n_bytes += n_out;
                n_ends += n_new;
                match result {
                    ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                    ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                    ReadRecordResult::InputEmpty => break false,
                    ReadRecordResult::Record | ReadRecordResult::End => break true,
                }
            };
            if is_whole {
                if input.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
                    return Err(self.bare_carriage_return());
                }
                record.text = String::from_utf8_lossy(&self.fields[..n_bytes]).into_owned();
                record.ends = self.ends[..n_ends].to_vec();
                return Ok(record);
            }
            if !self.read_line()? {
                return Err(self.endless(record.line));
            }
        }
    }

    /// Reads one line, checks it, tells what is odd about its end; false at the end of the file.
    fn read_line(&mut self) -> Result<bool> {
        self.line.clear();
        let limit = RECORD_BYTES_MAX as u64 + 1;
        let n_read = Read::take(&mut *self.opened.bytes, limit)
            .read_until(b'\n', &mut self.line)
            .map_err(|cause| {
            decode::damaged(self.path, self.line_number + 1, self.opened.packing, &cause)
        })?;
        if n_read == 0 {
            return Ok(false);
        }
        self.line_number += 1;
        if n_read as u64 == limit {
            return Err(self.endless(self.line_number));
        }
        if let Err(cause) = std::str::from_utf8(&self.line) {
            return Err(self.no_text(cause.valid_up_to()));
        }
        if self.line_number == 1 && self.line.starts_with("\u{feff}".as_bytes()) {
            self.line.drain(.."\u{feff}".len());
            self.note_line(OddityKind::ByteOrderMark);
        }
        match self.line.as_slice() {
            [.., b'\r', b'\n'] => self.note_line(OddityKind::CarriageReturn),
            [.., b'\n'] => {}
            _ => {
                self.note_line(OddityKind::NoLastNewline);
                // To the parser every line ends; a quote still open at the end is then told.
                self.line.push(b'\n');
            }
        }
        Ok(true)
    }

    fn note_line(&mut self, kind: OddityKind) {
        let line = String::from_utf8_lossy(&self.line);
        self.oddities.note(kind, self.path, self.line_number, line.trim_end_matches(['\r', '\n']));
    }

    fn no_text(&self, at: usize) -> Error {
        let before = String::from_utf8_lossy(&self.line[..at]);
        let byte = self.line.get(at).copied().unwrap_or_default();
        Error::data(
            Report::new("the file is not UTF-8 text")
                .at(format!(
                    "{}:{}",
                    place(self.path, self.line_number),
                    before.chars().count() + 1
                ))
                .expected("UTF-8")
                .found(format!("byte 0x{byte:02x} after `{}`", shown(&before)))
                .hint("convert it, as `iconv -f latin1 -t utf-8`"),
        )
    }

    fn endless(&self, line: u64) -> Error {
        Error::data(
            Report::new("a row does not end")
                .at(place(self.path, line))
                .expected("quotes closed, and rows of less than 1 MiB")
                .found(format!("a row from here to line {}", self.line_number))
                .hint("close the quote, or write the file again as CSV"),
        )
    }

    fn bare_carriage_return(&self) -> Error {
        Error::data(
            Report::new("a line ends in a carriage return alone")
                .at(place(self.path, self.line_number))
                .expected("lines that end in LF or CR LF")
                .found("CR without LF")
                .hint("convert it, as `tr '\\r' '\\n'`"),
        )
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record>;

    /// After an error nothing more comes.
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let record = self.read().transpose();
        self.is_done = !matches!(record, Some(Ok(_)));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(u64, Vec<String>)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, text).unwrap();
        Records::open(&path, b',')
            .unwrap()
            .map(Result::unwrap)
            .map(|record| (record.line, record.iter().map(str::to_owned).collect()))
            .collect()
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (line, fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn a_record_has_the_number_of_the_line_it_begins_on() {
        let text = "a,b\r\n\r\n\"x\r\ny\",1\r\n\nz,\"2\"\"\"";
        let expected = [row(1, &["a", "b"]), row(3, &["x\r\ny", "1"]), row(6, &["z", "2\""])];
        assert_eq!(records(text), expected);
    }

    #[test]
    fn a_row_wider_than_the_buffers_is_read_whole() {
        let wide = "x".repeat(5000);
        let text = format!("{wide}{}\n", ",1".repeat(100));
        let records = records(&text);
        assert_eq!((records[0].1.len(), records[0].1[0].len()), (101, 5000));
    }
}
