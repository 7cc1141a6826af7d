//! Pictures as SVG, drawn by plotters.
//!
//! plotters writes literal colours, which every viewer understands. A style sheet then gives each of them
//! another on dark screens, by attribute selectors: `[fill="#0072B2"]`. Coordinates are tenths of a pixel,
//! as plotters takes whole ones.

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingBackend, IntoDrawingArea, IntoFont, PathElement, Polygon, RGBColor,
    SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, ShapeStyle, TextStyle, register_font};

use super::{Anchor, Hover, Ink, Mark, Picture, Shape, Undrawable};

/// Units of an SVG's coordinates in a pixel.
const UNIT: f64 = 10.0;

/// plotters takes the height of a line, which is that much larger than the font's size.
const LINE_HEIGHT: f64 = 1.24;

/// The glyphs that PNG charts have and that text is measured by.
const FONT: &[u8] = include_bytes!("../font/roboto.ttf");

/// Colours on dark screens, for every picture in a document.
pub(crate) static DARK_STYLE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let rule = |ink: &Ink| {
        let [light, dark] = [ink.light(), ink.dark()].map(hex);
        format!(
            "svg.chart [fill=\"{light}\"]{{fill:{dark}}}svg.chart [stroke=\"{light}\"]{{stroke:{dark}}}"
        )
    };
    let rules: String = Ink::ALL.iter().map(rule).collect();
    format!("@media screen and (prefers-color-scheme:dark){{{rules}}}")
});

impl Picture {
    /// A whole SVG document.
    ///
    /// # Errors
    /// A mistake of ours.
    pub fn svg(&self) -> Result<String, Undrawable> {
        let style = format!(
            "svg.chart polyline{{stroke-linejoin:round}}svg.chart text{{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}}{}",
            *DARK_STYLE
        );
        Ok(self.markup("chart", Some(&style))?.into_string() + "\n")
    }

    /// As part of a page; `id` is its own within it.
    pub(crate) fn inline(&self, id: &str) -> Result<Markup, Undrawable> {
        self.markup(id, None)
    }

    fn markup(&self, id: &str, style: Option<&str>) -> Result<Markup, Undrawable> {
        let mut text = String::new();
        let size = [self.width, self.height].map(|length| (length * UNIT).round());
        {
            let backend = SVGBackend::with_string(&mut text, (size[0] as u32, size[1] as u32));
            let target = Target { unit: UNIT, lower: 0.0, has_joints: true };
            draw(self, backend.into_drawing_area(), target)?;
        }
        let body =
            text.split_once(">\n").and_then(|(_, body)| body.trim_end().strip_suffix("</svg>"));
        let body = body.ok_or_else(|| Undrawable("no SVG was written".into()))?;
        let view_box = format!("0 0 {} {}", size[0], size[1]);
        let (title_id, desc_id) = (format!("{id}-title"), format!("{id}-desc"));
        Ok(html! {
            svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox=(view_box)
                width=(self.width) height=(self.height)
                aria-labelledby=(format!("{title_id} {desc_id}")) {
                title id=(title_id) { (self.title) }
                desc id=(desc_id) { (self.description) }
                @if let Some(style) = style { style { (PreEscaped(style)) } }
                (PreEscaped(body))
                @if !self.hovers.is_empty() {
                    g class="hovers" { @for hover in &self.hovers { (told(hover)) } }
                }
            }
        })
    }
}

/// An invisible circle that tells something.
fn told(Hover { at, text }: &Hover) -> Markup {
    let [x, y] = [at.0, at.1].map(|length| (length * UNIT).round());
    html! { circle class="told" cx=(x) cy=(y) r=(8.0 * UNIT) fill="transparent" { title { (text) } } }
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// What a backend makes of shapes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// Its units in a pixel.
    pub(super) unit: f64,
    /// Texts lie lower by that share of their size.
    pub(super) lower: f64,
    /// Whether it joins the pieces of a line; one that does draws sharp turns as spikes of any length.
    pub(super) has_joints: bool,
}

/// Draws every shape.
pub(super) fn draw<B: DrawingBackend>(
    picture: &Picture,
    area: DrawingArea<B, Shift>,
    Target { unit, lower, has_joints }: Target,
) -> Result<(), Undrawable> {
    register_font("sans-serif", FontStyle::Normal, FONT)
        .map_err(|_| Undrawable("the font cannot be read".into()))?;
    let drawn = |error: &dyn std::error::Error| Undrawable(error.to_string());
    let to = |(x, y): (f64, f64)| ((x * unit).round() as i32, (y * unit).round() as i32);
    let all = |points: &[(f64, f64)]| points.iter().map(|point| to(*point)).collect::<Vec<_>>();
    for shape in &picture.shapes {
        let done = match shape {
            Shape::Line { points, ink, width } if has_joints => {
                area.draw(&PathElement::new(all(points), stroke(*ink, width * unit)))
            }
            Shape::Line { points, ink, width } => {
                let (points, style) = (all(points), stroke(*ink, width * unit));
                let joint = ((width * unit) as i32 - 1) / 2;
                let joints = points.iter().skip(1).take(points.len().saturating_sub(2));
                let mut joints = joints.map(|at| Circle::new(*at, joint, colour(*ink).filled()));
                let mut pieces =
                    points.windows(2).map(|ends| PathElement::new(ends.to_vec(), style));
                let drawn = pieces.try_for_each(|piece| area.draw(&piece));
                drawn.and_then(|()| joints.try_for_each(|joint| area.draw(&joint)))
            }
            Shape::Area { points, ink } => {
                area.draw(&Polygon::new(all(points), colour(*ink).filled()))
            }
            Shape::Mark { at, mark: Mark::Circle, ink, size } => area.draw(&Circle::new(
                to(*at),
                (size * unit).round() as i32,
                colour(*ink).filled(),
            )),
            Shape::Mark { at: (x, y), mark, ink, size } => match outline(*mark, (*x, *y), *size) {
                Outline::Filled(points) => {
                    area.draw(&Polygon::new(all(&points), colour(*ink).filled()))
                }
                Outline::Crossed(lines) => lines.iter().try_for_each(|line| {
                    area.draw(&PathElement::new(all(line), stroke(*ink, 2.0 * unit)))
                }),
            },
            Shape::Text { at, text, size, ink, anchor } => {
                let across = match anchor {
                    Anchor::Start => HPos::Left,
                    Anchor::Middle => HPos::Center,
                    Anchor::End => HPos::Right,
                };
                let font = ("sans-serif", size * unit * LINE_HEIGHT).into_font();
                let colour = colour(*ink);
                let style =
                    TextStyle::from(font).color(&colour).pos(Pos::new(across, VPos::Center));
                let at = (at.0, at.1 + lower * size);
                area.draw(&Text::new(text.as_str(), to(at), style))
            }
        };
        done.map_err(|error| drawn(&error))?;
    }
    area.present().map_err(|error| drawn(&error))
}

enum Outline {
    Filled(Vec<(f64, f64)>),
    Crossed([Vec<(f64, f64)>; 2]),
}

fn outline(mark: Mark, (x, y): (f64, f64), size: f64) -> Outline {
    match mark {
        Mark::Cross => Outline::Crossed([
            vec![(x - size, y - size), (x + size, y + size)],
            vec![(x - size, y + size), (x + size, y - size)],
        ]),
        Mark::Triangle => Outline::Filled(vec![
            (x, y - 1.2 * size),
            (x + 1.15 * size, y + 0.9 * size),
            (x - 1.15 * size, y + 0.9 * size),
        ]),
        Mark::Diamond | Mark::Circle => {
            let size = 1.2 * size;
            Outline::Filled(vec![(x, y - size), (x + size, y), (x, y + size), (x - size, y)])
        }
    }
}

fn colour(ink: Ink) -> RGBColor {
    let [red, green, blue] = ink.light();
    RGBColor(red, green, blue)
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    colour(ink).stroke_width(width.round().max(1.0) as u32)
}
