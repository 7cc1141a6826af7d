//! Paths as a person at the prompt would write them: relative to the working directory.
//!
//! Inside, every path is absolute; only what is told to a person is shortened.

use std::path::Path;

use oddlot_engine::Error;

/// A finding names no folder above this many parts as `../`: `/home` says more than `..`.
const PARENT_PARTS_MIN: usize = 2;

/// The error with every path below `folder`, or beside it, relative to it.
pub fn error(mut error: Error, folder: &Path) -> Error {
    for report in &mut error.reports {
        report.title = text(&report.title, folder);
        for part in [&mut report.place, &mut report.expected, &mut report.found, &mut report.hint]
            .into_iter()
            .flatten()
        {
            *part = text(part, folder);
        }
    }
    error
}

/// A text with every such path shortened.
pub fn text(text: &str, folder: &Path) -> String {
    let beside = folder.parent().filter(|parent| parent.components().count() > PARENT_PARTS_MIN);
    let shortened = replaced(text, folder, "");
    match beside {
        Some(parent) => replaced(&shortened, parent, "../"),
        None => shortened,
    }
}

/// A text with every path below the working directory, or beside it, relative to it.
pub fn here(told: &str) -> String {
    std::env::current_dir().map_or_else(|_| told.to_owned(), |folder| text(told, &folder))
}

/// `folder/` replaced wherever a path may begin.
fn replaced(text: &str, folder: &Path, with: &str) -> String {
    let Some(prefix) = folder.to_str().filter(|folder| folder.len() > 1) else {
        return text.to_owned();
    };
    let prefix = format!("{prefix}/");
    let mut shortened = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(&prefix) {
        let (before, found) = rest.split_at(start);
        let begins = before.chars().next_back().or(shortened.chars().next_back());
        shortened.push_str(before);
        match begins.is_none_or(|c| c.is_whitespace() || "`\"'(:".contains(c)) {
            true => shortened.push_str(with),
            false => shortened.push_str(&prefix),
        }
        rest = &found[prefix.len()..];
    }
    shortened + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &str, found: &str) -> String {
        text(found, Path::new(folder))
    }

    #[test]
    fn a_path_below_or_beside_the_folder_is_relative() {
        assert_eq!(at("/a/b/job", "/a/b/job/data/x.parquet, ticker A"), "data/x.parquet, ticker A");
        assert_eq!(at("/a/b/job", "one of `/a/b/data/x`"), "one of `../data/x`");
        assert_eq!(at("/a/b/job", "/a/b/job/x and /a/b/job/y"), "x and y");
    }

    #[test]
    fn other_paths_and_urls_stay() {
        assert_eq!(at("/a/b/job", "/a/b2/x"), "/a/b2/x");
        assert_eq!(at("/a/b/job", "s3://a/b/job/x"), "s3://a/b/job/x");
        assert_eq!(at("/a/b/job", "/z/a/b/job/x"), "/z/a/b/job/x");
        assert_eq!(at("/", "/x"), "/x");
        // Beside a folder that is almost at the top, the full path says more.
        assert_eq!(at("/home/me", "/home/you/x"), "/home/you/x");
    }
}
