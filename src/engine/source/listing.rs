//! Which files a source's path means.

use std::sync::Arc;

use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::Source;
use super::wildcard::{is_wild, matches};
use crate::error::{Error, Kind, Report, Result};
use crate::s3;

/// A file as the store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is, within its store.
    pub location: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written, in microseconds since 1970-01-01 UTC.
    pub modified_us: i64,
    /// The store's tag of its content, if it has one.
    pub e_tag: Option<String>,
    /// Its rows.
    pub n_rows: usize,
    /// Its name in messages.
    pub name: String,
    /// All its tickers lie between these two; unknown where its footer does not say.
    pub tickers: Option<(String, String)>,
}

impl SourceFile {
    /// Whether rows of `ticker` may be in it.
    pub(super) fn may_hold(&self, ticker: &str) -> bool {
        let within =
            |(first, last): &(String, String)| first.as_str() <= ticker && ticker <= last.as_str();
        self.tickers.as_ref().is_none_or(within)
    }
}

/// The files of a source and the store that holds them.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) url: ObjectStoreUrl,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) files: Vec<Listed>,
    /// Keys of `key=value` directories that all files share.
    pub(super) partition_keys: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) meta: ObjectMeta,
    /// `key=value` directories between the source's path and the file.
    partitions: Vec<(String, String)>,
}

impl Listed {
    /// The value of the directory `key=…`.
    pub(super) fn partition(&self, key: &str) -> Option<&str> {
        self.partitions.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Its name in messages.
    pub(super) fn name(&self, url: &ObjectStoreUrl) -> String {
        name(url, &self.meta.location)
    }
}

/// What messages call an object.
pub(super) fn name(url: &ObjectStoreUrl, location: &Path) -> String {
    let root = url.as_str().strip_prefix("file://").unwrap_or(url.as_str());
    format!("{root}{location}")
}

/// Lists the files of `source`, in the order of their paths; there is at least one.
pub(super) async fn list(context: &SessionContext, source: &Source) -> Result<Listing> {
    let (url, path) = store_of(context, source)?;
    let store = context.runtime_env().object_store(&url);
    let store = store.map_err(|error| unreachable(source, &error.to_string()))?;
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let n_plain = names.iter().position(|name| is_wild(name)).unwrap_or(names.len());
    let (plain, pattern) = names.split_at(n_plain);
    let prefix = match source.path.starts_with("s3://") {
        // The names of objects are not encoded.
        true => s3::prefix(&plain.join("/")).map_err(|error| in_source(source, error))?,
        false => Path::from_iter(plain.iter().copied()),
    };

    let mut metas = Vec::new();
    if pattern.is_empty()
        && let Some(file) = single_file(&store, &prefix, source).await?
    {
        metas.push(file);
    } else {
        let listed = store.list(Some(&prefix)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| refused(source, &error))?;
        metas.extend(listed.into_iter().filter(|meta| is_wanted(&prefix, pattern, meta)));
    }
    metas.sort_by(|a, b| a.location.cmp(&b.location));
    if metas.is_empty() {
        return Err(Error::data(nothing_there(source, !pattern.is_empty())));
    }
    let files: Vec<Listed> = metas
        .into_iter()
        .map(|meta| Listed { partitions: partitions(&prefix, &meta.location), meta })
        .collect();
    let shared = files.first().map(|file| file.partitions.clone()).unwrap_or_default();
    let partition_keys = shared
        .into_iter()
        .map(|(key, _)| key)
        .filter(|key| files.iter().all(|file| file.partition(key).is_some()))
        .collect();
    Ok(Listing { url, store, files, partition_keys })
}

/// The store, registered in the session, and the path within it.
fn store_of(context: &SessionContext, source: &Source) -> Result<(ObjectStoreUrl, String)> {
    let path = source.path.as_str();
    let invalid = |why: &str| {
        let report = Report::new("the source's path is not understood")
            .at(path)
            .expected(why)
            .found(path)
            .hint("name a file, folder or glob beside the pipeline file, or s3://bucket/prefix/");
        Error::config(source.places.point(report, "source.path"))
    };
    let Some(rest) = path.strip_prefix("s3://") else {
        if path.contains("://") {
            return Err(invalid("a local path, or s3://bucket/path"));
        }
        if !path.starts_with('/') {
            return Err(invalid("an absolute path"));
        }
        return Ok((ObjectStoreUrl::local_filesystem(), path.to_owned()));
    };
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let url =
        ObjectStoreUrl::parse(format!("s3://{bucket}")).map_err(|_| invalid("s3://bucket/path"))?;
    if context.runtime_env().object_store(&url).is_err() {
        let store = s3::open(bucket, &source.s3).map_err(|error| in_source(source, error))?;
        context.register_object_store(url.as_ref(), store);
    }
    Ok((url, key.to_owned()))
}

async fn single_file(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    source: &Source,
) -> Result<Option<ObjectMeta>> {
    match store.head(path).await {
        Ok(meta) => Ok(Some(meta)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        // A local directory is no object, and each system says so in its own way.
        Err(_) if !source.path.contains("://") => Ok(None),
        Err(error) => Err(refused(source, &error)),
    }
}

/// In a directory: `*.parquet`, also below `key=value`; with a pattern: what matches. Names that
/// start with `_` or `.` are other programs' notes.
fn is_wanted(prefix: &Path, pattern: &[&str], meta: &ObjectMeta) -> bool {
    let Some(parts) = meta.location.prefix_match(prefix) else { return false };
    let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
    let names: Vec<&str> = parts.iter().map(String::as_str).collect();
    // An empty object in the folder's own name is how consoles of object stores make folders.
    if names.is_empty() {
        return false;
    }
    if names.iter().any(|name| name.starts_with(['_', '.'])) {
        return false;
    }
    match names.split_last() {
        Some((file, directories)) if pattern.is_empty() => {
            file.ends_with(".parquet") && directories.iter().all(|name| name.contains('='))
        }
        _ => matches(pattern, &names),
    }
}

/// `key=value` directories below `prefix`, percent signs decoded.
fn partitions(prefix: &Path, location: &Path) -> Vec<(String, String)> {
    let parts = location.prefix_match(prefix).into_iter().flatten();
    let parts = parts.map(|part| part.as_ref().to_owned());
    parts
        .filter_map(|part| {
            let (key, value) = part.split_once('=')?;
            Some((key.to_owned(), decode(value)))
        })
        .collect()
}

/// `%2F` and its like; twice, since stores escape the percent sign of what Hive has escaped.
fn decode(text: &str) -> String {
    let once = |text: &str| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            let escaped = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
            let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
            match escaped.filter(|_| byte == b'%') {
                Some(decoded) => {
                    bytes.push(decoded);
                    rest = &tail[2..];
                }
                None => {
                    bytes.push(byte);
                    rest = tail;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    once(&once(text))
}

/// Points to the path in the pipeline file, and says what it means from here.
fn nothing_there(source: &Source, is_glob: bool) -> Report {
    let path = source.path.as_str();
    let (expected, hint) = match is_glob {
        true => (
            format!("a glob that matches at least one file: {path}"),
            "correct the glob, or put files there",
        ),
        false => (
            format!("a Parquet file, or a folder with *.parquet files: {path}"),
            "correct the path, or put files there",
        ),
    };
    let report = Report::new("the source has no file")
        .at(path)
        .expected(expected)
        .found("no such file")
        .hint(format!("{hint}; `oddlot import FILE… -o DIR` turns CSV into Parquet"));
    source.places.point(report, "source.path")
}

/// A finding without a place of its own is about the line that names the path.
fn in_source(source: &Source, mut error: Error) -> Error {
    for report in &mut error.reports {
        let place = || source.places.place("source.path", &source.path).to_owned();
        report.place.get_or_insert_with(place);
    }
    error
}

/// A bucket that is not there is a slip in the pipeline file.
fn refused(source: &Source, error: &object_store::Error) -> Error {
    match s3::failure_in(error) {
        Some(refusal) => {
            refusal.error(source.places.place("source.path", &source.path), Kind::Config)
        }
        None => unreachable(source, &error.to_string()),
    }
}

fn unreachable(source: &Source, why: &str) -> Error {
    let report = Report::new("the source cannot be reached")
        .at(source.path.as_str())
        .expected("a store that answers and lets this user read")
        .found(why)
        .hint("check the network and the permissions, then run the same command again");
    Error::new(Kind::Store, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_folder_and_notes_of_other_programs_are_no_files() {
        let is_wanted = |pattern: &[&str], location: &str| {
            let meta = ObjectMeta {
                location: Path::from(location),
                last_modified: chrono::DateTime::UNIX_EPOCH,
                size: 0,
                e_tag: None,
                version: None,
            };
            is_wanted(&Path::from("eod"), pattern, &meta)
        };
        assert!(is_wanted(&[], "eod/a.parquet") && is_wanted(&[], "eod/year=2020/a.parquet"));
        assert!(!is_wanted(&[], "eod") && !is_wanted(&["**"], "eod"));
        assert!(!is_wanted(&[], "eod/_SUCCESS") && !is_wanted(&["*"], "eod/.a.parquet"));
    }
}
