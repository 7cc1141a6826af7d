//! The folder of one run's unfinished work; gone when the run ends, however it ends.
//!
//! A run that is killed cannot tidy up. Each run holds a lock beside its folder for as long as it
//! lives, so that the next one can tell which folders belong to nobody any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;

use crate::run_id::RunId;

/// What a lock is called beside its folder.
const LOCK: &str = "lock";

/// A folder of its own.
pub struct Staging {
    /// Where the tables will be.
    pub root: OutputRoot,
    /// The folder.
    pub path: PathBuf,
    /// Held while the run lives; `None` where the disk knows no locks.
    _lock: Option<File>,
}

impl Staging {
    /// Makes the folder, and removes those of runs that were killed.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(root: &OutputRoot, run_id: &RunId) -> Result<Self, Error> {
        let path = root.staging(run_id.as_str())?;
        if let Some(parent) = path.parent() {
            sweep_abandoned(parent);
        }
        Ok(Self { root: root.clone(), _lock: lock(&path), path })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Without its lock a folder is left alone by others.
        drop(fs::remove_file(lock_path(&self.path)));
        self.root.sweep(&self.path);
    }
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.with_added_extension(LOCK)
}

/// The lock gets its name once it is held: nobody finds it without its owner.
fn lock(folder: &Path) -> Option<File> {
    let unnamed = folder.join(LOCK);
    let held = File::create(&unnamed).and_then(|file| {
        file.try_lock()?;
        fs::rename(&unnamed, lock_path(folder))?;
        Ok(file)
    });
    held.inspect_err(|error| tracing::debug!(%error, "staging is not locked")).ok()
}

fn sweep_abandoned(parent: &Path) {
    let Ok(found) = fs::read_dir(parent) else { return };
    let locks = found.filter_map(|entry| Some(entry.ok()?.path()));
    for path in locks.filter(|path| path.extension().is_some_and(|name| name == LOCK)) {
        let is_abandoned = File::open(&path).is_ok_and(|lock| lock.try_lock().is_ok());
        if !is_abandoned {
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

    #[test]
    fn a_run_removes_what_a_killed_one_has_left_and_nothing_of_a_living_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
        let staging = folder.path().join("_staging");
        let living = Staging::create(&root, &RunId::now()).unwrap();
        fs::write(living.path.join("cell.parquet"), "half").unwrap();
        // Killed: folder and lock are there, and nobody holds the lock.
        fs::create_dir(staging.join("20260101T000000.000000Z-dead")).unwrap();
        fs::write(staging.join("20260101T000000.000000Z-dead/cell.parquet"), "half").unwrap();
        fs::write(staging.join("20260101T000000.000000Z-dead.lock"), "").unwrap();

        let next = Staging::create(&root, &RunId::now()).unwrap();
        assert!(!staging.join("20260101T000000.000000Z-dead").exists());
        assert!(living.path.join("cell.parquet").exists());
        drop(next);
        drop(living);
        assert!(!staging.exists());
    }
}
