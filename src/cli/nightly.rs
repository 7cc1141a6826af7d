//! `oddlot doctor` and `oddlot export`: what a job needs before it runs by itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The pipeline file whose source and output to try; without one, this machine only
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<PathBuf>,
}

/// `export`.
#[derive(Clone, Debug, Args)]
pub struct ExportJobArgs {
    /// Whom to print it for
    #[arg(value_name = "SCHEDULER")]
    pub scheduler: Scheduler,
    /// The pipeline file to run, or whose tables to read
    #[arg(value_name = "PIPELINE")]
    pub pipeline: PathBuf,
    /// Where oddlot is; by default this very program
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// Of Airflow: run it in a pod of this image, in which oddlot and PIPELINE are
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
}

/// What starts a job every night, or reads what it has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// A line for crontab
    Cron,
    /// A service and its timer
    Systemd,
    /// A DAG for Airflow 3
    Airflow,
    /// Views over the tables for DuckDB, with what every column means
    Ddl,
}
