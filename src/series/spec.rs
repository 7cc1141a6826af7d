//! What a network is made of and how it is trained, as data.
//!
//! A `ModelSpec` is complete: it can be stored with the weights, hashed into a model id, and built by
//! either engine. Keras, PyTorch and Burn differ in initialiser, bias convention and Adam's epsilon,
//! so all three are part of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::statistics::to_real;

/// What the network is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every row of the window itself: an autoencoder.
    Reconstruction,
    /// Every row of the window, from the rows before its last: an autoencoder that cannot copy the newest row,
    /// which it has not seen. Source: Srivastava, Mansimov and Salakhutdinov 2015, "Unsupervised Learning of Video
    /// Representations using LSTMs", the composite model; here one decoder tells both parts.
    Completion,
    /// The last row of the window, from the `length - 1` rows before it: a forecaster.
    Forecast,
    /// Every row of the window but the first, each from those before it: a forecaster that learns from
    /// every step.
    EveryForecast,
    /// The last row of the window at every one of the `length - 1` rows before it. What Keras makes, without a
    /// word, of a network that gives a sequence and a target of one row. Only to reproduce published systems.
    NextEverywhere,
    /// The `length - 1` rows before the last one: an autoencoder whose window is dated to the day after it.
    /// Only to reproduce published systems.
    RowsBefore,
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

/// What the gradient is taken of. Reported losses are means either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// The mean over the elements of a batch.
    #[default]
    Mean,
    /// Their sum, as PyTorch's `reduction="sum"`: Adam all but takes the factor out again, clipping does not.
    Sum,
}

impl Reduction {
    /// Whether it is the usual one, which is not written down.
    pub fn is_mean(&self) -> bool {
        *self == Self::Mean
    }
}

/// How a published system scores a window: one number for all its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowScore {
    /// Mean absolute error.
    MeanAbsolute,
    /// Mean squared error.
    MeanSquare,
    /// Sum of squared errors.
    SumOfSquares,
}

/// Reproduces a published protocol, warts included.
///
/// The score of a row is one number for the whole window that ends there, windows that reach over the end of a
/// span have none, and no fallback speaks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsPublished {
    /// How a window is scored.
    pub score: WindowScore,
    /// Share of the training windows, the last ones, that training is watched by (`validation_split` in Keras).
    /// They share rows with those it learns from.
    pub validation_share: f64,
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

/// How the step size changes while a network learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// From 1/25 of the step size up to it in the first three tenths of all steps and down to 1/250,000,
    /// both along half a cosine (Smith and Topin 2019, with the defaults of PyTorch's `OneCycleLR`, but
    /// for its change of momentum).
    OneCycle,
}

impl Schedule {
    /// Of the step size, what step `step_idx` of `n_steps` takes.
    pub fn share(self, step_idx: usize, n_steps: usize) -> f64 {
        /// PyTorch's `div_factor`, `div_factor × final_div_factor` and `pct_start`.
        const FROM: f64 = 1.0 / 25.0;
        const TO: f64 = FROM / 1e4;
        const WARM_UP: f64 = 0.3;
        if self == Self::Constant {
            return 1.0;
        }
        let along = |from: f64, to: f64, done: f64| {
            to + (from - to) / 2.0 * (1.0 + (std::f64::consts::PI * done).cos())
        };
        let (step, last) = (to_real(step_idx), to_real(n_steps.saturating_sub(1)));
        let top = WARM_UP * to_real(n_steps) - 1.0;
        if step <= top {
            along(FROM, 1.0, step / top)
        } else {
            along(1.0, TO, ((step - top) / (last - top)).min(1.0))
        }
    }

    fn is_constant(&self) -> bool {
        *self == Self::Constant
    }
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
    /// What the gradient is taken of.
    #[serde(default, skip_serializing_if = "Reduction::is_mean")]
    pub reduction: Reduction,
    /// Seed of initialisation, dropout and shuffling.
    pub seed: u64,
    /// So many batches of windows that are drawn at random, with replacement, in place of all epochs:
    /// told as one epoch, at whose end nothing is restored. `None` takes every window once an epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// How the step size changes over `steps`; over epochs it does not.
    #[serde(default, skip_serializing_if = "Schedule::is_constant")]
    pub schedule: Schedule,
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
    /// Where it reproduces a published protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_published: Option<AsPublished>,
}

impl ModelSpec {
    /// Rows of a window that the network reads, from its first.
    pub fn rows_read(&self) -> usize {
        match self.target {
            Target::Reconstruction => self.length,
            Target::Completion
            | Target::Forecast
            | Target::EveryForecast
            | Target::NextEverywhere
            | Target::RowsBefore => self.length.saturating_sub(1),
        }
    }

    /// What the network should give for `window`, `[step, feature]`.
    pub fn target_of<'w>(&self, window: &'w [f32]) -> Cow<'w, [f32]> {
        let (read, last) = window.split_at(self.rows_read() * self.features);
        match self.target {
            Target::Reconstruction | Target::RowsBefore => Cow::Borrowed(read),
            Target::Completion => Cow::Borrowed(window),
            Target::Forecast => Cow::Borrowed(last),
            Target::EveryForecast => Cow::Borrowed(&window[self.features..]),
            Target::NextEverywhere => Cow::Owned(last.repeat(self.rows_read())),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A network without a layer, for tests that never train one.
    pub(crate) fn without_layers(target: Target, length: usize, features: usize) -> ModelSpec {
        let adam = Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
        let training = Training {
            loss: Loss::Mae,
            adam,
            epochs: 1,
            batch_size: 1,
            patience: None,
            restore_best: false,
            shuffle: false,
            clip_norm: None,
            reduction: Reduction::Mean,
            seed: 0,
            steps: None,
            schedule: Schedule::Constant,
        };
        ModelSpec {
            target,
            length,
            features,
            layers: Vec::new(),
            bias: BiasConvention::Single,
            initialiser: Initialiser::Keras,
            training,
            as_published: None,
        }
    }

    #[test]
    fn each_target_is_cut_from_the_window_as_it_says() {
        let spec = |target| without_layers(target, 3, 2);
        let window = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        let target = |of| spec(of).target_of(&window).into_owned();
        assert_eq!(target(Target::Reconstruction), window);
        assert_eq!(target(Target::Completion), window);
        assert_eq!(spec(Target::Completion).rows_read(), 2);
        assert_eq!(target(Target::Forecast), [3.0, 30.0]);
        assert_eq!(target(Target::NextEverywhere), [3.0, 30.0, 3.0, 30.0]);
        assert_eq!(target(Target::RowsBefore), [1.0, 10.0, 2.0, 20.0]);
        // What every stored model was written with before there was anything to reproduce.
        let stored = toml::to_string(&spec(Target::Forecast)).unwrap();
        assert!(!stored.contains("as_published") && !stored.contains("reduction"), "{stored}");
    }

    #[test]
    fn one_cycle_rises_and_falls_as_in_pytorch() {
        // python3 -c "import torch; p=torch.nn.Parameter(torch.zeros(1)); o=torch.optim.Adam([p]); s=torch.optim.lr_scheduler.OneCycleLR(o,1.0,total_steps=500,cycle_momentum=False); r=[]
        // for _ in range(500): r.append(o.param_groups[0]['lr']); o.step(); s.step() if _<499 else None
        // print([r[k] for k in (0,75,149,150,300,499)])"
        let golden = [
            (0, 0.040_000_000_000_000_036),
            (75, 0.525_060_189_736_758_2),
            (149, 1.0),
            (150, 0.999_979_858_166_003_2),
            (300, 0.606_882_149_973_747_3),
            (499, 4.0e-6),
        ];
        for (step, expected) in golden {
            let found = Schedule::OneCycle.share(step, 500);
            assert!((found - expected).abs() < 1e-12, "{step}: {found} {expected}");
        }
        assert_eq!(Schedule::Constant.share(7, 500), 1.0);
    }

    #[test]
    fn a_cycle_of_few_steps_stays_between_its_ends() {
        for n_steps in 1..12 {
            for step in 0..n_steps {
                let share = Schedule::OneCycle.share(step, n_steps);
                assert!((4e-6 - 1e-12..=1.0).contains(&share), "{step} of {n_steps}: {share}");
            }
        }
    }
}
