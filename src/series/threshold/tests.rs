use proptest::prelude::*;

use super::*;
use crate::range::Quantile;

#[derive(Deserialize)]
struct File {
    threshold: Threshold,
}

fn read(text: &str) -> Result<Threshold, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.threshold)
}

/// One of each, by tables as a user writes them.
const TABLES: [&str; 8] = [
    "[threshold.fixed]\nvalue = 0.65",
    "[threshold.quantile]\nq = 0.9",
    "[threshold.k_sigma]\nk = 3.0",
    "[threshold.mad]\nk = 5.0",
    "[threshold.peaks]\nrate = 0.01\ninitial = 0.9",
    "[threshold.conformal]\nalpha = 0.05",
    "[threshold.dynamic]\nprune = 0.13",
    "[threshold.budget]\nalerts = 20.0",
];

fn all() -> Vec<Threshold> {
    TABLES.iter().map(|table| read(table).unwrap()).collect()
}

#[test]
fn a_threshold_is_read_from_a_table_named_after_it() {
    assert_eq!(read("[threshold.quantile]").unwrap(), Threshold::default());
    assert_eq!(read("[threshold.fixed]\nvalue = 0.65").unwrap().calibrate(&[]), Ok(0.65));
    for (table, threshold) in TABLES.into_iter().zip(all()) {
        assert!(table.starts_with(&format!("[threshold.{}]", threshold.name())), "{table}");
    }
    for wrong in [
        "[threshold.fixed]",
        "[threshold.fixed]\nvalue = nan",
        "[threshold.fixed]\nvalue = 0.0",
        "[threshold.quantile]\nq = nan",
        "[threshold.quantile]\nq = 0.5\nr = 1",
        "[threshold.k_sigma]",
        "[threshold.mad]\nk = -1.0",
        "[threshold.conformal]\nalpha = 0.0",
        "[threshold.budget]\nalerts = 1000.0",
        "[threshold.dynamic]\nprune = 1.0",
        "[threshold.median]",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_stored_threshold_is_the_one_that_was_written() {
    for threshold in all() {
        let text = serde_json::to_string(&threshold).unwrap();
        assert_eq!(serde_json::from_str::<Threshold>(&text).unwrap(), threshold, "{text}");
    }
}

#[test]
fn each_threshold_says_what_it_is_and_what_it_promises() {
    let scores: Vec<f64> = (1..=400).map(f64::from).collect();
    let words = all().into_iter().map(|threshold| {
        let found = threshold.fit(&scores).unwrap();
        let rate = threshold.stated_rate().map_or("no rate".to_owned(), |rate| rate.to_string());
        format!("{}: {rate}", threshold.words(400, found.tail.as_ref()))
    });
    let expected = [
        "fixed at 0.65: no rate",
        "quantile 0.9 of 400 calibration scores: 10.00 %",
        "mean + 3 standard deviations of 400 calibration scores: no rate",
        "median + 5 × 1.4826 × MAD of 400 calibration scores: no rate",
        "exceeded at 1.00 % by a generalised Pareto tail (shape -1.000, scale 39.900) of the 40 scores above \
         360.100 (quantile 0.9) of 400 calibration scores: 1.00 %",
        "conformal p-value of at most 0.05 among 400 calibration scores: ≤ 5.00 %",
        "Hundman's epsilon over 400 calibration scores, runs of flags pruned in hindsight where they stand \
         out by less than 0.13: no rate",
        "at most 20 alerts per 1,000 ticker-days, of 400 calibration scores: ≤ 2.00 %",
    ];
    assert_eq!(words.collect::<Vec<_>>(), expected);
}

#[test]
fn nothing_that_is_not_finite_counts_and_every_level_is_finite() {
    let calm: Vec<f64> = (0..400).map(|k| f64::from(k * k % 97)).collect();
    let mut spoilt = calm.clone();
    spoilt.splice(200..200, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    for threshold in all() {
        assert_eq!(threshold.calibrate(&spoilt), threshold.calibrate(&calm), "{threshold:?}");
        for scores in [&[0.0; 400][..], &[7.0; 400], &[1e308; 400], &[5e-324; 400]] {
            assert!(threshold.calibrate(scores).unwrap().is_finite(), "{threshold:?}");
        }
        if !matches!(threshold, Threshold::Fixed(_)) {
            assert_eq!(threshold.calibrate(&[]), Err(Uncalibrated::NoScores));
            assert_eq!(threshold.calibrate(&[f64::NAN]), Err(Uncalibrated::NoScores));
        }
    }
}

#[test]
fn constant_scores_raise_no_flag() {
    for threshold in all().into_iter().filter(|threshold| threshold.name() != "fixed") {
        assert!(threshold.calibrate(&[7.0; 400]).unwrap() >= 7.0, "{threshold:?}");
    }
}

/// Each kind, with a parameter that rises with how much it flags.
fn graded(kind: usize, share: f64) -> Threshold {
    let rate = |share: f64| Rate::try_from(share).unwrap();
    let level = |value: f64| Level::try_from(value).unwrap();
    match kind {
        0 => Threshold::Quantile(ByQuantile { q: Quantile::try_from(1.0 - share).unwrap() }),
        1 => Threshold::KSigma(ByKSigma { k: level(1.0 / share) }),
        2 => Threshold::Mad(ByMad { k: level(1.0 / share) }),
        3 => {
            let initial = Quantile::try_from(0.8).unwrap();
            Threshold::Peaks(ByPeaks::new(rate(share), initial).unwrap())
        }
        4 => Threshold::Conformal(ByConformal { alpha: rate(share) }),
        _ => Threshold::Budget(ByBudget { alerts: Alerts::try_from(1000.0 * share).unwrap() }),
    }
}

proptest! {
    #[test]
    fn a_stricter_setting_never_adds_a_flag(
        scores in prop::collection::vec(0.0_f64..9.0, 120..400),
        kind in 0_usize..6,
        (a, b) in (0.01_f64..0.19, 0.01_f64..0.19),
    ) {
        let level = |share: f64| graded(kind, share).calibrate(&scores).unwrap();
        prop_assert!(level(a.min(b)) >= level(a.max(b)));
    }

    #[test]
    fn levels_follow_the_unit_of_the_scores(
        scores in prop::collection::vec(0.0_f64..9.0, 120..400),
        kind in 0_usize..6,
        exponent in -20_i32..20,
    ) {
        let (threshold, unit) = (graded(kind, 0.05), 2.0_f64.powi(exponent));
        let scaled: Vec<f64> = scores.iter().map(|score| score * unit).collect();
        let expected = threshold.calibrate(&scores).unwrap() * unit;
        prop_assert_eq!(threshold.calibrate(&scaled), Ok(expected));
    }

    #[test]
    fn the_order_of_scores_does_not_count(
        scores in prop::collection::vec(0.0_f64..9.0, 120..300),
        kind in 0_usize..6,
        by in 1_usize..100,
    ) {
        let mut turned = scores.clone();
        turned.rotate_left(by);
        let threshold = graded(kind, 0.05);
        prop_assert_eq!(threshold.calibrate(&turned), threshold.calibrate(&scores));
    }
}
