//! Answers for eyes: aligned columns, and Markdown.

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::failure::Failure;
use crate::query::message;

/// Cells as text, row by row; null is empty.
pub(super) fn for_each_row(
    batch: &RecordBatch,
    mut take: impl FnMut(&[String]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = FormatOptions::new();
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, ArrowError>>()?;
    for row_idx in 0..batch.num_rows() {
        let row: Vec<String> =
            columns.iter().map(|column| column.value(row_idx).to_string()).collect();
        take(&row)?;
    }
    Ok(())
}

/// Aligned columns: numbers to the right, two blanks between.
pub(super) fn table(
    schema: &SchemaRef,
    rows: &[Vec<String>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let names: Vec<String> =
        schema.fields().iter().map(|field| message::printable(field.name())).collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|idx| {
            let cells = rows.iter().map(|row| &row[idx]);
            cells.chain([&names[idx]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for row in [&names, &rules].into_iter().chain(rows) {
        let mut line = String::new();
        for (idx, cell) in row.iter().enumerate() {
            let width = widths[idx];
            let gap = if idx == 0 { "" } else { "  " };
            line.push_str(&match schema.field(idx).data_type().is_numeric() {
                true => format!("{gap}{cell:>width$}"),
                false => format!("{gap}{cell:<width$}"),
            });
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A table of GitHub's Markdown: numbers to the right; bars escaped, breaks shown as they are escaped elsewhere.
pub(super) fn markdown(
    schema: &SchemaRef,
    rows: &[Vec<String>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let fields = schema.fields().iter();
    let names: Vec<String> = fields.clone().map(|field| message::printable(field.name())).collect();
    let rules: Vec<String> = fields
        .map(|field| if field.data_type().is_numeric() { "---:" } else { "---" }.to_owned())
        .collect();
    markdown_row(&names, out)?;
    writeln!(out, "| {} |", rules.join(" | "))?;
    rows.iter().try_for_each(|row| markdown_row(row, out))
}

fn markdown_row(cells: &[String], out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<String> = cells.iter().map(|cell| markdown_text(cell)).collect();
    writeln!(out, "| {} |", cells.join(" | "))
}

/// Text that Markdown takes for no more than that.
fn markdown_text(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for c in cell.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' => text.extend(['\\', c]),
            _ => text.push(c),
        }
    }
    text
}
