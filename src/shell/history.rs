//! Where the prompt's history is kept between sessions: `oddlot/sql_history` in the user's state folder.

use std::fs;
use std::path::{Path, PathBuf};

/// The file, in `$XDG_STATE_HOME`, else in `~/.local/state`; `None` where there is neither.
///
/// A relative `$XDG_STATE_HOME` does not count (XDG Base Directory Specification 0.8).
pub(super) fn file(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let folder = PathBuf::from(variable(name)?);
        folder.is_absolute().then_some(folder)
    };
    let state =
        absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("oddlot").join("sql_history"))
}

/// Makes its folder, which only this user may look into; whether it is there now.
pub(super) fn make_folder(file: &Path) -> bool {
    let Some(folder) = file.parent() else { return false };
    if folder.is_dir() {
        return true;
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_the_users_and_a_relative_one_does_not_count() {
        let file_of = |state: Option<&str>, home: Option<&str>| {
            let variable = |name: &str| match name {
                "XDG_STATE_HOME" => state.map(str::to_owned),
                _ => home.map(str::to_owned),
            };
            file(&variable).map(|file| file.display().to_string())
        };
        assert_eq!(file_of(Some("/s"), Some("/h")).unwrap(), "/s/oddlot/sql_history");
        let fallback = "/h/.local/state/oddlot/sql_history";
        for state in [None, Some(""), Some("state")] {
            assert_eq!(file_of(state, Some("/h")).unwrap(), fallback, "{state:?}");
        }
        assert_eq!(file_of(None, None), None);
    }
}
