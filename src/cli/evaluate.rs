//! `oddlot evaluate`: what can be said about labels, scores and the table of figures.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use oddlot_engine::labelled::ColumnMap;

/// What `--help` says below the options.
pub const AFTER_HELP: &str = "\
What labels may be, and what the figures are: `oddlot help labels`.

Example: oddlot evaluate pipelines/sp500.toml --labels data/sp500/events.csv
         oddlot evaluate --scores mine.csv --column p --threshold 0.9 --labels labels.csv";

/// Scores and labels, and how to compare them.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["pipeline", "scores"]).required(true))]
pub struct EvaluateArgs {
    /// The pipeline file; its models have scored, as `oddlot run` does
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<PathBuf>,
    /// The labels: CSV or Parquet
    #[arg(long, value_name = "FILE")]
    pub labels: PathBuf,
    /// The scores of this file instead (ticker, ts, score)
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// The column of --scores with the score
    #[arg(long, value_name = "COLUMN", conflicts_with = "pipeline")]
    pub column: Option<String>,
    /// Flag scores of --scores above this; else those with 1 in a column flag, else none
    #[arg(long, value_name = "SCORE", conflicts_with = "pipeline", allow_negative_numbers = true)]
    pub threshold: Option<f64>,
    /// What the columns of the labels are called, such as ticker=symbol,ts=day,label=odd
    #[arg(long, value_name = "PART=COLUMN", value_delimiter = ',', value_parser = pair)]
    pub columns: Vec<(String, String)>,
    /// What the columns of --scores are called, such as ts=day,score=p,value=x,flag=is_odd
    #[arg(long, value_name = "PART=COLUMN", value_delimiter = ',', value_parser = pair, conflicts_with = "pipeline")]
    pub score_columns: Vec<(String, String)>,
    /// Which score of a pipeline's models; by default the one that is compared with the threshold
    #[arg(long, value_name = "WHICH", conflicts_with = "scores")]
    pub score: Option<Score>,
    /// Which rows count; by default those of the test span, or all where there is none
    #[arg(long, value_name = "SPAN", conflicts_with = "scores")]
    pub split: Option<Split>,
    /// A flag so many rows before or behind an event still finds it
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    pub tolerance: usize,
    /// The longest buffer of VUS; else each ticker's dominant period
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub window: Option<u16>,
    /// Figures for each group of tickers in this column of the labels too
    #[arg(long, value_name = "COLUMN")]
    pub group_by: Option<String>,
    /// How to write the figures
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: FigureFormat,
    /// Write them to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Refused, and the message says why.
    #[arg(long, hide = true)]
    pub point_adjust: bool,
}

/// Which score of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Score {
    /// From rows up to the day only
    Causal,
    /// From all windows that cover the day
    Hindsight,
}

/// Which rows count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// Those that networks learned from
    Train,
    /// Those that ended training
    Validation,
    /// Those that thresholds were set on
    Calibration,
    /// Those that nothing was chosen on
    Test,
    /// All
    All,
}

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FigureFormat {
    /// Aligned columns
    Table,
    /// One JSON object, with every figure of every ticker
    Json,
    /// One line a figure: group or ticker, model, threshold, metric, value
    Csv,
    /// Tables in Markdown
    Md,
}

impl Split {
    /// As it stands in the tables; `None` for all rows.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Train => Some("train"),
            Self::Validation => Some("validation"),
            Self::Calibration => Some("calibration"),
            Self::Test => Some("test"),
            Self::All => None,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let Some((part, column)) = text.split_once('=').filter(|(_, column)| !column.is_empty()) else {
        return Err("expected PART=COLUMN, such as ticker=symbol".to_owned());
    };
    let pair = (part.trim().to_owned(), column.to_owned());
    ColumnMap::new("--columns", [pair.clone()]).map(|_| pair)
}
