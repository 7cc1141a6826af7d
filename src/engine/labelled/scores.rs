//! Scores that somebody else computed.

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::arrow::array::{Array, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};

use super::columns::ColumnMap;
use super::file::Table;
use super::labels::{mistake, told, undated, whens, zero_or_one};
use super::when::When;
use crate::error::{Error, Report, Result};

/// The scores of one ticker, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenScores {
    /// Instants in µs since 1970-01-01; a day is its midnight, row n is day n.
    pub ts: Vec<i64>,
    /// NaN where there is none.
    pub scores: Vec<f64>,
    /// What was scored, where a column says so.
    pub values: Option<Vec<f64>>,
    /// The flags of whoever scored, where a column says so.
    pub flags: Option<Vec<bool>>,
    /// Whether rows have numbers instead of times.
    pub is_numbered: bool,
}

/// Reads `ticker, ts, score` and, if they are there, `value` and `flag`. Without a ticker all rows are of one,
/// the file's name.
///
/// # Errors
/// `Config` for a column that is not there, `Data` for cells that cannot be understood or a time that comes twice.
pub fn read_scores(path: &Path, columns: &ColumnMap) -> Result<BTreeMap<String, GivenScores>> {
    let table = Table::read(path)?;
    let tickers = match columns.find(&table, "ticker")? {
        Some(column) => Some(table.texts(&column)?),
        None => None,
    };
    let stem =
        path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let when_column = columns.need(&table, "ts")?;
    let whens = whens(&table, &when_column)?;
    let scores = numbers(&table, &columns.need(&table, "score")?)?;
    let values = columns.find(&table, "value")?.map(|name| numbers(&table, &name)).transpose()?;
    let flags = columns.find(&table, "flag")?.map(|name| table.texts(&name)).transpose()?;
    let texts = table.texts(&when_column)?;
    let is_numbered = texts.iter().flatten().all(|text| text.parse::<i32>().is_ok());
    let mut rows: BTreeMap<String, Vec<(i64, usize)>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (row_idx, when) in whens.iter().enumerate() {
        match (ticker(&table, tickers.as_ref(), &stem, row_idx), when) {
            (Ok(ticker), Ok(when)) => {
                rows.entry(ticker).or_default().push((When::first(*when), row_idx))
            }
            (Err(report), _) => mistakes.push(report),
            (_, Err(found)) => mistakes.push(undated(&table, row_idx, found)),
        }
    }
    let mut all = BTreeMap::new();
    for (ticker, mut rows) in rows {
        rows.sort_unstable();
        for pair in rows.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let found = format!("again what {} has", table.place(pair[0].1));
            let title = format!("{ticker} has two scores at one time");
            mistakes.push(mistake(&table, pair[1].1, &title, "one", &found));
        }
        let at = |column: &[f64]| rows.iter().map(|&(_, row_idx)| column[row_idx]).collect();
        let mut given = GivenScores {
            ts: rows.iter().map(|row| row.0).collect(),
            scores: at(&scores),
            values: values.as_deref().map(at),
            flags: None,
            is_numbered,
        };
        if let Some(flags) = &flags {
            let flag = |&(_, row_idx): &(i64, usize)| {
                let text = if flags.is_valid(row_idx) { flags.value(row_idx) } else { "nothing" };
                zero_or_one(text).ok_or_else(|| {
                    mistake(&table, row_idx, "a flag is neither 0 nor 1", "0 or 1", text)
                })
            };
            match rows.iter().map(flag).collect::<Result<Vec<bool>, Report>>() {
                Ok(flags) => given.flags = Some(flags),
                Err(report) => mistakes.push(report),
            }
        }
        all.insert(ticker, given);
    }
    told(&table, mistakes)?;
    Ok(all)
}

fn ticker(
    table: &Table,
    tickers: Option<&StringArray>,
    stem: &str,
    row_idx: usize,
) -> Result<String, Report> {
    match tickers {
        None => Ok(stem.to_owned()),
        Some(tickers) if tickers.is_valid(row_idx) => Ok(tickers.value(row_idx).to_owned()),
        Some(_) => Err(mistake(table, row_idx, "the row has no ticker", "a ticker", "nothing")),
    }
}

/// Numbers; NaN where there is none. Text that is no number is a mistake.
fn numbers(table: &Table, name: &str) -> Result<Vec<f64>> {
    let texts = table.texts(name)?;
    let bug = || Error::bug(format!("column `{name}` was found and is gone"));
    let column = table.column(name).ok_or_else(bug)?;
    let numbers = cast(column, &DataType::Float64).map_err(|error| {
        let report = Report::new(format!("column `{name}` has no numbers")).at(table.name.as_str());
        Error::data(report.found(error.to_string()))
    })?;
    let numbers = numbers.as_primitive::<Float64Type>();
    let is_lost = |row_idx: &usize| numbers.is_null(*row_idx) && texts.is_valid(*row_idx);
    let lost = (0..table.n_rows()).filter(is_lost);
    let report = |row_idx: usize| {
        mistake(
            table,
            row_idx,
            &format!("`{name}` is no number"),
            "a number, or nothing",
            texts.value(row_idx),
        )
    };
    told(table, lost.map(report).collect())?;
    Ok(numbers.iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, GivenScores>> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("scores.csv");
        fs::write(&path, text).unwrap();
        read_scores(&path, &ColumnMap::new("--score-columns", []).unwrap())
    }

    #[test]
    fn rows_come_in_the_order_of_time_and_a_missing_score_is_nan() {
        let all =
            read("ticker,ts,score,value,flag\nA,1970-01-02,2.5,7,1\nA,1970-01-01,,6,0\n").unwrap();
        let given = &all["A"];
        assert_eq!(given.ts, [0, 86_400_000_000]);
        assert!(given.scores[0].is_nan() && given.scores[1] == 2.5);
        assert_eq!(given.values.as_deref(), Some(&[6.0, 7.0][..]));
        assert_eq!(given.flags.as_deref(), Some(&[false, true][..]));
        assert!(!given.is_numbered);
        for text in ["ts,score\n1,0.5\n2,0.6\n", "ts,score\n-1,0.5\n0,0.6\n"] {
            assert!(read(text).unwrap()["scores"].is_numbered, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_told() {
        let title = |text: &str| read(text).unwrap_err().reports[0].title.clone();
        assert_eq!(title("ticker,ts,score\nA,1,high\n"), "`score` is no number");
        assert_eq!(title("ticker,ts,score\nA,1,2\nA,1,3\n"), "A has two scores at one time");
        assert_eq!(title("ticker,ts,sccore\nA,1,2\n"), "there is no column `score`");
        assert_eq!(title("ticker,ts,score,flag\nA,1,2,maybe\n"), "a flag is neither 0 nor 1");
        let hint = read("ticker,ts,sccore\nA,1,2\n").unwrap_err().reports[0].hint.clone();
        assert_eq!(hint.as_deref(), Some("did you mean `--score-columns score=sccore`?"));
    }
}
