//! The output root: where finished objects appear whole, or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::prefix::PrefixStore;
use datafusion::object_store::{ObjectStore, ObjectStoreExt};
use futures::TryStreamExt;

use super::durable::{self, Durable};
use super::lease::{self, Asked, Holder, Lease};
use crate::failpoint::{self, Failpoint};
use crate::s3::{self, Place, failure_in};
use crate::session::SessionContext;
use crate::{Error, Kind, Report, Result};

/// Where a bucket is asked whether it can be written; nothing is ever put there.
const WRITABLE: &str = "_state/writable";

/// What the ledger knows of cells.
const ENTRIES: &str = "_state/cells/";

/// What the lease of training guards.
const MODELS: [&str; 2] = ["models/", "_state/models/"];

/// A folder or a bucket prefix. Reads go through object_store; a finished object is moved in
/// with one rename (local) or one upload (S3, from a folder on this machine), so that readers see the old one or the new one.
#[derive(Clone, Debug)]
pub struct OutputRoot {
    store: Arc<dyn ObjectStore>,
    local: Option<Durable>,
    /// The bucket and its store without the prefix, where it is one.
    bucket: Option<(String, Arc<dyn ObjectStore>)>,
    name: String,
    /// Folders that [`Self::open`] made, the innermost first.
    made: Vec<PathBuf>,
    /// By what they guard: those without which no object of a bucket is replaced.
    leases: Arc<RwLock<BTreeMap<String, Arc<Lease>>>>,
}

/// What the lease of training is held for.
pub const TRAINING: &str = "training";

/// What the lease of a part is held for: the name of its cells.
pub fn part_name(part: u32) -> String {
    format!("part-{part:05}")
}

impl OutputRoot {
    /// Opens a folder (made if it is missing) or an `s3://bucket/prefix`.
    ///
    /// # Errors
    /// [`Kind::Output`] where it cannot be made, [`Kind::Config`] for an unknown scheme or settings
    /// of S3 that cannot be.
    pub fn open(place: impl Into<Place>) -> Result<Self> {
        let place = place.into();
        let root = place.path.as_str();
        if let Some(bucket) = place.bucket() {
            let prefix = s3::prefix_of(root).map_err(|error| at(error, root))?;
            let whole = s3::open(bucket, &place.s3).map_err(|error| at(error, root))?;
            return Ok(Self {
                store: Arc::new(PrefixStore::new(Arc::clone(&whole), prefix)),
                local: None,
                bucket: Some((bucket.to_owned(), whole)),
                name: root.to_owned(),
                made: Vec::new(),
                leases: Arc::default(),
            });
        }
        let made = missing_folders(FsPath::new(root));
        if let Err(error) = fs::create_dir_all(root) {
            remove_empty(&made);
            return Err(no_folder(root, &error));
        }
        let path = fs::canonicalize(root).map_err(|error| cannot_write(root, &error))?;
        let store =
            LocalFileSystem::new_with_prefix(&path).map_err(|error| cannot_write(root, &error))?;
        let name = root.to_owned();
        Ok(Self {
            store: Arc::new(store),
            local: Some(Durable::new(path)),
            bucket: None,
            name,
            made,
            leases: Arc::default(),
        })
    }

    /// Opens a root for reading: a missing folder is an error and is not made.
    ///
    /// # Errors
    /// [`Kind::Data`] where there is nothing.
    pub fn open_existing(place: impl Into<Place>) -> Result<Self> {
        let place = place.into();
        let root = place.path.as_str();
        if !root.starts_with("s3://") && !FsPath::new(root).is_dir() {
            return Err(Error::data(
                Report::new("there is no output here")
                    .at(root)
                    .expected("a folder that `oddlot run` has written")
                    .found(match FsPath::new(root).exists() {
                        true => "a file",
                        false => "no such folder",
                    })
                    .hint("run a pipeline first, or name the folder of its `output.root`"),
            ));
        }
        Self::open(place)
    }

    /// Opens a root for reading, if there is one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_if_present(place: impl Into<Place>) -> Result<Option<Self>> {
        let place = place.into();
        match place.bucket().is_none() && !FsPath::new(&place.path).is_dir() {
            true => Ok(None),
            false => Self::open(place).map(Some),
        }
    }

    /// Where its objects are read.
    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Asks a bucket whether it is there and this user may write to it, before hours are spent on
    /// what could not be kept: an upload by parts is begun and called off, which leaves nothing.
    ///
    /// # Errors
    /// [`Kind::Credentials`], [`Kind::Output`], or [`Kind::Store`] where the server cannot be reached.
    pub async fn check_writable(&self) -> Result<()> {
        if self.bucket.is_none() {
            return Ok(());
        }
        let refused = |error| cannot_write(&self.name, &error);
        // Some servers begin an upload to a bucket that is not there.
        let mut listed = self.store.list(Some(&Path::from(WRITABLE)));
        listed.try_next().await.map_err(refused)?;
        let upload = self.store.put_multipart(&Path::from(WRITABLE)).await;
        upload.map_err(refused)?.abort().await.map_err(refused)
    }

    /// Makes an object store known to a session, so that tables below the root can be read there.
    ///
    /// # Errors
    /// A bug: the root is no URL that a session can know.
    pub fn register(&self, context: &SessionContext) -> Result<()> {
        let Some((bucket, store)) = &self.bucket else { return Ok(()) };
        let url = ObjectStoreUrl::parse(format!("s3://{bucket}"))
            .map_err(|error| Error::bug(format!("{}: {error}", self.name)))?;
        context.register_object_store(url.as_ref(), Arc::clone(store));
        Ok(())
    }

    /// As the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder on this machine, where it is one.
    pub fn local(&self) -> Option<&FsPath> {
        self.local.as_ref().map(Durable::root)
    }

    /// The folder on this machine for the unfinished work of all runs.
    ///
    /// # Errors
    /// [`Kind::Output`].
    pub fn staging_home(&self) -> Result<PathBuf> {
        self.make_folder(match self.local() {
            Some(local) => local.join("_staging"),
            None => std::env::temp_dir().join("oddlot-staging"),
        })
    }

    /// A folder in [`Self::staging_home`] for that of one run.
    ///
    /// # Errors
    /// [`Kind::Output`].
    pub fn staging(&self, run_id: &str) -> Result<PathBuf> {
        self.make_folder(self.staging_home()?.join(run_id))
    }

    fn make_folder(&self, folder: PathBuf) -> Result<PathBuf> {
        match fs::create_dir_all(&folder) {
            Ok(()) => Ok(folder),
            Err(error) => {
                remove_empty(&self.made);
                Err(no_folder(&folder.display().to_string(), &error))
            }
        }
    }

    /// Removes the folder of [`Self::staging`], its parent where that is empty, and the root itself
    /// where [`Self::open`] made it and nothing was put there.
    pub fn sweep(&self, staging: &FsPath) {
        // What is left in staging harms nobody: the next run stages under another id.
        if let Err(error) = fs::remove_dir_all(staging)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %staging.display(), %error, "staging could not be removed");
        }
        if let Some(parent) = staging.parent() {
            let _ = fs::remove_dir(parent);
        }
        remove_empty(&self.made);
    }

    /// Moves a finished, synced file to `path`, replacing what is there in one step.
    ///
    /// # Errors
    /// [`Kind::Output`]; of a bucket also [`Kind::Store`] and [`Kind::Credentials`].
    pub async fn commit(&self, staged: &FsPath, path: &str) -> Result<()> {
        match &self.local {
            Some(local) => local.rename(staged, path),
            None => {
                // The entry of a cell follows it at once.
                if !path.starts_with(ENTRIES) {
                    self.check_lease(path).await?;
                }
                s3::upload(&self.store, staged, &Path::from(path))
                    .await
                    .map_err(|error| cannot_write(&self.place_of(path), &error))?;
                failpoint::pass(Failpoint::ObjectMoved)
            }
        }
    }

    /// A path below the root as a message names it.
    fn place_of(&self, path: &str) -> String {
        match self.bucket {
            Some(_) => format!("{}/{path}", self.name.trim_end_matches('/')),
            None => path.to_owned(),
        }
    }

    /// Writes a small object whole.
    ///
    /// # Errors
    /// [`Kind::Output`].
    pub async fn put(&self, staging: &FsPath, path: &str, bytes: &[u8]) -> Result<()> {
        let staged = staging.join(path.replace('/', "~"));
        durable::write(&staged, bytes).map_err(|error| cannot_write(path, &error))?;
        failpoint::pass(Failpoint::ObjectStaged)?;
        self.commit(&staged, path).await?;
        // A local commit has moved the file away; an upload leaves it behind.
        if self.local.is_none() {
            let _ = fs::remove_file(&staged);
        }
        Ok(())
    }

    /// Asks for the lease at `path` of a bucket; `None` of a folder, whose files have locks.
    ///
    /// # Errors
    /// [`Kind::Store`], [`Kind::Output`] and [`Kind::Credentials`], as of any object.
    pub async fn lease(&self, path: &str, holder: &Holder) -> Result<Option<Asked>> {
        match self.local {
            Some(_) => Ok(None),
            None => lease::ask(&self.store, path, &self.place_of(path), holder).await.map(Some),
        }
    }

    /// Replaces only while `lease` holds what is `guarded` by it: the objects of a part, models, run tables. So do
    /// all copies of this root.
    pub fn hold(&self, guarded: &str, lease: Arc<Lease>) {
        let mut leases = self.leases.write().unwrap_or_else(PoisonError::into_inner);
        leases.insert(guarded.to_owned(), lease);
    }

    /// The lease of [`Self::hold`] is given up.
    pub fn let_go(&self, guarded: &str) {
        self.leases.write().unwrap_or_else(PoisonError::into_inner).remove(guarded);
    }

    /// That the lease that guards `path` is ours still.
    async fn check_lease(&self, path: &str) -> Result<()> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let name = name.split('.').next().unwrap_or_default();
        let lease = {
            let leases = self.leases.read().unwrap_or_else(PoisonError::into_inner);
            let is_model = MODELS.iter().any(|models| path.starts_with(models));
            let of_run = || leases.values().next().filter(|_| path.starts_with("tables/"));
            leases.get(if is_model { TRAINING } else { name }).or_else(of_run).cloned()
        };
        match lease {
            Some(lease) => lease.check().await,
            None => Ok(()),
        }
    }

    /// Removes the object at `path`; nothing there is fine.
    ///
    /// # Errors
    /// [`Kind::Output`]; of a bucket also those of a lease that is lost.
    pub async fn delete(&self, path: &str) -> Result<()> {
        if let Some(local) = &self.local {
            return local.remove(path).map_err(|error| cannot_write(path, &error));
        }
        self.check_lease(path).await?;
        match self.store.delete(&Path::from(path)).await {
            Ok(()) | Err(datafusion::object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(cannot_write(&self.place_of(path), &error)),
        }
    }

    /// The bytes at `path`, `None` where there is nothing.
    ///
    /// # Errors
    /// [`Kind::Store`].
    pub async fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.store.get(&Path::from(path)).await {
            Ok(found) => {
                let bytes = found
                    .bytes()
                    .await
                    .map_err(|error| cannot_read(&self.place_of(path), &error))?;
                Ok(Some(bytes.to_vec()))
            }
            Err(datafusion::object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(cannot_read(&self.place_of(path), &error)),
        }
    }

    /// Size in bytes of the object at `path`, `None` where there is nothing.
    ///
    /// # Errors
    /// [`Kind::Store`].
    pub async fn size(&self, path: &str) -> Result<Option<u64>> {
        match self.store.head(&Path::from(path)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(datafusion::object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(cannot_read(&self.place_of(path), &error)),
        }
    }

    /// The paths below `prefix`, sorted.
    ///
    /// # Errors
    /// [`Kind::Store`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let mut paths: Vec<String> = self
            .store
            .list(Some(&Path::from(prefix)))
            .map_ok(|object| object.location.to_string())
            .try_collect()
            .await
            .map_err(|error| cannot_read(&self.place_of(prefix), &error))?;
        paths.sort();
        Ok(paths)
    }
}

/// The folders that `create_dir_all` would make for `root`, the innermost first.
fn missing_folders(root: &FsPath) -> Vec<PathBuf> {
    let is_missing = |folder: &&FsPath| !folder.as_os_str().is_empty() && !folder.exists();
    root.ancestors().take_while(is_missing).map(FsPath::to_path_buf).collect()
}

/// Removes folders as long as they are empty; another run may have put something there.
fn remove_empty(made: &[PathBuf]) {
    for folder in made {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

/// A folder that cannot be made, most often because a file has its name.
fn no_folder(folder: &str, error: &std::io::Error) -> Error {
    let in_the_way = FsPath::new(folder).ancestors().find(|path| path.exists());
    let found = match in_the_way.filter(|path| !path.is_dir()) {
        Some(file) => format!("{} is a file", file.display()),
        None => words(error),
    };
    Error::new(
        Kind::Output,
        Report::new("the output folder cannot be made")
            .at(folder)
            .expected("a folder that this user may write to, or a place to make one")
            .found(found)
            .hint("set `output.root` to such a folder; nothing was written"),
    )
}

/// What the system says, without its number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A finding without a place of its own is about the root.
fn at(mut error: Error, root: &str) -> Error {
    for report in &mut error.reports {
        report.place.get_or_insert_with(|| root.to_owned());
    }
    error
}

pub(super) fn cannot_write(path: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    if let Some(refusal) = failure_in(error) {
        return refusal.error(path, Kind::Output);
    }
    Error::new(
        Kind::Output,
        Report::new("the output cannot be written")
            .at(path)
            .expected("a place that this user may write to, with room left")
            .found(error.to_string())
            .hint("set `output.root` to a writable folder; nothing that was there has changed"),
    )
}

pub(super) fn cannot_read(path: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    if let Some(refusal) = failure_in(error) {
        return refusal.error(path, Kind::Data);
    }
    Error::new(
        Kind::Store,
        Report::new("the store could not be read")
            .at(path)
            .expected("an object that this user may read")
            .found(error.to_string())
            .hint("check the network and the permissions, then run the same command again"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_committed_object_replaces_the_old_one_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
        let staging = root.staging("r1").unwrap();
        root.put(&staging, "_state/a/b.json", b"old").await.unwrap();
        root.put(&staging, "_state/a/b.json", b"new").await.unwrap();
        assert_eq!(root.get("_state/a/b.json").await.unwrap().unwrap(), b"new");
        assert_eq!(root.list("_state").await.unwrap(), ["_state/a/b.json"]);
        assert_eq!(root.size("_state/a/b.json").await.unwrap(), Some(3));
        root.sweep(&staging);
        assert!(!folder.path().join("_staging").exists());
    }

    #[tokio::test]
    async fn what_is_missing_is_none_and_not_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
        assert_eq!(root.get("nothing").await.unwrap(), None);
        assert_eq!(root.size("nothing").await.unwrap(), None);
        assert!(root.list("tables").await.unwrap().is_empty());
    }

    #[test]
    fn a_root_that_is_a_file_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        for root in [path.to_owned(), format!("{path}/below")] {
            let error = OutputRoot::open(&root).unwrap_err();
            assert_eq!(error.kind, Kind::Output);
            assert_eq!(error.reports[0].found, Some(format!("{path} is a file")));
        }
    }

    #[tokio::test]
    async fn a_root_that_was_made_for_nothing_goes_and_one_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("a/b");
        let root = OutputRoot::open(name.to_str().unwrap()).unwrap();
        let staging = root.staging("r1").unwrap();
        root.sweep(&staging);
        assert!(folder.path().exists() && !folder.path().join("a").exists());

        let root = OutputRoot::open(name.to_str().unwrap()).unwrap();
        let staging = root.staging("r2").unwrap();
        root.put(&staging, "x.json", b"1").await.unwrap();
        root.sweep(&staging);
        assert!(name.join("x.json").exists() && !name.join("_staging").exists());

        let root = OutputRoot::open(name.to_str().unwrap()).unwrap();
        fs::remove_file(name.join("x.json")).unwrap();
        let staging = root.staging("r3").unwrap();
        root.sweep(&staging);
        assert!(name.exists(), "a folder that was there before stays, even if it is empty");
    }
}
