//! `report --seeds`: the published figures of the seed systems beside ours, from what their pipelines wrote.
//!
//! `data/seeds/published.toml` names each figure, where it was published, and where ours is found: in the tables
//! (`sql/seeds/*.sql` give it under the figure's id) or in what is stored of a model.

use std::collections::BTreeMap;

use oddlot_engine::query::{Catalog, NamedQuery, OutputFormat};
use oddlot_engine::s3::Place;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};
use oddlot_nets::n_weights;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{block_on, sql, threads};
use crate::artifact::{Artifact, Pointer, StoredJudge};
use crate::cli::{ReportArgs, ReportFormat};
use crate::exit::Exit;
use crate::result::{ModelSummary, Summary};
use crate::say;

mod shown;

use shown::Digits;

const PUBLISHED: &str = include_str!("../../data/seeds/published.toml");

/// What several of the [`QUERIES`] read.
const HELD: &[NamedQuery] = &[("closes", include_str!("../../sql/seeds/closes.sql"))];
const QUERIES: [&str; 5] = [
    include_str!("../../sql/seeds/published.sql"),
    include_str!("../../sql/seeds/corrected.sql"),
    include_str!("../../sql/seeds/trivial.sql"),
    include_str!("../../sql/seeds/births.sql"),
    include_str!("../../sql/seeds/sequences.sql"),
];

/// Columns of the report after the published figure.
const FORMS: [&str; 3] = ["ours", "trivial", "corrected"];

/// `data/seeds/published.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    figure: Vec<Figure>,
}

/// One published figure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    /// What queries call it.
    id: String,
    /// A … E.
    system: String,
    /// What it is, for people.
    name: String,
    /// As it was published; a dash where it was not.
    published: String,
    /// Where it was published.
    source: String,
    /// How ours are written.
    #[serde(default)]
    digits: Digits,
    /// Where ours is stored, if not in the tables.
    #[serde(default)]
    ours: Option<Stored>,
    /// Where the corrected form's is stored, if not in the tables.
    #[serde(default)]
    corrected: Option<Stored>,
}

/// A figure that is stored with models.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    pipeline: String,
    /// What the names of its models begin with.
    models: String,
    measure: Measure,
}

/// What is stored of a model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Measure {
    Parameters,
    TrainWindows,
    ValidationWindows,
    BestEpoch,
    ValidationLoss,
    /// Of a sum over batches of four windows of thirty, as seed C reports it.
    ValidationLossOfFour,
    LastTrainLoss,
    LastValidationLoss,
    BestValidationLoss,
    /// Test error over that of the unchanged price.
    OverUnchanged,
    /// Test error over that of the better of window mean and straight line.
    OverRivals,
}

/// Values of a form of a figure, one a seed.
type Found = BTreeMap<(String, &'static str), Vec<f64>>;

/// `oddlot report --seeds`.
pub fn report(args: &ReportArgs) -> Result<Exit, Error> {
    let published: Published = toml::from_str(PUBLISHED)
        .map_err(|error| Error::bug(format!("data/seeds/published.toml: {error}")))?;
    let place = Place::from(&args.root);
    block_on(threads(None), async {
        let catalog = sql::open(&place, HELD).await?;
        let mut found = in_tables(&catalog).await?;
        let root = OutputRoot::open_existing(&place)?;
        for figure in &published.figure {
            for (form, stored) in [("ours", &figure.ours), ("corrected", &figure.corrected)] {
                let Some(stored) = stored else { continue };
                let values = with_models(&root, stored).await?;
                found.insert((figure.id.clone(), form), values);
            }
        }
        if found.values().all(Vec::is_empty) {
            return Err(Error::config(
                Report::new("no seed pipeline has written here")
                    .at(root.name())
                    .expected("tables of pipelines/seed_*.toml")
                    .found("none")
                    .hint("run `oddlot run pipelines/seed_*.toml` first"),
            ));
        }
        match args.format {
            ReportFormat::Md => say(&markdown(&published, &found)),
            ReportFormat::Json => say(&lines(&published, &found)),
        }
        Ok(Exit::Done)
    })
}

/// What the queries find: under `figure` what stands in the column `value`, under `figure_column` what stands in
/// another.
async fn in_tables(catalog: &Catalog) -> Result<Found, Error> {
    let mut found = Found::new();
    for query in QUERIES {
        let mut out = Vec::new();
        catalog.answer(query, OutputFormat::JsonLines, &mut out).await?;
        for line in String::from_utf8_lossy(&out).lines() {
            let row: Value = serde_json::from_str(line)
                .map_err(|error| Error::bug(format!("a row of figures: {error}")))?;
            let form = FORMS.into_iter().find(|form| row["form"].as_str() == Some(form));
            let (Some(name), Some(form), Some(row)) =
                (row["figure"].as_str(), form, row.as_object())
            else {
                continue;
            };
            for (column, value) in row {
                let figure = match column.as_str() {
                    "value" => name.to_owned(),
                    column => format!("{name}_{column}"),
                };
                if let Some(value) = value.as_f64() {
                    found.entry((figure, form)).or_default().push(value);
                }
            }
        }
    }
    Ok(found)
}

/// What is stored with the models that a pipeline uses now.
async fn with_models(root: &OutputRoot, stored: &Stored) -> Result<Vec<f64>, Error> {
    let Stored { pipeline, models, measure } = stored;
    let Some(summary) = Summary::load(root, pipeline).await? else { return Ok(Vec::new()) };
    let mut values = Vec::new();
    for model in summary.models.iter().filter(|model| model.name.starts_with(models.as_str())) {
        let Some(pointer) = Pointer::load(root, pipeline, &model.name).await? else { continue };
        let artifact = Artifact::load(root, &pointer.model_id).await?;
        values.extend(measured(*measure, model, &artifact));
    }
    Ok(values)
}

fn measured(measure: Measure, summary: &ModelSummary, artifact: &Artifact) -> Option<f64> {
    let StoredJudge::Network { spec, training, .. } = &artifact.judge else { return None };
    let over = |rivals: &[&str]| {
        let of = |name: &&str| summary.rivals.iter().find(|(rival, _)| rival == name);
        let least = rivals.iter().filter_map(of).map(|(_, error)| *error).min_by(f64::total_cmp);
        Some(summary.mae? / least?)
    };
    match measure {
        Measure::Parameters => n_weights(spec).ok().map(|n| n as f64),
        Measure::TrainWindows => Some(training.n_train_windows as f64),
        Measure::ValidationWindows => Some(training.n_validation_windows as f64),
        Measure::BestEpoch => Some(training.best_epoch as f64),
        Measure::ValidationLoss => training.validation_loss,
        Measure::ValidationLossOfFour => training.validation_loss.map(|loss| 4.0 * 30.0 * loss),
        Measure::LastTrainLoss => Some(training.course?.last_train_loss),
        Measure::LastValidationLoss => training.course?.last_validation_loss,
        Measure::BestValidationLoss => training.course?.best_validation_loss,
        Measure::OverUnchanged => over(&["zero"]),
        Measure::OverRivals => over(&["window mean", "straight line"]),
    }
}

/// One table, a line a figure.
fn markdown(published: &Published, found: &Found) -> String {
    let mut text = String::from(
        "| | figure | published | ours, same protocol | trivial baseline | corrected form |\n|---|---|---|---|---|---|\n",
    );
    for figure in &published.figure {
        let cells = FORMS.map(|form| {
            let values = found.get(&(figure.id.clone(), form));
            values.map_or_else(|| "–".to_owned(), |values| figure.digits.spread(values))
        });
        let Figure { system, name, published, .. } = figure;
        text.push_str(&format!("| {system} | {name} | {published} | {} |\n", cells.join(" | ")));
    }
    text
}

/// A JSON object a figure, every seed's value in it.
fn lines(published: &Published, found: &Found) -> String {
    let line = |figure: &Figure| {
        let values = |form| found.get(&(figure.id.clone(), form)).cloned().unwrap_or_default();
        let [ours, trivial, corrected] = FORMS.map(values);
        let Figure { id, system, name, published, source, .. } = figure;
        let line = json!({
            "figure": id,
            "system": system,
            "name": name,
            "published": published,
            "source": source,
            "ours": ours,
            "trivial": trivial,
            "corrected": corrected,
        });
        format!("{line}\n")
    };
    published.figure.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_figure_has_one_name_and_a_source() {
        let published: Published = toml::from_str(PUBLISHED).unwrap();
        let mut ids: Vec<&str> = published.figure.iter().map(|figure| figure.id.as_str()).collect();
        let n = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n);
        for figure in &published.figure {
            assert!(!figure.source.is_empty() && "ABCDE".contains(&figure.system), "{}", figure.id);
        }
    }

    #[test]
    fn a_figure_that_nothing_gives_is_a_dash() {
        let published: Published = toml::from_str(
            "[[figure]]\nid = \"x\"\nsystem = \"A\"\nname = \"flags\"\npublished = \"33\"\nsource = \"notebook\"\ndigits = 0\n",
        )
        .unwrap();
        let found = Found::from([(("x".to_owned(), "ours"), vec![30.0, 34.0])]);
        let table = markdown(&published, &found);
        assert_eq!(table.lines().last(), Some("| A | flags | 33 | 32 ± 2.8 | – | – |"));
        assert!(lines(&published, &found).contains("\"ours\":[30.0,34.0]"));
    }
}
