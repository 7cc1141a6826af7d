//! Which input checks run, and with which query.

use std::path::Path;

use oddlot_engine::Report;
use oddlot_engine::checks::{Check, Severity, TODAY};
use oddlot_engine::sql_file::SqlFile;

use super::SqlPlan;
use super::source::{SourcePlan, shown};
use crate::settings::{
    Mistakes,
    checks::{Checks, Choice, OwnCheck},
};

/// The input checks of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChecksPlan {
    /// Those that every run makes.
    pub run: Vec<Check>,
    /// Those that come with the binary, fit the source's columns and are made only when they are asked for.
    pub others: Vec<Check>,
    /// Those that would need columns which the pipeline does not map: name and columns.
    pub idle: Vec<(&'static str, Vec<String>)>,
}

impl ChecksPlan {
    /// What `[checks]` says; without it no run makes any, since each is a reading of the source.
    pub(super) fn lower(
        checks: Option<&Checks>,
        source: &SourcePlan,
        folder: &Path,
        mistakes: &Mistakes<'_>,
    ) -> Self {
        let mut plan = Self::default();
        for name in SqlFile::builtin_check_names() {
            let Some(file) = SqlFile::builtin_check(name) else { continue };
            let written = checks
                .and_then(|checks| checks.shipped.iter().find(|(known, _)| *known == name))
                .map(|(_, choice)| choice);
            if written.is_some_and(|choice| choice.value == Choice::Off) {
                continue;
            }
            let lacking = lacking(&file, source);
            if !lacking.is_empty() {
                if let Some(choice) = written {
                    let report = Report::new(format!("the check `{name}` has nothing to look at"))
                        .expected(format!("the columns {} in `source.columns`", lacking.join(", ")))
                        .found(shown(choice))
                        .hint(format!(
                            "add `{0} = \"{0}\"` and its like to `source.columns`, or delete `{name}`",
                            lacking[0]
                        ));
                    mistakes.add(choice.at, report);
                }
                plan.idle.push((name, lacking));
                continue;
            }
            let severity = match written.map(|choice| choice.value) {
                Some(Choice::On(severity)) => severity,
                _ => default_of(&file),
            };
            let check = Check { name: name.to_owned(), file, severity };
            if let Some(choice) = written.filter(|_| severity == Severity::Drop) {
                refuse_clock(&check, choice.at, mistakes);
            }
            match checks.is_some() {
                true => plan.run.push(check),
                false => plan.others.push(check),
            }
        }
        for own in checks.iter().flat_map(|checks| &checks.own) {
            plan.run.extend(lower_own(own, folder, mistakes));
        }
        plan
    }

    /// Those that take rows out, and so decide what the tables hold.
    pub fn dropping(&self) -> impl Iterator<Item = &Check> {
        self.run.iter().filter(|check| check.severity == Severity::Drop)
    }
}

fn lower_own(own: &OwnCheck, folder: &Path, mistakes: &Mistakes<'_>) -> Option<Check> {
    let severity = own.severity.as_ref().map(|severity| severity.value);
    if severity == Some(Choice::Off) {
        return None;
    }
    let names: Vec<&'static str> = SqlFile::builtin_check_names().collect();
    let file = match SqlPlan::lower(&own.sql, "check", &names, folder, mistakes)? {
        SqlPlan::Builtin(name) => SqlFile::builtin_check(name)?,
        SqlPlan::File { path, text } => SqlFile::new(path.display().to_string(), text),
    };
    let header = match file.header() {
        Ok(header) => header,
        Err(error) => {
            for report in error.reports {
                mistakes.add(own.sql.at, report);
            }
            return None;
        }
    };
    let severity = match severity {
        Some(Choice::On(severity)) => severity,
        _ => header.severity.unwrap_or(Severity::Warn),
    };
    let check = Check { name: own.name.clone(), file, severity };
    if severity == Severity::Drop {
        refuse_clock(&check, own.at, mistakes);
    }
    Some(check)
}

/// Rows that are taken out today and not tomorrow would make cells depend on the clock.
fn refuse_clock(check: &Check, at: Option<usize>, mistakes: &Mistakes<'_>) {
    let asks = |line: &str| line.split("--").next().is_some_and(|sql| sql.contains(TODAY));
    if !check.file.text.lines().any(asks) {
        return;
    }
    let report = Report::new(format!("the check `{}` cannot take rows out", check.name))
        .expected("`warn` or `stop`, as it asks which day it is: tables may not depend on that")
        .found("\"drop\"")
        .hint("bound the source by `source.to`, or let the check stop the run");
    mistakes.add(at, report);
}

fn default_of(file: &SqlFile) -> Severity {
    file.header().ok().and_then(|header| header.severity).unwrap_or(Severity::Warn)
}

/// The columns that a shipped check needs and the pipeline does not map.
fn lacking(file: &SqlFile, source: &SourcePlan) -> Vec<String> {
    let header = file.header().unwrap_or_default();
    let is_there = |column: &str| match column {
        "ticker" | "value" => true,
        "ts" | "trade_date" => source.columns.ts.is_some(),
        column => source.columns.further.iter().any(|(name, _)| name == column),
    };
    header.needed_columns().filter(|column| !is_there(column)).map(str::to_owned).collect()
}
