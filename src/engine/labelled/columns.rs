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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMap {
    /// The option that names them, for messages.
    option: &'static str,
    named: BTreeMap<String, String>,
}

impl ColumnMap {
    /// From pairs of part and column, such as `("ts", "date")`, that `option` gives.
    ///
    /// # Errors
    /// There is no such part, or it is named twice.
    pub fn new(
        option: &'static str,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let mut named = BTreeMap::new();
        for (part, column) in pairs {
            if !PARTS.iter().any(|(known, _)| *known == part) {
                let known = PARTS.map(|(known, _)| known);
                return Err(match nearest(&part, known) {
                    Some(near) => format!("there is no part `{part}`; did you mean `{near}`?"),
                    None => format!("there is no part `{part}`; there are {}", known.join(", ")),
                });
            }
            if named.insert(part.clone(), column).is_some() {
                return Err(format!("`{part}` is named twice"));
            }
        }
        Ok(Self { option, named })
    }

    /// The column of `table` for `part`, if it has one; one that the user names must be there.
    pub(super) fn find(&self, table: &Table, part: &str) -> Result<Option<String>> {
        if let Some(named) = self.named.get(part) {
            return match table.column(named) {
                Some(_) => Ok(Some(named.clone())),
                None => Err(self.absent(table, part, named)),
            };
        }
        let usual = PARTS.iter().find(|known| known.0 == part).map_or(&[][..], |known| known.1);
        let columns = table.columns();
        let is_usual = |name: &&&str| columns.iter().any(|column| *column == **name);
        Ok(usual.iter().find(is_usual).map(|name| (*name).to_owned()))
    }

    /// As [`ColumnMap::find`]; it must be there.
    pub(super) fn need(&self, table: &Table, part: &str) -> Result<String> {
        self.find(table, part)?.ok_or_else(|| self.absent(table, part, part))
    }

    fn absent(&self, table: &Table, part: &str, named: &str) -> Error {
        let write = |column: &str| format!("{} {part}={column}", self.option);
        absent(table, named, meaning(part), write)
    }
}

/// There is no column `named`, which would have the `meaning`; `write` is what to write instead.
pub(super) fn absent(
    table: &Table,
    named: &str,
    meaning: &str,
    write: impl Fn(&str) -> String,
) -> Error {
    let columns = table.columns();
    let report = Report::new(format!("there is no column `{named}`"))
        .at(table.name.as_str())
        .expected(format!("a column with the {meaning}"))
        .found(format!("columns {}", columns.join(", ")));
    let is_one = |only: &&str| columns.len() == 1 && only.contains([';', '\t']);
    Error::config(match nearest(named, columns.clone()) {
        _ if columns.first().is_some_and(is_one) => {
            report.hint("cells are separated by commas: save the file so, or as Parquet")
        }
        Some(near) => report.hint(format!("did you mean `{}`?", write(near))),
        None => report.hint(format!("name it: `{}`", write("…"))),
    })
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
