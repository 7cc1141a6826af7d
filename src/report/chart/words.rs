//! What stands above a chart, and what is read of it to those who do not see it.

use std::collections::BTreeMap;

use super::drawn::FONT;
use super::{Row, Series, Severity};
use crate::number::{count, iso, printable};
use crate::picture::{Anchor, Ink, Mark, Picture, text_width};

pub(super) fn title(series: &Series) -> String {
    format!("{} · {}", printable(&series.ticker), printable(&series.model))
}

pub(super) fn subtitle(series: &Series) -> String {
    let n_flags = series.flags().count() as u64;
    let n_events = series.events.len() as u64;
    let days = match (series.rows.first(), series.rows.last()) {
        (Some(first), Some(last)) => format!("{} … {}", iso(first.ts), iso(last.ts)),
        _ => "no rows".into(),
    };
    let plural =
        |n: u64, what: &str| format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" });
    format!(
        "{days}  ·  {}  ·  {} in {}  ·  pipeline {}",
        plural(series.rows.len() as u64, "row"),
        plural(n_flags, "flag"),
        plural(n_events, "event"),
        printable(&series.pipeline)
    )
}

pub(super) fn description(series: &Series) -> String {
    let by_severity: Vec<String> = Severity::ALL
        .into_iter()
        .filter_map(|severity| {
            let n = series.flags().filter(|(_, of)| *of == severity).count();
            (n > 0).then(|| format!("{n} at {}", severity.words()))
        })
        .collect();
    let flags = match by_severity.as_slice() {
        [] => "none flagged".to_owned(),
        some => format!("flagged: {}", some.join(", ")),
    };
    format!(
        "Above, {} with what the model expected; below, its score against the threshold. {}; {flags}.",
        printable(&series.unit),
        subtitle(series)
    )
}

/// Glyphs with words, from left to right; returns how far down it reaches.
pub(super) fn legend(picture: &mut Picture, series: &Series, width: f64, top: f64) -> f64 {
    let has = |what: fn(&Row) -> bool| series.rows.iter().any(what);
    let has_band = has(|row| row.lower.is_some() && row.upper.is_some());
    let has_expected = has(|row| row.expected.is_some());
    let mut entries: Vec<(&str, Glyph)> = vec![("observed", Glyph::Line(Ink::Observed))];
    if has_expected {
        entries.push(("expected", Glyph::Line(Ink::Expected)));
    }
    if has_band {
        entries.push(("not flagged within", Glyph::Box(Ink::Band)));
    }
    if !series.events.is_empty() {
        entries.push(("event", Glyph::Box(Ink::Event)));
    }
    let mut seen: BTreeMap<Severity, usize> = BTreeMap::new();
    for (_, severity) in series.flags() {
        *seen.entry(severity).or_default() += 1;
    }
    for severity in seen.keys() {
        let (mark, ink) = severity.look();
        entries.push((severity.words(), Glyph::Mark(mark, ink)));
    }
    let (mut x, mut y) = (16.0, top);
    for (words, glyph) in entries {
        let needed = 26.0 + text_width(words, FONT) + 14.0;
        if x + needed > width && x > 16.0 {
            (x, y) = (16.0, y + 19.0);
        }
        match glyph {
            Glyph::Line(ink) => picture.line(vec![(x, y), (x + 20.0, y)], ink, 2.0),
            Glyph::Box(ink) => picture.rect((x, y - 6.0), (x + 20.0, y + 6.0), ink),
            Glyph::Mark(mark, ink) => picture.mark((x + 10.0, y), mark, ink, 4.5),
        }
        picture.text((x + 26.0, y), words, (FONT, Ink::Text, Anchor::Start));
        x += needed;
    }
    y + 14.0
}

enum Glyph {
    Line(Ink),
    Box(Ink),
    Mark(Mark, Ink),
}
