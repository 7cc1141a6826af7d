//! Exit codes: who must act is told to the scheduler too.

use std::process::ExitCode;

use oddlot_engine::{Error, Kind};

use crate::stop;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// There was nothing to do, and the user wants to be told by this code.
    Skipped(u8),
    /// Done, or nothing to do.
    Done,
    /// Finished, but too many tickers failed.
    TickersFailed,
    /// Answered, but not with all rows: `sql --limit`.
    Cut,
    /// The command line (of most mistakes clap ends with it by itself), `ODDLOT_ENGINE` or `ODDLOT_ISA` is wrong.
    Usage,
    /// An input check stopped it, or no ticker survived.
    Input,
    /// Anomalies were found and `--fail-on anomaly` was given.
    Anomaly,
    /// A model is missing or does not fit.
    Model,
    /// A mistake of ours.
    Bug,
    /// The output cannot be written.
    Output,
    /// Something temporary; a retry is safe.
    Temporary,
    /// Credentials are missing or refused.
    Credentials,
    /// The configuration is wrong.
    Config,
    /// Interrupted by Ctrl-C; the same command resumes.
    Interrupted,
    /// Ended by a signal from the system; the same command resumes.
    Terminated,
}

impl Exit {
    /// All that are not chosen by the user, by their code.
    pub const ALL: [Self; 14] = [
        Self::Done,
        Self::TickersFailed,
        Self::Cut,
        Self::Usage,
        Self::Input,
        Self::Anomaly,
        Self::Model,
        Self::Bug,
        Self::Output,
        Self::Temporary,
        Self::Credentials,
        Self::Config,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// What happened, and what is to be done.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Skipped(_) => "nothing to do, told by the code that `--skip-code` asks for",
            Self::Done => "done, or nothing to do",
            Self::TickersFailed => {
                "done, but more tickers failed than universe.max_failed_tickers: see ticker_status"
            }
            Self::Cut => "answered, but not with all rows: raise `--limit` of `oddlot sql`",
            Self::Usage => "the command line is wrong",
            Self::Input => "an input check stopped it, a file is damaged, or no ticker survived",
            Self::Anomaly => "a day is flagged, and `--fail-on anomaly` was given",
            Self::Model => "a model is missing or does not fit: `oddlot run`, or `--full-refresh`",
            Self::Bug => "a mistake of oddlot's own: tell us",
            Self::Output => "cannot write: make room; the same command resumes",
            Self::Temporary => {
                "throttled, no answer, or another run is at work: the same command later"
            }
            Self::Credentials => "credentials are missing, expired or refused: renew them",
            Self::Config => "a mistake in the pipeline file or its SQL: mend it",
            Self::Interrupted => "interrupted (Ctrl-C); the same command resumes",
            Self::Terminated => "ended by a signal (SIGTERM); the same command resumes",
        }
    }

    /// The code that the system sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Skipped(code) => code,
            Self::Done => 0,
            Self::TickersFailed | Self::Cut => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Anomaly => 4,
            Self::Model => 5,
            Self::Bug => 70,
            Self::Output => 73,
            Self::Temporary => 75,
            Self::Credentials => 77,
            Self::Config => 78,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The one that matters more to whoever must act: any refusal before failed tickers, those before
    /// anomalies, then being done, and having had nothing to do last.
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Skipped(_) => 0,
            Self::Done => 1,
            Self::Anomaly => 2,
            Self::TickersFailed | Self::Cut => 3,
            refused => 1000 + u32::from(refused.code()),
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Usage => Self::Usage,
            Kind::Config => Self::Config,
            Kind::Data => Self::Input,
            Kind::Model => Self::Model,
            Kind::Store => Self::Temporary,
            Kind::Output => Self::Output,
            Kind::Credentials => Self::Credentials,
            // A signal has come, or it would not be said.
            Kind::Interrupted => stop::asked().unwrap_or(Self::Terminated),
            Kind::Bug => Self::Bug,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        error.kind.into()
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_code_that_the_handbook_promises() {
        let codes = [
            (Kind::Usage, 2),
            (Kind::Config, 78),
            (Kind::Data, 3),
            (Kind::Model, 5),
            (Kind::Store, 75),
            (Kind::Output, 73),
            (Kind::Credentials, 77),
            (Kind::Interrupted, 143),
            (Kind::Bug, 70),
        ];
        for (kind, code) in codes {
            assert_eq!(Exit::from(kind).code(), code, "{kind:?}");
        }
    }

    #[test]
    fn of_several_pipelines_the_one_that_somebody_must_mend_counts() {
        let worst = |exits: &[Exit]| exits.iter().copied().fold(Exit::Done, Exit::worse);
        assert_eq!(worst(&[]), Exit::Done);
        assert_eq!(worst(&[Exit::Anomaly, Exit::Done]), Exit::Anomaly);
        assert_eq!(worst(&[Exit::Anomaly, Exit::TickersFailed, Exit::Done]), Exit::TickersFailed);
        assert_eq!(worst(&[Exit::TickersFailed, Exit::Input, Exit::Anomaly]), Exit::Input);
        assert_eq!(worst(&[Exit::Config, Exit::Input]), Exit::Config);
        // Only if none had anything to do.
        assert_eq!(Exit::Skipped(99).worse(Exit::Done), Exit::Done);
        assert_eq!(Exit::Skipped(99).worse(Exit::Skipped(99)).code(), 99);
    }
}
