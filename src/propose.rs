//! `oddlot init`: a pipeline for files that nobody has described yet.
//!
//! Columns are chosen by name and type (`columns.rs`), everything else by the number of rows and the days that they cover
//! (`amounts.rs`); what was chosen and why is told, and stands as comments in the file (`text.rs`). What cannot be decided is asked for.

mod amounts;
mod columns;
mod text;

use std::path::Path;

use oddlot_engine::fingerprint::trade_days;
use oddlot_engine::inspect::inspect;
use oddlot_engine::session::{SessionOptions, session};
use oddlot_engine::{Error, source};

use crate::plan::Plan;
use crate::prices::{self, source_of};
use crate::settings::Slug;

use amounts::Amounts;
use columns::Columns;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Name of the pipeline.
    pub name: &'a Slug,
    /// Its files, as the pipeline file is to say it.
    pub from: &'a str,
    /// `--column`: role and column.
    pub columns: &'a [(String, String)],
    /// `--ticker`: one name for all rows.
    pub ticker: Option<&'a str>,
    /// Where the file is to stand; relative paths count from here.
    pub folder: &'a Path,
    /// Threads of the queries.
    pub threads: usize,
}

/// A pipeline, as text.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What to write to the file.
    pub text: String,
    /// What was chosen, and why.
    pub notes: Vec<String>,
    /// A ticker to try it with.
    pub ticker: String,
}

/// Looks at the files and proposes a pipeline that `oddlot check` has no objection to.
///
/// # Errors
/// The files cannot be read; it cannot be told which column is what; there are too few rows.
pub async fn propose(asked: &Asked<'_>) -> Result<Proposal, Error> {
    columns::refuse_csv(asked.from)?;
    let empty = Columns::nothing();
    let draft = plan_of(asked, &text::draft(asked.from, &empty))?;
    let offered =
        source::offered(&session(&SessionOptions::default())?, &source_of(&draft)).await?;
    let columns = columns::choose(asked, &offered)?;
    let draft = plan_of(asked, &text::draft(asked.from, &columns))?;
    let opened = prices::registered(&draft, asked.threads).await?;
    let facts = inspect(&opened).await?;
    let days = trade_days(&opened).await?;
    columns.refuse_mixed(&facts.tickers, &offered)?;
    let amounts = Amounts::of(&facts.tickers, &days, &columns, offered.files.len())?;
    let text = text::pipeline(asked, &columns, &amounts);
    let plan = plan_of(asked, &text)?;
    // As `oddlot check` does.
    prices::open(&plan, asked.threads).await?;
    let notes = columns.notes.into_iter().chain(amounts.notes).collect();
    let ticker = facts.tickers.into_iter().max_by_key(|ticker| ticker.n_rows);
    let ticker = ticker.map(|ticker| ticker.ticker).unwrap_or_default();
    Ok(Proposal { text, notes, ticker })
}

fn plan_of(asked: &Asked<'_>, text: &str) -> Result<Plan, Error> {
    let name = format!("{}.toml", asked.name);
    Plan::from_text(&name, text, asked.folder, &|name| std::env::var(name).ok())
}
