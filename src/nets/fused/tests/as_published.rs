//! What only published systems need: the next row told at every step, summed losses, tiny batches.
//!
//! Held against Keras and PyTorch (`tests/golden/seeds/generate.py`) and against the tensor engine.

use oddlot_series::{NamedTensor, Reduction};

use super::*;
use crate::checkpoint::from_safetensors;
use crate::laid_out::LaidOut;
use crate::layouts::{ForeignLayout, import};

/// A model that another library has trained for a while.
struct Course {
    layout: ForeignLayout,
    spec: ModelSpec,
    weights: &'static [u8],
    course: &'static [u8],
    layers: &'static [&'static str],
    /// What our mean per element is multiplied with to be the library's loss of a batch.
    factor: f64,
    /// By how much of itself a loss may be off.
    tolerance: f64,
}

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/golden/seeds/", $name, ".safetensors"))
    };
}

fn lstm(units: usize, activation: Activation, emit: Emit) -> Layer {
    Layer::Lstm { units, activation, emit }
}

fn courses() -> [Course; 2] {
    let (tanh, relu) = (Activation::Tanh, Activation::Relu);
    let adam = |epsilon| Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon };
    let broadcast = ModelSpec {
        target: Target::NextEverywhere,
        length: 7,
        layers: vec![
            lstm(5, relu, Emit::Sequence),
            lstm(4, tanh, Emit::Last),
            Layer::RepeatVector { steps: 6 },
            lstm(4, tanh, Emit::Sequence),
            Layer::Dense { units: 1 },
        ],
        ..small_autoencoder(Training { loss: Loss::Mae, adam: adam(1e-7), ..TRAINING })
    };
    let widths = [6, 3, 3, 6].map(|units| lstm(units, tanh, Emit::Sequence));
    let reduction = Reduction::Sum;
    let summed = ModelSpec {
        target: Target::RowsBefore,
        length: 7,
        layers: [&widths[..], &[Layer::Dense { units: 1 }]].concat(),
        bias: BiasConvention::Double,
        ..small_autoencoder(Training { adam: adam(1e-8), reduction, ..TRAINING })
    };
    [
        Course {
            layout: ForeignLayout::Keras,
            spec: broadcast,
            weights: golden!("broadcast"),
            course: golden!("broadcast_course"),
            layers: &[],
            factor: 1.0,
            // Keras adds Adam's epsilon before it corrects the moments, which counts thirty times as much at
            // first: of a gradient of 1e-2, 3e-4 of a step of 1e-3.
            tolerance: 2e-5,
        },
        Course {
            layout: ForeignLayout::Pytorch,
            spec: summed,
            weights: golden!("summed"),
            course: golden!("summed_course"),
            layers: &["encoder_1", "encoder_2", "decoder_1", "decoder_2", "output"],
            factor: 24.0,
            // Thirty steps, each rounding weights of order one to 6e-8.
            tolerance: 2e-6,
        },
    ]
}

/// Losses of batches of four windows in turn, per element, each before Adam moves the weights.
fn losses<C: Compute>(
    engine: &C,
    network: &Network,
    weights: &[NamedTensor],
    windows: Windows<'_>,
    steps: usize,
) -> Vec<f64> {
    let laid_out = LaidOut::new(network, windows).unwrap();
    let windows = laid_out.as_ref().map_or(windows, |laid_out| laid_out.windows().unwrap());
    let mut trainer = engine.trainer(network.layout.flat(weights).unwrap(), windows);
    let n = windows.len() as u32;
    let step = |k: u32| {
        let chosen: Vec<u32> = (0..4).map(|row| (k * 4 + row) % n).collect();
        let loss = trainer.loss_and_gradient(&chosen, Dropout { seed: 1, step: u64::from(k) });
        let n_elements = 4 * network.stack.output().size();
        if network.spec.training.reduction == Reduction::Sum {
            crate::gradient::scale(trainer.gradient(), n_elements as f64);
        }
        trainer.step();
        loss / n_elements as f64
    };
    (0..steps as u32).map(step).collect()
}

#[test]
fn broadcast_targets_and_summed_losses_learn_as_in_keras_and_pytorch() {
    for Course { layout, spec, weights, course, layers, factor, tolerance } in courses() {
        let layers: Vec<String> = layers.iter().map(|name| (*name).to_owned()).collect();
        let file = from_safetensors(weights).unwrap();
        let imported = import(layout, &spec, &file, &layers).unwrap().weights;
        let course = from_safetensors(course).unwrap();
        let array = |name: &str| course.iter().find(|tensor| tensor.name == name).unwrap();
        let (values, wanted) = (&array("windows").values, &array("losses").values);
        let starts: Vec<u32> = (0..12).map(|k| k * 7).collect();
        let windows = Windows::new(values, &starts, 7, 1).unwrap();
        let network = Network::new(spec.clone()).unwrap();
        let mut found =
            vec![losses(&tensor(&spec).engine(), &network, &imported, windows, wanted.len())];
        for isa in Isa::available() {
            let model = fused(&spec, isa, Threads::One);
            found.push(losses(&model.engine, &network, &imported, windows, wanted.len()));
        }
        // It has learnt something by then, or else nothing would be compared.
        assert!(wanted[27] < wanted[0] * 0.97, "{wanted:?}");
        for found in found {
            for (step, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                let off = (found * factor / f64::from(*wanted) - 1.0).abs();
                assert!(off <= tolerance, "{layout:?} step {step}: {found} {wanted} {off:e}");
            }
        }
    }
}

#[test]
fn every_published_form_gives_the_gradient_of_the_tensor_engine() {
    let [broadcast, summed] = courses().map(|course| course.spec);
    let births = ModelSpec {
        length: 1,
        layers: vec![
            lstm(9, Activation::Tanh, Emit::Sequence),
            lstm(5, Activation::Tanh, Emit::Last),
            Layer::RepeatVector { steps: 1 },
            lstm(5, Activation::Tanh, Emit::Sequence),
            lstm(5, Activation::Tanh, Emit::Sequence),
            Layer::Dense { units: 1 },
        ],
        bias: BiasConvention::Double,
        ..small_autoencoder(Training { loss: Loss::Mae, ..TRAINING })
    };
    let toy = ModelSpec {
        length: 5,
        features: 2,
        layers: vec![
            lstm(9, Activation::Relu, Emit::Last),
            Layer::RepeatVector { steps: 5 },
            lstm(9, Activation::Relu, Emit::Sequence),
            Layer::Dense { units: 2 },
        ],
        ..small_autoencoder(TRAINING)
    };
    for (spec, batch) in [(broadcast, 32), (summed, 4), (births, 1), (toy, 1)] {
        let drawn = Drawn::new(60, spec.features);
        let raw = Windows::new(&drawn.values, &drawn.starts, spec.length, spec.features).unwrap();
        let network = Network::new(spec.clone()).unwrap();
        let laid_out = LaidOut::new(&network, raw).unwrap();
        let windows = laid_out.as_ref().map_or(raw, |laid_out| laid_out.windows().unwrap());
        let flat = initialise::weights(&network);
        let chosen: Vec<u32> = (7..7 + batch).collect();
        let dropout = Dropout { seed: 3, step: 5 };
        let reference = tensor(&spec);
        let engine = reference.engine();
        let mut wanted = engine.trainer(flat.clone(), windows);
        let wanted_loss = wanted.loss_and_gradient(&chosen, dropout);
        for isa in Isa::available() {
            let model = fused(&spec, isa, Threads::One);
            let mut found = model.engine.trainer(flat.clone(), windows);
            let loss = found.loss_and_gradient(&chosen, dropout);
            assert!((loss / wanted_loss - 1.0).abs() < 1e-6, "{isa}: {loss} {wanted_loss}");
            let found = model.engine.program.unpack(found.gradient());
            let off = largest_difference(&found, wanted.gradient());
            let relative = off / largest(wanted.gradient());
            assert!(relative <= 1e-5, "{isa} batch {batch}: {relative:e}");
        }
    }
}

#[test]
fn validation_is_held_against_the_next_row_too() {
    let spec = courses()[0].spec.clone();
    let drawn = Drawn::new(60, 1);
    let windows = Windows::new(&drawn.values, &drawn.starts, 7, 1).unwrap();
    let data = TrainingWindows { train: windows, validation: windows.slice(40..60) };
    let mut last = None;
    let fitted = tensor(&spec).fit(data, &mut |epoch| last = epoch.validation_loss).unwrap();
    let spec = ModelSpec { training: Training { restore_best: false, ..spec.training }, ..spec };
    let same = tensor(&spec).fit(data, &mut |_| {}).unwrap();
    let expected = same.expect(data.validation).unwrap();
    let mut total = 0.0;
    for (told, window) in expected.chunks_exact(6).zip(data.validation.iter()) {
        total += told.iter().map(|told| f64::from((told - window[6]).abs())).sum::<f64>();
    }
    assert!((total / 120.0 / last.unwrap() - 1.0).abs() < 1e-6, "{total} {last:?}");
    assert_eq!(fitted.steps(), 6);
}
