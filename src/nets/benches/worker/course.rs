//! A computation that goes on while it is timed and sleeps in between.
//!
//! A training loop cannot be left and entered again: it runs for ever on threads of its own, and what it calls
//! after each batch waits for the next request when the time of this one is over.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::laps::{Laps, Slice};

pub(crate) struct Course {
    orders: Sender<Slice>,
    answers: Receiver<Laps>,
}

impl Course {
    /// Starts `run` on a pool of `threads`. It must call what it is given when it is ready, and then after
    /// each lap.
    pub(crate) fn new(threads: usize, run: impl FnOnce(&mut dyn FnMut()) + Send + 'static) -> Self {
        let (orders, ordered) = channel();
        let (answer, answers) = channel();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be started").spawn(move || {
            let mut timed: Option<Laps> = None;
            run(&mut || {
                if let Some(mut laps) = timed.take() {
                    if !laps.lap() {
                        timed = Some(laps);
                        return;
                    }
                    answer.send(laps).expect("somebody waits for the answer");
                }
                timed = Some(Laps::begin(ordered.recv().unwrap_or_else(|_| sleep())));
            });
        });
        Self { orders, answers }
    }

    /// The laps of one slice.
    pub(crate) fn timed(&self, slice: Slice) -> Laps {
        self.orders.send(slice).expect("the computation never ends");
        self.answers.recv().expect("the computation never ends")
    }
}

/// Until the process ends: nobody will ask again.
fn sleep() -> ! {
    loop {
        std::thread::park();
    }
}
