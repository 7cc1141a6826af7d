//! Signals: what is finished before a command ends, and what is not begun any more.
//!
//! The first SIGTERM or Ctrl-C asks. Who replaces a cell replaces it to its end ([`in_one_go`]), nothing else is begun,
//! and who takes care of what it holds ([`Care`], [`unless_asked`]) gives it up. The second ends the process at once,
//! which tears nothing: what is half done lies in staging.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oddlot_engine::{Error, Kind, Report};
use tokio::sync::Notify;

use crate::exit::Exit;
use crate::progress;

#[derive(Debug)]
struct State {
    /// How a signal wants the command to end.
    asked: Option<Exit>,
    /// What has to be done to its end.
    n_in_hand: usize,
    /// Who ends by himself once he is asked to.
    n_in_care: usize,
}

static STATE: Mutex<State> = Mutex::new(State { asked: None, n_in_hand: 0, n_in_care: 0 });
static CHANGED: Notify = Notify::const_new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a signal wants the command to end, if one has come.
pub fn asked() -> Option<Exit> {
    state().asked
}

/// Does `work` to its end, whatever signal comes meanwhile. Once one has come nothing is begun: this never ends then,
/// and whoever waits for it is ended. Not to be nested.
pub async fn in_one_go<T>(work: impl Future<Output = T>) -> T {
    let begun = {
        let mut state = state();
        let may_begin = state.asked.is_none();
        state.n_in_hand += usize::from(may_begin);
        may_begin
    };
    if !begun {
        return std::future::pending().await;
    }
    let _hand = Hand;
    work.await
}

struct Hand;

impl Drop for Hand {
    fn drop(&mut self) {
        state().n_in_hand -= 1;
        CHANGED.notify_waiters();
    }
}

/// While it lives a signal is left to whoever holds it.
pub struct Care;

impl Care {
    /// Takes it.
    pub fn take() -> Self {
        state().n_in_care += 1;
        Self
    }
}

impl Drop for Care {
    fn drop(&mut self) {
        state().n_in_care -= 1;
        CHANGED.notify_waiters();
    }
}

/// Does `work`, unless a signal comes: then what is in hand is finished and the rest is dropped.
///
/// # Errors
/// Those of `work`; [`Kind::Interrupted`].
pub async fn unless_asked<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        biased;
        done = work => done,
        () = until(|state| state.asked.is_some() && state.n_in_hand == 0) => Err(interrupted()),
    }
}

/// Ends once a signal has come that nobody takes care of.
pub async fn left_alone() -> Exit {
    let is_over = |state: &State| state.n_in_hand == 0 && state.n_in_care == 0;
    until(|state| state.asked.is_some() && is_over(state)).await;
    asked().unwrap_or(Exit::Terminated)
}

async fn until(is_so: impl Fn(&State) -> bool) {
    loop {
        let changed = CHANGED.notified();
        tokio::pin!(changed);
        // What changes from here on is heard of.
        changed.as_mut().enable();
        if is_so(&state()) {
            return;
        }
        changed.await;
    }
}

fn interrupted() -> Error {
    let by = asked().map_or("a signal", name);
    let report = Report::new(format!("stopped by {by}"));
    let report = report.found(progress::standing());
    Error::new(
        Kind::Interrupted,
        report.hint("run the same command again: it does the rest; nothing is torn or lost"),
    )
}

fn name(exit: Exit) -> &'static str {
    match exit {
        Exit::Interrupted => "Ctrl-C",
        _ => "SIGTERM",
    }
}

/// A signal has come; the second of them ends the process.
fn ask(exit: Exit) {
    let (is_second, is_in_care) = {
        let mut state = state();
        let is_second = state.asked.is_some();
        state.asked.get_or_insert(exit);
        (is_second, state.n_in_care > 0)
    };
    if is_second {
        std::process::exit(i32::from(exit.code()));
    }
    if is_in_care {
        let by = name(exit);
        tracing::warn!("{by}: what is in hand is finished; a second signal ends at once");
    }
    CHANGED.notify_waiters();
}

/// Hears signals for as long as the process lives.
///
/// # Errors
/// The system does not tell them.
#[cfg(unix)]
pub fn listen() -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        signal(kind).map_err(|error| Error::bug(format!("signals cannot be listened to: {error}")))
    };
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => ask(Exit::Interrupted),
                _ = terminate.recv() => ask(Exit::Terminated),
            }
        }
    });
    Ok(())
}

/// Hears Ctrl-C for as long as the process lives.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn listen() -> Result<(), Error> {
    tokio::spawn(async move {
        // Without a handler the process simply ends, which loses nothing either.
        while tokio::signal::ctrl_c().await.is_ok() {
            ask(Exit::Interrupted);
        }
    });
    Ok(())
}
