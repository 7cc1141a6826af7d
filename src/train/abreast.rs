//! One model after the other on all threads, or several side by side on one thread each.
//!
//! The bits of a model do not depend on it.

use oddlot_nets::Threads;

/// Threads that one model can use: a batch of 32, the default, is cut into so many shards.
const THREADS_OF_ONE: usize = 2;

/// Of the time of two threads that one model makes use of: they wait for each other twice a batch.
const SHARE_USED: f64 = 0.95;

/// How the models to be made share the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abreast {
    /// Models at a time.
    pub(super) models: usize,
    /// What each of them trains on.
    pub(super) threads: Threads,
}

impl Abreast {
    /// What is faster for `n_networks` of one size on `threads` threads.
    ///
    /// Side by side, the last model may begin when the others are done: `n/t + 1 - 1/t` times what one model
    /// takes on one thread is a bound (Graham 1966). It is why two models on two threads, of which one learns
    /// twice as long, do better one after the other.
    pub(super) fn of(n_networks: usize, threads: usize) -> Self {
        let (n, t) = (n_networks as f64, threads.max(1) as f64);
        let side_by_side = n / t + 1.0 - 1.0 / t;
        let in_turn = match threads.min(THREADS_OF_ONE) {
            0 | 1 => n,
            used => n / (SHARE_USED * used as f64),
        };
        if side_by_side <= in_turn {
            Self { models: threads.max(1), threads: Threads::One }
        } else {
            Self { models: 1, threads: Threads::All }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_models_learn_in_turn_and_many_side_by_side() {
        let in_turn = Abreast { models: 1, threads: Threads::All };
        let beside = |models| Abreast { models, threads: Threads::One };
        // One model uses all that there is; two of 0.53 each take 1.05, side by side up to 1.5.
        assert_eq!([0, 1, 2, 4].map(|n| Abreast::of(n, 2)), [in_turn; 4]);
        // 64/2 + 1/2 = 32.5 against 64 / 1.9 = 33.7.
        assert_eq!(Abreast::of(64, 2), beside(2));
        // One model leaves six of eight threads idle: 3/8 + 7/8 = 1.25 against 3 / 1.9 = 1.58.
        assert_eq!([3, 8].map(|n| Abreast::of(n, 8)), [beside(8); 2]);
        assert_eq!(Abreast::of(1, 8), in_turn);
        assert_eq!([1, 5].map(|n| Abreast::of(n, 1)), [beside(1); 2]);
    }
}
