//! `check` and `plan`: look, and change nothing.

use std::path::{Path, PathBuf};

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::{Engine, n_weights};
use serde_json::json;

use super::{block_on, each, load, threads};
use crate::artifact::Model;
use crate::cells::{Asked, Range};
use crate::cli::{self, PlanArgs, Tickers};
use crate::diagnostic::name;
use crate::exit::Exit;
use crate::plan::{DetectorPlan, Plan};
use crate::prices::{self, Prices};
use crate::selection::Selection;
use crate::sessions::Days;
use crate::shard::Shard;
use crate::train::{Outlook, Policy, outlook, stored};
use crate::{cells, lower, say, say_json, split};

/// `oddlot check`: pipeline, queries and source; with `data` every input check that comes with the binary too.
pub fn check(pipeline: &Path, data: bool) -> Result<Exit, Error> {
    let mut plan = load(pipeline)?;
    if data {
        let others = std::mem::take(&mut plan.checks.others);
        plan.checks.run.extend(others);
    }
    let threads = threads(None);
    block_on(threads, async {
        let prices = prices::open(&plan, threads).await?;
        prices.replay(&plan).await?;
        say(&format!("{plan}\n{}\n", told(&prices)));
        for row in &prices.tickers {
            if let Some(reason) = &row.reason {
                say(&format!("{} {}: {}\n", row.status, name(&row.ticker), name(reason)));
            }
        }
        for model in &plan.models {
            if matches!(model.detector, DetectorPlan::Network(_)) {
                let spec = lower::spec(model, prices.layout.length, prices.layout.features.len())?;
                let n_weights = n_weights(&spec).map_err(|error| Error::bug(error.to_string()))?;
                say(&format!("{} has {} weights\n", model.name, grouped(n_weights)));
            }
        }
        let faults = prices.faults();
        say_checks(&plan, &prices, data);
        say("no mistake found\n");
        let models: Vec<_> = plan.models.iter().map(|model| model.name.as_str()).collect();
        say_json(&json!({
            "pipeline": plan.pipeline,
            "config_hash": plan.config_hash(),
            "models": models,
            "tickers": faults.n_tickers,
            "failed": faults.failed.len(),
            "partial": faults.partial.len(),
            "checks": faults.checks_json(),
            "warnings": plan.warnings.len(),
        }));
        Ok(faults.exit(&plan))
    })
}

/// What each input check has found, and with `data` which of them have nothing to look at.
fn say_checks(plan: &Plan, prices: &Prices, data: bool) {
    for findings in &prices.findings {
        let found = match findings.tickers.is_empty() {
            true => "nothing".to_owned(),
            false => prices::told(findings),
        };
        say(&format!("check {} ({}): {found}\n", findings.name, findings.severity.name()));
    }
    for (name, lacking) in plan.checks.idle.iter().filter(|_| data) {
        let columns = lacking.join(", ");
        say(&format!("check {name} is not made: `source.columns` has no {columns}\n"));
    }
}

/// `oddlot plan`: what a run would do, and why.
pub fn plan(args: &PlanArgs, engine: Engine) -> Result<Exit, Error> {
    let pipelines = std::slice::from_ref(&args.pipeline.pipeline);
    plans(pipelines, args.range, (&args.tickers, None), args.full_refresh, engine)
}

/// The same of several pipelines.
pub fn plans(
    pipelines: &[PathBuf],
    range: cli::Range,
    (tickers, shard): (&Tickers, Option<Shard>),
    full_refresh: bool,
    engine: Engine,
) -> Result<Exit, Error> {
    let threads = threads(None);
    let tickers = super::tickers::read(tickers)?;
    let policy = if full_refresh && shard.is_none() { Policy::Always } else { Policy::IfNeeded };
    let work = async |pipeline: &Path| {
        let plan = load(pipeline)?;
        shard.map_or(Ok(()), |shard| shard.check(&plan))?;
        let prices = prices::open(&plan, threads).await?;
        let selection = Selection::of(&prices, &tickers)?.in_shard(shard, cells::parts(&plan));
        say(&format!("{}\n", told(&prices)));
        let range = match range.when().resolve(&plan, &prices).await? {
            Days::Within(range) => range,
            Days::None(why) => {
                say(&format!("nothing to do: {why}\n"));
                say_json(&json!({ "pipeline": plan.pipeline, "cells": 0, "cells_stale": 0 }));
                return Ok(Exit::Done);
            }
        };
        if range != Range::default() {
            say(&format!("days       {range}\n"));
        }
        if !selection.is_whole() {
            let n = prices.tickers.len();
            say(&format!("tickers    {} of {n} chosen\n", selection.count(n)));
        }
        let which = Asked { range, selection: &selection, full_refresh };
        let root = OutputRoot::open_if_present(&plan.output.root)?;
        let split = split::preview(&plan, &prices, root.as_ref(), policy).await?;
        let digest = prices.digest(&plan, split.spans().calibration_to).await?;
        let mut outlooks = Vec::new();
        for model in &plan.models {
            let how = (&split, engine);
            let outlook = outlook(root.as_ref(), &plan, model, &digest, how, policy).await?;
            say(&format!("model {:<16} {}\n", model.name.as_str(), outlook.why));
            outlooks.push(outlook);
        }
        let used = match &root {
            Some(root) => to_be_used(&plan, root, &outlooks, engine).await?,
            None => None,
        };
        let (all, stale) = match (&root, used) {
            (Some(root), Some(models)) => {
                let models: Vec<_> = models.iter().collect();
                let chosen = cells::choose(&plan, &prices, &digest, &models, root, which).await?;
                (chosen.all.len(), chosen.stale)
            }
            _ => {
                let n = cells::count(&plan, &digest, which);
                say(&format!("all {n} cells would be written: a model is new\n"));
                say_json(&json!({ "pipeline": plan.pipeline, "cells": n, "cells_stale": n }));
                return Ok(Exit::Done);
            }
        };
        for chosen in &stale {
            say(&format!("write {}: {}\n", chosen.cell, chosen.why(full_refresh)));
        }
        if stale.is_empty() {
            say(&format!("nothing to do: all {all} cells are up to date\n"));
        }
        say_json(&json!({ "pipeline": plan.pipeline, "cells": all, "cells_stale": stale.len() }));
        Ok(Exit::Done)
    };
    block_on(threads, each(pipelines, work))
}

/// The models that a run would use, those of packs that are to be made under no id yet; `None` where every cell
/// is to be written anyway: a model is new, or of a part there is no pack yet.
async fn to_be_used(
    plan: &Plan,
    root: &OutputRoot,
    outlooks: &[Outlook],
    engine: Engine,
) -> Result<Option<Vec<Model>>, Error> {
    if outlooks.iter().any(|outlook| outlook.own.is_none() && !outlook.is_fresh) {
        return Ok(None);
    }
    let models = stored(plan, root, engine).await?;
    if models.len() < plan.models.len() {
        return Ok(None);
    }
    let mut used = Vec::new();
    for (ready, Outlook { own, .. }) in models.into_iter().zip(outlooks) {
        let Some(needs) = own else {
            used.push(ready.model);
            continue;
        };
        for part in needs.all_parts() {
            let Some(head) = ready.of_part(part) else { return Ok(None) };
            let mut head = head.clone();
            if needs.fresh(part).is_none() {
                head.model_id = "to be made".to_owned();
            }
            used.push(head);
        }
    }
    Ok(Some(used))
}

/// `49985` as `49,985`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn told(prices: &Prices) -> String {
    let n_rows: i64 = prices.tickers.iter().map(|ticker| ticker.n_rows).sum();
    let tickers = match prices.tickers.len() {
        1 => "1 ticker".to_owned(),
        n => format!("{n} tickers"),
    };
    let [first, last] = prices.days();
    format!("source     {n_rows} rows of {tickers}, {first} … {last}")
}
