//! The shortest lap, and the rate of multiply-adds.

use std::time::{Duration, Instant};

use oddlot_lstm::fused::{Isa, Peak};
use rayon::ThreadPool;

/// Multiply-adds between two looks at the clock: a tenth of a millisecond or a few, so that many fall between two
/// interruptions.
const ROUNDS: u32 = 1 << 16;

/// Keeps the shortest lap.
pub struct Stopwatch {
    since: Instant,
    shortest: Duration,
}

impl Stopwatch {
    /// Starts.
    pub fn new() -> Self {
        Self { since: Instant::now(), shortest: Duration::MAX }
    }

    /// A lap begins.
    pub fn start(&mut self) {
        self.since = Instant::now();
    }

    /// A lap ends.
    pub fn lap(&mut self) {
        self.shortest = self.shortest.min(self.since.elapsed());
    }

    /// Measures `work` as a lap.
    pub fn around<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.start();
        let done = work();
        self.lap();
        done
    }

    /// Seconds of the shortest lap.
    pub fn seconds(&self) -> f64 {
        self.shortest.as_secs_f64()
    }
}

/// Operations a second in fused multiply-adds, the threads of `pool` all at once; each counts with its fastest
/// moment, so that other work takes nothing away. `None` where `isa` has no floor to be derived from it.
pub fn peak_flops(pool: &ThreadPool, isa: Isa, at_least: Duration) -> Option<f64> {
    isa.flops_per_cycle()?;
    let peak = Peak::new(isa).ok()?;
    let rates = pool.broadcast(|_| {
        let begun = Instant::now();
        let mut rate: f64 = 0.0;
        while begun.elapsed() < at_least {
            let since = Instant::now();
            let flops = peak.run(ROUNDS);
            rate = rate.max(flops as f64 / since.elapsed().as_secs_f64());
        }
        rate
    });
    Some(rates.iter().sum())
}
