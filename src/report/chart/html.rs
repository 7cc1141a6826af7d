//! A chart as a page of its own: the SVG, and the figures of the row under the pointer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Series, drawn};
use crate::number::{change, count, fixed, iso, or_dash, printable, short};
use crate::picture::{DARK_STYLE, Undrawable};

const STYLE: &str = include_str!("../page/page.css");
const SCRIPT: &str = concat!(include_str!("../page/axis.js"), include_str!("../page/zoom.js"));

/// Flagged rows that the table below the chart has at most.
const ROWS_MAX: usize = 500;

/// One self-contained page: the chart as wide and high as told, in pixels, and its flagged rows as a table.
///
/// A short script shows a span of the time more closely, where scripts run.
///
/// # Errors
/// A mistake of ours.
pub fn html(series: &Series, size: (f64, f64)) -> Result<String, Undrawable> {
    let chart = drawn::zoomable(series, size).inline("chart")?;
    let title = format!("{}: what stands out", printable(&series.ticker));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(DARK_STYLE.as_str())) }
            }
            body {
                header { h1 { (title) } }
                main {
                    figure.wide tabindex="0" aria-label="Chart" { (chart) }
                    (flagged(series))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string() + "\n")
}

fn flagged(series: &Series) -> Markup {
    let flags: Vec<_> = series.flags().collect();
    if flags.is_empty() {
        return html! { p { "No row of this range is flagged." } };
    }
    let left_out = flags.len().saturating_sub(ROWS_MAX);
    html! {
        h2 { "Flagged rows" }
        div.scroll tabindex="0" role="region" aria-label="Flagged rows" {
            table {
                caption {
                    (count(flags.len() as u64)) " flagged rows, newest first"
                    @if left_out > 0 { "; the oldest " (count(left_out as u64)) " are not shown" }
                }
                thead { tr {
                    th scope="col" { "time" }
                    @for name in ["observed", "expected", "return", "score", "threshold", "score ÷ threshold"] {
                        th.n scope="col" { (name) }
                    }
                    th scope="col" { "severity" }
                } }
                tbody { @for (row, severity) in flags.iter().rev().take(ROWS_MAX) { tr {
                    th scope="row" { (iso(row.ts)) }
                    td.n { (or_dash(row.observed, short)) }
                    td.n { (or_dash(row.expected, short)) }
                    td.n { (or_dash(row.return_pct, change)) }
                    td.n { (or_dash(row.score, |score| fixed(score, 3))) }
                    td.n { (or_dash(row.threshold, |threshold| fixed(threshold, 3))) }
                    td.n { (or_dash(row.ratio(), |ratio| fixed(ratio, 2))) }
                    td { (severity.words()) }
                } } }
            }
        }
    }
}
