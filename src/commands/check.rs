//! `check`: looks, and changes nothing.

use std::path::Path;

use oddlot_engine::Error;
use oddlot_nets::n_weights;
use oddlot_report::number;
use serde_json::json;

use super::{block_on, load, threads};
use crate::diagnostic::{name, tickers};
use crate::exit::Exit;
use crate::plan::{DetectorPlan, Plan};
use crate::prices::{self, Prices};
use crate::{lower, say, say_json};

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
                let n_weights = number::count(n_weights as u64);
                say(&format!("{} has {n_weights} weights\n", model.name));
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

/// What the source has, in a line.
pub(super) fn told(prices: &Prices) -> String {
    let n_rows: i64 = prices.tickers.iter().map(|ticker| ticker.n_rows).sum();
    let tickers = tickers(prices.tickers.len());
    let [first, last] = prices.days();
    format!("source     {n_rows} rows of {tickers}, {first} … {last}")
}
