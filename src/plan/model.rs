//! What each model is and how it learns.

use oddlot_engine::Report;
use oddlot_series::{
    Activation, Adam, Archive, AsPublished, BiasConvention, Emit, Initialiser, Loss, Schedule,
    Target, Training,
};
use serde::Serialize;

use super::source::shown;
use crate::settings::{
    AsPublished as Published, Mistakes, Slug, archive,
    models::{Detector, Model},
    range::{Degree, Lookback, Units},
    retrain::Retrain,
    scope::ModelScope,
    threshold::Threshold,
    train::{LossName, Train},
    value::{ListOf, Placed},
};

/// A model: a detector and its threshold under a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelPlan {
    /// Its name in tables and messages.
    pub name: Slug,
    /// One for all tickers, or each ticker's own.
    #[serde(skip_serializing_if = "ModelScope::is_pooled")]
    pub scope: ModelScope,
    /// What it is.
    pub detector: DetectorPlan,
    /// Its own threshold, or the pipeline's.
    pub threshold: Threshold,
    /// When it is made anew: its own, or the pipeline's. No part of what it is.
    #[serde(skip)]
    pub retrain: Retrain,
}

/// What judges a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorPlan {
    /// Something that is trained.
    Network(NetworkPlan),
    /// Something that is computed.
    Baseline(BaselinePlan),
    /// Something that learns from each series that it scores.
    Archive(Archive),
}

/// A network and how it learns. The number of features is known when the feature query is planned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkPlan {
    /// Its layers' measures.
    pub network: Network,
    /// How weights are drawn.
    pub initialiser: Initialiser,
    /// Bias vectors of an LSTM layer: as the initialiser's namesake has it.
    pub bias: BiasConvention,
    /// Whether an autoencoder tells the newest row of a window without having read it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hides_newest: bool,
    /// How it learns.
    pub training: Training,
    /// Where it reproduces a published protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_published: Option<PublishedPlan>,
}

/// `[as_published]`, as one network takes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PublishedPlan {
    /// What the network is asked for.
    pub target: Target,
    /// How it is scored and watched.
    pub protocol: AsPublished,
}

/// A kind of network with its measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Squeezes a window through a code and expands it again.
    LstmAutoencoder {
        /// Width of encoder and decoder.
        units: usize,
        /// Width of the code; `None` leaves it at the encoder's.
        latent: Option<usize>,
        /// Dropout after encoder and decoder, in `[0, 1)`.
        dropout: f64,
        /// Output activation of the cells.
        activation: Activation,
    },
    /// The same with several layers on either side.
    StackedAutoencoder {
        /// Widths of the encoder's layers, from the input on.
        encoder: Vec<usize>,
        /// Widths of the decoder's layers, from the code on.
        decoder: Vec<usize>,
        /// Width of a dense code between them.
        latent: Option<usize>,
        /// Whether the encoder hands on its last state or every one.
        latent_mode: Emit,
        /// Dropout after encoder and decoder, in `[0, 1)`.
        dropout: f64,
        /// Output activation of the cells.
        activation: Activation,
    },
    /// Foresees a window's last row from the rows before.
    LstmForecaster {
        /// Width of the layer.
        units: usize,
        /// Dropout after it, in `[0, 1)`.
        dropout: f64,
        /// Output activation of the cells.
        activation: Activation,
    },
    /// The same with several layers.
    StackedForecaster {
        /// Widths of the layers, from the input on.
        layers: Vec<usize>,
        /// Dropout after the last, in `[0, 1)`.
        dropout: f64,
        /// Output activation of the cells.
        activation: Activation,
    },
}

/// A detector without weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselinePlan {
    /// Tomorrow is as today.
    Persistence,
    /// Zero, by an exponentially weighted deviation.
    EwmaZ {
        /// Weight of the past, in `(0, 1)`.
        lambda: f64,
        /// Rows the average is cut off at.
        rows: usize,
        /// Fewer rows give no score; at most `rows`.
        min_rows: usize,
    },
    /// The median, by the median deviation.
    RobustZ {
        /// Rows looked back on.
        rows: usize,
        /// Fewer rows give no score; at most `rows`.
        min_rows: usize,
    },
    /// The median of the training rows, by their median deviation.
    MedianDistance,
    /// The next value from the last ones, as training rows have it.
    AutoRegression {
        /// Rows that a row is regressed on, at least one.
        order: usize,
    },
    /// What the usual shapes of a window make of its last row.
    WindowPca {
        /// Rows of a window, at least two.
        rows: usize,
        /// Share of the variance that usual shapes explain, in `(0, 1)`.
        variance: f64,
    },
    /// The curve through the last rows, drawn on.
    Polynomial {
        /// Rows the curve goes through, at least two more than its degree.
        rows: usize,
        /// Of the curve.
        degree: usize,
    },
    /// The nearest of a few typical windows.
    KMeans {
        /// Rows of a window.
        rows: usize,
        /// Typical windows.
        clusters: usize,
        /// Of the first centres.
        seed: u64,
    },
    /// The training window that is nearest.
    NearestNeighbour {
        /// Rows of a window.
        rows: usize,
        /// Which neighbour counts.
        neighbours: usize,
    },
}

impl ModelPlan {
    pub(super) fn lower(
        model: &Model,
        pipeline: Option<Threshold>,
        retrain: Retrain,
        window_length: Option<usize>,
        published: Option<&Published>,
        mistakes: &Mistakes<'_>,
    ) -> Option<Self> {
        let detector = DetectorPlan::lower(model, window_length, published, mistakes);
        let threshold = if model.has_threshold { model.threshold } else { pipeline };
        if let (Some(published), false) = (published, model.scope.is_pooled()) {
            let report = Report::new("a published protocol has one network")
                .expected("no `scope = \"per_ticker\"` beside [as_published]")
                .found(format!("`{}`, which has one for each ticker", model.name))
                .hint("delete `scope`, or delete [as_published]");
            mistakes.add(published.at, report);
        }
        let retrain = model.retrain.as_ref().map_or(retrain, |own| own.value);
        let (name, scope) = (model.name.clone(), model.scope);
        Some(Self { name, scope, detector: detector?, threshold: threshold?, retrain })
    }
}

impl DetectorPlan {
    /// The variant's name in the pipeline file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Network(plan) => match &plan.network {
                Network::LstmAutoencoder { .. } | Network::StackedAutoencoder { .. } => {
                    "lstm_autoencoder"
                }
                Network::LstmForecaster { .. } | Network::StackedForecaster { .. } => {
                    "lstm_forecaster"
                }
            },
            Self::Baseline(BaselinePlan::Persistence) => "persistence",
            Self::Baseline(BaselinePlan::EwmaZ { .. }) => "ewma_z",
            Self::Baseline(BaselinePlan::RobustZ { .. }) => "robust_z",
            Self::Baseline(BaselinePlan::MedianDistance) => "median_distance",
            Self::Baseline(BaselinePlan::AutoRegression { .. }) => "auto_regression",
            Self::Baseline(BaselinePlan::WindowPca { .. }) => "window_pca",
            Self::Baseline(BaselinePlan::Polynomial { .. }) => "polynomial",
            Self::Baseline(BaselinePlan::KMeans { .. }) => "k_means",
            Self::Baseline(BaselinePlan::NearestNeighbour { .. }) => "nearest_neighbour",
            Self::Archive(archive) => archive::name(archive),
        }
    }

    fn lower(
        model: &Model,
        length: Option<usize>,
        published: Option<&Published>,
        mistakes: &Mistakes<'_>,
    ) -> Option<Self> {
        Some(match &model.detector {
            Detector::LstmAutoencoder { train, latent_mode, hide_newest, .. } => {
                if published.is_none() {
                    tell_wide_code(model, length, mistakes);
                }
                if hide_newest.value {
                    check_hidden(latent_mode, hide_newest, published, mistakes);
                }
                let network = autoencoder(model, mistakes)?;
                Self::network(network, hide_newest.value, train, published)
            }
            Detector::LstmForecaster { units, layers, dropout, activation, train } => {
                let (dropout, activation) = (dropout.get(), *activation);
                let network = match layers {
                    None => {
                        Network::LstmForecaster { units: units.value.get(), dropout, activation }
                    }
                    Some(layers) => {
                        refuse_units(units, "layers", mistakes)?;
                        let layers = widths(layers);
                        Network::StackedForecaster { layers, dropout, activation }
                    }
                };
                Self::network(network, false, train, published)
            }
            Detector::Persistence => Self::Baseline(BaselinePlan::Persistence),
            Detector::EwmaZ { lambda, rows, min_rows } => {
                let (rows, min_rows) = lookback(rows, min_rows, mistakes)?;
                Self::Baseline(BaselinePlan::EwmaZ { lambda: lambda.get(), rows, min_rows })
            }
            Detector::Archive(archive) => Self::Archive(archive.clone()),
            Detector::RobustZ { rows, min_rows } => {
                let (rows, min_rows) = lookback(rows, min_rows, mistakes)?;
                Self::Baseline(BaselinePlan::RobustZ { rows, min_rows })
            }
            Detector::MedianDistance => Self::Baseline(BaselinePlan::MedianDistance),
            Detector::AutoRegression { order } => {
                Self::Baseline(BaselinePlan::AutoRegression { order: order.get() })
            }
            Detector::WindowPca { rows, variance } => Self::Baseline(BaselinePlan::WindowPca {
                rows: rows.get(),
                variance: variance.get(),
            }),
            Detector::Polynomial { rows, degree } => {
                let (rows, degree) = curve(rows, *degree, mistakes)?;
                Self::Baseline(BaselinePlan::Polynomial { rows, degree })
            }
            &Detector::KMeans { rows, clusters, seed } => Self::Baseline(BaselinePlan::KMeans {
                rows: rows.get(),
                clusters: clusters.get(),
                seed: seed.into(),
            }),
            &Detector::NearestNeighbour { rows, neighbours } => {
                let (rows, neighbours) = (rows.get(), neighbours.get());
                Self::Baseline(BaselinePlan::NearestNeighbour { rows, neighbours })
            }
        })
    }

    fn network(
        network: Network,
        hides_newest: bool,
        train: &Train,
        published: Option<&Published>,
    ) -> Self {
        let (bias, _) = conventions(train.initialiser);
        Self::Network(NetworkPlan {
            network,
            initialiser: train.initialiser,
            bias,
            hides_newest,
            training: training(train),
            as_published: published.map(|published| PublishedPlan {
                target: published.target.value,
                protocol: AsPublished {
                    score: published.score.value,
                    validation_share: published
                        .validation_share
                        .as_ref()
                        .map_or(0.0, |share| share.value.get()),
                },
            }),
        })
    }
}

/// The layers of an autoencoder: one width for both sides, or a list for each.
fn autoencoder(model: &Model, mistakes: &Mistakes<'_>) -> Option<Network> {
    let Detector::LstmAutoencoder {
        units,
        encoder,
        decoder,
        latent,
        latent_mode,
        dropout,
        activation,
        ..
    } = &model.detector
    else {
        return None;
    };
    let (dropout, activation) = (dropout.get(), *activation);
    let latent = latent.as_ref().map(|latent| latent.value.get());
    let latent_mode = latent_mode.value;
    let (encoder, decoder) = match (encoder, decoder) {
        (None, None) if latent_mode == Emit::Last => {
            let units = units.value.get();
            return Some(Network::LstmAutoencoder { units, latent, dropout, activation });
        }
        (None, None) => (vec![units.value.get()], vec![units.value.get()]),
        (Some(encoder), Some(decoder)) => {
            refuse_units(units, "encoder` and `decoder", mistakes)?;
            (widths(encoder), widths(decoder))
        }
        (Some(only), None) | (None, Some(only)) => {
            let report = Report::new(format!("`{}` has layers on one side only", model.name))
                .expected("both `encoder` and `decoder`, or `units` for both")
                .found(shown(only))
                .hint("add the other one, from the code on: `decoder = [64, 128]`");
            mistakes.add(only.at, report);
            return None;
        }
    };
    Some(Network::StackedAutoencoder { encoder, decoder, latent, latent_mode, dropout, activation })
}

/// Refuses to hide the newest row where no code tells it, or a published system says what is read.
fn check_hidden(
    latent_mode: &Placed<Emit>,
    hide_newest: &Placed<bool>,
    published: Option<&Published>,
    mistakes: &Mistakes<'_>,
) {
    let (expected, found) = if published.is_some() {
        ("no `hide_newest` beside [as_published], which says what is read", shown(hide_newest))
    } else if latent_mode.value == Emit::Sequence {
        ("`latent_mode = \"vector\"`: one code, told as rows", shown(latent_mode))
    } else {
        return;
    };
    let report = Report::new("the newest row of a window cannot be hidden here")
        .expected(expected)
        .found(found)
        .hint("delete `hide_newest`");
    mistakes.add(hide_newest.at, report);
}

/// Warns of a code that is no bottleneck.
fn tell_wide_code(model: &Model, length: Option<usize>, mistakes: &Mistakes<'_>) {
    let Detector::LstmAutoencoder { units, encoder, latent, latent_mode, .. } = &model.detector
    else {
        return;
    };
    let Some(length) = length else { return };
    let hint = "a code that wide can copy its input, faults and all; set `latent` to, say, half the length";
    if latent_mode.value == Emit::Sequence {
        let report = Report::new(format!("`{}` has no code: every state is handed on", model.name))
            .expected("`latent_mode = \"vector\"`, the default")
            .found(shown(latent_mode))
            .hint(hint);
        mistakes.warn(latent_mode.at, report);
        return;
    }
    let last = encoder.as_ref().and_then(|encoder| Some((encoder.value.0.last()?, encoder)));
    let (code, at, found) = match (latent, last) {
        (Some(latent), _) => (latent.value.get(), latent.at, shown(latent)),
        (None, Some((units, encoder))) => {
            let found = format!("no `latent`, so a code of {units} ({})", shown(encoder));
            (units.get(), encoder.at, found)
        }
        (None, None) => {
            let found = format!("no `latent`, so a code of {} (`units`)", units.value);
            (units.value.get(), units.at, found)
        }
    };
    if code >= length {
        let report = Report::new(format!("the code of `{}` is as wide as its window", model.name))
            .expected(format!("latent < {length} (`windows.length`, for one feature)"))
            .found(found)
            .hint(hint);
        mistakes.warn(at, report);
    }
}

/// One width and a list of them are not both given.
fn refuse_units(units: &Placed<Units>, other: &str, mistakes: &Mistakes<'_>) -> Option<()> {
    if units.written.is_none() {
        return Some(());
    }
    let report = Report::new(format!("`units` stands beside `{other}`"))
        .expected(format!("either `units` or `{other}`"))
        .found(shown(units))
        .hint("delete `units`");
    mistakes.add(units.at, report);
    None
}

fn widths(list: &Placed<ListOf<Units>>) -> Vec<usize> {
    list.value.0.iter().map(|units| units.get()).collect()
}

/// `[train]`, as the networks take it.
pub fn training(train: &Train) -> Training {
    let (_, epsilon) = conventions(train.initialiser);
    Training {
        loss: match train.loss {
            LossName::Mae => Loss::Mae,
            LossName::Mse => Loss::Mse,
            LossName::Huber => Loss::Huber { delta: train.huber_delta.get() },
        },
        adam: Adam {
            learning_rate: train.learning_rate.get(),
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon,
        },
        epochs: train.epochs.get(),
        batch_size: train.batch_size.get(),
        patience: train.patience.on().map(|epochs| epochs.get()).filter(|epochs| *epochs > 0),
        restore_best: train.restore_best,
        shuffle: train.shuffle,
        clip_norm: train.clip_norm.on().map(|norm| norm.get()),
        reduction: train.reduction,
        seed: train.seed.into(),
        steps: None,
        schedule: Schedule::Constant,
    }
}

/// Bias vectors and Adam's epsilon, which Keras and PyTorch have each their own of.
fn conventions(initialiser: Initialiser) -> (BiasConvention, f64) {
    match initialiser {
        Initialiser::Keras => (BiasConvention::Single, 1e-7),
        Initialiser::Pytorch => (BiasConvention::Double, 1e-8),
    }
}

/// A curve of a degree needs so many rows, and one more for its deviation.
fn curve(
    rows: &Placed<Lookback>,
    degree: Degree,
    mistakes: &Mistakes<'_>,
) -> Option<(usize, usize)> {
    let least = degree.get() + 2;
    if rows.value.get() >= least {
        return Some((rows.value.get(), degree.get()));
    }
    let report = Report::new("the rows are too few for a curve of that degree")
        .expected(format!("rows >= {least} (`degree` + 2)"))
        .found(shown(rows))
        .hint("a curve through every row has no deviation to judge by: raise `rows` or lower `degree`");
    mistakes.add(rows.at, report);
    None
}

fn lookback(
    rows: &Placed<Lookback>,
    min_rows: &Placed<Lookback>,
    mistakes: &Mistakes<'_>,
) -> Option<(usize, usize)> {
    if min_rows.value <= rows.value {
        return Some((rows.value.get(), min_rows.value.get()));
    }
    let report = Report::new("`min_rows` is larger than `rows`")
        .expected(format!("min_rows <= {} (`rows`)", rows.value))
        .found(format!("min_rows = {} ({})", min_rows.value, shown(min_rows)))
        .hint("no row would ever be scored: raise `rows` or lower `min_rows`");
    mistakes.add(min_rows.written.as_ref().map_or(rows.at, |_| min_rows.at), report);
    None
}
