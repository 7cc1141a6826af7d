//! How far a job is: the stage that it is in, and of all that it does what is done for good.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

/// What the process is at; it does one job at a time.
struct Standing {
    stage: Option<Told>,
    /// Cells that are written, and all that have to be.
    cells: Option<(usize, usize)>,
}

#[derive(Clone)]
struct Told {
    name: &'static str,
    unit: &'static str,
    bar: ProgressBar,
    /// Whether it may be over before its last unit.
    is_bound: bool,
    began: Instant,
    /// Units that were done when somebody last looked, and when the last of them was.
    last: (u64, Duration),
}

static STANDING: Mutex<Standing> = Mutex::new(Standing { stage: None, cells: None });

fn here() -> MutexGuard<'static, Standing> {
    STANDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stage, until it is dropped: how far it is its bar knows.
#[derive(Debug)]
pub struct Stage(&'static str);

impl Stage {
    /// One that ends with the last of its units.
    pub fn new(name: &'static str, unit: &'static str, bar: &ProgressBar) -> Self {
        Self::enter(name, unit, bar, false)
    }

    /// One that may end earlier.
    pub fn bounded(name: &'static str, unit: &'static str, bar: &ProgressBar) -> Self {
        Self::enter(name, unit, bar, true)
    }

    /// One of which nobody knows how long it is.
    pub fn endless(name: &'static str) -> Self {
        Self::enter(name, "", &ProgressBar::hidden(), false)
    }

    fn enter(name: &'static str, unit: &'static str, bar: &ProgressBar, is_bound: bool) -> Self {
        let (bar, began) = (bar.clone(), Instant::now());
        let last = (0, Duration::ZERO);
        here().stage = Some(Told { name, unit, bar, is_bound, began, last });
        Self(name)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The next one may have begun.
        here().stage.take_if(|told| told.name == self.0);
    }
}

impl Told {
    /// Notes what has been done since somebody looked.
    fn look(&mut self) {
        let done = self.bar.position();
        if done != self.last.0 {
            self.last = (done, self.began.elapsed());
        }
    }
}

/// A unit of the stage is done: of units that take minutes it counts when the last one was.
pub(super) fn advanced() {
    if let Some(told) = &mut here().stage {
        told.look();
    }
}

/// A job begins.
pub(super) fn begin() {
    *here() = Standing { stage: None, cells: None };
}

/// So many of `of` cells are written.
pub fn cells(done: usize, of: usize) {
    here().cells = Some((done, of));
}

/// What is done and what remains, for who is stopped.
pub fn standing() -> String {
    let standing = here();
    match (standing.cells, &standing.stage) {
        (Some((done, of)), _) => {
            format!("{done} of {of} cells are written, {} remain", of.saturating_sub(done))
        }
        (None, Some(Told { name, unit, bar, .. })) if !unit.is_empty() => format!(
            "{name}: {} of {} {unit}; a model that is not stored yet is begun anew",
            bar.position(),
            bar.length().unwrap_or_default()
        ),
        (None, _) => "no cell is written yet".to_owned(),
    }
}

/// One line of the log.
pub(super) fn tell() {
    advanced();
    let Some(told) = here().stage.clone() else { return };
    let Told { name, unit, bar, is_bound, began, last: (done, at) } = told;
    let of = bar.length().unwrap_or_default();
    if of == 0 {
        tracing::info!(stage = name, seconds = began.elapsed().as_secs(), "progress");
        return;
    }
    let pace = Pace { done, of, at, since: began.elapsed().saturating_sub(at), is_bound };
    let per_second = pace.per_second().map(|rate| match rate {
        ..1.0 => format!("{rate:.4}"),
        _ => format!("{rate:.1}"),
    });
    tracing::info!(
        stage = name,
        done,
        of,
        unit,
        per_second = per_second.map(tracing::field::display),
        remaining = %pace,
        "progress"
    );
}

/// How fast a stage has been so far, all of it: also its pauses, which come again.
struct Pace {
    done: u64,
    of: u64,
    /// From the beginning to the last unit that is done.
    at: Duration,
    /// From that one until now.
    since: Duration,
    is_bound: bool,
}

impl Pace {
    /// `None` before anything is done.
    fn per_second(&self) -> Option<f64> {
        let seconds = self.at.as_secs_f64();
        (self.done > 0 && seconds > 0.0).then(|| self.done as f64 / seconds)
    }

    /// Seconds, at the pace so far: the unit in hand takes what is left of its time, those after it all of theirs.
    fn remaining(&self) -> Option<f64> {
        let each = 1.0 / self.per_second()?;
        let left = self.of.saturating_sub(self.done) as f64;
        let in_hand = (each * left.min(1.0) - self.since.as_secs_f64()).max(0.0);
        Some(in_hand + each * (left - 1.0).max(0.0))
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(seconds) = self.remaining() else { return f.write_str("unknown") };
        f.write_str(if self.is_bound { "at most " } else { "about " })?;
        match seconds {
            ..90.0 => write!(f, "{seconds:.0} s"),
            90.0..5400.0 => write!(f, "{:.0} min", seconds / 60.0),
            _ => write!(f, "{:.1} h", seconds / 3600.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(done: u64, of: u64, seconds: u64) -> Pace {
        let (at, since) = (Duration::from_secs(seconds), Duration::ZERO);
        Pace { done, of, at, since, is_bound: false }
    }

    #[test]
    fn the_rest_takes_as_long_as_what_is_done_has_taken() {
        // 200 rows in 10 s are 20 a second; 800 are left.
        assert_eq!(pace(200, 1000, 10).per_second(), Some(20.0));
        assert_eq!(pace(200, 1000, 10).to_string(), "about 40 s");
        assert_eq!(pace(1, 11, 30).to_string(), "about 5 min");
        assert_eq!(pace(1, 2, 7200).to_string(), "about 2.0 h");
        assert_eq!(Pace { is_bound: true, ..pace(9, 10, 18) }.to_string(), "at most 2 s");
    }

    #[test]
    fn while_a_long_unit_is_in_hand_the_rest_becomes_less() {
        let after = |seconds| {
            let since = Duration::from_secs(seconds);
            Pace { since, ..pace(1, 3, 100) }.remaining()
        };
        assert_eq!(after(0), Some(200.0));
        assert_eq!(after(60), Some(140.0));
        // It takes longer than the others: those after it still take theirs.
        assert_eq!(after(300), Some(100.0));
    }

    #[test]
    fn the_pace_is_that_of_units_that_are_done() {
        let bar = ProgressBar::with_draw_target(Some(3), indicatif::ProgressDrawTarget::hidden());
        let (began, last) = (Instant::now() - Duration::from_secs(1), (0, Duration::ZERO));
        let mut told = Told { name: "a", unit: "epochs", bar, is_bound: true, began, last };
        told.look();
        assert_eq!(told.last, (0, Duration::ZERO));
        told.bar.inc(1);
        told.look();
        let (done, at) = told.last;
        assert!(done == 1 && at >= Duration::from_secs(1));
        told.look();
        assert_eq!(told.last, (1, at));
    }

    #[test]
    fn nothing_is_promised_before_anything_is_done_and_nothing_is_left_at_the_end() {
        assert_eq!(pace(0, 10, 30).to_string(), "unknown");
        assert_eq!(pace(0, 0, 0).to_string(), "unknown");
        assert_eq!(pace(10, 10, 30).to_string(), "about 0 s");
        // More than was counted on.
        assert_eq!(pace(12, 10, 30).to_string(), "about 0 s");
    }
}
