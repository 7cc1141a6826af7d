//! Which column of a file plays which part.

use std::collections::BTreeMap;

use super::file::Table;
use crate::error::{Error, Report, Result};
use crate::sql_file::nearest;

/// The parts that columns play, each with the names that it usually has.
pub const PARTS: [(&str, &[&str]); 9] = [
    ("ticker", &["ticker", "symbol", "series"]),
    ("ts", &["ts", "date", "timestamp", "trade_date", "time", "datetime"]),
    ("label", &["label", "is_anomaly", "anomaly"]),
    ("start", &["start", "start_ts", "start_date", "from"]),
    ("end", &["end", "end_ts", "end_date", "to"]),
    ("name", &["name", "event"]),
    ("score", &["score", "anomaly_score"]),
    ("value", &["value", "close"]),
    ("flag", &["flag"]),
];

/// Columns that the user has named, by their part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap(BTreeMap<String, String>);

impl ColumnMap {
    /// From pairs of part and column, such as `("ts", "date")`.
    ///
    /// # Errors
    /// There is no such part, or it is named twice.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut map = BTreeMap::new();
        for (part, column) in pairs {
            if !PARTS.iter().any(|(known, _)| *known == part) {
                let known = PARTS.map(|(known, _)| known);
                return Err(match nearest(&part, known) {
                    Some(near) => format!("there is no part `{part}`; did you mean `{near}`?"),
                    None => format!("there is no part `{part}`; there are {}", known.join(", ")),
                });
            }
            if map.insert(part.clone(), column).is_some() {
                return Err(format!("`{part}` is named twice"));
            }
        }
        Ok(Self(map))
    }

    /// The column of `table` for `part`, if it has one; one that the user names must be there.
    pub(super) fn find(&self, table: &Table, part: &str) -> Result<Option<String>> {
        if let Some(named) = self.0.get(part) {
            return match table.column(named) {
                Some(_) => Ok(Some(named.clone())),
                None => Err(Error::config(absent(table, part, named))),
            };
        }
        let usual = PARTS.iter().find(|known| known.0 == part).map_or(&[][..], |known| known.1);
        let columns = table.columns();
        let is_usual = |name: &&&str| columns.iter().any(|column| *column == **name);
        Ok(usual.iter().find(is_usual).map(|name| (*name).to_owned()))
    }

    /// As [`ColumnMap::find`]; it must be there.
    pub(super) fn need(&self, table: &Table, part: &str) -> Result<String> {
        self.find(table, part)?.ok_or_else(|| Error::config(absent(table, part, part)))
    }
}

fn absent(table: &Table, part: &str, named: &str) -> Report {
    let columns = table.columns();
    let report = Report::new(format!("there is no column `{named}`"))
        .at(table.name.as_str())
        .expected(format!("a column with the {}", meaning(part)))
        .found(format!("columns {}", columns.join(", ")));
    match nearest(named, columns) {
        Some(near) => report.hint(format!("did you mean `--columns {part}={near}`?")),
        None => report.hint(format!("name it: `--columns {part}=…`")),
    }
}

fn meaning(part: &str) -> &str {
    match part {
        "ts" => "date or time",
        "label" => "label, 0 or 1",
        "start" => "first day or time of an event",
        "end" => "last day or time of an event",
        "flag" => "flag, 0 or 1",
        part => part,
    }
}
