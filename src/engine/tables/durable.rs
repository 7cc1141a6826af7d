//! Files and renames that outlast a power cut: each file and each folder on the way is synced.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failpoint::{self, Failpoint};

/// A folder on this machine into which finished files are moved.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    root: PathBuf,
    /// Folders whose own names are known to be on the disk: each is synced once a process, also
    /// one that a killed run has made and not synced.
    known: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Durable {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, known: Arc::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Moves a synced file to `path` below the root, replacing what is there in one step.
    pub(super) fn rename(&self, staged: &Path, path: &str) -> crate::Result<()> {
        let target = self.root.join(path);
        let failed = |error| super::root::cannot_write(path, &error);
        let folder = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(failed)?;
        failpoint::pass(Failpoint::FolderMade)?;
        self.sync_names(folder).map_err(failed)?;
        fs::rename(staged, &target).map_err(failed)?;
        failpoint::pass(Failpoint::ObjectMoved)?;
        sync_folder(folder).map_err(failed)
    }

    /// Removes the file at `path` below the root; nothing there is fine.
    pub(super) fn remove(&self, path: &str) -> Result<()> {
        let target = self.root.join(path);
        match fs::remove_file(&target) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => sync_folder(target.parent().unwrap_or(&self.root)),
        }
    }

    /// Syncs what holds the names of `folder` and of the folders above it.
    fn sync_names(&self, folder: &Path) -> Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in folder.ancestors().take_while(|folder| !known.contains(*folder)) {
            let is_below = folder.starts_with(&self.root) && folder != self.root;
            match folder.parent().map(sync_folder) {
                Some(Err(error)) if is_below => return Err(error),
                // What is above the root may be closed to this user, and then it was not made here.
                _ => {}
            }
        }
        known.extend(folder.ancestors().map(Path::to_path_buf));
        Ok(())
    }
}

/// Writes and syncs a file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()
}
