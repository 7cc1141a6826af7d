//! Where a pipeline file says what: for findings that only the data brings out.

use std::collections::BTreeMap;

use crate::error::Report;

/// A setting as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `file:line:column` of its value.
    pub place: String,
    /// `key = value` as the user wrote it.
    pub text: String,
}

/// Settings by their dotted keys, such as `windows.length`. They say where, and decide nothing: two
/// files that mean the same may differ in all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Written>);

impl Places {
    /// Notes where `key` stands.
    pub fn insert(&mut self, key: impl Into<String>, written: Written) {
        self.0.insert(key.into(), written);
    }

    /// Where `key` stands, if the user wrote it.
    pub fn get(&self, key: &str) -> Option<&Written> {
        self.0.get(key)
    }

    /// The place of `key`, else `otherwise`.
    pub fn place<'a>(&'a self, key: &str, otherwise: &'a str) -> &'a str {
        self.get(key).map_or(otherwise, |written| &written.place)
    }

    /// Points `report` to `key` and shows what stands there; as it was where nothing does.
    #[must_use]
    pub fn point(&self, report: Report, key: &str) -> Report {
        match self.get(key) {
            Some(written) => report.at(written.place.as_str()).found(written.text.as_str()),
            None => report,
        }
    }

    /// `` `key` `` with its place, for the middle of a sentence.
    pub fn named(&self, key: &str) -> String {
        match self.get(key) {
            Some(written) => format!("`{key}` ({})", written.place),
            None => format!("`{key}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_points_to_what_was_written_and_stays_where_nothing_was() {
        let mut places = Places::default();
        let text = "length = 30".to_owned();
        places.insert("windows.length", Written { place: "p.toml:9:10".into(), text });
        let report = Report::new("too long").at("prices.parquet");
        let pointed = places.point(report.clone(), "windows.length");
        assert_eq!(pointed.place.as_deref(), Some("p.toml:9:10"));
        assert_eq!(pointed.found.as_deref(), Some("length = 30"));
        assert_eq!(places.point(report.clone(), "windows.stride"), report);
        assert_eq!(places.named("windows.length"), "`windows.length` (p.toml:9:10)");
        assert_eq!(places.named("windows.stride"), "`windows.stride`");
    }
}
