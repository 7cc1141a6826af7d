//! Many runners of whom only a few run at a time: who is done wakes the next and sleeps.
//!
//! A training loop cannot be left after an epoch, so that each of many models has a thread for itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex};

pub(crate) struct Relay {
    runners: Vec<Sender<()>>,
    /// How many run at a time.
    abreast: usize,
    next: AtomicUsize,
    done: Mutex<usize>,
    all_done: Condvar,
}

/// What a runner waits for.
pub(crate) struct Turn(Receiver<()>);

impl Relay {
    /// The relay, and a turn for each runner.
    pub(crate) fn new(runners: usize, abreast: usize) -> (Self, Vec<Turn>) {
        let (runners, turns) =
            (0..runners).map(|_| channel()).map(|(begin, turn)| (begin, Turn(turn))).unzip();
        let (next, done, all_done) = (AtomicUsize::new(0), Mutex::new(0), Condvar::new());
        (Self { runners, abreast, next, done, all_done }, turns)
    }

    /// Lets every runner run once and waits for the last.
    pub(crate) fn run(&self) {
        self.next.store(0, Ordering::SeqCst);
        *self.done.lock().expect("nobody panics") = 0;
        (0..self.abreast).for_each(|_| self.wake_next());
        let done = self.done.lock().expect("nobody panics");
        let waited = self.all_done.wait_while(done, |done| *done < self.runners.len());
        drop(waited.expect("nobody panics"));
    }

    /// A runner is done.
    pub(crate) fn hand_on(&self) {
        self.wake_next();
        let mut done = self.done.lock().expect("nobody panics");
        *done += 1;
        if *done == self.runners.len() {
            self.all_done.notify_one();
        }
    }

    fn wake_next(&self) {
        if let Some(runner) = self.runners.get(self.next.fetch_add(1, Ordering::SeqCst)) {
            runner.send(()).expect("runners never end");
        }
    }
}

impl Turn {
    pub(crate) fn wait(&self) {
        self.0.recv().expect("the relay never ends");
    }
}
