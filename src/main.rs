//! oddlot finds what does not belong in price history.
//!
//! The binary is thin: it parses the command line, lowers a pipeline file to a [`plan::Plan`], calls
//! the crates, and prints. Results go to stdout, everything else to stderr.

#![allow(
    unreachable_pub,
    reason = "a binary exports nothing; `pub` marks what a module offers to the others"
)]

#[allow(dead_code, reason = "read by the commands that are not wired yet")]
mod cli;
mod diagnostic;
#[allow(dead_code, reason = "given by the commands that are not wired yet")]
mod exit;
#[allow(dead_code, reason = "read by the commands that are not wired yet")]
mod plan;
#[allow(dead_code, reason = "read by the commands that are not wired yet")]
mod settings;

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use cli::{Cli, Command};
use diagnostic::Colour;
use exit::Exit;
use oddlot_engine::Error;
use plan::Plan;

fn main() -> ExitCode {
    let cli = Cli::from_command_line();
    match dispatch(&cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&diagnostic::error(&error, colour()));
            Exit::from(&error).into()
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Exit, Error> {
    match &cli.command {
        Command::Check(args) => check(&args.pipeline),
        Command::Run(_) => Err(not_wired("run")),
        Command::Plan(_) => Err(not_wired("plan")),
        Command::Train(_) => Err(not_wired("train")),
        Command::Score(_) => Err(not_wired("score")),
        Command::Sql(_) => Err(not_wired("sql")),
        Command::Import(_) => Err(not_wired("import")),
        Command::Models(_) => Err(not_wired("models")),
        Command::Runs(_) => Err(not_wired("runs")),
    }
}

/// Looks for mistakes and shows the plan; its last line is JSON where nobody watches.
fn check(pipeline: &Path) -> Result<Exit, Error> {
    let plan = load(pipeline)?;
    let models: Vec<_> = plan.models.iter().map(|model| model.name.as_str()).collect();
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{plan}").and_then(|()| match stdout.is_terminal() {
        true => writeln!(stdout, "no mistake found"),
        false => {
            let line = serde_json::json!({
                "pipeline": plan.pipeline,
                "config_hash": plan.config_hash(),
                "models": models,
                "warnings": plan.warnings.len(),
            });
            writeln!(stdout, "{line}")
        }
    });
    // A reader that has seen enough (`oddlot check … | head -1`) is no mistake.
    drop(written);
    Ok(Exit::Done)
}

/// Reads a pipeline file and tells its warnings.
fn load(pipeline: &Path) -> Result<Plan, Error> {
    let plan = Plan::load(pipeline, &|name| std::env::var(name).ok())?;
    for warning in &plan.warnings {
        tell(&diagnostic::warning(warning, colour()));
    }
    Ok(plan)
}

fn not_wired(command: &str) -> Error {
    Error::bug(format!("`oddlot {command}` is not wired yet"))
}

/// Writes to stderr; a closed stderr leaves nobody to tell.
fn tell(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

fn colour() -> Colour {
    let variable = |name| std::env::var(name).ok();
    let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
    Colour::for_stream(std::io::stderr().is_terminal(), no_color.as_deref(), term.as_deref())
}
