//! What passes between the pipeline and a network, whatever engine computes it.

use crate::{ModelSpec, Windows};

/// Scaled windows to learn from and to stop on.
#[derive(Clone, Copy, Debug)]
pub struct TrainingWindows<'a> {
    /// Windows that lie wholly inside the training span.
    pub train: Windows<'a>,
    /// Windows that lie wholly inside the validation span; may be empty.
    pub validation: Windows<'a>,
}

/// What happened in one epoch. Losses are means per element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// 1-based.
    pub epoch: usize,
    /// Epochs asked for at most.
    pub epochs: usize,
    /// Training loss, dropout active.
    pub train_loss: f64,
    /// Validation loss, dropout off; `None` where there is no validation window.
    pub validation_loss: Option<f64>,
    /// Whether this is the best epoch so far.
    pub is_best: bool,
}

/// Why a network could not be trained or rebuilt.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There is nothing to learn from.
    #[error("no training window")]
    NoTrainingWindow,
    /// Windows and network do not fit together.
    #[error("the network expects windows of {expected} (rows × features) and was given {found}")]
    Shape {
        /// `30 × 1`
        expected: String,
        /// `20 × 1`
        found: String,
    },
    /// The layers do not fit each other, or do not end in what the target asks for.
    #[error("layer {layer_idx}: {why}")]
    Layers {
        /// 0-based position in the list.
        layer_idx: usize,
        /// What is wrong and what was expected.
        why: String,
    },
    /// The loss became infinite or NaN.
    #[error("the loss became {loss} in epoch {epoch}; lower the learning rate or set `clip_norm`")]
    Diverged {
        /// 1-based.
        epoch: usize,
        /// NaN or infinity.
        loss: f64,
    },
    /// This machine cannot run the engine that was asked for.
    #[error("{0}")]
    Engine(String),
    /// Stored weights do not fit the spec.
    #[error("weights: {0}")]
    Weights(String),
}

/// A named weight array.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// `lstm_0.weight_input`, `dense_1.bias` …
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f32>,
}

/// Something that can be trained: a spec and an engine that computes it.
pub trait Model: Send + Sync {
    /// What is trained.
    fn spec(&self) -> &ModelSpec;

    /// Trains on scaled windows `[time, feature]` and tells each epoch to `observe`.
    ///
    /// The result depends on the windows, their order and the spec only: not on the number of threads.
    ///
    /// # Errors
    /// [`FitError`].
    fn fit(
        &self,
        data: TrainingWindows<'_>,
        observe: &mut dyn FnMut(&EpochReport),
    ) -> Result<Box<dyn Fitted>, FitError>;
}

/// A trained network.
pub trait Fitted: Send + Sync {
    /// What it is.
    fn spec(&self) -> &ModelSpec;

    /// How many rows at the end of a window it gives an expectation for: all of them
    /// (reconstruction) or the last (forecast).
    fn steps(&self) -> usize;

    /// What it expects of each window, `[window, step, feature]` in scaled units.
    ///
    /// A window's result does not depend, bit for bit, on the windows scored with it.
    ///
    /// # Errors
    /// [`FitError::Shape`].
    fn expect(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError>;

    /// [`Self::expect`], bit for bit, on no other thread than the one that asks: where the others have work
    /// of their own, nobody waits for them then.
    ///
    /// # Errors
    /// [`FitError::Shape`].
    fn expect_alone(&self, windows: Windows<'_>) -> Result<Vec<f32>, FitError> {
        self.expect(windows)
    }

    /// Its weights, in a fixed order.
    fn weights(&self) -> Vec<NamedTensor>;
}
