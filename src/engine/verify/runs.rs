//! Run tables: one object a run or model, each telling of the one in its name.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;

use super::place::RunObject;
use super::rows::{self, Flaw};
use super::{Count, Finding, Mends, Survey};
use crate::query::{COMPLETE, PARTIAL, SHARD};
use crate::tables::{Cell, OutputRoot};
use crate::{Report, Result};

/// The committed runs of a root.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    ids: BTreeSet<String>,
    /// Of each pipeline: start and id of its newest run, and the models that it names.
    newest: BTreeMap<String, ((i64, String), BTreeSet<String>)>,
}

/// Decodes every object of the run tables; what is wrong goes into `survey`.
pub(super) async fn look(
    root: &OutputRoot,
    objects: &[RunObject],
    mends: &Mends,
    survey: &mut Survey,
) -> Result<Runs> {
    let mut runs = Runs::default();
    let mut told = BTreeSet::new();
    for object in objects {
        // Gone since it was listed: nothing to say of it.
        let Some(bytes) = root.get(&object.path).await? else { continue };
        let size = bytes.len() as u64;
        let read = rows::decode(bytes).and_then(|batches| object.check(batches));
        match read {
            Ok(batches) => {
                let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
                survey.add(object.table, Count { objects: 1, rows, bytes: size });
                match object.table {
                    "runs" => runs.add(object, &batches),
                    "alerts" => survey.findings.extend(twice(object, &batches, &mut told, mends)),
                    "models" => {
                        survey.model_ids.insert(object.id.clone(), object.path.clone());
                    }
                    _ => {}
                }
            }
            Err(flaw) => {
                survey.add(object.table, Count { objects: 1, rows: 0, bytes: size });
                survey.findings.push(object.damaged(flaw, mends));
            }
        }
    }
    let told = ["ticker_status", "alerts"];
    let unfinished = objects
        .iter()
        .filter(|object| told.contains(&object.table) && !runs.ids.contains(&object.id));
    survey.findings.extend(unfinished.map(RunObject::unfinished));
    Ok(runs)
}

impl Runs {
    fn add(&mut self, object: &RunObject, batches: &[RecordBatch]) {
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let text =
                |name: &str| Some(batch.column_by_name(name)?.as_string_opt::<i32>()?.value(0));
            let status = text("status").unwrap_or_default();
            if [COMPLETE, PARTIAL, SHARD].contains(&status) {
                self.ids.insert(object.id.clone());
            }
            if ![COMPLETE, PARTIAL].contains(&status) {
                continue;
            }
            let started = batch.column_by_name("started_at");
            let started = started.and_then(|at| at.as_primitive_opt::<TimestampMicrosecondType>());
            let started = (started.map_or(0, |at| at.value(0)), object.id.clone());
            let models = batch.column_by_name("model_ids").and_then(|ids| ids.as_list_opt::<i32>());
            let models = models.map(|ids| ids.value(0));
            let models = models.as_ref().and_then(|ids| ids.as_string_opt::<i32>());
            let models: BTreeSet<String> =
                models.iter().flat_map(|ids| ids.iter()).flatten().map(str::to_owned).collect();
            let newest = self.newest.get(&object.pipeline);
            if newest.is_none_or(|(known, _)| *known < started) {
                self.newest.insert(object.pipeline.clone(), (started, models));
            }
        }
    }

    /// Cells whose rows a reader does not see: one finding a pipeline, at the first of them.
    pub(super) fn stale_cells<'a>(
        &self,
        seen: impl Iterator<Item = (&'a Cell, &'a BTreeSet<String>)>,
        mends: &Mends,
    ) -> Vec<Finding> {
        let mut stale: BTreeMap<&str, (String, usize)> = BTreeMap::new();
        for (cell, models) in seen {
            let named = self.newest.get(&cell.pipeline).map(|(_, models)| models);
            if !named.map_or(models.is_empty(), |named| models.is_subset(named)) {
                stale.entry(&cell.pipeline).or_insert_with(|| (cell.path(), 0)).1 += 1;
            }
        }
        let finding = |(pipeline, (first, n)): (&str, (String, usize))| {
            let report = Report::new("cells have rows that no complete run names the models of")
                .expected(match self.newest.get(pipeline) {
                    Some(((_, id), _)) => format!("the models of run {id}, its last complete one"),
                    None => "a complete run".to_owned(),
                })
                .found(format!(
                    "{n} cells of other models, this one first; readers skip those rows"
                ))
                .hint(format!("{}: it completes them", mends.run(pipeline)));
            Finding::leftover("stale", &first, report)
        };
        stale.into_iter().map(finding).collect()
    }
}

impl RunObject {
    /// Every row tells of what the object's name says.
    fn check(&self, batches: Vec<RecordBatch>) -> std::result::Result<Vec<RecordBatch>, Flaw> {
        let name = if self.table == "models" { "model_id" } else { "run_id" };
        let expected = format!("rows with {name} = {}", self.id);
        for batch in &batches {
            let ids = batch.column_by_name(name).and_then(|ids| ids.as_string_opt::<i32>());
            let Some(ids) = ids else {
                return Err(Flaw { expected, found: format!("no column {name}") });
            };
            if let Some(other) = ids.iter().flatten().find(|id| *id != self.id) {
                return Err(Flaw { expected, found: format!("{name} = {other}") });
            }
        }
        Ok(batches)
    }

    fn damaged(&self, Flaw { expected, found }: Flaw, mends: &Mends) -> Finding {
        let object = mends.object(&self.path);
        let report = Report::new(format!("an object of {} is damaged", self.table))
            .expected(expected)
            .found(found)
            .hint(match self.table {
                "models" => format!("delete {object}, then {}", mends.run(&self.pipeline)),
                _ => format!("restore {object} from a copy, or delete it"),
            });
        Finding::damage("damaged", &self.path, report)
    }

    fn unfinished(&self) -> Finding {
        let report = Report::new("a run has told of itself and not ended")
            .expected(format!("a row of runs with run_id = {}", self.id))
            .found("none: it was stopped, or is still at work")
            .hint("leave it: what it has told counts as told, and the next run tells the rest");
        Finding::leftover("unfinished", &self.path, report)
    }
}

/// A flag that two runs have told.
fn twice(
    object: &RunObject,
    batches: &[RecordBatch],
    told: &mut BTreeSet<(String, String, i64, String)>,
    mends: &Mends,
) -> Option<Finding> {
    for batch in batches {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let ts = batch.column_by_name("ts")?.as_primitive_opt::<TimestampMicrosecondType>()?;
        let (tickers, models) = (text("ticker")?, text("model")?);
        for row in 0..batch.num_rows() {
            let (ticker, model) = (tickers.value(row), models.value(row));
            let key = (object.pipeline.clone(), ticker.to_owned(), ts.value(row), model.to_owned());
            if !told.insert(key) {
                let report = Report::new("a flag was told twice")
                    .expected("each (ticker, ts, model) once in `alerts`")
                    .found(format!("row {}: {ticker:?} of {model} again", row + 1))
                    .hint(format!(
                        "delete {}, if all its rows are told elsewhere",
                        mends.object(&object.path)
                    ));
                return Some(Finding::damage("duplicate", &object.path, report));
            }
        }
    }
    None
}
