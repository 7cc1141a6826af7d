//! The header of a SQL file: leading `--` lines, some of which a machine reads.
//!
//! ```sql
//! -- my_features: what they are, in a line.
//! -- grain     one row per (ticker, ts)
//! -- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, value)
//! -- gives     ticker Utf8, …, residual Float64 (null on the first row), residual_scale Float64
//! -- features  residual
//! -- lookback  2
//! -- requires  positive value
//! -- link      return
//! -- causal    yes
//! ```
//! `takes` names what a question's `$name`s stand for unless somebody says otherwise, as
//! `sessions = 21: how many; ticker = : one only, all if empty`.
//! `lookback` counts the rows a value is computed from, its own included: `close` has 1, a
//! return 2. `gives` may break over lines that are indented deeper. Other lines are prose.

mod takes;

use crate::checks::Severity;
use crate::error::{Error, Report, Result};
use crate::sql_file::with_suggestion;

/// How an expectation of a feature becomes a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// It does not.
    #[default]
    None,
    /// value × scale is a log return on the reference price of the row before.
    Return,
    /// The value is itself a price.
    Level,
}

/// A column that a file promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenColumn {
    /// Its name.
    pub name: String,
    /// Its type, as in `Float64` or `Timestamp(µs, "UTC")`.
    pub data_type: String,
}

pub use takes::Taken;

/// A parsed header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The first line.
    pub summary: String,
    /// One row per what.
    pub grain: String,
    /// The relation it reads, with the columns.
    pub needs: String,
    /// The columns it promises; empty where the header has none.
    pub gives: Vec<GivenColumn>,
    /// The model's inputs, in order.
    pub features: Vec<String>,
    /// Rows that a value is computed from, its own included.
    pub lookback: Option<usize>,
    /// Columns of the input that must be positive.
    pub requires_positive: Vec<String>,
    /// How an expectation becomes a price.
    pub link: Link,
    /// The parameters of a question.
    pub takes: Vec<Taken>,
    /// What becomes of the rows of an input check, unless a pipeline says otherwise.
    pub severity: Option<Severity>,
    /// No column sees the future unless its name starts with `target_`.
    pub causal: bool,
}

const KEYS: [&str; 10] = [
    "grain", "needs", "gives", "takes", "features", "lookback", "requires", "link", "severity",
    "causal",
];

impl Header {
    /// Reads the header of `text`; `file` is its name in messages.
    ///
    /// # Errors
    /// Every wrong line, with its number: an unknown key, a key said twice, a value that is not
    /// understood.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut header = Self::default();
        let mut reports = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for entry in entries(text) {
            let place = format!("{file}:{}", entry.line);
            match entry.key {
                None => header.summary = entry.value,
                Some(key) if !KEYS.contains(&key.as_str()) => {
                    let report = Report::new(format!("the header has an unknown key `{key}`"))
                        .at(place)
                        .expected(format!("one of {}", KEYS.join(", ")))
                        .found(key.as_str())
                        .hint("prose may stand here too, but not as one word and two blanks");
                    reports.push(with_suggestion(report, &key, KEYS));
                }
                Some(key) => {
                    let known = KEYS.into_iter().find(|known| *known == key).unwrap_or_default();
                    if seen.contains(&known) {
                        let title = format!("the header says `{key}` twice");
                        let report =
                            Report::new(title).at(place.as_str()).expected("each key once");
                        reports
                            .push(report.found(entry.value.as_str()).hint("delete one of the two"));
                    }
                    seen.push(known);
                    if let Err(report) = header.set(known, &entry.value) {
                        reports.push(report.at(place));
                    }
                }
            }
        }
        if reports.is_empty() {
            Ok(header)
        } else {
            Err(Error { kind: crate::Kind::Config, reports })
        }
    }

    /// What a feature file must say, or what is missing in `file`.
    ///
    /// # Errors
    /// `features`, `lookback` or `causal yes` is missing.
    pub fn require_features(&self, file: &str) -> Result<usize> {
        let missing = |key: &str, example: &str| {
            let report = Report::new(format!("the header does not say `{key}`"))
                .at(format!("{file}:1"))
                .expected(format!("a line such as `-- {key:<9} {example}`"))
                .hint("the header is the block of `--` lines at the top of the file");
            Error::config(report)
        };
        if self.features.is_empty() {
            return Err(missing("features", "log_return"));
        }
        if !self.causal {
            return Err(missing("causal", "yes"));
        }
        self.lookback.ok_or_else(|| missing("lookback", "2"))
    }

    /// The columns of the relation that it needs.
    pub fn needed_columns(&self) -> impl Iterator<Item = &str> {
        let columns = self.needs.split_once('(').map_or("", |(_, columns)| columns);
        let columns = columns.trim_end_matches(')').split(',').map(str::trim);
        columns.filter(|column| !column.is_empty())
    }

    /// Whether prices of zero or less cannot be used.
    pub fn requires_positive_value(&self) -> bool {
        self.requires_positive.iter().any(|name| name == "value")
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Report> {
        match key {
            "grain" => self.grain = value.into(),
            "needs" => self.needs = value.into(),
            "gives" => self.gives = given_columns(value),
            "takes" => self.takes = takes::parse(value)?,
            "features" => self.features = names(value)?,
            "lookback" => self.lookback = Some(lookback(value)?),
            "requires" => self.requires_positive = requires(value)?,
            "link" => self.link = link(value)?,
            "severity" => self.severity = Some(severity(value)?),
            _ => self.causal = causal(value)?,
        }
        Ok(())
    }
}

struct Entry {
    line: usize,
    key: Option<String>,
    value: String,
}

/// `-- key  value` lines of the leading comment; deeper indented lines continue a value.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut may_continue = false;
    let comment = text
        .lines()
        .enumerate()
        .map_while(|(idx, line)| line.trim_end().strip_prefix("--").map(|rest| (idx + 1, rest)));
    for (line, rest) in comment {
        let indent = rest.len() - rest.trim_start().len();
        let rest = rest.trim();
        let (word, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let in_columns = value.starts_with(' ') && is_word(word);
        if rest.is_empty() {
            may_continue = false;
        } else if indent > 2 && may_continue {
            if let Some(entry) = entries.last_mut() {
                entry.value.push(' ');
                entry.value.push_str(rest);
            }
        } else if KEYS.contains(&word) || in_columns {
            may_continue = true;
            let (key, value) = (Some(word.to_owned()), value.trim().to_owned());
            entries.push(Entry { line, key, value });
        } else if line == 1 {
            entries.push(Entry { line, key: None, value: rest.to_owned() });
        } else {
            may_continue = false;
        }
    }
    entries
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn names(value: &str) -> Result<Vec<String>, Report> {
    let names: Vec<String> =
        value.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let repeated = names.iter().enumerate().find(|(idx, name)| names[..*idx].contains(name));
    match repeated {
        _ if names.is_empty() => Err(Report::new("`features` names no column")
            .expected("at least one column")
            .found("nothing")
            .hint("name the columns that the model sees: `-- features  log_return`")),
        Some((_, name)) => Err(Report::new(format!("`features` names `{name}` twice"))
            .expected("each column once")
            .found(value)
            .hint("delete one of the two")),
        None => Ok(names),
    }
}

fn lookback(value: &str) -> Result<usize, Report> {
    value.parse().ok().filter(|rows| *rows >= 1).ok_or_else(|| {
        Report::new("`lookback` is not a number of rows")
            .expected("a whole number of at least 1: a value's own row counts")
            .found(value)
            .hint("count the rows that a value is computed from: `-- lookback  2`")
    })
}

fn requires(value: &str) -> Result<Vec<String>, Report> {
    match value.split_once(' ') {
        Some(("positive", columns)) => names(columns),
        _ => Err(Report::new("`requires` is not understood")
            .expected("`positive` and columns")
            .found(value)
            .hint("write `-- requires  positive value`")),
    }
}

fn link(value: &str) -> Result<Link, Report> {
    match value {
        "return" => Ok(Link::Return),
        "level" => Ok(Link::Level),
        "none" => Ok(Link::None),
        _ => Err(Report::new("`link` is not understood")
            .expected("`return`, `level` or `none`")
            .found(value)
            .hint("write `-- link  return` where a feature is a return of the price")),
    }
}

fn severity(value: &str) -> Result<Severity, Report> {
    let known = [Severity::Warn, Severity::Drop, Severity::Stop];
    known.into_iter().find(|severity| severity.name() == value).ok_or_else(|| {
        Report::new("`severity` is not understood")
            .expected("`warn`, `drop` or `stop`")
            .found(value)
            .hint("write `-- severity  warn`")
    })
}

fn causal(value: &str) -> Result<bool, Report> {
    match value {
        "yes" => Ok(true),
        _ => Err(Report::new("the file is not causal")
            .expected("`yes`")
            .found(value)
            .hint("a column may see the future only if its name starts with `target_`")),
    }
}

/// `name Type (remark), …`; a comma within brackets or quotes does not part columns.
fn given_columns(value: &str) -> Vec<GivenColumn> {
    let mut depth = 0_usize;
    let parts = value.split(|c: char| {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts
        .filter_map(|part| part.trim().split_once(' '))
        .filter(|(name, _)| is_word(name) && !matches!(*name, "every"))
        .map(|(name, rest)| {
            let data_type = rest.split_once(" (").map_or(rest, |(data_type, _)| data_type);
            GivenColumn { name: name.into(), data_type: data_type.trim().into() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
-- pair: two features of a pair.
-- grain     one row per (ticker, ts)
-- gives     ticker Utf8, ts Timestamp(µs, \"UTC\"),
--           spread Float64 (null at first, then not), spread_scale Float64
-- features  spread, volume
-- lookback  2
-- requires positive value
-- link      none
-- causal    yes
--
-- Prose may use any words  it likes.
SELECT 1 -- lookback 99
";

    #[test]
    fn every_key_is_read() {
        let header = Header::parse("f.sql", GOOD).unwrap();
        assert_eq!(header.summary, "pair: two features of a pair.");
        assert_eq!(header.features, ["spread", "volume"]);
        assert_eq!((header.lookback, header.link, header.causal), (Some(2), Link::None, true));
        assert_eq!(header.requires_positive, ["value"]);
        let gives: Vec<_> =
            header.gives.iter().map(|c| (c.name.as_str(), c.data_type.as_str())).collect();
        let expected = [
            ("ticker", "Utf8"),
            ("ts", "Timestamp(µs, \"UTC\")"),
            ("spread", "Float64"),
            ("spread_scale", "Float64"),
        ];
        assert_eq!(gives, expected);
    }

    #[test]
    fn all_wrong_lines_are_told_at_once_with_their_numbers() {
        let text = "-- lokback   2\n-- link  maybe\n-- lookback 0\n-- causal no\nSELECT 1";
        let error = Header::parse("mine.sql", text).unwrap_err();
        let places: Vec<_> = error.reports.iter().filter_map(|r| r.place.clone()).collect();
        assert_eq!(places, ["mine.sql:1", "mine.sql:2", "mine.sql:3", "mine.sql:4"]);
        assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `lookback`?"));
    }

    #[test]
    fn a_feature_file_without_lookback_is_refused() {
        let header = Header::parse("f.sql", "-- features x\n-- causal yes\nSELECT 1").unwrap();
        let error = header.require_features("f.sql").unwrap_err();
        assert_eq!(error.reports[0].title, "the header does not say `lookback`");
    }
}
