//! The command line: what can be asked for, and how it is explained.

mod begin;
mod bench;
mod evaluate;
pub mod fitted;
mod import;
mod look;
mod models;
mod nightly;
mod sql;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{
    ArgAction, ArgGroup, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::ErrorKind,
};
use oddlot_series::evaluate::PointAdjustment;

use crate::cells;
use crate::sessions::When;
use crate::shard::Shard;

pub use begin::{CompletionsArgs, DemoArgs, HelpArgs, InitArgs, ManArgs};
pub use bench::BenchArgs;
pub use evaluate::{EvaluateArgs, FigureFormat, Score, Split};
pub use import::{Decimal, Duplicates, ImportArgs};
pub use look::{ChartArgs, ReportArgs, ReportFormat};
pub use models::{ExportArgs, ImportArgs as ImportWeightsArgs, Layout, Models, ModelsCommand};
pub use nightly::{DoctorArgs, ExportJobArgs, Scheduler};
pub use sql::{Format, SqlArgs};

/// Finds what does not belong in price history.
///
/// oddlot reads prices, learns how they usually move, and writes what it expected, how far each day
/// was off, and which days stand out, as Parquet tables.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
#[command(disable_help_flag = true, disable_help_subcommand = true)]
#[command(after_help = "Example: oddlot run pipelines/sp500.toml")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Write the log on stderr as text or json
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    #[arg(hide_possible_values = true)]
    pub log_format: LogFormat,
    /// Show no progress, only warnings, errors and the result
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print help
    #[arg(long, short, global = true, action = ArgAction::HelpShort)]
    pub help: Option<bool>,
}

const VERIFY_HELP: &str = "\
Checks every object against the ledger: checksum, rows, order and uniqueness of keys; every model
against its checksums; and looks for objects that are missing, foreign or left by a stopped run.
Ends with 0 if all is as it was written, 3 if a table is damaged, 5 if only a model is.

Example: oddlot verify pipelines/sp500.toml";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the S&P 500 job, which comes with the binary, in an empty folder
    #[command(after_help = "Example: oddlot demo oddlot-demo")]
    Demo(DemoArgs),
    /// Look at Parquet files and write a pipeline for them
    #[command(after_help = begin::INIT_HELP)]
    Init(InitArgs),
    /// Do the whole job: read prices, train where needed, score, write tables
    #[command(after_help = "Example: oddlot run pipelines/sp500.toml --from 2024-01-01")]
    Run(Job),
    /// Look for mistakes in a pipeline, its queries and its source, and change nothing
    #[command(after_help = "Example: oddlot check pipelines/sp500.toml --data")]
    Check(CheckArgs),
    /// List what a run would train, score and write, and why
    #[command(after_help = "Example: oddlot plan pipelines/sp500.toml --date 2026-02-11")]
    Plan(PlanArgs),
    /// Train the models of a pipeline, unless they are trained already
    #[command(after_help = "Example: oddlot train pipelines/sp500.toml")]
    Train(TrainArgs),
    /// Score with the models trained before, and write tables
    #[command(after_help = "Example: oddlot score pipelines/sp500.toml --date 2026-02-11")]
    Score(Job),
    /// Draw what was expected of a ticker and what stands out, or tell why a day does
    #[command(after_help = look::CHART_HELP)]
    Chart(ChartArgs),
    /// Write one page about a pipeline, or the figures of the seed systems
    #[command(after_help = "Example: oddlot report pipelines/sp500.toml -o report.html")]
    Report(ReportArgs),
    /// Ask the tables in SQL; with neither query nor file, open a prompt
    #[command(after_help = sql::SQL_HELP)]
    Sql(SqlArgs),
    /// Turn CSV files into one sorted Parquet file, and tell what is odd in them
    #[command(after_help = import::EXAMPLES)]
    Import(ImportArgs),
    /// List the trained models of an output folder; export and import their weights
    #[command(after_help = "Example: oddlot models pipelines/sp500.toml")]
    Models(Models),
    /// List the runs of an output folder and how they ended
    #[command(after_help = "Example: oddlot runs --root out")]
    Runs(Where),
    /// Read everything in an output folder and tell what is not as it was written
    #[command(after_help = VERIFY_HELP)]
    Verify(Where),
    /// Tell how well scores find what labels say, beside what needs no detector
    #[command(after_help = evaluate::AFTER_HELP)]
    Evaluate(EvaluateArgs),
    /// Try all that a run needs of this machine and of the pipeline's places
    #[command(after_help = "Example: oddlot doctor pipelines/sp500.toml")]
    Doctor(DoctorArgs),
    /// Print what cron, systemd, Airflow or DuckDB need to work with a pipeline
    #[command(after_help = "Example: oddlot export cron pipelines/sp500.toml")]
    Export(ExportJobArgs),
    /// Measure how fast networks are trained and scored on this machine
    #[command(after_help = bench::AFTER_HELP)]
    Bench(BenchArgs),
    /// Print the JSON Schema of pipeline files, for editors
    #[command(after_help = "Example: oddlot schema > oddlot.schema.json")]
    Schema,
    /// Print a script that completes commands and options in a shell
    #[command(after_help = begin::COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Print a manual page, of all or of one command
    #[command(after_help = "Example: oddlot man run | man -l -")]
    Man(ManArgs),
    /// Explain a command, or a topic: tables, exit-codes, s3, airflow, labels, oddities
    #[command(after_help = "Example: oddlot help tables")]
    Help(HelpArgs),
}

/// A pipeline file.
#[derive(Clone, Debug, Args)]
pub struct Pipeline {
    /// The pipeline file (TOML)
    #[arg(value_name = "PIPELINE")]
    pub pipeline: PathBuf,
}

/// `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: Pipeline,
    /// Make the input checks that come with the binary too, unless [checks] turns them off
    #[arg(long)]
    pub data: bool,
}

/// `run` and `score`.
#[derive(Clone, Debug, Default, Args)]
pub struct Job {
    /// The pipeline file (TOML); several run one after the other, and the worst exit code counts
    #[arg(value_name = "PIPELINE", required = true)]
    pub pipelines: Vec<PathBuf>,
    /// Which days are written.
    #[command(flatten)]
    pub range: Range,
    /// How to work.
    #[command(flatten)]
    pub work: Work,
    /// Which tickers are scored and written.
    #[command(flatten)]
    pub tickers: Tickers,
    /// Write only the parts (`output.parts`) whose number leaves I when divided by N: shards 0/N to N-1/N side by side are one run
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// How other runs are waited for.
    #[command(flatten)]
    pub wait: Wait,
    /// End with code 4 if a day within the range is flagged
    #[arg(long, value_name = "WHAT")]
    pub fail_on: Option<FailOn>,
    /// End with this code instead of 0 if there was nothing to do
    #[arg(long, value_name = "CODE")]
    pub skip_code: Option<u8>,
    /// Write the result there as JSON, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub result_file: Option<PathBuf>,
}

/// `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: Pipeline,
    /// Which days would be written.
    #[command(flatten)]
    pub range: Range,
    /// Which tickers would be scored and written.
    #[command(flatten)]
    pub tickers: Tickers,
    /// Plan as if nothing had been trained or written before
    #[arg(long)]
    pub full_refresh: bool,
    /// How to tell it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PlanFormat,
}

/// How to tell a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// Cells with the same reason together
    Text,
    /// One JSON object a cell, and a last one for all
    Json,
}

/// `train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: Pipeline,
    /// How to work.
    #[command(flatten)]
    pub work: Work,
    /// How other runs are waited for.
    #[command(flatten)]
    pub wait: Wait,
}

/// How other runs are waited for.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Wait {
    /// How long to wait for the models that another run is training before ending with code 75 [default: 60 of a shard, else 0]
    #[arg(long, value_name = "MINUTES")]
    pub wait: Option<u16>,
}

/// How to work.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Work {
    /// Do everything anew, even what is trained and written already
    #[arg(long)]
    pub full_refresh: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How many threads to use, at most; by default one per processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Trading dates, inclusive; all where neither is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Range {
    /// The first trading date to write, included; the years that are touched are written whole
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub from: Option<NaiveDate>,
    /// The last trading date to write, included
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub to: Option<NaiveDate>,
    /// One trading date to write; the same as --from and --to on one day
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with_all = ["from", "to"])]
    pub date: Option<NaiveDate>,
    /// The last session that was closed by then, for schedulers: an instant such as 2026-02-11T22:30:00Z
    #[arg(long, value_name = "INSTANT", value_parser = instant, conflicts_with_all = ["from", "to", "date"])]
    pub as_of: Option<DateTime<Utc>>,
}

/// Which tickers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Tickers {
    /// Score and write only these: names, patterns with * and ?, @FILE with one a line; others stay as they are
    #[arg(long, value_name = "TICKER,…", value_delimiter = ',')]
    pub tickers: Vec<String>,
}

/// An output folder, by name or by the pipeline that writes to it.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("output").args(["pipeline", "root"]).required(true))]
pub struct Where {
    /// The pipeline file whose output folder to look at
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<PathBuf>,
    /// The output folder to look at, or s3://bucket/prefix
    #[arg(long, value_name = "DIR")]
    pub root: Option<String>,
}

/// How to write the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For reading
    Text,
    /// One JSON object a line
    Json,
}

/// What makes a finished run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A flagged day
    Anomaly,
}

impl Cli {
    /// The command line as given; help, version and mistakes end the program (code 0 or 2).
    pub fn from_command_line() -> Self {
        let mut command = Self::command();
        // Nobody else looks at the helps, and wrapping them all takes its time.
        if std::env::args_os().any(|word| word == "--help" || word == "-h") {
            command = Self::fitted();
        }
        let parsed = command.try_get_matches().and_then(|found| Self::from_arg_matches(&found));
        let cli = parsed.unwrap_or_else(|error| error.exit());
        match cli.check() {
            Ok(()) => cli,
            Err(error) => error.exit(),
        }
    }

    /// All commands, with helps that fit a screen.
    pub fn fitted() -> clap::Command {
        let mut built = Self::command();
        built.build();
        let mut fitted = fitted::fitted(Self::command(), &mut built);
        fitted.build();
        fitted
    }

    /// What clap cannot see for itself.
    fn check(&self) -> Result<(), clap::Error> {
        let range = match &self.command {
            Command::Run(job) | Command::Score(job) => job.range,
            Command::Plan(plan) => plan.range,
            Command::Chart(chart) => Range { from: chart.from, to: chart.to, ..Range::default() },
            Command::Evaluate(args) if args.point_adjust => {
                return Err(Self::command().error(
                    ErrorKind::InvalidValue,
                    format!("there are no figures after point adjustment: {PointAdjustment}"),
                ));
            }
            _ => return Ok(()),
        };
        match (range.from, range.to) {
            (Some(from), Some(to)) if to < from => Err(Self::command().error(
                ErrorKind::ValueValidation,
                format!("--to {to} is earlier than --from {from}; both are included"),
            )),
            _ => Ok(()),
        }
    }
}

impl Wait {
    /// How long; a shard's own patience is an hour.
    pub fn patience(self, shard: Option<Shard>) -> Duration {
        let minutes = self.wait.unwrap_or(if shard.is_some() { 60 } else { 0 });
        Duration::from_secs(60 * u64::from(minutes))
    }
}

impl Range {
    /// What was asked for.
    pub fn when(self) -> When {
        match self.as_of {
            Some(instant) => When::AsOf(instant),
            None => When::Dates(cells::Range {
                from: self.date.or(self.from),
                to: self.date.or(self.to),
            }),
        }
    }
}

/// As RFC 3339 and Airflow write it: with T or a space, or without any separator.
fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let parsed = DateTime::parse_from_rfc3339(&text.trim().replacen(' ', "T", 1))
        .or_else(|_| DateTime::parse_from_str(text, "%Y%m%dT%H%M%S%z"));
    parsed.map(|instant| instant.to_utc()).map_err(|_| {
        "expected an instant with its offset, such as 2026-02-11T22:30:00Z; for a trading date there is --date".into()
    })
}

fn date(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| "expected a date such as 2026-02-11".into())
}

#[cfg(test)]
mod tests;
