//! Conversions by hand, and what is said of files that do not fit.

use oddlot_series::{Activation, BiasConvention, Emit, Layer};

use super::ForeignLayout::{Keras, Pytorch};
use super::*;
use crate::fixture::{TRAINING, small_forecaster};

/// LSTM of one unit over two inputs, then dense: every number can be followed.
fn spec(bias: BiasConvention) -> ModelSpec {
    let lstm = Layer::Lstm { units: 1, activation: Activation::Tanh, emit: Emit::Last };
    let layers = vec![lstm, Layer::Dense { units: 2 }];
    ModelSpec { length: 3, features: 2, layers, bias, ..small_forecaster(TRAINING) }
}

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
    NamedTensor { name: name.to_owned(), shape: shape.to_vec(), values: values.to_vec() }
}

fn pytorch_file() -> Vec<NamedTensor> {
    vec![
        // Gates i, f, g, o; two inputs each.
        tensor("lstm.weight_ih_l0", &[4, 2], &[1., 2., 3., 4., 5., 6., 7., 8.]),
        tensor("lstm.weight_hh_l0", &[4, 1], &[9., 10., 11., 12.]),
        tensor("lstm.bias_ih_l0", &[4], &[0.5, 1.5, 2.5, 3.5]),
        tensor("lstm.bias_hh_l0", &[4], &[1., 2., 3., 4.]),
        tensor("head.weight", &[2, 1], &[20., 21.]),
        tensor("head.bias", &[2], &[22., 23.]),
    ]
}

fn array<'a>(tensors: &'a [NamedTensor], name: &str) -> &'a NamedTensor {
    tensors.iter().find(|tensor| tensor.name == name).unwrap()
}

fn refusal(layout: ForeignLayout, file: &[NamedTensor], layers: &[&str]) -> String {
    let layers: Vec<String> = layers.iter().map(|name| (*name).to_owned()).collect();
    let error = import(layout, &spec(BiasConvention::Single), file, &layers).unwrap_err();
    error.to_string().strip_prefix("weights: ").unwrap().replace("; ", "\n")
}

#[test]
fn pytorch_weights_are_transposed_and_their_biases_added_up_for_one() {
    let single = import(Pytorch, &spec(BiasConvention::Single), &pytorch_file(), &[]).unwrap();
    let ours = |name: &str| array(&single.weights, name).clone();
    assert_eq!(
        ours("lstm_0.weight_input"),
        // Input 0 of the four gates, then input 1.
        tensor("lstm_0.weight_input", &[2, 4], &[1., 3., 5., 7., 2., 4., 6., 8.])
    );
    assert_eq!(ours("lstm_0.weight_recurrent").shape, [1, 4]);
    assert_eq!(ours("lstm_0.bias").values, [1.5, 3.5, 5.5, 7.5]);
    assert_eq!(ours("dense_0.weight"), tensor("dense_0.weight", &[1, 2], &[20., 21.]));
    let double = import(Pytorch, &spec(BiasConvention::Double), &pytorch_file(), &[]).unwrap();
    assert_eq!(array(&double.weights, "lstm_0.bias_input").values, [0.5, 1.5, 2.5, 3.5]);
    assert_eq!(array(&double.weights, "lstm_0.bias_recurrent").values, [1., 2., 3., 4.]);
}

#[test]
fn one_bias_becomes_itself_and_zeros_and_two_become_their_sum() {
    let single = import(Pytorch, &spec(BiasConvention::Single), &pytorch_file(), &[]).unwrap();
    let there = export(Pytorch, &spec(BiasConvention::Single), &single.weights, &[]).unwrap();
    assert_eq!(array(&there, "lstm_0.bias_ih_l0").values, [1.5, 3.5, 5.5, 7.5]);
    assert_eq!(array(&there, "lstm_0.bias_hh_l0").values, [0.0; 4]);
    assert_eq!(array(&there, "lstm_0.weight_ih_l0").values, pytorch_file()[0].values);

    let double = import(Pytorch, &spec(BiasConvention::Double), &pytorch_file(), &[]).unwrap();
    let keras = export(Keras, &spec(BiasConvention::Double), &double.weights, &[]).unwrap();
    assert_eq!(array(&keras, "lstm/lstm_cell/bias").values, [1.5, 3.5, 5.5, 7.5]);
    let back = import(Keras, &spec(BiasConvention::Double), &keras, &[]).unwrap();
    assert_eq!(array(&back.weights, "lstm_0.bias_input").values, [1.5, 3.5, 5.5, 7.5]);
    assert_eq!(array(&back.weights, "lstm_0.bias_recurrent").values, [0.0; 4]);
}

#[test]
fn everything_that_does_not_fit_is_told_at_once() {
    let mut file = pytorch_file();
    file[0].shape = vec![2, 4];
    file[1].name = "lstm.weight_hr_l0".into();
    file[2].values[3] = f32::INFINITY;
    file.push(tensor("norm.running_mean", &[2], &[0.0, 0.0]));
    file.push(tensor("other.weight", &[1], &[0.0]));
    file.remove(5); // head.bias
    assert_eq!(
        refusal(Pytorch, &file, &[]),
        "lstm.weight_hr_l0 belongs to no layer\n\
         norm.running_mean belongs to no layer\n\
         lstm.weight_ih_l0 has the shape [2, 4] where lstm_0 wants [4, 2]\n\
         lstm.weight_hh_l0 is missing (lstm_0 wants [4, 1])\n\
         lstm.bias_ih_l0 holds a value that is not finite\n\
         head.bias is missing (dense_0 wants [2])\n\
         other.weight belongs to no layer"
    );
}

#[test]
fn a_file_in_another_layout_has_nothing_of_what_is_wanted() {
    assert_eq!(
        refusal(Keras, &pytorch_file()[4..], &[]),
        "head.weight belongs to no layer\n\
         head.bias belongs to no layer\n\
         lstm_0 is missing: kernel [2, 4], recurrent_kernel [1, 4], bias [4]\n\
         dense_0 is missing: kernel [1, 2], bias [2]"
    );
    assert!(refusal(Pytorch, &[], &[]).starts_with("lstm_0 is missing: weight_ih [4, 2], "));
}

/// Three LSTMs of one unit over one input, all of the same shapes.
fn three_alike() -> ModelSpec {
    let lstm = |emit| Layer::Lstm { units: 1, activation: Activation::Tanh, emit };
    let layers = vec![lstm(Emit::Sequence), lstm(Emit::Sequence), lstm(Emit::Last)];
    ModelSpec { features: 1, layers, ..spec(BiasConvention::Single) }
}

fn alike(names: [&str; 3]) -> Vec<NamedTensor> {
    let layer = |(k, name): (usize, &str)| {
        [
            tensor(&format!("{name}/lstm_cell/kernel"), &[1, 4], &[k as f32; 4]),
            tensor(&format!("{name}/lstm_cell/recurrent_kernel"), &[1, 4], &[0.0; 4]),
            tensor(&format!("{name}/lstm_cell/bias"), &[4], &[0.0; 4]),
        ]
    };
    names.into_iter().enumerate().flat_map(layer).collect()
}

#[test]
fn layers_of_the_same_shapes_stand_in_the_order_of_their_numbers() {
    for names in [
        ["lstm_10", "lstm", "lstm_9"],
        ["net/lstm10", "net/lstm", "net/lstm9"],
        ["block_2/lstm_1", "block_1/lstm_2", "block_1/lstm_11"],
    ] {
        let imported = import(Keras, &three_alike(), &alike(names), &[]).unwrap();
        assert_eq!(imported.layers, [names[1], names[2], names[0]]);
        let first = |n: usize| {
            array(&imported.weights, &format!("lstm_{n}.weight_input")).values[0] as usize
        };
        assert_eq!([first(0), first(1), first(2)], [1, 2, 0]);
    }
}

#[test]
fn layers_of_the_same_shapes_without_numbers_are_never_guessed() {
    let file = alike(["outer", "middle", "inner"]);
    let refused = |layers: &[&str]| {
        let layers: Vec<String> = layers.iter().map(|name| (*name).to_owned()).collect();
        import(Keras, &three_alike(), &file, &layers).map_err(|error| error.to_string())
    };
    assert_eq!(
        refused(&[]).unwrap_err(),
        "weights: inner, middle, outer have the same shapes and no numbers that say which is lstm_0, \
         which lstm_1, which lstm_2"
    );
    assert_eq!(
        refused(&["outer", "middle", "inner"]).unwrap().layers,
        ["outer", "middle", "inner"]
    );
    let unnamed = "inner/lstm_cell/kernel belongs to no layer; \
                   inner/lstm_cell/recurrent_kernel belongs to no layer; \
                   inner/lstm_cell/bias belongs to no layer";
    assert_eq!(
        refused(&["outer", "middle", "innner"]).unwrap_err(),
        format!("weights: there is no layer `innner`; {unnamed}")
    );
    let error = refused(&["outer"]).unwrap_err();
    let counted =
        "weights: 1 layers are named where the network has 3 with weights: lstm_0, lstm_1, lstm_2";
    assert!(error.starts_with(counted), "{error}");
    let error = refused(&["outer", "outer", "inner"]).unwrap_err();
    assert!(error.starts_with("weights: `outer` is named twice"), "{error}");
}

#[test]
fn an_array_that_is_there_under_two_names_is_refused() {
    let mut file = alike(["a_1", "a_2", "a_3"]);
    file.push(tensor("a_1/kernel", &[1, 4], &[7.0; 4]));
    let error = import(Keras, &three_alike(), &file, &[]).unwrap_err().to_string();
    assert_eq!(error, "weights: a_1/kernel is a second kernel of its layer");
}

#[test]
fn exported_layers_have_the_names_that_they_are_given() {
    let spec = spec(BiasConvention::Single);
    let imported = import(Pytorch, &spec, &pytorch_file(), &[]).unwrap();
    let names = |layout, layers: &[&str]| {
        let layers: Vec<String> = layers.iter().map(|name| (*name).to_owned()).collect();
        let exported = export(layout, &spec, &imported.weights, &layers);
        exported.map(|tensors| tensors.into_iter().map(|tensor| tensor.name).collect::<Vec<_>>())
    };
    assert_eq!(
        names(Keras, &["net/memory", "net/head"]).unwrap(),
        [
            "net/memory/lstm_cell/kernel",
            "net/memory/lstm_cell/recurrent_kernel",
            "net/memory/lstm_cell/bias",
            "net/head/kernel",
            "net/head/bias"
        ]
    );
    assert_eq!(names(Pytorch, &["lstm:1", "0"]).unwrap()[3..5], ["lstm.bias_hh_l1", "0.weight"]);
    assert!(names(Keras, &["memory"]).is_err());
}
