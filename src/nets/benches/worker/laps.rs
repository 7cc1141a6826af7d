//! The shortest lap.

use std::time::{Duration, Instant};

/// Laps that warm up, at most.
const WARM: u32 = 3;
/// Laps shorter than this are timed in groups, so that the clock's own cost stays out.
const SHORT: Duration = Duration::from_micros(100);
const LARGEST_GROUP: f64 = 100.0;

/// How to time.
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    /// How long; one lap at least.
    pub(crate) seconds: f64,
    /// Whether up to three laps warm up first, taking no longer than the slice.
    pub(crate) warms_up: bool,
}

/// Laps of one slice of time: as `fastest` in `peers/protocol.py`.
pub(crate) struct Laps {
    length: Duration,
    /// Begin of the warming up, or of the group.
    since: Instant,
    laps: u32,
    /// Laps of a group, and when to stop; `None` while it warms up.
    timing: Option<(u32, Instant)>,
    shortest: Duration,
    timed: usize,
}

impl Laps {
    /// The first lap begins now.
    pub(crate) fn begin(slice: Slice) -> Self {
        let (length, since) = (Duration::from_secs_f64(slice.seconds), Instant::now());
        let timing = (!slice.warms_up).then(|| (1, since + length));
        Self { length, since, laps: 0, timing, shortest: Duration::MAX, timed: 0 }
    }

    /// Ends a lap; whether it was the last one.
    pub(crate) fn lap(&mut self) -> bool {
        self.laps += 1;
        let is_group = self.timing.is_none_or(|(group, _)| self.laps == group);
        if !is_group {
            return false;
        }
        let now = Instant::now();
        let taken = now - self.since;
        if let Some((group, end)) = self.timing {
            self.shortest = self.shortest.min(taken / group);
            self.timed += group as usize;
            (self.since, self.laps) = (now, 0);
            return now >= end;
        }
        if self.laps == WARM || taken > self.length {
            let group = SHORT.as_secs_f64() * f64::from(self.laps) / taken.as_secs_f64();
            self.timing = Some((group.clamp(1.0, LARGEST_GROUP) as u32, now + self.length));
            (self.since, self.laps) = (now, 0);
        }
        false
    }

    pub(crate) fn shortest_seconds(&self) -> f64 {
        self.shortest.as_secs_f64()
    }

    /// How many laps were timed.
    pub(crate) fn timed(&self) -> usize {
        self.timed
    }
}
