//! Prices made up for tests of scale: as many tickers and sessions as asked for, the same from the same seed.
//!
//! The market has one factor of stochastic volatility ([`Market`]); a ticker follows it by its beta and adds a
//! part of its own, with jumps, splits, halts, and a life from its listing to its end ([`Path`]).
//! Every draw is a hash of the seed, the ticker's number, the session and what it is for: a ticker has the same
//! prices whichever others are made, in any order, on any number of threads; and one session more adds one
//! session and changes nothing before it.

mod market;
mod path;
mod sessions;

use thiserror::Error;

pub use market::Market;
pub use path::{Bars, Path};
pub use sessions::{FIRST_SESSION, is_session, sessions};

/// So many tickers can be named `T00000` … `T99999`.
pub const TICKERS_MAX: usize = 100_000;

/// Sessions of about a century.
pub const DAYS_MAX: usize = 25_000;

/// What to make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Tickers, by number.
    pub tickers: usize,
    /// Sessions of the market from [`FIRST_SESSION`]; a ticker may have fewer.
    pub days: usize,
    /// Where every draw starts.
    pub seed: u64,
}

/// A number that nothing can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} = {found} is out of range: expected 1 to {most}")]
pub struct Impossible {
    what: &'static str,
    found: usize,
    most: usize,
}

impl Simulation {
    /// Checks the numbers.
    ///
    /// # Errors
    /// None at all, or more than can be named.
    pub fn new(tickers: usize, days: usize, seed: u64) -> Result<Self, Impossible> {
        let within = |what, found, most| match (1..=most).contains(&found) {
            true => Ok(()),
            false => Err(Impossible { what, found, most }),
        };
        within("tickers", tickers, TICKERS_MAX)?;
        within("days", days, DAYS_MAX)?;
        Ok(Self { tickers, days, seed })
    }

    /// What the tickers have in common.
    pub fn market(&self) -> Market {
        Market::new(self.seed, self.days)
    }
}

/// What the draws of one ticker and session are for; two purposes never share numbers.
#[derive(Clone, Copy)]
enum Purpose {
    Beta,
    Volatility,
    FirstPrice,
    Listing,
    IsLate,
    Variance,
    Shock,
    Jump,
    JumpSize,
    Split,
    End,
    Missing,
    Halt,
    HaltLength,
    Overnight,
    High,
    Low,
    Turnover,
    MarketVariance,
    MarketShock,
}

impl Purpose {
    /// The words of a draw.
    fn of(self, ticker: usize, session: usize) -> [usize; 3] {
        [self as usize, ticker, session]
    }
}

#[cfg(test)]
mod tests;
