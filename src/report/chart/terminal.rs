//! A chart in the terminal: braille dots for what was observed and expected, and a mark for each flag.

use std::fmt::Write;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::symbols::Marker;
use ratatui_core::text::Span;
use ratatui_core::widgets::Widget;
use ratatui_widgets::chart::{Axis, Chart, Dataset, GraphType};

use super::{Row, Series, Severity};
use crate::number::{change, fixed, iso, or_dash, printable, short};
use crate::picture::Ink;
use crate::scale::extent;

/// Flagged rows that are listed below.
const LISTED: usize = 8;

/// Whether the terminal is given colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// By escape sequences.
    Ansi,
    /// None.
    Plain,
}

/// Two panels and the newest flagged rows, as wide and high as told, in characters.
pub fn terminal(series: &Series, (width, height): (u16, u16), colours: Colours) -> String {
    let (width, height) = (width.clamp(40, 400), height.clamp(12, 200));
    let n_flags = series.flags().count();
    let mut text = format!(
        "{} · {}, model {} of pipeline {}: {} rows, {n_flags} flagged\n",
        printable(&series.ticker),
        printable(&series.unit),
        printable(&series.model),
        printable(&series.pipeline),
        series.rows.len()
    );
    if series.rows.is_empty() {
        text.push_str("no rows in this range\n");
        return text;
    }
    let upper = height * 2 / 3;
    let panels = [
        Panel {
            of: &[|row| row.observed, |row| row.expected],
            flag: |row| row.observed,
            is_score: false,
        },
        Panel {
            of: &[|row| row.score, |row| row.threshold],
            flag: |row| row.score,
            is_score: true,
        },
    ];
    for (panel, height) in panels.into_iter().zip([upper, height - upper]) {
        write(&mut text, &panel.drawn(series, (width, height)), colours);
    }
    list(&mut text, series, n_flags);
    text
}

type Part = fn(&Row) -> Option<f64>;

struct Panel<'a> {
    of: &'a [Part; 2],
    flag: Part,
    is_score: bool,
}

impl Panel<'_> {
    fn drawn(&self, series: &Series, (width, height): (u16, u16)) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let rows = &series.rows;
        let points = |of: Part| -> Vec<(f64, f64)> {
            let point = |row: &Row| Some((row.ts as f64, of(row).filter(|y| y.is_finite())?));
            rows.iter().filter_map(point).collect()
        };
        let [first, second] = [points(self.of[0]), points(self.of[1])];
        let shown = first.iter().chain(self.is_score.then_some(&second).into_iter().flatten());
        let Some((low, high)) = extent(shown.map(|(_, y)| *y)) else { return buffer };
        let low = if self.is_score { low.min(0.0) } else { low };
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let pad = 0.03 * (high - low);
        let bounds = [if self.is_score { low } else { low - pad }, high + pad];
        let flags: Vec<(Severity, Vec<(f64, f64)>)> = Severity::ALL
            .into_iter()
            .map(|severity| {
                let of = series.flags().filter(|(_, flag)| *flag == severity);
                let point = |(row, _): (&Row, Severity)| {
                    (row.ts as f64, (self.flag)(row).filter(|y| y.is_finite()).unwrap_or(bounds[0]))
                };
                (severity, of.map(point).collect())
            })
            .collect();

        let names = match self.is_score {
            true => ["score", "threshold"],
            false => ["observed", "expected"],
        };
        let inks = match self.is_score {
            true => [Ink::Score, Ink::Threshold],
            false => [Ink::Observed, Ink::Expected],
        };
        let line = |name: &'static str, ink: Ink, points| {
            Dataset::default()
                .name(name)
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(Style::new().fg(colour(ink)))
                .data(points)
        };
        let mut sets = vec![line(names[1], inks[1], &second), line(names[0], inks[0], &first)];
        sets.extend(flags.iter().filter(|(_, points)| !points.is_empty()).map(
            |(severity, points)| {
                Dataset::default()
                    .name(severity.words())
                    .marker(Marker::Dot)
                    .graph_type(GraphType::Scatter)
                    .style(Style::new().fg(colour(severity.look().1)).add_modifier(Modifier::BOLD))
                    .data(points)
            },
        ));
        let (start, end) = (rows[0].ts, rows[rows.len() - 1].ts);
        let (from, to) = if start < end { (start, end) } else { (start - 1, end + 1) };
        let days = [Span::raw(iso(start)), Span::raw(iso((start + end) / 2)), Span::raw(iso(end))];
        let labels =
            [bounds[0], (bounds[0] + bounds[1]) / 2.0, bounds[1]].map(|y| Span::raw(short(y)));
        Chart::new(sets)
            .x_axis(Axis::default().bounds([from as f64, to as f64]).labels(days))
            .y_axis(Axis::default().bounds(bounds).labels(labels))
            .render(area, &mut buffer);
        buffer
    }
}

fn colour(ink: Ink) -> Color {
    match ink {
        Ink::Observed | Ink::Score => Color::Reset,
        Ink::Expected => Color::Cyan,
        Ink::Threshold => Color::Magenta,
        Ink::Low => Color::Yellow,
        Ink::Medium => Color::LightRed,
        _ => Color::Red,
    }
}

/// The cells line by line; a style is set where it begins and reset where it ends.
fn write(text: &mut String, buffer: &Buffer, colours: Colours) {
    let area = buffer.area;
    for y in 0..area.height {
        let mut line = String::new();
        let mut last = Color::Reset;
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            if colours == Colours::Ansi && cell.fg != last {
                line.push_str(escape(cell.fg));
                last = cell.fg;
            }
            line.push_str(cell.symbol());
        }
        if last != Color::Reset {
            line.push_str(escape(Color::Reset));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn escape(colour: Color) -> &'static str {
    match colour {
        Color::Cyan => "\x1b[36m",
        Color::Magenta => "\x1b[35m",
        Color::Yellow => "\x1b[33m",
        Color::LightRed => "\x1b[91m",
        Color::Red => "\x1b[31m",
        _ => "\x1b[0m",
    }
}

fn list(text: &mut String, series: &Series, n_flags: usize) {
    if n_flags == 0 {
        return;
    }
    text.push_str("\nflagged       observed    expected    return  score/threshold  severity\n");
    let flags: Vec<_> = series.flags().collect();
    for (row, severity) in flags.iter().rev().take(LISTED) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<12}{:>10}  {:>10}  {:>8}  {:>15}  {}",
            iso(row.ts),
            or_dash(row.observed, short),
            or_dash(row.expected, short),
            or_dash(row.return_pct, change),
            or_dash(row.ratio(), |ratio| fixed(ratio, 2)),
            severity.words()
        );
    }
    if n_flags > LISTED {
        let _ = writeln!(text, "… and {} before", n_flags - LISTED);
    }
}
