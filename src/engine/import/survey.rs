//! The first reading: how time is written, what parts decimals, and which columns are numbers.
//!
//! A column is numeric when at least half of its filled cells are numbers, or when the user
//! named it; a cell of it that is none is then an error of the second reading. Any other column
//! is text, and dropped.

use super::cells::{self, Cell, Decimal, Signs};
use super::dates::{TimeFormat, TimeKind};
use super::layout::{Columns, Layout};
use super::text::Source;
use super::time_format::{self, Tally};
use super::{ImportOptions, shown};
use crate::error::{Error, Report, Result};

/// What the first reading found.
#[derive(Debug)]
pub(super) struct Survey {
    /// One for each source; all of one kind.
    pub(super) time_formats: Vec<TimeFormat>,
    /// One for each source.
    pub(super) decimals: Vec<Decimal>,
    /// Rows below the header of each source, to be found again.
    pub(super) n_rows: Vec<u64>,
    /// For each of [`Layout::names`]: kept as a number?
    pub(super) is_numeric: Vec<bool>,
}

impl Survey {
    pub(super) fn time_kind(&self) -> TimeKind {
        self.time_formats.first().map_or(TimeKind::RowNumber, TimeFormat::kind)
    }
}

/// Cells of every column that may be kept, over all sources.
struct Counts {
    n_numbers: Vec<u64>,
    n_texts: Vec<u64>,
}

pub(super) fn survey(
    sources: &[Source],
    layout: &Layout,
    options: &ImportOptions,
) -> Result<Survey> {
    let n_names = layout.names.len();
    let mut counts = Counts { n_numbers: vec![0; n_names], n_texts: vec![0; n_names] };
    let chosen = options.date_format.as_deref().map(time_format::chosen).transpose()?;
    let mut survey = Survey {
        time_formats: Vec::new(),
        decimals: Vec::new(),
        n_rows: Vec::new(),
        is_numeric: Vec::new(),
    };
    for (source, columns) in sources.iter().zip(&layout.columns) {
        let (signs, tally, n_rows) = read_one(source, columns, chosen.is_none(), &mut counts)?;
        survey.time_formats.push(match (&chosen, columns.time_idx) {
            (_, None) => TimeFormat::RowNumber,
            (Some(format), Some(_)) => format.clone(),
            (None, Some(_)) => tally.settle(source, &columns.time_name)?,
        });
        survey.decimals.push(options.decimal.unwrap_or_else(|| signs.decimal()));
        survey.n_rows.push(n_rows);
    }
    one_kind(sources, &survey.time_formats)?;
    let Counts { n_numbers, n_texts } = counts;
    survey.is_numeric =
        n_numbers.iter().zip(n_texts).map(|(n, t)| layout.is_chosen || *n >= t).collect();
    one_set_of_columns(sources, layout, &survey, options)?;
    Ok(survey)
}

fn read_one(
    source: &Source,
    columns: &Columns,
    looks_at_time: bool,
    counts: &mut Counts,
) -> Result<(Signs, Tally, u64)> {
    let (mut signs, mut tally, mut n_rows) = (Signs::default(), Tally::default(), 0);
    for record in source.records()?.skip(1) {
        let record = record?;
        n_rows += 1;
        // A ragged row is told by the second reading.
        if record.len() != columns.n_fields {
            continue;
        }
        for (name_idx, column_idx) in columns.value_idxs.iter().enumerate() {
            let Some(cell) = column_idx.and_then(|idx| record.get(idx)) else { continue };
            signs.take(cell);
            match (cells::read(cell, Decimal::Point), cells::read(cell, Decimal::Comma)) {
                (Cell::Number(_), _) | (_, Cell::Number(_)) => counts.n_numbers[name_idx] += 1,
                (Cell::Text, _) => counts.n_texts[name_idx] += 1,
                _ => {}
            }
        }
        if let Some(cell) = columns.time_idx.and_then(|idx| record.get(idx))
            && looks_at_time
        {
            tally.take(record.line, cell);
        }
    }
    Ok((signs, tally, n_rows))
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
fn one_set_of_columns(
    sources: &[Source],
    layout: &Layout,
    survey: &Survey,
    options: &ImportOptions,
) -> Result<()> {
    let kept = |idx: &usize| survey.is_numeric[*idx];
    if !(0..layout.names.len()).any(|idx| kept(&idx)) && !options.no_columns {
        return Err(Error::data(
            Report::new("no column of numbers to keep")
                .at(sources.first().map_or_else(String::new, |source| source.place(1)))
                .expected("at least one numeric column")
                .found(super::layout::shown_names(&layout.names))
                .hint("name the columns to keep with `--columns`, or keep none: `--no-columns`"),
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
