//! All figures of one detector on one series, by name, and their means over series.

use super::{
    Hits, Nab, NabProfile, RangeRule, Vus, affiliation, auc_pr, auc_roc, flagged_from, nab,
    oracle_threshold, point_f1, range_f1, vus,
};
use crate::statistics::to_real;

/// Days of a year, leap years included.
const DAYS_OF_YEAR: f64 = 365.25;

/// One series, as it is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Whether each row is anomalous.
    pub labels: &'a [bool],
    /// When each row is, in days; `None` where rows have numbers instead of times.
    pub days: Option<&'a [f64]>,
    /// The longest buffer of the volume under the surface, in rows.
    pub window: usize,
    /// Rows before and behind an event in which a flag still finds it.
    pub tolerance: usize,
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Undefined, or a number of which the mean over series is taken.
    Mean(Option<f64>),
    /// A quotient whose parts are added up over series.
    Quotient {
        /// What is divided.
        sum: f64,
        /// By what; nothing is defined over 0.
        over: f64,
    },
    /// A number that is added up over series.
    Count(f64),
}

/// Figures by name, in the order of the tables.
pub type Named = Vec<(&'static str, Figure)>;

/// What depends on the order of the scores only.
pub fn of_scores(series: &Labelled<'_>, scores: &[f64]) -> Named {
    let vus = vus(series.labels, scores, series.window);
    let volume = |of: fn(Vus) -> f64| Figure::Mean(vus.map(of));
    vec![
        ("vus_pr", volume(|vus| vus.pr)),
        ("vus_roc", volume(|vus| vus.roc)),
        ("auc_pr", Figure::Mean(auc_pr(series.labels, scores))),
        ("auc_roc", Figure::Mean(auc_roc(series.labels, scores))),
    ]
}

/// What depends on which rows are flagged.
pub fn of_flags(series: &Labelled<'_>, flags: &[bool]) -> Named {
    let labels = series.labels;
    let hits = Hits::of(labels, flags, series.tolerance);
    let point = point_f1(labels, flags);
    let range = range_f1(labels, flags, RangeRule::default());
    let affiliation = affiliation(labels, flags);
    let nab = |profile| {
        let Nab { raw, without_flags, perfect } = nab(labels, flags, profile);
        Figure::Quotient { sum: 100.0 * (raw - without_flags), over: perfect - without_flags }
    };
    let n_found = to_real(hits.found.len());
    let waited = |time: &dyn Fn(usize) -> f64| Figure::Quotient {
        sum: hits.latency(time).unwrap_or(0.0) * n_found,
        over: n_found,
    };
    let mut named = vec![
        ("flags", Figure::Count(to_real(hits.n_flags))),
        ("f1", Figure::Mean(point.map(|point| point.f1))),
        ("precision", Figure::Mean(point.and_then(|point| point.precision))),
        ("recall", Figure::Mean(point.map(|point| point.recall))),
        ("range_f1", Figure::Mean(range.map(|range| range.f1))),
        ("range_precision", Figure::Mean(range.and_then(|range| range.precision))),
        ("range_recall", Figure::Mean(range.map(|range| range.recall))),
        ("affiliation_f1", Figure::Mean(affiliation.map(|found| found.f1))),
        ("affiliation_precision", Figure::Mean(affiliation.and_then(|found| found.precision))),
        ("affiliation_recall", Figure::Mean(affiliation.map(|found| found.recall))),
        ("nab", nab(NabProfile::STANDARD)),
        ("nab_low_fp", nab(NabProfile::REWARD_LOW_FALSE_POSITIVES)),
        ("nab_low_fn", nab(NabProfile::REWARD_LOW_FALSE_NEGATIVES)),
        ("events", Figure::Count(to_real(hits.n_events))),
        ("events_found", Figure::Count(n_found)),
        ("event_recall", Figure::Mean(hits.recall())),
        ("event_precision", Figure::Mean(hits.precision())),
        ("latency_rows", waited(&to_real)),
    ];
    let n_false = to_real(hits.n_false);
    match series.days {
        Some(days) => {
            named.push(("latency_days", waited(&|row_idx| days[row_idx])));
            let years = spanned(days) / DAYS_OF_YEAR;
            named.push(("false_alarms_per_year", Figure::Quotient { sum: n_false, over: years }));
        }
        None => {
            let over = to_real(labels.len()) / 1000.0;
            named.push(("false_alarms_per_1000_rows", Figure::Quotient { sum: n_false, over }));
        }
    }
    named
}

/// Flags at the threshold with the best F1 on the very labels; `None` without an anomalous row.
pub fn oracle_flags(series: &Labelled<'_>, scores: &[f64]) -> Option<Vec<bool>> {
    let threshold = oracle_threshold(series.labels, scores)?;
    Some(flagged_from(scores, threshold))
}

/// Days that rows stand for: from the first to the last, and one step more.
fn spanned(days: &[f64]) -> f64 {
    match days {
        [first, .., last] => (last - first) * to_real(days.len()) / to_real(days.len() - 1),
        _ => to_real(days.len()),
    }
}

/// Figures of several series with the same names: means of those that are defined, quotients of sums.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// Name, sum of values or of numerators, how many or sum of denominators, whether it is a count.
    sums: Vec<(&'static str, f64, f64, bool)>,
}

impl Means {
    /// Adds those of one series, in the same order.
    pub fn add(&mut self, named: &[(&'static str, Figure)]) {
        for &(name, figure) in named {
            let (value, over, is_count) = match figure {
                Figure::Mean(None) => (0.0, 0.0, false),
                Figure::Mean(Some(value)) => (value, 1.0, false),
                Figure::Quotient { sum, over } => (sum, over, false),
                Figure::Count(count) => (count, 1.0, true),
            };
            match self.sums.iter_mut().find(|known| known.0 == name) {
                Some(known) => {
                    known.1 += value;
                    known.2 += over;
                }
                None => self.sums.push((name, value, over, is_count)),
            }
        }
    }

    /// By name, in the order in which they were first added; `None` is undefined.
    pub fn get(&self) -> Vec<(&'static str, Option<f64>)> {
        let value = |&(name, sum, over, is_count): &(&'static str, f64, f64, bool)| {
            let value = if is_count { sum } else { sum / over };
            (name, (is_count || over > 0.0).then_some(value))
        };
        self.sums.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(named: &Named, name: &str) -> Option<f64> {
        let mut means = Means::default();
        means.add(named);
        means.get().into_iter().find(|known| known.0 == name).unwrap().1
    }

    #[test]
    fn alarms_are_counted_a_year_or_a_thousand_rows() {
        // 730.5 days are two years; four false flags: two a year. Of 10 rows, 400 a thousand.
        let days: Vec<f64> = (0..10).map(|k| 73.05 * f64::from(k)).collect();
        let labels = [false; 10];
        let flags = [true, true, true, true, false, false, false, false, false, false];
        let mut series = Labelled { labels: &labels, days: Some(&days), window: 3, tolerance: 0 };
        let found = value(&of_flags(&series, &flags), "false_alarms_per_year").unwrap();
        assert!((found - 2.0).abs() < 1e-12);
        series.days = None;
        assert_eq!(value(&of_flags(&series, &flags), "false_alarms_per_1000_rows"), Some(400.0));
    }

    #[test]
    fn what_needs_an_anomaly_is_undefined_without_one_and_never_0() {
        let series = Labelled { labels: &[false; 4], days: None, window: 2, tolerance: 0 };
        let scores = [1.0, 2.0, 3.0, 4.0];
        for (name, figure) in of_scores(&series, &scores) {
            assert_eq!(figure, Figure::Mean(None), "{name}");
        }
        let named = of_flags(&series, &[false, false, false, true]);
        for name in [
            "f1",
            "range_f1",
            "affiliation_f1",
            "nab",
            "event_recall",
            "event_precision",
            "latency_rows",
        ] {
            assert_eq!(value(&named, name), None, "{name}");
        }
        assert_eq!(value(&named, "flags"), Some(1.0));
        assert_eq!(oracle_flags(&series, &scores), None);
    }

    #[test]
    fn means_leave_out_what_is_undefined_and_quotients_are_of_sums() {
        let mut means = Means::default();
        means.add(&[
            ("a", Figure::Mean(Some(1.0))),
            ("b", Figure::Quotient { sum: 1.0, over: 1.0 }),
            ("c", Figure::Count(2.0)),
        ]);
        means.add(&[
            ("a", Figure::Mean(None)),
            ("b", Figure::Quotient { sum: 5.0, over: 2.0 }),
            ("c", Figure::Count(3.0)),
        ]);
        means.add(&[("a", Figure::Mean(Some(2.0))), ("d", Figure::Mean(None))]);
        assert_eq!(
            means.get(),
            [("a", Some(1.5)), ("b", Some(2.0)), ("c", Some(5.0)), ("d", None)]
        );
    }
}
