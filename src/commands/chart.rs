//! `chart`: what was expected of a ticker, and what stands out.

use std::io::IsTerminal;
use std::path::Path;

use oddlot_engine::s3::Place;
use oddlot_engine::{Error, Report};
use oddlot_report::chart::{self, Colours, Series};
use oddlot_report::{Undrawable, explain, number};
use serde_json::json;

use super::{block_on, load, threads, written};
use crate::cli::ChartArgs;
use crate::diagnostic::Colour;
use crate::exit::Exit;
use crate::look::{Look, Wanted};
use crate::split;
use crate::{say, say_json, tell};

/// Days of a chart whose range nobody has named.
const DAYS: i32 = 2 * 365;
/// Days before and after the day that is explained.
const DAYS_AROUND: i32 = 60;
/// Of a picture, in pixels.
const SIZE: (f64, f64) = (960.0, 560.0);
/// Of a chart whose terminal is not known, in characters.
const CHARACTERS: (u16, u16) = (100, 30);

/// `oddlot chart`.
pub fn chart(args: &ChartArgs) -> Result<Exit, Error> {
    let format = args.output.as_deref().map(Format::of).transpose()?;
    let plan = args.pipeline.as_deref().map(load).transpose()?;
    let place =
        plan.as_ref().map_or_else(|| Place::from(&args.root), |plan| plan.output.root.clone());
    block_on(threads(None), async {
        let look = Look::open(&place, plan.as_ref(), threads(None)).await?;
        for note in &look.notes {
            tell(&format!("note: {note}\n"));
        }
        let wanted = Wanted { model: args.model.as_deref(), feature: args.feature.as_deref() };
        let subject = look.subject(&args.ticker, wanted).await?;
        if let Some(date) = args.explain {
            let day = split::day(date);
            let explanation = look.explanation(&subject, day).await?;
            say(&explain::text(&explanation));
            if let Some((file, format)) = args.output.as_deref().zip(format) {
                let around = (day - DAYS_AROUND, day + DAYS_AROUND);
                write(file, format, &look.series(&subject, around).await?)?;
            }
            return Ok(Exit::Done);
        }
        let to = args.to.map_or(subject.last_day, split::day);
        let from = args.from.map_or_else(|| to.saturating_sub(DAYS), split::day);
        let series = look.series(&subject, (from, to)).await?;
        match args.output.as_deref().zip(format) {
            Some((file, format)) => write(file, format, &series)?,
            None => say(&chart::terminal(&series, characters(), colours())),
        }
        Ok(Exit::Done)
    })
}

fn write(file: &Path, format: Format, series: &Series) -> Result<(), Error> {
    let bytes = match format {
        Format::Svg => chart::picture(series, SIZE).svg().map(String::into_bytes),
        Format::Png => chart::picture(series, SIZE).png(),
        Format::Html => chart::html(series, SIZE).map(String::into_bytes),
    };
    written::whole(file, &bytes.map_err(undrawable)?, "the chart", written::ANOTHER_OUTPUT)?;
    let n_flags = series.flags().count();
    let (first, last) = (series.rows.first(), series.rows.last());
    if std::io::stdout().is_terminal() {
        say(&format!("wrote {}: {} rows, {n_flags} flagged\n", file.display(), series.rows.len()));
    }
    say_json(&json!({
        "file": file.display().to_string(),
        "ticker": series.ticker,
        "pipeline": series.pipeline,
        "model": series.model,
        "rows": series.rows.len(),
        "flags": n_flags,
        "events": series.events.len(),
        "from": first.map(|row| number::iso(row.ts)),
        "to": last.map(|row| number::iso(row.ts)),
    }));
    Ok(())
}

/// What the drawing library refuses is a mistake of ours.
pub fn undrawable(error: Undrawable) -> Error {
    Error::bug(error.to_string())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
    Html,
}

impl Format {
    /// By what the file is called.
    fn of(file: &Path) -> Result<Self, Error> {
        let extension = file.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("html" | "htm") => Ok(Self::Html),
            _ => Err(Error::config(
                Report::new("it is not clear what kind of chart to write")
                    .expected("a file that ends in .svg, .png or .html")
                    .found(format!("--output {}", file.display()))
                    .hint(
                        "name it such as chart.svg; without `--output` it is drawn in the terminal",
                    ),
            )),
        }
    }
}

fn colours() -> Colours {
    match Colour::of(std::io::stdout().is_terminal()) {
        Colour::Always => Colours::Ansi,
        Colour::Never => Colours::Plain,
    }
}

/// Columns and rows of the terminal, with room for the list of flags.
fn characters() -> (u16, u16) {
    match console::Term::stdout().size_checked() {
        Some((rows, columns)) => (columns.saturating_sub(1), rows.saturating_sub(14).clamp(18, 44)),
        None => CHARACTERS,
    }
}
