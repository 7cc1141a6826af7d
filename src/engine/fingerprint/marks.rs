//! Short marks of the rows that a cell was computed from, ticker by ticker and month by month: enough to name
//! what has changed since, and small enough to be kept with each cell.
//!
//! Whether anything has changed is for the fingerprint to say; a mark is 64 bits, hashed of those of SHA-256.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::month::Month;
use super::{InputDigest, MonthDigest, Reach};

/// Marks of the rows that a cell depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowMarks {
    /// Of each ticker of the cell, over all months that count.
    pub tickers: BTreeMap<String, String>,
    /// Of each month, `2016-03`, over all tickers that count.
    pub months: BTreeMap<String, String>,
}

/// Fowler, Noll and Vo's hash, of words of 64 bits in place of bytes.
#[derive(Clone, Copy)]
struct Mark(u64);

impl Default for Mark {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Mark {
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn of_name(name: &str) -> u64 {
        let mut mark = Self::default();
        name.bytes().for_each(|byte| mark.add(u64::from(byte)));
        mark.0
    }

    fn in_words(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[derive(Default)]
struct Marks {
    tickers: BTreeMap<String, String>,
    months: BTreeMap<Month, Mark>,
}

impl Marks {
    fn add(&mut self, ticker: &str, covered: &[MonthDigest], is_own: bool) {
        let (name, mut own) = (Mark::of_name(ticker), Mark::default());
        for digest in covered {
            let [a, b, c, d, e, f, g, h, ..] = digest.sha256;
            let word = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            let month = self.months.entry(digest.month).or_default();
            month.add(name);
            month.add(word);
            own.add(u64::from(digest.month.0.cast_unsigned()));
            own.add(word);
        }
        if is_own && !covered.is_empty() {
            self.tickers.insert(ticker.to_owned(), own.in_words());
        }
    }

    fn in_words(self) -> RowMarks {
        let Self { tickers, months } = self;
        let months = months.into_iter().map(|(at, mark)| (at.to_string(), mark.in_words()));
        RowMarks { tickers, months: months.collect() }
    }
}

fn marked(covered: Vec<(&str, &[MonthDigest])>, is_own: impl Fn(&str) -> bool) -> RowMarks {
    let mut marks = Marks::default();
    for (name, months) in covered {
        marks.add(name, months, is_own(name));
    }
    marks.in_words()
}

impl InputDigest {
    /// Marks of what [`InputDigest::of_span`] is taken of.
    pub fn marks(
        &self,
        span: (i32, i32),
        reach: Reach,
        is_member: impl Fn(&str) -> bool,
    ) -> RowMarks {
        marked(self.covered_by(span, reach, is_member), |name| !name.is_empty())
    }

    /// Marks of what [`InputDigest::of_span_across`] is taken of: months of all tickers, and the tickers chosen by
    /// `is_member`.
    pub fn marks_across(
        &self,
        span: (i32, i32),
        reach: Reach,
        is_member: impl Fn(&str) -> bool,
    ) -> RowMarks {
        marked(self.covered_across(span, reach), is_member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    /// Of each ticker one row in January and one in February 1970.
    fn digest(rows: &[(&str, [f64; 2])]) -> InputDigest {
        let mut digest = InputDigest::default();
        for (ticker, values) in rows {
            digest.add(ticker, &[0, 40 * DAY_US], values, 1);
        }
        digest
    }

    /// Tickers and months whose marks differ.
    fn differing(old: &RowMarks, new: &RowMarks) -> (Vec<String>, Vec<String>) {
        let of = |old: &BTreeMap<String, String>, new: &BTreeMap<String, String>| {
            old.keys().filter(|key| old.get(*key) != new.get(*key)).cloned().collect::<Vec<_>>()
        };
        (of(&old.tickers, &new.tickers), of(&old.months, &new.months))
    }

    const REACH: Reach = Reach { rows_before: 0, rows_after: 0 };

    #[test]
    fn a_changed_row_is_found_by_its_ticker_and_its_month() {
        let old = digest(&[("A", [1.0, 2.0]), ("B", [1.0, 2.0])]);
        let new = digest(&[("A", [1.0, 2.0]), ("B", [1.0, 3.0])]);
        let of = |digest: &InputDigest| digest.marks((1970, 1970), REACH, |_| true);
        let (a, b) = (of(&old), of(&new));
        assert_eq!(differing(&a, &b), (vec!["B".to_owned()], vec!["1970-02".to_owned()]));
        assert_eq!(a.months.keys().collect::<Vec<_>>(), ["1970-01", "1970-02"]);
        // Another year knows nothing of it; another part neither.
        assert_eq!(old.marks((1980, 1980), REACH, |_| true), RowMarks::default());
        let part = |digest: &InputDigest| digest.marks((1970, 1970), REACH, |name| name == "A");
        assert_eq!(part(&old), part(&new));
    }

    #[test]
    fn across_tickers_months_are_of_all_and_names_of_the_cells_own() {
        let old = digest(&[("A", [1.0, 2.0]), ("B", [1.0, 2.0])]);
        let new = digest(&[("A", [1.0, 2.0]), ("B", [1.0, 3.0])]);
        let of =
            |digest: &InputDigest| digest.marks_across((1970, 1970), REACH, |name| name == "A");
        assert_eq!(differing(&of(&old), &of(&new)), (vec![], vec!["1970-02".to_owned()]));
        assert_eq!(of(&old).tickers.keys().collect::<Vec<_>>(), ["A"]);
    }

    #[test]
    fn two_tickers_that_change_places_are_seen() {
        let old = digest(&[("A", [1.0, 2.0]), ("B", [3.0, 4.0])]);
        let new = digest(&[("A", [3.0, 4.0]), ("B", [1.0, 2.0])]);
        let of = |digest: &InputDigest| digest.marks((1970, 1970), REACH, |_| true);
        assert_eq!(differing(&of(&old), &of(&new)).0, ["A", "B"]);
        assert_eq!(differing(&of(&old), &of(&new)).1, ["1970-01", "1970-02"]);
    }
}
