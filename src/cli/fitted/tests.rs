use clap::Parser;

use crate::cli::Cli;

/// The help of each command and of those below it, by its name.
fn helps(command: &mut clap::Command, name: &str, found: &mut Vec<(String, String)>) {
    found.push((name.to_owned(), command.render_help().to_string()));
    for below in command.get_subcommands_mut() {
        let name = format!("{name} {}", below.get_name());
        helps(below, &name, found);
    }
}

#[test]
fn the_help_of_every_command_fits_a_screen_and_has_an_example() {
    let mut all = Cli::fitted();
    let mut found = Vec::new();
    helps(&mut all, "oddlot", &mut found);
    assert!(found.len() > 20, "{}", found.len());
    let mut wrong = String::new();
    for (name, help) in &found {
        let n_lines = help.lines().count();
        if n_lines > 40 {
            wrong.push_str(&format!("{name}: {n_lines} lines\n"));
        }
        for line in help.lines().filter(|line| line.chars().count() > 100) {
            wrong.push_str(&format!("{name}: {}: {line}\n", line.chars().count()));
        }
        let example = help.lines().find_map(|line| line.strip_prefix("Example: "));
        let names = example.is_some_and(|line| line.contains(name.as_str()));
        if !names && name != "oddlot" {
            wrong.push_str(&format!("{name}: no example\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn examples_are_command_lines_that_are_taken() {
    let mut all = Cli::fitted();
    let mut found = Vec::new();
    helps(&mut all, "oddlot", &mut found);
    let mut n_examples = 0;
    for (name, help) in found {
        for line in help.lines().skip_while(|line| !line.starts_with("Example: ")) {
            let line = line.trim_start_matches("Example: ").trim_start();
            let line = line.split(['|', '>']).next().unwrap().replace("\'", "");
            // What stands in quotes is one word.
            let quoted = line.split('"').enumerate();
            let words = quoted.flat_map(|(idx, part)| match idx % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![part.to_owned()],
            });
            n_examples += 1;
            let cli = Cli::try_parse_from(words.collect::<Vec<_>>());
            assert!(cli.is_ok(), "{name}: {line}: {}", cli.unwrap_err());
        }
    }
    assert!(n_examples > 20, "{n_examples}");
}
