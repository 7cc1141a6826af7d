//! Weights and outputs of real Keras and PyTorch models (`tests/golden/layouts/generate.py`).

use oddlot_series::{Activation, BiasConvention, Emit, Layer, Target, Windows};

use super::ForeignLayout::{Keras, Pytorch};
use super::*;
use crate::checkpoint::{from_safetensors, to_safetensors};
use crate::fixture::{TRAINING, small_autoencoder, small_forecaster};
use crate::{Engine, Isa};

/// A model that one of the libraries has made.
struct Golden {
    layout: ForeignLayout,
    spec: ModelSpec,
    weights: &'static [u8],
    outputs: &'static [u8],
    /// What `import` is told.
    layers: &'static [&'static str],
    /// What it finds.
    found: &'static [&'static str],
}

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/golden/layouts/", $name, ".safetensors"))
    };
}

fn lstm(units: usize, activation: Activation, emit: Emit) -> Layer {
    Layer::Lstm { units, activation, emit }
}

fn autoencoder(latent: usize, bias: BiasConvention) -> ModelSpec {
    let layers = vec![
        lstm(4, Activation::Tanh, Emit::Last),
        Layer::Dropout { rate: 0.1 },
        Layer::Dense { units: latent },
        Layer::RepeatVector { steps: 6 },
        lstm(4, Activation::Tanh, Emit::Sequence),
        Layer::Dense { units: 2 },
    ];
    ModelSpec { length: 6, features: 2, layers, bias, ..small_autoencoder(TRAINING) }
}

fn forecaster(lstms: Vec<Layer>, bias: BiasConvention) -> ModelSpec {
    let layers = [lstms, vec![Layer::Dense { units: 3 }]].concat();
    ModelSpec { length: 7, features: 3, layers, bias, ..small_forecaster(TRAINING) }
}

fn goldens() -> [Golden; 4] {
    let (single, double) = (BiasConvention::Single, BiasConvention::Double);
    [
        Golden {
            layout: Keras,
            spec: autoencoder(3, single),
            weights: golden!("keras_autoencoder"),
            outputs: golden!("keras_autoencoder_outputs"),
            layers: &[],
            found: &[
                "sequential/lstm",
                "sequential/dense",
                "sequential/lstm_1",
                "sequential/time_distributed/dense_1",
            ],
        },
        Golden {
            layout: Keras,
            spec: forecaster(vec![lstm(5, Activation::Relu, Emit::Last)], single),
            weights: golden!("keras_forecaster"),
            outputs: golden!("keras_forecaster_outputs"),
            layers: &[],
            found: &["memory", "tomorrow"],
        },
        Golden {
            layout: Pytorch,
            spec: autoencoder(2, double),
            weights: golden!("pytorch_autoencoder"),
            outputs: golden!("pytorch_autoencoder_outputs"),
            layers: &["encoder", "bottleneck", "decoder", "output"],
            found: &["encoder", "bottleneck", "decoder", "output"],
        },
        Golden {
            layout: Pytorch,
            spec: forecaster(
                vec![
                    lstm(3, Activation::Tanh, Emit::Sequence),
                    lstm(3, Activation::Tanh, Emit::Last),
                ],
                double,
            ),
            weights: golden!("pytorch_forecaster"),
            outputs: golden!("pytorch_forecaster_outputs"),
            layers: &[],
            found: &["lstm", "lstm:1", "head"],
        },
    ]
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The largest difference between what our network, by either engine in every instruction set of this machine,
/// and the library's give.
fn largest_difference(spec: &ModelSpec, weights: &[NamedTensor], outputs: &[u8]) -> f32 {
    let outputs = from_safetensors(outputs).unwrap();
    let array = |name: &str| outputs.iter().find(|tensor| tensor.name == name).unwrap();
    let (windows, expected) = (array("windows"), array("expected"));
    let size = spec.length * spec.features;
    assert_eq!(windows.shape[1..], [spec.length, spec.features]);
    let steps = if spec.target == Target::Forecast { 1 } else { spec.length };
    assert_eq!(expected.shape, [windows.shape[0], steps, spec.features]);
    let starts: Vec<u32> = (0..windows.shape[0]).map(|k| (k * size) as u32).collect();
    let windows = Windows::new(&windows.values, &starts, spec.length, spec.features).unwrap();
    let fused = Isa::available().into_iter().map(Engine::Fused);
    let mut largest = 0.0_f32;
    for engine in fused.chain([Engine::Tensor]) {
        let found = engine.load(spec.clone(), weights).unwrap().expect(windows).unwrap();
        assert_eq!(found.len(), expected.values.len());
        for (found, wanted) in found.iter().zip(&expected.values) {
            let off = (found - wanted).abs();
            largest = if off > largest || off.is_nan() { off } else { largest };
        }
    }
    largest
}

#[test]
fn keras_and_pytorch_weights_give_the_outputs_of_their_libraries() {
    for Golden { layout, spec, weights, outputs, layers, found } in goldens() {
        let file = from_safetensors(weights).unwrap();
        let imported = import(layout, &spec, &file, &owned(layers)).unwrap();
        assert_eq!(imported.layers, found);
        // Both sides compute in f32, in another order: outputs of order one, each the end of at most
        // twelve steps that round some ten times each, 6e-8 a time, and mostly cancel.
        let off = largest_difference(&spec, &imported.weights, outputs);
        assert!(off <= 1e-6, "{found:?}: {off:e}");
    }
}

#[test]
fn what_was_imported_is_exported_as_the_very_bytes() {
    for Golden { layout, spec, weights, found, .. } in goldens() {
        let file = from_safetensors(weights).unwrap();
        let imported = import(layout, &spec, &file, &owned(found)).unwrap();
        let exported = export(layout, &spec, &imported.weights, &imported.layers).unwrap();
        assert!(to_safetensors(&exported).unwrap() == weights, "{found:?}");
    }
}

#[test]
fn a_network_with_the_other_number_of_biases_gives_the_same_outputs() {
    for Golden { layout, mut spec, weights, outputs, found, .. } in goldens() {
        spec.bias = match spec.bias {
            BiasConvention::Single => BiasConvention::Double,
            BiasConvention::Double => BiasConvention::Single,
        };
        let file = from_safetensors(weights).unwrap();
        let imported = import(layout, &spec, &file, &owned(found)).unwrap();
        let off = largest_difference(&spec, &imported.weights, outputs);
        assert!(off <= 1e-6, "{found:?}: {off:e}");
    }
}

#[test]
fn a_model_that_goes_through_the_other_librarys_layout_gives_the_same_outputs() {
    for Golden { layout, spec, weights, outputs, found, .. } in goldens() {
        let file = from_safetensors(weights).unwrap();
        let imported = import(layout, &spec, &file, &owned(found)).unwrap();
        let other = if layout == Keras { Pytorch } else { Keras };
        let there = export(other, &spec, &imported.weights, &[]).unwrap();
        let back = import(other, &spec, &there, &[]).unwrap();
        let off = largest_difference(&spec, &back.weights, outputs);
        assert!(off <= 1e-6, "{found:?}: {off:e}");
    }
}

#[test]
fn a_file_is_told_apart_by_its_names() {
    for golden in goldens() {
        let file = from_safetensors(golden.weights).unwrap();
        assert_eq!(ForeignLayout::of(&file), Some(golden.layout));
        assert_eq!(ForeignLayout::of(&from_safetensors(golden.outputs).unwrap()), None);
    }
}
