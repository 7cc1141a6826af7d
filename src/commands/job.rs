//! `run`, `score`, `train`.

use oddlot_engine::Error;
use oddlot_nets::Engine;
use serde_json::json;

use super::{block_on, check, each, load, threads};
use crate::artifact::StoredJudge;
use crate::cells::Range;
use crate::cli::{Job, PlanArgs, TrainArgs, Work};
use crate::diagnostic::visible;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run::{self, Options, Outcome};
use crate::train::Policy;
use crate::{say, say_json};

/// `oddlot run`: the whole job.
pub fn run(args: &Job, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    let policy = if args.work.full_refresh { Policy::Always } else { Policy::IfNeeded };
    tables(args, progress, engine, "run", policy)
}

/// `oddlot score`: never trains.
pub fn score(args: &Job, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    tables(args, progress, engine, "score", Policy::Never)
}

/// `oddlot train`: writes models and no other table.
pub fn train(args: &TrainArgs, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    let Work { full_refresh, dry_run, threads: asked } = args.work;
    if dry_run {
        let pipeline = args.pipeline.clone();
        let args = PlanArgs { pipeline, range: Default::default(), full_refresh };
        return check::plan(&args, engine);
    }
    let plan = load(&args.pipeline.pipeline)?;
    let policy = if full_refresh { Policy::Always } else { Policy::IfNeeded };
    let options = Options {
        command: "train",
        policy,
        full_refresh,
        range: Range::default(),
        threads: threads(asked),
        engine,
        progress,
    };
    block_on(options.threads, async {
        let (models, faults) = run::train(&plan, options).await?;
        faults.tell();
        let mut lines = Vec::new();
        for ready in &models {
            let artifact = &ready.model.artifact;
            let loss = match &artifact.judge {
                StoredJudge::Network { imported: Some(from), .. } => {
                    format!(", weights from {}", visible(&from.file_name))
                }
                StoredJudge::Network { training, .. } => {
                    training.validation_loss.map_or_else(String::new, |loss| {
                        format!(", validation loss {loss:.4} in epoch {}", training.best_epoch)
                    })
                }
                StoredJudge::Baseline(_) => String::new(),
                StoredJudge::Archive { .. } => ", learns as it scores".to_owned(),
            };
            let done = match (ready.is_new, artifact.imported()) {
                (true, Some(_)) => "calibrated",
                (true, None) => "trained",
                (false, _) => "kept",
            };
            say(&format!(
                "{done} {} ({}), model {}, {}{loss}\n",
                artifact.name,
                artifact.detector,
                ready.model.model_id,
                match &artifact.thresholds {
                    Some(of) => format!("threshold {:.4}", of.causal.pooled.threshold),
                    None => "a threshold of each ticker's own".to_owned(),
                }
            ));
            lines.push(json!({ "model": artifact.name, "model_id": ready.model.model_id, "trained": ready.is_new }));
        }
        say_json(&json!({
            "pipeline": plan.pipeline,
            "models": lines,
            "tickers": faults.n_tickers,
            "failed": faults.failed.len(),
            "partial": faults.partial.len(),
            "failures": faults.failures_json(),
        }));
        Ok(faults.exit(&plan))
    })
}

fn tables(
    args: &Job,
    progress: Progress,
    engine: Engine,
    command: &'static str,
    policy: Policy,
) -> Result<Exit, Error> {
    let Work { full_refresh, dry_run, threads: asked } = args.work;
    if dry_run {
        return check::plans(&args.pipelines, args.range, full_refresh, engine);
    }
    let (from, to) = args.range.bounds();
    let options = Options {
        command,
        policy,
        full_refresh,
        range: Range { from, to },
        threads: threads(asked),
        engine,
        progress,
    };
    block_on(options.threads, async {
        let fails_on_anomaly = args.fail_on.is_some();
        each(&args.pipelines, async |pipeline| {
            let plan = load(pipeline)?;
            let outcome = run::run(&plan, options).await?;
            print(&plan, &outcome);
            Ok(exit_of(&plan, &outcome, fails_on_anomaly))
        })
        .await
    })
}

fn exit_of(plan: &Plan, outcome: &Outcome, fails_on_anomaly: bool) -> Exit {
    match outcome.faults.exit(plan) {
        Exit::Done if fails_on_anomaly && outcome.n_anomalies > 0 => Exit::Anomaly,
        exit => exit,
    }
}

fn print(plan: &Plan, outcome: &Outcome) {
    let faults = &outcome.faults;
    faults.tell();
    say(&format!("{}\n", outcome.summary));
    let cells = match outcome.n_cells_replaced {
        0 => format!("nothing to do: all {} cells are up to date", outcome.n_cells),
        replaced => format!("replaced {replaced} of {} cells", outcome.n_cells),
    };
    say(&format!(
        "{cells} in {}; {} new alerts{}; run {}\n",
        plan.output.root,
        outcome.alerts.len(),
        faults.in_words(),
        outcome.run_id
    ));
    say_json(&json!({
        "run_id": outcome.run_id.as_str(),
        "pipeline": plan.pipeline,
        "tickers": faults.n_tickers,
        "failed": faults.failed.len(),
        "partial": faults.partial.len(),
        "failures": faults.failures_json(),
        "cells": outcome.n_cells,
        "cells_replaced": outcome.n_cells_replaced,
        "anomalies": outcome.n_anomalies,
        "alerts": outcome.alerts.len(),
        "models": outcome.summary.models_json(),
    }));
}
