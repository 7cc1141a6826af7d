//! Figures as a person reads them: on a terminal, or in Markdown.

use std::fmt::Write as _;

use super::Threshold;
use super::mean::{Evaluation, Row};
use crate::diagnostic::name;

/// A column: what it is called, which figure, decimals.
type Column = (&'static str, &'static str, usize);

const OF_SCORES: [Column; 4] = [
    ("VUS-PR", "vus_pr", 4),
    ("VUS-ROC", "vus_roc", 4),
    ("AUC-PR", "auc_pr", 4),
    ("AUC-ROC", "auc_roc", 4),
];

const OF_FLAGS: [Column; 9] = [
    ("flags", "flags", 0),
    ("F1", "f1", 3),
    ("range F1", "range_f1", 3),
    ("affiliation F1", "affiliation_f1", 3),
    ("NAB", "nab", 1),
    ("low FP", "nab_low_fp", 1),
    ("low FN", "nab_low_fn", 1),
    ("event recall", "event_recall", 3),
    ("precision", "event_precision", 3),
];

const OF_TIMES: [Column; 2] =
    [("latency days", "latency_days", 1), ("false/year", "false_alarms_per_year", 1)];

const OF_NUMBERS: [Column; 2] =
    [("latency rows", "latency_rows", 1), ("false/1000 rows", "false_alarms_per_1000_rows", 1)];

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Aligned columns.
    Plain,
    /// Markdown.
    Markdown,
}

/// All tables, each with its title, and what is to be known of them.
pub fn text(evaluation: &Evaluation, style: Style) -> String {
    let mut text = head(evaluation);
    for part in std::iter::once(("", &evaluation.all))
        .chain(evaluation.groups.iter().map(|part| (part.name.as_str(), &part.rows)))
    {
        let (group, rows) = part;
        for threshold in Threshold::ALL {
            let title = match group {
                "" => title(threshold).to_owned(),
                group => format!("{}: {}", name(group), title(threshold)),
            };
            let _ = match style {
                Style::Plain => write!(text, "\n{title}\n"),
                Style::Markdown => write!(text, "\n**{title}**\n\n"),
            };
            text.push_str(&table(rows, threshold, evaluation.is_numbered, style));
        }
    }
    text.push('\n');
    for note in notes(evaluation) {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn title(threshold: Threshold) -> &'static str {
    match threshold {
        Threshold::Any => "whatever the threshold",
        Threshold::Own => "at its own threshold",
        Threshold::Oracle => {
            "ORACLE: at the threshold with the best F1 on these labels, which nobody has in time"
        }
    }
}

fn head(evaluation: &Evaluation) -> String {
    let Evaluation { n_tickers, n_rows, n_anomalous, n_events, windows, .. } = evaluation;
    let share = 100.0 * *n_anomalous as f64 / (*n_rows).max(1) as f64;
    let windows = match windows {
        (least, most) if least == most => format!("{most} rows"),
        (least, most) => format!("{least} to {most} rows"),
    };
    let tickers = if *n_tickers == 1 { "ticker" } else { "tickers" };
    let events = if *n_events == 1 { "event" } else { "events" };
    format!(
        "{n_tickers} {tickers}, {n_rows} rows, {n_anomalous} anomalous ({share:.2} %) in {n_events} {events}; \
         windows of VUS: {windows}\n"
    )
}

fn notes(evaluation: &Evaluation) -> Vec<String> {
    let mut notes = evaluation.notes.clone();
    let n_unlabelled = evaluation.unlabelled.len();
    if n_unlabelled > 0 {
        let some: Vec<String> =
            evaluation.unlabelled.iter().take(3).map(|ticker| name(ticker)).collect();
        let more = if n_unlabelled > some.len() { ", …" } else { "" };
        notes.push(format!(
            "{n_unlabelled} of {} tickers have no anomaly there ({}{more}): only their false alarms count",
            evaluation.n_tickers,
            some.join(", ")
        ));
    }
    notes.push(
        "in brackets: what needs no detector; it flags its highest hundredth. [random] is the mean of three seeds"
            .to_owned(),
    );
    notes
}

fn table(rows: &[Row], threshold: Threshold, is_numbered: bool, style: Style) -> String {
    let columns: Vec<Column> = match (threshold, is_numbered) {
        (Threshold::Any, _) => OF_SCORES.to_vec(),
        (_, false) => [&OF_FLAGS[..], &OF_TIMES].concat(),
        (_, true) => [&OF_FLAGS[..], &OF_NUMBERS].concat(),
    };
    let header = std::iter::once("model").chain(columns.iter().map(|column| column.0));
    let mut lines: Vec<Vec<String>> = vec![header.map(str::to_owned).collect()];
    for row in rows.iter().filter(|row| !row.values[threshold as usize].is_empty()) {
        let cell = |&(_, figure, decimals): &Column| {
            row.get(threshold, figure)
                .map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
        };
        lines.push(std::iter::once(name(&row.name)).chain(columns.iter().map(cell)).collect());
    }
    match style {
        Style::Plain => plain(&lines),
        Style::Markdown => markdown(&lines),
    }
}

/// Names to the left, figures to the right, two blanks between.
fn plain(lines: &[Vec<String>]) -> String {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

fn markdown(lines: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (line_idx, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if line_idx == 0 {
            let _ = writeln!(text, "|---|{}", "---:|".repeat(line.len() - 1));
        }
    }
    text
}
