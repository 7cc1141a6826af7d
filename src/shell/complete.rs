//! What Tab completes at the prompt: commands, tables, and the columns of the tables that the query names.

use std::collections::BTreeSet;

use oddlot_engine::query::Catalog;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

const COMMANDS: [&str; 5] = ["\\d", "\\f", "\\q", "\\r", "\\?"];

const FORMATS: [&str; 5] = ["table", "markdown", "csv", "json", "jsonl"];

const KEYWORDS: [&str; 24] = [
    "AND", "AS", "BETWEEN", "BY", "CASE", "COUNT", "DESC", "DESCRIBE", "DISTINCT", "FROM", "GROUP",
    "HAVING", "IN", "IS", "JOIN", "LIMIT", "NOT", "NULL", "ON", "ORDER", "OVER", "SELECT", "WHERE",
    "WITH",
];

/// Words after which a table is named.
const BEFORE_TABLES: [&str; 5] = ["from", "join", "describe", "table", "\\d"];

/// The names that there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Tables with their columns.
    tables: Vec<(String, Vec<String>)>,
    /// Lines of the query that are already given.
    pub(super) before: String,
}

impl Names {
    /// Those of `catalog`; a table that cannot be read now has no columns.
    pub(super) async fn of(catalog: &Catalog) -> Self {
        let mut names = Self::default();
        for table in catalog.names() {
            let columns = catalog.describe(&table).await.unwrap_or_default();
            names.tables.push((table, columns.into_iter().map(|column| column.name).collect()));
        }
        names
    }

    /// Where the word at `position` begins, and what it may become.
    fn at(&self, line: &str, position: usize) -> (usize, Vec<String>) {
        let line = line.get(..position).unwrap_or(line);
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '\\';
        let begins = line
            .rfind(|c| !is_part(c))
            .map_or(0, |idx| idx + line[idx..].chars().next().map_or(1, char::len_utf8));
        let word = &line[begins..];
        let text = format!("{}\n{}", self.before, &line[..begins]);
        let mut found = self.candidates(&text, word);
        found.retain(|name| {
            name.len() > word.len() && name.to_lowercase().starts_with(&word.to_lowercase())
        });
        (begins, found.into_iter().collect())
    }

    /// What may stand after `text`.
    fn candidates(&self, text: &str, word: &str) -> BTreeSet<String> {
        let tables = || self.tables.iter().map(|(table, _)| table.clone());
        let is_start = text.trim().is_empty();
        if word.starts_with('\\') {
            return if is_start { COMMANDS.map(str::to_owned).into() } else { BTreeSet::new() };
        }
        if let Some(before) = text.strip_suffix('.') {
            let table = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next();
            return self.columns_of(|name| Some(name) == table);
        }
        let previous = text.split_whitespace().next_back().unwrap_or_default().to_lowercase();
        if previous == "\\f" {
            return FORMATS.map(str::to_owned).into();
        }
        if BEFORE_TABLES.contains(&previous.as_str()) {
            return tables().collect();
        }
        let words: BTreeSet<&str> =
            text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let mut columns = self.columns_of(|name| words.contains(name));
        if columns.is_empty() {
            // SELECT comes before FROM.
            columns = self.columns_of(|_| true);
        }
        let keywords = KEYWORDS.iter().map(|keyword| (*keyword).to_owned());
        columns.into_iter().chain(tables()).chain(keywords).collect()
    }

    fn columns_of(&self, is_meant: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let meant = self.tables.iter().filter(|(table, _)| is_meant(table));
        meant.flat_map(|(_, columns)| columns.iter().cloned()).collect()
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.at(line, position))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}

impl Validator for Names {}

impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(before: &str, line: &str) -> (usize, Vec<String>) {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let tables = vec![
            ("errors".to_owned(), columns(&["score", "split", "ticker"])),
            ("errors_all".to_owned(), columns(&["score", "split", "ticker"])),
            ("events".to_owned(), columns(&["start_ts", "ticker"])),
        ];
        Names { tables, before: before.to_owned() }.at(line, line.len())
    }

    #[test]
    fn tables_come_after_from_and_columns_of_the_named_tables_elsewhere() {
        assert_eq!(
            completed("", "SELECT * FROM er"),
            (14, vec!["errors".into(), "errors_all".into()])
        );
        assert_eq!(completed("SELECT *", "from ev"), (5, vec!["events".into()]));
        assert_eq!(
            completed("", "SELECT * FROM events WHERE s"),
            (27, vec!["SELECT".into(), "start_ts".into()])
        );
        assert_eq!(completed("", "SELECT sc"), (7, vec!["score".into()]));
        assert_eq!(completed("", "SELECT events.s"), (14, vec!["start_ts".into()]));
        assert_eq!(completed("", "sel"), (0, vec!["SELECT".into()]));
    }

    #[test]
    fn commands_and_what_they_take_are_completed_too() {
        assert_eq!(completed("", "\\d ev"), (3, vec!["events".into()]));
        assert_eq!(completed("", "\\f js"), (3, vec!["json".into(), "jsonl".into()]));
        assert_eq!(completed("", "\\").1.len(), COMMANDS.len());
        assert_eq!(completed("", "SELECT \\").1, [""; 0]);
        // A word of letters that are no ASCII is completed to nothing, and breaks nothing.
        assert_eq!(completed("", "SELECT 'é' ünd").1, [""; 0]);
    }
}
