//! The two networks that oddlot ships, as specs.

use oddlot_series::{
    Activation, BiasConvention, Emit, FitError, Initialiser, Layer, ModelSpec, Target, Training,
};

use crate::network::Network;

/// An LSTM autoencoder: reads the window to one vector and tells the window from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutoencoderConfig {
    /// Rows of a window.
    pub length: usize,
    /// Values of a row.
    pub features: usize,
    /// Hidden units of encoder and decoder.
    pub units: usize,
    /// Width of the bottleneck; `None` hands the encoder's state on as it is.
    pub latent: Option<usize>,
    /// Share of values dropped after encoder and decoder.
    pub dropout: f64,
    /// How it is trained.
    pub training: Training,
}

/// An LSTM forecaster: tells the last row of a window from the rows before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecasterConfig {
    /// Rows of a window, the one to be told included.
    pub length: usize,
    /// Values of a row.
    pub features: usize,
    /// Hidden units.
    pub units: usize,
    /// Share of values dropped after the LSTM.
    pub dropout: f64,
    /// How it is trained.
    pub training: Training,
}

/// An autoencoder of several LSTM layers on either side.
#[derive(Clone, Debug, PartialEq)]
pub struct StackedAutoencoderConfig {
    /// Rows of a window.
    pub length: usize,
    /// Values of a row.
    pub features: usize,
    /// Hidden units of the encoder's layers, from the input on.
    pub encoder: Vec<usize>,
    /// Hidden units of the decoder's layers, from the code on.
    pub decoder: Vec<usize>,
    /// Width of a dense bottleneck between them.
    pub latent: Option<usize>,
    /// What the encoder hands on: its last state, repeated, or every state: then there is no bottleneck in time.
    pub hands_on: Emit,
    /// Share of values dropped after encoder and decoder.
    pub dropout: f64,
    /// How it is trained.
    pub training: Training,
}

/// A forecaster of several LSTM layers.
#[derive(Clone, Debug, PartialEq)]
pub struct StackedForecasterConfig {
    /// Rows of a window, the one to be told included.
    pub length: usize,
    /// Values of a row.
    pub features: usize,
    /// Hidden units of the layers, from the input on.
    pub layers: Vec<usize>,
    /// What the last layer hands on; every state only to reproduce a published system.
    pub hands_on: Emit,
    /// Share of values dropped after the last LSTM.
    pub dropout: f64,
    /// How it is trained.
    pub training: Training,
}

/// LSTMs → dropout → (dense bottleneck) → (repeat) → LSTMs → dropout → dense, in the Keras conventions.
pub fn stacked_autoencoder(config: StackedAutoencoderConfig) -> ModelSpec {
    let StackedAutoencoderConfig { length, features, encoder, decoder, hands_on, .. } = config;
    let dropout = Layer::Dropout { rate: config.dropout };
    let mut layers = stack(&encoder, hands_on);
    layers.push(dropout);
    layers.extend(config.latent.map(|units| Layer::Dense { units }));
    if hands_on == Emit::Last {
        layers.push(Layer::RepeatVector { steps: length });
    }
    layers.extend(stack(&decoder, Emit::Sequence));
    layers.extend([dropout, Layer::Dense { units: features }]);
    keras(Target::Reconstruction, length, features, layers, config.training)
}

/// LSTMs → dropout → dense, in the Keras conventions.
pub fn stacked_forecaster(config: StackedForecasterConfig) -> ModelSpec {
    let StackedForecasterConfig { length, features, layers, hands_on, dropout, training } = config;
    let mut layers = stack(&layers, hands_on);
    layers.extend([Layer::Dropout { rate: dropout }, Layer::Dense { units: features }]);
    keras(Target::Forecast, length, features, layers, training)
}

/// Layers of `units`, of which the last hands `last` on.
fn stack(units: &[usize], last: Emit) -> Vec<Layer> {
    let emit = |k: usize| if k + 1 == units.len() { last } else { Emit::Sequence };
    units.iter().enumerate().map(|(k, &units)| lstm(units, emit(k))).collect()
}

/// Weights that a network of `spec` has.
///
/// # Errors
/// [`FitError::Layers`]: they do not fit each other.
pub fn n_weights(spec: &ModelSpec) -> Result<usize, FitError> {
    Ok(Network::new(spec.clone())?.layout.len())
}

/// Rows of a window that a network of `spec` gives an expectation for.
///
/// # Errors
/// [`FitError::Layers`]: they do not fit each other.
pub fn steps(spec: &ModelSpec) -> Result<usize, FitError> {
    Ok(Network::new(spec.clone())?.steps())
}

/// LSTM → dropout → (dense bottleneck) → repeat → LSTM → dropout → dense, in the Keras conventions.
pub fn autoencoder(config: AutoencoderConfig) -> ModelSpec {
    let AutoencoderConfig { length, features, units, latent, dropout, training } = config;
    let mut layers = vec![lstm(units, Emit::Last), Layer::Dropout { rate: dropout }];
    layers.extend(latent.map(|units| Layer::Dense { units }));
    layers.extend([
        Layer::RepeatVector { steps: length },
        lstm(units, Emit::Sequence),
        Layer::Dropout { rate: dropout },
        Layer::Dense { units: features },
    ]);
    keras(Target::Reconstruction, length, features, layers, training)
}

/// LSTM → dropout → dense, in the Keras conventions.
pub fn forecaster(config: ForecasterConfig) -> ModelSpec {
    let ForecasterConfig { length, features, units, dropout, training } = config;
    let layers = vec![
        lstm(units, Emit::Last),
        Layer::Dropout { rate: dropout },
        Layer::Dense { units: features },
    ];
    keras(Target::Forecast, length, features, layers, training)
}

fn lstm(units: usize, emit: Emit) -> Layer {
    Layer::Lstm { units, activation: Activation::Tanh, emit }
}

fn keras(
    target: Target,
    length: usize,
    features: usize,
    layers: Vec<Layer>,
    training: Training,
) -> ModelSpec {
    let (bias, initialiser) = (BiasConvention::Single, Initialiser::Keras);
    let as_published = None;
    ModelSpec { target, length, features, layers, bias, initialiser, training, as_published }
}

#[cfg(test)]
mod tests {
    use oddlot_series::FitError;

    use super::*;
    use crate::fixture::TRAINING;
    use crate::tensor::TensorModel;

    fn n_weights(spec: ModelSpec) -> usize {
        super::n_weights(&spec).unwrap()
    }

    fn seed_autoencoder(length: usize, features: usize, units: usize) -> ModelSpec {
        let (latent, dropout, training) = (None, 0.2, TRAINING);
        autoencoder(AutoencoderConfig { length, features, units, latent, dropout, training })
    }

    fn stacked(layers: Vec<Layer>, bias: BiasConvention) -> ModelSpec {
        ModelSpec { layers, bias, ..seed_autoencoder(30, 1, 64) }
    }

    #[test]
    fn the_seeds_networks_have_the_published_numbers_of_weights() {
        let sequence = |units, activation| Layer::Lstm { units, activation, emit: Emit::Sequence };
        let (tanh, relu) = (Activation::Tanh, Activation::Relu);
        assert_eq!(n_weights(seed_autoencoder(30, 1, 64)), 49_985);
        assert_eq!(n_weights(seed_autoencoder(30, 1, 128)), 198_273);
        let simple = vec![sequence(128, relu), sequence(128, relu), Layer::Dense { units: 1 }];
        assert_eq!(n_weights(stacked(simple, BiasConvention::Single)), 198_273);
        let pytorch = [128, 64, 64, 128].map(|units| sequence(units, tanh));
        let pytorch = [&pytorch[..], &[Layer::Dense { units: 1 }]].concat();
        assert_eq!(n_weights(stacked(pytorch, BiasConvention::Double)), 249_473);
        let births = StackedAutoencoderConfig {
            length: 1,
            features: 1,
            encoder: vec![128, 64],
            decoder: vec![64, 64],
            latent: None,
            hands_on: Emit::Last,
            dropout: 0.0,
            training: TRAINING,
        };
        let bias = BiasConvention::Double;
        assert_eq!(n_weights(ModelSpec { bias, ..stacked_autoencoder(births) }), 183_361);
        assert_eq!(n_weights(seed_autoencoder(10, 1, 100)), 121_301);
        assert_eq!(n_weights(seed_autoencoder(5, 2, 128)), 198_914);
    }

    #[test]
    fn stacks_of_one_layer_are_the_plain_networks() {
        let (length, features, units, dropout, training) = (30, 1, 64, 0.2, TRAINING);
        let latent = Some(4);
        let plain = AutoencoderConfig { length, features, units, latent, dropout, training };
        let (encoder, decoder, hands_on) = (vec![units], vec![units], Emit::Last);
        let config = StackedAutoencoderConfig {
            length,
            features,
            encoder,
            decoder,
            latent,
            hands_on,
            dropout,
            training,
        };
        assert_eq!(stacked_autoencoder(config.clone()), autoencoder(plain));
        let sequence = stacked_autoencoder(StackedAutoencoderConfig {
            encoder: vec![128, 64],
            decoder: vec![64, 128],
            hands_on: Emit::Sequence,
            latent: None,
            ..config
        });
        assert!(!sequence.layers.iter().any(|layer| matches!(layer, Layer::RepeatVector { .. })));
        let bias = BiasConvention::Double;
        assert_eq!(n_weights(ModelSpec { bias, ..sequence }), 249_473);
        let plain = ForecasterConfig { length, features, units, dropout, training };
        let config = StackedForecasterConfig {
            length,
            features,
            layers: vec![units],
            hands_on,
            dropout,
            training,
        };
        assert_eq!(stacked_forecaster(config), forecaster(plain));
    }

    #[test]
    fn a_bottleneck_lies_between_encoder_and_decoder() {
        let (length, features, units, dropout, training) = (30, 1, 64, 0.2, TRAINING);
        let config = AutoencoderConfig { length, features, units, latent: None, dropout, training };
        let narrow = autoencoder(AutoencoderConfig { latent: Some(4), ..config });
        assert_eq!(narrow.layers[2], Layer::Dense { units: 4 });
        // 64 · 4 + 4 more, and 4 instead of 64 inputs of the decoder: 60 · 4 · 64 fewer.
        assert_eq!(n_weights(narrow), 49_985 + 260 - 60 * 256);
    }

    #[test]
    fn layers_that_do_not_fit_are_told_in_words() {
        let refused = |spec: ModelSpec| TensorModel::new(spec).err().unwrap();
        let two = refused(stacked(vec![Layer::Dense { units: 2 }], BiasConvention::Single));
        let FitError::Layers { layer_idx: 0, why } = two else { panic!("{two:?}") };
        assert!(why.contains("a sequence of 30 × 1") && why.contains("30 × 2"), "{why}");
        let vector = refused(stacked(
            vec![lstm(4, Emit::Last), lstm(4, Emit::Last)],
            BiasConvention::Single,
        ));
        assert!(matches!(vector, FitError::Layers { layer_idx: 1, .. }));
        assert!(matches!(
            refused(stacked(vec![], BiasConvention::Single)),
            FitError::Layers { layer_idx: 0, .. }
        ));
        let (features, units, dropout, training) = (1, 4, 0.0, TRAINING);
        let short = forecaster(ForecasterConfig { length: 1, features, units, dropout, training });
        assert!(matches!(refused(short), FitError::Layers { .. }));
    }
}
