//! What a pipeline file may say, as the parser itself tells it.
//!
//! There is no list of keys beside the parser. It reads a file that is not there and in which everything seems to be
//! that it asks for; each question is noted with the table, the key and the type. Where it asks for a choice, another one is
//! made each time, until all have been; [`super::schema`] makes a JSON Schema of the notes.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::value::FromToml;

/// Stands for a key of the user's own, as the name of a model. Legal wherever there are such keys.
pub const USERS_OWN: &str = "any";

/// What the parser has asked for.
#[derive(Debug)]
pub struct Sketch {
    seems_there: Cell<fn(&str) -> bool>,
    round: Cell<usize>,
    n_rounds: Cell<usize>,
    tables: RefCell<BTreeMap<String, Table>>,
}

/// A table, by its dotted name.
#[derive(Debug, Default)]
pub struct Table {
    /// How often it was read.
    pub n_visits: usize,
    /// Whether one key of all is to be there.
    pub is_choice: bool,
    /// What it was asked for.
    pub keys: BTreeMap<String, Key>,
}

/// A key.
#[derive(Debug, Default)]
pub struct Key {
    /// How often it had to be there.
    pub n_required: usize,
    /// What may stand there, where it is no table; several, where that depends on something else.
    pub schemas: Vec<Json>,
    /// What may stand there, in words.
    pub expected: String,
    /// As it is written.
    pub example: Option<String>,
    /// What counts where it is left out, as it is written.
    pub default: Option<String>,
    /// Whether the parser takes a value.
    #[cfg(test)]
    pub takes: Vec<fn(&super::tree::Value) -> bool>,
}

/// A key that is being noted.
pub struct Noted<'s>(RefMut<'s, Key>);

impl Sketch {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self {
            seems_there: Cell::new(|_| false),
            round: Cell::new(0),
            n_rounds: Cell::new(1),
            tables: RefCell::default(),
        }
    }

    /// Lets `read` read as often as there are variants of anything; `seems_there` says which keys seem to be there
    /// where that is all it asks.
    pub fn draw(&self, seems_there: fn(&str) -> bool, read: impl Fn(&Self)) {
        self.seems_there.set(seems_there);
        self.round.set(0);
        while self.round.get() < self.n_rounds.get() {
            read(self);
            self.round.set(self.round.get() + 1);
        }
    }

    /// What was asked for.
    pub fn tables(self) -> BTreeMap<String, Table> {
        self.tables.into_inner()
    }

    /// Whether a key seems to be there.
    pub fn seems_there(&self, key: &str) -> bool {
        (self.seems_there.get())(key)
    }

    /// A table is read.
    pub fn enter(&self, table: &str) {
        self.tables.borrow_mut().entry(table.to_owned()).or_default().n_visits += 1;
    }

    /// A table below `table` is asked for.
    pub fn table(&self, table: &str, key: &str) -> Noted<'_> {
        Noted(RefMut::map(self.tables.borrow_mut(), |tables| {
            tables.entry(table.to_owned()).or_default().keys.entry(key.to_owned()).or_default()
        }))
    }

    /// A value in `table` is asked for.
    pub fn value<T: FromToml>(&self, table: &str, key: &str) -> Noted<'_> {
        let mut noted = self.table(table, key);
        let schema = T::schema();
        if !noted.0.schemas.contains(&schema) {
            noted.0.schemas.push(schema);
            noted.0.expected = T::expected();
            #[cfg(test)]
            noted.0.takes.push(|value| T::from_toml(value).is_ok());
        }
        noted
    }

    /// One table of several is to stand in `table`; the one of this round.
    pub fn choice(&self, table: &str, variants: &[&'static str]) -> &'static str {
        self.n_rounds.set(self.n_rounds.get().max(variants.len()));
        let variant = variants[self.round.get() % variants.len()];
        drop(self.table(table, variant));
        if let Some(table) = self.tables.borrow_mut().get_mut(table) {
            table.is_choice = true;
        }
        variant
    }
}

impl Noted<'_> {
    /// It has to be there.
    pub fn required(mut self) -> Self {
        self.0.n_required += 1;
        self
    }

    /// As it is written.
    pub fn example(mut self, example: &str) {
        self.0.example.get_or_insert_with(|| example.to_owned());
    }

    /// What counts where it is left out.
    pub fn default<T: FromToml>(mut self, default: &T) {
        self.0.default.get_or_insert_with(|| default.to_toml());
    }
}
