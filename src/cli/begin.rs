//! The first ten minutes: `demo`, `init`, `schema`, `completions`, `man`, `help`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// What `oddlot init --help` says below the options.
pub const INIT_HELP: &str = "\
Writes NAME.toml to this folder, and tells what it chose and why. Roles of --column: close (or any
other value), ts, ticker, open, high, low, volume, and names of your own for your SQL.

Example: oddlot init mine --from 'prices/*.parquet' --column close=px_last";

/// What `oddlot completions --help` says below the options.
pub const COMPLETIONS_HELP: &str = "\
Example: oddlot completions bash > ~/.local/share/bash-completion/completions/oddlot
         oddlot completions zsh > \"${fpath[1]}/_oddlot\"
         oddlot completions fish > ~/.config/fish/completions/oddlot.fish";

/// `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// An empty folder, or one that is to be made; by default this one
    #[arg(value_name = "FOLDER", default_value = ".", hide_default_value = true)]
    pub folder: PathBuf,
}

/// `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Name of the pipeline: lowercase letters, digits and _
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its Parquet files: a file, a folder, a glob, or s3://bucket/prefix/
    #[arg(long, value_name = "GLOB")]
    pub from: String,
    /// Which column plays a role, where its name does not say so; may be given several times
    #[arg(long, value_name = "ROLE=COLUMN", value_parser = column)]
    pub column: Vec<(String, String)>,
    /// One ticker for all rows
    #[arg(long, value_name = "TICKER")]
    pub ticker: Option<String>,
}

/// `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// Of this command, instead of all
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// `help`.
#[derive(Clone, Debug, Args)]
pub struct HelpArgs {
    /// A command, or a topic: tables, exit-codes, s3, airflow, labels, oddities
    #[arg(value_name = "COMMAND|TOPIC")]
    pub words: Vec<String>,
}

/// `close=px_last`; the column's name is taken as it stands.
fn column(text: &str) -> Result<(String, String), String> {
    let expected = || "expected ROLE=COLUMN, such as close=px_last".to_owned();
    let (role, column) = text.split_once('=').ok_or_else(expected)?;
    match role.trim().is_empty() || column.is_empty() {
        true => Err(expected()),
        false => Ok((role.trim().to_lowercase(), column.to_owned())),
    }
}
