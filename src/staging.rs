//! The folder of one run's unfinished work; gone when the run ends, however it ends.
//!
//! A run that is killed cannot tidy up. Each run holds a lock beside its folder for as long as it
//! lives, so that the next one can tell which folders belong to nobody any more; and one for its
//! pipeline, so that no two runs replace the same cells by turns. The locks are those of this
//! machine: they bind neither another machine nor a disk that knows none. Of a bucket there is a lease
//! besides, which binds all machines.

mod lock;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{SecondsFormat, Utc};
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::tables::{Asked, Holder, Lease, OutputRoot};
use oddlot_engine::verify::Finding;
use oddlot_engine::{Error, Kind, Report};

use crate::machine;
use crate::run_id::RunId;

/// What a run's lock ends with, beside its folder.
const RUN_LOCK: &str = "lock";

/// What a pipeline's lock ends with. Others leave it alone: they would hold it while they look.
const PIPELINE_LOCK: &str = "running";

/// A folder of its own.
pub struct Staging {
    /// Where the tables will be.
    pub root: OutputRoot,
    /// The folder.
    pub path: PathBuf,
    /// Of the pipeline and of the run, held while the run lives; empty where the disk knows no locks.
    locks: Vec<(PathBuf, File)>,
    /// Of the pipeline, where it writes to a bucket.
    lease: Option<Arc<Lease>>,
}

impl Staging {
    /// Makes the folder, removes those of runs that were killed, and takes the lease of a bucket: without it
    /// `root` replaces no cell from now on.
    ///
    /// # Errors
    /// It cannot be made; [`Kind::Store`] where another run of `pipeline` is at work, here or elsewhere.
    pub async fn open(
        root: &mut OutputRoot,
        pipeline: &str,
        run_id: &RunId,
    ) -> Result<Self, Error> {
        let mut staging = Self::create(root, pipeline, run_id)?;
        let home = root.staging_home()?;
        let place = match staging.locks.is_empty() {
            true => machine::name(),
            // Who has this name and these files is dead, or would hold the lock that is ours.
            false => format!("{} {}", machine::name(), machine::folder_mark(&home)),
        };
        let holder = Holder { run_id: run_id.as_str().to_owned(), place, clock: Utc::now };
        let path = format!("_state/leases/pipeline={pipeline}.json");
        match root.lease(&path, &holder).await? {
            Some(Asked::Held(lease)) => {
                let lease = Arc::new(lease);
                root.hold(Arc::clone(&lease));
                staging.lease = Some(lease);
            }
            Some(Asked::Busy { run_id, place, until }) => {
                let host = place.split(' ').next().unwrap_or_default();
                let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
                let owner =
                    format!("{run_id} on {host}, whose lease ends at {until} unless it goes on");
                return Err(busy(root, pipeline, &owner));
            }
            Some(Asked::Unknown) => tracing::warn!(
                "the bucket knows no conditional put: nothing keeps two machines from running this pipeline at once"
            ),
            None => {}
        }
        Ok(staging)
    }

    /// Ends it, and gives the lease up, so that another machine need not wait.
    pub async fn close(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.release().await;
        }
    }

    fn create(root: &OutputRoot, pipeline: &str, run_id: &RunId) -> Result<Self, Error> {
        let home = root.staging_home()?;
        let path = home.join(run_id.as_str());
        let mut staging = Self { root: root.clone(), path, locks: Vec::new(), lease: None };

        let of_pipeline = home.join(pipeline_lock(root, pipeline));
        match lock::take(&of_pipeline, run_id.as_str()) {
            lock::Taken::Held(file) => staging.locks.push((of_pipeline, file)),
            lock::Taken::Busy(owner) => {
                return Err(busy(root, pipeline, &format!("{owner}, which has not ended")));
            }
            lock::Taken::Unknown => {}
        }
        let of_run = home.join(format!("{run_id}.{RUN_LOCK}"));
        if let lock::Taken::Held(file) = lock::wait(&of_run, run_id.as_str()) {
            staging.locks.push((of_run, file));
        }
        failpoint::pass(Failpoint::StagingLocked)?;
        root.staging(run_id.as_str())?;
        failpoint::pass(Failpoint::StagingMade)?;
        sweep_abandoned(&home);
        Ok(staging)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The folder first: one without a lock would be nobody's to remove.
        drop(fs::remove_dir_all(&self.path));
        drop(failpoint::pass(Failpoint::StagingRemoved));
        for (path, file) in self.locks.drain(..).rev() {
            drop(fs::remove_file(path));
            drop(file);
        }
        self.root.sweep(&self.path);
    }
}

/// Staging of a bucket is shared by all buckets, that of a folder is its own.
fn pipeline_lock(root: &OutputRoot, pipeline: &str) -> String {
    match root.local() {
        Some(_) => format!("{pipeline}.{PIPELINE_LOCK}"),
        None => format!("{pipeline}-{:08x}.{PIPELINE_LOCK}", part_of(root.name(), u32::MAX)),
    }
}

fn busy(root: &OutputRoot, pipeline: &str, owner: &str) -> Error {
    Error::new(
        Kind::Store,
        Report::new("another run of this pipeline is at work")
            .at(root.name())
            .expected(format!("one run at a time of `{pipeline}` on one output"))
            .found(format!("run {owner}"))
            .hint("wait until it has ended, then run the same command again"),
    )
}

/// What killed runs have left in staging.
pub fn abandoned(root: &OutputRoot) -> Vec<Finding> {
    let Some(home) = root.local().map(|local| local.join("_staging")) else { return Vec::new() };
    let Ok(found) = fs::read_dir(&home) else { return Vec::new() };
    let paths = found.filter_map(|entry| Some(entry.ok()?.path()));
    let locks = paths.filter(|path| path.extension().is_some_and(|name| name == RUN_LOCK));
    let dead = locks.filter(|path| File::open(path).is_ok_and(|lock| lock.try_lock().is_ok()));
    let finding = |path: PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let report = Report::new("a run that was killed has left its unfinished work")
            .expected("nothing in staging but of runs at work")
            .found(format!("the folder of run {name}, and nobody holds its lock"))
            .hint("leave it: the next run removes it");
        Finding::leftover("staging", &format!("_staging/{name}"), report)
    };
    dead.map(finding).collect()
}

fn sweep_abandoned(home: &Path) {
    let Ok(found) = fs::read_dir(home) else { return };
    let locks = found.filter_map(|entry| Some(entry.ok()?.path()));
    for path in locks.filter(|path| path.extension().is_some_and(|name| name == RUN_LOCK)) {
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        let folder = path.with_extension("");
        tracing::info!(folder = %folder.display(), "removing what a killed run has left");
        // What cannot be removed harms nobody.
        drop(fs::remove_dir_all(folder));
        drop(fs::remove_file(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_in(folder: &tempfile::TempDir) -> OutputRoot {
        OutputRoot::open(folder.path().to_str().unwrap()).unwrap()
    }

    #[test]
    fn a_run_removes_what_a_killed_one_has_left_and_nothing_of_a_living_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_in(&folder);
        let staging = folder.path().join("_staging");
        let living = Staging::create(&root, "a", &RunId::now()).unwrap();
        fs::write(living.path.join("cell.parquet"), "half").unwrap();
        // Killed: folder and lock are there, and nobody holds the lock.
        fs::create_dir(staging.join("20260101T000000.000000Z-dead")).unwrap();
        fs::write(staging.join("20260101T000000.000000Z-dead/cell.parquet"), "half").unwrap();
        fs::write(staging.join("20260101T000000.000000Z-dead.lock"), "").unwrap();
        // Killed before it had its folder.
        fs::write(staging.join("20260101T000000.000000Z-late.lock"), "").unwrap();

        let next = Staging::create(&root, "b", &RunId::now()).unwrap();
        assert!(!staging.join("20260101T000000.000000Z-dead").exists());
        assert!(!staging.join("20260101T000000.000000Z-dead.lock").exists());
        assert!(!staging.join("20260101T000000.000000Z-late.lock").exists());
        assert!(living.path.join("cell.parquet").exists());
        drop(next);
        drop(living);
        assert!(!staging.exists());
    }

    #[test]
    fn a_second_run_of_a_pipeline_is_refused_while_the_first_lives_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_in(&folder);
        let run_id = RunId::now();
        let first = Staging::create(&root, "job", &run_id).unwrap();
        let error = Staging::create(&root, "job", &RunId::now()).err().unwrap();
        assert_eq!(error.kind, Kind::Store);
        assert!(error.reports[0].found.as_ref().unwrap().contains(run_id.as_str()), "{error}");
        // Refused, it has removed nothing of the first's.
        assert!(first.path.exists());
        drop(first);
        drop(Staging::create(&root, "job", &RunId::now()).unwrap());
        // Killed: its lock is there, and nobody holds it.
        fs::create_dir(folder.path().join("_staging")).unwrap();
        fs::write(folder.path().join("_staging/job.running"), "dead").unwrap();
        drop(Staging::create(&root, "job", &RunId::now()).unwrap());
        assert!(!folder.path().join("_staging").exists());
    }
}
