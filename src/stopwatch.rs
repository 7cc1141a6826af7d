//! Where the time of a stage goes, as a share of what the clock on the wall shows.
//!
//! Several threads do several things at once, and a thread that waits for the others in the middle
//! of a network may take up another ticker meanwhile. So each moment is divided among what the
//! threads are doing then: the parts add up to the stage, and the network's part compares directly
//! with the time that its kernels alone would take on as many threads.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oddlot_engine::score::Scorer;
use oddlot_engine::ticker_rows::TickerRows;
use oddlot_engine::{Error, RecordBatch, SchemaRef};
use oddlot_series::{FitError, Fitted, ModelSpec, NamedTensor, Windows};

use crate::machine;

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Reads prices, makes features and windows.
    Read,
    /// Is inside a network: it learns or is asked.
    Network,
    /// Scales, compares, merges, judges, lays out rows.
    Judge,
    /// Encodes and compresses tables.
    Write,
}

const N_PARTS: usize = 4;

thread_local! {
    /// What this thread does now, innermost.
    static DOING: Cell<Option<Part>> = const { Cell::new(None) };
}

/// Runs from when it is made; shared by all threads of the stage.
#[derive(Debug)]
pub struct Stopwatch {
    begun: Instant,
    processor: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    since: Instant,
    /// Threads in each part.
    n_threads: [u32; N_PARTS],
    spent: [Duration; N_PARTS],
    n_windows: u64,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// The stage from begin to end.
    pub whole: Duration,
    /// Processor time of the whole process meanwhile, where the system tells it.
    pub processor: Option<Duration>,
    /// By [`Part`]; what is missing to the whole, nobody worked.
    pub parts: [Duration; N_PARTS],
    /// Windows that networks were given.
    pub n_windows: u64,
}

impl Spent {
    /// The time of one part.
    pub fn of(&self, part: Part) -> Duration {
        self.parts[part as usize]
    }

    /// Tells how long `stage` of `n_rows` price rows took and what in it; the network's part is what its
    /// kernels alone would take on as many threads.
    pub fn tell(&self, stage: &str, n_rows: usize) {
        let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
        tracing::info!(
            rows = n_rows,
            windows = self.n_windows,
            seconds = %seconds(self.whole),
            network = %seconds(self.of(Part::Network)),
            read = %seconds(self.of(Part::Read)),
            judge = %seconds(self.of(Part::Judge)),
            write = %seconds(self.of(Part::Write)),
            processor = self.processor.map(seconds).map(tracing::field::display),
            peak_mib = machine::peak_mib(),
            "{stage}"
        );
    }
}

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Arc<Self> {
        let begun = Instant::now();
        let state = State {
            since: begun,
            n_threads: [0; N_PARTS],
            spent: [Duration::ZERO; N_PARTS],
            n_windows: 0,
        };
        let processor = machine::processor_time();
        Arc::new(Self { begun, processor, state: Mutex::new(state) })
    }

    /// Does `work`, which is of `part`; what this thread did before stands still meanwhile.
    pub fn during<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        let _back = Switch { watch: self, before: self.switch(Some(part)) };
        work()
    }

    /// So far.
    pub fn read(&self) -> Spent {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.divide(Instant::now());
        let processor = machine::processor_time().zip(self.processor);
        Spent {
            whole: self.begun.elapsed(),
            processor: processor.map(|(now, then)| now.saturating_sub(then)),
            parts: state.spent,
            n_windows: state.n_windows,
        }
    }

    fn switch(&self, to: Option<Part>) -> Option<Part> {
        let from = DOING.replace(to);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.divide(Instant::now());
        if let Some(part) = from {
            state.n_threads[part as usize] -= 1;
        }
        if let Some(part) = to {
            state.n_threads[part as usize] += 1;
        }
        from
    }

    /// Counts windows that a network was given.
    pub fn count(&self, n_windows: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.n_windows += n_windows as u64;
    }
}

impl State {
    /// Gives the time since the last change to what was done in it.
    fn divide(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        self.since = now;
        let n_all: u32 = self.n_threads.iter().sum();
        if n_all > 0 {
            for (spent, n_threads) in self.spent.iter_mut().zip(self.n_threads) {
                *spent += passed * n_threads / n_all;
            }
        }
    }
}

/// Goes back to what the thread did before, also if the work panics.
struct Switch<'a> {
    watch: &'a Stopwatch,
    before: Option<Part>,
}

impl Drop for Switch<'_> {
    fn drop(&mut self) {
        self.watch.switch(self.before);
    }
}

/// A network whose time is taken.
pub struct TimedNetwork {
    /// The network.
    pub network: Arc<dyn Fitted>,
    /// What takes it.
    pub watch: Arc<Stopwatch>,
}

impl Fitted for TimedNetwork {
    fn spec(&self) -> &ModelSpec {
        self.network.spec()
    }

    fn steps(&self) -> usize {
        self.network.steps()
    }

    fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        self.watch.count(windows.len());
        self.watch.during(Part::Network, || self.network.expect(windows))
    }

    fn expect_alone(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        self.watch.count(windows.len());
        self.watch.during(Part::Network, || self.network.expect_alone(windows))
    }

    fn weights(&self) -> Vec<NamedTensor> {
        self.network.weights()
    }
}

/// A scorer whose time is taken.
pub struct TimedScorer<S> {
    /// The scorer.
    pub scorer: S,
    /// What takes it.
    pub watch: Arc<Stopwatch>,
}

impl<S: fmt::Debug> fmt::Debug for TimedScorer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scorer.fmt(f)
    }
}

impl<S: Scorer> Scorer for TimedScorer<S> {
    fn schema(&self) -> SchemaRef {
        self.scorer.schema()
    }

    fn score(&self, rows: &TickerRows) -> Result<RecordBatch, Error> {
        self.watch.during(Part::Judge, || self.scorer.score(rows))
    }

    fn scored(&self, ticker: &str) {
        self.scorer.scored(ticker);
    }

    fn read(&self, read: &mut dyn FnMut()) {
        self.watch.during(Part::Read, read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_divided_among_what_the_threads_do_in_it() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        let mut state = State {
            since: begun,
            n_threads: [0, 3, 1, 0],
            spent: [Duration::ZERO; N_PARTS],
            n_windows: 0,
        };
        state.divide(begun + 4 * second);
        assert_eq!(state.spent, [Duration::ZERO, 3 * second, second, Duration::ZERO]);
        // Where nobody works, nothing is spent.
        state.n_threads = [0; N_PARTS];
        state.divide(begun + 9 * second);
        assert_eq!(state.spent.iter().sum::<Duration>(), 4 * second);
    }

    #[test]
    fn what_a_thread_did_before_stands_still_and_then_goes_on() {
        let watch = Stopwatch::start();
        let threads = || watch.state.lock().unwrap().n_threads;
        watch.during(Part::Judge, || {
            watch.during(Part::Network, || assert_eq!(threads(), [0, 1, 0, 0]));
            assert_eq!(threads(), [0, 0, 1, 0]);
        });
        assert_eq!(threads(), [0; N_PARTS]);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            watch.during(Part::Write, || panic!("in a test"));
        }));
        assert!(panicked.is_err());
        assert_eq!(threads(), [0; N_PARTS]);
    }
}
