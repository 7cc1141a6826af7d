//! A parsed TOML document as a plain tree whose every key and value knows its place.
//!
//! The `toml` crate's own tables keep either alphabetical or written order, depending on a feature
//! that any other dependency may switch on. This tree is always in the order of the file.

use std::ops::Range;

use oddlot_engine::Report;
use toml::de::{DeTable, DeValue};

use super::{Document, Mistakes};

/// How many syntax errors are told: later ones mostly follow from the first.
const SYNTAX_ERRORS_MAX: usize = 5;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, variables expanded.
    Text(String),
    /// A whole number; `None` where it does not fit 64 bits.
    Whole(Option<i64>),
    /// A number with a point, `inf` or `nan`; `None` where it is too large.
    Real(Option<f64>),
    /// `true` or `false`.
    Switch(bool),
    /// A date or time, as written.
    Date(String),
    /// A list.
    List(Vec<Value>),
    /// A table, header or inline.
    Table(Vec<Entry>),
    /// A text whose variables could not be expanded; the mistake is already told.
    Told,
}

impl Value {
    /// What a reader calls this type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Told => "a text",
            Self::Whole(_) => "a whole number",
            Self::Real(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key, unquoted.
    pub key: String,
    /// Where the key stands first.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Value,
    /// Where the value stands.
    pub value_span: Range<usize>,
}

impl Entry {
    /// Where `key = value` stands; of a table, where its name stands.
    pub fn span(&self) -> Range<usize> {
        match self.value {
            Value::Table(_) => self.key_span.clone(),
            _ => self.key_span.start..self.value_span.end.max(self.key_span.end),
        }
    }
}

/// Parses the document. Syntax errors go to `mistakes` and give `None`.
pub fn parse(document: &Document, mistakes: &Mistakes<'_>) -> Option<Vec<Entry>> {
    let (root, errors) = DeTable::parse_recoverable(document.text());
    for error in errors.iter().take(SYNTAX_ERRORS_MAX) {
        mistakes.add(error.span().map(|span| span.start), syntax_error(document, error));
    }
    errors.is_empty().then(|| entries(root.into_inner()))
}

fn entries(table: DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            value_span: value.span(),
            value: plain(value.into_inner()),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn plain(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(digits) => {
            Value::Whole(i64::from_str_radix(digits.as_str(), digits.radix()).ok())
        }
        DeValue::Float(digits) => Value::Real(digits.as_str().parse().ok()),
        DeValue::Boolean(on) => Value::Switch(on),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| plain(item.into_inner())).collect())
        }
        DeValue::Table(table) => Value::Table(entries(table)),
    }
}

/// `unclosed table, expected `]`` becomes a finding of its own words.
fn syntax_error(document: &Document, error: &toml::de::Error) -> Report {
    let (what, expected) = match error.message().split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (error.message(), None),
    };
    let line = error.span().map(|span| line_around(document, span.start)).unwrap_or_default();
    let (what, expected, hint) = match what {
        _ if line.ends_with('=') => (
            "a value is missing",
            Some("a value after ="),
            "write a number, a \"text\", true or false",
        ),
        "duplicate key" => (what, Some("each key once"), "delete one of the two"),
        _ => (what, expected, "texts stand in \"quotes\", tables are headed by [name]"),
    };
    Report::new(format!("this is not TOML: {what}"))
        .expected(expected.unwrap_or("TOML, https://toml.io"))
        .found(if line.is_empty() { "the end of the file" } else { &line })
        .hint(hint)
}

fn line_around(document: &Document, offset: usize) -> String {
    let text = document.text();
    let offset = offset.min(text.len());
    let is_newline = |byte: &u8| *byte == b'\n';
    let bytes = text.as_bytes();
    let start = bytes[..offset].iter().rposition(is_newline).map_or(0, |newline| newline + 1);
    let end = bytes[offset..].iter().position(is_newline).map_or(text.len(), |n| offset + n);
    document.excerpt(start..end).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<Entry> {
        let document = Document::new("p.toml", text);
        let mistakes = Mistakes::new(&document);
        let tree = parse(&document, &mistakes);
        assert!(!mistakes.any(), "{}", mistakes.to_error());
        tree.expect("no mistake was told")
    }

    #[test]
    fn entries_keep_the_order_of_the_file() {
        let tree = parsed("[models.zeta]\n[models.alpha]\n[a]\n");
        let Value::Table(models) = &tree[0].value else { panic!("models is a table") };
        assert_eq!(tree[0].key, "models");
        assert_eq!(models.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), ["zeta", "alpha"]);
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let tree = parsed("[windows]\nlength = 30\n[models.a.train]\nseed = 1\n");
        let Value::Table(windows) = &tree[0].value else { panic!("windows is a table") };
        assert_eq!(tree[0].key_span, 1..8);
        assert_eq!((windows[0].key_span.clone(), windows[0].value_span.clone()), (10..16, 19..21));
        let Value::Table(models) = &tree[1].value else { panic!("models is a table") };
        assert_eq!(tree[1].key_span, 23..29);
        assert_eq!(models[0].key_span, 30..31);
    }

    #[test]
    fn numbers_that_do_not_fit_are_kept_as_such() {
        let tree = parsed("a = 99999999999999999999\nb = 0x1F\nc = nan\n");
        assert!(matches!(tree[0].value, Value::Whole(None)));
        assert!(matches!(tree[1].value, Value::Whole(Some(31))));
        assert!(matches!(tree[2].value, Value::Real(Some(c)) if c.is_nan()));
    }
}
