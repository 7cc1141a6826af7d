//! What a network is made of and how it is trained, as data.
//!
//! A `ModelSpec` is complete: it can be stored with the weights, hashed into a model id, and built by
//! either engine. Keras, PyTorch and Burn differ in initialiser, bias convention and Adam's epsilon,
//! so all three are part of it.

use serde::{Deserialize, Serialize};

/// What the network is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every row of the window itself: an autoencoder.
    Reconstruction,
    /// The last row of the window, from the `length - 1` rows before it: a forecaster.
    Forecast,
}

/// Output activation of an LSTM cell (candidate and output; the gates are always sigmoid).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Hyperbolic tangent, the usual one.
    Tanh,
    /// Rectifier, as in the seeds B and E.
    Relu,
}

/// What an LSTM layer hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emit {
    /// The last hidden state, `[batch, units]`.
    Last,
    /// Every hidden state, `[batch, time, units]`.
    Sequence,
}

/// One layer. Shapes in: `[batch, time, feature]` or `[batch, feature]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gate: Gers et al. 2000).
    Lstm {
        /// Hidden units.
        units: usize,
        /// Candidate and output activation.
        activation: Activation,
        /// What it hands on.
        emit: Emit,
    },
    /// Inverted dropout, active in training only.
    Dropout {
        /// Share of values set to zero, in `[0, 1)`.
        rate: f64,
    },
    /// `[batch, feature]` repeated to `[batch, steps, feature]`.
    RepeatVector {
        /// How often.
        steps: usize,
    },
    /// Affine map of the last axis, the same at every step.
    Dense {
        /// Values it gives.
        units: usize,
    },
}

/// How many bias vectors an LSTM layer has; under Adam two move their sum twice as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BiasConvention {
    /// One a layer, as in Keras.
    Single,
    /// Input and recurrent bias, as in PyTorch.
    Double,
}

/// How weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialiser {
    /// Glorot uniform input weights, orthogonal recurrent weights, zero bias with forget bias 1.
    Keras,
    /// Everything uniform in ±1/√units (dense: ±1/√inputs).
    Pytorch,
}

/// What training minimises, per element.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean absolute error.
    Mae,
    /// Mean squared error.
    Mse,
    /// Huber (1964), quadratic up to `delta`.
    Huber {
        /// Where it turns linear, in the units of the scaled feature.
        delta: f64,
    },
}

/// Adam (Kingma and Ba 2015). Epsilon is added outside the root, as in PyTorch and Keras.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// 1e-7 in Keras, 1e-8 in PyTorch.
    pub epsilon: f64,
}

/// How a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// What is minimised.
    pub loss: Loss,
    /// The optimiser.
    pub adam: Adam,
    /// At most so many passes over the training windows.
    pub epochs: usize,
    /// Windows in a batch; the last one of an epoch may be smaller.
    pub batch_size: usize,
    /// Stop after so many epochs without a better validation loss; `None` never stops early.
    pub patience: Option<usize>,
    /// Whether the weights of the best validation epoch are kept (the corrected form) or the last.
    pub restore_best: bool,
    /// Whether windows are shuffled anew each epoch.
    pub shuffle: bool,
    /// Largest global gradient norm; `None` does not clip.
    pub clip_norm: Option<f64>,
    /// Seed of initialisation, dropout and shuffling.
    pub seed: u64,
}

/// A network and its training, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// What it is asked for.
    pub target: Target,
    /// Rows of a window (a forecaster sees `length - 1` of them).
    pub length: usize,
    /// Values of a row.
    pub features: usize,
    /// From input to output.
    pub layers: Vec<Layer>,
    /// Bias vectors of an LSTM layer.
    pub bias: BiasConvention,
    /// How weights are drawn.
    pub initialiser: Initialiser,
    /// How it is trained.
    pub training: Training,
}
