//! What is asked for.

use std::num::NonZeroUsize;

use oddlot_nets::{Isa, Threads};
use serde::Deserialize;
use serde_json::Value;

use super::models::Name;

/// One line of stdin.
pub(crate) enum Request {
    Describe,
    Measure { setting: Setting, seconds: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    Train,
    Score,
    Bulk,
}

/// What is measured, and how often it is asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct Setting {
    pub(crate) op: Op,
    pub(crate) model: Name,
    pub(crate) batch: NonZeroUsize,
    pub(crate) threads: NonZeroUsize,
    /// `None`: the widest of this machine.
    isa: Option<String>,
    /// In bulk: how many models, and windows of each.
    #[serde(default = "bulk_models")]
    pub(crate) models: NonZeroUsize,
    #[serde(default = "bulk_windows")]
    windows: NonZeroUsize,
}

const fn bulk_models() -> NonZeroUsize {
    NonZeroUsize::new(64).expect("not zero")
}

const fn bulk_windows() -> NonZeroUsize {
    NonZeroUsize::new(1_024).expect("not zero")
}

impl Request {
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let told = |error: serde_json::Error| error.to_string();
        let value: Value = serde_json::from_str(line).map_err(told)?;
        if value["op"] == "describe" {
            return Ok(Self::Describe);
        }
        let setting = Setting::deserialize(&value).map_err(told)?;
        match value["seconds"].as_f64() {
            _ if setting.op == Op::Bulk && setting.bulk_batches() == 0 => {
                Err(format!("{} windows are no batch of {}", setting.windows, setting.batch))
            }
            Some(seconds) if seconds >= 0.0 => Ok(Self::Measure { setting, seconds }),
            _ => Err("seconds must be a number, zero or more".to_owned()),
        }
    }
}

impl Setting {
    pub(crate) fn has_isa(&self) -> bool {
        self.isa.is_some()
    }

    pub(crate) fn isa(&self) -> Result<Isa, String> {
        let isa = self.isa.as_deref().map_or(Ok(Isa::best()), str::parse);
        isa.map_err(|unknown| unknown.to_string())
    }

    /// What a single model computes on.
    pub(crate) fn kernel_threads(&self) -> Threads {
        if self.threads.get() == 1 { Threads::One } else { Threads::All }
    }

    /// Batches of an epoch of one model.
    pub(crate) fn bulk_batches(&self) -> usize {
        self.windows.get() / self.batch
    }

    /// Batches from one lap to the next.
    pub(crate) fn batches_of_a_lap(&self) -> usize {
        match self.op {
            Op::Bulk => self.models.get() * self.bulk_batches(),
            Op::Train | Op::Score => 1,
        }
    }
}
