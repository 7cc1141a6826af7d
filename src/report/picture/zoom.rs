//! What the script of a page needs to show a span of the time of a picture.
//!
//! The script moves what is drawn along the time axis, fits the values of a panel to what is left, and draws the
//! ticks anew. Nothing is stretched but lines and areas; marks and texts keep their size.

/// What a run of shapes does when a span of the time is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    /// It stays where it is.
    Still,
    /// Ticks of the time axis, each ending with its text; the script draws others like the first.
    TimeTicks,
    /// Ticks of the values of a panel, likewise.
    ValueTicks { panel: usize },
    /// A line or an area whose points move each by itself.
    Curve { panel: usize, fit: Fit },
    /// As wide as from one x to another and a few pixels more; at the height of its values where it has a panel.
    Span { panel: Option<usize>, from: f64, to: f64 },
    /// What moves as a whole, with its point; at the height of its value where it has a panel.
    Point { panel: Option<usize>, at: (f64, f64) },
}

/// What a panel is fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The curve is seen wholly.
    Whole,
    /// As far as it lies near those that are seen wholly.
    Near,
}

impl Part {
    pub(super) fn panel(self) -> Option<usize> {
        match self {
            Self::Still | Self::TimeTicks => None,
            Self::ValueTicks { panel } | Self::Curve { panel, .. } => Some(panel),
            Self::Span { panel, .. } | Self::Point { panel, .. } => panel,
        }
    }
}

/// The time axis of a picture and its panels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zoom {
    /// First and last instant, µs UTC.
    pub(crate) times: (f64, f64),
    /// Their x, in pixels.
    pub(crate) at: (f64, f64),
    /// Left and right of the panels, in pixels.
    pub(crate) plot: (f64, f64),
    /// The shortest span that what is drawn is fine enough for, µs.
    pub(crate) least: f64,
    /// How far apart rows are, µs.
    pub(crate) row: f64,
    /// What is told when the pointer rests on it: `flag`, `event`.
    pub(crate) what: &'static str,
    /// How often each of them is drawn.
    pub(crate) times_drawn: usize,
    /// From above.
    pub(crate) panels: Vec<Panel>,
}

/// Where the values of a panel lie.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    /// Top and bottom, in pixels.
    pub(crate) y: (f64, f64),
    /// The values at the bottom and at the top.
    pub(crate) values: (f64, f64),
    /// Whether equal distances are equal ratios.
    pub(crate) is_log: bool,
    /// Whether the bottom stays where it is.
    pub(crate) has_floor: bool,
    /// About how many ticks there are.
    pub(crate) n_ticks: usize,
}

impl Zoom {
    /// As the script reads it: times in ms, lengths in units of `unit` to a pixel.
    pub(super) fn json(&self, unit: f64) -> String {
        let pair = |(a, b): (f64, f64), times: f64| {
            let [a, b] = [a, b].map(|value| (1000.0 * value * times).round() / 1000.0);
            format!("[{a},{b}]")
        };
        let panels: Vec<String> = self
            .panels
            .iter()
            .map(|panel| {
                format!(
                    r#"{{"y":{},"values":[{},{}],"log":{},"floor":{},"ticks":{}}}"#,
                    pair(panel.y, unit),
                    panel.values.0,
                    panel.values.1,
                    panel.is_log,
                    panel.has_floor,
                    panel.n_ticks
                )
            })
            .collect();
        format!(
            r#"{{"times":{},"at":{},"plot":{},"least":{},"row":{},"what":"{}","drawn":{},"panels":[{}]}}"#,
            pair(self.times, 1e-3),
            pair(self.at, unit),
            pair(self.plot, unit),
            self.least * 1e-3,
            self.row * 1e-3,
            self.what,
            self.times_drawn,
            panels.join(",")
        )
    }
}
