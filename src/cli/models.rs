//! `oddlot models`: list, and weights in and out. The bare form lists.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Pipeline, Where};

/// `models`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true)]
pub struct Models {
    /// What to do with them; by default list them.
    #[command(subcommand)]
    pub what: Option<ModelsCommand>,
    /// Where they are, if they are to be listed.
    #[command(flatten)]
    pub place: Where,
}

/// What to do with models.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelsCommand {
    /// List them; the same as without `list`
    #[command(after_help = "Example: oddlot models list pipelines/sp500.toml")]
    List(Where),
    /// Write the weights of a network as Keras or PyTorch has them (safetensors)
    #[command(
        after_help = "Example: oddlot models export pipelines/sp500.toml autoencoder --layout pytorch"
    )]
    Export(ExportArgs),
    /// Use weights that Keras or PyTorch has trained, scaled and calibrated on the pipeline's prices
    #[command(
        after_help = "Example: oddlot models import pipelines/sp500.toml forecaster net.safetensors --layout keras"
    )]
    Import(ImportArgs),
}

/// `models export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// The pipeline file, or an output folder
    #[arg(value_name = "PIPELINE")]
    pub place: String,
    /// The model's name in the pipeline, or its id
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// Whose network, where each ticker has its own
    #[arg(long, value_name = "TICKER")]
    pub ticker: Option<String>,
    /// Whose names and shapes the file shall have
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Layout,
    /// The file to write; by default MODEL.LAYOUT.safetensors
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What to call the layers with weights, in their order, separated by commas
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub layers: Vec<String>,
}

/// `models import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: Pipeline,
    /// The model's name in the pipeline
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// The safetensors file to read
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose names and shapes the file has
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Layout,
    /// What the file calls the layers with weights, in the network's order, separated by commas; by default found by
    /// shape and number
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub layers: Vec<String>,
    /// How many threads to use, at most; by default one per processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Names and shapes of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// The paths of Keras 3
    Keras,
    /// A state_dict of PyTorch
    Pytorch,
}
