//! The folder of one run's unfinished work; gone when the run ends, however it ends.
//!
//! A run that is killed cannot tidy up. Each run holds a lock beside its folder for as long as it
//! lives, so that the next one can tell which folders belong to nobody any more. What only one run at a
//! time may do it holds besides ([`Unit`], `staging/held.rs`).

mod held;
mod lock;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::verify::Finding;
use oddlot_engine::{Error, Report};
use tokio::sync::Mutex;

use crate::run_id::RunId;

pub use held::Unit;
use held::{Asker, Held};

/// What a run's lock ends with, beside its folder.
const RUN_LOCK: &str = "lock";

/// A folder of its own.
pub struct Staging {
    /// Where the tables will be.
    pub root: OutputRoot,
    /// The folder.
    pub path: PathBuf,
    /// Of the run, held while it lives; `None` where the disk knows no locks.
    lock: Option<(PathBuf, File)>,
    /// Who asks for what only one run at a time may do.
    asker: Asker,
    /// What it has been given of that.
    held: Mutex<Vec<Held>>,
}

impl Staging {
    /// Takes what is to be held of each of `units`, makes the folder, and removes those of runs that were killed.
    ///
    /// # Errors
    /// It cannot be made; [`oddlot_engine::Kind::Store`] where another run is at work on one of `units`, here or
    /// elsewhere.
    pub async fn open(
        root: &OutputRoot,
        pipeline: &str,
        run_id: &RunId,
        units: &[Unit],
    ) -> Result<Self, Error> {
        let home = root.staging_home()?;
        let asker = Asker::new(root, pipeline, run_id, &home);
        // In one order, so that of two that ask for the same at once one gets all of it.
        let mut units = units.to_vec();
        units.sort_unstable();
        units.dedup();
        let mut held = Vec::new();
        for unit in units {
            match asker.ask(unit).await {
                Ok(unit) => held.push(unit),
                Err(error) => {
                    for unit in held {
                        unit.release().await;
                    }
                    root.sweep(&home.join(run_id.as_str()));
                    return Err(error);
                }
            }
        }
        Self::create(root, &home, run_id, asker, held)
    }

    fn create(
        root: &OutputRoot,
        home: &Path,
        run_id: &RunId,
        asker: Asker,
        held: Vec<Held>,
    ) -> Result<Self, Error> {
        let path = home.join(run_id.as_str());
        let held = Mutex::new(held);
        let mut staging = Self { root: root.clone(), path, lock: None, asker, held };
        let of_run = home.join(format!("{run_id}.{RUN_LOCK}"));
        if let lock::Taken::Held(file) = lock::wait(&of_run, run_id.as_str()) {
            staging.lock = Some((of_run, file));
        }
        failpoint::pass(Failpoint::StagingLocked)?;
        root.staging(run_id.as_str())?;
        failpoint::pass(Failpoint::StagingMade)?;
        sweep_abandoned(home);
        Ok(staging)
    }

    /// Holds `unit` from now on; where another run does, waits for so long.
    ///
    /// # Errors
    /// [`oddlot_engine::Kind::Store`]: that run still does.
    pub async fn hold(&self, unit: Unit, wait: Duration) -> Result<(), Error> {
        let held = self.asker.wait_for(unit, wait).await?;
        self.held.lock().await.push(held);
        Ok(())
    }

    /// Gives `unit` up before the end.
    pub async fn let_go(&self, unit: Unit) {
        let mut all = self.held.lock().await;
        if let Some(idx) = all.iter().position(|held| held.unit == unit) {
            all.remove(idx).release().await;
        }
    }

    /// Ends it, and gives up what it holds, so that another machine need not wait.
    pub async fn close(self) {
        for held in self.held.lock().await.drain(..) {
            held.release().await;
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The folder first: one without a lock would be nobody's to remove.
        drop(fs::remove_dir_all(&self.path));
        drop(failpoint::pass(Failpoint::StagingRemoved));
        self.held.get_mut().clear();
        if let Some((path, file)) = self.lock.take() {
            // Threads that were stopped may have put something there meanwhile: the next run removes it.
            if !self.path.exists() {
                drop(fs::remove_file(path));
            }
            drop(file);
        }
        self.root.sweep(&self.path);
    }
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
    for path in found.filter_map(|entry| Some(entry.ok()?.path())) {
        let is_run = path.extension().is_some_and(|name| name == RUN_LOCK);
        let is_unit = path.extension().is_some_and(|name| name == held::LOCK);
        if !is_run && !is_unit {
            continue;
        }
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        if is_run {
            let folder = path.with_extension("");
            tracing::info!(folder = %folder.display(), "removing what a killed run has left");
            // What cannot be removed harms nobody.
            drop(fs::remove_dir_all(folder));
        }
        // Somebody may have removed it and made it again since it was opened: then it is not ours to remove.
        if is_run || lock::is_at(&lock, &path) {
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use oddlot_engine::Kind;

    use super::*;

    fn root_in(folder: &tempfile::TempDir) -> OutputRoot {
        OutputRoot::open(folder.path().to_str().unwrap()).unwrap()
    }

    async fn parts(root: &OutputRoot, run_id: &RunId, parts: &[u32]) -> Result<Staging, Error> {
        let units: Vec<Unit> = parts.iter().map(|part| Unit::Part(*part)).collect();
        Staging::open(root, "job", run_id, &units).await
    }

    #[tokio::test]
    async fn a_run_removes_what_a_killed_one_has_left_and_nothing_of_a_living_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_in(&folder);
        let staging = folder.path().join("_staging");
        let living = Staging::open(&root, "a", &RunId::now(), &[Unit::Part(0)]).await.unwrap();
        fs::write(living.path.join("cell.parquet"), "half").unwrap();
        // Killed: folder and lock are there, and nobody holds the lock.
        fs::create_dir(staging.join("20260101T000000.000000Z-dead")).unwrap();
        fs::write(staging.join("20260101T000000.000000Z-dead/cell.parquet"), "half").unwrap();
        fs::write(staging.join("20260101T000000.000000Z-dead.lock"), "").unwrap();
        // Killed before it had its folder.
        fs::write(staging.join("20260101T000000.000000Z-late.lock"), "").unwrap();

        let next = Staging::open(&root, "b", &RunId::now(), &[Unit::Part(0)]).await.unwrap();
        assert!(!staging.join("20260101T000000.000000Z-dead").exists());
        assert!(!staging.join("20260101T000000.000000Z-dead.lock").exists());
        assert!(!staging.join("20260101T000000.000000Z-late.lock").exists());
        assert!(living.path.join("cell.parquet").exists());
        drop(next);
        drop(living);
        assert!(!staging.exists());
    }

    #[tokio::test]
    async fn a_second_run_of_a_part_is_refused_while_the_first_lives_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_in(&folder);
        let run_id = RunId::now();
        let first = parts(&root, &run_id, &[0, 2]).await.unwrap();
        let error = parts(&root, &RunId::now(), &[1, 2]).await.err().unwrap();
        assert_eq!(error.kind, Kind::Store);
        let found = error.reports[0].found.clone().unwrap();
        let process = format!("process {}, since 2", std::process::id());
        assert!(found.contains(run_id.as_str()) && found.contains(&process), "{found}");
        // Refused, it has removed nothing of the first's, and gives back what it had.
        assert!(first.path.exists());
        let others = parts(&root, &RunId::now(), &[1, 3]).await.unwrap();
        drop(others);
        drop(first);
        drop(parts(&root, &RunId::now(), &[0, 1, 2]).await.unwrap());
        // Killed: its lock is there, and nobody holds it.
        fs::create_dir(folder.path().join("_staging")).unwrap();
        fs::write(folder.path().join("_staging/job.training.running"), "dead").unwrap();
        fs::write(folder.path().join("_staging/job.part-00000.running"), "dead").unwrap();
        parts(&root, &RunId::now(), &[0]).await.unwrap().close().await;
        assert!(!folder.path().join("_staging").exists());
    }

    #[tokio::test]
    async fn what_another_run_does_is_waited_for_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_in(&folder);
        let first = parts(&root, &RunId::now(), &[0]).await.unwrap();
        let second = parts(&root, &RunId::now(), &[1]).await.unwrap();
        first.hold(Unit::Training, Duration::ZERO).await.unwrap();
        let error = second.hold(Unit::Training, Duration::ZERO).await.err().unwrap();
        assert!(error.reports[0].title.contains("training"), "{error}");
        assert!(error.reports[0].hint.as_ref().unwrap().contains("--wait"), "{error}");
        let waiting = second.hold(Unit::Training, Duration::MAX);
        let (waited, ()) = tokio::join!(waiting, first.let_go(Unit::Training));
        waited.unwrap();
        assert!(first.hold(Unit::Training, Duration::ZERO).await.is_err());
        second.close().await;
        first.hold(Unit::Training, Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn of_runs_that_ask_for_the_same_parts_at_once_one_gets_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_in(&folder);
        for _ in 0..20 {
            let asking = (0..4_u32).map(|run| {
                let (root, own) = (root.clone(), [run, 3, 2, 1, 0]);
                tokio::spawn(async move { parts(&root, &RunId::now(), &own).await })
            });
            let mut held = Vec::new();
            for asked in asking.collect::<Vec<_>>() {
                held.extend(asked.await.unwrap().ok());
            }
            assert_eq!(held.len(), 1);
        }
    }
}
