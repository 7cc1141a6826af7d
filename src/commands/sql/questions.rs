//! Questions that are kept ready: `sql/questions/*.sql`, embedded.

use std::fmt::Write;

use oddlot_engine::header::{Header, Taken};
use oddlot_engine::query::Bound;
use oddlot_engine::sql_file::SqlFile;
use oddlot_engine::{Error, Kind, Report};

use crate::settings::hint_of;

macro_rules! questions {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../sql/questions/", $name, ".sql")))),*]
    };
}

/// Name and text of each, in the order in which they are listed.
const QUESTIONS: [(&str, &str); 13] = questions![
    "flags_of_day",
    "new_alerts",
    "busiest_tickers",
    "market_days",
    "model_agreement",
    "alarm_rates",
    "near_misses",
    "events_by_severity",
    "failing_tickers",
    "stale_tickers",
    "error_quantiles",
    "restated_flags",
    "event_returns",
];

/// One of them.
#[derive(Debug)]
pub struct Question {
    /// The query.
    pub text: &'static str,
    name: &'static str,
    header: Header,
}

impl Question {
    /// The one of that name.
    ///
    /// # Errors
    /// `Usage`: there is none.
    pub fn named(name: &str) -> Result<Self, Error> {
        let wanted = name.strip_suffix(".sql").unwrap_or(name);
        match QUESTIONS.into_iter().find(|(known, _)| *known == wanted) {
            Some((name, text)) => Self::of(name, text),
            None => {
                let names = QUESTIONS.map(|(name, _)| name);
                let report = Report::new(format!("there is no question `{name}`"))
                    .expected(format!("one of {}", names.join(", ")));
                let hint = hint_of(wanted, names)
                    .unwrap_or_else(|| "`oddlot sql --question` tells what each asks".to_owned());
                Err(Error::new(Kind::Usage, report.hint(hint)))
            }
        }
    }

    fn of(name: &'static str, text: &'static str) -> Result<Self, Error> {
        let header = SqlFile::new(format!("builtin:{name}"), text).header()?;
        Ok(Self { text, name, header })
    }

    /// A value for each of its parameters: as given, else its default. All of them are text: a question casts them.
    ///
    /// # Errors
    /// `Usage`: it does not take one that is given.
    pub fn values(&self, given: &[(String, String)]) -> Result<Vec<(&str, Bound)>, Error> {
        let takes = &self.header.takes;
        let is_taken = |name: &str| takes.iter().any(|taken| taken.name == name);
        if let Some((unknown, _)) = given.iter().find(|(name, _)| !is_taken(name)) {
            let names: Vec<&str> = takes.iter().map(|taken| taken.name.as_str()).collect();
            let report = Report::new(format!("`{}` does not take `{unknown}`", self.name))
                .expected(format!("one of {}", names.join(", ")));
            let hint = hint_of(unknown, names)
                .unwrap_or_else(|| "`oddlot sql --question` tells what each takes".to_owned());
            return Err(Error::new(Kind::Usage, report.hint(hint)));
        }
        let value = |taken: &Taken| {
            let given = given.iter().rev().find(|(name, _)| *name == taken.name);
            given.map_or(taken.default.clone(), |(_, value)| value.clone())
        };
        Ok(takes.iter().map(|taken| (taken.name.as_str(), Bound::Text(value(taken)))).collect())
    }
}

/// All of them, with what they take.
pub fn list() -> Result<String, Error> {
    let mut text = String::new();
    for (name, query) in QUESTIONS {
        let question = Question::of(name, query)?;
        let asks = question.header.summary.split_once(": ").map_or("", |(_, asks)| asks);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<20} {}", question.name, asks.trim_end_matches('.'));
        for Taken { name, default, meaning } in &question.header.takes {
            let _ = writeln!(text, "{:<20}   --param {name}={default}  {meaning}", "");
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_says_what_it_asks_needs_gives_and_takes() {
        for (name, text) in QUESTIONS {
            let question = Question::named(name).unwrap();
            let header = &question.header;
            assert!(header.summary.starts_with(&format!("{name}: ")), "{name}");
            for said in [&header.grain, &header.needs] {
                assert!(!said.is_empty(), "{name}: {header:?}");
            }
            assert!(text.contains("\n-- gives     pipeline, "), "{name}");
            let body: String = text.lines().filter(|line| !line.starts_with("--")).collect();
            for Taken { name: parameter, meaning, .. } in &header.takes {
                assert!(!meaning.is_empty(), "{name}: {parameter}");
                assert!(body.contains(&format!("${parameter}")), "{name}: {parameter}");
            }
            assert!(header.takes.is_empty() || body.contains('$'), "{name}");
        }
    }

    #[test]
    fn the_folder_has_no_question_that_is_not_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/questions");
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> = files
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| name.trim_end_matches(".sql").to_owned())
            .collect();
        files.sort();
        let mut names = QUESTIONS.map(|(name, _)| name).to_vec();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn what_is_given_counts_more_than_the_default_and_a_wrong_name_is_corrected() {
        let question = Question::named("busiest_tickers").unwrap();
        let given = [("sessions".to_owned(), "7".to_owned())];
        let values = question.values(&given).unwrap();
        assert_eq!(values, [("sessions", "7".into()), ("rows", "50".into())]);
        let error = question.values(&[("sesions".to_owned(), "7".to_owned())]).unwrap_err();
        assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `sessions`?"));
        let error = Question::named("bussiest_tickers").unwrap_err();
        assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `busiest_tickers`?"));
        assert!(list().unwrap().contains("--param sessions=21  "));
    }
}
