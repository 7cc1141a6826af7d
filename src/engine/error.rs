//! What can go wrong outside the mathematics, told by who must act.

use std::fmt;

/// Who must act on an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Give the command other arguments (exit 2).
    Usage,
    /// Edit the pipeline file or the SQL (exit 78).
    Config,
    /// Repair or exclude the input (exit 3).
    Data,
    /// A model is missing or does not fit (exit 5).
    Model,
    /// Reading failed for a reason that may pass (exit 75).
    Store,
    /// The output cannot be written (exit 73).
    Output,
    /// Credentials are missing or refused (exit 77).
    Credentials,
    /// A signal has stopped it; the same command resumes (exit 130 or 143).
    Interrupted,
    /// Our own mistake (exit 70).
    Bug,
}

/// One finding: what, where, what was expected, what was found, and how to mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, lowercase, no full stop.
    pub title: String,
    /// `file:line:column`, a file, or a table.
    pub place: Option<String>,
    /// What was expected there.
    pub expected: Option<String>,
    /// What was found instead.
    pub found: Option<String>,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Report {
    /// A finding with a title only.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Where it is.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// What was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// What was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.title)?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected  {expected}")?;
        }
        if let Some(found) = &self.found {
            write!(f, "\n  found     {found}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// One or several findings of one kind; the first failed act's exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Who must act.
    pub kind: Kind,
    /// At least one, in the order of the file they are about.
    pub reports: Vec<Report>,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with one finding.
    pub fn new(kind: Kind, report: Report) -> Self {
        Self { kind, reports: vec![report] }
    }

    /// A mistake in the pipeline file or the SQL.
    pub fn config(report: Report) -> Self {
        Self::new(Kind::Config, report)
    }

    /// A defect of the input.
    pub fn data(report: Report) -> Self {
        Self::new(Kind::Data, report)
    }

    /// A mistake of ours.
    pub fn bug(title: impl Into<String>) -> Self {
        Self::new(Kind::Bug, Report::new(title))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (report_idx, report) in self.reports.iter().enumerate() {
            if report_idx > 0 {
                f.write_str("\n\n")?;
            }
            report.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
