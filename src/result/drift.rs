//! Whether errors are still what they were in calibration: the last sessions, counted day by day.

use std::collections::BTreeMap;
use std::fmt;

use oddlot_engine::ticker_rows::iso_date;
use oddlot_series::drift::{Drift, ScoreBins, Verdict};
use serde::{Deserialize, Serialize};

use super::table::write_columns;
use super::{ModelSummary, Summary};

/// So many of the last sessions are told: half a year, of one ticker enough for deciles.
pub(super) const SESSIONS: usize = 120;

/// Days that counts are kept for: so many hold that many sessions, also where a month is taken away again.
pub(super) const DAYS_KEPT: i32 = 200;

/// Scores by day and bin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct DayCounts(BTreeMap<i32, BTreeMap<usize, u64>>);

impl DayCounts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn count(&mut self, day: i32, bin: usize) {
        *self.0.entry(day).or_default().entry(bin).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (day, counts) in &other.0 {
            let own = self.0.entry(*day).or_default();
            for (bin, n) in counts {
                *own.entry(*bin).or_default() += n;
            }
        }
    }

    /// Drops what lies more than [`DAYS_KEPT`] before `last_day`.
    pub(super) fn keep_until(&mut self, last_day: i32) {
        self.0.retain(|day, _| *day > last_day.saturating_sub(DAYS_KEPT));
    }
}

/// The errors of the last sessions beside those of calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lately {
    /// How many sessions.
    pub n_sessions: usize,
    /// First and last of them, days since 1970-01-01.
    pub days: (i32, i32),
    /// How far they are from calibration.
    pub drift: Drift,
}

impl Lately {
    /// `None` of no later score, or without calibration scores.
    pub(super) fn of(bins: Option<&ScoreBins>, counts: &DayCounts) -> Option<Self> {
        let mut counts = counts.clone();
        let last = *counts.0.keys().next_back()?;
        counts.keep_until(last);
        let days: Vec<i32> = counts.0.keys().rev().take(SESSIONS).copied().collect();
        let first = *days.last()?;
        let scores =
            counts.0.range(first..).flat_map(|(_, bins)| bins.iter().map(|(b, n)| (*b, *n)));
        let drift = bins?.drift(scores)?;
        Some(Self { n_sessions: days.len(), days: (first, last), drift })
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Value {
        let Drift { n, psi, ks, p_value, .. } = self.drift;
        serde_json::json!({
            "sessions": self.n_sessions,
            "from": iso_date(self.days.0),
            "to": iso_date(self.days.1),
            "scores": n,
            "psi": psi,
            "ks": ks,
            "p_value": p_value,
            "verdict": match self.drift.verdict() {
                Verdict::TooFew => "too_few",
                Verdict::Steady => "steady",
                Verdict::Grown => "grown",
                Verdict::Shrunk => "shrunk",
            },
        })
    }
}

fn line(model: &ModelSummary, lately: &Lately) -> Vec<String> {
    let Drift { n, psi, ks, p_value, .. } = lately.drift;
    vec![
        model.name.clone(),
        lately.n_sessions.to_string(),
        iso_date(lately.days.0),
        iso_date(lately.days.1),
        n.to_string(),
        format!("{psi:.3}"),
        format!("{ks:.3}"),
        match p_value {
            ..0.0001 => "< 0.0001".to_owned(),
            p_value => format!("{p_value:.4}"),
        },
    ]
}

/// What to do about it; `None` where nothing is to be done.
pub fn advice(model: &ModelSummary) -> Option<String> {
    let name = &model.name;
    match model.lately?.drift.verdict() {
        Verdict::TooFew | Verdict::Steady => None,
        Verdict::Grown => Some(format!(
            "the errors of {name} have grown: it flags more than it states; look at what has changed in the \
             data, or train on later rows (a later [split], or `retrain = \"every 90d\"`)"
        )),
        Verdict::Shrunk => Some(format!(
            "the errors of {name} have shrunk: its threshold is high by now, and it flags less than it states; \
             calibrate on later rows (a later [split], or `retrain = \"every 90d\"`)"
        )),
    }
}

impl Summary {
    /// The errors of the last sessions beside those of calibration, with a sentence of advice.
    pub(super) fn write_drift(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.models.iter().filter_map(|model| Some((model, model.lately?)));
        let told: Vec<(&ModelSummary, Lately)> = told.collect();
        if told.is_empty() {
            return Ok(());
        }
        writeln!(f, "errors of the last sessions beside those of calibration\n")?;
        let header = ["model", "sessions", "from", "to", "scores", "PSI", "KS", "p-value"];
        let mut lines = vec![header.map(str::to_owned).to_vec()];
        lines.extend(told.iter().map(|(model, lately)| line(model, lately)));
        write_columns(f, &lines, &[false, true, false, false, true, true, true, true])?;
        writeln!(
            f,
            "\nPSI: population stability index over the deciles of calibration, below 0.1 no change, above 0.25 a \
             large one;\nKS: largest distance of the two distributions, its p-value as if all scores were \
             independent.\n"
        )?;
        let advised: Vec<String> = told.iter().filter_map(|(model, _)| advice(model)).collect();
        for advice in &advised {
            writeln!(f, "- {advice}")?;
        }
        if advised.is_empty() {
            let is_few = |(_, lately): &(_, Lately)| lately.drift.verdict() == Verdict::TooFew;
            writeln!(
                f,
                "- {}",
                match told.iter().all(is_few) {
                    true => "too few later scores to say whether errors have changed",
                    false => "the errors are what they were in calibration",
                }
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use oddlot_series::Distribution;

    use super::*;

    fn bins() -> ScoreBins {
        let calibration: Vec<f64> = (0..1_000).map(f64::from).collect();
        ScoreBins::of(&Distribution::new(&calibration)).unwrap()
    }

    /// One score a day, `score` of the day.
    fn counts(days: std::ops::Range<i32>, score: impl Fn(i32) -> f64) -> DayCounts {
        let mut counts = DayCounts::default();
        for day in days {
            counts.count(day, bins().bin(score(day)).unwrap());
        }
        counts
    }

    #[test]
    fn the_last_sessions_are_told_and_earlier_ones_are_not() {
        // Early days are calm, the last 120 beyond everything.
        let counts = counts(0..300, |day| if day < 180 { 0.0 } else { 5_000.0 });
        let lately = Lately::of(Some(&bins()), &counts).unwrap();
        assert_eq!((lately.n_sessions, lately.days, lately.drift.n), (120, (180, 299), 120));
        assert_eq!(lately.drift.verdict(), Verdict::Grown);
        assert_eq!(lately.json()["verdict"], "grown");
        let model =
            ModelSummary { name: "ae".into(), lately: Some(lately), ..ModelSummary::default() };
        assert!(advice(&model).unwrap().starts_with("the errors of ae have grown"));
    }

    #[test]
    fn parts_and_years_add_up_and_what_is_too_old_is_dropped() {
        let all = counts(0..200, |day| f64::from(day * 5));
        let mut sum = counts(0..120, |day| f64::from(day * 5));
        sum.add(&counts(120..200, |day| f64::from(day * 5)));
        assert_eq!(sum, all);
        sum.keep_until(199 + DAYS_KEPT - 10);
        assert_eq!(sum, counts(190..200, |day| f64::from(day * 5)));
        let even = Lately::of(Some(&bins()), &all).unwrap();
        assert_eq!((even.n_sessions, even.days), (120, (80, 199)));
        // A series that was seen twice in two years: the earlier is no session of the last.
        let mut old = counts(0..1, |_| 1.0);
        old.add(&counts(500..501, |_| 1.0));
        assert_eq!(Lately::of(Some(&bins()), &old).unwrap().n_sessions, 1);
    }

    #[test]
    fn without_scores_or_calibration_nothing_is_told() {
        assert_eq!(Lately::of(Some(&bins()), &DayCounts::default()), None);
        assert_eq!(Lately::of(None, &counts(0..9, f64::from)), None);
        let few = Lately::of(Some(&bins()), &counts(0..9, f64::from)).unwrap();
        assert_eq!(few.drift.verdict(), Verdict::TooFew);
        let models =
            vec![ModelSummary { name: "ae".into(), lately: Some(few), ..ModelSummary::default() }];
        struct Written(Summary);
        impl fmt::Display for Written {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write_drift(f)
            }
        }
        let told = Written(Summary { models, ..Summary::default() }).to_string();
        assert!(told.contains("- too few later scores"), "{told}");
        assert_eq!(Written(Summary::default()).to_string(), "");
    }

    #[test]
    fn counts_come_back_from_json() {
        let counts = counts(0..5, f64::from);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"0":{"0":1},"1":{"0":1},"2":{"0":1},"3":{"0":1},"4":{"0":1}}"#);
        assert_eq!(serde_json::from_str::<DayCounts>(&json).unwrap(), counts);
    }
}
