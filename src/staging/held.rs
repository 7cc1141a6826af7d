//! What only one run at a time may do: replace the cells of a part, train, commit.
//!
//! A lock of a file binds all runs that see the same files, and ends with its process. Of a bucket there is a lease
//! besides, which binds all machines (`engine/tables/lease.rs`). Two runs that ask for several units ask in the same
//! order, so that of two at least one gets all of its own.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::tables::{Asked, Holder, Lease, OutputRoot, TRAINING, Terms, part_name};
use oddlot_engine::{Error, Kind, Report};

use super::lock;
use crate::machine;
use crate::run_id::RunId;

/// What a unit's lock ends with.
pub(super) const LOCK: &str = "running";

/// How often who waits asks again.
const PAUSE: Duration = Duration::from_millis(500);

/// What only one run of a pipeline at a time may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Replace the cells of a part.
    Part(u32),
    /// Train models and say which are used.
    Training,
    /// Sum the parts up and tell of a run.
    Commit,
}

impl Unit {
    fn name(self) -> String {
        match self {
            Self::Part(part) => part_name(part),
            Self::Training => TRAINING.to_owned(),
            Self::Commit => "commit".to_owned(),
        }
    }
}

/// A run that asks.
pub(super) struct Asker {
    root: OutputRoot,
    pipeline: String,
    /// For staging of all runs.
    home: PathBuf,
    run_id: String,
    /// Whether it is told that a bucket knows no leases.
    is_warned: AtomicBool,
}

/// A unit that is ours until it is dropped; its lease ends then by itself, or at once with [`Self::release`].
pub(super) struct Held {
    pub(super) unit: Unit,
    root: OutputRoot,
    /// `None` where the disk knows no locks.
    lock: Option<(PathBuf, File)>,
    /// Where the pipeline writes to a bucket.
    lease: Option<Arc<Lease>>,
}

impl Held {
    /// Gives it up.
    pub(super) async fn release(self) {
        self.root.let_go(&self.unit.name());
        if let Some(lease) = &self.lease {
            lease.release().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.root.let_go(&self.unit.name());
        if let Some((path, file)) = self.lock.take() {
            drop(fs::remove_file(path));
            drop(file);
        }
    }
}

impl Asker {
    pub(super) fn new(root: &OutputRoot, pipeline: &str, run_id: &RunId, home: &Path) -> Self {
        let (root, pipeline, home) = (root.clone(), pipeline.to_owned(), home.to_owned());
        let (run_id, is_warned) = (run_id.as_str().to_owned(), AtomicBool::new(false));
        Self { root, pipeline, home, run_id, is_warned }
    }

    /// Takes `unit`; what is another's is asked for again and again for so long.
    pub(super) async fn wait_for(&self, unit: Unit, wait: Duration) -> Result<Held, Error> {
        let began = Instant::now();
        let mut is_told = false;
        loop {
            match self.ask_once(unit).await? {
                Err(error) if began.elapsed() < wait => {
                    if !is_told {
                        let by = error.reports.first().and_then(|report| report.found.as_deref());
                        let by = by.unwrap_or("another run");
                        tracing::info!(by, minutes_max = wait.as_secs() / 60, "waiting for {unit}");
                        is_told = true;
                    }
                    tokio::time::sleep(PAUSE.min(wait.saturating_sub(began.elapsed()))).await;
                }
                asked => return asked,
            }
        }
    }

    /// Takes `unit`.
    ///
    /// # Errors
    /// [`Kind::Store`], with whose it is; and what reading and writing of a bucket can run into.
    pub(super) async fn ask(&self, unit: Unit) -> Result<Held, Error> {
        self.ask_once(unit).await?
    }

    /// The unit, or what to tell of who has it.
    async fn ask_once(&self, unit: Unit) -> Result<Result<Held, Error>, Error> {
        let mut held = Held { unit, root: self.root.clone(), lock: None, lease: None };
        let path = self.home.join(self.lock_name(unit));
        let process = std::process::id();
        let own = owner(&self.run_id, &machine::name(), Some(process), Some(Utc::now()));
        match lock::take(&path, &own) {
            lock::Taken::Held(file) => held.lock = Some((path, file)),
            lock::Taken::Busy(other) if other.is_empty() => {
                return Ok(Err(self.busy(unit, "a run that has just begun")));
            }
            lock::Taken::Busy(other) => return Ok(Err(self.busy(unit, &other))),
            lock::Taken::Unknown => {}
        }
        let place = match held.lock {
            None => machine::name(),
            // Who has this name and these files is dead, or would hold the lock that is ours.
            Some(_) => format!("{} {}", machine::name(), machine::folder_mark(&self.home)),
        };
        let holder = Holder { run_id: self.run_id.clone(), place, process, clock: Utc::now };
        let path = format!("_state/leases/pipeline={}/{}.json", self.pipeline, unit.name());
        match self.root.lease(&path, &holder).await? {
            Some(Asked::Held(lease)) => {
                let lease = Arc::new(lease);
                self.root.hold(&unit.name(), Arc::clone(&lease));
                held.lease = Some(lease);
            }
            Some(Asked::Busy(terms)) => return Ok(Err(self.busy(unit, &held_by(&terms)))),
            Some(Asked::Unknown) if !self.is_warned.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    "the bucket knows no conditional put: nothing keeps two machines from running this pipeline at once"
                )
            }
            Some(Asked::Unknown) | None => {}
        }
        Ok(Ok(held))
    }

    /// Staging of a bucket is shared by all buckets, that of a folder is its own.
    fn lock_name(&self, unit: Unit) -> String {
        let (pipeline, unit) = (&self.pipeline, unit.name());
        match self.root.local() {
            Some(_) => format!("{pipeline}.{unit}.{LOCK}"),
            None => format!("{pipeline}-{:08x}.{unit}.{LOCK}", part_of(self.root.name(), u32::MAX)),
        }
    }

    fn busy(&self, unit: Unit, owner: &str) -> Error {
        let pipeline = &self.pipeline;
        let (title, expected) = match unit {
            Unit::Part(part) => (
                "another run of this pipeline is at work",
                format!("one run at a time of part {part} of `{pipeline}`"),
            ),
            Unit::Training => (
                "another run is training the models of this pipeline",
                format!("one training of `{pipeline}` at a time"),
            ),
            Unit::Commit => (
                "another run of this pipeline is committing",
                format!("one commit of `{pipeline}` at a time"),
            ),
        };
        let hint = match unit {
            Unit::Part(_) => "wait until it has ended, then run the same command again",
            Unit::Training | Unit::Commit => {
                "run the same command again later, or let it wait longer with `--wait MINUTES`"
            }
        };
        let report = Report::new(title).at(self.root.name()).expected(expected);
        Error::new(Kind::Store, report.found(owner).hint(hint))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => write!(f, "part {part}"),
            Self::Training => f.write_str("models that another run trains"),
            Self::Commit => f.write_str("the commit of another run"),
        }
    }
}

fn held_by(terms: &Terms) -> String {
    let host = terms.place.split(' ').next().unwrap_or_default();
    let owner = owner(&terms.run_id, host, terms.process, terms.since);
    format!("{owner}, whose lease ends at {} unless it goes on", instant(terms.until))
}

/// Whose it is, for people.
fn owner(run_id: &str, host: &str, process: Option<u32>, since: Option<DateTime<Utc>>) -> String {
    let process = process.map_or_else(String::new, |id| format!(", process {id}"));
    let since = since.map_or_else(String::new, |since| format!(", since {}", instant(since)));
    format!("run {run_id} on {host}{process}{since}")
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
