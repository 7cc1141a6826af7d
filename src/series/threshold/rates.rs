//! Stated against realised: generated days through the real detectors, calibrated on one half of each
//! ticker and judged on the other.

use std::collections::BTreeMap;

use super::*;
use crate::calibration::{Calibration, Sample, Thresholds};
use crate::events::EventRule;
use crate::history::tests::OwnedHistory;
use crate::judge::{CalibratedDetector, Rule};
use crate::proportion::Proportion;
use crate::range::{Lambda, Quantile};
use crate::score::{Detector, Judge};
use crate::split::{Span, Spans, Split};
use crate::{EwmaZ, FittedBaseline, Form, RobustZ};

const TICKERS: u64 = 20;
/// Days of a ticker: 20 tickers have 100,000 days of calibration and 100,000 of test.
const DAYS: usize = 10_000;

/// A ticker's returns from a seed.
type Generate = fn(u64) -> Vec<f64>;

/// SplitMix64.
struct Draws(u64);

impl Draws {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In (0, 1).
    fn uniform(&mut self) -> f64 {
        let high = u32::try_from(self.word() >> 32).unwrap();
        (f64::from(high) + 0.5) / 4_294_967_296.0
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Independent normal returns.
fn independent(seed: u64) -> Vec<f64> {
    let mut draws = Draws(seed);
    (0..DAYS).map(|_| 0.01 * draws.normal()).collect()
}

/// Returns whose log-variance is an autoregression, φ = .98 and a deviation of .2 a day, as daily returns of
/// shares have it (Jacquier, Polson and Rossi 1994): calm and wild stretches, fat tails.
fn stochastic_volatility(seed: u64) -> Vec<f64> {
    let mut draws = Draws(seed);
    let mut log_variance = 0.0;
    let mut day = || {
        log_variance = 0.98 * log_variance + 0.2 * draws.normal();
        0.01 * f64::exp(log_variance / 2.0) * draws.normal()
    };
    (0..DAYS).map(|_| day()).collect()
}

fn detectors() -> [(&'static str, FittedBaseline); 2] {
    [
        ("ewma_z", FittedBaseline::EwmaZ(EwmaZ::new(Lambda::default(), 250, 20).unwrap())),
        ("robust_z", FittedBaseline::RobustZ(RobustZ::new(60, 20).unwrap())),
    ]
}

fn thresholds(rate: f64) -> [Threshold; 4] {
    let share = Rate::try_from(rate).unwrap();
    let initial = Quantile::try_from(ByPeaks::INITIAL).unwrap();
    [
        Threshold::Quantile(ByQuantile { q: Quantile::try_from(1.0 - rate).unwrap() }),
        Threshold::Peaks(ByPeaks::new(share, initial).unwrap()),
        Threshold::Conformal(ByConformal { alpha: share }),
        Threshold::Budget(ByBudget { alerts: Alerts::try_from(1000.0 * rate).unwrap() }),
    ]
}

#[test]
fn realised_rates_are_within_a_fifth_of_the_stated_ones_on_a_hundred_thousand_days() {
    let half = i32::try_from(DAYS / 2).unwrap();
    let spans = Spans { train_to: -1, validation_to: -1, calibration_to: half - 1 };
    let split = Split::try_from(spans).unwrap();
    let generators: [(&str, Generate); 2] =
        [("independent", independent), ("stochastic volatility", stochastic_volatility)];
    for (process, generate) in generators {
        let histories: Vec<OwnedHistory> =
            (0..TICKERS).map(|seed| OwnedHistory::new(&generate(seed), 1, 1)).collect();
        for (name, baseline) in detectors() {
            let detector = Detector {
                name: name.to_owned(),
                model_id: String::new(),
                judge: Judge::Baseline(baseline),
                merge: None,
                form: Form::default(),
                price_links: Vec::new(),
            };
            let scores: Vec<_> =
                histories.iter().map(|h| detector.score("A", &h.view()).unwrap()).collect();
            let samples: BTreeMap<String, Sample> = histories
                .iter()
                .zip(&scores)
                .enumerate()
                .map(|(k, (h, scores))| (k.to_string(), Sample::of(&h.view(), scores, &split)))
                .collect();
            for threshold in [0.005, 0.01].into_iter().flat_map(thresholds) {
                let calibration = Calibration::default();
                let thresholds =
                    Thresholds::calibrate(&threshold, &calibration, &samples, false).unwrap();
                let detector = detector.clone();
                let events = EventRule::default();
                let judge = CalibratedDetector { detector, thresholds, split, events };
                let mut counted = Proportion::default();
                for (history, scores) in histories.iter().zip(&scores) {
                    let rows = judge.judge_scores("A", &history.view(), scores).rows;
                    counted.add(Proportion::of(rows.iter().map(|row| {
                        let counts = row.span == Span::Test && row.rule == Some(Rule::Model);
                        counts.then_some(row.is_anomaly)
                    })));
                }
                assert_eq!(counted.n, 100_000);
                let (stated, realised) =
                    (threshold.stated_rate().unwrap().rate(), counted.share().unwrap());
                let (low, high) = counted.interval().unwrap();
                println!(
                    "{process:22} {name:9} {:9} stated {:.2} %  realised {:.3} %  95 % {:.3} … {:.3} %",
                    threshold.name(),
                    100.0 * stated,
                    100.0 * realised,
                    100.0 * low,
                    100.0 * high,
                );
                assert!((realised / stated - 1.0).abs() < 0.2, "{threshold:?}: {realised}");
            }
        }
    }
}
