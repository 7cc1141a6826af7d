//! `oddlot plan`: what a run would train, write and remove, why, and how long it may take. Nothing is changed.

mod told;

use std::path::{Path, PathBuf};

use oddlot_engine::Error;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::Engine;
use oddlot_series::Split;
use serde_json::{Value, json};

use super::check::told as source_told;
use super::{block_on, each, load, threads};
use crate::artifact::Model;
use crate::cells::{self, Cells, Range, ToTrain};
use crate::cli::{self, PlanArgs, PlanFormat, Tickers};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::prices;
use crate::rates::{Rates, Work};
use crate::result::PartCounts;
use crate::selection::Selection;
use crate::sessions::{Days, When};
use crate::shard::Shard;
use crate::split::day;
use crate::train::{Look, Outlook, OwnNeeds, Policy};
use crate::{say, say_json, split};
use told::Told;

/// What a plan is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Which days.
    pub range: cli::Range,
    /// Which tickers.
    pub tickers: &'a Tickers,
    /// Of which shard.
    pub shard: Option<Shard>,
    /// Whether everything is made anew.
    pub full_refresh: bool,
    /// For whom it is told.
    pub format: PlanFormat,
}

/// What is known before cells are looked at.
struct Opened<'a> {
    plan: &'a Plan,
    digest: &'a InputDigest,
    split: &'a Split,
    root: Option<&'a OutputRoot>,
    engine: Engine,
    policy: Policy,
}

/// `oddlot plan`.
pub fn plan(args: &PlanArgs, engine: Engine) -> Result<Exit, Error> {
    let PlanArgs { pipeline, range, tickers, full_refresh, format } = args;
    let pipelines = std::slice::from_ref(&pipeline.pipeline);
    let (range, full_refresh, format) = (*range, *full_refresh, *format);
    let asked = Asked { range, tickers, shard: None, full_refresh, format };
    plans(pipelines, asked, engine)
}

/// The same of several pipelines.
pub fn plans(pipelines: &[PathBuf], asked: Asked<'_>, engine: Engine) -> Result<Exit, Error> {
    let tickers = super::tickers::read(asked.tickers)?;
    let work = async |pipeline: &Path| plan_one(pipeline, asked, &tickers, engine).await;
    block_on(threads(None), each(pipelines, work))
}

async fn plan_one(
    pipeline: &Path,
    asked: Asked<'_>,
    tickers: &[String],
    engine: Engine,
) -> Result<Exit, Error> {
    let Asked { shard, full_refresh, .. } = asked;
    let policy = if full_refresh && shard.is_none() { Policy::Always } else { Policy::IfNeeded };
    let told = Told { format: asked.format };
    let plan = load(pipeline)?;
    shard.map_or(Ok(()), |shard| shard.check(&plan))?;
    let prices = prices::open(&plan, threads(None)).await?;
    let selection = Selection::of(&prices, tickers)?.in_shard(shard, cells::parts(&plan));
    told.line(&source_told(&prices));
    let when = asked.range.when();
    let range = match when.resolve(&plan, &prices).await? {
        Days::Within(range) => range,
        Days::None(why) => {
            told.line(&format!("nothing to do: {why}"));
            say_json(&json!({ "pipeline": plan.pipeline, "cells": 0, "cells_stale": 0 }));
            return Ok(Exit::Done);
        }
    };
    if range != Range::default() {
        told.line(&format!("days       {range}"));
    }
    if !selection.is_whole() {
        let n = prices.tickers.len();
        told.line(&format!("tickers    {} of {n} chosen", selection.count(n)));
    }
    let root = OutputRoot::open_if_present(&plan.output.root)?;
    let as_of = range.to.filter(|_| matches!(when, When::AsOf(_))).map(day);
    let split = split::preview(&plan, &prices, root.as_ref(), policy, as_of).await?.split;
    let digest = prices.digest(&plan, split.spans().calibration_to).await?;
    let (prices, digest, root) = (&prices, &digest, root.as_ref());
    let opened = Opened { plan: &plan, digest, split: &split, root, engine, policy };
    let outlooks = opened.outlooks().await?;
    for outlook in &outlooks {
        told.line(&format!("model {:<16} {}", outlook.name, outlook.why));
    }
    let stored = opened.stored(&outlooks).await?;
    let to_train: Vec<ToTrain> = outlooks.iter().filter_map(to_train).collect();
    let which = cells::Asked { range, selection: &selection, full_refresh, to_train: &to_train };
    let used: Vec<&Model> = stored.iter().collect();
    let cells = cells::choose(&plan, prices, digest, &used, root, which).await?;
    let groups = told::groups(&cells);
    told.cells(&cells, &groups);
    let (work, estimate) = opened.work(&cells, &outlooks).await?;
    let mut summary = told.work(&work, estimate, prices.bytes);
    summary["pipeline"] = json!(plan.pipeline);
    summary["models"] = outlooks.iter().map(model_json).collect();
    told.counts(&cells, &groups, &mut summary);
    match asked.format {
        PlanFormat::Text => say_json(&summary),
        PlanFormat::Json => say(&format!("{summary}\n")),
    }
    Ok(Exit::Done)
}

fn model_json(outlook: &Outlook) -> Value {
    let Outlook { name, is_stored, why, .. } = outlook;
    json!({ "model": name, "is_stored": is_stored, "why": why })
}

/// What is to be made of a model before its cells can be written.
fn to_train(outlook: &Outlook) -> Option<ToTrain> {
    let stale = |own: &OwnNeeds| {
        own.all_parts().into_iter().filter(|part| own.fresh(*part).is_none()).collect()
    };
    let parts = outlook.own.as_ref().map(stale);
    (!outlook.is_stored).then(|| ToTrain { model: outlook.name.clone(), parts })
}

impl Opened<'_> {
    /// What becomes of each model.
    async fn outlooks(&self) -> Result<Vec<Outlook>, Error> {
        let Self { plan, digest, split, root, engine, policy } = *self;
        let look = Look { plan, digest, split, engine, policy };
        let mut outlooks = Vec::new();
        for model in &plan.models {
            outlooks.push(look.outlook(model, root).await?);
        }
        Ok(outlooks)
    }

    /// The models and packs that are there.
    async fn stored(&self, outlooks: &[Outlook]) -> Result<Vec<Model>, Error> {
        let Some(root) = self.root else { return Ok(Vec::new()) };
        let mut models = Vec::new();
        for Outlook { stored, own, is_stored, .. } in outlooks {
            let packs = own.iter().flat_map(OwnNeeds::pack_ids);
            for id in stored.iter().map(|pointer| pointer.model_id.as_str()).chain(packs) {
                match Model::load(root, id, self.engine).await {
                    Ok(model) => models.push(model),
                    Err(error) if *is_stored => return Err(error),
                    // It is made anew, whatever became of it.
                    Err(_) => {}
                }
            }
        }
        Ok(models)
    }

    /// What a run would do, how many seconds that may take, and by how many runs it is known.
    async fn work(
        &self,
        cells: &Cells,
        outlooks: &[Outlook],
    ) -> Result<(Work, Option<(f64, usize)>), Error> {
        let Self { plan, digest, root, .. } = *self;
        let pipeline = plan.pipeline.as_str();
        let mut n_scored = 0;
        for part in cells.prints.parts() {
            let counts = match root.filter(|_| cells.prints.is_whole()) {
                Some(root) => PartCounts::load(root, pipeline, part).await?,
                None => PartCounts::default(),
            };
            if let Some(first_year) = cells.first_year_to_score(part, &counts) {
                n_scored += cells.prints.count_read(digest, first_year, part).1;
            }
        }
        let work = Work {
            n_rows: digest.n_rows() as u64,
            to_train: outlooks
                .iter()
                .filter(|outlook| !outlook.is_stored)
                .map(|outlook| (outlook.name.clone(), outlook.n_learnt as u64))
                .collect(),
            n_scored: n_scored as u64,
        };
        let rates = match root {
            Some(root) => Rates::load(root, pipeline).await?,
            None => Rates::default(),
        };
        let estimate = rates.estimate(&work).map(|seconds| (seconds, rates.n_runs()));
        Ok((work, estimate))
    }
}
