//! A spec whose layers fit: what every engine and the training loop work from.

use oddlot_lstm::layers::{self, Extent, Stack};
use oddlot_lstm::loss;
use oddlot_series::{Activation, Emit, FitError, Layer, Loss, ModelSpec, Target, Windows};

use crate::parameters::Layout;

/// A checked network.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// What the user asked for.
    pub(crate) spec: ModelSpec,
    /// Its layers, shapes known to fit.
    pub(crate) stack: Stack,
    /// Where each weight lies in the flat weight vector.
    pub(crate) layout: Layout,
}

impl Network {
    /// Checks `spec`.
    ///
    /// # Errors
    /// [`FitError::Layers`] with the first layer that does not fit its place, or with the last one where
    /// the list does not end in what the target asks for.
    pub(crate) fn new(spec: ModelSpec) -> Result<Self, FitError> {
        let layers: Vec<layers::Layer> = spec.layers.iter().map(lowered).collect();
        let rows = spec.rows_read();
        if rows == 0 || spec.features == 0 {
            let why = format!(
                "a window of {} × {} leaves nothing to read; a forecaster needs two rows, anything else one",
                spec.length, spec.features
            );
            return Err(FitError::Layers { layer_idx: 0, why });
        }
        let stack = Stack::new(&layers, rows, spec.features)
            .map_err(|misfit| FitError::Layers { layer_idx: misfit.layer_idx, why: misfit.why })?;
        let wanted = match spec.target {
            Target::Reconstruction | Target::NextEverywhere | Target::RowsBefore => {
                Extent::Sequence { steps: rows, width: spec.features }
            }
            Target::Completion => Extent::Sequence { steps: spec.length, width: spec.features },
            Target::Forecast => Extent::Vector { width: spec.features },
            Target::EveryForecast => Extent::Sequence { steps: rows, width: spec.features },
        };
        if stack.output() != wanted || layers.is_empty() {
            let what = match spec.target {
                Target::Reconstruction => "a reconstruction gives the window again",
                Target::Completion => {
                    "a completion gives the window with the row that it has not read"
                }
                Target::Forecast => "a forecast gives one row",
                Target::EveryForecast => "a forecast of every step gives a row for each row read",
                Target::NextEverywhere => "the next row is told at every step",
                Target::RowsBefore => "a reconstruction gives the rows before the last one again",
            };
            let why = format!("{what}, {wanted}, but the last layer gives {}", stack.output());
            return Err(FitError::Layers { layer_idx: layers.len().saturating_sub(1), why });
        }
        let layout = Layout::new(&stack, spec.bias);
        Ok(Self { spec, stack, layout })
    }

    /// Rows of a window that the network gives an expectation for.
    pub(crate) fn steps(&self) -> usize {
        self.stack.output().steps()
    }

    /// What the network reads of a window.
    pub(crate) fn input<'a>(&self, window: &'a [f32]) -> &'a [f32] {
        &window[..self.stack.input().size()]
    }

    /// What the network reads of a window to learn from, and what it should give: see [`LaidOut`].
    pub(crate) fn split<'a>(&self, window: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        let offset = self.target_offset() as usize;
        (self.input(window), &window[offset..offset + self.stack.output().size()])
    }

    /// Elements from the first of a window to learn from to the first of its target: see [`LaidOut`].
    pub(crate) fn target_offset(&self) -> u32 {
        match self.spec.target {
            Target::Reconstruction | Target::Completion | Target::RowsBefore => 0,
            Target::Forecast | Target::NextEverywhere => self.stack.input().size() as u32,
            Target::EveryForecast => self.spec.features as u32,
        }
    }

    /// The loss that training minimises.
    pub(crate) fn loss(&self) -> loss::Loss {
        lowered_loss(self.spec.training.loss)
    }

    /// Refuses windows of another shape.
    ///
    /// # Errors
    /// [`FitError::Shape`].
    pub(crate) fn check_windows(&self, windows: &Windows<'_>) -> Result<(), FitError> {
        let shape = |length: usize, features: usize| format!("{length} × {features}");
        let expected = shape(self.spec.length, self.spec.features);
        let found = shape(windows.length(), windows.features());
        if expected == found { Ok(()) } else { Err(FitError::Shape { expected, found }) }
    }
}

/// The loss that a spec names, as the kernels know it.
pub(crate) fn lowered_loss(loss: Loss) -> loss::Loss {
    match loss {
        Loss::Mae => loss::Loss::Mae,
        Loss::Mse => loss::Loss::Mse,
        Loss::Huber { delta } => loss::Loss::Huber { delta },
    }
}

fn lowered(layer: &Layer) -> layers::Layer {
    match *layer {
        Layer::Lstm { units, activation, emit } => layers::Layer::Lstm {
            units,
            activation: match activation {
                Activation::Tanh => layers::Activation::Tanh,
                Activation::Relu => layers::Activation::Relu,
            },
            emit: match emit {
                Emit::Last => layers::Emit::Last,
                Emit::Sequence => layers::Emit::Sequence,
            },
        },
        Layer::Dropout { rate } => layers::Layer::Dropout { rate },
        Layer::RepeatVector { steps } => layers::Layer::RepeatVector { steps },
        Layer::Dense { units } => layers::Layer::Dense { units },
    }
}
