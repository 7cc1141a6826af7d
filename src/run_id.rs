//! Names of runs.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// Sortable by start, unique by process: `20260211T213000.123456Z-4f2a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId {
    id: String,
    started_at: DateTime<Utc>,
}

impl RunId {
    /// A run that starts now.
    pub fn now() -> Self {
        Self::new(Utc::now(), std::process::id())
    }

    fn new(started_at: DateTime<Utc>, process: u32) -> Self {
        let instant =
            started_at.to_rfc3339_opts(SecondsFormat::Micros, true).replace(['-', ':'], "");
        Self { id: format!("{instant}-{:04x}", process & 0xffff), started_at }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.id
    }

    /// When it started, µs UTC.
    pub fn started_at_us(&self) -> i64 {
        self.started_at.timestamp_micros()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_runs_started() {
        let at = |second: i64| DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap();
        let (first, second) = (RunId::new(at(0), 0xf_ffff), RunId::new(at(9), 1));
        assert_eq!(first.as_str(), "20260202T024000.000000Z-ffff");
        assert!(first.as_str() < second.as_str());
    }
}
