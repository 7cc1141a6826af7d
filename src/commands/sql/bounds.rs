//! How long a query may take and how much memory, whatever it is at.
//!
//! Most queries are stopped where they wait for the next batch, and sorts and groups where they ask for memory
//! (`session`). A query that does neither (a text of a gigabyte, a plan that is never finished) is seen from outside:
//! a thread looks at the clock and at the memory of the process, and ends it.

use std::future::Future;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use oddlot_engine::session::SessionOptions;
use oddlot_engine::{Error, Kind, Report};

use crate::commands::threads;
use crate::exit::Exit;
use crate::{colour, diagnostic, machine, tell};

/// How long a query that is asked to stop may go on before the process ends.
const GRACE: Duration = Duration::from_secs(2);

/// How often memory is looked at: at the speed of memory, no more than some 200 MB come meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// Rows of a batch: of the longest text that a query may have, a column is no more than 2 GiB.
const BATCH_ROWS: usize = 1024;

/// What a query may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// As long as it takes where `None`.
    pub timeout: Option<Duration>,
    /// Of the whole process.
    pub memory: ByteSize,
}

impl Bounds {
    /// A session that keeps to them: half the memory for sorts, groups and joins, since what they pass on is not
    /// counted; twice as much on disk for sorts.
    pub fn session(&self) -> SessionOptions {
        let bytes = self.memory.as_u64();
        SessionOptions {
            threads: threads(None),
            memory_limit_bytes: Some(usize::try_from(bytes / 2).unwrap_or(usize::MAX)),
            spill_limit_bytes: Some(bytes.saturating_mul(2)),
            batch_rows: BATCH_ROWS,
        }
    }

    /// Does `work` within them.
    ///
    /// # Errors
    /// Those of `work`; `Store` when the time is over. Where it cannot be stopped, the process ends.
    pub async fn hold<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let _watch = self.watch();
        match self.timeout {
            None => work.await,
            Some(timeout) => {
                tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(late(timeout)))
            }
        }
    }

    /// Looks on until what it returns is dropped.
    fn watch(self) -> Sender<()> {
        let (held, dropped) = mpsc::channel();
        let begun = Instant::now();
        let look_on = move || {
            while dropped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let error = match self.timeout {
                    Some(timeout) if begun.elapsed() > timeout + GRACE => late(timeout),
                    _ if machine::memory_bytes() > Some(self.memory.as_u64()) => large(self.memory),
                    _ => continue,
                };
                tell(&diagnostic::error(&error, colour()));
                std::process::exit(i32::from(Exit::from(&error).code()));
            }
        };
        // Without the thread a query is still stopped where it waits.
        drop(thread::Builder::new().name("bounds".into()).spawn(look_on));
        held
    }
}

fn late(timeout: Duration) -> Error {
    let report = Report::new("the query takes too long")
        .expected(format!("an answer within {} s (--timeout)", timeout.as_secs()))
        .found("none, or not all of it: what is written so far is not whole")
        .hint("ask for fewer days or tickers; `--timeout SECONDS` gives it longer, `--timeout 0` for ever");
    Error::new(Kind::Store, report)
}

fn large(memory: ByteSize) -> Error {
    let report = Report::new("the query needs more memory")
        .expected(format!("at most {} (--memory)", memory.display().iec()))
        .found("more; what is written so far is not whole")
        .hint("ask for fewer rows or groups, or give it more: `--memory 8GiB`");
    Error::config(report)
}
