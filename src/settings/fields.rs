//! Reads one table key by key and tells every mistake in it.
//!
//! Serde stops at a table's first mistake and keeps no place for a value that is later found not to
//! fit another. This reader does neither: each `required`, `optional` or `or` both names a known key
//! and takes its value, and [`Fields::finish`] refuses whatever was not taken. So these calls are the one
//! declaration of what a file may say; a [`Sketch`] notes them for the JSON schema.

use oddlot_engine::Report;

use super::{
    Mistakes,
    sketch::{Sketch, USERS_OWN},
    suggest::{hint_of, nearest},
    tree::{Entry, Value},
    value::{FromToml, Mismatch, Placed},
};

/// A table that is being read.
#[derive(Debug)]
pub struct Fields<'m> {
    mistakes: &'m Mistakes<'m>,
    /// Dotted, `models.ewma.train`; empty for the file itself.
    name: String,
    at: Option<usize>,
    entries: Vec<Entry>,
    known: Vec<&'static str>,
    /// Notes what is asked for, where no file is read but the parser itself.
    sketch: Option<&'m Sketch>,
}

impl<'m> Fields<'m> {
    /// The file itself.
    pub fn root(entries: Vec<Entry>, mistakes: &'m Mistakes<'m>) -> Self {
        Self { mistakes, name: String::new(), at: None, entries, known: Vec::new(), sketch: None }
    }

    /// A file that is not there, but for `entries`, and seems to hold whatever is asked for.
    pub fn sketched(entries: Vec<Entry>, mistakes: &'m Mistakes<'m>, sketch: &'m Sketch) -> Self {
        sketch.enter("");
        Self { sketch: Some(sketch), ..Self::root(entries, mistakes) }
    }

    /// The table's dotted name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the table's name stands.
    pub fn at(&self) -> Option<usize> {
        self.at
    }

    /// Where mistakes go.
    pub fn mistakes(&self) -> &'m Mistakes<'m> {
        self.mistakes
    }

    /// A key that must be there; `example` shows what to add.
    pub fn required<T: FromToml>(&mut self, key: &'static str, example: &str) -> Option<Placed<T>> {
        if let Some(sketch) = self.sketch {
            sketch.value::<T>(&self.name, key).required().example(example);
        }
        match self.take(key) {
            Some(entry) => self.convert(entry, &format!("for example `{example}`")),
            None if self.is_misspelt(key) => None,
            None => {
                let report = Report::new(format!("`{}` is missing", self.path(key)))
                    .expected(T::expected())
                    .found(format!("no `{key}` in {}", self.title()))
                    .hint(format!("add `{example}`"));
                self.mistakes.add(self.at, report);
                None
            }
        }
    }

    /// A key that may be absent; `example` shows what to write.
    pub fn optional<T: FromToml>(&mut self, key: &'static str, example: &str) -> Option<Placed<T>> {
        if let Some(sketch) = self.sketch {
            sketch.value::<T>(&self.name, key).example(example);
        }
        let entry = self.take(key)?;
        self.convert(entry, &format!("for example `{example}`"))
    }

    /// A key with a default. A mistaken value is told and gives the default, to go on reading.
    pub fn or<T: FromToml>(&mut self, key: &'static str, default: T) -> Placed<T> {
        if let Some(sketch) = self.sketch {
            sketch.value::<T>(&self.name, key).default(&default);
        }
        let mend = format!("delete `{key}` for the default, {}", default.to_toml());
        let placed = self.take(key).and_then(|entry| self.convert(entry, &mend));
        placed.unwrap_or(Placed { value: default, at: self.at, written: None })
    }

    /// A table that must be there; `example` shows what to add.
    pub fn table(&mut self, key: &'static str, example: &str) -> Option<Fields<'m>> {
        if let Some(sketch) = self.sketch {
            sketch.table(&self.name, key).required();
        } else if !self.has(key) {
            self.known.push(key);
            if self.is_misspelt(key) {
                return None;
            }
            let name = self.path(key);
            let report = Report::new(format!("[{name}] is missing"))
                .expected(format!("a table [{name}]"))
                .found(format!("no `{key}` in {}", self.title()))
                .hint(format!("add {example}"));
            self.mistakes.add(self.at, report);
            return None;
        }
        self.optional_table(key)
    }

    /// A table that may be absent.
    pub fn optional_table(&mut self, key: &'static str) -> Option<Fields<'m>> {
        if let Some(sketch) = self.sketch {
            sketch.table(&self.name, key);
            return self.below(key, sketch);
        }
        let entry = self.take(key)?;
        self.open(entry)
    }

    /// A table that names one of `variants` by the one table in it: `[threshold.quantile]`.
    pub fn choice(mut self, variants: &[&'static str]) -> Option<(&'static str, Fields<'m>)> {
        if let Some(sketch) = self.sketch {
            let variant = sketch.choice(&self.name, variants);
            return Some((variant, self.below(variant, sketch)?));
        }
        let expected = format!("one of {}", variants.join(", "));
        let example = format!("[{}]", self.path(variants[0]));
        let entries = std::mem::take(&mut self.entries);
        let names: Vec<_> = entries.iter().map(|entry| format!("`{}`", entry.key)).collect();
        let mut entries = entries.into_iter();
        let (Some(entry), None) = (entries.next(), entries.next()) else {
            let report = match names.is_empty() {
                true => Report::new(format!("{} names no choice", self.title()))
                    .found("nothing")
                    .hint(format!("name it in the header: {example}")),
                false => Report::new(format!("{} names more than one choice", self.title()))
                    .found(names.join(", "))
                    .hint("keep one of them"),
            };
            self.mistakes.add(self.at, report.expected(expected));
            return None;
        };
        match variants.iter().find(|variant| **variant == entry.key) {
            Some(variant) => Some((variant, self.open(entry)?)),
            None => {
                let title = format!("unknown choice `{}` in {}", entry.key, self.title());
                let report = Report::new(title).expected(expected).found(self.written(&entry));
                let known = variants.iter().copied();
                let hint = hint_of(&entry.key, known);
                let report =
                    report.hint(hint.unwrap_or_else(|| format!("name one of them: {example}")));
                self.mistakes.add(Some(entry.key_span.start), report);
                None
            }
        }
    }

    /// Whether a key is there, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        let seems = |sketch: &Sketch| sketch.seems_there(key);
        self.sketch.is_some_and(seems) || self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether a key that is missing is there in another spelling, which [`Fields::finish`] tells.
    fn is_misspelt(&self, key: &'static str) -> bool {
        self.entries.iter().any(|entry| nearest(&entry.key, [key]).is_some())
    }

    /// Takes a key without reading its value.
    pub fn take(&mut self, key: &'static str) -> Option<Entry> {
        self.known.push(key);
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(position))
    }

    /// Takes whatever is left, for tables with names of the user's own.
    pub fn take_rest(&mut self) -> Vec<Entry> {
        if self.sketch.is_some() {
            let value = Value::Table(Vec::new());
            return vec![Entry { key: USERS_OWN.into(), key_span: 0..0, value, value_span: 0..0 }];
        }
        std::mem::take(&mut self.entries)
    }

    /// Reads `entry`, taken from this table, as a table.
    pub fn open(&self, entry: Entry) -> Option<Fields<'m>> {
        if let Some(sketch) = self.sketch {
            sketch.table(&self.name, &entry.key);
            return self.below(&entry.key, sketch);
        }
        match entry.value {
            Value::Table(entries) => Some(Fields {
                mistakes: self.mistakes,
                name: self.path(&entry.key),
                at: Some(entry.key_span.start),
                entries,
                known: Vec::new(),
                sketch: None,
            }),
            Value::Told => None,
            _ => {
                let name = self.path(&entry.key);
                let report = Report::new(format!("`{name}` has the wrong type"))
                    .expected(format!("a table, [{name}]"))
                    .found(format!("{}: {}", entry.value.type_name(), self.written(&entry)))
                    .hint(format!("write [{name}] and its keys below"));
                self.mistakes.add(Some(entry.value_span.start), report);
                None
            }
        }
    }

    /// A table below this one that is not there.
    fn below(&self, key: &str, sketch: &'m Sketch) -> Option<Fields<'m>> {
        let name = self.path(key);
        sketch.enter(&name);
        Some(Fields { name, sketch: Some(sketch), ..Self::root(Vec::new(), self.mistakes) })
    }

    /// Reads `entry`, taken from this table, as a value; `mend` is told where it is none.
    pub fn convert<T: FromToml>(&self, entry: Entry, mend: &str) -> Option<Placed<T>> {
        if let Some(sketch) = self.sketch.filter(|_| entry.key == USERS_OWN) {
            sketch.value::<T>(&self.name, USERS_OWN);
            return None;
        }
        let name = self.path(&entry.key);
        let mismatch = match T::from_toml(&entry.value) {
            Ok(value) => {
                let (at, written) = (Some(entry.value_span.start), Some(self.written(&entry)));
                return Some(Placed { value, at, written });
            }
            Err(mismatch) => mismatch,
        };
        if matches!(entry.value, Value::Told) {
            return None;
        }
        let found = match mismatch {
            Mismatch::Type => format!("{}: {}", entry.value.type_name(), self.written(&entry)),
            _ => self.written(&entry),
        };
        let hint = match mismatch {
            Mismatch::Unknown(Some(meant)) => format!("did you mean \"{meant}\"?"),
            Mismatch::Type if is_quoted::<T>(&entry.value) => "take the quotes away".into(),
            _ => mend.to_owned(),
        };
        let report = Report::new(format!("`{name}` {}", mismatch.what()))
            .expected(T::expected())
            .found(found)
            .hint(hint);
        // A table's values stand below its name: point to the name.
        let at =
            if matches!(entry.value, Value::Table(_)) { entry.key_span } else { entry.value_span };
        self.mistakes.add(Some(at.start), report);
        None
    }

    /// Refuses every key that was not asked for.
    pub fn finish(self) {
        for entry in &self.entries {
            let report = Report::new(format!("unknown key `{}` in {}", entry.key, self.title()))
                .expected(match self.known.is_empty() {
                    true => "nothing: it has no settings".into(),
                    false => format!("one of {}", self.known.join(", ")),
                })
                .found(self.written(entry));
            if is_secret(&entry.key) {
                // Messages go to logs, which others read.
                let report = report
                    .found(format!("{} = …", entry.key))
                    .hint("delete it: credentials come from the environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from a role");
                self.mistakes.add(Some(entry.key_span.start), report);
                continue;
            }
            let hint = hint_of(&entry.key, self.known.iter().copied());
            let report = report.hint(hint.unwrap_or_else(|| format!("delete `{}`", entry.key)));
            self.mistakes.add(Some(entry.key_span.start), report);
        }
    }

    /// How the table is called in a message.
    pub fn title(&self) -> String {
        if self.name.is_empty() { "the file".into() } else { format!("[{}]", self.name) }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// `key = value` as the user wrote it; of a table, its header.
    pub fn written(&self, entry: &Entry) -> String {
        match entry.value {
            Value::Table(_) => format!("[{}]", self.path(&entry.key)),
            _ => self.mistakes.document().excerpt(entry.span()),
        }
    }
}

/// Whether a key that no table has was meant to hold a secret.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "token", "password", "credential", "access_key"]
        .iter()
        .any(|part| key.contains(part))
}

/// Whether a text would be right without its quotes.
fn is_quoted<T: FromToml>(value: &Value) -> bool {
    let Value::Text(text) = value else { return false };
    let bare = match (text.parse(), text.parse(), text.parse()) {
        (Ok(whole), _, _) => Value::Whole(Some(whole)),
        (_, Ok(real), _) => Value::Real(Some(real)),
        (_, _, Ok(on)) => Value::Switch(on),
        _ => return false,
    };
    T::from_toml(&bare).is_ok()
}
