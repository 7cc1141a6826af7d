//! `help`: of a command, or a topic on one screen.

use std::fmt::Write;

use oddlot_engine::Error;
use oddlot_engine::tables::{Table, schema};

use super::generated::{command_of, unknown};
use crate::cli::fitted::WIDTH;
use crate::cli::{Cli, HelpArgs};
use crate::exit::Exit;
use crate::say;

const S3: &str = include_str!("help/s3.txt");
const LABELS: &str = include_str!("help/labels.txt");
const AIRFLOW: &str = include_str!("help/airflow.txt");
/// Tables of runs, which have no schema but the rows themselves.
const RUN_TABLES: &str = include_str!("help/runs.txt");

/// `oddlot help`: prints it.
pub fn help(args: &HelpArgs) -> Result<Exit, Error> {
    if let [topic] = args.words.as_slice()
        && let Some(text) = topic_of(topic)
    {
        say(&text);
        return Ok(Exit::Done);
    }
    let all = Cli::fitted();
    let mut command = &all;
    for word in &args.words {
        command = command_of(command, word).ok_or_else(|| unknown(command, word))?;
    }
    say(&command.clone().render_help().to_string());
    Ok(Exit::Done)
}

/// A topic's text.
fn topic_of(topic: &str) -> Option<String> {
    match topic {
        "tables" => Some(tables()),
        "exit-codes" => Some(exit_codes()),
        "s3" => Some(S3.to_owned()),
        "labels" => Some(LABELS.to_owned()),
        "airflow" => Some(AIRFLOW.to_owned()),
        "oddities" => Some(format!("{}\n", oddlot_engine::import::help().trim_end())),
        _ => None,
    }
}

fn exit_codes() -> String {
    let mut text = "How a command ends, for whoever must act\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(text, "  {:>3}  {}", exit.code(), exit.meaning());
    }
    text.push_str("\n`run --skip-code CODE` ends with CODE instead of 0 if there was nothing to do. Of several pipelines\n");
    text.push_str("the worst code counts. What was wrong, where, and the mend: stderr says.\n");
    text
}

/// Every table with its columns.
fn tables() -> String {
    let mut text =
        "ROOT/tables/TABLE/pipeline=NAME/year=YYYY/part-00000.parquet, and for `oddlot sql`:\n\n"
            .to_owned();
    for table in Table::ALL {
        let what = match table {
            Table::Reconstructions => "one row a ticker, ts, feature and model: what was expected",
            Table::Errors => {
                "one row a ticker, ts and model: how far off it was, and what was made of it"
            }
            Table::Anomalies => "one row a flagged ticker, ts and model",
            Table::Events => "one row a run of flagged rows",
        };
        let _ = writeln!(text, "{}  {what}", table.name());
        let schema = schema::of(table);
        let mut line = " ".to_owned();
        for field in schema.fields() {
            if line.len() + field.name().len() + 1 > WIDTH {
                let _ = writeln!(text, "{line}");
                line = " ".to_owned();
            }
            let _ = write!(line, " {}", field.name());
        }
        let _ = writeln!(text, "{line}");
    }
    text.push_str(RUN_TABLES);
    text.push_str("\nWhat a column means is in the file's own metadata (oddlot.column.NAME).\n");
    text
}

#[cfg(test)]
mod tests;
