//! The result as a person reads it.

use std::fmt;

use oddlot_engine::ticker_rows::iso_date;
use oddlot_series::threshold::rate::percent;

use super::{EventSummary, ModelSummary, Realised, Summary};
use crate::diagnostic::name;

/// Two errors nearer than this share are called equal: on a few thousand days a smaller difference
/// says nothing.
const EQUAL_SHARE: f64 = 0.005;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, last)) = self.test_days else {
            return writeln!(f, "no row lies in the test span");
        };
        if self.is_archive {
            return self.write_archive(f, [first, last].map(iso_date));
        }
        write!(f, "test span {} … {}: {} rows", iso_date(first), iso_date(last), self.n_test_rows)?;
        if let Some(share) = self.outside_share {
            write!(f, ", {:.2} % of values outside the training range", 100.0 * share)?;
        }
        writeln!(f, "\n")?;
        let mut lines = vec![header()];
        lines.extend(self.models.iter().map(|model| self.model_line(model)));
        write_columns(f, &lines, &[false, false, true, false, true, true, true, true])?;
        writeln!(
            f,
            "\nMAE: mean absolute error per value, in training standard deviations of the feature;"
        )?;
        writeln!(f, "naive: the same error of the simplest rivals over the same windows.\n")?;
        self.write_rates(f)?;
        self.write_drift(f)?;
        for verdict in self.verdicts() {
            writeln!(f, "- {verdict}")?;
        }
        self.write_events(f, "strongest events of the test span")
    }
}

fn header() -> Vec<String> {
    ["model", "detector", "held-out MAE", "naive", "threshold", "flags", "of rows", "events"]
        .map(str::to_owned)
        .into()
}

fn event_header() -> Vec<String> {
    ["ticker", "days", "return", "score/threshold", "flagged by"].map(str::to_owned).into()
}

impl Summary {
    /// What the figures say of its networks, in sentences.
    pub fn verdicts(&self) -> Vec<String> {
        self.models.iter().filter(|model| model.is_network).flat_map(verdicts).collect()
    }

    /// How often each says that it flags a calm day, beside how often it flagged any.
    fn write_rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["model", "stated rate", "realised", "95 % interval", "threshold"];
        let mut lines = vec![header.map(str::to_owned).to_vec()];
        lines.extend(self.models.iter().map(rate_line));
        write_columns(f, &lines, &[false, true, true, true, false])?;
        writeln!(
            f,
            "\nrealised: share of the test rows with a score of the model's own that it flagged, anomalies \
             included; the interval\n(Wilson's) counts a run of flags by its design effect and takes runs and \
             tickers as independent.\n"
        )
    }

    /// An archive holds no row out, so there is no error to tell: only what was flagged.
    fn write_archive(&self, f: &mut fmt::Formatter<'_>, [first, last]: [String; 2]) -> fmt::Result {
        let n_rows = self.n_test_rows;
        writeln!(
            f,
            "archive {first} … {last}: {n_rows} rows, all scored by what learnt from all\n"
        )?;
        let header = ["model", "detector", "scored", "flags", "of rows", "events"];
        let mut lines = vec![header.map(str::to_owned).to_vec()];
        lines.extend(self.models.iter().map(|model| {
            let share = 100.0 * model.n_flags as f64 / n_rows.max(1) as f64;
            vec![
                model.name.clone(),
                model.detector.clone(),
                model.n_scored.to_string(),
                model.n_flags.to_string(),
                format!("{share:.2} %"),
                model.n_events.to_string(),
            ]
        }));
        write_columns(f, &lines, &[false, false, true, true, true, true])?;
        self.write_events(f, "strongest events")
    }

    fn write_events(&self, f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
        if self.events.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{title}")?;
        let mut lines = vec![event_header()];
        lines.extend(self.events.iter().map(event_line));
        write_columns(f, &lines, &[false, false, true, true, false])
    }

    fn model_line(&self, model: &ModelSummary) -> Vec<String> {
        let kind = if model.reconstructs { "window" } else { "next row" };
        let rivals: Vec<String> =
            model.rivals.iter().map(|(name, mae)| format!("{name} {mae:.4}")).collect();
        let share = 100.0 * model.n_flags as f64 / self.n_test_rows.max(1) as f64;
        vec![
            model.name.clone(),
            model.detector.clone(),
            model.mae.map_or_else(|| "–".into(), |mae| format!("{kind} {mae:.4}")),
            if model.is_network { rivals.join(", ") } else { String::new() },
            model.threshold.map_or_else(|| "–".into(), |threshold| format!("{threshold:.3}")),
            model.n_flags.to_string(),
            format!("{share:.2} %"),
            model.n_events.to_string(),
        ]
    }
}

/// `0.62 %`, of which an interval says how little that may mean.
fn rate_line(model: &ModelSummary) -> Vec<String> {
    let stated = model.stated_rate.map_or_else(|| "no rate stated".into(), |rate| rate.to_string());
    let realised = model.realised.as_ref();
    vec![
        model.name.clone(),
        stated,
        realised.map_or_else(|| "–".into(), |realised| percent(realised.rate)),
        realised.map_or_else(String::new, |Realised { interval: (low, high), .. }| {
            format!("{} … {}", percent(*low), percent(*high))
        }),
        model.threshold_words.clone(),
    ]
}

fn event_line(event: &EventSummary) -> Vec<String> {
    let (first, last) = event.days;
    vec![
        name(&event.ticker),
        match first == last {
            true => iso_date(first),
            false => format!(
                "{} … {}, peak {}",
                iso_date(first),
                iso_date(last),
                iso_date(event.peak_day)
            ),
        },
        event.return_pct.map_or_else(|| "–".into(), |percent| format!("{percent:+.2} %")),
        match event.ratio < f64::MAX {
            true => format!("{:.2}", event.ratio),
            false => "break".into(),
        },
        event.models.join(", "),
    ]
}

/// What the figures say of a network, in words.
fn verdicts(model: &ModelSummary) -> Vec<String> {
    let mut verdicts = Vec::new();
    if let Some(mae) = model.mae {
        let what = if model.reconstructs { "reconstructs windows" } else { "forecasts" };
        let rivals = model.rivals.iter().chain(&model.baselines);
        let best = rivals.min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((name, rival)) = best {
            let difference = 100.0 * (mae / rival - 1.0);
            verdicts.push(if *rival == 0.0 {
                format!("{} {what} no better than `{name}`, which makes no error", model.name)
            } else if mae < rival * (1.0 - EQUAL_SHARE) {
                format!(
                    "{} {what} {:.1} % better than `{name}`, the best of its rivals",
                    model.name, -difference
                )
            } else if mae <= rival * (1.0 + EQUAL_SHARE) {
                format!(
                    "{} {what} no better than `{name}` ({difference:+.1} %): it adds nothing there",
                    model.name
                )
            } else {
                format!(
                    "{} {what} {difference:.1} % worse than `{name}`: it adds nothing there",
                    model.name
                )
            });
        }
    }
    if let Some(correlation) = model.correlation {
        let words = match correlation {
            c if c > 0.98 => ": it repeats the size of the move, and a baseline would do",
            c if c > 0.9 => ": mostly the size of the move",
            _ => "",
        };
        verdicts.push(format!(
            "{}'s score follows the plain size of the feature with a correlation of {correlation:.3}{words}",
            model.name
        ));
    }
    if let Some((baseline, shared)) = model.like.as_ref().filter(|_| model.n_flags > 0) {
        let (name, all) = (&model.name, model.n_flags);
        let own = all - shared;
        verdicts.push(format!(
            "of {name}'s {all} flagged rows `{baseline}` flags {shared} too; {own} are its own"
        ));
    }
    verdicts
}

/// Columns two spaces apart; `is_right` says which are aligned to the right.
pub(super) fn write_columns(
    f: &mut fmt::Formatter<'_>,
    lines: &[Vec<String>],
    is_right: &[bool],
) -> fmt::Result {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..is_right.len()).map(width).collect();
    for line in lines {
        let mut text = String::new();
        for ((cell, width), is_right) in line.iter().zip(&widths).zip(is_right) {
            let padding = " ".repeat(width - cell.chars().count());
            let (before, after) =
                if *is_right { (padding.as_str(), "") } else { ("", padding.as_str()) };
            text.push_str(&format!("{before}{cell}{after}  "));
        }
        writeln!(f, "{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
