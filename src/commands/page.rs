//! `report PIPELINE`: one page about a pipeline.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use oddlot_engine::Error;
use oddlot_report::page;
use serde_json::json;

use super::chart::undrawable;
use super::{block_on, load, threads, written};
use crate::exit::Exit;
use crate::look::Look;
use crate::{say, say_json, tell};

/// `oddlot report PIPELINE`.
pub fn report(pipeline: &Path, output: Option<&Path>) -> Result<Exit, Error> {
    let plan = load(pipeline)?;
    let name = plan.pipeline.as_str();
    let file = output.map_or_else(|| PathBuf::from(format!("{name}-report.html")), Path::to_owned);
    block_on(threads(None), async {
        let look = Look::open(&plan.output.root, Some(&plan), threads(None)).await?;
        for note in &look.notes {
            tell(&format!("note: {note}\n"));
        }
        let report = look.report(name).await?;
        let html = page::page(&report).map_err(undrawable)?;
        written::whole(&file, html.as_bytes(), "the report", written::ANOTHER_OUTPUT)?;
        if std::io::stdout().is_terminal() {
            let events = report.n_events;
            say(&format!(
                "wrote {}: {events} events, {} kB\n",
                file.display(),
                html.len().div_ceil(1000)
            ));
        }
        say_json(&json!({
            "file": file.display().to_string(),
            "pipeline": name,
            "bytes": html.len(),
            "events": report.n_events,
            "charts": report.charts.len(),
        }));
        Ok(Exit::Done)
    })
}
