//! The networks of archive detectors, trained for real: what they find, and what their scores depend on.

use std::sync::atomic::{AtomicUsize, Ordering};

use oddlot_series::archive::{Ensemble, LstmSettings};
use oddlot_series::{Archive, FitError, Model, ModelSpec, Networks, Remembered, Series};

use crate::{Engine, Isa};

/// A sine with a period of 24 rows of which one period, from row 300, runs at double speed.
fn hurried_sine(n: usize) -> Vec<f64> {
    let mut phase = 0.0;
    let step = |row: usize| if (300..324).contains(&row) { 2.0 } else { 1.0 };
    (0..n)
        .map(|row| {
            phase += step(row) * std::f64::consts::TAU / 24.0;
            40.0 - 3.0 * f64::sin(phase)
        })
        .collect()
}

fn detectors(steps: usize) -> [Archive; 2] {
    let settings = LstmSettings { units: 12, steps, ..LstmSettings::AUTOENCODER };
    [Archive::LstmAutoencoder(settings), Archive::LstmForecaster(settings)]
}

fn score(archive: &Archive, values: &[f64], features: usize, engine: Engine) -> Vec<f64> {
    archive.score(&Series { values, features, period: 24 }, &engine).unwrap()
}

fn top(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
}

#[test]
fn a_hurried_period_is_the_oddest_of_a_sine() {
    let values = hurried_sine(600);
    for detector in detectors(150) {
        let scores = score(&detector, &values, 1, Engine::Fused(Isa::best()));
        assert_eq!(scores.len(), 600);
        assert!((290..340).contains(&top(&scores)), "{detector:?}: {}", top(&scores));
        // Units make no difference but for rounding: the oddest row stays where it is.
        let scaled: Vec<f64> = values.iter().map(|value| -1e6 * value + 3.0).collect();
        let again = score(&detector, &scaled, 1, Engine::Fused(Isa::best()));
        assert!((290..340).contains(&top(&again)), "{detector:?}: {}", top(&again));
    }
}

#[test]
fn scores_have_the_same_bits_on_any_number_of_threads_and_others_under_another_name() {
    let values = hurried_sine(400);
    for detector in detectors(8) {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| score(&detector.named("A"), &values, 1, Engine::Fused(Isa::best())))
        };
        let one = on(1);
        assert!(one == on(2) && one == on(7), "{detector:?}");
        let other = score(&detector.named("B"), &values, 1, Engine::Fused(Isa::best()));
        assert_ne!(one, other, "{detector:?}");
    }
}

#[test]
fn the_engines_agree_while_rounding_has_not_grown() {
    let values = hurried_sine(200);
    for detector in detectors(3) {
        let fused = score(&detector, &values, 1, Engine::Fused(Isa::best()));
        let tensor = score(&detector, &values, 1, Engine::Tensor);
        // Three steps of at most 0.01 on sums of single precision.
        let off = fused.iter().zip(&tensor).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-3, "{detector:?}: {off}");
    }
}

#[test]
fn degenerate_series_have_finite_scores_and_constants_equal_ones() {
    for detector in detectors(2) {
        for n in [0, 1, 2, 3, 16, 17, 65, 66] {
            let constant = score(&detector, &vec![0.1; n], 1, Engine::Fused(Isa::best()));
            assert_eq!(constant, vec![0.0; n], "{detector:?} {n}");
            let wild: Vec<f64> = (0..n).map(|k| [1e308, -1e308, 0.0][k % 3]).collect();
            let found = score(&detector, &wild, 1, Engine::Fused(Isa::best()));
            assert!(found.len() == n && found.iter().all(|s| s.is_finite()), "{detector:?} {n}");
        }
    }
}

#[test]
fn two_features_are_scored_together() {
    let values = hurried_sine(600);
    let both: Vec<f64> = values.iter().flat_map(|&value| [0.5, value]).collect();
    for detector in detectors(150) {
        let scores = score(&detector, &both, 2, Engine::Fused(Isa::best()));
        assert!((290..340).contains(&top(&scores)), "{detector:?}: {}", top(&scores));
    }
}

/// Counts the networks that are asked for.
struct Counting(AtomicUsize);

impl Networks for Counting {
    fn model(&self, spec: ModelSpec) -> Result<Box<dyn Model>, FitError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Engine::Fused(Isa::best()).model_alone(spec)
    }
}

#[test]
fn a_member_of_an_ensemble_that_is_a_model_of_its_own_is_computed_once() {
    let values = hurried_sine(200);
    let series = Series { values: &values, features: 1, period: 24 };
    let members = detectors(3).to_vec();
    let ensemble =
        Archive::Ensemble(Ensemble { members: members.clone(), ..Ensemble::default() }).named("A");
    let (counting, mut remembered) = (Counting(AtomicUsize::new(0)), Remembered::default());
    let together = remembered.score(&ensemble, &series, &counting).unwrap();
    for member in &members {
        let alone = remembered.score(&member.named("A"), &series, &counting).unwrap();
        assert_eq!(alone, member.named("A").score(&series, &counting).unwrap());
    }
    // Two for the ensemble, none for its members, two for those that were not remembered.
    assert_eq!(counting.0.load(Ordering::Relaxed), 4);
    assert_eq!(together, ensemble.score(&series, &counting).unwrap());
}
