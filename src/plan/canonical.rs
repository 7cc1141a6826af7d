//! One text for all files that ask for the same: what hashes and model identities are made of.
//!
//! Comments, spacing, the order of keys and of models, defaults written out or left out, and where
//! source, queries and output lie make no difference. Values do.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ChecksPlan, ModelPlan, Plan, source::hex};
use crate::settings::{output::Universe, score::Score};

/// The setting that says into how many files a year is split, as [`Plan::marks`] calls it.
pub const PARTS: &str = "output.parts";

impl Plan {
    /// SHA-256 over everything that decides what the tables hold, as 64 hexadecimal digits.
    pub fn config_hash(&self) -> String {
        hex(&Sha256::digest(self.canonical_json().as_bytes()))
    }

    /// What [`Plan::config_hash`] is taken over.
    pub fn canonical_json(&self) -> String {
        canonical(&self.all())
    }

    /// A short hash of each part of [`Plan::canonical_json`], of models one by one: to say which has changed.
    pub fn marks(&self) -> BTreeMap<String, String> {
        let mut marks = BTreeMap::new();
        let short =
            |value: &Value| hex(&Sha256::digest(canonical(value).as_bytes()))[..16].to_owned();
        for (part, value) in self.all().as_object().into_iter().flatten() {
            match value.as_object().filter(|_| part == "models") {
                Some(models) => marks.extend(
                    models.iter().map(|(name, model)| (format!("models.{name}"), short(model))),
                ),
                // Where the tables are makes no difference.
                None if part == "output" => {
                    drop(marks.insert(PARTS.to_owned(), short(value)));
                }
                None => drop(marks.insert(part.clone(), short(value))),
            }
        }
        marks
    }

    fn all(&self) -> Value {
        // Every field by name: a new one does not compile until it is placed here or left out here.
        let Self {
            // Told by the split, which is `whole` of an archive only.
            profile: _,
            // Changes no row.
            memory_limit: _,
            // Decides which model scores, whose identity every fingerprint has.
            retrain: _,
            pipeline: _,
            file: _,
            source,
            features,
            windows,
            split,
            scaling,
            models,
            calibration,
            score,
            merge,
            events,
            universe,
            checks,
            output,
            places: _,
            warnings: _,
        } = self;
        let models: BTreeMap<_, _> = models.iter().map(|m| (m.name.as_str(), plain(m))).collect();
        let mut all = json!({
            "source": plain(source),
            "features": plain(features),
            "windows": plain(windows),
            "split": plain(split),
            "scaling": plain(scaling),
            "models": models,
            "calibration": plain(calibration),
            "merge": plain(merge),
            "events": plain(events),
            // How many tickers may fail decides how a run ends, and nothing that it writes.
            "universe": { "min_rows": plain(&universe.min_rows) },
            "output": plain(output),
        });
        add_score(&mut all, score);
        add_universe(&mut all, universe);
        add_checks(&mut all, checks);
        all
    }

    /// What a trained model depends on, apart from the data and the program: a training key.
    ///
    /// Neither its name nor its threshold: renaming a model or moving its threshold trains nothing.
    pub fn training_json(&self, model: &ModelPlan) -> String {
        canonical(&self.training(model))
    }

    /// What a model's flags depend on, apart from the data and the program: the training key with
    /// threshold, calibration and merge.
    pub fn judging_json(&self, model: &ModelPlan) -> String {
        let mut all = json!({
            "training": self.training(model),
            "threshold": plain(&model.threshold),
            "calibration": plain(&self.calibration),
            "merge": plain(&self.merge),
        });
        add_score(&mut all, &self.score);
        canonical(&all)
    }

    fn training(&self, model: &ModelPlan) -> Value {
        let mut all = json!({
            "source": plain(&self.source),
            "features": plain(&self.features),
            "windows": plain(&self.windows),
            "split": plain(&self.split),
            "scaling": plain(&self.scaling),
            "min_rows": plain(&self.universe.min_rows),
            "detector": plain(&model.detector),
        });
        // A plan without any scope is the one that it was before there was any.
        if !model.scope.is_pooled() {
            all["scope"] = plain(&model.scope);
        }
        all
    }
}

/// A plan that says nothing of `[score]` is the one that it was before there was any.
fn add_score(all: &mut Value, score: &Score) {
    if *score != Score::default() {
        all["score"] = plain(score);
    }
}

/// Who of the universe is scored: models learn from the others too. As with `[score]`.
fn add_universe(all: &mut Value, universe: &Universe) {
    if let Some(least) = &universe.min_price {
        all["universe"]["min_price"] = plain(least);
    }
    if let Some(most) = &universe.last_seen {
        all["universe"]["last_seen"] = plain(most);
    }
}

/// Checks that only tell or stop change no row. As with `[score]`.
fn add_checks(all: &mut Value, checks: &ChecksPlan) {
    let dropping = checks.dropping();
    let dropping: BTreeMap<_, _> = dropping
        .map(|check| (check.name.as_str(), hex(&Sha256::digest(check.file.text.as_bytes()))))
        .collect();
    if !dropping.is_empty() {
        all["checks"] = plain(&dropping);
    }
}

/// Plans hold texts, finite numbers and plain structs, none of which can fail to serialise.
fn plain(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// JSON without spaces and with keys in order, whatever order the map type keeps.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let sorted: BTreeMap<_, _> = entries.iter().collect();
            let entries: Vec<_> = sorted
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        leaf => leaf.to_string(),
    }
}
