//! `oddlot chart` and `oddlot report`: what is looked at.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{ArgGroup, Args, ValueEnum};

use super::date;

/// What `oddlot chart --help` says below the options.
pub const CHART_HELP: &str = "\
With a pipeline the price is drawn, from its source; without one the feature that the models see.
Marks tell how far a score is above its threshold; the shaded band is what is not flagged.

Example: oddlot chart SPX -p pipelines/sp500.toml --from 2020-01-01 --to 2020-06-30 -o spx.svg
         oddlot chart SPX -p pipelines/sp500.toml --explain 2020-03-16";

/// `chart`.
#[derive(Clone, Debug, Args)]
pub struct ChartArgs {
    /// Whose prices
    #[arg(value_name = "TICKER")]
    pub ticker: String,
    /// The pipeline file whose output to look at
    #[arg(long, short, value_name = "PIPELINE", conflicts_with = "root")]
    pub pipeline: Option<PathBuf>,
    /// The output folder to look at, or s3://bucket/prefix
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub root: String,
    /// Which model; by default the first of the pipeline that gives a band, else the first
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Which feature, where the models see several; by default the first by name
    #[arg(long, value_name = "NAME")]
    pub feature: Option<String>,
    /// The first trading date; by default two years before the last
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub from: Option<NaiveDate>,
    /// The last trading date, included
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub to: Option<NaiveDate>,
    /// Write to a file: .svg, .png or .html; else it is drawn in the terminal
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Tell of this day why it was flagged, or why not
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with_all = ["from", "to"])]
    pub explain: Option<NaiveDate>,
}

/// `report`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["pipeline", "seeds"]).required(true))]
pub struct ReportArgs {
    /// The pipeline file to report on
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<PathBuf>,
    /// The HTML file to write; by default the pipeline's name with -report.html, in this folder
    #[arg(long, short, value_name = "FILE", conflicts_with = "seeds")]
    pub output: Option<PathBuf>,
    /// The seed systems instead: published figures, ours, the trivial baseline's, the corrected form's
    #[arg(long)]
    pub seeds: bool,
    /// Of --seeds: the output folder that the seed pipelines wrote to
    #[arg(long, value_name = "DIR", default_value = "out", conflicts_with = "pipeline")]
    pub root: String,
    /// Of --seeds: how to write it
    #[arg(long, value_name = "FORMAT", default_value = "md", conflicts_with = "pipeline")]
    pub format: ReportFormat,
}

/// How to write the figures of the seed systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A Markdown table
    Md,
    /// One JSON object a figure
    Json,
}
