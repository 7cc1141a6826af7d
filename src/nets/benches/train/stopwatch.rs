//! The shortest lap.

use std::time::{Duration, Instant};

pub(crate) struct Stopwatch {
    since: Instant,
    shortest: Duration,
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), shortest: Duration::MAX }
    }

    pub(crate) fn start(&mut self) {
        self.since = Instant::now();
    }

    pub(crate) fn lap(&mut self) {
        self.shortest = self.shortest.min(self.since.elapsed());
    }

    pub(crate) fn milliseconds(&self) -> f64 {
        self.shortest.as_secs_f64() * 1e3
    }
}
