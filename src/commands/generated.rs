//! `completions` and `man`: made of the command line's own declaration.

use clap::{Command, CommandFactory};
use oddlot_engine::{Error, Kind, Report};

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::Exit;
use crate::say;
use crate::settings::hint_of;

/// `oddlot completions`: a script for a shell.
pub fn completions(args: &CompletionsArgs) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "oddlot", &mut script);
    say(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}

/// `oddlot man`: a page in roff.
pub fn man(args: &ManArgs) -> Result<Exit, Error> {
    let mut all = Cli::command();
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => command_of(&all, name).ok_or_else(|| unknown(&all, name))?.clone(),
    };
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|error| Error::bug(format!("the page cannot be made: {error}")))?;
    say(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}

/// A subcommand by its name.
pub(super) fn command_of<'c>(all: &'c Command, name: &str) -> Option<&'c Command> {
    all.get_subcommands().find(|command| command.get_name() == name)
}

/// There is no such command.
pub(super) fn unknown(all: &Command, name: &str) -> Error {
    let known: Vec<&str> = all.get_subcommands().map(Command::get_name).collect();
    let report = Report::new("there is no such command")
        .at(all.get_name())
        .expected(format!("one of {}", known.join(", ")))
        .found(crate::diagnostic::name(name));
    let hint = hint_of(name, known);
    let report = report
        .hint(hint.unwrap_or_else(|| "`oddlot --help` lists them with what they do".to_owned()));
    Error::new(Kind::Usage, report)
}
