//! SQL files: the embedded ones, and the user's own.

use crate::error::{Error, Report, Result};
use crate::header::Header;

/// One query with its header, and the name that messages give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlFile {
    /// A path as the user wrote it, or `builtin:<name>`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// What a pipeline file writes before the name of an embedded feature file.
pub const BUILTIN_PREFIX: &str = "builtin:";

const FEATURES: [(&str, &str); 4] = [
    ("close", include_str!("../../sql/features/close.sql")),
    ("log_return", include_str!("../../sql/features/log_return.sql")),
    ("market_residual", include_str!("../../sql/features/market_residual.sql")),
    ("volatility_scaled_return", include_str!("../../sql/features/volatility_scaled_return.sql")),
];

const CHECKS: [(&str, &str); 6] = [
    ("duplicate_rows", include_str!("../../sql/checks/duplicate_rows.sql")),
    ("ohlc_order", include_str!("../../sql/checks/ohlc_order.sql")),
    ("zero_volume", include_str!("../../sql/checks/zero_volume.sql")),
    ("jumps", include_str!("../../sql/checks/jumps.sql")),
    ("stale_prices", include_str!("../../sql/checks/stale_prices.sql")),
    ("future_dates", include_str!("../../sql/checks/future_dates.sql")),
];

impl SqlFile {
    /// A file of the user's.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The embedded feature file `name`, with or without `builtin:`.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn builtin_features(name: &str) -> Result<Self> {
        let wanted = name.strip_prefix(BUILTIN_PREFIX).unwrap_or(name);
        match FEATURES.iter().find(|(known, _)| *known == wanted) {
            Some((_, text)) => Ok(Self::new(format!("{BUILTIN_PREFIX}{wanted}"), *text)),
            None => {
                let known = FEATURES.map(|(known, _)| known);
                let report = Report::new(format!("there are no builtin features `{wanted}`"))
                    .expected(format!("one of {}", known.join(", ")))
                    .found(wanted);
                Err(Error::config(with_suggestion(report, wanted, known)))
            }
        }
    }

    /// Names of the embedded feature files.
    pub fn builtin_feature_names() -> impl Iterator<Item = &'static str> {
        FEATURES.iter().map(|(name, _)| *name)
    }

    /// The embedded input check `name`.
    pub fn builtin_check(name: &str) -> Option<Self> {
        let (_, text) = CHECKS.iter().find(|(known, _)| *known == name)?;
        Some(Self::new(format!("{BUILTIN_PREFIX}{name}"), *text))
    }

    /// Names of the embedded input checks.
    pub fn builtin_check_names() -> impl Iterator<Item = &'static str> {
        CHECKS.iter().map(|(name, _)| *name)
    }

    /// The default `windows.sql`.
    pub fn builtin_windows() -> Self {
        Self::new("builtin:rolling", include_str!("../../sql/windows/rolling.sql"))
    }

    /// The step before the features.
    pub(crate) fn cut_segments() -> Self {
        Self::new("builtin:cut_segments", include_str!("../../sql/prices/cut_segments.sql"))
    }

    /// The market's move of each day.
    pub(crate) fn median_returns() -> Self {
        Self::new("builtin:median_returns", include_str!("../../sql/prices/median_returns.sql"))
    }

    /// What is odd about each ticker.
    pub(crate) fn inspect_prices() -> Self {
        Self::new("builtin:inspect_prices", include_str!("../../sql/checks/inspect_prices.sql"))
    }

    /// The newest price of each ticker.
    pub(crate) fn last_prices() -> Self {
        Self::new("builtin:last_prices", include_str!("../../sql/checks/last_prices.sql"))
    }

    /// Its machine-read header.
    ///
    /// # Errors
    /// See [`Header::parse`].
    pub fn header(&self) -> Result<Header> {
        Header::parse(&self.name, &self.text)
    }
}

/// Adds "did you mean" when a known name is near.
pub(crate) fn with_suggestion<'a>(
    report: Report,
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Report {
    match nearest(found, known) {
        Some(near) => report.hint(format!("did you mean `{near}`?")),
        None => report,
    }
}

/// The known name nearest to `found`, if it is near at all.
pub(crate) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Below this similarity two names have little in common.
    const NEAR: f64 = 0.75;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&found.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_builtin_is_corrected() {
        let error = SqlFile::builtin_features("builtin:log_returns").unwrap_err();
        assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `log_return`?"));
        assert!(SqlFile::builtin_features("builtin:close").is_ok());
    }

    #[test]
    fn every_embedded_file_has_a_full_header() {
        let features =
            SqlFile::builtin_feature_names().map(|n| SqlFile::builtin_features(n).unwrap());
        let others = [
            SqlFile::builtin_windows(),
            SqlFile::cut_segments(),
            SqlFile::median_returns(),
            SqlFile::inspect_prices(),
            SqlFile::last_prices(),
        ];
        let checks = SqlFile::builtin_check_names().map(|n| SqlFile::builtin_check(n).unwrap());
        for file in features.chain(checks).chain(others) {
            let header = file.header().unwrap();
            assert!(header.causal, "{}", file.name);
            for field in [&header.summary, &header.grain, &header.needs] {
                assert!(!field.is_empty(), "{}: {header:?}", file.name);
            }
            assert!(!header.gives.is_empty(), "{}", file.name);
        }
    }
}
