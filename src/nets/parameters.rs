//! All weights of a network as one flat vector, and where each array lies in it.
//!
//! The optimiser and the checkpoint see the flat vector with every bias that the spec asks for; engines see
//! one bias a layer ([`Layout::gather`] adds the two up, [`Layout::scatter`] hands both the same gradient).

use std::ops::Range;

use oddlot_lstm::layers::{Layer, Placed, Stack};
use oddlot_lstm::scalar::LayerWeights;
use oddlot_series::{BiasConvention, FitError, NamedTensor};

/// What an array is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `[input, 4 units]` of an LSTM.
    LstmInput,
    /// `[units, 4 units]` of an LSTM.
    LstmRecurrent,
    /// `[4 units]` of an LSTM, the only one or the first of two.
    LstmBias,
    /// `[4 units]` of an LSTM, the second of two.
    LstmRecurrentBias,
    /// `[input, units]` of a dense layer.
    DenseWeight,
    /// `[units]` of a dense layer.
    DenseBias,
}

/// One weight array.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// `lstm_0.weight_input`: the kind of layer, its number among its kind, and the role.
    pub(crate) name: String,
    /// Row-major.
    pub(crate) shape: Vec<usize>,
    /// Its elements of the flat vector.
    pub(crate) range: Range<usize>,
    /// 0-based position of its layer in the spec.
    pub(crate) layer_idx: usize,
    /// What it is.
    pub(crate) role: Role,
}

/// Every array, in the order of the flat vector.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    parameters: Vec<Parameter>,
    n_layers: usize,
}

impl Layout {
    /// Lays out the weights of `stack`.
    pub(crate) fn new(stack: &Stack, bias: BiasConvention) -> Self {
        let mut layout = Self { parameters: Vec::new(), n_layers: stack.layers().len() };
        let (mut n_lstm, mut n_dense) = (0, 0);
        for (layer_idx, placed) in stack.layers().iter().enumerate() {
            match placed.layer {
                Layer::Lstm { .. } => {
                    layout.push_lstm(placed, layer_idx, n_lstm, bias);
                    n_lstm += 1;
                }
                Layer::Dense { .. } => {
                    layout.push_dense(placed, layer_idx, n_dense);
                    n_dense += 1;
                }
                Layer::Dropout { .. } | Layer::RepeatVector { .. } => {}
            }
        }
        layout
    }

    /// The arrays.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Elements of the flat vector.
    pub(crate) fn len(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.range.end)
    }

    /// Weights by layer, one bias a layer.
    pub(crate) fn gather(&self, flat: &[f32]) -> Vec<LayerWeights<f32>> {
        let mut layers = vec![LayerWeights::None; self.n_layers];
        for parameter in &self.parameters {
            let values = flat[parameter.range.clone()].to_vec();
            let layer = &mut layers[parameter.layer_idx];
            match (parameter.role, &mut *layer) {
                (Role::LstmInput, _) => {
                    *layer = LayerWeights::Lstm {
                        input: values,
                        recurrent: Vec::new(),
                        bias: Vec::new(),
                    };
                }
                (Role::DenseWeight, _) => {
                    *layer = LayerWeights::Dense { weight: values, bias: Vec::new() };
                }
                (Role::LstmRecurrent, LayerWeights::Lstm { recurrent, .. }) => *recurrent = values,
                (Role::LstmBias, LayerWeights::Lstm { bias, .. }) => *bias = values,
                (Role::LstmRecurrentBias, LayerWeights::Lstm { bias, .. }) => {
                    bias.iter_mut().zip(values).for_each(|(bias, more)| *bias += more);
                }
                (Role::DenseBias, LayerWeights::Dense { bias, .. }) => *bias = values,
                (role, _) => unreachable!("{role:?} comes after the input weight of its layer"),
            }
        }
        layers
    }

    /// A gradient by layer as a flat vector.
    pub(crate) fn scatter(&self, layers: &[LayerWeights<f32>]) -> Vec<f32> {
        let mut flat = Vec::with_capacity(self.len());
        for parameter in &self.parameters {
            let array = match (parameter.role, &layers[parameter.layer_idx]) {
                (Role::LstmInput, LayerWeights::Lstm { input, .. }) => input,
                (Role::LstmRecurrent, LayerWeights::Lstm { recurrent, .. }) => recurrent,
                (Role::LstmBias | Role::LstmRecurrentBias, LayerWeights::Lstm { bias, .. })
                | (Role::DenseBias, LayerWeights::Dense { bias, .. }) => bias,
                (Role::DenseWeight, LayerWeights::Dense { weight, .. }) => weight,
                (role, _) => unreachable!("{role:?} belongs to another kind of layer"),
            };
            flat.extend_from_slice(array);
        }
        flat
    }

    /// The flat vector as named arrays.
    pub(crate) fn named(&self, flat: &[f32]) -> Vec<NamedTensor> {
        let named = |parameter: &Parameter| NamedTensor {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            values: flat[parameter.range.clone()].to_vec(),
        };
        self.parameters.iter().map(named).collect()
    }

    /// Named arrays, in any order, as the flat vector.
    ///
    /// # Errors
    /// [`FitError::Weights`] with everything that is missing, unknown or of another shape.
    pub(crate) fn flat(&self, named: &[NamedTensor]) -> Result<Vec<f32>, FitError> {
        let mut flat = Vec::with_capacity(self.len());
        let mut faults = Vec::new();
        for parameter in &self.parameters {
            match named.iter().find(|tensor| tensor.name == parameter.name) {
                None => faults.push(format!("{} is missing", parameter.name)),
                Some(tensor) if tensor.shape != parameter.shape => faults.push(format!(
                    "{} has the shape {:?} where {:?} is expected",
                    parameter.name, tensor.shape, parameter.shape
                )),
                Some(tensor) if tensor.values.len() != parameter.range.len() => {
                    faults.push(format!(
                        "{} holds {} values where its shape {:?} asks for {}",
                        parameter.name,
                        tensor.values.len(),
                        parameter.shape,
                        parameter.range.len()
                    ));
                }
                Some(tensor) if tensor.values.iter().any(|value| !value.is_finite()) => {
                    faults.push(format!("{} holds a value that is not finite", parameter.name));
                }
                Some(tensor) => flat.extend_from_slice(&tensor.values),
            }
        }
        let known = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        let unknown = named.iter().filter(|tensor| !known(&tensor.name));
        faults.extend(unknown.map(|tensor| format!("{} belongs to no layer", tensor.name)));
        if faults.is_empty() { Ok(flat) } else { Err(FitError::Weights(faults.join("; "))) }
    }

    fn push_lstm(&mut self, placed: &Placed, layer_idx: usize, n: usize, bias: BiasConvention) {
        let (inputs, units) = (placed.input.width(), placed.output.width());
        let name = |what: &str| format!("lstm_{n}.{what}");
        self.push(name("weight_input"), vec![inputs, 4 * units], layer_idx, Role::LstmInput);
        self.push(name("weight_recurrent"), vec![units, 4 * units], layer_idx, Role::LstmRecurrent);
        match bias {
            BiasConvention::Single => {
                self.push(name("bias"), vec![4 * units], layer_idx, Role::LstmBias);
            }
            BiasConvention::Double => {
                self.push(name("bias_input"), vec![4 * units], layer_idx, Role::LstmBias);
                let role = Role::LstmRecurrentBias;
                self.push(name("bias_recurrent"), vec![4 * units], layer_idx, role);
            }
        }
    }

    fn push_dense(&mut self, placed: &Placed, layer_idx: usize, n: usize) {
        let (inputs, units) = (placed.input.width(), placed.output.width());
        let name = |what: &str| format!("dense_{n}.{what}");
        self.push(name("weight"), vec![inputs, units], layer_idx, Role::DenseWeight);
        self.push(name("bias"), vec![units], layer_idx, Role::DenseBias);
    }

    fn push(&mut self, name: String, shape: Vec<usize>, layer_idx: usize, role: Role) {
        let start = self.len();
        let range = start..start + shape.iter().product::<usize>();
        self.parameters.push(Parameter { name, shape, range, layer_idx, role });
    }
}

#[cfg(test)]
mod tests {
    use oddlot_lstm::layers::{Activation, Emit};

    use super::*;

    /// One unit on one input, then dense: 4 + 4 + 4 (+ 4) + 1 + 1 weights.
    fn layout(bias: BiasConvention) -> Layout {
        let lstm = Layer::Lstm { units: 1, activation: Activation::Tanh, emit: Emit::Last };
        Layout::new(&Stack::new(&[lstm, Layer::Dense { units: 1 }], 3, 1).unwrap(), bias)
    }

    #[test]
    fn two_biases_add_up_and_share_one_gradient() {
        let layout = layout(BiasConvention::Double);
        let flat: Vec<f32> = (0..18).map(|k| k as f32).collect();
        let layers = layout.gather(&flat);
        let LayerWeights::Lstm { bias, .. } = &layers[0] else { panic!("an lstm comes first") };
        // 8 + 12, 9 + 13, 10 + 14, 11 + 15
        assert_eq!(bias, &[20.0, 22.0, 24.0, 26.0]);
        let gradient = layout.scatter(&layers);
        assert_eq!(gradient[8..16], [20.0, 22.0, 24.0, 26.0, 20.0, 22.0, 24.0, 26.0]);
        assert_eq!(
            (gradient[..8].to_vec(), gradient[16..].to_vec()),
            (flat[..8].to_vec(), vec![16.0, 17.0])
        );
    }

    #[test]
    fn one_bias_goes_through_unchanged() {
        let layout = layout(BiasConvention::Single);
        let flat: Vec<f32> = (0..14).map(|k| k as f32).collect();
        assert_eq!(layout.scatter(&layout.gather(&flat)), flat);
        assert_eq!(layout.flat(&layout.named(&flat)).unwrap(), flat);
    }

    #[test]
    fn every_fault_of_stored_weights_is_told_at_once() {
        let layout = layout(BiasConvention::Single);
        let mut named = layout.named(&[0.0; 14]);
        named[0].shape = vec![2, 2];
        named[1].values[0] = f32::NAN;
        named[2].name = "lstm_7.bias".into();
        named[3].values.push(0.0);
        assert_eq!(
            layout.flat(&named).unwrap_err().to_string(),
            "weights: lstm_0.weight_input has the shape [2, 2] where [1, 4] is expected; \
             lstm_0.weight_recurrent holds a value that is not finite; lstm_0.bias is missing; \
             dense_0.weight holds 2 values where its shape [1, 1] asks for 1; \
             lstm_7.bias belongs to no layer"
        );
    }
}
