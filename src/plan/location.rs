//! Paths: relative ones count from the pipeline file, because cron has no useful working directory.

use std::path::{Component, Path, PathBuf};

/// How many neighbouring files a message names.
const NEIGHBOURS_MAX: usize = 5;

/// An absolute path without `.` and `..`, or a URL as it stands.
///
/// The folder's own links are followed first; below it, `..` is taken by name, since a glob names
/// nothing that could be asked.
pub fn resolve(path: &str, folder: &Path) -> String {
    if is_url(path) { path.to_owned() } else { resolve_local(path, folder).display().to_string() }
}

/// An absolute path without `.` and `..`.
pub fn resolve_local(path: &str, folder: &Path) -> PathBuf {
    let folder = std::fs::canonicalize(folder)
        .or_else(|_| std::path::absolute(folder))
        .unwrap_or_else(|_| folder.to_owned());
    let mut resolved = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            other => resolved.push(other),
        }
    }
    resolved
}

/// `s3://…`, `file://…`
pub fn is_url(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    })
}

/// The pipeline files in the folder of `path`, or in `pipelines/`, by name.
pub fn pipelines_beside(path: &Path) -> Vec<String> {
    let beside = path.parent().unwrap_or(Path::new(""));
    [beside, Path::new("pipelines")]
        .into_iter()
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        .map(toml_files)
        .find(|names| !names.is_empty())
        .unwrap_or_default()
}

fn toml_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_package_file =
        |path: &Path| path.file_name().is_some_and(|name| PACKAGE_FILES.iter().any(|p| name == *p));
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !is_package_file(path))
        .map(|path| path.strip_prefix(".").unwrap_or(&path).display().to_string())
        .collect();
    names.sort();
    names.truncate(NEIGHBOURS_MAX);
    names
}

/// TOML files that lie beside pipelines and are none.
const PACKAGE_FILES: [&str; 5] =
    ["Cargo.toml", "clippy.toml", "rustfmt.toml", "deny.toml", "pyproject.toml"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_count_from_the_folder_and_lose_their_dots() {
        let folder = Path::new("/nowhere/pipelines");
        assert_eq!(resolve("../data/*.parquet", folder), "/nowhere/data/*.parquet");
        assert_eq!(resolve("./a/./b", folder), "/nowhere/pipelines/a/b");
        assert_eq!(resolve("/data/x", folder), "/data/x");
        assert_eq!(resolve("../../../..", folder), "/");
    }

    #[test]
    fn a_url_stays_as_it_is() {
        assert_eq!(resolve("s3://b/../x/", Path::new("/p")), "s3://b/../x/");
        assert!(!is_url("://x") && !is_url("a/b://c"));
    }
}
