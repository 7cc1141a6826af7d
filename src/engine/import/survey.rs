//! The first reading: how time is written, and which columns are numbers.
//!
//! A column is numeric when at least half of its filled cells are numbers, or when the user
//! named it; a cell of it that is none is then an error of the second reading. Any other column
//! is text, and dropped.

use super::cells::{self, Cell};
use super::dates::{TimeFormat, TimeKind};
use super::layout::Layout;
use super::lines::shown;
use super::text::Source;
use super::{ImportOptions, rows};
use crate::error::{Error, Report, Result};

/// Cells looked at before formats that read hardly any of them are given up.
const SAMPLE_ROWS: usize = 1_000;

/// What the first reading found.
#[derive(Debug)]
pub(super) struct Survey {
    /// One for each source; all of one kind.
    pub(super) time_formats: Vec<TimeFormat>,
    /// For each of [`Layout::names`]: kept as a number?
    pub(super) is_numeric: Vec<bool>,
}

impl Survey {
    pub(super) fn time_kind(&self) -> TimeKind {
        self.time_formats.first().map_or(TimeKind::RowNumber, TimeFormat::kind)
    }
}

pub(super) fn survey(
    sources: &[Source],
    layout: &Layout,
    options: &ImportOptions,
) -> Result<Survey> {
    let mut n_numbers = vec![0_u64; layout.names.len()];
    let mut n_texts = vec![0_u64; layout.names.len()];
    let mut time_formats = Vec::new();
    for (source, columns) in sources.iter().zip(&layout.columns) {
        let mut times: Vec<(u64, String)> = Vec::new();
        for record in rows::records(source).skip(1) {
            let (line, record) = record?;
            for (name_idx, column_idx) in columns.value_idxs.iter().enumerate() {
                match column_idx.and_then(|idx| record.get(idx)).map(cells::read) {
                    Some(Cell::Number(_)) => n_numbers[name_idx] += 1,
                    Some(Cell::Text) => n_texts[name_idx] += 1,
                    _ => {}
                }
            }
            if let Some(cell) = columns.time_idx.and_then(|idx| record.get(idx)) {
                times.push((line, cell.trim().to_owned()));
            }
        }
        times.retain(|(_, cell)| !cell.is_empty());
        time_formats.push(match (&options.date_format, columns.time_idx) {
            (_, None) => TimeFormat::RowNumber,
            (Some(pattern), Some(_)) => chosen_format(pattern)?,
            (None, Some(_)) => detect(source, &columns.time_name, &times)?,
        });
    }
    one_kind(sources, &time_formats)?;
    let is_numeric =
        n_numbers.iter().zip(&n_texts).map(|(n, t)| layout.is_chosen || n >= t).collect();
    let survey = Survey { time_formats, is_numeric };
    one_set_of_columns(sources, layout, &survey)?;
    Ok(survey)
}

fn chosen_format(pattern: &str) -> Result<TimeFormat> {
    TimeFormat::of_pattern(pattern).map_err(|what| {
        Error::config(
            Report::new(format!("`{}` is {what}", shown(pattern)))
                .at("--date-format")
                .expected("strftime letters, as %Y-%m-%d or %d-%b-%y or %Y-%m-%d %H:%M:%S")
                .found(shown(pattern))
                .hint("write one that reads every cell, or leave the option out"),
        )
    })
}

/// The one format that reads every cell; else the best one, so that the second reading can name
/// the cells it does not read.
fn detect(source: &Source, column: &str, times: &[(u64, String)]) -> Result<TimeFormat> {
    let sample = &times[..times.len().min(SAMPLE_ROWS)];
    let reads = |format: &TimeFormat, cells: &[(u64, String)]| {
        cells.iter().filter(|(_, cell)| format.read(cell).is_some()).count()
    };
    let likely: Vec<(usize, TimeFormat)> = TimeFormat::candidates()
        .into_iter()
        .filter(|format| sample.is_empty() || reads(format, sample) * 2 > sample.len())
        .map(|format| (reads(&format, times), format))
        .collect();
    let n_best = likely.iter().map(|(n, _)| *n).max();
    let mut best = likely.into_iter().filter(|(n, _)| Some(*n) == n_best).map(|(_, format)| format);
    let Some(first) = best.next() else { return Err(no_format(source, column, times)) };
    for other in best {
        let differs = times.iter().find(|(_, cell)| {
            let times = (first.read(cell), other.read(cell));
            first.kind() != other.kind() || times.0 != times.1
        });
        if let Some((line, cell)) = differs {
            return Err(Error::data(
                Report::new(format!("the dates of `{}` can be read in two ways", shown(column)))
                    .at(source.place(*line))
                    .expected("dates that only one pattern reads")
                    .found(format!("{}, which both {first} and {other} read", shown(cell)))
                    .hint(format!("say which: `--date-format {first}` or `--date-format {other}`")),
            ));
        }
    }
    Ok(first)
}

fn no_format(source: &Source, column: &str, times: &[(u64, String)]) -> Error {
    let (line, cell) = times.first().map_or((1, ""), |(line, cell)| (*line, cell.as_str()));
    Error::data(
        Report::new(format!("cannot tell how `{}` writes time", shown(column)))
            .at(source.place(line))
            .expected("one known format throughout, as 2020-01-31 or 31-Jan-20")
            .found(shown(cell))
            .hint("give the pattern with `--date-format`, or use `--row-number`"),
    )
}

fn one_kind(sources: &[Source], formats: &[TimeFormat]) -> Result<()> {
    let Some(first) = formats.first() else { return Ok(()) };
    match sources.iter().zip(formats).find(|(_, format)| format.kind() != first.kind()) {
        None => Ok(()),
        Some((source, format)) => Err(Error::data(
            Report::new("files with days and files with instants do not go into one table")
                .at(source.path.display().to_string())
                .expected(format!("{first}, as in the files before it"))
                .found(format.to_string())
                .hint("import them apart"),
        )),
    }
}

/// Every file must have every numeric column, or values would turn null unseen.
fn one_set_of_columns(sources: &[Source], layout: &Layout, survey: &Survey) -> Result<()> {
    let kept = |idx: &usize| survey.is_numeric[*idx];
    if !(0..layout.names.len()).any(|idx| kept(&idx)) {
        return Err(Error::data(
            Report::new("no column of numbers to keep")
                .expected("at least one numeric column")
                .found(super::layout::shown_names(&layout.names))
                .hint("name the columns to keep with `--columns`"),
        ));
    }
    for (source, columns) in sources.iter().zip(&layout.columns) {
        for name_idx in (0..layout.names.len()).filter(kept) {
            let name = shown(&layout.names[name_idx]);
            if columns.value_idxs[name_idx].is_none() {
                return Err(Error::data(
                    Report::new(format!("the file lacks the column `{name}` of other files"))
                        .at(source.place(1))
                        .expected(format!("`{name}` in every file"))
                        .found("a file without it")
                        .hint("import it apart, or name the common columns with `--columns`"),
                ));
            }
            let is_reserved = ["ticker", "date", "ts"].contains(&name.as_str());
            if is_reserved {
                return Err(Error::data(
                    Report::new(format!("`{name}` is a name that the import gives itself"))
                        .at(source.place(1))
                        .expected("other names than ticker, date and ts")
                        .found(format!("a column of numbers named `{name}`"))
                        .hint("rename it, or name the columns to keep with `--columns`"),
                ));
            }
        }
    }
    Ok(())
}
