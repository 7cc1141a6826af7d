//! A pipeline file's text, and every mistake found in it so far.

use std::{cell::RefCell, ops::Range};

use oddlot_engine::{Error, Kind, Report};

/// Longest piece of the file that a message repeats, in characters.
const EXCERPT_LENGTH_MAX: usize = 72;

/// The text of a pipeline file under the name the user gave it.
#[derive(Debug)]
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// A text and the name that messages call it by.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The name that messages call it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `file:line:column` of a byte offset; both count from 1, columns in characters.
    pub fn place(&self, offset: usize) -> String {
        let before = &self.text[..self.boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    /// What the user wrote there, on one line. Variables are shown unexpanded, so no secret leaks.
    pub fn excerpt(&self, span: Range<usize>) -> String {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.max(start));
        let written = self.text[start..end].trim_end();
        let line = written.lines().next().unwrap_or_default();
        let shown: String = line.chars().take(EXCERPT_LENGTH_MAX).collect();
        if shown.len() < written.len() { format!("{shown} …") } else { shown }
    }

    /// The nearest character boundary at or before `offset`.
    fn boundary(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset).rev().find(|&o| self.text.is_char_boundary(o)).unwrap_or(0)
    }
}

/// Collects mistakes, so that all of them are told at once.
///
/// Readers and checks share one by reference: finding a mistake never stops the reading.
#[derive(Debug)]
pub struct Mistakes<'d> {
    document: &'d Document,
    found: RefCell<Vec<(usize, Report)>>,
    warned: RefCell<Vec<(usize, Report)>>,
}

impl<'d> Mistakes<'d> {
    /// None yet.
    pub fn new(document: &'d Document) -> Self {
        Self { document, found: RefCell::default(), warned: RefCell::default() }
    }

    /// The text they are about.
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// A mistake at a byte offset, or in the file as a whole.
    pub fn add(&self, at: Option<usize>, report: Report) {
        self.found.borrow_mut().push(self.placed(at, report));
    }

    /// Something odd that does not stop the run.
    pub fn warn(&self, at: Option<usize>, report: Report) {
        self.warned.borrow_mut().push(self.placed(at, report));
    }

    /// Whether there is any mistake.
    pub fn any(&self) -> bool {
        !self.found.borrow().is_empty()
    }

    /// The warnings, in the order of the file.
    pub fn warnings(&self) -> Vec<Report> {
        in_file_order(&self.warned)
    }

    /// All mistakes as one error, in the order of the file.
    pub fn to_error(&self) -> Error {
        Error { kind: Kind::Config, reports: in_file_order(&self.found) }
    }

    fn placed(&self, at: Option<usize>, report: Report) -> (usize, Report) {
        match at {
            Some(offset) => (offset, report.at(self.document.place(offset))),
            // What is missing altogether is told last.
            None => (usize::MAX, report.at(self.document.name())),
        }
    }
}

fn in_file_order(reports: &RefCell<Vec<(usize, Report)>>) -> Vec<Report> {
    let mut reports = reports.borrow().clone();
    reports.sort_by_key(|(offset, _)| *offset);
    reports.into_iter().map(|(_, report)| report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_in_characters() {
        let document = Document::new("p.toml", "a = 1\nné = 2\r\nc = 3\n");
        assert_eq!(document.place(0), "p.toml:1:1");
        assert_eq!(document.place(4), "p.toml:1:5");
        assert_eq!(document.place(6), "p.toml:2:1");
        // `é` is two bytes and one column.
        assert_eq!(document.place("a = 1\nné".len()), "p.toml:2:3");
        assert_eq!(document.place("a = 1\nné = 2\r\n".len()), "p.toml:3:1");
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        let document = Document::new("p.toml", "a = 1");
        assert_eq!(document.place(99), "p.toml:1:6");
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        let text = format!("x = \"\"\"one\ntwo\"\"\"\ny = \"{}\"", "z".repeat(200));
        let document = Document::new("p.toml", text.clone());
        assert_eq!(document.excerpt(0..17), "x = \"\"\"one …");
        let long = document.excerpt(18..text.len());
        assert_eq!(long.chars().count(), EXCERPT_LENGTH_MAX + 2);
    }

    #[test]
    fn mistakes_are_told_in_the_order_of_the_file() {
        let document = Document::new("p.toml", "a\nb\n");
        let mistakes = Mistakes::new(&document);
        mistakes.add(None, Report::new("third"));
        mistakes.add(Some(2), Report::new("second"));
        mistakes.add(Some(0), Report::new("first"));
        let titles: Vec<_> = mistakes.to_error().reports.into_iter().map(|r| r.title).collect();
        assert_eq!(titles, ["first", "second", "third"]);
    }
}
