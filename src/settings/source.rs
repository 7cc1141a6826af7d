//! `[source]`, `[features]` and `[windows]`: what is read, and how it is cut.

use chrono::NaiveDate;
use oddlot_engine::Report;

use super::{
    clock::TimeOfDay,
    fields::Fields,
    range::{GapDays, Positive, PublishedLength, WindowLength},
    s3::S3,
    suggest::nearest,
    value::{OrOff, Placed},
};

/// `[source]`
#[derive(Clone, Debug)]
pub struct Source {
    /// A file, folder, glob or URL; relative to the pipeline file.
    pub path: Placed<String>,
    /// One name for all rows, where no column gives it.
    pub ticker: Option<Placed<String>>,
    /// Which column plays which part.
    pub columns: Columns,
    /// Whether the files are already in the order of ticker and time.
    pub sorted: bool,
    /// The first day that is read.
    pub from: Option<Placed<NaiveDate>>,
    /// The last day that is read.
    pub to: Option<Placed<NaiveDate>>,
    /// When a session is closed, UTC.
    pub session_close: TimeOfDay,
    /// `[source.s3]`: how the bucket of `path` is reached.
    pub s3: Option<S3>,
}

/// `columns = { ticker = "ticker", ts = "date", value = "close" }`
#[derive(Clone, Debug)]
pub struct Columns {
    /// The column with the ticker.
    pub ticker: Option<Placed<String>>,
    /// The column with the time; without one, rows are numbered.
    pub ts: Option<Placed<String>>,
    /// Whether a column with the time is named, readably or not.
    pub has_ts: bool,
    /// The column that is watched.
    pub value: Placed<String>,
    /// Further columns: the name that the feature SQL knows, and the column.
    pub further: Vec<(String, Placed<String>)>,
}

/// `[features]`
#[derive(Clone, Debug)]
pub struct Features {
    /// `builtin:NAME` or the path of an SQL file.
    pub sql: Placed<String>,
}

/// `[windows]`
#[derive(Clone, Debug)]
pub struct Windows {
    /// Rows of a window.
    pub length: Placed<PublishedLength>,
    /// `builtin:NAME` or the path of an SQL file.
    pub sql: Option<Placed<String>>,
    /// A longer pause than this many calendar days cuts the history.
    pub max_gap_days: Placed<OrOff<GapDays>>,
    /// A larger jump of the log price than this cuts the history and is flagged.
    pub break_log_return: Placed<OrOff<Positive>>,
}

/// `[windows]` under `profile = "archive"`, whose detectors take windows of their own: jumps only, and only
/// if asked for.
#[derive(Clone, Debug, Default)]
pub struct ArchiveWindows {
    /// A larger jump of the log price than this is flagged.
    pub break_log_return: Option<Positive>,
}

/// The market was shut for seven days after 2001-09-10 and never longer since 1950.
pub const MAX_GAP_DAYS: GapDays = GapDays::literal(10);
/// A halving or a rise by two thirds in a day: a split or a slip of the pen, seldom a price.
const BREAK_LOG_RETURN: Positive = Positive::literal(0.5);

impl Source {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Option<Self> {
        let path = fields.required("path", "path = \"../data/prices/*.parquet\"");
        let has_ticker = fields.has("ticker");
        let ticker = fields.optional("ticker", "ticker = \"SPX\"");
        let columns = fields
            .table(
                "columns",
                "`columns = { ticker = \"ticker\", ts = \"date\", value = \"close\" }`",
            )
            .and_then(|columns| Columns::read(columns, has_ticker));
        let sorted = fields.or("sorted", false).value;
        let from = fields.optional("from", "from = \"1986-01-02\"");
        let to = fields.optional("to", "to = \"2018-06-29\"");
        let session_close = fields.or("session_close", TimeOfDay::US_CLOSE).value;
        let s3 = fields.optional_table("s3").map(S3::read);
        fields.finish();
        Some(Self { path: path?, ticker, columns: columns?, sorted, from, to, session_close, s3 })
    }
}

impl Columns {
    const ROLES: [&'static str; 3] = ["ticker", "ts", "value"];

    fn read(mut fields: Fields<'_>, has_literal_ticker: bool) -> Option<Self> {
        // `tiker = "symbol"` would otherwise pass for a further column.
        let absent: Vec<_> = Self::ROLES.into_iter().filter(|role| !fields.has(role)).collect();
        let ticker = fields.optional("ticker", "ticker = \"symbol\"");
        let has_ts = fields.has("ts");
        let ts = fields.optional("ts", "ts = \"date\"");
        let value = fields.required("value", "value = \"close\"");
        let mut further = Vec::new();
        let mut misspelt = Vec::new();
        for entry in fields.take_rest() {
            match nearest(&entry.key, absent.iter().copied()) {
                Some(role) => {
                    let report = Report::new(format!("`source.columns.{}` is unknown", entry.key))
                        .expected("ticker, ts, value, or further columns for the feature SQL")
                        .found(fields.written(&entry))
                        .hint(format!("did you mean `{role}`?"));
                    fields.mistakes().add(Some(entry.key_span.start), report);
                    misspelt.push(role);
                }
                None if !is_column_name(&entry.key) => {
                    let report = Report::new(format!("`{}` cannot name a column", entry.key))
                        .expected("lowercase letters, digits and _, not starting with a digit")
                        .found(entry.key.clone())
                        .hint("this is the name that the feature SQL uses; the file's own name goes right of the =");
                    fields.mistakes().add(Some(entry.key_span.start), report);
                }
                None => {
                    let key = entry.key.clone();
                    further.extend(
                        fields
                            .convert(entry, "write the column's name in quotes")
                            .map(|column| (key, column)),
                    );
                }
            }
        }
        let told = |role| misspelt.contains(&role);
        if absent.contains(&"ticker") && !told("ticker") && !has_literal_ticker {
            let report = Report::new("no ticker")
                .expected("a column, `columns.ticker`, or one name for all rows, `source.ticker`")
                .found("neither")
                .hint(
                    "add `ticker = \"ticker\"` to the columns, or `ticker = \"SPX\"` to [source]",
                );
            fields.mistakes().add(fields.at(), report);
        }
        if has_literal_ticker && !absent.contains(&"ticker") {
            let report = Report::new("the ticker is given twice")
                .expected(
                    "either `columns.ticker` (a column) or `source.ticker` (one name for all rows)",
                )
                .found("both")
                .hint("delete one of them");
            fields.mistakes().add(fields.at(), report);
        }
        fields.finish();
        Some(Self { ticker, ts, has_ts, value: value?, further })
    }
}

impl Features {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Option<Self> {
        let sql = fields.required("sql", "sql = \"builtin:volatility_scaled_return\"");
        fields.finish();
        Some(Self { sql: sql? })
    }
}

impl Windows {
    /// Reads the table.
    ///
    /// One row a window `is_published`: nothing else can make use of it.
    pub fn read(mut fields: Fields<'_>, is_published: bool) -> Option<Self> {
        let length = match is_published {
            true => fields.required::<PublishedLength>("length", "length = 30"),
            false => fields.required::<WindowLength>("length", "length = 30").map(|length| {
                Placed { value: length.value.into(), at: length.at, written: length.written }
            }),
        };
        let sql = fields.optional("sql", "sql = \"builtin:rolling\"");
        let max_gap_days = fields.or("max_gap_days", OrOff::On(MAX_GAP_DAYS));
        let break_log_return = fields.or("break_log_return", OrOff::On(BREAK_LOG_RETURN));
        fields.finish();
        Some(Self { length: length?, sql, max_gap_days, break_log_return })
    }
}

impl ArchiveWindows {
    /// Keys of [`Windows`] that an archive has no use for.
    const UNUSED: [&'static str; 3] = ["length", "sql", "max_gap_days"];

    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let off = Placed { value: OrOff::Off, at: None, written: None };
        let jump = fields.optional("break_log_return", "break_log_return = 0.5").unwrap_or(off);
        for key in Self::UNUSED {
            let Some(entry) = fields.take(key) else { continue };
            let title = format!("`windows.{key}` has no use under `profile = \"archive\"`");
            let report = Report::new(title)
                .expected("each detector takes its window from the period of each series, and takes the series whole")
                .found(fields.written(&entry))
                .hint(format!("delete `{key}`"));
            fields.mistakes().add(Some(entry.key_span.start), report);
        }
        fields.finish();
        Self { break_log_return: jump.value.on() }
    }
}

fn is_column_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
