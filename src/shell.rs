//! `oddlot sql` without a query: the terminal around [`query::Shell`](oddlot_engine::query::Shell).

use std::io::{self, Write};

use oddlot_engine::query::{Catalog, OutputFormat, Shell, Step};
use oddlot_engine::{Error, Kind, Report, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

/// Reads lines until the user leaves; a failed query is told and the shell goes on.
///
/// # Errors
/// `Output` when the terminal cannot be read or written.
pub(crate) async fn run(catalog: Catalog, format: OutputFormat) -> Result<()> {
    let mut editor = DefaultEditor::new().map_err(|cause| broken(&cause))?;
    say(&mut io::stderr(), "oddlot sql: read-only; end a query with `;`, `.help` for more")?;
    for note in catalog.notes() {
        say(&mut io::stderr(), &format!("note: {note}"))?;
    }
    let mut shell = Shell::new(catalog, format);
    let mut step = Step::Ready;
    while step != Step::Quit {
        let prompt = if step == Step::More { "   ...> " } else { "oddlot> " };
        step = match editor.readline(prompt) {
            Ok(line) => {
                // History is a comfort: a line it does not take is still run.
                let _is_kept = editor.add_history_entry(&line).is_ok_and(|kept| kept);
                match shell.line(&line, &mut io::stdout()).await {
                    Ok(step) => step,
                    Err(error) => {
                        say(&mut io::stderr(), &error.to_string())?;
                        Step::Ready
                    }
                }
            }
            Err(ReadlineError::Interrupted) => {
                shell.clear();
                Step::Ready
            }
            Err(ReadlineError::Eof) => Step::Quit,
            Err(cause) => return Err(broken(&cause)),
        };
    }
    Ok(())
}

fn say(out: &mut impl Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(|cause| broken(&cause))
}

fn broken(cause: &dyn std::error::Error) -> Error {
    Error::new(
        Kind::Output,
        Report::new("the terminal cannot be used")
            .found(cause.to_string())
            .hint("give the query as an argument: `oddlot sql \"SHOW TABLES\"`"),
    )
}
