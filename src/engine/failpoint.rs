//! Named points in the life of a cell at which a test can kill the process, or make it fail.
//!
//! For tests only: `ODDLOT_FAILPOINT=name[:nth][=kill|error|hold|wait]` acts when the run comes by `name`
//! for the `nth` time (the first, unless said). `kill`, the default, ends the process on the spot, so
//! that nothing is tidied up; `error` fails as a full disk would; `hold` says so and waits for whoever
//! is to kill the process from outside; `wait` says so too, and goes on once stdin has a line or ends. Nothing is
//! armed without it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Kind, Report, Result};

macro_rules! failpoints {
    ($($(#[$doc:meta])+ $point:ident = $name:literal,)+) => {
        /// Every step of a cell's life, in the order in which a run takes them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failpoint { $($(#[$doc])+ $point,)+ }

        impl Failpoint {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// What the variable calls it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)+ }
            }
        }
    };
}

failpoints! {
    /// A run has its lock, and no folder yet.
    StagingLocked = "staging_locked",
    /// It has its folder too.
    StagingMade = "staging_made",
    /// A network has learnt for an epoch.
    EpochTrained = "epoch_trained",
    /// A model is trained and calibrated, and nothing of it is stored.
    ModelTrained = "model_trained",
    /// Its weights are stored.
    WeightsStored = "weights_stored",
    /// Its `model.json` too; the pipeline does not use it yet.
    ModelStored = "model_stored",
    /// The pipeline uses it.
    ModelUsed = "model_used",
    /// All models and the split are stored; scoring begins.
    SplitStored = "split_stored",
    /// The judged rows of a ticker are in staging.
    TickerWritten = "ticker_written",
    /// The summary is in place; no cell is closed.
    SummaryStored = "summary_stored",
    /// A cell is closed in staging, and not synced.
    CellWritten = "cell_written",
    /// It is synced, and not verified.
    CellSynced = "cell_synced",
    /// The ledger has forgotten the cell that was there.
    EntryRemoved = "entry_removed",
    /// A folder below the root is made, and not synced. Local disks only.
    FolderMade = "folder_made",
    /// An object is in place; its folder is not synced.
    ObjectMoved = "object_moved",
    /// A cell is in place, and not in the ledger.
    CellMoved = "cell_moved",
    /// A small object is in staging, synced.
    ObjectStaged = "object_staged",
    /// The ledger knows the cell.
    CellNoted = "cell_noted",
    /// The object of a cell that nothing is computed for any more is gone; the ledger still knows it.
    OrphanRemoved = "orphan_removed",
    /// Every cell is in place.
    CellsCommitted = "cells_committed",
    /// So are the rows of `models`.
    ModelsListed = "models_listed",
    /// A run table's object is in staging, synced.
    RowsStaged = "rows_staged",
    /// The rows of `ticker_status` are in place.
    TickersTold = "tickers_told",
    /// So are those of `alerts`.
    AlertsTold = "alerts_told",
    /// The row of `runs` is there: the run is complete.
    RunCommitted = "run_committed",
    /// Staging is gone; its lock is not.
    StagingRemoved = "staging_removed",
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Kill,
    Error,
    Hold,
    Wait,
}

/// What the variable asks for.
#[derive(Debug)]
struct Armed {
    point: Failpoint,
    nth: u64,
    action: Action,
    passed: AtomicU64,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms the point that `setting` names, for the rest of the process's life.
///
/// # Errors
/// A setting that cannot be understood; all names are told.
pub fn arm(setting: &str) -> Result<(), Report> {
    let armed = parse(setting).ok_or_else(|| {
        let names: Vec<&str> = Failpoint::ALL.iter().map(|point| point.name()).collect();
        Report::new("there is no such failpoint")
            .at("ODDLOT_FAILPOINT")
            .expected(format!(
                "name[:nth][=kill|error|hold|wait]; the names are {}",
                names.join(", ")
            ))
            .found(setting)
            .hint("unset ODDLOT_FAILPOINT: it is for tests, and ends runs before they are done")
    })?;
    // A second setting would be a mistake of ours, and the first one stands.
    drop(ARMED.set(armed));
    Ok(())
}

/// Passes a point: does nothing, unless a test has armed it.
///
/// # Errors
/// [`Kind::Output`] where it is armed so.
pub fn pass(point: Failpoint) -> Result<()> {
    tracing::trace!(failpoint = point.name());
    let Some(armed) = ARMED.get().filter(|armed| armed.point == point) else { return Ok(()) };
    if armed.passed.fetch_add(1, Ordering::Relaxed) + 1 != armed.nth {
        return Ok(());
    }
    match armed.action {
        Action::Kill => std::process::abort(),
        Action::Hold => loop {
            tracing::warn!(failpoint = point.name(), "held");
            std::thread::park();
        },
        Action::Wait => {
            tracing::warn!(failpoint = point.name(), "held");
            // The end of stdin is an answer too.
            drop(std::io::stdin().read_line(&mut String::new()));
            Ok(())
        }
        Action::Error => Err(Error::new(
            Kind::Output,
            Report::new("a test has stopped this run")
                .at(format!("ODDLOT_FAILPOINT={}", point.name()))
                .expected("a run to its end")
                .found("an armed failpoint")
                .hint("unset ODDLOT_FAILPOINT and run the same command again"),
        )),
    }
}

fn parse(setting: &str) -> Option<Armed> {
    let (place, action) = setting.split_once('=').unwrap_or((setting, "kill"));
    let (name, nth) = place.split_once(':').unwrap_or((place, "1"));
    Some(Armed {
        point: *Failpoint::ALL.iter().find(|point| point.name() == name)?,
        nth: nth.parse().ok().filter(|nth| *nth > 0)?,
        action: match action {
            "kill" => Action::Kill,
            "error" => Action::Error,
            "hold" => Action::Hold,
            "wait" => Action::Wait,
            _ => return None,
        },
        passed: AtomicU64::new(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_a_count_and_what_to_do() {
        let read = |setting| parse(setting).map(|armed| (armed.point, armed.nth, armed.action));
        assert_eq!(read("cell_moved"), Some((Failpoint::CellMoved, 1, Action::Kill)));
        assert_eq!(read("cell_moved:7"), Some((Failpoint::CellMoved, 7, Action::Kill)));
        assert_eq!(read("folder_made:2=error"), Some((Failpoint::FolderMade, 2, Action::Error)));
        assert_eq!(read("cell_noted=hold"), Some((Failpoint::CellNoted, 1, Action::Hold)));
        for wrong in ["", "cell", "cell_moved:0", "cell_moved:x", "cell_moved=sleep"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_two_points_have_one_name_and_a_mistake_tells_them_all() {
        let mut names: Vec<&str> = Failpoint::ALL.iter().map(|point| point.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Failpoint::ALL.len());
        let told = arm("no_such_point").unwrap_err().expected.unwrap();
        assert!(names.iter().all(|name| told.contains(name)), "{told}");
    }
}
