//! What an interactive shell does with a line; the terminal itself is the binary's.
//!
//! A query ends at a `;` at the end of a line and may run over many lines. Lines that start with
//! a backslash, or a dot, outside a query, are commands.

use std::io::Write;

use datafusion::execution::SendableRecordBatchStream;

use super::{Asked, Catalog, OutputFormat, Values, format, message};
use crate::error::{Error, Kind, Report, Result};

const HELP: &str = r"\d               tables, and what a row of each is
\d TABLE         columns of a table: type and meaning
\f FORMAT        table, markdown, csv, json or jsonl
\r               look at the output root again (each query does so too)
\q               leave
\?               this help
Anything else is SQL up to a `;` at the end of a line. Tab completes names of tables and columns.";

/// A session: the tables, the format chosen, and the query so far.
pub struct Shell {
    catalog: Catalog,
    format: OutputFormat,
    rows_max: Option<Option<u64>>,
    pending: String,
    cut_after: Option<u64>,
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
    /// A shell over these tables. `rows_max` is how many rows an answer has at most (`Some(None)`: all of them);
    /// without it, as many as its format shows.
    pub fn new(catalog: Catalog, format: OutputFormat, rows_max: Option<Option<u64>>) -> Self {
        Self { catalog, format, rows_max, pending: String::new(), cut_after: None }
    }

    /// The tables as they were when they were last looked at.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The limit after which the last answer was cut, once.
    pub fn take_cut(&mut self) -> Option<u64> {
        self.cut_after.take()
    }

    /// Takes one line and writes what it asks for to `out`.
    ///
    /// # Errors
    /// Those of the query; the shell goes on, with nothing pending.
    pub async fn line(&mut self, line: &str, out: &mut (dyn Write + Send)) -> Result<Step> {
        if self.pending.is_empty() {
            match line.trim() {
                "" => return Ok(Step::Ready),
                command if is_command(command) => return self.command(command, out).await,
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
        let asked = Asked {
            query: query.trim_end(),
            values: Values::Bound(&[]),
            format: self.format,
            rows_max: self.rows_max.unwrap_or(self.format.rows_max()),
        };
        self.cut_after = self.catalog.answer_asked(asked, out).await?.cut_after;
        Ok(Step::Ready)
    }

    /// Forgets the query so far, as after ctrl-c.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    async fn command(&mut self, command: &str, out: &mut (dyn Write + Send)) -> Result<Step> {
        let command = command.trim_end_matches(';').trim_end();
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (name, argument.trim()) {
            ("\\q" | ".quit" | ".exit" | ".q", "") => return Ok(Step::Quit),
            ("\\?" | "\\h" | ".help", "") => say(out, HELP)?,
            ("\\r" | ".refresh", "") => self.catalog.refresh().await?,
            ("\\d" | "\\dt" | ".tables", "") => {
                self.catalog.refresh().await?;
                self.show(self.catalog.list_names()?, out).await?;
                for note in self.catalog.notes() {
                    say(out, &format!("note: {note}"))?;
                }
            }
            ("\\d" | ".schema", table) if !table.is_empty() => {
                self.show(self.catalog.list_columns(table).await?, out).await?;
            }
            ("\\f" | ".format", "parquet") => {
                let report = Report::new("a terminal shows no Parquet")
                    .hint("save it: `oddlot sql --format parquet QUERY > FILE`");
                return Err(Error::config(report));
            }
            ("\\f" | ".format", format) if !format.is_empty() => self.format = format.parse()?,
            _ => {
                return Err(Error::config(
                    Report::new("no such command")
                        .found(message::printable(command))
                        .hint("`\\?` lists them"),
                ));
            }
        }
        Ok(Step::Ready)
    }

    async fn show(
        &self,
        rows: SendableRecordBatchStream,
        out: &mut (dyn Write + Send),
    ) -> Result<()> {
        format::write(rows, self.format, out).await.map(drop)
    }
}

/// Whether a line is for the shell itself and not SQL.
pub fn is_command(line: &str) -> bool {
    line.trim_start().starts_with(['\\', '.'])
}

fn say(out: &mut (dyn Write + Send), line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(|cause| {
        let report = Report::new("the answer cannot be written")
            .found(cause.to_string())
            .hint("free some space, or write it elsewhere");
        Error::new(Kind::Output, report)
    })
}
