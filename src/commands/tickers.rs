//! `--tickers`: names and patterns as they stand, and those of files.

use std::path::Path;

use oddlot_engine::{Error, Report};

use crate::cli::Tickers;

/// All of them; `@FILE` stands for the lines of a file, without those that are empty or begin with `#`. A ticker
/// whose name has a comma or begins with `@` can be told in a file only.
///
/// # Errors
/// A file that cannot be read or names nobody; a name that is empty.
pub fn read(asked: &Tickers) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for name in &asked.tickers {
        match name.strip_prefix('@') {
            Some(file) => names.extend(of_file(Path::new(file))?),
            None if name.is_empty() => {
                return Err(Error::config(
                    Report::new("a ticker of --tickers is empty")
                        .at("--tickers")
                        .expected("names or patterns between commas")
                        .found(asked.tickers.join(","))
                        .hint("delete the comma that is too many"),
                ));
            }
            None => names.push(name.clone()),
        }
    }
    Ok(names)
}

fn of_file(file: &Path) -> Result<Vec<String>, Error> {
    let report = |found: String| {
        Error::config(
            Report::new("the tickers of a file cannot be read")
                .at(file.display().to_string())
                .expected("a text file with a ticker or a pattern on each line")
                .found(found)
                .hint("correct the file, or the name behind `--tickers @`"),
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| report(error.to_string()))?;
    let lines = text.lines().map(str::trim);
    let names: Vec<String> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if names.is_empty() { Err(report("no ticker".to_owned())) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tickers: &[&str]) -> Result<Vec<String>, Error> {
        read(&Tickers { tickers: tickers.iter().map(|name| (*name).to_owned()).collect() })
    }

    #[test]
    fn a_file_stands_for_its_lines_without_comments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("few.txt");
        std::fs::write(&file, "# mine\nAAPL\r\n\n BRK, B \n@HOME\nB*\n").unwrap();
        let from = format!("@{}", file.display());
        assert_eq!(of(&["X", &from, "Y"]).unwrap(), ["X", "AAPL", "BRK, B", "@HOME", "B*", "Y"]);
        std::fs::write(&file, "# nobody\n").unwrap();
        assert!(of(&[&from]).unwrap_err().to_string().contains("no ticker"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(of(&[&from]).unwrap_err().kind, oddlot_engine::Kind::Config);
        assert_eq!(of(&["A", ""]).unwrap_err().reports[0].title, "a ticker of --tickers is empty");
        assert_eq!(of(&[]).unwrap(), [""; 0]);
    }
}
