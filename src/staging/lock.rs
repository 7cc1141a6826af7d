//! A lock that lives as long as the process that holds it, in a file that goes with it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Tries before a lock counts as unknown: each is lost to another process that removes the file.
const TRIES: usize = 100;

/// So often a lock that is another's is asked for: who looks for what killed runs have left holds it for a moment.
const LOOKS: usize = 3;

/// Longer than a look takes.
const LOOK: Duration = Duration::from_millis(10);

/// How a lock was asked for and answered.
pub(super) enum Taken {
    /// It is ours while the file is open.
    Held(File),
    /// It is another's: what that one wrote into it.
    Busy(String),
    /// The disk knows no locks, or the file cannot be written.
    Unknown,
}

/// Takes the lock at `path`, and writes into it whose it is.
pub(super) fn take(path: &Path, owner: &str) -> Taken {
    attempt(path, owner, |file| match file.try_lock() {
        Ok(()) => Some(true),
        Err(TryLockError::WouldBlock) => Some(false),
        Err(TryLockError::Error(_)) => None,
    })
}

/// As [`take`], of a lock that nobody else wants: another may hold it for a moment while it looks.
pub(super) fn wait(path: &Path, owner: &str) -> Taken {
    attempt(path, owner, |file| file.lock().ok().map(|()| true))
}

fn attempt(path: &Path, owner: &str, lock: impl Fn(&File) -> Option<bool>) -> Taken {
    let mut looks = 1;
    for _ in 0..TRIES {
        if let Some(home) = path.parent() {
            // The last run to leave removes it.
            drop(fs::create_dir_all(home));
        }
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return unknown(&error),
        };
        match lock(&file) {
            None => return unknown(&"this disk knows no locks"),
            Some(false) if looks < LOOKS => {
                looks += 1;
                std::thread::sleep(LOOK);
            }
            Some(false) => return Taken::Busy(fs::read_to_string(path).unwrap_or_default()),
            // Its owner may have removed the file between our opening and our locking it.
            Some(true) if !is_at(&file, path) => {}
            Some(true) => {
                // Whose it is only serves a message.
                drop(file.set_len(0).and_then(|()| file.write_all(owner.as_bytes())));
                return Taken::Held(file);
            }
        }
    }
    unknown(&"others remove it time and again")
}

fn unknown(why: &dyn std::fmt::Display) -> Taken {
    tracing::debug!(%why, "staging is not locked");
    Taken::Unknown
}

/// Whether `file` is what `path` names now.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
pub(super) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
