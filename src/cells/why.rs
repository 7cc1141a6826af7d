//! Why a cell is stale: what it was made of, as its ledger entry says, beside what it would be made of today.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use oddlot_engine::fingerprint::RowMarks;
use oddlot_engine::tables::{CellEntry, MadeOf, SCHEMA_VERSION};
use serde_json::{Value, json};

use crate::diagnostic::name;
use crate::plan::PARTS;

/// So many tickers are told by name in a sentence.
const NAMED_MOST: usize = 5;

/// So many months are told one by one.
const MONTHS_MOST: usize = 3;

/// One reason; a cell may have several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It is not there.
    Missing,
    /// It holds the rows of chosen tickers only.
    OfChosen,
    /// It was written by an oddlot whose tables or scores are others.
    Version(String),
    /// Parts of the settings or queries have changed, by their names.
    Settings(Vec<String>),
    /// Models that this run will make.
    ToTrain(Vec<String>),
    /// Models are others, in words.
    Models(Vec<String>),
    /// Price rows have changed.
    Rows(RowChange),
    /// Something has, and the ledger does not say what.
    Untold,
    /// Everything was asked for.
    Refresh,
}

/// Price rows that have changed, been added or been taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowChange {
    /// Months of the rows, `2016-03`, rising.
    pub months: BTreeSet<String>,
    /// Tickers of which rows have changed or been added.
    pub changed: BTreeSet<String>,
    /// Tickers that were not there.
    pub new: BTreeSet<String>,
    /// Tickers that have no such rows any more.
    pub gone: BTreeSet<String>,
}

/// What a stale cell's entry tells beside what it would be made of today.
pub(super) fn causes(
    entry: Option<&CellEntry>,
    now: impl FnOnce() -> MadeOf,
    is_of_chosen: bool,
) -> Vec<Cause> {
    let Some(entry) = entry else { return vec![Cause::Missing] };
    if is_of_chosen {
        return vec![Cause::OfChosen];
    }
    let Some(then) = &entry.made_of else { return vec![Cause::Untold] };
    let now = &now();
    let mut causes = Vec::new();
    if entry.schema_version != SCHEMA_VERSION {
        let found = entry.schema_version;
        causes.push(Cause::Version(format!("schema version {found} → {SCHEMA_VERSION}")));
    }
    if then.scoring_version != now.scoring_version {
        let (found, now) = (then.scoring_version, now.scoring_version);
        causes.push(Cause::Version(format!("scoring version {found} → {now}")));
    }
    let settings: Vec<String> =
        differing(&then.settings, &now.settings).map(str::to_owned).collect();
    // With other parts every ticker is in another cell: its rows are no other than they were.
    let is_elsewhere = settings.iter().any(|name| name == PARTS);
    if !settings.is_empty() {
        causes.push(Cause::Settings(settings));
    }
    let models: Vec<String> = differing(&then.models, &now.models)
        .map(|name| match (then.models.get(name), now.models.get(name)) {
            (Some(then), Some(now)) => format!("{name} {then} → {now}"),
            (None, _) => format!("{name} is new"),
            (_, None) => format!("{name} is gone"),
        })
        .collect();
    if !models.is_empty() {
        causes.push(Cause::Models(models));
    }
    let rows = RowChange::of(&then.rows, &now.rows);
    if rows != RowChange::default() && !is_elsewhere {
        causes.push(Cause::Rows(rows));
    }
    if causes.is_empty() {
        causes.push(Cause::Untold);
    }
    causes
}

/// Names of what is in one of two maps only, or other in each.
fn differing<'a>(
    then: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = &'a str> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    names.into_iter().filter(|name| then.get(*name) != now.get(*name)).map(String::as_str)
}

impl RowChange {
    fn of(then: &RowMarks, now: &RowMarks) -> Self {
        let mut change = Self {
            months: differing(&then.months, &now.months).map(str::to_owned).collect(),
            ..Self::default()
        };
        for ticker in differing(&then.tickers, &now.tickers) {
            let of = match (then.tickers.contains_key(ticker), now.tickers.contains_key(ticker)) {
                (true, true) => &mut change.changed,
                (false, _) => &mut change.new,
                (_, false) => &mut change.gone,
            };
            of.insert(ticker.to_owned());
        }
        change
    }

    /// Adds the tickers of another cell.
    fn add_tickers(&mut self, other: &Self) {
        self.changed.extend(other.changed.iter().cloned());
        self.new.extend(other.new.iter().cloned());
        self.gone.extend(other.gone.iter().cloned());
    }

    fn without_tickers(&self) -> Self {
        Self { months: self.months.clone(), ..Self::default() }
    }
}

impl Cause {
    /// The cause as cells share it: with no ticker named.
    pub fn shared(&self) -> Self {
        match self {
            Self::Rows(rows) => Self::Rows(rows.without_tickers()),
            other => other.clone(),
        }
    }

    /// Adds the tickers that another cell names for the same cause.
    pub fn add_tickers(&mut self, other: &Self) {
        if let (Self::Rows(own), Self::Rows(other)) = (self, other) {
            own.add_tickers(other);
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        match self {
            Self::Missing => json!({ "cause": "missing" }),
            Self::OfChosen => json!({ "cause": "chosen_tickers" }),
            Self::Version(what) => json!({ "cause": "version", "what": what }),
            Self::Settings(names) => json!({ "cause": "settings", "names": names }),
            Self::ToTrain(models) => json!({ "cause": "to_train", "models": models }),
            Self::Models(models) => json!({ "cause": "models", "models": models }),
            Self::Rows(RowChange { months, changed, new, gone }) => json!({
                "cause": "rows", "months": months, "changed": changed, "new": new, "gone": gone,
            }),
            Self::Untold => json!({ "cause": "untold" }),
            Self::Refresh => json!({ "cause": "full_refresh" }),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not there"),
            Self::OfChosen => f.write_str("some tickers were chosen when it was written last"),
            Self::Version(what) => write!(f, "written by another oddlot: {what}"),
            Self::Settings(names) => write!(f, "settings have changed: {}", names.join(", ")),
            Self::ToTrain(models) => write!(f, "to be trained first: {}", models.join(", ")),
            Self::Models(models) => write!(f, "other models: {}", models.join(", ")),
            Self::Rows(rows) => rows.fmt(f),
            Self::Untold => f.write_str("its rows, the settings or a model have changed"),
            Self::Refresh => f.write_str("full refresh"),
        }
    }
}

/// `rows of 2 tickers (AAA, BBB gone) in 2016-03`
impl fmt::Display for RowChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { months, changed, new, gone } = self;
        let plain = changed.iter().map(|ticker| name(ticker).to_string());
        let added = new.iter().map(|ticker| format!("{} new", name(ticker)));
        let lost = gone.iter().map(|ticker| format!("{} gone", name(ticker)));
        let n = changed.len() + new.len() + gone.len();
        let mut named: Vec<String> = added.chain(lost).chain(plain).take(NAMED_MOST).collect();
        if n > named.len() {
            named.push("…".to_owned());
        }
        match n {
            // Another part's, which a query of the user's own may look at.
            0 => f.write_str("rows of other tickers")?,
            1 => write!(f, "rows of {}", named.join(""))?,
            n => write!(f, "rows of {n} tickers ({})", named.join(", "))?,
        }
        let some: Vec<&str> = months.iter().map(String::as_str).collect();
        match some.as_slice() {
            [] => Ok(()),
            few if few.len() <= MONTHS_MOST => write!(f, " in {}", few.join(", ")),
            [first, .., last] => write!(f, " in {} months of {first} … {last}", some.len()),
            [_] => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_of(tickers: &[(&str, &str)], months: &[(&str, &str)]) -> MadeOf {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        MadeOf {
            settings: map(&[("split", "1"), ("models.ewma", "2")]),
            models: map(&[("ewma", "m1"), ("robust", "m2")]),
            scoring_version: 3,
            rows: RowMarks { tickers: map(tickers), months: map(months) },
        }
    }

    fn entry(made_of: Option<MadeOf>) -> CellEntry {
        CellEntry {
            run_id: String::new(),
            fingerprint: String::new(),
            span: (2016, 2016),
            sha256: String::new(),
            bytes: 0,
            rows: 0,
            schema_version: SCHEMA_VERSION,
            parts: None,
            made_of,
        }
    }

    fn words(then: Option<MadeOf>, now: &MadeOf) -> Vec<String> {
        causes(Some(&entry(then)), || now.clone(), false).iter().map(Cause::to_string).collect()
    }

    #[test]
    fn rows_are_told_by_ticker_and_month() {
        let then =
            made_of(&[("A", "1"), ("B", "1"), ("C", "1")], &[("2016-02", "1"), ("2016-03", "1")]);
        let now =
            made_of(&[("A", "1"), ("B", "2"), ("D", "1")], &[("2016-02", "1"), ("2016-03", "2")]);
        assert_eq!(words(Some(then), &now), ["rows of 3 tickers (D new, C gone, B) in 2016-03"]);
        let one =
            made_of(&[("A", "2"), ("B", "2"), ("D", "1")], &[("2016-02", "1"), ("2016-03", "3")]);
        assert_eq!(words(Some(now), &one), ["rows of A in 2016-03"]);
    }

    #[test]
    fn many_tickers_and_months_are_summed_up() {
        let names: Vec<String> = (0..900).map(|k| format!("T{k:03}")).collect();
        let of = |mark: &str| {
            let tickers: Vec<(&str, &str)> =
                names.iter().map(|name| (name.as_str(), mark)).collect();
            made_of(&tickers, &[("1", mark), ("2", mark), ("3", mark), ("4", mark)])
        };
        let told = words(Some(of("a")), &of("b"));
        assert_eq!(
            told,
            ["rows of 900 tickers (T000, T001, T002, T003, T004, …) in 4 months of 1 … 4"]
        );
    }

    #[test]
    fn settings_models_and_versions_are_told_apart() {
        let then = made_of(&[], &[]);
        let mut now = then.clone();
        now.settings.insert("split".into(), "9".into());
        now.models.insert("ewma".into(), "m9".into());
        now.models.remove("robust");
        now.models.insert("forecaster".into(), "m3".into());
        now.scoring_version = 4;
        assert_eq!(
            words(Some(then), &now),
            [
                "written by another oddlot: scoring version 3 → 4",
                "settings have changed: split",
                "other models: ewma m1 → m9, forecaster is new, robust is gone",
            ]
        );
    }

    #[test]
    fn what_the_ledger_does_not_know_is_not_made_up() {
        let now = made_of(&[], &[]);
        assert_eq!(words(None, &now), ["its rows, the settings or a model have changed"]);
        assert_eq!(
            words(Some(now.clone()), &now),
            ["its rows, the settings or a model have changed"]
        );
        assert_eq!(causes(None, || now.clone(), false), [Cause::Missing]);
        assert_eq!(causes(Some(&entry(None)), || now.clone(), true), [Cause::OfChosen]);
    }

    #[test]
    fn cells_that_share_a_cause_add_their_tickers() {
        let rows = |ticker: &str| {
            Cause::Rows(RowChange {
                months: ["2016-03".to_owned()].into(),
                changed: [ticker.to_owned()].into(),
                ..RowChange::default()
            })
        };
        let mut shared = rows("A").shared();
        assert_eq!(shared, rows("B").shared());
        shared.add_tickers(&rows("A"));
        shared.add_tickers(&rows("B"));
        assert_eq!(shared.to_string(), "rows of 2 tickers (A, B) in 2016-03");
    }
}
