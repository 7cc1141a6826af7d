//! A folder on this machine: whether it can be read or written, room, locks, and where staging lies.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Check, SCARCE, size};
use crate::tables::Table;
use crate::{Error, Kind, Report};

/// Tries to read what `path` names, up to its first wildcard.
pub fn read_folder(of: &'static str, path: &str) -> Check {
    let plain = Path::new(path).iter().take_while(|name| !is_wild(&name.to_string_lossy()));
    let plain: PathBuf = plain.collect();
    let read = match plain.is_dir() {
        true => fs::read_dir(&plain).map(|entries| format!("{} entries", entries.count())),
        false => File::open(&plain)
            .and_then(|file| Ok(format!("{} of Parquet", size(file.metadata()?.len())))),
    };
    match read {
        Ok(found) => Check::fine(of, "read", format!("{}: {found}", plain.display())),
        Err(error) => {
            let report = Report::new("the source cannot be read")
                .at(path)
                .expected("files that this user may read")
                .found(format!("{}: {error}", plain.display()))
                .hint("correct `source.path`, or the permissions");
            Check::broken(of, "read", Error::data(report))
        }
    }
}

fn is_wild(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Tries what writing to a local output needs. Nothing is made that is not removed again, and a folder that is
/// not there yet is tried where it would be made. `name` is nobody else's.
pub fn write_folder(of: &'static str, root: &str, name: &str) -> Vec<Check> {
    let root = Path::new(root);
    let Some(home) = root.ancestors().find(|folder| folder.exists()) else {
        return vec![Check::broken(of, "write", unwritable(root, "no folder of this path"))];
    };
    let mut checks = vec![match write(home, name) {
        Ok(locks) if locks => Check::fine(of, "write", format!("{} (locks work)", home.display())),
        Ok(_) => Check::odd(of, "write", no_locks(home)),
        Err(error) => {
            return vec![Check::broken(of, "write", unwritable(home, &error.to_string()))];
        }
    }];
    checks.push(staging(of, root));
    checks.extend(room(of, home));
    checks
}

/// Writes, syncs, renames and removes a file; whether files can be locked there.
fn write(folder: &Path, name: &str) -> io::Result<bool> {
    let [first, second] = ["a", "b"].map(|end| folder.join(format!(".oddlot-doctor-{name}-{end}")));
    let tried = File::create(&first).and_then(|mut file| {
        file.write_all(b"oddlot doctor")?;
        file.sync_all()?;
        let locks = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        };
        fs::rename(&first, &second)?;
        Ok(locks)
    });
    for file in [first, second] {
        // One of the two is there.
        drop(fs::remove_file(file));
    }
    tried
}

/// A finished cell is renamed from `_staging` to its table: within one filesystem only.
fn staging(of: &'static str, root: &Path) -> Check {
    let device = |path: PathBuf| {
        let there = path.ancestors().find(|path| path.exists()).map(Path::to_path_buf)?;
        device(&there).map(|device| (device, path))
    };
    let own = device(root.join("_staging"));
    let others = [root.join("models"), root.join("_state"), root.join("tables")].into_iter();
    let tables = Table::ALL.into_iter().map(|table| root.join("tables").join(table.name()));
    let Some((own, _)) = own else {
        return Check::fine(of, "staging", "not known on this system");
    };
    let other = others.chain(tables).filter_map(device).find(|(device, _)| *device != own);
    match other {
        None => Check::fine(of, "staging", "on the filesystem of the tables"),
        Some((_, path)) => {
            let report = Report::new("staging and tables are on two filesystems")
                .at(root.display().to_string())
                .expected("one filesystem, so that a cell is put in place by a rename")
                .found(format!("{} is on another than _staging", path.display()))
                .hint("mount the whole output there, not a folder within it");
            Check::broken(of, "staging", Error::new(Kind::Output, report))
        }
    }
}

#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| metadata.dev())
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

/// Room on the disk of `folder`, where the system tells.
pub(super) fn room(of: &'static str, folder: &Path) -> Option<Check> {
    let free = free_bytes(folder)?;
    if free >= SCARCE {
        return Some(Check::fine(
            of,
            "disk",
            format!("{} free at {}", size(free), folder.display()),
        ));
    }
    let report = Report::new("there is little room left")
        .at(folder.display().to_string())
        .expected(format!(
            "{} or more: new cells stand beside the old ones for a while",
            size(SCARCE)
        ))
        .found(size(free))
        .hint("free some space, or set `output.root` (for a bucket TMPDIR) elsewhere");
    Some(Check::odd(of, "disk", report))
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

fn no_locks(folder: &Path) -> Report {
    Report::new("files cannot be locked here")
        .at(folder.display().to_string())
        .expected("a filesystem with locks, by which a second run knows of the first")
        .found("a lock that nobody could take")
        .hint("let one run write to this output at a time")
}

fn unwritable(folder: &Path, found: &str) -> Error {
    let report = Report::new("the output cannot be written")
        .at(folder.display().to_string())
        .expected("a folder that this user may write to, with room left")
        .found(found)
        .hint("set `output.root` to such a folder");
    Error::new(Kind::Output, report)
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    fn told(checks: &[Check]) -> Vec<(&'static str, bool)> {
        checks.iter().map(|check| (check.what, check.is_broken())).collect()
    }

    #[test]
    fn an_output_that_is_not_there_yet_is_tried_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/out");
        let checks = write_folder("output", root.to_str().unwrap(), "r1");
        assert_eq!(told(&checks), [("write", false), ("staging", false), ("disk", false)]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let Standing::Fine(found) = &checks[0].standing else { panic!("{checks:?}") };
        assert!(found.contains("locks work"), "{found}");
    }

    #[test]
    fn a_file_in_the_place_of_the_output_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        fs::write(&file, "").unwrap();
        let checks = write_folder("output", file.to_str().unwrap(), "r1");
        assert_eq!(told(&checks), [("write", true)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_table_on_another_filesystem_is_told() {
        // Where there is no second filesystem, there is nothing to find.
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), Path::new("/proc"));
        if !elsewhere.exists() || device(elsewhere) == device(folder.path()) {
            return;
        }
        fs::create_dir(folder.path().join("tables")).unwrap();
        std::os::unix::fs::symlink(elsewhere, folder.path().join("tables/errors")).unwrap();
        let check = staging("output", folder.path());
        assert!(check.is_broken(), "{check:?}");
    }

    #[test]
    fn a_source_is_read_up_to_its_first_wildcard() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.parquet"), "x").unwrap();
        let at = |end: &str| read_folder("source", folder.path().join(end).to_str().unwrap());
        assert!(!at("*.parquet").is_broken() && !at("a.parquet").is_broken());
        assert!(at("b.parquet").is_broken() && at("none/*.parquet").is_broken());
    }
}
