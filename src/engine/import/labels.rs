//! Labels that lie beside the data: a JSON file of time windows for each file, as NAB has it.
//!
//! `{"folder/file.csv": [["2014-04-10 16:15:00.000000", "2014-04-12 01:45:00.000000"]]}`. Both ends
//! belong to a window; times without a zone are UTC, as those of the rows are. The rows get a
//! column `label`, 1 within a window and 0 elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::dates::{TimeFormat, TimeKind};
use super::rows::Rows;
use super::shown;
use super::text::Source;
use crate::error::{Error, Report, Result};

/// The column that is added.
const LABEL: &str = "label";

/// How ends of windows are written.
const FORMATS: [&str; 3] =
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%#z"];

/// Windows by file, as the JSON has them.
type Windows = BTreeMap<String, Vec<(String, String)>>;

/// Adds the column `label` to the rows.
pub(super) fn add(rows: &mut Rows, sources: &[Source], path: &Path) -> Result<()> {
    let windows = read(path)?;
    if rows.time_kind != TimeKind::Instant || rows.names.iter().any(|name| name == LABEL) {
        let found = match rows.time_kind {
            TimeKind::Instant => "a column `label` already",
            _ => "days or row numbers",
        };
        return Err(Error::data(
            Report::new("labels cannot be added to these rows")
                .at(path.display().to_string())
                .expected("rows at instants, without a column `label`")
                .found(found)
                .hint("leave out `--labels`, or keep other columns with `--columns`"),
        ));
    }
    let of_sources: Vec<Vec<(i64, i64)>> =
        sources.iter().map(|source| of_source(&windows, source, path)).collect::<Result<_>>()?;
    let label = |(time, source_idx): (&i64, u32)| {
        let windows = &of_sources[source_idx as usize];
        f64::from(u8::from(windows.iter().any(|(from, to)| from <= time && time <= to)))
    };
    let source_idxs = rows.origins.iter().map(|origin| origin.source_idx);
    let labels = rows.times.iter().zip(source_idxs).map(label).collect();
    rows.names.push(LABEL.to_owned());
    rows.values.push(labels);
    Ok(())
}

fn read(path: &Path) -> Result<Windows> {
    let bad = |place: String, found: String| {
        Error::data(
            Report::new("the labels cannot be read")
                .at(place)
                .expected("JSON: for each file a list of [from, to]")
                .found(found)
                .hint("see `labels/combined_windows.json` of NAB for one"),
        )
    };
    let place = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|cause| bad(place.clone(), cause.to_string()))?;
    serde_json::from_str(&text).map_err(|cause| {
        bad(format!("{place}:{}:{}", cause.line(), cause.column()), shown(&cause.to_string()))
    })
}

/// The windows of one file, found by the end of its path.
fn of_source(windows: &Windows, source: &Source, path: &Path) -> Result<Vec<(i64, i64)>> {
    let mut named = windows.iter().filter(|(name, _)| source.path.ends_with(name.as_str()));
    let (Some((_, found)), None) = (named.next(), named.next()) else {
        return Err(Error::data(
            Report::new("the labels do not name this file once")
                .at(source.path.display().to_string())
                .expected(format!("one entry in {} that its path ends in", path.display()))
                .found(format!("{} entries for other files or for several", windows.len()))
                .hint("import it apart, without `--labels`"),
        ));
    };
    found.iter().map(|(from, to)| Ok((instant(from, path)?, instant(to, path)?))).collect()
}

fn instant(text: &str, path: &Path) -> Result<i64> {
    let read = |pattern: &&str| TimeFormat::of_pattern(pattern).ok()?.read(text);
    FORMATS.iter().find_map(read).map(|time| time.value).ok_or_else(|| {
        Error::data(
            Report::new("an end of a window of labels is no instant")
                .at(path.display().to_string())
                .expected("as 2014-04-10 16:15:00")
                .found(shown(text))
                .hint("correct it in the file of labels"),
        )
    })
}
