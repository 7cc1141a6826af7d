//! Pruning of flags in hindsight: see [`threshold::prune`](crate::threshold::prune).
//!
//! The runs of one ticker within one calendar year compete with each other, because a year is what is written
//! at once: a day that comes later changes no year before its own.

use crate::history::History;
use crate::judge::{JudgedRow, Rule};
use crate::threshold::{Rate, prune as kept_runs};

/// Takes back the flags of the model that do not stand out; `deciding` are the scores that were compared.
pub(super) fn prune(history: &History<'_>, rows: &mut [JudgedRow], deciding: &[f64], least: Rate) {
    let mut from = 0;
    while let Some(&day) = history.days.get(from) {
        let to =
            from + history.days[from..].partition_point(|&other| year_of(other) <= year_of(day));
        prune_year(rows, deciding, from..to, least);
        from = to;
    }
}

fn prune_year(rows: &mut [JudgedRow], deciding: &[f64], year: std::ops::Range<usize>, least: Rate) {
    let is_flagged = |row: &JudgedRow| row.is_anomaly && row.rule == Some(Rule::Model);
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    let mut unflagged = f64::NAN;
    for row_idx in year {
        if is_flagged(&rows[row_idx]) {
            match runs.last_mut() {
                Some(run) if run.end == row_idx => run.end += 1,
                _ => runs.push(row_idx..row_idx + 1),
            }
        } else if rows[row_idx].rule == Some(Rule::Model) {
            unflagged = unflagged.max(deciding[row_idx]);
        }
    }
    let peak =
        |run: &std::ops::Range<usize>| deciding[run.clone()].iter().copied().fold(0.0, f64::max);
    let peaks: Vec<f64> = runs.iter().map(peak).collect();
    for (run, is_kept) in runs.into_iter().zip(kept_runs(&peaks, unflagged, least)) {
        rows[run].iter_mut().for_each(|row| row.is_anomaly &= is_kept);
    }
}

/// The calendar year of days since 1970-01-01.
///
/// Source: Hinnant 2013, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn year_of(day: i32) -> i32 {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // The shifted year begins in March.
    let is_next = day_of_year >= 306;
    i32::try_from(year_of_era + era * 400 + i64::from(is_next)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::split::Span;

    #[test]
    fn years_begin_on_the_first_of_january() {
        // date -u -d '2000-01-01' +%s / 86400 = 10957
        for (day, year) in [
            (0, 1970),
            (-1, 1969),
            (10_956, 1999),
            (10_957, 2000),
            (11_322, 2000),
            (11_323, 2001),
            (-719_528, 0),
        ] {
            assert_eq!(year_of(day), year, "{day}");
        }
    }

    #[test]
    fn runs_of_a_year_that_do_not_stand_out_are_taken_back() {
        // Two years of six rows; flags above 4. Steps: 10 → 5 → 4.9 over 4.5, so that 5 and 4.9 go; in the
        // next year 5 stands 20 % over 4 and stays.
        let mut history = OwnedHistory::new(&[1.0; 12], 1, 1);
        history.days = vec![0, 1, 2, 3, 4, 5, 365, 366, 367, 368, 369, 370];
        let scores = [10.0, 4.5, 5.0, 4.8, 1.0, 4.9, 5.0, 4.0, 1.0, 1.0, 1.0, 1.0];
        let flagged =
            [true, false, true, true, false, true, true, false, false, false, false, false];
        let mut rows: Vec<JudgedRow> = flagged
            .iter()
            .enumerate()
            .map(|(row_idx, &is_anomaly)| JudgedRow {
                rule: Some(Rule::Model),
                is_anomaly,
                ..JudgedRow::unjudged(row_idx, Span::Test)
            })
            .collect();
        // A break stays whatever its score.
        rows[4] = JudgedRow { rule: Some(Rule::Break), is_anomaly: true, ..rows[4] };
        prune(&history.view(), &mut rows, &scores, Rate::try_from(0.13).unwrap());
        let left: Vec<usize> =
            rows.iter().filter(|row| row.is_anomaly).map(|row| row.row_idx).collect();
        assert_eq!(left, [0, 4, 6]);
    }
}
