//! The ticker in the name of a file.

use std::path::Path;

use super::shown;
use crate::error::{Error, Report, Result};

/// Stands for the ticker in a pattern, as `{ticker}_data.csv`.
const TICKER: &str = "{ticker}";

/// Endings that say how a file is packed and what is in it.
const ENDINGS: [&str; 7] = [".gz", ".gzip", ".zst", ".zstd", ".csv", ".tsv", ".txt"];

/// The name without the endings of compression and text.
pub(super) fn stem(path: &Path) -> Result<String> {
    let mut stem = name(path)?;
    for (idx, ending) in ENDINGS.iter().enumerate() {
        let lower = stem.to_ascii_lowercase();
        if lower.ends_with(ending) && lower.len() > ending.len() {
            stem = &stem[..stem.len() - ending.len()];
        } else if idx + 1 == ENDINGS.len()
            && let Some((before, _)) = stem.rsplit_once('.')
            && !before.is_empty()
            && path.extension().is_some_and(|last| last == &stem[before.len() + 1..])
        {
            stem = before;
        }
    }
    Ok(stem.to_owned())
}

/// The part of the name where the pattern says `{ticker}`.
pub(super) fn ticker(path: &Path, pattern: &str) -> Result<String> {
    let Some((before, after)) =
        pattern.split_once(TICKER).filter(|(_, after)| !after.contains(TICKER))
    else {
        return Err(Error::config(
            Report::new(format!("`{}` does not say where the ticker is", shown(pattern)))
                .at("--ticker-in-name")
                .expected("a file name with {ticker} in it once")
                .found(shown(pattern))
                .hint("write `--ticker-in-name '{ticker}_data.csv'`"),
        ));
    };
    let name = name(path)?;
    let ticker = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    match ticker.filter(|ticker| !ticker.trim().is_empty()) {
        Some(ticker) => Ok(ticker.to_owned()),
        None => Err(Error::data(
            Report::new("the file's name has no ticker where the pattern says")
                .at(path.display().to_string())
                .expected(shown(pattern))
                .found(shown(name))
                .hint("correct `--ticker-in-name`, or import this file apart"),
        )),
    }
}

/// The name as text: anything else would be another ticker than the file's.
fn name(path: &Path) -> Result<&str> {
    path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Error::data(
            Report::new("the file's name is no text, so that it names no ticker")
                .at(path.display().to_string())
                .expected("a name in UTF-8")
                .found("bytes that are no character")
                .hint("name the ticker with `--ticker` or `--ticker-column`"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_loses_the_endings_of_text_and_compression_only() {
        let names =
            ["BRK.B.csv", "BRK.B.csv.gz", "x.CSV.zst", "AAPL.dat", "AAPL", ".csv", "a.b.txt"];
        let stems = names.map(|name| stem(Path::new(name)).unwrap());
        assert_eq!(stems, ["BRK.B", "BRK.B", "x", "AAPL", "AAPL", ".csv", "a.b"]);
    }

    #[test]
    fn a_pattern_cuts_the_ticker_out_of_the_name() {
        let cut = |name: &str| ticker(Path::new(name), "{ticker}_data.csv");
        assert_eq!(cut("in/AAL_data.csv").unwrap(), "AAL");
        assert_eq!(cut("in/BRK.B_data.csv").unwrap(), "BRK.B");
        assert!(cut("in/_data.csv").is_err());
        assert!(cut("in/AAL.csv").is_err());
        assert!(ticker(Path::new("x.csv"), "data.csv").is_err());
    }
}
