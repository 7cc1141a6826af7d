//! Bits do not depend on threads, nor on what else is being trained.

use rayon::prelude::*;

use super::*;

/// The bits of weights, reports and expectations.
fn bits(spec: &ModelSpec, isa: Isa, threads: Threads) -> Vec<u64> {
    let drawn = Drawn::new(150, spec.features);
    let windows = drawn.windows();
    let data =
        TrainingWindows { train: windows.slice(0..130), validation: windows.slice(130..150) };
    let mut bits = Vec::new();
    let model = fused(spec, isa, threads);
    let fitted = model
        .fit(data, &mut |report| {
            bits.extend([report.train_loss, report.validation_loss.unwrap()].map(f64::to_bits));
        })
        .unwrap();
    let expected = fitted.expect(windows).unwrap();
    assert!(expected == fitted.expect_alone(windows).unwrap(), "{isa}, {threads:?}");
    let weights = fitted.weights().into_iter().flat_map(|array| array.values);
    bits.extend(weights.chain(expected).map(|value| u64::from(value.to_bits())));
    bits
}

fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads() {
    for spec in specs() {
        // Shards of one and of several sizes.
        for batch_size in [32, 100] {
            let training = Training { batch_size, epochs: 2, ..spec.training };
            let spec = ModelSpec { training, ..spec.clone() };
            for isa in Isa::available() {
                let alone = bits(&spec, isa, Threads::One);
                for threads in [1, 2, 3, 7] {
                    let found = on(threads, || bits(&spec, isa, Threads::All));
                    assert!(found == alone, "{isa}, {threads} threads, batch {batch_size}");
                }
            }
        }
    }
}

#[test]
fn a_model_has_the_same_bits_alone_and_among_sixty_four() {
    let of = |seed: u64, threads| {
        let training = Training { seed, epochs: 1, batch_size: 32, ..TRAINING };
        // Neighbours of another shape, so that they cannot share memory by luck.
        let spec = if seed.is_multiple_of(2) {
            small_autoencoder(training)
        } else {
            small_forecaster(training)
        };
        bits(&spec, Isa::best(), threads)
    };
    for threads in [Threads::One, Threads::All] {
        let among: Vec<Vec<u64>> =
            on(7, || (0..64_u64).into_par_iter().map(|seed| of(seed, threads)).collect());
        for seed in [0, 1, 31, 63] {
            assert!(among[seed as usize] == of(seed, Threads::One), "{threads:?}, model {seed}");
        }
        assert_ne!(among[0], among[2]);
    }
}
