//! `run`, `score`, `train`.

use std::path::Path;

use oddlot_engine::Error;
use oddlot_nets::Engine;
use serde_json::{Value, json};

use super::result_file::ResultFile;
use super::{block_on, each, load, next, plan, threads};
use crate::artifact::StoredJudge;
use crate::cells::Range;
use crate::cli::{Job, PlanArgs, TrainArgs, Work};
use crate::diagnostic::visible;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::relative;
use crate::run::{self, Asked, Ended, Options, Outcome};
use crate::train::Policy;
use crate::{say, say_json};

/// `oddlot run`: the whole job.
pub fn run(args: &Job, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    // What one shard has trained the others need not train again.
    let is_anew = args.work.full_refresh && args.shard.is_none();
    let policy = if is_anew { Policy::Always } else { Policy::IfNeeded };
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
        let (range, tickers) = Default::default();
        let format = crate::cli::PlanFormat::Text;
        let args = PlanArgs { pipeline, range, tickers, full_refresh, format };
        return plan::plan(&args, engine);
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
        wait: args.wait.patience(None),
    };
    block_on(options.threads, async {
        let _lines = progress.lines();
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
                StoredJudge::PerTicker(_) => {
                    let (n, packs) = (ready.n_own(), ready.packs.len());
                    let plural = if packs == 1 { "" } else { "s" };
                    format!(" and a model, of {n} tickers in {packs} pack{plural}")
                }
            };
            let done = match (ready.is_new, artifact.imported()) {
                (true, Some(_)) => "calibrated",
                (true, None) => "trained",
                (false, _) => "kept",
            };
            let ids: Vec<&str> = ready.ids().collect();
            say(&format!(
                "{done} {} ({}), model {}, {}{loss}\n",
                artifact.name,
                artifact.detector,
                ids.join(" "),
                match &artifact.thresholds {
                    Some(of) => format!("threshold {:.4}", of.causal.pooled.threshold),
                    None => "a threshold of each ticker's own".to_owned(),
                }
            ));
            let mut line = json!({ "model": artifact.name, "model_id": ready.model.model_id, "trained": ready.is_new });
            if ready.is_packed() {
                line["model_id"] = Value::Null;
                line["model_ids"] = json!(ids);
                line["tickers"] = json!(ready.n_own());
            }
            lines.push(line);
        }
        say_json(&json!({
            "pipeline": plan.pipeline,
            "models": lines,
            "tickers": faults.n_tickers,
            "failed": faults.failed.len(),
            "partial": faults.partial.len(),
            "failures": faults.failures_json(),
            "checks": faults.checks_json(),
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
        let asked = plan::Asked {
            range: args.range,
            tickers: &args.tickers,
            shard: args.shard,
            full_refresh,
            format: crate::cli::PlanFormat::Text,
        };
        return plan::plans(&args.pipelines, asked, engine);
    }
    let tickers = super::tickers::read(&args.tickers)?;
    let results = args.result_file.as_deref().map(ResultFile::new).transpose()?;
    let options = Options {
        command,
        policy,
        full_refresh,
        range: Range::default(),
        threads: threads(asked),
        engine,
        progress,
        wait: args.wait.patience(args.shard),
    };
    let asked = Asked { when: args.range.when(), tickers: &tickers, shard: args.shard };
    let work = async |pipeline: &Path| {
        let plan = load(pipeline)?;
        let _lines = progress.lines();
        let ended = run::run(&plan, options, asked).await?;
        let result = match &ended {
            Ended::Done(outcome) => print(&plan, outcome),
            Ended::NoSession(why) => print_idle(&plan, why),
        };
        if let Ended::Done(outcome) = &ended
            && progress != Progress::Quiet
            && !is_idle(outcome)
        {
            say(&next::steps(&plan, outcome));
        }
        say_json(&result);
        Ok((exit_of(&plan, &ended, args), result))
    };
    let ended = block_on(options.threads, async {
        each(&args.pipelines, async |pipeline| {
            let ended = work(pipeline).await;
            if let Some(results) = &results {
                results.add(pipeline, &ended);
            }
            ended.map(|(exit, _)| exit)
        })
        .await
    });
    if let Some(results) = results {
        results.write(&ended)?;
    }
    ended
}

fn exit_of(plan: &Plan, ended: &Ended, args: &Job) -> Exit {
    let skipped = args.skip_code.map_or(Exit::Done, Exit::Skipped);
    let Ended::Done(outcome) = ended else { return skipped };
    match outcome.faults.exit(plan) {
        Exit::Done if args.fail_on.is_some() && outcome.n_anomalies > 0 => Exit::Anomaly,
        Exit::Done if is_idle(outcome) => skipped,
        exit => exit,
    }
}

/// Whether a run has changed nothing that anybody would look at again.
fn is_idle(outcome: &Outcome) -> bool {
    outcome.n_cells_replaced == 0 && outcome.n_cells_removed == 0 && outcome.alerts.is_empty()
}

/// There is no session in the days that were asked for.
fn print_idle(plan: &Plan, why: &str) -> Value {
    say(&format!("nothing to do: {why}\n"));
    json!({
        "pipeline": plan.pipeline,
        "nothing_to_do": true,
        "why": why,
        "cells": 0,
        "cells_replaced": 0,
        "alerts": 0,
    })
}

/// Tells how a run ended; its machine-readable line.
fn print(plan: &Plan, outcome: &Outcome) -> Value {
    let faults = &outcome.faults;
    faults.tell();
    // Of chosen tickers that are up to date nothing is counted.
    if !outcome.summary.models.is_empty() || outcome.n_cells_replaced > 0 {
        say(&format!("{}\n", outcome.summary));
    }
    for (model, why) in &outcome.kept {
        say(&format!("{model} is {why}\n"));
    }
    let removed = match outcome.n_cells_removed {
        0 => String::new(),
        n => format!(", removed {n} that nothing belongs to any more,"),
    };
    let cells = match outcome.n_cells_replaced {
        0 if !removed.is_empty() => format!("replaced none of {} cells", outcome.n_cells),
        0 => format!("nothing to do: all {} cells are up to date", outcome.n_cells),
        replaced => format!("replaced {replaced} of {} cells", outcome.n_cells),
    };
    say(&format!(
        "{cells}{removed} in {}; {} new alerts{}; run {}\n",
        relative::here(&plan.output.root.to_string()),
        outcome.alerts.len(),
        faults.in_words(),
        outcome.run_id
    ));
    if let Some((shard, false)) = outcome.shard {
        say(&format!("shard {shard} is written; readers see it once the others are, too\n"));
    }
    let mut result = json!({
        "run_id": outcome.run_id.as_str(),
        "pipeline": plan.pipeline,
        "tickers": faults.n_tickers,
        "failed": faults.failed.len(),
        "partial": faults.partial.len(),
        "failures": faults.failures_json(),
        "checks": faults.checks_json(),
        "cells": outcome.n_cells,
        "cells_replaced": outcome.n_cells_replaced,
        "cells_removed": outcome.n_cells_removed,
        "anomalies": outcome.n_anomalies,
        "alerts": outcome.alerts.len(),
        "models": outcome.summary.models_json(),
        "nothing_to_do": is_idle(outcome),
    });
    if let Some((shard, is_complete)) = outcome.shard {
        result["shard"] = shard.to_string().into();
        result["all_shards"] = is_complete.into();
    }
    if !outcome.kept.is_empty() {
        let kept: Vec<&String> = outcome.kept.iter().map(|(model, _)| model).collect();
        result["kept_models"] = json!(kept);
    }
    // The one day that it was about.
    if let Some(day) = outcome.range.from.filter(|day| outcome.range.to == Some(*day)) {
        result["session"] = day.to_string().into();
    }
    result
}
