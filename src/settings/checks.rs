//! `[checks]`: which rows of the source are failures, and what becomes of them.

use oddlot_engine::Report;
use oddlot_engine::checks::Severity;
use oddlot_engine::sql_file::SqlFile;

use super::{
    fields::Fields,
    suggest::hint_of,
    tree::Value,
    value::{Named, Placed},
};

/// What becomes of the rows of a check, or that it is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Not run.
    Off,
    /// Run.
    On(Severity),
}

impl Named for Choice {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("warn", Self::On(Severity::Warn)),
        ("drop", Self::On(Severity::Drop)),
        ("stop", Self::On(Severity::Stop)),
    ];
}

/// `[checks]`
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Of the checks that come with the binary, those that the file speaks of.
    pub shipped: Vec<(&'static str, Placed<Choice>)>,
    /// `[checks.NAME]`: the user's own, in the order of the file.
    pub own: Vec<OwnCheck>,
}

/// `[checks.NAME]`
#[derive(Clone, Debug)]
pub struct OwnCheck {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub at: Option<usize>,
    /// The path of an SQL file.
    pub sql: Placed<String>,
    /// What becomes of its rows; else its header says so.
    pub severity: Option<Placed<Choice>>,
}

impl Checks {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let mut checks = Self::default();
        for name in SqlFile::builtin_check_names() {
            if let Some(choice) = fields.optional(name, &format!("{name} = \"warn\"")) {
                checks.shipped.push((name, choice));
            }
        }
        for entry in fields.take_rest() {
            if !matches!(entry.value, Value::Table(_)) {
                let report =
                    Report::new(format!("there is no check `{}`", entry.key))
                        .expected(format!(
                            "one of {}, or a table [checks.{}] with `sql`",
                            SqlFile::builtin_check_names().collect::<Vec<_>>().join(", "),
                            entry.key
                        ))
                        .found(fields.written(&entry))
                        .hint(hint_of(&entry.key, SqlFile::builtin_check_names()).unwrap_or_else(
                            || "name the SQL file of a check of your own".to_owned(),
                        ));
                fields.mistakes().add(Some(entry.key_span.start), report);
                continue;
            }
            let name = entry.key.clone();
            let Some(mut own) = fields.open(entry) else { continue };
            let at = own.at();
            let sql = own.required("sql", "sql = \"checks/my_check.sql\"");
            let severity = own.optional("severity", "severity = \"warn\"");
            own.finish();
            checks.own.extend(sql.map(|sql| OwnCheck { name, at, sql, severity }));
        }
        fields.finish();
        checks
    }
}
