//! Tickers that failed, wholly or in part: what is told of them, and how a command ends for them.
//!
//! One bad ticker never costs the others. Each is in `ticker_status` with its reason; here the first
//! few are told to who watches, or logs, and all are counted.

use oddlot_engine::checks::Findings;
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::tables::run_tables::TickerRow;
use serde_json::{Value, json};

use crate::cells;
use crate::diagnostic::{name, tickers};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::prices::told;
use crate::train::Ready;
use crate::{log, tell};

/// How many tickers of one kind are told by name.
const TOLD_MAX: usize = 10;

/// Tickers whose rows are there and that ought to have a model of their own and have none: they have failed,
/// though the fallback speaks for them.
pub fn lacking(mut tickers: Vec<TickerRow>, models: &[Ready], plan: &Plan) -> Vec<TickerRow> {
    let parts = cells::parts(plan);
    for row in tickers.iter_mut().filter(|row| matches!(row.status, "ok" | "partial")) {
        let part = part_of(&row.ticker, parts);
        let lacks = models.iter().filter_map(|ready| {
            let why = ready.lack_of(&row.ticker, part)?;
            Some(format!("no `{}` of its own: {why}", ready.model.artifact.name))
        });
        let reasons: Vec<String> = lacks.chain(row.reason.clone()).collect();
        if models.iter().any(|ready| ready.lack_of(&row.ticker, part).is_some()) {
            (row.status, row.reason) = ("failed", Some(reasons.join("; ")));
        }
    }
    tickers
}

/// What became of all tickers.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Tickers of the source.
    pub n_tickers: usize,
    /// Those that have no row in the tables.
    pub failed: Vec<Fault>,
    /// Those that have some rows which cannot be used.
    pub partial: Vec<Fault>,
    /// What input checks have found.
    pub checks: Vec<CheckFault>,
}

/// An input check that has found something.
#[derive(Clone, Debug)]
pub struct CheckFault {
    name: String,
    severity: &'static str,
    n_rows: u64,
    n_tickers: usize,
    told: String,
}

/// A ticker and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Fault {
    ticker: String,
    reason: String,
}

impl Faults {
    /// Of what was decided of each ticker.
    pub fn of(tickers: &[TickerRow]) -> Self {
        let with = |status: &str| {
            let rows = tickers.iter().filter(|row| row.status == status);
            let fault = |row: &TickerRow| Fault {
                ticker: row.ticker.clone(),
                reason: row.reason.clone().unwrap_or_default(),
            };
            rows.map(fault).collect()
        };
        let (failed, partial) = (with("failed"), with("partial"));
        Self { n_tickers: tickers.len(), failed, partial, checks: Vec::new() }
    }

    /// The same, with what input checks have found.
    #[must_use]
    pub fn with_checks(self, findings: &[Findings]) -> Self {
        let found = findings.iter().filter(|findings| !findings.tickers.is_empty());
        let checks = found.map(|findings| CheckFault {
            name: findings.name.clone(),
            severity: findings.severity.name(),
            n_rows: findings.n_rows(),
            n_tickers: findings.tickers.len(),
            told: told(findings),
        });
        Self { checks: checks.collect(), ..self }
    }

    /// Tells the first of them on stderr: a line each, or an event of the JSON log each.
    pub fn tell(&self) {
        for CheckFault { name: check, severity, n_rows, n_tickers, told } in &self.checks {
            match log::is_json() {
                true => tracing::warn!(check, severity, n_rows, n_tickers, told, "check"),
                false => tell(&format!("{severity} {check}: {told}\n")),
            }
        }
        for (status, faults) in [("failed", &self.failed), ("partial", &self.partial)] {
            for Fault { ticker, reason } in faults.iter().take(TOLD_MAX) {
                match log::is_json() {
                    true => tracing::warn!(status, ticker, reason, "ticker"),
                    false => tell(&format!("{status} {}: {}\n", name(ticker), name(reason))),
                }
            }
            let n_more = faults.len().saturating_sub(TOLD_MAX);
            if n_more > 0 {
                match log::is_json() {
                    true => tracing::warn!(status, n_more, "more tickers: see ticker_status"),
                    false => tell(&format!("{status} {n_more} more: see ticker_status\n")),
                }
            }
        }
    }

    /// For the line of the result; nothing where all is well.
    pub fn in_words(&self) -> String {
        let n = self.n_tickers;
        let of_all = tickers(n);
        match (self.failed.len(), self.partial.len()) {
            (0, 0) => String::new(),
            (0, partial) => format!("; {partial} of {of_all} with rows that cannot be used"),
            (failed, 0) => format!("; {failed} of {of_all} failed"),
            (failed, partial) => {
                format!("; {failed} of {of_all} failed, {partial} with rows that cannot be used")
            }
        }
    }

    /// The first of them for the last line of a command.
    pub fn failures_json(&self) -> Value {
        let told = self.failed.iter().take(TOLD_MAX);
        told.map(|Fault { ticker, reason }| json!({ "ticker": ticker, "reason": reason })).collect()
    }

    /// The input checks that have found something, for the last line of a command.
    pub fn checks_json(&self) -> Value {
        let told = |check: &CheckFault| {
            let CheckFault { name, severity, n_rows, n_tickers, .. } = check;
            json!({ "check": name, "severity": severity, "rows": n_rows, "tickers": n_tickers })
        };
        self.checks.iter().map(told).collect()
    }

    /// How a command ends that finished in spite of them.
    pub fn exit(&self, plan: &Plan) -> Exit {
        let most = plan.universe.max_failed_tickers.unwrap_or_default();
        match most.allows(self.failed.len(), self.n_tickers) {
            true => Exit::Done,
            false => Exit::TickersFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(statuses: &[&'static str]) -> Faults {
        let row = |(idx, status): (usize, &&'static str)| TickerRow {
            ticker: idx.to_string(),
            status,
            reason: (*status != "ok").then(|| format!("because of {idx}")),
            n_rows: 1,
        };
        Faults::of(&statuses.iter().enumerate().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn a_result_tells_how_many_tickers_failed_of_how_many() {
        assert_eq!(faults(&["ok", "ok"]).in_words(), "");
        assert_eq!(faults(&["skipped", "failed"]).in_words(), "; 1 of 2 tickers failed");
        assert_eq!(
            faults(&["partial"]).in_words(),
            "; 1 of 1 ticker with rows that cannot be used"
        );
        let both = faults(&["ok", "partial", "failed", "failed"]);
        assert_eq!(both.in_words(), "; 2 of 4 tickers failed, 1 with rows that cannot be used");
        let failures = json!([
            { "ticker": "2", "reason": "because of 2" },
            { "ticker": "3", "reason": "because of 3" },
        ]);
        assert_eq!(both.failures_json(), failures);
    }

    #[test]
    fn of_many_failed_tickers_the_first_ten_are_told() {
        let told = faults(&["failed"; 12]).failures_json();
        assert_eq!(told.as_array().map(Vec::len), Some(10));
    }
}
