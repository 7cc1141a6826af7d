//! The JSON Schema (draft 2020-12) of pipeline files, for editors, made of what the parser asks for.
//!
//! It refuses nothing that the parser takes. What only [`crate::plan`] can tell (dates in order, a file that is there)
//! it does not know.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::fields::Fields;
use super::sketch::{Sketch, Table, USERS_OWN};
use super::{Document, Mistakes, Settings, tree};

/// A reading of a file that is not there: what of it is, and which keys seem to be.
type Reading = (&'static str, fn(&str) -> bool);

/// Whatever has to be there.
const NIGHTLY: [Reading; 1] = [("", |_| false)];
/// So, and what changes what others may be.
const PUBLISHED: [Reading; 1] = [("", |key| ["as_published", "train_rows"].contains(&key))];
/// The other profile, without and with what it does not need.
const ARCHIVE: [Reading; 2] = [
    ("profile = \"archive\"", |_| false),
    ("profile = \"archive\"", |key| ["features", "models"].contains(&key)),
];

/// The schema of a pipeline file.
pub fn of_pipeline() -> Json {
    let [nightly, published, archive] = [&NIGHTLY[..], &PUBLISHED, &ARCHIVE].map(sketch);
    let all = sketch(&[&NIGHTLY[..], &PUBLISHED, &ARCHIVE].concat());
    let mut schema = table(&all, "");
    let narrowed = |own| narrower(&all, own, "").unwrap_or(json!({}));
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "oddlot pipeline",
        "description": "One job of oddlot: what is read, which models look at it, where the tables go.",
        "$defs": { "variable": { "type": "string", "pattern": r"\$\{" } },
        "if": { "properties": { "profile": { "const": "archive" } }, "required": ["profile"] },
        "then": narrowed(&archive),
        "else": {
            "if": { "required": ["as_published"] },
            "then": narrowed(&published),
            "else": narrowed(&nightly),
        },
    });
    if let (Json::Object(schema), Json::Object(head)) = (&mut schema, head) {
        schema.extend(head);
    }
    schema
}

/// A text of its own form, or one that a variable completes: `${VAR}`.
pub fn text(own: Json) -> Json {
    json!({ "anyOf": [own, { "$ref": "#/$defs/variable" }] })
}

type Tables = BTreeMap<String, Table>;

fn sketch(readings: &[Reading]) -> Tables {
    let sketch = Sketch::new();
    for (text, seems_there) in readings {
        sketch.draw(*seems_there, |sketch| {
            let document = Document::new("", *text);
            let mistakes = Mistakes::new(&document);
            let entries = tree::parse(&document, &mistakes).unwrap_or_default();
            Settings::read_tables(Fields::sketched(entries, &mistakes, sketch));
        });
    }
    sketch.tables()
}

fn path(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The table `name` and all below.
fn table(tables: &Tables, name: &str) -> Json {
    let mut schema = json!({ "type": "object" });
    let mut properties = Map::new();
    let mut further = Json::Bool(false);
    let Some(of) = tables.get(name) else { return schema };
    for key in of.keys.keys() {
        match key.as_str() {
            USERS_OWN => further = below(tables, name, key),
            key => drop(properties.insert(key.to_owned(), below(tables, name, key))),
        }
    }
    schema["properties"] = properties.into();
    schema["additionalProperties"] = further;
    let required = required(of);
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if of.is_choice {
        schema["minProperties"] = 1.into();
        schema["maxProperties"] = 1.into();
    }
    schema
}

/// What may stand behind a key.
fn below(tables: &Tables, name: &str, key: &str) -> Json {
    let own = path(name, key);
    let Some(of) = tables.get(name).and_then(|table| table.keys.get(key)) else {
        return Json::Bool(false);
    };
    let mut schema = match of.schemas.as_slice() {
        [] => return table(tables, &own),
        [only] => only.clone(),
        several => json!({ "anyOf": several }),
    };
    let example = of.example.as_ref().map(|example| format!("; for example `{example}`"));
    schema["description"] = format!("{}{}", of.expected, example.unwrap_or_default()).into();
    let default = of.default.as_ref().and_then(|default| json_of(default));
    if let Some(default) = default {
        schema["default"] = default;
    }
    schema
}

/// Keys that every reading had to find.
fn required(table: &Table) -> Vec<&str> {
    let keys = table.keys.iter();
    let keys = keys.filter(|(_, key)| key.n_required > 0 && key.n_required == table.n_visits);
    keys.map(|(name, _)| name.as_str()).collect()
}

/// What `own` refuses of the table `name` that `all` takes; `None` where there is nothing.
fn narrower(all: &Tables, own: &Tables, name: &str) -> Option<Json> {
    let (of_all, of_own) = all.get(name).zip(own.get(name))?;
    let mut properties = Map::new();
    let mut further = None;
    for (key, wide) in &of_all.keys {
        let schema = match of_own.keys.get(key) {
            None => Some(Json::Bool(false)),
            Some(narrow) if narrow.schemas.is_empty() => narrower(all, own, &path(name, key)),
            Some(narrow) if narrow.schemas != wide.schemas => Some(below(own, name, key)),
            Some(_) => None,
        };
        match key.as_str() {
            USERS_OWN => further = schema,
            key => properties.extend(schema.map(|schema| (key.to_owned(), schema))),
        }
    }
    let more = required(of_own);
    let before = required(of_all);
    let more: Vec<&str> = more.into_iter().filter(|key| !before.contains(key)).collect();
    let mut schema = Map::new();
    if !properties.is_empty() {
        schema.insert("properties".into(), properties.into());
    }
    if let Some(further) = further {
        schema.insert("additionalProperties".into(), further);
    }
    if !more.is_empty() {
        schema.insert("required".into(), json!(more));
    }
    (!schema.is_empty()).then(|| schema.into())
}

/// A value of TOML as JSON.
fn json_of(value: &str) -> Option<Json> {
    let table: toml::Table = toml::from_str(&format!("x = {value}")).ok()?;
    serde_json::to_value(table.get("x")?).ok()
}

#[cfg(test)]
mod tests;
