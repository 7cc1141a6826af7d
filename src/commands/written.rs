//! Files that a person asked for.

use std::path::Path;

use oddlot_engine::{Error, Kind, Report};

/// What to do where the file was named with `--output`.
pub const ANOTHER_OUTPUT: &str = "name another file with `--output`";

/// Writes `what`: the file is there whole or not at all; `hint` is what to do where it cannot be written.
///
/// # Errors
/// It cannot be written.
pub fn whole(file: &Path, bytes: &[u8], what: &str, hint: &str) -> Result<(), Error> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".part");
    let done = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    done.map_err(|error| {
        drop(std::fs::remove_file(&beside));
        Error::new(
            Kind::Output,
            Report::new(format!("{what} cannot be written"))
                .at(file.display().to_string())
                .expected("a place that this user may write to, with room left")
                .found(error.to_string())
                .hint(hint),
        )
    })
}
