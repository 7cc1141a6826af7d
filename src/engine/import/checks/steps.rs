//! Instants that do not follow each other at a ticker's usual step.

use std::collections::HashMap;

use super::{Checks, OddityKind};
use crate::import::dates::TimeKind;

pub(super) fn check(checks: &mut Checks<'_>) {
    if checks.table.time_kind != TimeKind::Instant {
        return;
    }
    for rows in checks.tickers() {
        let times = &checks.table.times[rows.clone()];
        let Some(usual) = usual(times) else { continue };
        for row_idx in rows.skip(1) {
            let step = checks.table.times[row_idx] - checks.table.times[row_idx - 1];
            if step != usual {
                let what =
                    || format!("{} after the row before it, usually {}", shown(step), shown(usual));
                checks.row(OddityKind::IrregularStep, row_idx, what);
            }
        }
    }
}

/// The most frequent step in microseconds, the shortest of several.
fn usual(times: &[i64]) -> Option<i64> {
    let mut counts: HashMap<i64, u64> = HashMap::new();
    for pair in times.windows(2) {
        *counts.entry(pair[1] - pair[0]).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(step, count)| (*count, -step)).map(|(step, _)| step)
}

/// A duration in its largest whole units, as `1 h 30 min`.
fn shown(micros: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "min"),
        (1_000_000, "s"),
        (1, "µs"),
    ];
    let mut rest = micros;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_step_is_the_most_frequent() {
        assert_eq!(usual(&[0, 5, 10, 12, 17]), Some(5));
        assert_eq!(usual(&[0]), None);
    }

    #[test]
    fn a_step_is_told_in_units() {
        assert_eq!(shown(5_400_000_000), "1 h 30 min");
        assert_eq!(shown(1_500_000), "1 s 500000 µs");
    }
}
