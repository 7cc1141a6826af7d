use proptest::prelude::*;

use super::*;
use crate::threshold::golden::{Golden, uniform};

fn level(scores: &[f64]) -> Result<f64, Uncalibrated> {
    ByDynamic::default().calibrate(scores)
}

fn kept(peaks: &[f64], unflagged: f64) -> Vec<bool> {
    prune(peaks, unflagged, Rate::try_from(0.13).unwrap())
}

#[test]
fn one_spike_is_all_that_lies_above_the_level_of_a_small_case() {
    // Nineteen 1 and one 21: μ = 2, σ² = (19 · 1 + 19²)/20 = 19. Every z up to 4 has the spike alone above
    // it, and the same gain; the highest, 4, is taken: 4.5 σ = 19.6 lies above 21 − 2.
    let mut scores = vec![1.0; 20];
    scores[7] = 21.0;
    assert!((level(&scores).unwrap() - (2.0 + 4.0 * 19.0_f64.sqrt())).abs() < 1e-13);
}

#[test]
fn levels_agree_with_the_published_algorithm() {
    for case in Golden::read().dynamic {
        let mut scores: Vec<f64> =
            uniform(case.n, case.step).iter().map(|u| (u - 0.5).abs()).collect();
        for (at, length, height) in case.bumps {
            scores[at..at + length].iter_mut().for_each(|score| *score += height);
        }
        let found = level(&scores).unwrap();
        // NumPy sums in pairs: some roundings.
        assert!((found / case.epsilon - 1.0).abs() < 1e-12, "{found} {}", case.epsilon);
        assert_eq!(kept(&case.peaks, case.unflagged), case.kept);
    }
}

#[test]
fn a_long_sample_is_searched_in_stretches_and_the_middle_level_is_kept() {
    // 4,300 scores are three stretches of at most 2,100: 1,434, 1,434 and 1,432.
    let scores: Vec<f64> = uniform(4300, 61_803).iter().map(|u| u * u).collect();
    let mut own: Vec<f64> = scores.chunks(1434).map(epsilon).collect();
    own.sort_unstable_by(f64::total_cmp);
    assert_eq!(level(&scores), Ok(own[1]));
    assert_eq!(level(&scores[..2100]), Ok(epsilon(&scores[..2100])));
}

#[test]
fn runs_below_the_last_large_step_are_pruned() {
    // 10, 5, 4.9 over a calm day's 4.5: steps 50 %, 2 %, 8 %. Only 10 stands out by 13 %.
    assert_eq!(kept(&[5.0, 10.0, 4.9], 4.5), [false, true, false]);
    // Over 4.0 the last step is 18 %: all stay.
    assert_eq!(kept(&[5.0, 10.0, 4.9], 4.0), [true, true, true]);
    assert_eq!(kept(&[5.0], 4.9), [false]);
}

#[test]
fn degenerate_runs() {
    assert_eq!(kept(&[], 1.0), [false; 0]);
    // Nothing is left unflagged.
    assert_eq!(kept(&[5.0, 4.9], f64::NAN), [true, true]);
    assert_eq!(kept(&[0.0], 0.0), [true]);
    assert_eq!(kept(&[5.0, 5.0, 5.0], 1.0), [true, true, true]);
}

#[test]
fn degenerate_scores() {
    assert_eq!(level(&[]), Err(Uncalibrated::NoScores));
    assert_eq!(level(&[f64::NAN]), Err(Uncalibrated::NoScores));
    assert_eq!(level(&[3.0]), Ok(3.0));
    assert_eq!(level(&[3.0; 50]), Ok(3.0));
    assert_eq!(level(&[0.0; 50]), Ok(0.0));
    assert!(level(&[1e308, 0.0, f64::INFINITY, 1e308]).unwrap().is_finite());
}

proptest! {
    #[test]
    fn a_level_lies_at_least_two_and_a_half_deviations_above_the_mean(
        scores in prop::collection::vec(0.0_f64..9.0, 1..300),
    ) {
        let (mean, sd) = mean_and_sd(&scores);
        let z = (level(&scores).unwrap() - mean) / sd;
        prop_assert!(sd == 0.0 || (2.4999..12.0001).contains(&z), "{}", z);
    }

    #[test]
    fn levels_follow_the_unit(
        scores in prop::collection::vec(0.0_f64..9.0, 1..300),
        exponent in -20_i32..20,
    ) {
        let unit = 2.0_f64.powi(exponent);
        let scaled: Vec<f64> = scores.iter().map(|score| score * unit).collect();
        prop_assert_eq!(level(&scaled), level(&scores).map(|level| level * unit));
    }

    #[test]
    fn a_run_stays_if_a_lower_one_does(
        peaks in prop::collection::vec(1.0_f64..9.0, 1..20),
        unflagged in 0.1_f64..1.0,
    ) {
        let kept = kept(&peaks, unflagged);
        for (a, b) in (0..peaks.len()).flat_map(|a| (0..peaks.len()).map(move |b| (a, b))) {
            prop_assert!(!kept[b] || kept[a] || peaks[a] <= peaks[b]);
        }
    }
}
