//! A list of layers whose shapes are known to fit.
//!
//! Axes: a window goes in as `[time, feature]`; a layer gives `[time, unit]` or `[unit]`.

use std::fmt;

/// Candidate and output activation of an LSTM; its three gates are always sigmoid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

/// What an LSTM hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// The last hidden state.
    Last,
    /// Every hidden state.
    Sequence,
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// Long short-term memory, gates in the order input, forget, candidate, output.
    Lstm {
        /// Hidden units.
        units: usize,
        /// Candidate and output activation.
        activation: Activation,
        /// What it hands on.
        emit: Emit,
    },
    /// Inverted dropout: zeroes a share `rate`, scales the rest by `1 / (1 - rate)`; training only.
    Dropout {
        /// In `[0, 1)`.
        rate: f64,
    },
    /// Repeats a vector.
    RepeatVector {
        /// How often.
        steps: usize,
    },
    /// Affine map of the last axis.
    Dense {
        /// Values it gives.
        units: usize,
    },
}

/// The shape of what one window looks like between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// `[width]`
    Vector {
        /// Values.
        width: usize,
    },
    /// `[steps, width]`
    Sequence {
        /// Time steps.
        steps: usize,
        /// Values of a step.
        width: usize,
    },
}

impl Extent {
    /// Values of a step.
    pub fn width(self) -> usize {
        match self {
            Self::Vector { width } | Self::Sequence { width, .. } => width,
        }
    }

    /// Time steps; a vector counts as one.
    pub fn steps(self) -> usize {
        match self {
            Self::Vector { .. } => 1,
            Self::Sequence { steps, .. } => steps,
        }
    }

    /// Values in all.
    pub fn size(self) -> usize {
        self.steps() * self.width()
    }

    fn with_width(self, width: usize) -> Self {
        match self {
            Self::Vector { .. } => Self::Vector { width },
            Self::Sequence { steps, .. } => Self::Sequence { steps, width },
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector { width } => write!(f, "a vector of {width}"),
            Self::Sequence { steps, width } => write!(f, "a sequence of {steps} × {width}"),
        }
    }
}

/// A layer with the shapes it takes and gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The layer.
    pub layer: Layer,
    /// What goes in.
    pub input: Extent,
    /// What comes out.
    pub output: Extent,
}

/// A layer that does not fit its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// 0-based position in the list.
    pub layer_idx: usize,
    /// What is wrong and what was expected, in words.
    pub why: String,
}

/// Layers in order, each fitting the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    input: Extent,
    layers: Vec<Placed>,
}

impl Stack {
    /// Lays `layers` one after the other on windows of `steps` × `width`.
    ///
    /// # Errors
    /// The first layer that does not fit.
    pub fn new(layers: &[Layer], steps: usize, width: usize) -> Result<Self, Misfit> {
        let input = Extent::Sequence { steps, width };
        let mut extent = input;
        let mut placed = Vec::with_capacity(layers.len());
        for (layer_idx, &layer) in layers.iter().enumerate() {
            let output = after(layer, extent).map_err(|why| Misfit { layer_idx, why })?;
            placed.push(Placed { layer, input: extent, output });
            extent = output;
        }
        Ok(Self { input, layers: placed })
    }

    /// What goes into the first layer.
    pub fn input(&self) -> Extent {
        self.input
    }

    /// What comes out of the last layer.
    pub fn output(&self) -> Extent {
        self.layers.last().map_or(self.input, |placed| placed.output)
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Placed] {
        &self.layers
    }

    /// Whether layer `layer_idx` reads the same vector at every step, as it does right after a
    /// [`Layer::RepeatVector`]: an engine may then project its input once.
    pub fn input_is_repeated(&self, layer_idx: usize) -> bool {
        let before = layer_idx.checked_sub(1).map(|before| self.layers[before].layer);
        matches!(before, Some(Layer::RepeatVector { .. }))
    }
}

/// The shape after `layer`, or why it cannot stand there.
fn after(layer: Layer, input: Extent) -> Result<Extent, String> {
    match (layer, input) {
        (Layer::Lstm { units: 0, .. } | Layer::Dense { units: 0 }, _) => {
            Err("needs at least one unit".to_owned())
        }
        (Layer::Lstm { units, emit, .. }, Extent::Sequence { steps, .. }) => Ok(match emit {
            Emit::Last => Extent::Vector { width: units },
            Emit::Sequence => Extent::Sequence { steps, width: units },
        }),
        (Layer::Lstm { .. }, Extent::Vector { .. }) => Err(format!(
            "an lstm reads a sequence and was given {input}; put a repeat_vector first"
        )),
        (Layer::Dropout { rate }, _) if (0.0..1.0).contains(&rate) => Ok(input),
        (Layer::Dropout { rate }, _) => {
            Err(format!("a dropout rate lies in 0 <= rate < 1, not {rate}"))
        }
        (Layer::RepeatVector { steps: 0 }, _) => Err("repeats at least once".to_owned()),
        (Layer::RepeatVector { steps }, Extent::Vector { width }) => {
            Ok(Extent::Sequence { steps, width })
        }
        (Layer::RepeatVector { .. }, Extent::Sequence { .. }) => {
            Err(format!("a repeat_vector repeats a vector and was given {input}"))
        }
        (Layer::Dense { units }, _) => Ok(input.with_width(units)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: Layer = Layer::Lstm { units: 8, activation: Activation::Tanh, emit: Emit::Last };

    #[test]
    fn an_autoencoder_gives_the_shape_of_its_window() {
        let sequence = Layer::Lstm { units: 8, activation: Activation::Tanh, emit: Emit::Sequence };
        let layers = [LAST, Layer::RepeatVector { steps: 30 }, sequence, Layer::Dense { units: 2 }];
        let stack = Stack::new(&layers, 30, 2).unwrap();
        assert_eq!(stack.output(), Extent::Sequence { steps: 30, width: 2 });
        assert_eq!(stack.input().size(), 60);
        assert_eq!([0, 1, 2].map(|idx| stack.input_is_repeated(idx)), [false, false, true]);
    }

    #[test]
    fn a_layer_that_does_not_fit_is_named_with_its_place() {
        let misfit = Stack::new(&[LAST, LAST], 30, 1).unwrap_err();
        assert_eq!(misfit.layer_idx, 1);
        assert!(misfit.why.contains("a vector of 8"), "{}", misfit.why);
    }

    #[test]
    fn a_dropout_rate_of_nan_or_one_is_refused() {
        for rate in [f64::NAN, 1.0, -0.1] {
            assert!(Stack::new(&[Layer::Dropout { rate }], 3, 1).is_err(), "{rate}");
        }
        assert!(Stack::new(&[Layer::Dropout { rate: 0.0 }], 3, 1).is_ok());
    }

    #[test]
    fn nothing_of_size_zero_is_accepted() {
        assert!(Stack::new(&[Layer::Dense { units: 0 }], 3, 1).is_err());
        assert!(Stack::new(&[LAST, Layer::RepeatVector { steps: 0 }], 3, 1).is_err());
    }
}
