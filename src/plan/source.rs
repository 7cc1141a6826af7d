//! What is read, with which query, and how it is cut.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use oddlot_engine::{Report, s3::S3Settings};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::bucket;
use super::location::{is_url, resolve, resolve_local};
use crate::settings::{
    Mistakes,
    clock::TimeOfDay,
    nearest,
    source::{ArchiveWindows, Columns, Source, Windows},
    value::{OrOff, Placed},
};

/// Window queries that come with the binary, `sql/windows/<name>.sql`.
pub const BUILTIN_WINDOWS: [&str; 1] = ["rolling"];

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourcePlan {
    /// An absolute path (file, folder or glob) or a URL.
    #[serde(skip)]
    pub path: String,
    /// How its bucket is reached, where it is in one.
    #[serde(skip)]
    pub s3: S3Settings,
    /// One name for all rows; then there is no ticker column. Exactly one of the two is there.
    pub ticker: Option<String>,
    /// Which column plays which part.
    pub columns: ColumnsPlan,
    /// Whether the files are already in the order of ticker and time.
    #[serde(skip)]
    pub sorted: bool,
    /// When a session is closed: decides which one `--as-of` means, and nothing that is written.
    #[serde(skip)]
    pub session_close: TimeOfDay,
    /// The first day that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
}

/// Which column of the source plays which part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnsPlan {
    /// The ticker; `None` where `SourcePlan::ticker` names it.
    pub ticker: Option<String>,
    /// The time; `None` numbers the rows.
    pub ts: Option<String>,
    /// What is watched.
    pub value: String,
    /// `(name in the feature SQL, column)`, in the order of the file.
    pub further: Vec<(String, String)>,
}

/// A query: one of ours, or a file of the user's, read as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlPlan {
    /// One of [`oddlot_engine::sql_file::SqlFile::builtin_feature_names`] or [`BUILTIN_WINDOWS`].
    Builtin(&'static str),
    /// A file.
    File {
        /// Absolute.
        path: PathBuf,
        /// Its text.
        text: String,
    },
}

/// How histories are cut into windows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowsPlan {
    /// Rows of a window, at least 2; 1 of an archive, whose detectors take windows of their own.
    pub length: usize,
    /// The query that cuts them.
    pub sql: SqlPlan,
    /// A longer pause than this many calendar days cuts; `None` never.
    pub max_gap_days: Option<u32>,
    /// A larger absolute log return than this cuts and is flagged; `None` never.
    pub break_log_return: Option<f64>,
}

impl SourcePlan {
    pub(super) fn lower(source: &Source, folder: &Path, mistakes: &Mistakes<'_>) -> Self {
        let columns = &source.columns;
        let [from, to] = [&source.from, &source.to].map(|day| day.as_ref().map(|day| day.value));
        if let (Some(first), Some(last), Some(written)) = (from, to, &source.to)
            && last < first
        {
            let report = Report::new("[source] ends before it begins")
                .expected(format!("`to` on {first} (`from`) or later"))
                .found(shown(written))
                .hint("both days are included");
            mistakes.add(written.at, report);
        }
        let is_bounded = [&source.from, &source.to].into_iter().flatten().next();
        if let (Some(bound), false) = (is_bounded, columns.has_ts) {
            let report = Report::new("rows numbered without dates cannot be bounded by dates")
                .expected("a time column, `source.columns.ts`")
                .found(shown(bound))
                .hint("delete it, or name the time column");
            mistakes.add(bound.at, report);
        }
        let named = |column: &Option<Placed<String>>| column.as_ref().map(|c| c.value.clone());
        let mut further: Vec<_> = columns
            .further
            .iter()
            .map(|(name, column)| (name.clone(), column.value.clone()))
            .collect();
        further.sort();
        Self {
            path: resolve(&source.path.value, folder),
            s3: bucket::settings(source.s3.as_ref()),
            ticker: named(&source.ticker),
            columns: ColumnsPlan {
                ticker: named(&columns.ticker),
                ts: named(&columns.ts),
                value: columns.value.value.clone(),
                further,
            },
            sorted: source.sorted,
            session_close: source.session_close,
            from,
            to,
        }
    }
}

impl WindowsPlan {
    pub(super) fn lower(
        windows: &Windows,
        columns: Option<&Columns>,
        folder: &Path,
        mistakes: &Mistakes<'_>,
    ) -> Option<Self> {
        let sql = match &windows.sql {
            Some(sql) => SqlPlan::lower(sql, "window", &BUILTIN_WINDOWS, folder, mistakes),
            None => Some(SqlPlan::Builtin(BUILTIN_WINDOWS[0])),
        };
        let gap = &windows.max_gap_days;
        let is_numbered = columns.is_some_and(|columns| !columns.has_ts);
        if is_numbered && gap.written.is_some() && gap.value != OrOff::Off {
            let report = Report::new("`windows.max_gap_days` has no use here")
                .expected("a time column, `source.columns.ts`")
                .found(format!("{} and rows numbered without dates", shown(gap)))
                .hint("delete `max_gap_days`, or name the time column");
            mistakes.warn(gap.at, report);
        }
        let max_gap_days = if is_numbered { None } else { gap.value.on() };
        Some(Self {
            length: windows.length.value.get(),
            sql: sql?,
            max_gap_days: max_gap_days.map(|days| days.get() as u32),
            break_log_return: windows.break_log_return.value.on().map(|size| size.get()),
        })
    }
}

impl WindowsPlan {
    /// Nothing cuts the series of an archive.
    pub(super) fn of_archive(windows: &ArchiveWindows) -> Self {
        Self {
            length: 1,
            sql: SqlPlan::Builtin(BUILTIN_WINDOWS[0]),
            max_gap_days: None,
            break_log_return: windows.break_log_return.map(|size| size.get()),
        }
    }
}

impl SqlPlan {
    /// `builtin:NAME`, or the text of a file. No variable is ever expanded inside the file.
    pub(super) fn lower(
        sql: &Placed<String>,
        what: &str,
        builtins: &[&'static str],
        folder: &Path,
        mistakes: &Mistakes<'_>,
    ) -> Option<Self> {
        let known: Vec<_> = builtins.iter().map(|name| format!("builtin:{name}")).collect();
        let expected = format!("{}, or the path of an .sql file", known.join(", "));
        let meant = |written: &str| {
            let meant = nearest(written, builtins.iter().copied());
            meant.map(|meant| format!("did you mean `builtin:{meant}`?"))
        };
        if let Some(name) = sql.value.strip_prefix("builtin:") {
            if let Some(builtin) = builtins.iter().find(|builtin| **builtin == name) {
                return Some(Self::Builtin(builtin));
            }
            let report = Report::new(format!("unknown {what} query `builtin:{name}`"));
            let hint = meant(name)
                .unwrap_or_else(|| "take one of these, or a file of your own".to_owned());
            let report = report.hint(hint);
            mistakes.add(sql.at, report.expected(expected).found(shown(sql)));
            return None;
        }
        if is_url(&sql.value) {
            let report = Report::new(format!("the {what} query is not a local file"));
            let report = report.expected(expected).found(shown(sql));
            mistakes.add(sql.at, report.hint("keep the query beside the pipeline file"));
            return None;
        }
        let path = resolve_local(&sql.value, folder);
        let found = match std::fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => "an empty file".into(),
            Ok(text) => return Some(Self::File { path, text }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "no such file".into(),
            Err(error) => error.kind().to_string(),
        };
        let report = Report::new(format!("cannot read the {what} query"))
            .expected(expected)
            .found(format!("{}: {found}", shown(sql)));
        let hint = meant(&sql.value)
            .unwrap_or_else(|| "paths are relative to the pipeline file".to_owned());
        mistakes.add(sql.at, report.hint(hint));
        None
    }
}

/// A query counts by its text, not by where it lies.
impl Serialize for SqlPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Builtin(name) => format!("builtin:{name}").serialize(serializer),
            Self::File { text, .. } => {
                format!("sha256:{}", hex(&Sha256::digest(text.as_bytes()))).serialize(serializer)
            }
        }
    }
}

/// Lowercase hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of [`hex`]; `None` where they are not two digits each.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let is_whole = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    is_whole.then(|| (0..digits.len()).step_by(2).map(byte).collect())?
}

/// `key = value` as it was written.
pub(super) fn shown<T>(placed: &Placed<T>) -> String {
    placed.written.clone().unwrap_or_else(|| "the default".into())
}
