//! Where the panels of a chart are, and how closely it can be looked at.

use super::Series;
use crate::picture::{Panel, Zoom};
use crate::scale::Scale;

/// Space beside the first and the last row.
pub(super) const INSET: f64 = 6.0;
/// The panel of the values and that of the scores.
pub(super) const VALUES: usize = 0;
pub(super) const SCORES: usize = 1;

/// So many rows are drawn each by itself where a chart can be looked at closely. Of more, so much is left out that
/// a page keeps its size, and it is looked at less closely.
const CLOSE_ROWS: usize = 30_000;
/// As closely as that rows are shown: so many on the whole width.
const ROWS_SHOWN: f64 = 5.0;
/// So many panels above and below its own a value that does not fit may lie.
const BEYOND: f64 = 20.0;

/// Where the panels are, in pixels.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) upper: (f64, f64),
    pub(super) lower: (f64, f64),
    /// How many times larger than drawn it can be looked at, and still shows what its rows say.
    pub(super) closeness: f64,
}

impl Frame {
    /// From above; a small chart has one.
    pub(super) fn panels(&self) -> impl Iterator<Item = (f64, f64)> {
        let lower = Some(self.lower).filter(|lower| *lower != self.upper);
        std::iter::once(self.upper).chain(lower)
    }

    /// Which column a row at `x` is drawn in.
    pub(super) fn column(&self, x: f64) -> i64 {
        // More than that are not told apart by an SVG.
        (2.0 * x * self.closeness.min(1e4)) as i64
    }

    /// The y of a value; where it can be looked at closely, outside of the panel as well.
    pub(super) fn y(&self, scale: &Scale, value: f64, (top, bottom): (f64, f64)) -> f64 {
        let beyond = if self.closeness > 1.0 { BEYOND * (bottom - top) } else { 0.0 };
        scale.at(value).clamp(top - beyond, bottom + beyond)
    }
}

/// How closely a chart of a page can be looked at.
pub(super) fn closeness(series: &Series, width: f64) -> f64 {
    match series.rows.len() {
        ..=CLOSE_ROWS => f64::INFINITY,
        // Each column keeps up to four.
        _ => (CLOSE_ROWS as f64 / (8.0 * width)).max(1.0),
    }
}

/// How the picture is shown more closely, if there is anything to be seen so.
pub(super) fn zoom(
    series: &Series,
    frame: &Frame,
    time: &Scale,
    scales: [Option<&Scale>; 2],
) -> Option<Zoom> {
    let (first, last) = series.rows.first().zip(series.rows.last())?;
    let (whole, n) = ((last.ts - first.ts) as f64, series.rows.len() as f64);
    let row = whole / n;
    let least = (ROWS_SHOWN * row).max(whole / frame.closeness);
    let is_close = frame.closeness > 1.0 && n >= 2.0 * ROWS_SHOWN;
    let panels = [(frame.upper, 6, false), (frame.lower, 4, true)];
    let panels: Vec<Panel> = panels
        .into_iter()
        .zip(scales)
        .filter_map(|((y, n_ticks, has_floor), scale)| {
            let scale = scale?;
            Some(Panel { y, values: scale.values(), is_log: scale.is_log(), has_floor, n_ticks })
        })
        .collect();
    is_close.then(|| Zoom {
        times: time.values(),
        at: (frame.left + INSET, frame.right - INSET),
        plot: (frame.left, frame.right),
        least,
        row,
        what: "flag",
        times_drawn: if frame.lower == frame.upper { 1 } else { 2 },
        panels,
    })
}
