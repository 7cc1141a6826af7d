//! From a TOML value to a Rust value, or to what was expected instead.

use chrono::NaiveDate;
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::{schema::text, suggest::nearest, tree::Value};

/// A value and the byte offset where it stands (for a default: where its table stands).
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Byte offset in the pipeline file; `None` is the file as a whole.
    pub at: Option<usize>,
    /// `key = value` as the user wrote it; `None` for a default.
    pub written: Option<String>,
}

/// Why a value was not taken.
#[derive(Debug, PartialEq)]
pub enum Mismatch {
    /// Another type.
    Type,
    /// A number outside its range.
    Range,
    /// A text that says nothing, or not this.
    Text(&'static str),
    /// A name that is not known, with the known name that was perhaps meant.
    Unknown(Option<&'static str>),
}

impl Mismatch {
    /// What is wrong with it, to follow the key.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Type => "has the wrong type",
            Self::Range => "is out of range",
            Self::Text(what) => what,
            Self::Unknown(_) => "is none of its choices",
        }
    }
}

/// Something that can stand behind a key.
pub trait FromToml: Sized {
    /// What can stand there, in words: `a whole number from 2 to 4096`.
    fn expected() -> String;

    /// The value.
    ///
    /// # Errors
    /// [`Mismatch`] where it is not what [`FromToml::expected`] says.
    fn from_toml(value: &Value) -> Result<Self, Mismatch>;

    /// As it is written in a pipeline file.
    fn to_toml(&self) -> String;

    /// What can stand there, as JSON Schema: nothing narrower than what [`FromToml::from_toml`] takes.
    fn schema() -> Json;
}

impl FromToml for bool {
    fn expected() -> String {
        "true or false".into()
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Switch(on) => Ok(*on),
            _ => Err(Mismatch::Type),
        }
    }

    fn to_toml(&self) -> String {
        self.to_string()
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

/// A text with something in it.
impl FromToml for String {
    fn expected() -> String {
        "a text in quotes, not empty".into()
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) if text.trim().is_empty() => Err(Mismatch::Text("is empty")),
            Value::Text(text) => Ok(text.clone()),
            _ => Err(Mismatch::Type),
        }
    }

    fn to_toml(&self) -> String {
        format!("{self:?}")
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": r"\S" })
    }
}

/// A calendar day, quoted or not.
impl FromToml for NaiveDate {
    fn expected() -> String {
        "a date such as \"2001-12-31\"".into()
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) | Value::Date(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map_err(|_| Mismatch::Text("is no date")),
            _ => Err(Mismatch::Type),
        }
    }

    fn to_toml(&self) -> String {
        format!("\"{self}\"")
    }

    fn schema() -> Json {
        text(json!({ "type": "string", "pattern": r"^[+-]?\d+-\d{1,2}-\d{1,2}$" }))
    }
}

/// A list of values, not empty.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOf<T>(pub Vec<T>);

impl<T: FromToml> FromToml for ListOf<T> {
    fn expected() -> String {
        format!("a list in brackets, each {}", T::expected())
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::List(items) if items.is_empty() => Err(Mismatch::Text("is empty")),
            Value::List(items) => {
                Ok(Self(items.iter().map(T::from_toml).collect::<Result<_, _>>()?))
            }
            _ => Err(Mismatch::Type),
        }
    }

    fn to_toml(&self) -> String {
        let items: Vec<_> = self.0.iter().map(T::to_toml).collect();
        format!("[{}]", items.join(", "))
    }

    fn schema() -> Json {
        json!({ "type": "array", "minItems": 1, "items": T::schema() })
    }
}

/// A setting that `false` switches off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OrOff<T> {
    /// Its value.
    On(T),
    /// `false`.
    Off,
}

impl<T> OrOff<T> {
    /// The value, unless switched off.
    pub fn on(self) -> Option<T> {
        match self {
            Self::On(value) => Some(value),
            Self::Off => None,
        }
    }
}

impl<T: FromToml> FromToml for OrOff<T> {
    fn expected() -> String {
        format!("{}, or false to switch it off", T::expected())
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Switch(false) => Ok(Self::Off),
            value => T::from_toml(value).map(Self::On),
        }
    }

    fn to_toml(&self) -> String {
        match self {
            Self::On(value) => value.to_toml(),
            Self::Off => "false".into(),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), { "const": false }] })
    }
}

/// A choice between names; written as a text.
pub trait Named: Copy + PartialEq + 'static {
    /// Every choice with its name.
    const NAMES: &'static [(&'static str, Self)];
}

impl<T: Named> FromToml for T {
    fn expected() -> String {
        let names: Vec<_> = T::NAMES.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        format!("one of {}", names.join(", "))
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        let Value::Text(written) = value else { return Err(Mismatch::Type) };
        let known = T::NAMES.iter().map(|(name, _)| *name);
        match T::NAMES.iter().find(|(name, _)| name == written) {
            Some((_, choice)) => Ok(*choice),
            None => Err(Mismatch::Unknown(nearest(written, known))),
        }
    }

    fn to_toml(&self) -> String {
        let name = T::NAMES.iter().find(|(_, choice)| choice == self).map(|(name, _)| *name);
        format!("\"{}\"", name.unwrap_or_default())
    }

    fn schema() -> Json {
        let names: Vec<_> = T::NAMES.iter().map(|(name, _)| *name).collect();
        text(json!({ "enum": names }))
    }
}

/// Serialises a day as `2001-12-31`.
pub fn as_iso<S: Serializer>(day: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    day.to_string().serialize(serializer)
}
