//! The fused engine against the tensor engine, and against itself on other threads.
//!
//! Every test runs on each instruction set that this machine has.

use oddlot_lstm::random::{self, Dropout, Stream};
use oddlot_series::{
    Activation, Adam, Emit, Initialiser, Layer, Loss, Schedule, Target, Training, Windows,
};

use super::*;
use crate::compute::{Compute, Trainer};
use crate::fixture::{LENGTH, TRAINING, small_autoencoder, small_forecaster};
use crate::tensor::TensorModel;
use crate::{Engine, initialise};

mod as_published;
mod completion;
mod op;
mod threads;

/// Windows of drawn values, `stride` rows apart.
struct Drawn {
    values: Vec<f32>,
    starts: Vec<u32>,
    features: usize,
}

impl Drawn {
    fn new(n: usize, features: usize) -> Self {
        let one = |i| random::normal(5, Stream::Sample, &[i]) as f32;
        Self {
            values: (0..((n + LENGTH) * features) as u64).map(one).collect(),
            starts: (0..n).map(|row| (row * features) as u32).collect(),
            features,
        }
    }

    fn windows(&self) -> Windows<'_> {
        Windows::new(&self.values, &self.starts, LENGTH, self.features).unwrap()
    }
}

/// All targets, one and two features, one and two biases, both activations, every kind of layer, epochs
/// and drawn batches.
fn specs() -> [ModelSpec; 6] {
    let lstm = |units, activation, emit| Layer::Lstm { units, activation, emit };
    let (tanh, relu) = (Activation::Tanh, Activation::Relu);
    let training = Training { loss: Loss::Huber { delta: 0.8 }, ..TRAINING };
    let deep = ModelSpec {
        target: Target::Reconstruction,
        features: 2,
        layers: vec![
            lstm(9, relu, Emit::Sequence),
            Layer::Dropout { rate: 0.3 },
            lstm(5, tanh, Emit::Last),
            Layer::RepeatVector { steps: LENGTH },
            lstm(6, relu, Emit::Sequence),
            lstm(17, tanh, Emit::Sequence),
            Layer::Dense { units: 2 },
        ],
        bias: BiasConvention::Double,
        initialiser: Initialiser::Pytorch,
        ..small_autoencoder(training)
    };
    let wide = ModelSpec {
        features: 2,
        layers: vec![lstm(20, tanh, Emit::Last), Layer::Dense { units: 2 }],
        ..small_forecaster(Training { loss: Loss::Mae, ..TRAINING })
    };
    let (steps, schedule) = (Some(6), Schedule::OneCycle);
    let every = ModelSpec {
        target: Target::EveryForecast,
        features: 2,
        layers: vec![lstm(7, tanh, Emit::Sequence), Layer::Dense { units: 2 }],
        ..small_forecaster(Training { steps, schedule, ..TRAINING })
    };
    let hidden = ModelSpec { target: Target::Completion, ..deep.clone() };
    [small_autoencoder(TRAINING), small_forecaster(TRAINING), deep, wide, every, hidden]
}

fn fused(spec: &ModelSpec, isa: Isa, threads: Threads) -> FusedModel {
    FusedModel::new(spec.clone(), isa, threads).unwrap()
}

fn tensor(spec: &ModelSpec) -> TensorModel {
    TensorModel::new(spec.clone()).unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let off = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).abs();
    // Not `max`, which would pass over a NaN.
    a.iter().zip(b).map(off).fold(0.0, |worst, off| if off <= worst { worst } else { off })
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |largest, value| f64::from(value.abs()).max(largest))
}

fn chosen(n: usize, step: usize) -> Vec<u32> {
    (0..37).map(|k| ((k * 7 + step * 13) % n) as u32).collect()
}

#[test]
fn gradients_agree_with_the_tensor_engine() {
    for spec in specs() {
        let drawn = Drawn::new(60, spec.features);
        let reference = tensor(&spec);
        let (engine, dropout) = (reference.engine(), Dropout { seed: 3, step: 5 });
        let network = Network::new(spec.clone()).unwrap();
        let flat = initialise::weights(&network);
        let mut wanted = engine.trainer(flat.clone(), drawn.windows());
        let wanted_loss = wanted.loss_and_gradient(&chosen(60, 0), dropout);
        for isa in Isa::available() {
            let model = fused(&spec, isa, Threads::All);
            let mut found = model.engine.trainer(flat.clone(), drawn.windows());
            let loss = found.loss_and_gradient(&chosen(60, 0), dropout);
            // The mean comes back through an f32 tensor: 6e-8 of it, and as much for f32 errors.
            assert!((loss / wanted_loss - 1.0).abs() < 1e-6, "{isa}: {loss} {wanted_loss}");
            let found = model.engine.program.unpack(found.gradient());
            for parameter in network.layout.parameters() {
                let range = parameter.range.clone();
                let (found, wanted) = (&found[range.clone()], &wanted.gradient()[range]);
                // Relative to the array's largest: sums of 444 products round to √444 · 6e-8, and the
                // chain of layers multiplies that by up to ten.
                let relative = largest_difference(found, wanted) / largest(wanted);
                assert!(relative <= 1e-5, "{isa} {}: {relative:e}", parameter.name);
            }
        }
    }
}

#[test]
fn sixty_four_steps_of_adam_follow_the_tensor_engine() {
    for spec in specs() {
        let adam = Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
        let spec = ModelSpec { training: Training { adam, ..spec.training }, ..spec };
        let drawn = Drawn::new(200, spec.features);
        let flat = initialise::weights(&Network::new(spec.clone()).unwrap());
        let reference = tensor(&spec);
        let engine = reference.engine();
        let mut wanted = engine.trainer(flat.clone(), drawn.windows());
        let step = |trainer: &mut dyn Trainer, step: usize| {
            let dropout = Dropout { seed: 11, step: step as u64 };
            trainer.loss_and_gradient(&chosen(200, step), dropout);
            trainer.step();
        };
        (0..64).for_each(|k| step(&mut wanted, k));
        // Each weight may have gone 64 · 1e-3.
        assert!(largest_difference(&wanted.weights(), &flat) > 1e-2);
        for isa in Isa::available() {
            let model = fused(&spec, isa, Threads::All);
            let mut found = model.engine.trainer(flat.clone(), drawn.windows());
            (0..64).for_each(|k| step(&mut found, k));
            // Adam divides a gradient by its own size, so that a rounding of 1e-7 of it moves a weight by
            // 1e-3 · 1e-7 a step; where the gradient nearly vanishes, by up to a hundredth of a step.
            let off = largest_difference(&found.weights(), &wanted.weights());
            assert!(off <= 1e-5, "{isa}: {off:e}");
        }
    }
}

/// Mean absolute error of each window.
fn window_errors(model: &ModelSpec, expected: &[f32], windows: Windows<'_>) -> Vec<f64> {
    let network = Network::new(model.clone()).unwrap();
    let size = network.stack.output().size();
    let error = |(window, expected): (&[f32], &[f32])| {
        let errors = network.split(window).1.iter().zip(expected);
        errors.map(|(x, e)| f64::from((x - e).abs())).sum::<f64>() / size as f64
    };
    windows.iter().zip(expected.chunks_exact(size)).map(error).collect()
}

#[test]
fn scores_and_flags_of_one_set_of_weights_are_those_of_the_tensor_engine() {
    for spec in specs() {
        let drawn = Drawn::new(230, spec.features);
        let data =
            TrainingWindows { train: drawn.windows(), validation: drawn.windows().slice(0..0) };
        let trained = tensor(&spec).fit(data, &mut |_| {}).unwrap();
        let wanted = trained.expect(drawn.windows()).unwrap();
        for isa in Isa::available() {
            let loaded = Engine::Fused(isa).load(spec.clone(), &trained.weights()).unwrap();
            assert_eq!(loaded.weights(), trained.weights());
            let found = loaded.expect(drawn.windows()).unwrap();
            // The bound that scores have to keep; states lie within ±1 and round to 6e-8 a step.
            let off = largest_difference(&found, &wanted);
            assert!(off <= 2e-6, "{isa}: {off:e}");
            let [found, wanted] =
                [&found, &wanted].map(|expected| window_errors(&spec, expected, drawn.windows()));
            let mut sorted = wanted.clone();
            sorted.sort_by(f64::total_cmp);
            let threshold = sorted[sorted.len() * 9 / 10];
            for (found, wanted) in found.iter().zip(&wanted) {
                if (wanted / threshold - 1.0).abs() > 1e-5 {
                    assert_eq!(found > &threshold, wanted > &threshold, "{isa}: {found} {wanted}");
                }
            }
        }
    }
}

#[test]
fn a_windows_bits_do_not_depend_on_its_neighbours() {
    for (spec, isa) in
        specs().iter().flat_map(|spec| Isa::available().into_iter().map(move |isa| (spec, isa)))
    {
        let mut drawn = Drawn::new(230, spec.features);
        let network = Network::new(spec.clone()).unwrap();
        let fitted = fused(spec, isa, Threads::All).fitted(initialise::weights(&network));
        let all = fitted.expect(drawn.windows()).unwrap();
        let size = network.stack.output().size();
        // Alone, in other places of a block, across the edge of one.
        for range in [0..1, 95..97, 100..101, 229..230, 7..230, 50..180] {
            let some = fitted.expect(drawn.windows().slice(range.clone())).unwrap();
            assert_eq!(some, all[range.start * size..range.end * size], "{isa} {range:?}");
        }
        // Row 60 lies in the windows 49 to 60.
        drawn.values[60 * spec.features] = f32::NAN;
        let beside = fitted.expect(drawn.windows()).unwrap();
        assert_eq!(beside[..49 * size], all[..49 * size], "{isa}");
        assert_eq!(beside[61 * size..], all[61 * size..], "{isa}");
        assert!(beside[50 * size..51 * size].iter().any(|value| value.is_nan()), "{isa}");
    }
}

#[test]
fn whole_trainings_follow_the_tensor_engine() {
    let drawn = Drawn::new(100, 1);
    let windows = drawn.windows();
    let data = TrainingWindows { train: windows.slice(0..80), validation: windows.slice(80..100) };
    for clip_norm in [None, Some(0.1)] {
        let training = Training { clip_norm, ..TRAINING };
        for spec in [small_autoencoder(training), small_forecaster(training)] {
            let mut wanted = Vec::new();
            tensor(&spec).fit(data, &mut |report| wanted.push(*report)).unwrap();
            for isa in Isa::available() {
                let mut found = Vec::new();
                let model = fused(&spec, isa, Threads::All);
                model.fit(data, &mut |report| found.push(*report)).unwrap();
                assert_eq!(found.len(), wanted.len());
                for (found, wanted) in found.iter().zip(&wanted) {
                    assert_eq!(found.is_best, wanted.is_best);
                    // Adam divides a rounding of 1e-7 by the gradient's own size: up to 1e-3 of a step
                    // of 1e-2.
                    let off = [
                        found.train_loss - wanted.train_loss,
                        found.validation_loss.unwrap() - wanted.validation_loss.unwrap(),
                    ];
                    assert!(off.iter().all(|off| off.abs() < 1e-5), "{isa}: {found:?} {wanted:?}");
                }
            }
        }
    }
}

#[test]
fn nan_or_infinity_in_a_window_is_told_as_divergence() {
    let sound = Drawn::new(60, 1);
    let spec = small_autoencoder(TRAINING);
    for (isa, wrong) in
        Isa::available().into_iter().flat_map(|isa| [(isa, f32::NAN), (isa, f32::INFINITY)])
    {
        let mut broken = Drawn::new(60, 1);
        broken.values[30] = wrong;
        let model = fused(&spec, isa, Threads::All);
        for (train, validation) in [(&broken, &sound), (&sound, &broken)] {
            let data = TrainingWindows { train: train.windows(), validation: validation.windows() };
            let error = model.fit(data, &mut |_| {}).err();
            assert!(matches!(error, Some(FitError::Diverged { epoch: 1, .. })), "{isa} {error:?}");
        }
    }
}

#[test]
fn windows_of_another_shape_are_refused() {
    let drawn = Drawn::new(40, 2);
    let model = fused(&small_autoencoder(TRAINING), Isa::Portable, Threads::One);
    let data = TrainingWindows { train: drawn.windows(), validation: drawn.windows() };
    let error = model.fit(data, &mut |_| {}).err().unwrap().to_string();
    assert!(error.contains("12 × 1") && error.contains("12 × 2"), "{error}");
    let network = Network::new(small_autoencoder(TRAINING)).unwrap();
    let fitted = model.fitted(initialise::weights(&network));
    assert!(matches!(fitted.expect(drawn.windows()), Err(FitError::Shape { .. })));
}

#[test]
fn an_instruction_set_that_this_machine_lacks_is_an_error() {
    for isa in [Isa::Avx512, Isa::Avx2, Isa::Portable] {
        let model = Engine::Fused(isa).model(small_forecaster(TRAINING), Threads::One);
        match Isa::available().contains(&isa) {
            true => assert!(model.is_ok(), "{isa}"),
            false => assert!(
                matches!(model.err(), Some(FitError::Engine(why)) if why.contains(&isa.to_string()))
            ),
        }
    }
}
