//! Tickers that are scored at the same time, and whether a network takes the threads of others.
//!
//! One ticker takes all threads. Where there is a ticker for each of them, each keeps to its own: a thread
//! that is done with its share of a network would wait for the others in the midst of theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oddlot_engine::score::Scorer;
use oddlot_engine::ticker_rows::TickerRows;
use oddlot_engine::{Error, RecordBatch, SchemaRef};
use oddlot_series::{FitError, Fitted, ModelSpec, NamedTensor, Windows};

/// How many tickers are being scored.
#[derive(Debug, Default)]
pub(super) struct InHand(AtomicUsize);

/// A scorer whose tickers are counted while they are scored.
#[derive(Debug)]
pub(super) struct CountedScorer<S> {
    pub(super) scorer: S,
    pub(super) in_hand: Arc<InHand>,
}

impl<S: Scorer> Scorer for CountedScorer<S> {
    fn schema(&self) -> SchemaRef {
        self.scorer.schema()
    }

    fn score(&self, rows: &TickerRows) -> Result<RecordBatch, Error> {
        self.in_hand.0.fetch_add(1, Ordering::Relaxed);
        let scored = self.scorer.score(rows);
        self.in_hand.0.fetch_sub(1, Ordering::Relaxed);
        scored
    }

    fn read(&self, read: &mut dyn FnMut()) {
        self.scorer.read(read);
    }

    fn scored(&self, ticker: &str) {
        self.scorer.scored(ticker);
    }
}

/// A network that leaves threads to other tickers.
pub(super) struct SharingNetwork<N> {
    pub(super) network: N,
    pub(super) in_hand: Arc<InHand>,
}

impl<N: Fitted> Fitted for SharingNetwork<N> {
    fn spec(&self) -> &ModelSpec {
        self.network.spec()
    }

    fn steps(&self) -> usize {
        self.network.steps()
    }

    fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        match self.in_hand.0.load(Ordering::Relaxed) < rayon::current_num_threads() {
            true => self.network.expect(windows),
            false => self.network.expect_alone(windows),
        }
    }

    fn expect_alone(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        self.network.expect_alone(windows)
    }

    fn weights(&self) -> Vec<NamedTensor> {
        self.network.weights()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use oddlot_engine::tables::{Table, schema};

    use super::*;

    /// Notes how it was asked.
    #[derive(Debug, Default)]
    struct Asked(Mutex<Vec<&'static str>>);

    impl Asked {
        fn note(&self, how: &'static str) -> Result<Vec<f32>, FitError> {
            self.0.lock().unwrap().push(how);
            Ok(Vec::new())
        }
    }

    impl Fitted for Asked {
        fn spec(&self) -> &ModelSpec {
            unreachable!("nobody wants to know")
        }

        fn steps(&self) -> usize {
            1
        }

        fn expect(&self, _: Windows<'_>) -> Result<Vec<f32>, FitError> {
            self.note("all")
        }

        fn expect_alone(&self, _: Windows<'_>) -> Result<Vec<f32>, FitError> {
            self.note("alone")
        }

        fn weights(&self) -> Vec<NamedTensor> {
            Vec::new()
        }
    }

    /// Asks a network for each ticker, after so many other tickers have been begun beside it.
    #[derive(Debug)]
    struct Asking {
        network: SharingNetwork<Asked>,
        n_beside: usize,
    }

    impl<N: std::fmt::Debug> std::fmt::Debug for SharingNetwork<N> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.network.fmt(f)
        }
    }

    impl Scorer for Asking {
        fn schema(&self) -> SchemaRef {
            schema::of(Table::Errors)
        }

        fn score(&self, _: &TickerRows) -> Result<RecordBatch, Error> {
            self.network.in_hand.0.fetch_add(self.n_beside, Ordering::Relaxed);
            let windows = Windows::new(&[1.0], &[0], 1, 1).unwrap();
            self.network.expect(windows).unwrap();
            self.network.in_hand.0.fetch_sub(self.n_beside, Ordering::Relaxed);
            Ok(RecordBatch::new_empty(self.schema()))
        }
    }

    #[test]
    fn a_network_takes_all_threads_until_there_is_a_ticker_for_each() {
        let asked = |n_threads: usize, n_beside: usize| {
            let in_hand = Arc::<InHand>::default();
            let network =
                SharingNetwork { network: Asked::default(), in_hand: Arc::clone(&in_hand) };
            let scorer = CountedScorer { scorer: Asking { network, n_beside }, in_hand };
            let threads = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            threads.install(|| scorer.score(&TickerRows::default()).unwrap());
            assert_eq!(scorer.in_hand.0.load(Ordering::Relaxed), 0);
            scorer.scorer.network.network.0.into_inner().unwrap()
        };
        assert_eq!(asked(4, 0), ["all"]);
        assert_eq!(asked(4, 2), ["all"]);
        assert_eq!(asked(4, 3), ["alone"]);
        assert_eq!(asked(1, 0), ["alone"]);
    }
}
