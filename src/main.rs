//! oddlot finds what does not belong in price history.
//!
//! The binary is thin: it parses the command line, lowers a pipeline file to a [`plan::Plan`], calls
//! the crates, and prints. Results go to stdout, everything else to stderr.

#![allow(
    unreachable_pub,
    reason = "a binary exports nothing; `pub` marks what a module offers to the others"
)]

mod artifact;
mod bench;
mod cells;
mod claim;
mod cli;
mod commands;
mod diagnostic;
mod evaluate;
mod exit;
mod faults;
mod log;
mod look;
mod lower;
mod machine;
mod plan;
mod prices;
mod progress;
mod propose;
mod publish;
mod rates;
mod relative;
mod result;
mod run;
mod run_id;
mod selection;
mod sessions;
mod settings;
mod shard;
mod shell;
mod split;
mod staging;
mod stop;
mod stopwatch;
mod train;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use cli::Cli;
use diagnostic::Colour;
use exit::Exit;
use oddlot_engine::s3::set_put_bytes;
use oddlot_engine::{Error, failpoint};

fn main() -> ExitCode {
    let cli = Cli::from_command_line();
    log::start(cli.log_format, cli.quiet);
    let [engine, isa] = ["ODDLOT_ENGINE", "ODDLOT_ISA"].map(|name| std::env::var(name).ok());
    let armed = std::env::var("ODDLOT_FAILPOINT").map_or(Ok(()), |name| failpoint::arm(&name));
    let put = || std::env::var("ODDLOT_S3_PUT_BYTES").map_or(Ok(()), |n| set_put_bytes(&n));
    let done = match armed
        .and_then(|()| put())
        .and_then(|()| lower::engine(engine.as_deref(), isa.as_deref()))
    {
        Ok(engine) => commands::dispatch(&cli, engine).map_err(|error| (Exit::from(&error), error)),
        Err(report) => Err((Exit::Usage, Error::config(report))),
    };
    match done {
        Ok(exit) => exit.into(),
        Err((exit, error)) => {
            let error = match std::env::current_dir() {
                Ok(folder) => relative::error(error, &folder),
                Err(_) => error,
            };
            tell(&diagnostic::error(&error, colour()));
            exit.into()
        }
    }
}

/// Writes to stderr; a closed stderr leaves nobody to tell.
fn tell(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

/// Writes to stdout. A reader that has seen enough (`oddlot … | head -1`) is no mistake.
fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// Writes one line of JSON to stdout, unless a person watches.
fn say_json(value: &serde_json::Value) {
    if !std::io::stdout().is_terminal() {
        say(&format!("{value}\n"));
    }
}

fn colour() -> Colour {
    Colour::of(std::io::stderr().is_terminal())
}
