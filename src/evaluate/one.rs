//! All figures of one ticker: its detectors, and what needs none.

use oddlot_lstm::random::{Stream, uniform};
use oddlot_series::evaluate::figures::{Labelled, Named, of_flags, of_scores, oracle_flags};
use oddlot_series::evaluate::{highest_flagged, one_liner};

use super::{Scored, Series};

/// Seeds of the random scores; their mean is told.
pub const SEEDS: [u64; 3] = [1, 2, 3];

/// What needs no detector, in the order of the tables.
pub const NULL_ROWS: [&str; 4] = ["[random]", "[constant]", "[flag all]", "[one-liner]"];

/// Figures of one row of the table on one ticker. Random scores have one a seed.
pub struct Figures {
    /// Of the detector, or one of [`NULL_ROWS`].
    pub name: String,
    /// Which of the [`SEEDS`], 0 where there is no chance in it.
    pub seed_idx: usize,
    /// By the order of the scores, at its own threshold, at the oracle's.
    pub by_threshold: [Option<Named>; 3],
}

/// The detectors of `series`, then what needs none.
pub fn figures(series: &Series, tolerance: usize) -> Vec<Figures> {
    let labelled = Labelled {
        labels: &series.labels,
        days: series.days.as_deref(),
        window: series.window,
        tolerance,
    };
    let of = |scored: &Scored, seed_idx: usize| Figures {
        name: scored.name.clone(),
        seed_idx,
        by_threshold: [
            Some(of_scores(&labelled, &scored.scores)),
            scored.flags.as_ref().map(|flags| of_flags(&labelled, flags)),
            oracle_flags(&labelled, &scored.scores).map(|flags| of_flags(&labelled, &flags)),
        ],
    };
    let mut all: Vec<Figures> = series.detectors.iter().map(|scored| of(scored, 0)).collect();
    for (seed_idx, seed) in SEEDS.into_iter().enumerate() {
        all.push(of(&random(series, seed), seed_idx));
    }
    all.extend(without_chance(series).iter().map(|scored| of(scored, 0)));
    all
}

/// Scores by chance; the highest hundredth is flagged.
fn random(series: &Series, seed: u64) -> Scored {
    let bytes = series.ticker.bytes().map(u64::from);
    let mut words: Vec<u64> = bytes.chain([0]).collect();
    let last = words.len() - 1;
    let draw = |row_idx: usize| {
        words[last] = row_idx as u64;
        uniform(seed, Stream::Sample, &words)
    };
    let scores: Vec<f64> = (0..series.labels.len()).map(draw).collect();
    let flags = Some(highest_flagged(&scores));
    Scored { name: NULL_ROWS[0].to_owned(), scores, flags }
}

fn without_chance(series: &Series) -> Vec<Scored> {
    let n = series.labels.len();
    let constant = |name: &str, is_flagged: bool| Scored {
        name: name.to_owned(),
        scores: vec![0.0; n],
        flags: Some(vec![is_flagged; n]),
    };
    let mut rows = vec![constant(NULL_ROWS[1], false), constant(NULL_ROWS[2], true)];
    if let Some(values) = &series.values {
        let scores = one_liner(values);
        let flags = Some(highest_flagged(&scores));
        rows.push(Scored { name: NULL_ROWS[3].to_owned(), scores, flags });
    }
    rows
}
