//! What an interactive shell does with a line; the terminal itself is the binary's.
//!
//! A query ends at a `;` at the end of a line and may run over many lines. Lines that start with
//! a dot, outside a query, are commands.

use std::io::Write;

use super::{Catalog, OutputFormat};
use crate::error::{Error, Kind, Report, Result};

const HELP: &str = "\
.tables           tables and what to know of them
.schema TABLE     columns of a table
.format FORMAT    table, csv or json
.refresh          look at the output root again (each query does so too)
.quit             leave
Anything else is SQL up to a `;`.";

/// A session: the tables, the format chosen, and the query so far.
pub struct Shell {
    catalog: Catalog,
    format: OutputFormat,
    pending: String,
}

/// What the shell wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new query or command.
    Ready,
    /// The rest of the query: show a continuation prompt.
    More,
    /// Nothing: the user has left.
    Quit,
}

impl Shell {
    /// A shell over these tables.
    pub fn new(catalog: Catalog, format: OutputFormat) -> Self {
        Self { catalog, format, pending: String::new() }
    }

    /// Takes one line and writes what it asks for to `out`.
    ///
    /// # Errors
    /// Those of the query; the shell goes on, with nothing pending.
    pub async fn line(&mut self, line: &str, out: &mut (dyn Write + Send)) -> Result<Step> {
        if self.pending.is_empty() {
            match line.trim() {
                "" => return Ok(Step::Ready),
                command if command.starts_with('.') => return self.command(command, out).await,
                "quit" | "exit" | "quit;" | "exit;" => return Ok(Step::Quit),
                _ => {}
            }
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        if !line.trim_end().ends_with(';') {
            return Ok(Step::More);
        }
        let query = std::mem::take(&mut self.pending);
        self.catalog.refresh().await?;
        self.catalog.answer(query.trim_end(), self.format, out).await?;
        Ok(Step::Ready)
    }

    /// Forgets the query so far, as after ctrl-c.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    async fn command(&mut self, command: &str, out: &mut (dyn Write + Send)) -> Result<Step> {
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (name, argument.trim()) {
            (".quit" | ".exit" | ".q", "") => return Ok(Step::Quit),
            (".help", "") => say(out, HELP)?,
            (".refresh", "") => self.catalog.refresh().await?,
            (".tables", "") => {
                self.catalog.refresh().await?;
                for line in self.catalog.tables().iter().chain(self.catalog.notes()) {
                    say(out, line)?;
                }
            }
            (".schema", table) if !table.is_empty() => {
                let table = table.trim_end_matches(';').replace('"', "\"\"");
                let query = format!("DESCRIBE \"{table}\"");
                self.catalog.answer(&query, self.format, out).await?;
            }
            (".format", "parquet") => {
                let report = Report::new("a terminal shows no Parquet")
                    .hint("save it: `oddlot sql --format parquet QUERY > FILE`");
                return Err(Error::config(report));
            }
            (".format", format) if !format.is_empty() => self.format = format.parse()?,
            _ => {
                return Err(Error::config(
                    Report::new("no such command")
                        .found(super::message::printable(command))
                        .hint("`.help` lists them"),
                ));
            }
        }
        Ok(Step::Ready)
    }
}

fn say(out: &mut (dyn Write + Send), line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(|cause| {
        let report = Report::new("the answer cannot be written")
            .found(cause.to_string())
            .hint("free some space, or write it elsewhere");
        Error::new(Kind::Output, report)
    })
}
