use clap::CommandFactory;

use super::*;

const TOPICS: [&str; 6] = ["tables", "exit-codes", "s3", "airflow", "labels", "oddities"];

#[test]
fn a_topic_fits_a_screen() {
    for topic in TOPICS {
        let text = topic_of(topic).unwrap();
        assert!(text.lines().count() <= 40, "{topic}: {} lines\n{text}", text.lines().count());
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= WIDTH, "{topic}: {longest} columns\n{text}");
    }
}

#[test]
fn topics_are_those_that_help_tells_of_and_no_commands() {
    let mut all = Cli::command();
    all.build();
    let help = command_of(&all, "help").unwrap().clone().render_help().to_string();
    for topic in TOPICS {
        assert!(help.contains(topic), "{help}");
        assert!(command_of(&all, topic).is_none(), "{topic}");
    }
}

#[test]
fn exit_codes_are_those_of_the_readme() {
    let readme = include_str!("../../../README.md");
    let (_, nightly) = readme.split_once("Exit codes: ").unwrap();
    let nightly = nightly.split("the same command").next().unwrap();
    let told =
        nightly.split([';', '/']).filter_map(|part| part.split_whitespace().next()?.parse().ok());
    let told: Vec<u8> = told.collect();
    let mut codes = Exit::ALL.map(Exit::code).to_vec();
    codes.dedup();
    assert_eq!(told, codes);
}

/// Words in capitals that name a variable.
fn variables(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("AWS_")).collect()
}

#[test]
fn variables_of_s3_are_those_of_the_readme_and_keys_those_of_the_file() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## On S3\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let sorted = |text| {
        let mut names = variables(text);
        names.sort_unstable();
        names.dedup();
        names
    };
    assert_eq!(sorted(S3), sorted(section));
    let schema = crate::settings::schema::of_pipeline();
    let keys =
        schema["properties"]["output"]["properties"]["s3"]["properties"].as_object().unwrap();
    for key in keys.keys() {
        assert!(S3.contains(&format!("\n  {key} ")), "{key}");
    }
}

#[test]
fn options_of_airflow_are_options_of_run_and_what_is_exported() {
    let mut all = Cli::command();
    all.build();
    let run = command_of(&all, "run").unwrap();
    let options: Vec<&str> = run.get_arguments().filter_map(|option| option.get_long()).collect();
    let words = AIRFLOW.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let words: Vec<&str> = words.filter(|word| *word != "image").collect();
    assert!(words.len() > 8);
    for word in words {
        assert!(options.contains(&word), "--{word}");
    }
}
