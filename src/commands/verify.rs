//! `verify`: whether what was written is still what is there.

use std::path::Path;

use oddlot_engine::s3::Place;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::verify::{self, Count, Finding, Gravity, Mends};
use oddlot_engine::{Error, Report};
use oddlot_nets::Engine;
use serde_json::{Value, json};

use super::{block_on, load, threads};
use crate::artifact::verify::models;
use crate::cli::Where;
use crate::exit::Exit;
use crate::{colour, diagnostic, say, say_json, staging, tell};

/// `oddlot verify`.
pub fn verify(args: &Where, engine: Engine) -> Result<Exit, Error> {
    let (root, pipeline) = match (&args.pipeline, &args.root) {
        (Some(file), _) => {
            let plan = load(file)?;
            let slug = plan.pipeline.as_str().to_owned();
            (plan.output.root, Some((shown(file), slug)))
        }
        (None, Some(root)) => (Place::from(root), None),
        (None, None) => return Err(Error::config(Report::new("name a pipeline or `--root`"))),
    };
    block_on(threads(None), async {
        let root = OutputRoot::open_existing(&root)?;
        let mends = Mends { root: root.name().to_owned(), pipeline };
        let survey = verify::tables(&root, &mends).await?;
        let (n_models, of_models) = models(&root, &survey.model_ids, engine, &mends).await?;
        let mut findings = survey.findings;
        findings.extend(of_models);
        findings.extend(staging::abandoned(&root));

        say(&table(survey.tables.iter(), n_models, &findings));
        for finding in &findings {
            tell(&match finding.gravity {
                Gravity::Damage => diagnostic::mistake(&finding.report, colour()),
                Gravity::Leftover => diagnostic::warning(&finding.report, colour()),
            });
        }
        let n_damaged = findings.iter().filter(|found| found.gravity == Gravity::Damage).count();
        say(&format!("{}\n", verdict(n_damaged, findings.len() - n_damaged)));
        let counts = survey.tables.iter().map(|(name, count)| {
            (
                name.clone(),
                json!({ "objects": count.objects, "rows": count.rows, "bytes": count.bytes }),
            )
        });
        say_json(&json!({
            "root": root.name(),
            "tables": counts.collect::<serde_json::Map<_, _>>(),
            "models": n_models,
            "damaged": n_damaged,
            "leftover": findings.len() - n_damaged,
            "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
        }));
        Ok(exit_of(&findings))
    })
}

/// A table that cannot be trusted is the data's defect, and only a model is a model's.
fn exit_of(findings: &[Finding]) -> Exit {
    let mut damaged =
        findings.iter().filter(|finding| finding.gravity == Gravity::Damage).peekable();
    if damaged.peek().is_none() {
        return Exit::Done;
    }
    match damaged.all(|finding| finding.object.starts_with("models/")) {
        true => Exit::Model,
        false => Exit::Input,
    }
}

fn table<'a>(
    tables: impl Iterator<Item = (&'a String, &'a Count)>,
    n_models: usize,
    findings: &[Finding],
) -> String {
    let under = |prefixes: &[String]| {
        let is_there = |finding: &&Finding| {
            prefixes.iter().any(|prefix| finding.object.starts_with(prefix.as_str()))
        };
        findings.iter().filter(is_there).count()
    };
    let head =
        format!("{:<16}{:>9}{:>13}{:>15}{:>10}\n", "", "objects", "rows", "bytes", "findings");
    let lines = tables.map(|(name, Count { objects, rows, bytes })| {
        let n = under(&[format!("tables/{name}/"), format!("_state/cells/{name}/")]);
        format!("{name:<16}{objects:>9}{rows:>13}{bytes:>15}{n:>10}\n")
    });
    let n = under(&["models/".to_owned(), "_state/models/".to_owned()]);
    let models = format!("{:<16}{n_models:>9}{:>13}{:>15}{n:>10}\n", "models/", "", "");
    std::iter::once(head).chain(lines).chain([models]).collect()
}

fn verdict(n_damaged: usize, n_leftover: usize) -> String {
    let leftover = match n_leftover {
        0 => String::new(),
        n => format!("; left by runs that were stopped: {n}"),
    };
    match n_damaged {
        0 => format!("everything is as it was written{leftover}"),
        n => format!("damaged: {n}{leftover}"),
    }
}

fn finding_json(finding: &Finding) -> Value {
    let Report { title, expected, found, hint, .. } = &finding.report;
    json!({
        "problem": finding.problem,
        "is_damage": finding.gravity == Gravity::Damage,
        "object": finding.object,
        "title": title,
        "expected": expected,
        "found": found,
        "mend": hint,
    })
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_tables_from_models_and_forgives_leftovers() {
        let damage = |object: &str| Finding::damage("damaged", object, Report::new("it"));
        let leftover = Finding::leftover("unlisted", "tables/errors/x", Report::new("it"));
        assert_eq!(exit_of(&[]), Exit::Done);
        assert_eq!(exit_of(std::slice::from_ref(&leftover)), Exit::Done);
        assert_eq!(exit_of(&[leftover.clone(), damage("models/a")]), Exit::Model);
        assert_eq!(exit_of(&[damage("models/a"), damage("tables/errors/x")]), Exit::Input);
    }
}
