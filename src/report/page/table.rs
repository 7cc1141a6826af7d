//! Tables with captions, row heads, and numbers that sort as numbers.

use maud::{Markup, html};

/// Rows of a table that is shown whole; a longer one scrolls within itself.
const TALL: usize = 40;

/// Letters of a text that is not broken.
const UNBROKEN: usize = 30;

/// A cell.
pub(super) enum Cell {
    /// Text.
    Text(String),
    /// Text in a fixed width.
    Code(String),
    /// A number as it is shown, and as it is sorted.
    Number(String, Option<f64>),
}

/// A column's head.
pub(super) struct Head {
    name: &'static str,
    is_number: bool,
}

pub(super) fn text(name: &'static str) -> Head {
    Head { name, is_number: false }
}

pub(super) fn number(name: &'static str) -> Head {
    Head { name, is_number: true }
}

/// A number, or a dash; sorted by its value.
pub(super) fn figure(value: Option<f64>, write: impl Fn(f64) -> String) -> Cell {
    Cell::Number(crate::number::or_dash(value, write), value)
}

pub(super) fn whole(n: u64) -> Cell {
    Cell::Number(crate::number::count(n), Some(n as f64))
}

/// The first cell of a row is its head.
pub(super) fn table(caption: &str, heads: &[Head], rows: Vec<Vec<Cell>>) -> Markup {
    html! {
        div.scroll.tall[rows.len() > TALL] tabindex="0" role="region" aria-label=(caption) {
            table.sorts {
                caption { (caption) }
                thead { tr { @for head in heads {
                    @if head.is_number { th.n scope="col" { (head.name) } } @else { th scope="col" { (head.name) } }
                } } }
                tbody { @for row in rows { tr { @for (idx, cell) in row.into_iter().enumerate() { (shown(idx, cell)) } } } }
            }
        }
    }
}

fn is_long(text: &str) -> bool {
    text.chars().count() > UNBROKEN
}

fn shown(idx: usize, cell: Cell) -> Markup {
    html! {
        @match (idx, cell) {
            (0, Cell::Text(text)) => th.w[is_long(&text)] scope="row" { (text) },
            (0, Cell::Code(text)) => th scope="row" { code { (text) } },
            (_, Cell::Text(text)) => td.w[is_long(&text)] { (text) },
            (_, Cell::Code(text)) => td { code { (text) } },
            (_, Cell::Number(text, value)) => {
                @let value = value.filter(|value| value.is_finite()).map(|value| value.to_string());
                td.n data-v=(value.unwrap_or_default()) { (text) }
            },
        }
    }
}
