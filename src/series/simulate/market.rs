//! What tickers have in common: the sessions and one factor of stochastic volatility.

use super::{Purpose, sessions};
use crate::archive::draws;

/// Standard deviation of the factor in a usual session; the long-run figure of broad US indices.
const USUAL: f64 = 0.009;

/// Sessions and the log return of the factor in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// Where every draw starts.
    pub seed: u64,
    /// Days since 1970-01-01, `[session]`.
    pub days: Vec<i32>,
    /// Log returns, `[session]`.
    pub returns: Vec<f64>,
}

impl Market {
    /// The first `n` sessions.
    pub(super) fn new(seed: u64, n: usize) -> Self {
        let mut variance = Variance { persistence: 0.985, unrest: 0.15, state: 0.0 };
        let factor = |session| {
            let words = |purpose: Purpose| purpose.of(0, session);
            let scale = USUAL * variance.next(draws::normal(seed, &words(Purpose::MarketVariance)));
            0.0002 + scale * draws::normal(seed, &words(Purpose::MarketShock))
        };
        Self { seed, days: sessions(n), returns: (0..n).map(factor).collect() }
    }
}

/// Stochastic volatility: its logarithm, doubled, is an autoregression of order one.
///
/// Source: Taylor 1986, "Modelling Financial Time Series"; persistence and unrest about those of daily stock
/// returns in Jacquier, Polson and Rossi 1994.
#[derive(Clone, Copy)]
pub(super) struct Variance {
    /// How much of yesterday's deviation from the usual is left.
    pub(super) persistence: f64,
    /// Deviation of what is added each session.
    pub(super) unrest: f64,
    /// The log variance against the usual one.
    pub(super) state: f64,
}

impl Variance {
    /// The factor on the usual deviation in the next session, of a standard normal draw.
    pub(super) fn next(&mut self, draw: f64) -> f64 {
        self.state = self.persistence * self.state + self.unrest * draw;
        (self.state / 2.0).exp()
    }
}
