//! Charts and pages from plain rows: what was flagged, what was expected, how sure the model was.
//!
//! Nothing here reads or writes anything: rows come in as structs, text and bytes go out, and the same rows
//! give the same bytes. A chart is first a [`Picture`], a list of shapes in pixels, and then SVG, PNG or HTML;
//! in a terminal it is drawn from the same rows.
//!
//! Colours follow Okabe and Ito's palette for colour-blind people, and what a colour says a shape says too.

pub mod chart;
pub mod explain;
pub mod number;
pub mod page;
mod picture;
mod scale;
mod small;

pub use picture::{Ink, Mark, Picture, Shape, Undrawable};
