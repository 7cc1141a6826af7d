//! How much there is, and what follows from it: features, window, split, threshold, how long networks learn.

use oddlot_engine::inspect::TickerFacts;
use oddlot_engine::ticker_rows::iso_date;
use oddlot_engine::{Error, Report};
use oddlot_series::{Fractions, Split};

use super::columns::Columns;
use crate::settings::source::MAX_GAP_DAYS;

/// With fewer rows of any ticker no span has enough to learn from, or to calibrate on.
const ROWS_LEAST: u64 = 60;
/// Rows of a ticker from which on a volatility can be taken of the 63 rows before.
const ROWS_OF_VOLATILITY: u64 = 400;
/// Windows from which on an epoch is long enough for a few of them to do.
const MANY_WINDOWS: u64 = 50_000;
/// Shares of the days: to learn from, to stop in time, to calibrate on; a tenth is left to test on.
pub(super) const SHARES: Fractions = Fractions { train: 0.6, validation: 0.1, calibration: 0.2 };

/// What the models see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Close,
    LogReturn,
    VolatilityScaledReturn,
}

/// What was made of the rows.
#[derive(Clone, Debug)]
pub(super) struct Amounts {
    pub(super) feature: Feature,
    /// Rows of a window.
    pub(super) length: u64,
    /// Last days of train, validation and calibration; `None` where rows are numbered.
    pub(super) spans: Option<[String; 3]>,
    /// Where rows are further apart than sessions are.
    pub(super) max_gap_days: Option<u64>,
    /// Rows that a ticker needs, where some have fewer.
    pub(super) min_rows: Option<u64>,
    /// Whether a few epochs of large batches do.
    pub(super) has_many_windows: bool,
    pub(super) units: u64,
    pub(super) quantile: f64,
    pub(super) parts: u64,
    /// What there is, in a line.
    pub(super) extent: String,
    pub(super) notes: Vec<String>,
}

impl Feature {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::LogReturn => "log_return",
            Self::VolatilityScaledReturn => "volatility_scaled_return",
        }
    }

    /// Rows before a window's first.
    fn lookback(self) -> u64 {
        match self {
            Self::Close => 0,
            Self::LogReturn => 1,
            Self::VolatilityScaledReturn => 64,
        }
    }
}

impl Amounts {
    /// Of `tickers`, which have rows on `days`.
    pub(super) fn of(
        tickers: &[TickerFacts],
        days: &[i32],
        columns: &Columns,
        n_files: usize,
    ) -> Result<Self, Error> {
        let n_rows: u64 = tickers.iter().map(TickerFacts::n_instants).sum();
        let extent = extent(days, n_rows, tickers.len(), n_files, columns.has_dates);
        let split = Split::from_fractions(days, &SHARES).ok();
        let longest = tickers.iter().map(TickerFacts::n_instants).max().unwrap_or_default();
        let Some(split) = split.filter(|_| longest >= ROWS_LEAST) else {
            return Err(Error::data(
                Report::new("there are too few rows to learn from")
                    .at("--from")
                    .expected(format!(
                        "{ROWS_LEAST} rows at least of one ticker, on different days"
                    ))
                    .found(format!("{extent}; {longest} of one ticker at most"))
                    .hint("add history"),
            ));
        };
        let mut notes = vec![extent.clone()];
        let mut of_tickers: Vec<u64> = tickers.iter().map(TickerFacts::n_instants).collect();
        of_tickers.sort_unstable();
        let typical = of_tickers.get(of_tickers.len() / 2).copied().unwrap_or_default();

        let feature = feature(tickers, n_rows, typical, &mut notes);
        let length = if typical >= 600 { 30 } else { (typical / 20).clamp(5, 30) };
        notes.push(match length {
            30 => "windows of 30 rows".to_owned(),
            _ => format!("windows of {length} rows, since a ticker has about {typical}"),
        });
        let spans = columns.has_dates.then(|| {
            let spans = split.spans();
            [spans.train_to, spans.validation_to, spans.calibration_to].map(iso_date)
        });
        notes.push(match &spans {
            Some([train, validation, calibration]) => format!(
                "60 % of the days (to {train}) to learn from, 10 % (to {validation}) to stop in time, \
                 20 % (to {calibration}) for thresholds, the rest to test"
            ),
            None => "60 % of the rows to learn from, 10 % to stop in time, 20 % for thresholds, the rest to test"
                .to_owned(),
        });
        let least = feature.lookback() + length;
        let n_short = of_tickers.iter().filter(|rows| **rows < least).count();
        let min_rows = (n_short > 0).then_some(least);
        if let Some(least) = min_rows {
            notes.push(format!(
                "left out: tickers with fewer than {least} rows, now {n_short} of {}",
                tickers.len()
            ));
        }
        let max_gap_days = gap(days, columns.has_dates);
        if let Some(most) = max_gap_days {
            notes.push(format!(
                "a pause of more than {most} days cuts the history, since rows are days apart"
            ));
        }
        let n_calibrated = n_rows / 5;
        let quantile: f64 = match n_calibrated {
            _ if tickers.len() > 100 => 0.999,
            1000.. => 0.995,
            250.. => 0.98,
            _ => 0.95,
        };
        notes.push(format!(
            "flagged is what {} of 1,000 calibration scores stay below",
            (quantile * 1000.0).round()
        ));
        Ok(Self {
            feature,
            length,
            spans,
            max_gap_days,
            min_rows,
            has_many_windows: n_rows * 6 / 10 > MANY_WINDOWS,
            units: if n_rows < 2_000 { 32 } else { 64 },
            quantile,
            // Each part reads the source once more.
            parts: match tickers.len() {
                0..=200 => 1,
                201..=20_000 => 4,
                _ => 16,
            },
            extent,
            notes,
        })
    }
}

fn extent(days: &[i32], n_rows: u64, n_tickers: usize, n_files: usize, has_dates: bool) -> String {
    let plural = |n: usize, what: &str| match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    let rows = plural(usize::try_from(n_rows).unwrap_or(usize::MAX), "row");
    let of = format!("{rows} of {} in {}", plural(n_tickers, "ticker"), plural(n_files, "file"));
    match days {
        [first, .., last] if has_dates => {
            format!("{of}, {} days from {} to {}", days.len(), iso_date(*first), iso_date(*last))
        }
        _ => of,
    }
}

/// Logarithms are taken of prices only.
fn feature(tickers: &[TickerFacts], n_rows: u64, typical: u64, notes: &mut Vec<String>) -> Feature {
    let n_non_positive: u64 = tickers.iter().map(|ticker| ticker.n_non_positive).sum();
    let (feature, why) = if n_non_positive * 1_000 > n_rows {
        (
            Feature::Close,
            format!("{n_non_positive} values are zero or less, so these are no prices"),
        )
    } else if typical >= ROWS_OF_VOLATILITY {
        let why = "a return counts by how unusual it is for its time";
        (Feature::VolatilityScaledReturn, why.to_owned())
    } else {
        (
            Feature::LogReturn,
            format!("{typical} rows are too few to take a volatility of 63 before each"),
        )
    };
    notes.push(format!("models see builtin:{}: {why}", feature.name()));
    feature
}

/// Three times the usual pause, where that is longer than what the default allows for.
fn gap(days: &[i32], has_dates: bool) -> Option<u64> {
    let mut pauses: Vec<i32> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
    pauses.sort_unstable();
    let usual = pauses.get(pauses.len() / 2).copied().filter(|_| has_dates)?;
    let most = u64::try_from(usual * 3).ok()?;
    (most > MAX_GAP_DAYS.get() as u64).then_some(most)
}
