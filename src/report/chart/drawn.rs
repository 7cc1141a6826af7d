//! The two panels of a price chart.

use super::frame::{Frame, INSET, SCORES, VALUES, closeness, zoom};
use super::words::{description, legend, subtitle, title};
use super::{Row, Series, Severity, thin};
use crate::number::{change, fixed, iso, printable, short};
use crate::picture::{Anchor, Fit, Ink, Mark, Part, Picture, text_width};
use crate::scale::{Scale, extent, time_ticks};

/// Prices of more than this ratio are told on a logarithmic axis.
const LOG_RATIO: f64 = 6.0;
pub(super) const FONT: f64 = 12.0;

/// Draws `series` as wide and high as told, in pixels.
pub fn picture(series: &Series, size: (f64, f64)) -> Picture {
    drawn(series, size, 1.0)
}

/// The same, fine enough to be looked at closely on a page.
pub(super) fn zoomable(series: &Series, size: (f64, f64)) -> Picture {
    drawn(series, size, closeness(series, size.0))
}

fn drawn(series: &Series, (width, height): (f64, f64), closeness: f64) -> Picture {
    let mut picture = Picture::new((width, height), title(series), description(series));
    picture.rect((0.0, 0.0), (width, height), Ink::Paper);
    picture.text((16.0, 22.0), title(series), (17.0, Ink::Text, Anchor::Start));
    picture.text((16.0, 44.0), subtitle(series), (FONT, Ink::Muted, Anchor::Start));
    let below_legend = legend(&mut picture, series, width, 66.0);

    let frame = Frame { closeness, ..frame(series, width, height, below_legend) };
    let Some((first, last)) = series.rows.first().zip(series.rows.last()) else {
        let middle = (width / 2.0, height / 2.0);
        picture.text(middle, "no rows in this range", (14.0, Ink::Muted, Anchor::Middle));
        return picture;
    };
    let (first, last) = (first.ts, last.ts);
    let pad = if first == last { crate::number::DAY_US as f64 } else { 0.0 };
    let time = Scale::linear(
        (first as f64 - pad, last as f64 + pad),
        (frame.left + INSET, frame.right - INSET),
    );
    shade_events(&mut picture, series, &frame, &time);
    time_axis(&mut picture, &frame, &time, (first, last));
    let observed = observed_scale(&series.rows, frame.upper);
    value_axis(
        &mut picture,
        &frame,
        frame.upper,
        (VALUES, &observed.placed(6)),
        &value_title(series, &observed),
    );
    let scores = score_scale(&series.rows, frame.lower);
    let score_title = if scores.is_some() { "score" } else { "no scores in this range" };
    let score_ticks = scores.as_ref().map(|scale| scale.placed(4)).unwrap_or_default();
    value_axis(&mut picture, &frame, frame.lower, (SCORES, &score_ticks), score_title);
    draw_upper(&mut picture, series, &frame, (&time, &observed));
    if let Some(scores) = &scores {
        draw_lower(&mut picture, series, &frame, (&time, scores));
    }
    draw_flags(&mut picture, series, &frame, (&time, &observed, scores.as_ref()));
    picture.zoom = zoom(series, &frame, &time, [Some(&observed), scores.as_ref()]);
    picture
}

/// The left margin holds the widest label.
fn frame(series: &Series, width: f64, height: f64, top: f64) -> Frame {
    let room = height - top - 30.0;
    let upper = (top + 20.0, top + 0.62 * room);
    let lower = (upper.1 + 30.0, height - 30.0);
    let ticks = observed_scale(&series.rows, upper).ticks(6);
    let widest = ticks.iter().map(|(_, label)| text_width(label, FONT)).fold(24.0, f64::max);
    Frame { left: 18.0 + widest + 8.0, right: width - 16.0, upper, lower, closeness: 1.0 }
}

fn observed_scale(rows: &[Row], (top, bottom): (f64, f64)) -> Scale {
    let observed = || rows.iter().filter_map(|row| row.observed);
    let Some((low, high)) = extent(observed()) else {
        return Scale::linear((0.0, 1.0), (bottom, top));
    };
    // Bounds widen the axis as far as they can be seen beside the values, and no further.
    let room = 0.5 * (high - low).max(1e-9 * high.abs());
    let bounds = rows.iter().flat_map(|row| [row.lower, row.upper, row.expected]).flatten();
    let bounds = bounds.filter(|bound| (low - room..=high + room).contains(bound));
    let (low, high) = extent(observed().chain(bounds)).unwrap_or((low, high));
    if low > 0.0 && high / low > LOG_RATIO {
        return Scale::log((low / 1.05, high * 1.05), (bottom, top));
    }
    let pad = 0.04 * (high - low);
    Scale::linear((low - pad, high + pad), (bottom, top))
}

fn score_scale(rows: &[Row], (top, bottom): (f64, f64)) -> Option<Scale> {
    let values = rows.iter().flat_map(|row| [row.score, row.threshold]).flatten();
    let (low, high) = extent(values)?;
    Some(Scale::linear((low.min(0.0), high * 1.06), (bottom, top)))
}

fn value_title(series: &Series, scale: &Scale) -> String {
    let is_log = scale.is_log();
    format!("{}{}", printable(&series.unit), if is_log { ", logarithmic" } else { "" })
}

fn shade_events(picture: &mut Picture, series: &Series, frame: &Frame, time: &Scale) {
    let n = series.rows.len().max(2) as f64;
    let half = (0.5 * (frame.right - frame.left) / n).clamp(1.5, 8.0);
    for event in &series.events {
        let from = (time.within(event.start as f64) - half).max(frame.left);
        let to = (time.within(event.end as f64) + half).min(frame.right);
        picture.part(Part::Span {
            panel: None,
            from: time.at(event.start as f64),
            to: time.at(event.end as f64),
        });
        for (top, bottom) in frame.panels() {
            picture.rect((from, top), (to, bottom), Ink::Event);
        }
    }
}

fn time_axis(picture: &mut Picture, frame: &Frame, time: &Scale, (first, last): (i64, i64)) {
    let room = ((frame.right - frame.left) / 84.0).floor().max(2.0) as usize;
    picture.part(Part::TimeTicks);
    for (ts, label) in time_ticks(first, last, room) {
        let x = time.at(ts as f64);
        for (top, bottom) in frame.panels() {
            picture.line(vec![(x, top), (x, bottom)], Ink::Grid, 1.0);
        }
        picture.line(vec![(x, frame.lower.1), (x, frame.lower.1 + 5.0)], Ink::Axis, 1.0);
        let half = text_width(&label, FONT) / 2.0;
        let at = x.clamp(half + 4.0, frame.right + 12.0 - half);
        picture.text((at, frame.lower.1 + 15.0), label, (FONT, Ink::Muted, Anchor::Middle));
    }
}

fn value_axis(
    picture: &mut Picture,
    frame: &Frame,
    (top, bottom): (f64, f64),
    (panel, ticks): (usize, &[(f64, String)]),
    title: &str,
) {
    picture.part(Part::ValueTicks { panel });
    for (y, label) in ticks {
        picture.line(vec![(frame.left, *y), (frame.right, *y)], Ink::Grid, 1.0);
        picture.text((frame.left - 7.0, *y), label.as_str(), (FONT, Ink::Muted, Anchor::End));
    }
    picture.part(Part::Still);
    picture.text((frame.left, top - 10.0), title, (FONT, Ink::Muted, Anchor::Start));
    picture.line(vec![(frame.left, bottom), (frame.right, bottom)], Ink::Axis, 1.0);
    picture.line(vec![(frame.left, top), (frame.left, bottom)], Ink::Axis, 1.0);
}

fn draw_upper(
    picture: &mut Picture,
    series: &Series,
    frame: &Frame,
    (time, values): (&Scale, &Scale),
) {
    let at = |row: &Row| time.at(row.ts as f64);
    let y = |value| frame.y(values, value, frame.upper);
    picture.part(Part::Curve { panel: VALUES, fit: Fit::Near });
    for (low, high) in bands(&series.rows, |row| (at(row), frame.column(at(row)))) {
        let down = low.into_iter().map(|(x, low)| (x, y(low)));
        let up = high.into_iter().rev().map(|(x, high)| (x, y(high)));
        picture.area(down.chain(up).collect(), Ink::Band);
    }
    let expected: Optional = series.rows.iter().map(|row| (at(row), row.expected)).collect();
    let observed: Optional = series.rows.iter().map(|row| (at(row), row.observed)).collect();
    for (points, ink, width, fit) in
        [(expected, Ink::Expected, 1.2, Fit::Near), (observed, Ink::Observed, 1.5, Fit::Whole)]
    {
        curve(picture, points, (frame, VALUES, fit), (ink, width, &y));
    }
}

/// Lines where there are values, and a dot where there is a single one between two that are missing.
fn curve(
    picture: &mut Picture,
    points: Optional,
    (frame, panel, fit): (&Frame, usize, Fit),
    (ink, width, y): (Ink, f64, &dyn Fn(f64) -> f64),
) {
    for line in thin::lines(points.into_iter(), |x| frame.column(x)) {
        let line: Points = line.into_iter().map(|(x, value)| (x, y(value))).collect();
        match line.as_slice() {
            [only] => {
                picture.part(Part::Point { panel: Some(panel), at: *only });
                picture.mark(*only, Mark::Circle, ink, 1.5);
            }
            _ => {
                picture.part(Part::Curve { panel, fit });
                picture.line(line, ink, width);
            }
        }
    }
}

type Optional = Vec<(f64, Option<f64>)>;
type Points = Vec<(f64, f64)>;

/// Lower and upper outlines: of each pixel column the lowest lower bound and the highest upper one.
fn bands(rows: &[Row], at: impl Fn(&Row) -> (f64, i64)) -> Vec<(Points, Points)> {
    let mut bands: Vec<(Points, Points)> = vec![Default::default()];
    let mut last = None;
    for row in rows {
        let (x, column) = at(row);
        let bounds = row.lower.zip(row.upper);
        let Some((low, high)) = bounds.filter(|(low, high)| low.is_finite() && high.is_finite())
        else {
            last = None;
            bands.push(Default::default());
            continue;
        };
        let Some((lower, upper)) = bands.last_mut() else { continue };
        match (last == Some(column), lower.last_mut(), upper.last_mut()) {
            (true, Some(below), Some(above)) => {
                below.1 = below.1.min(low);
                above.1 = above.1.max(high);
            }
            _ => {
                lower.push((x, low));
                upper.push((x, high));
            }
        }
        last = Some(column);
    }
    bands.retain(|(lower, _)| lower.len() > 1);
    bands
}

fn draw_lower(
    picture: &mut Picture,
    series: &Series,
    frame: &Frame,
    (time, scores): (&Scale, &Scale),
) {
    let at = |row: &Row| time.at(row.ts as f64);
    let points = series.rows.iter().map(|row| (at(row), row.score)).collect();
    let y = |score| scores.at(score);
    curve(picture, points, (frame, SCORES, Fit::Whole), (Ink::Score, 1.2, &y));
    // One dashed line for as long as the threshold stays the same.
    let mut run: Option<(f64, f64, f64)> = None;
    let mut runs = Vec::new();
    for row in &series.rows {
        let x = at(row);
        match (row.threshold, &mut run) {
            (Some(threshold), Some((level, _, to))) if *level == threshold => *to = x,
            (threshold, run) => {
                runs.extend(std::mem::replace(run, threshold.map(|level| (level, x, x))))
            }
        }
    }
    runs.extend(run);
    for (level, from, to) in &runs {
        let y = scores.at(*level);
        picture.part(Part::Span { panel: Some(SCORES), from: *from, to: *to });
        picture.dashes((from - 3.0, y), (to + 3.0, y), Ink::Threshold, 1.6);
    }
    picture.part(Part::Still);
    // Above the panel, where no line runs through it.
    if let Some((level, ..)) = runs.last() {
        let (label, y) = (format!("threshold {}", fixed(*level, 3)), frame.lower.0 - 10.0);
        let begin = frame.right - text_width(&label, FONT) - 6.0;
        picture.dashes((begin - 24.0, y), (begin, y), Ink::Threshold, 1.6);
        picture.text((frame.right, y), label, (FONT, Ink::Threshold, Anchor::End));
    }
}

/// A mark in each panel for each flag; where a value is missing it stands at the panel's edge.
fn draw_flags(
    picture: &mut Picture,
    series: &Series,
    frame: &Frame,
    (time, values, scores): (&Scale, &Scale, Option<&Scale>),
) {
    // The gravest are drawn last, on top.
    let mut flags: Vec<(&Row, Severity)> = series.flags().collect();
    flags.sort_by_key(|(_, severity)| *severity);
    for (row, severity) in flags {
        let (mark, ink) = severity.look();
        let x = time.at(row.ts as f64);
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let above = finite(row.observed).map(|value| values.within(value));
        let below = finite(row.score).zip(scores).map(|(score, scale)| scale.within(score));
        let told = told(row, severity);
        let panels = [(VALUES, above, frame.upper.1 - 7.0), (SCORES, below, frame.lower.0 + 7.0)];
        for (panel, y, edge) in panels {
            let at = (x, y.unwrap_or(edge));
            picture.part(Part::Point { panel: y.map(|_| panel), at });
            picture.mark(at, mark, ink, 4.5);
            picture.hover(at, told.clone());
        }
    }
}

fn told(row: &Row, severity: Severity) -> String {
    let mut parts = vec![iso(row.ts)];
    parts.extend(row.observed.map(|value| format!("observed {}", short(value))));
    parts.extend(row.expected.map(|value| format!("expected {}", short(value))));
    parts.extend(row.return_pct.map(change));
    parts.push(match row.ratio() {
        Some(ratio) => format!("score {} × threshold", fixed(ratio, 2)),
        None => severity.words().to_owned(),
    });
    parts.join(", ")
}

/// One panel without legend, for many on a page.
pub(crate) fn small(series: &Series, (width, height): (f64, f64)) -> Picture {
    let mut picture = Picture::new((width, height), title(series), description(series));
    picture.rect((0.0, 0.0), (width, height), Ink::Paper);
    let Some((first, last)) = series.rows.first().zip(series.rows.last()) else {
        let middle = (width / 2.0, height / 2.0);
        picture.text(middle, "no rows", (FONT, Ink::Muted, Anchor::Middle));
        return picture;
    };
    let (first, last) = (first.ts, last.ts);
    let upper = (18.0, height - 24.0);
    let values = observed_scale(&series.rows, upper);
    let ticks = values.placed(4);
    let widest = ticks.iter().map(|(_, label)| text_width(label, FONT)).fold(20.0, f64::max);
    let closeness = closeness(series, width);
    let frame = Frame { left: widest + 12.0, right: width - 8.0, upper, lower: upper, closeness };
    let time =
        Scale::linear((first as f64, last as f64), (frame.left + INSET, frame.right - INSET));
    shade_events(&mut picture, series, &frame, &time);
    time_axis(&mut picture, &frame, &time, (first, last));
    value_axis(&mut picture, &frame, upper, (VALUES, &ticks), &value_title(series, &values));
    draw_upper(&mut picture, series, &frame, (&time, &values));
    for (row, severity) in series.flags() {
        let (mark, ink) = severity.look();
        let above = row.observed.filter(|value| value.is_finite());
        let y = above.map(|value| values.within(value));
        let at = (time.at(row.ts as f64), y.unwrap_or(upper.1 - 7.0));
        picture.part(Part::Point { panel: y.map(|_| VALUES), at });
        picture.mark(at, mark, ink, 4.5);
        picture.hover(at, told(row, severity));
    }
    picture.zoom = zoom(series, &frame, &time, [Some(&values), None]);
    picture
}
