//! Exit codes: who must act is told to the scheduler too.

use std::process::ExitCode;

use oddlot_engine::{Error, Kind};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Finished, but too many tickers failed.
    TickersFailed = 1,
    /// The command line (clap ends with it by itself), `ODDLOT_ENGINE` or `ODDLOT_ISA` is wrong.
    Usage = 2,
    /// An input check stopped it, or no ticker survived.
    Input = 3,
    /// Anomalies were found and `--fail-on anomaly` was given.
    Anomaly = 4,
    /// A model is missing or does not fit.
    Model = 5,
    /// A mistake of ours.
    Bug = 70,
    /// The output cannot be written.
    Output = 73,
    /// Something temporary; a retry is safe.
    Temporary = 75,
    /// Credentials are missing or refused.
    Credentials = 77,
    /// The configuration is wrong.
    Config = 78,
    /// Interrupted by Ctrl-C; the same command resumes.
    Interrupted = 130,
    /// Ended by a signal from the system; the same command resumes.
    Terminated = 143,
}

impl Exit {
    /// The one that matters more to whoever must act: any refusal before failed tickers, those before
    /// anomalies, and being done last.
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Done => 0,
            Self::Anomaly => 1,
            Self::TickersFailed => 2,
            refused => 1000 + u32::from(refused as u8),
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Config => Self::Config,
            Kind::Data => Self::Input,
            Kind::Model => Self::Model,
            Kind::Store => Self::Temporary,
            Kind::Output => Self::Output,
            Kind::Credentials => Self::Credentials,
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
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_code_that_the_handbook_promises() {
        let codes = [
            (Kind::Config, 78),
            (Kind::Data, 3),
            (Kind::Model, 5),
            (Kind::Store, 75),
            (Kind::Output, 73),
            (Kind::Credentials, 77),
            (Kind::Bug, 70),
        ];
        for (kind, code) in codes {
            assert_eq!(Exit::from(kind) as u8, code, "{kind:?}");
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
    }
}
