use std::sync::Arc;

use oddlot_lstm::layers::Stack;
use oddlot_lstm::scalar::{self, LayerWeights};
use oddlot_series::{Adam, Fitted, Loss, Model, ModelSpec, Schedule, Training, Windows};

use super::*;
use crate::checkpoint::{from_safetensors, to_safetensors};
use crate::fixture::{LENGTH, Sine, TRAINING, small_autoencoder, small_forecaster};
use crate::shards::{ByShards, Shard, ShardEngine};
use crate::tensor::TensorModel;

type Fit = (Result<Box<dyn Fitted>, FitError>, Vec<EpochReport>);

fn fit(spec: ModelSpec, train: Windows<'_>, validation: Windows<'_>) -> Fit {
    let mut reports = Vec::new();
    let model = TensorModel::new(spec).unwrap();
    let fitted =
        model.fit(TrainingWindows { train, validation }, &mut |report| reports.push(*report));
    (fitted, reports)
}

fn bits(fitted: &dyn Fitted) -> Vec<u32> {
    fitted.weights().iter().flat_map(|array| &array.values).map(|value| value.to_bits()).collect()
}

fn mean_square(fitted: &dyn Fitted, windows: Windows<'_>) -> f64 {
    let expected = fitted.expect(windows).unwrap();
    let errors = expected.iter().zip(windows.iter().flatten()).map(|(e, x)| f64::from(e - x));
    errors.map(|error| error * error).sum::<f64>() / expected.len() as f64
}

#[test]
fn a_tiny_autoencoder_learns_a_sine() {
    let (sine, unseen) = (Sine::new(160), Sine::new(200));
    let adam = Adam { learning_rate: 2e-2, ..TRAINING.adam };
    let spec = small_autoencoder(Training { epochs: 60, adam, ..TRAINING });
    let (fitted, reports) = fit(spec, sine.windows(), sine.windows().slice(0..0));
    assert_eq!(reports.len(), 60);
    assert!(reports.iter().all(|report| report.validation_loss.is_none()));
    // A sine has a mean square of 0.5; a twentieth of it means that level and phase were learnt.
    let found = mean_square(fitted.unwrap().as_ref(), unseen.windows());
    assert!(found < 0.025, "{found} after {:?}", reports.last());
}

#[test]
fn a_tiny_forecaster_learns_a_sine() {
    let sine = Sine::new(160);
    let spec =
        small_forecaster(Training { epochs: 40, loss: Loss::Huber { delta: 1.0 }, ..TRAINING });
    let fitted = fit(spec, sine.windows(), sine.windows().slice(0..0)).0.unwrap();
    assert_eq!(fitted.steps(), 1);
    let expected = fitted.expect(sine.windows()).unwrap();
    let last = sine.windows().iter().map(|window| window[LENGTH - 1]).collect::<Vec<_>>();
    let off: f32 = expected.iter().zip(&last).map(|(e, x)| (e - x).abs()).sum::<f32>() / 160.0;
    // "The last row again" is off by 0.25 on average.
    assert!(off < 0.1, "{off}");
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads() {
    let (train, validation) = (Sine::new(200), Sine::new(30));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let spec = small_autoencoder(Training { clip_norm: Some(0.5), ..TRAINING });
        let (fitted, reports) = pool.install(|| fit(spec, train.windows(), validation.windows()));
        let fitted = fitted.unwrap();
        let expected = pool.install(|| fitted.expect(train.windows())).unwrap();
        (bits(fitted.as_ref()), reports, expected)
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(7));
}

#[test]
fn the_seed_changes_the_result() {
    let sine = Sine::new(64);
    let of = |seed| {
        let spec = small_autoencoder(Training { seed, epochs: 1, ..TRAINING });
        bits(fit(spec, sine.windows(), sine.windows()).0.unwrap().as_ref())
    };
    assert_ne!(of(1), of(2));
}

#[test]
fn drawn_batches_take_the_place_of_epochs() {
    let sine = Sine::new(160);
    let none = sine.windows().slice(0..0);
    let of = |schedule, steps| {
        let training = Training { steps: Some(steps), schedule, ..TRAINING };
        let (fitted, reports) = fit(small_autoencoder(training), sine.windows(), none);
        assert_eq!(reports.iter().map(|r| (r.epoch, r.epochs)).collect::<Vec<_>>(), [(1, 1)]);
        fitted.unwrap()
    };
    let [constant, cycle] = [Schedule::Constant, Schedule::OneCycle].map(|s| of(s, 5));
    assert_ne!(bits(constant.as_ref()), bits(cycle.as_ref()));
    // A sine has a mean square of 0.5.
    let found = mean_square(of(Schedule::OneCycle, 240).as_ref(), sine.windows());
    assert!(found < 0.025, "{found}");
}

#[test]
fn a_forecaster_of_every_step_learns_a_sine() {
    let sine = Sine::new(160);
    let layers = vec![
        oddlot_series::Layer::Lstm {
            units: 8,
            activation: oddlot_series::Activation::Tanh,
            emit: oddlot_series::Emit::Sequence,
        },
        oddlot_series::Layer::Dense { units: 1 },
    ];
    let training = Training { steps: Some(200), schedule: Schedule::OneCycle, ..TRAINING };
    let target = oddlot_series::Target::EveryForecast;
    let spec = ModelSpec { target, layers, ..small_forecaster(training) };
    let fitted = fit(spec, sine.windows(), sine.windows().slice(0..0)).0.unwrap();
    assert_eq!(fitted.steps(), LENGTH - 1);
    let expected = fitted.expect(sine.windows()).unwrap();
    let windows = sine.windows();
    let last = expected.chunks_exact(LENGTH - 1).zip(windows.iter());
    let off: f32 = last.map(|(e, x)| (e[LENGTH - 2] - x[LENGTH - 1]).abs()).sum::<f32>() / 160.0;
    // "The last row again" is off by 0.25 on average.
    assert!(off < 0.1, "{off}");
}

#[test]
fn early_stopping_waits_as_long_as_its_patience() {
    let (sine, contrary) = (Sine::new(96), Sine::new(96).flipped());
    let spec = small_autoencoder(Training { epochs: 50, patience: Some(3), ..TRAINING });
    let (fitted, reports) = fit(spec, sine.windows(), contrary.windows());
    let best = reports.iter().rfind(|report| report.is_best).unwrap();
    assert_eq!(reports.len(), best.epoch + 3);
    assert!(reports.len() < 50);
    // Learning the sine makes its mirror image worse, so the best epoch is not the last.
    let kept = mean_square(fitted.unwrap().as_ref(), contrary.windows());
    // Both are sums in f64 of the same f32 values, the differences taken in f64 and f32.
    assert!((kept - best.validation_loss.unwrap()).abs() < 1e-5, "{kept} {best:?}");
}

#[test]
fn the_last_weights_are_kept_where_the_best_are_not_wanted() {
    let (sine, contrary) = (Sine::new(96), Sine::new(96).flipped());
    let settings = Training { epochs: 50, patience: Some(3), restore_best: false, ..TRAINING };
    let (fitted, reports) = fit(small_autoencoder(settings), sine.windows(), contrary.windows());
    let kept = mean_square(fitted.unwrap().as_ref(), contrary.windows());
    let last = reports.last().unwrap();
    assert!(!last.is_best);
    assert!((kept - last.validation_loss.unwrap()).abs() < 1e-5, "{kept} {last:?}");
}

#[test]
fn a_saved_network_expects_the_same_bits() {
    let sine = Sine::new(100);
    let spec = small_autoencoder(TRAINING);
    let fitted = fit(spec.clone(), sine.windows(), sine.windows()).0.unwrap();
    let bytes = to_safetensors(&fitted.weights()).unwrap();
    let loaded = TensorModel::new(spec).unwrap().load(&from_safetensors(&bytes).unwrap()).unwrap();
    assert_eq!(bits(fitted.as_ref()), bits(loaded.as_ref()));
    assert_eq!(fitted.expect(sine.windows()), loaded.expect(sine.windows()));
    assert_eq!(to_safetensors(&loaded.weights()).unwrap(), bytes);
}

#[test]
fn weights_of_another_network_are_refused() {
    let sine = Sine::new(40);
    let fitted = fit(small_autoencoder(TRAINING), sine.windows(), sine.windows()).0.unwrap();
    let error = TensorModel::new(small_forecaster(TRAINING))
        .unwrap()
        .load(&fitted.weights())
        .err()
        .unwrap();
    let words = error.to_string();
    assert!(words.contains("dense_0.weight has the shape [8, 3] where [8, 1]"), "{words}");
    assert!(words.contains("lstm_1.bias belongs to no layer"), "{words}");
}

#[test]
fn no_window_is_an_error_and_one_window_is_enough() {
    let sine = Sine::new(1);
    let none = sine.windows().slice(0..0);
    let spec = small_autoencoder(TRAINING);
    assert_eq!(fit(spec.clone(), none, sine.windows()).0.err(), Some(FitError::NoTrainingWindow));
    let (fitted, reports) = fit(spec, sine.windows(), none);
    assert!(fitted.unwrap().expect(none).unwrap().is_empty());
    assert_eq!(reports.len(), 3);
}

#[test]
fn a_constant_series_is_learnt_without_a_fuss() {
    let values = vec![0.5_f32; 60];
    let starts: Vec<u32> = (0..40).collect();
    let windows = Windows::new(&values, &starts, LENGTH, 1).unwrap();
    let spec = small_autoencoder(Training { epochs: 30, ..TRAINING });
    let fitted = fit(spec, windows, windows).0.unwrap();
    let found = mean_square(fitted.as_ref(), windows);
    assert!(found < 0.01, "{found}");
}

#[test]
fn nan_or_infinity_in_a_window_is_told_as_divergence() {
    for wrong in [f32::NAN, f32::INFINITY] {
        let (sine, sound) = (Sine::new(60).with(30, wrong), Sine::new(60));
        let spec = small_autoencoder(TRAINING);
        let (fitted, reports) = fit(spec.clone(), sine.windows(), sound.windows());
        assert!(matches!(fitted.err(), Some(FitError::Diverged { epoch: 1, .. })), "{wrong}");
        assert_eq!(reports, []);
        let (fitted, _) = fit(spec, sound.windows(), sine.windows());
        assert!(matches!(fitted.err(), Some(FitError::Diverged { epoch: 1, .. })), "{wrong}");
    }
}

#[test]
fn windows_of_another_shape_are_refused() {
    let sine = Sine::new(40);
    let mut spec = small_autoencoder(TRAINING);
    let fitted = fit(spec.clone(), sine.windows(), sine.windows()).0.unwrap();
    let values = [0.0; 40];
    let short = Windows::new(&values, &[0, 1], LENGTH - 1, 1).unwrap();
    let error = fitted.expect(short).unwrap_err().to_string();
    assert!(error.contains("12 × 1") && error.contains("11 × 1"), "{error}");
    spec.training.epochs = 1;
    assert!(matches!(fit(spec, short, sine.windows()).0.err(), Some(FitError::Shape { .. })));
}

#[test]
fn a_gradient_that_is_clipped_to_next_to_nothing_moves_nothing() {
    let sine = Sine::new(96);
    let moved = |clip_norm| {
        let spec = small_autoencoder(Training { clip_norm, ..TRAINING });
        let before = initialise::weights(&Network::new(spec.clone()).unwrap());
        let fitted = fit(spec, sine.windows(), sine.windows()).0.unwrap();
        let after = fitted.weights().into_iter().flat_map(|array| array.values);
        after.zip(before).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    // Six steps of 1e-2; with an epsilon of 1e-7 a gradient of 1e-12 makes them 1e-7 each.
    assert!(moved(None) > 1e-2);
    assert!(moved(Some(1e-12)) < 1e-6);
}

/// An engine whose loss is finite and whose gradient is not.
struct Broken([f32; 2]);

impl Compute for Broken {
    type Weights = ();
    type Trainer<'a> = Broken;

    fn prepare(&self, _: &[f32]) {}

    fn expect(&self, (): &(), _: Windows<'_>) -> Vec<f32> {
        Vec::new()
    }

    fn trainer<'a>(&'a self, _: Vec<f32>, _: Windows<'a>) -> Broken {
        Broken(self.0)
    }
}

impl Trainer for Broken {
    fn loss_and_gradient(&mut self, _: &[u32], _: Dropout) -> f64 {
        1.0
    }

    fn gradient(&mut self) -> &mut [f32] {
        &mut self.0
    }

    fn set_learning_rate(&mut self, _: f64) {}

    fn step(&mut self) {}

    fn weights(&self) -> Vec<f32> {
        Vec::new()
    }
}

#[test]
fn an_infinite_gradient_of_a_finite_loss_is_told_as_divergence() {
    let (sine, network) = (Sine::new(8), Network::new(small_autoencoder(TRAINING)).unwrap());
    let none = sine.windows().slice(0..0);
    let data = TrainingWindows { train: sine.windows(), validation: none };
    let train = |gradient| train(&Broken(gradient), &network, data, &mut |_| {});
    assert_eq!(train([1.0, 2.0]), Ok(Vec::new()));
    let diverged = FitError::Diverged { epoch: 1, loss: f64::INFINITY };
    assert_eq!(train([1.0, f32::NEG_INFINITY]), Err(diverged));
}

/// The scalar reference as an engine: slow, plain, and nothing of Burn in it.
struct Reference(Stack);

impl ShardEngine for Reference {
    type Weights = Vec<LayerWeights<f32>>;

    fn prepare(&self, layers: &[LayerWeights<f32>]) -> Self::Weights {
        layers.to_vec()
    }

    fn forward(&self, weights: &Self::Weights, inputs: &[&[f32]]) -> Vec<f32> {
        let one =
            |input: &&[f32]| scalar::forward(&self.0, weights, input, 0, None).output().to_vec();
        inputs.iter().flat_map(one).collect()
    }

    fn loss_and_gradient(
        &self,
        weights: &Self::Weights,
        shard: &Shard<'_>,
    ) -> (f64, Vec<LayerWeights<f32>>) {
        let mut total = 0.0;
        let mut gradient = scalar::zeros(&self.0);
        for (k, (input, target)) in shard.inputs.iter().zip(&shard.targets).enumerate() {
            let row = shard.first_row + k;
            let trace = scalar::forward(&self.0, weights, input, row, Some(shard.dropout));
            let errors: Vec<f32> = trace.output().iter().zip(*target).map(|(y, t)| y - t).collect();
            total += errors.iter().map(|&e| f64::from(shard.loss.value(e))).sum::<f64>();
            let slope = errors.iter().map(|&e| shard.loss.slope(e) * shard.scale as f32).collect();
            scalar::backward(&self.0, weights, &trace, slope, &mut gradient);
        }
        (total, gradient)
    }
}

#[test]
fn whole_trainings_follow_the_scalar_reference() {
    let (sine, validation) = (Sine::new(80), Sine::new(20).flipped());
    for spec in [small_autoencoder(TRAINING), small_forecaster(TRAINING)] {
        let network = Arc::new(Network::new(spec.clone()).unwrap());
        let data = TrainingWindows { train: sine.windows(), validation: validation.windows() };
        let mut wanted = Vec::new();
        let reference = Reference(network.stack.clone());
        let reference = ByShards::new(Arc::clone(&network), reference);
        train(&reference, &network, data, &mut |report| wanted.push(*report)).unwrap();
        let (_, found) = fit(spec, data.train, data.validation);
        for (found, wanted) in found.iter().zip(&wanted) {
            // Two batches of two shards an epoch; Adam divides a rounding of 1e-7 by the
            // gradient's own size, so that it moves a weight by up to 1e-3 of a step of 1e-2.
            assert!((found.train_loss - wanted.train_loss).abs() < 1e-5, "{found:?} {wanted:?}");
            let off = found.validation_loss.unwrap() - wanted.validation_loss.unwrap();
            assert!(off.abs() < 1e-5, "{found:?} {wanted:?}");
        }
    }
}
