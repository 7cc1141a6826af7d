use proptest::prelude::*;

use super::*;
use crate::threshold::golden::{Golden, pareto};

fn peaks(rate: f64, initial: f64) -> ByPeaks {
    ByPeaks::new(Rate::try_from(rate).unwrap(), Quantile::try_from(initial).unwrap()).unwrap()
}

fn level(rate: f64, initial: f64, scores: &[f64]) -> f64 {
    peaks(rate, initial).calibrate(scores).unwrap().0
}

#[test]
fn the_level_is_the_one_that_the_tail_exceeds_at_the_rate() {
    // 1 … 100 and an initial quantile of .5: 50.5, exceeded by 50 scores. The level is
    // 50.5 + σ/γ ((.05 · 100/50)^−γ − 1), with the γ and σ that were found.
    let scores: Vec<f64> = (1..=100).map(f64::from).collect();
    let (level, tail) = peaks(0.05, 0.5).calibrate(&scores).unwrap();
    let Tail::Pareto { above, n_above, shape, scale } = tail else { panic!("{tail:?}") };
    assert_eq!((above, n_above), (50.5, 50));
    let expected = 50.5 + scale / shape * (0.1_f64.powf(-shape) - 1.0);
    assert!((level - expected).abs() < 1e-12, "{level} {expected}");
    // Evenly spread scores have a uniform tail: 50.5 + 49.5 · .9, which 5 of 100 exceed.
    assert!((shape, scale) == (-1.0, 49.5) && (level - 95.05).abs() < 1e-12, "{level}");
}

#[test]
fn tails_and_levels_agree_with_scipy() {
    for case in Golden::read().peaks {
        let scores = pareto(case.n, case.step, case.true_shape);
        let (level, tail) = peaks(case.rate, case.initial).calibrate(&scores).unwrap();
        let Tail::Pareto { n_above, shape, scale, .. } = tail else { panic!("{tail:?}") };
        assert_eq!(n_above, case.n_above);
        // Its simplex stops at 1e-12 of the parameters, where the likelihood is flat to 1e-16: 1e-7 of them.
        let near =
            |found: f64, golden: f64| (found - golden).abs() <= 1e-6 * golden.abs().max(1e-3);
        assert!(near(shape, case.shape), "{shape} {}", case.shape);
        assert!(near(scale, case.scale), "{scale} {}", case.scale);
        assert!(near(level, case.level), "{level} {}", case.level);
        let p_value = tail.p_value(scores.len(), case.far).unwrap();
        assert!(near(p_value, case.p_value), "{p_value} {}", case.p_value);
    }
}

#[test]
fn too_few_peaks_leave_the_plain_quantile_and_say_so() {
    // 2 % of 500 scores are 10.
    let scores = pareto(500, 61_803, 0.2);
    let by = peaks(0.005, 0.98);
    let (level, tail) = by.calibrate(&scores).unwrap();
    let q = Quantile::try_from(0.995).unwrap();
    assert_eq!(Ok(level), ByQuantile { q }.calibrate(&scores));
    assert_eq!(tail, Tail::TooFew { n_above: 10 });
    assert_eq!(
        by.words(500, Some(&tail)),
        "quantile 0.995 of 500 calibration scores, since the 10 above their quantile 0.98 are too few or \
         too equal for a tail (20 are needed)"
    );
}

#[test]
fn ties_above_the_initial_quantile_leave_the_plain_quantile() {
    // 30 scores of 7 above a thousand of 1: one value has no tail.
    let scores: Vec<f64> = (0..1030).map(|k| if k < 30 { 7.0 } else { 1.0 }).collect();
    let (level, tail) = peaks(0.005, 0.95).calibrate(&scores).unwrap();
    assert_eq!((level, tail), (7.0, Tail::TooFew { n_above: 30 }));
    // 3 % tie at the initial quantile itself, and 2.5 % lie above it: 4.9 % of all cannot.
    let scores: Vec<f64> = (0..1000)
        .map(|k| {
            if k < 25 {
                9.0 + f64::from(k)
            } else if k < 55 {
                7.0
            } else {
                1.0
            }
        })
        .collect();
    let (level, tail) = peaks(0.049, 0.95).calibrate(&scores).unwrap();
    assert_eq!((level, tail), (7.0, Tail::TooFew { n_above: 25 }));
}

#[test]
fn degenerate_scores() {
    let by = peaks(0.005, 0.98);
    assert_eq!(by.calibrate(&[]), Err(Uncalibrated::NoScores));
    assert_eq!(by.calibrate(&[f64::NAN, f64::INFINITY]), Err(Uncalibrated::NoScores));
    assert_eq!(by.calibrate(&[3.0]), Ok((3.0, Tail::TooFew { n_above: 0 })));
    assert_eq!(by.calibrate(&[3.0; 4000]), Ok((3.0, Tail::TooFew { n_above: 0 })));
    let mut scores = pareto(3000, 61_803, 0.2);
    let without = by.calibrate(&scores);
    scores.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    assert_eq!(by.calibrate(&scores), without);
}

#[test]
fn a_rate_that_lies_below_the_tail_is_refused() {
    assert!(toml::from_str::<ByPeaks>("rate = 0.02").is_err());
    assert!(toml::from_str::<ByPeaks>("rate = 0.03\ninitial = 0.96").is_ok());
    assert!(toml::from_str::<ByPeaks>("initial = 1.0").is_err());
    let default = toml::from_str::<ByPeaks>("").unwrap();
    assert_eq!((default.rate.get(), default.initial.get()), (0.005, 0.98));
}

proptest! {
    #[test]
    fn a_lower_rate_never_lowers_the_level(
        scores in prop::collection::vec(0.0_f64..9.0, 0..400),
        (a, b) in (0.001_f64..0.09, 0.001_f64..0.09),
    ) {
        prop_assume!(!scores.is_empty());
        prop_assert!(level(a.min(b), 0.9, &scores) >= level(a.max(b), 0.9, &scores));
    }

    #[test]
    fn order_does_not_count(scores in prop::collection::vec(0.0_f64..9.0, 300..400)) {
        let reversed: Vec<f64> = scores.iter().rev().copied().collect();
        prop_assert_eq!(level(0.01, 0.9, &scores), level(0.01, 0.9, &reversed));
    }
}
