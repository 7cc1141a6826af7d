//! Help that fits a screen: what is told of options and commands is wrapped at 100 columns.

use clap::{Arg, Command};

/// Columns of a screen.
pub const WIDTH: usize = 100;

/// The command and all below it, with their helps wrapped. Of `built`, which is the same, the helps are rendered: a
/// command that is built cannot be changed any more.
pub fn fitted(mut command: Command, built: &mut Command) -> Command {
    let help = built.render_help().to_string();
    let lines: Vec<Vec<char>> = help.lines().map(|line| line.chars().collect()).collect();
    let of_arguments: Vec<(String, String)> = command
        .get_arguments()
        .filter_map(|argument| {
            let told = argument.get_help()?.to_string();
            Some((argument.get_id().to_string(), wrapped(&lines, &told)?))
        })
        .collect();
    for (id, text) in of_arguments {
        command = command.mut_arg(id, |argument: Arg| {
            argument.help(text).hide_default_value(true).hide_possible_values(true)
        });
    }
    let names: Vec<String> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names {
        let Some(built) = built.find_subcommand_mut(&name) else { continue };
        let told = built.get_about().map(ToString::to_string);
        let text = told.and_then(|told| wrapped(&lines, &told));
        command = command.mut_subcommand(name, |below| {
            let below = fitted(below, built);
            match text {
                Some(text) => below.about(text),
                None => below,
            }
        });
    }
    command
}

/// What stands of `told` in a line that is too long, in lines that are not; `None` where it fits.
fn wrapped(lines: &[Vec<char>], told: &str) -> Option<String> {
    let told: Vec<char> = told.chars().collect();
    let (line, column) = lines.iter().find_map(|line| {
        let at = (2..line.len()).find(|at| {
            line[*at - 2..].starts_with(&[' ', ' ']) && line[*at..].starts_with(&told)
        })?;
        (line.len() > WIDTH).then_some((line, at))
    })?;
    let text: String = line[column..].iter().collect();
    let mut wrapped = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let long = word.chars().count();
        if length > 0 && length + 1 + long > WIDTH - column {
            wrapped.push('\n');
            length = 0;
        } else if length > 0 {
            wrapped.push(' ');
            length += 1;
        }
        wrapped.push_str(word);
        length += long;
    }
    Some(wrapped)
}

#[cfg(test)]
mod tests;
