//! `oddlot sql` without a query: the terminal around [`query::Shell`](oddlot_engine::query::Shell).

mod complete;
mod history;

use std::io::{self, Write};

use oddlot_engine::query::{Shell, Step};
use oddlot_engine::{Error, Kind, Report, Result};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};

use crate::commands::{Bounds, tell_cut};
use complete::Names;

/// Queries that the history keeps.
const HISTORY_MAX: usize = 1_000;

/// Reads lines until the user leaves; a failed query is told and the shell goes on. Each query has `bounds` of its own.
///
/// # Errors
/// `Output` when the terminal cannot be read or written.
pub(crate) async fn run(mut shell: Shell, bounds: Bounds) -> Result<()> {
    let mut editor = editor().map_err(|cause| broken(&cause))?;
    let file = history::file(&|name| std::env::var(name).ok());
    if let Some(file) = &file {
        // History is a comfort: without it everything else works. The first time there is no file.
        drop(editor.load_history(file));
    }
    say(&mut io::stderr(), "oddlot sql: read-only; end a query with `;`, `\\?` for more")?;
    let mut query = String::new();
    let mut step = Step::Ready;
    while step != Step::Quit {
        if step == Step::Ready {
            query.clear();
            editor.set_helper(Some(Names::of(shell.catalog()).await));
        } else if let Some(names) = editor.helper_mut() {
            names.before.clone_from(&query);
        }
        let prompt = if step == Step::More { "   ...> " } else { "oddlot> " };
        step = match editor.readline(prompt) {
            Ok(line) => {
                if !query.is_empty() {
                    query.push('\n');
                }
                query.push_str(&line);
                let step = bounds.hold(shell.line(&line, &mut io::stdout())).await;
                if !matches!(step, Ok(Step::More)) {
                    let _is_kept = editor.add_history_entry(&query).is_ok_and(|kept| kept);
                }
                if let Some(n_rows) = shell.take_cut() {
                    tell_cut(n_rows);
                }
                match step {
                    Ok(step) => step,
                    Err(error) => {
                        shell.clear();
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
        if step == Step::Ready {
            keep(&mut editor, file.as_deref());
        }
    }
    keep(&mut editor, file.as_deref());
    Ok(())
}

fn editor() -> rustyline::Result<Editor<Names, FileHistory>> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_dups(true)?
        .history_ignore_space(true)
        .build();
    Editor::with_config(config)
}

/// Adds what is new to the history file, so that a session that is killed, and another beside it, lose nothing.
fn keep(editor: &mut Editor<Names, FileHistory>, file: Option<&std::path::Path>) {
    if let Some(file) = file.filter(|file| history::make_folder(file)) {
        drop(editor.append_history(file));
    }
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
