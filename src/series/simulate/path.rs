//! One ticker from its listing to its end.

use super::market::{Market, Variance};
use super::{Purpose, Simulation};
use crate::archive::draws;

/// Of tickers, those that are listed after the first session, within [`LISTED_WITHIN`].
const LATE_SHARE: f64 = 0.3;
/// Sessions of ten years.
const LISTED_WITHIN: usize = 2_520;
/// Chance of a ticker to end, each session: one in a hundred a year.
const END_CHANCE: f64 = 1.0 / 25_200.0;
/// Sessions that a ticker has at least.
const LIVES_AT_LEAST: usize = 60;
/// Chance of a jump, each session, and its deviation.
const JUMP_CHANCE: f64 = 1.0 / 1_500.0;
const JUMP_SCALE: f64 = 0.10;
/// No session moves a log price further.
const RETURN_MAX: f64 = 0.6;
/// Above this price shares are split, as often as `SPLIT_CHANCE` says; below the other ten become one.
const SPLIT_ABOVE: f64 = 150.0;
const SPLIT_CHANCE: f64 = 1.0 / 250.0;
const MERGED_BELOW: f64 = 0.6;
/// Chance of a session without a row, and of the begin of a halt, which takes `HALT_SESSIONS`.
const MISSING_CHANCE: f64 = 1.0 / 2_000.0;
const HALT_CHANCE: f64 = 1.0 / 10_000.0;
const HALT_SESSIONS: std::ops::RangeInclusive<usize> = 3..=25;

/// The rows of one ticker, in the order of their days. Prices are as traded: a split shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// Its name: `T00042` is number 42.
    pub ticker: String,
    /// Days since 1970-01-01, `[row]`.
    pub days: Vec<i32>,
    /// Last price of the session, `[row]`.
    pub close: Vec<f64>,
    /// The rest of the session, where asked for.
    pub bars: Option<Bars>,
    /// Whether it was listed after the market's first session.
    pub is_late: bool,
    /// Whether it ended before the market's last session.
    pub is_delisted: bool,
    /// Splits and mergers of shares.
    pub n_splits: usize,
    /// Sessions of its life without a row.
    pub n_missing: usize,
}

/// Open, high, low and shares, each `[row]`. `low <= open, close <= high`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// First price.
    pub open: Vec<f64>,
    /// Highest price.
    pub high: Vec<f64>,
    /// Lowest price.
    pub low: Vec<f64>,
    /// Shares, whole.
    pub volume: Vec<f64>,
}

impl Simulation {
    /// The rows of ticker `number`; none if it is listed later than all sessions. Number 0 is there from the
    /// first. `with_bars` draws more and changes no close.
    pub fn path(&self, market: &Market, number: usize, with_bars: bool) -> Path {
        let draw = Draws { seed: self.seed, number };
        let listing = draw.listing();
        let mut path = Path {
            ticker: format!("T{number:05}"),
            bars: with_bars.then(Bars::default),
            is_late: listing > 0,
            ..Path::default()
        };
        let mut life = Life::begin(draw);
        let mut halted_until = listing;
        for session in listing..self.days.min(market.days.len()) {
            let traded = life.next(session, market.returns[session]);
            path.n_splits += usize::from(traded.is_split);
            if draw.is(HALT_CHANCE, Purpose::Halt, session) && session > listing {
                halted_until = session + draw.halt_length(session);
            }
            let is_single = draw.is(MISSING_CHANCE, Purpose::Missing, session) && session > listing;
            // What ends, trades on its last day.
            let is_end =
                session >= listing + LIVES_AT_LEAST && draw.is(END_CHANCE, Purpose::End, session);
            match !is_end && (session < halted_until || is_single) {
                true => path.n_missing += 1,
                false => path.push(market.days[session], &traded, draw, session),
            }
            if is_end {
                path.is_delisted = session + 1 < self.days;
                break;
            }
        }
        path
    }
}

impl Path {
    fn push(&mut self, day: i32, traded: &Traded, draw: Draws, session: usize) {
        self.days.push(day);
        self.close.push(tick(traded.close));
        let Some(bars) = &mut self.bars else { return };
        // A part of the day's move happens before the first trade, most often a small one.
        let overnight = draw.uniform(Purpose::Overnight, session).powi(2);
        let open = traded.before * (traded.change * overnight).exp();
        let beyond = |purpose| (0.4 * traded.scale * draw.normal(purpose, session).abs()).exp();
        let (top, bottom) = (open.max(traded.close), open.min(traded.close));
        bars.open.push(tick(open));
        // Rounding keeps the order.
        bars.high.push(tick(top * beyond(Purpose::High)));
        bars.low.push(tick(bottom / beyond(Purpose::Low)));
        let excitement = traded.change.abs() / traded.scale;
        let turnover = 0.35 * draw.normal(Purpose::Turnover, session) + 0.25 * excitement;
        bars.volume.push((5.0e7 / traded.close * turnover.min(5.0).exp()).round().max(1.0));
    }
}

/// A price as it is quoted: cents, and below one dollar hundredths of them.
fn tick(price: f64) -> f64 {
    if price < 1.0 {
        (price * 10_000.0).round() / 10_000.0
    } else {
        (price * 100.0).round() / 100.0
    }
}

/// A ticker as it moves from session to session, whether or not anybody trades it.
struct Life {
    draw: Draws,
    beta: f64,
    /// Standard deviation of its own part in a usual session.
    usual: f64,
    variance: Variance,
    price: f64,
}

/// One session.
struct Traded {
    /// The close before, in today's shares.
    before: f64,
    close: f64,
    /// ln(close / before).
    change: f64,
    /// Deviation that the change was drawn with.
    scale: f64,
    is_split: bool,
}

impl Life {
    fn begin(draw: Draws) -> Self {
        let between = |low: f64, high: f64, purpose| {
            let share = draw.uniform(purpose, 0);
            (low.ln() + (high / low).ln() * share).exp()
        };
        Self {
            draw,
            beta: (1.0 + 0.3 * draw.normal(Purpose::Beta, 0)).clamp(0.2, 2.0),
            usual: between(0.008, 0.03, Purpose::Volatility),
            variance: Variance { persistence: 0.98, unrest: 0.18, state: 0.0 },
            price: between(8.0, 120.0, Purpose::FirstPrice),
        }
    }

    fn next(&mut self, session: usize, market: f64) -> Traded {
        let draw = self.draw;
        let own = self.usual * self.variance.next(draw.normal(Purpose::Variance, session));
        let jump = match draw.is(JUMP_CHANCE, Purpose::Jump, session) {
            true => JUMP_SCALE * draw.normal(Purpose::JumpSize, session),
            false => 0.0,
        };
        let change = self.beta * market + own * draw.normal(Purpose::Shock, session) + jump;
        let change = change.clamp(-RETURN_MAX, RETURN_MAX);
        let (price, is_split) = match self.price {
            high if high > SPLIT_ABOVE && draw.is(SPLIT_CHANCE, Purpose::Split, session) => {
                (high / 2.0, true)
            }
            low if low < MERGED_BELOW => (low * 10.0, true),
            price => (price, false),
        };
        self.price = price * change.exp();
        Traded { before: price, close: self.price, change, scale: own.hypot(market), is_split }
    }
}

/// The draws of one ticker.
#[derive(Clone, Copy)]
struct Draws {
    seed: u64,
    number: usize,
}

impl Draws {
    fn uniform(self, purpose: Purpose, session: usize) -> f64 {
        draws::uniform(self.seed, &purpose.of(self.number, session))
    }

    fn normal(self, purpose: Purpose, session: usize) -> f64 {
        draws::normal(self.seed, &purpose.of(self.number, session))
    }

    fn is(self, chance: f64, purpose: Purpose, session: usize) -> bool {
        self.uniform(purpose, session) < chance
    }

    /// Its first session.
    fn listing(self) -> usize {
        match self.number > 0 && self.is(LATE_SHARE, Purpose::IsLate, 0) {
            true => {
                1 + draws::below(LISTED_WITHIN, self.seed, &Purpose::Listing.of(self.number, 0))
            }
            false => 0,
        }
    }

    fn halt_length(self, session: usize) -> usize {
        let (least, most) = (*HALT_SESSIONS.start(), *HALT_SESSIONS.end());
        least
            + draws::below(
                most - least + 1,
                self.seed,
                &Purpose::HaltLength.of(self.number, session),
            )
    }
}

/// Expected share of a ticker's sessions without a row.
#[cfg(test)]
pub(super) fn missing_share() -> f64 {
    let mean_halt = crate::statistics::to_real(HALT_SESSIONS.start() + HALT_SESSIONS.end()) / 2.0;
    MISSING_CHANCE + HALT_CHANCE * mean_halt
}
