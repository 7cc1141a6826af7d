//! One ticker's rows, month by month.

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::month::Month;
use super::rows::add_row;
use super::{MonthDigest, Reach, TickerDigest};

impl TickerDigest {
    /// Of instants in µs and `n_values` values a row.
    pub(super) fn of(ts: &[i64], values: &[f64], n_values: usize) -> Self {
        let mut months: BTreeMap<Month, (u32, Sha256)> = BTreeMap::new();
        let mut row = 0;
        // Rows of a month stand together, so that its hasher is looked up once.
        while row < ts.len() {
            let month = Month::of(ts[row]);
            let within = month.instants();
            let (rows, hasher) = months.entry(month).or_default();
            let end = row + 1;
            let n_more = ts[end..].iter().take_while(|instant| within.contains(instant)).count();
            for row in row..end + n_more {
                add_row(hasher, Some(&ts[row]), &values[row * n_values..(row + 1) * n_values]);
            }
            *rows += 1 + u32::try_from(n_more).unwrap_or(u32::MAX - 1);
            row = end + n_more;
        }
        let months = months
            .into_iter()
            .map(|(month, (rows, hasher))| MonthDigest {
                month,
                rows,
                sha256: hasher.finalize().into(),
            })
            .collect();
        Self { months }
    }

    /// Places of the months from `first` to `last`.
    pub(super) fn between(&self, first: Month, last: Month) -> Range<usize> {
        let from = self.months.partition_point(|digest| digest.month < first);
        let to = self.months.partition_point(|digest| digest.month <= last);
        from..to.max(from)
    }

    /// The months of the years `span` with those whose rows reach into them, and those they reach into,
    /// rising; none where the ticker has no row in `span`.
    pub(super) fn covered(&self, (from, to): (i32, i32), reach: Reach) -> &[MonthDigest] {
        let own = self.between(Month::first_of(from), Month::last_of(to));
        if own.is_empty() {
            return &[];
        }
        let before = n_until(self.months[..own.start].iter().rev(), reach.rows_before);
        let after = n_until(self.months[own.end..].iter(), reach.rows_after);
        &self.months[own.start - before..own.end + after]
    }
}

/// How many months, in the order given, hold `rows` rows; all where they do not.
fn n_until<'a>(months: impl Iterator<Item = &'a MonthDigest>, rows: usize) -> usize {
    let mut missing = rows;
    let mut n_months = 0;
    for digest in months {
        if missing == 0 {
            break;
        }
        n_months += 1;
        missing = missing.saturating_sub(digest.rows as usize);
    }
    n_months
}
