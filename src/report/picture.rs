//! A chart as a list of shapes in pixels, before it is SVG or PNG.

mod png;
mod svg;
mod zoom;

pub(crate) use svg::DARK_STYLE;
pub(crate) use zoom::{Fit, Panel, Part, Zoom};

/// The drawing library refused a shape; a mistake of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undrawable(pub String);

impl std::fmt::Display for Undrawable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a chart cannot be drawn: {}", self.0)
    }
}

impl std::error::Error for Undrawable {}

/// What a shape is for; each has a colour of its own in light and in dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Behind everything.
    Paper,
    /// Titles and figures.
    Text,
    /// What explains them.
    Muted,
    /// Lines of the grid.
    Grid,
    /// Axes.
    Axis,
    /// What was observed.
    Observed,
    /// What the model expected.
    Expected,
    /// Where the observed value is not flagged.
    Band,
    /// Days of an event.
    Event,
    /// Above it a score is flagged.
    Threshold,
    /// The score.
    Score,
    /// A flag just above the threshold.
    Low,
    /// One further above.
    Medium,
    /// One far above.
    High,
    /// A break or a price that cannot be used.
    Break,
    /// Bars and lines beside [`Ink::Expected`].
    Second,
}

impl Ink {
    pub(crate) const ALL: [Self; 16] = [
        Self::Paper,
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Axis,
        Self::Observed,
        Self::Expected,
        Self::Band,
        Self::Event,
        Self::Threshold,
        Self::Score,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Break,
        Self::Second,
    ];

    /// On white. No two inks have the same, so that a style sheet can tell them apart.
    pub fn light(self) -> [u8; 3] {
        match self {
            Self::Paper => [0xFF, 0xFF, 0xFF],
            Self::Text => [0x1B, 0x1F, 0x24],
            Self::Muted => [0x57, 0x60, 0x6A],
            Self::Grid => [0xE6, 0xE9, 0xED],
            Self::Axis => [0x8C, 0x95, 0x9F],
            Self::Observed => [0x24, 0x29, 0x2F],
            Self::Expected => [0x00, 0x72, 0xB2],
            Self::Band => [0xCC, 0xE3, 0xF2],
            Self::Event => [0xFB, 0xEC, 0xD0],
            Self::Threshold => [0x7A, 0x3E, 0x9D],
            Self::Score => [0x4A, 0x52, 0x5C],
            Self::Low => [0xA8, 0x74, 0x00],
            Self::Medium => [0xD5, 0x5E, 0x00],
            Self::High => [0xA6, 0x0F, 0x3C],
            Self::Break => [0x11, 0x14, 0x18],
            Self::Second => [0x00, 0x8A, 0x66],
        }
    }

    /// On near black.
    pub fn dark(self) -> [u8; 3] {
        match self {
            Self::Paper => [0x14, 0x18, 0x1D],
            Self::Text => [0xE8, 0xEC, 0xF1],
            Self::Muted => [0xA3, 0xAD, 0xB8],
            Self::Grid => [0x2A, 0x30, 0x38],
            Self::Axis => [0x6B, 0x75, 0x80],
            Self::Observed => [0xF0, 0xF3, 0xF6],
            Self::Expected => [0x5D, 0xB8, 0xEE],
            Self::Band => [0x1D, 0x3B, 0x52],
            Self::Event => [0x3D, 0x32, 0x1C],
            Self::Threshold => [0xC3, 0x9B, 0xE6],
            Self::Score => [0xB8, 0xC1, 0xCC],
            Self::Low => [0xF0, 0xB4, 0x29],
            Self::Medium => [0xFF, 0x8B, 0x3D],
            Self::High => [0xFF, 0x6B, 0x8F],
            Self::Break => [0xFF, 0xFE, 0xFD],
            Self::Second => [0x3D, 0xD6, 0xA8],
        }
    }
}

/// A shape that says the same as its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A filled circle.
    Circle,
    /// A filled diamond.
    Diamond,
    /// A filled triangle.
    Triangle,
    /// Two crossed lines.
    Cross,
}

/// Where a text lies to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The point is its left end.
    Start,
    /// The point is its middle.
    Middle,
    /// The point is its right end.
    End,
}

/// One shape; lengths in pixels, y downwards.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points.
    Line {
        /// Its points.
        points: Vec<(f64, f64)>,
        /// Its colour.
        ink: Ink,
        /// How thick.
        width: f64,
    },
    /// A straight line in dashes of six pixels.
    Dashes {
        /// Its ends.
        ends: [(f64, f64); 2],
        /// Its colour.
        ink: Ink,
        /// How thick.
        width: f64,
    },
    /// A filled outline.
    Area {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Its colour.
        ink: Ink,
    },
    /// A mark at a point.
    Mark {
        /// Its middle.
        at: (f64, f64),
        /// Its shape.
        mark: Mark,
        /// Its colour.
        ink: Ink,
        /// Half of its height.
        size: f64,
    },
    /// A text; its point lies on the middle of its height.
    Text {
        /// Its point.
        at: (f64, f64),
        /// What it says.
        text: String,
        /// Height of its letters' box.
        size: f64,
        /// Its colour.
        ink: Ink,
        /// Where it lies to its point.
        anchor: Anchor,
    },
}

/// What is told where the pointer rests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hover {
    pub(crate) at: (f64, f64),
    pub(crate) text: String,
    /// Whose values say how high it lies; none where it stays at its height.
    pub(crate) panel: Option<usize>,
}

/// Shapes in the order in which they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) hovers: Vec<Hover>,
    /// From which shape on the shapes are which part.
    pub(crate) parts: Vec<(usize, Part)>,
    /// What a script of the page needs to show a part of the time.
    pub(crate) zoom: Option<Zoom>,
}

impl Picture {
    /// An empty one; `title` and `description` are what is read to those who do not see it.
    pub(crate) fn new((width, height): (f64, f64), title: String, description: String) -> Self {
        Self {
            width,
            height,
            title,
            description,
            shapes: Vec::new(),
            hovers: Vec::new(),
            parts: Vec::new(),
            zoom: None,
        }
    }

    /// What is drawn.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    pub(crate) fn line(&mut self, points: Vec<(f64, f64)>, ink: Ink, width: f64) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, ink, width });
        }
    }

    pub(crate) fn dashes(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink, width: f64) {
        self.shapes.push(Shape::Dashes { ends: [from, to], ink, width });
    }

    pub(crate) fn area(&mut self, points: Vec<(f64, f64)>, ink: Ink) {
        if points.len() > 2 {
            self.shapes.push(Shape::Area { points, ink });
        }
    }

    pub(crate) fn rect(&mut self, (x0, y0): (f64, f64), (x1, y1): (f64, f64), ink: Ink) {
        self.area(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1)], ink);
    }

    pub(crate) fn mark(&mut self, at: (f64, f64), mark: Mark, ink: Ink, size: f64) {
        self.shapes.push(Shape::Mark { at, mark, ink, size });
    }

    pub(crate) fn text(
        &mut self,
        at: (f64, f64),
        text: impl Into<String>,
        (size, ink, anchor): (f64, Ink, Anchor),
    ) {
        self.shapes.push(Shape::Text { at, text: text.into(), size, ink, anchor });
    }

    pub(crate) fn hover(&mut self, at: (f64, f64), text: String) {
        let panel = self.parts.last().and_then(|(_, part)| part.panel());
        self.hovers.push(Hover { at, text, panel });
    }

    /// What follows belongs to `part`.
    pub(crate) fn part(&mut self, part: Part) {
        self.parts.push((self.shapes.len(), part));
    }
}

/// How wide a text of that size is, about: enough to set labels apart.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' | ' ' | 't' | 'f' | 'r' => {
                0.36
            }
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
            c if c.is_ascii_uppercase() => 0.74,
            c if c.is_ascii() => 0.62,
            _ => 0.75,
        })
        .sum::<f64>()
        * size
}

#[cfg(test)]
mod tests;
