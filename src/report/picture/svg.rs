//! Pictures as SVG, drawn by plotters.
//!
//! plotters writes literal colours, which every viewer understands. A style sheet then gives each of them
//! another on dark screens, by attribute selectors: `[fill="#0072B2"]`. Coordinates are tenths of a pixel,
//! as plotters takes whole ones; of curves that can be shown more closely, ten-thousandths.

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingBackend, IntoDrawingArea, IntoFont, PathElement, Polygon, RGBColor,
    SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, ShapeStyle, TextStyle, register_font};

use super::{Anchor, Hover, Ink, Mark, Part, Picture, Shape, Undrawable};

/// Units of an SVG's coordinates in a pixel.
const UNIT: f64 = 10.0;

/// Units of a curve's own coordinates in a unit.
const FINE: f64 = 1000.0;

/// A dash and the space behind it, in pixels.
pub(super) const DASH: (f64, f64) = (3.9, 2.1);

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
        let [width, height] = [self.width, self.height].map(|length| (length * UNIT).round());
        let runs = self.runs().map(|(part, shapes)| self.run(id, part, shapes));
        let runs = runs.collect::<Result<Vec<Markup>, Undrawable>>()?;
        let (title_id, desc_id) = (format!("{id}-title"), format!("{id}-desc"));
        // A document has no script.
        let zoom = self.zoom.as_ref().filter(|_| style.is_none());
        Ok(html! {
            svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img"
                viewBox=(format!("0 0 {width} {height}")) width=(self.width) height=(self.height)
                aria-labelledby=(format!("{title_id} {desc_id}"))
                data-zoom=[zoom.map(|zoom| zoom.json(UNIT))] {
                title id=(title_id) { (self.title) }
                desc id=(desc_id) { (self.description) }
                @if let Some(style) = style { style { (PreEscaped(style)) } }
                @if let Some(zoom) = &self.zoom { @for (n, panel) in zoom.panels.iter().enumerate() {
                    clipPath id=(format!("{id}-panel-{n}")) { (clip(zoom.plot, panel.y)) }
                } }
                @for run in runs { (run) }
                @if !self.hovers.is_empty() {
                    g class="hovers" { @for hover in &self.hovers { (told(hover)) } }
                }
            }
        })
    }

    /// Shapes of one part, and within it dashes by themselves.
    fn runs(&self) -> impl Iterator<Item = (Part, &[Shape])> {
        let ends = self.parts.iter().skip(1).map(|(from, _)| *from).chain([self.shapes.len()]);
        let before = self.parts.first().map_or(self.shapes.len(), |(from, _)| *from);
        let parts = self.parts.iter().zip(ends).map(|((from, part), to)| (*part, *from..to));
        let all = std::iter::once((Part::Still, 0..before)).chain(parts);
        all.filter_map(|(part, range)| Some((part, self.shapes.get(range)?))).flat_map(
            |(part, shapes)| {
                let alike = |a: &Shape, b: &Shape| is_dashed(a) == is_dashed(b);
                shapes.chunk_by(alike).map(move |shapes| (part, shapes))
            },
        )
    }

    fn run(&self, id: &str, part: Part, shapes: &[Shape]) -> Result<Markup, Undrawable> {
        let part = if self.zoom.is_some() { part } else { Part::Still };
        let fine = if matches!(part, Part::Curve { .. }) { FINE } else { 1.0 };
        let unit = UNIT * fine;
        let body = body((self.width, self.height), shapes, unit)?;
        let dashes = shapes.first().filter(|shape| is_dashed(shape));
        let dashes = dashes.map(|_| format!("{} {}", DASH.0 * unit, DASH.1 * unit));
        let [panel, clip] = [String::new(), format!("url(#{id}-panel-")]
            .map(|begin| part.panel().map(|panel| format!("{begin}{panel}")));
        let clip = clip.map(|clip| clip + ")");
        Ok(match part {
            Part::Still => match dashes {
                Some(dashes) => html! { g stroke-dasharray=(dashes) { (body) } },
                None => body,
            },
            Part::TimeTicks => html! { g data-ticks="time" { (body) } },
            Part::ValueTicks { .. } => html! { g data-ticks=[panel] { (body) } },
            Part::Curve { fit, .. } => html! {
                g clip-path=[clip] { g data-curve=[panel] data-fit=(format!("{fit:?}")) transform=(format!("scale({})", 1.0 / fine)) { (body) } }
            },
            Part::Span { from, to, .. } => html! {
                g data-span=(format!("{} {}", exact(from), exact(to))) data-panel=[panel] clip-path=[clip] stroke-dasharray=[dashes] { (body) }
            },
            Part::Point { at, .. } => html! {
                g data-point=(format!("{} {}", exact(at.0), exact(at.1))) data-panel=[panel] stroke-dasharray=[dashes] { (body) }
            },
        })
    }
}

/// What plotters makes of shapes, without the document around them.
fn body(size: (f64, f64), shapes: &[Shape], unit: f64) -> Result<Markup, Undrawable> {
    let mut text = String::new();
    {
        let [width, height] = [size.0, size.1].map(|length| (length * unit).round() as u32);
        let backend = SVGBackend::with_string(&mut text, (width, height));
        draw(shapes, backend.into_drawing_area(), Target { unit, lower: 0.0, is_vector: true })?;
    }
    let body = text.split_once(">\n").and_then(|(_, body)| body.trim_end().strip_suffix("</svg>"));
    let body = body.ok_or_else(|| Undrawable("no SVG was written".into()))?;
    Ok(PreEscaped(body.to_owned()))
}

fn is_dashed(shape: &Shape) -> bool {
    matches!(shape, Shape::Dashes { .. })
}

/// A panel and what a line at its edge is thick.
fn clip((left, right): (f64, f64), (top, bottom): (f64, f64)) -> Markup {
    let [x, y, width, height] =
        [left, top - 1.0, right - left, bottom - top + 2.0].map(|length| (length * UNIT).round());
    html! { rect x=(x) y=(y) width=(width) height=(height) {} }
}

/// In units, exact enough to be shown a thousand times larger.
fn exact(length: f64) -> f64 {
    (100.0 * length * UNIT).round() / 100.0
}

/// An invisible circle that tells something.
fn told(Hover { at, text, panel }: &Hover) -> Markup {
    let [x, y] = [at.0, at.1].map(exact);
    html! { circle class="told" cx=(x) cy=(y) r=(8.0 * UNIT) fill="transparent" data-panel=[panel] { title { (text) } } }
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
    /// Whether it joins the pieces of a line, and dashes them; one that does not draws sharp turns as spikes of
    /// any length.
    pub(super) is_vector: bool,
}

/// Draws every shape.
pub(super) fn draw<B: DrawingBackend>(
    shapes: &[Shape],
    area: DrawingArea<B, Shift>,
    Target { unit, lower, is_vector }: Target,
) -> Result<(), Undrawable> {
    register_font("sans-serif", FontStyle::Normal, FONT)
        .map_err(|_| Undrawable("the font cannot be read".into()))?;
    let drawn = |error: &dyn std::error::Error| Undrawable(error.to_string());
    let to = |(x, y): (f64, f64)| ((x * unit).round() as i32, (y * unit).round() as i32);
    let all = |points: &[(f64, f64)]| points.iter().map(|point| to(*point)).collect::<Vec<_>>();
    for shape in shapes {
        let done = match shape {
            Shape::Line { points, ink, width } if is_vector => {
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
            Shape::Dashes { ends, ink, width } => {
                let pieces = if is_vector { vec![ends.to_vec()] } else { dashes(*ends) };
                let style = stroke(*ink, width * unit);
                pieces.iter().try_for_each(|piece| area.draw(&PathElement::new(all(piece), style)))
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

/// The pieces of a dashed line.
fn dashes([from, to]: [(f64, f64); 2]) -> Vec<Vec<(f64, f64)>> {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let at = |way: f64| {
        let share = (way / length).min(1.0);
        (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
    };
    let begins = (0..).map(|n| f64::from(n) * (DASH.0 + DASH.1)).take_while(|way| *way < length);
    begins.map(|way| vec![at(way), at(way + DASH.0)]).collect()
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
