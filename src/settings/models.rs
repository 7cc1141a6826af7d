//! `[models.NAME]`: a detector, how it is trained, and a threshold of its own if it has one.

use oddlot_engine::Report;
use oddlot_series::{Activation, Archive, Emit};

use super::{
    archive,
    fields::Fields,
    profile::Profile,
    range::{
        Clusters, ComponentRows, Decay, Degree, Dropout, Lookback, Neighbours, Order, Quantile,
        Seed, Units,
    },
    retrain::Retrain,
    scope::ModelScope,
    slug::{Slug, is_slug},
    threshold::Threshold,
    train::Train,
    value::{ListOf, Named, Placed},
};

/// `[models.NAME]`
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name in tables and messages.
    pub name: Slug,
    /// Where the name stands.
    pub at: Option<usize>,
    /// One for all tickers, or each ticker's own.
    pub scope: ModelScope,
    /// What it is.
    pub detector: Detector,
    /// `[models.NAME.threshold.…]`, where it differs from the pipeline's.
    pub threshold: Option<Threshold>,
    /// Whether there is a threshold of its own, readable or not.
    pub has_threshold: bool,
    /// `retrain`, where it differs from the pipeline's.
    pub retrain: Option<Placed<Retrain>>,
}

/// `[models.NAME.detector.VARIANT]`
#[derive(Clone, Debug)]
pub enum Detector {
    /// Squeezes a window through a code and expands it again.
    LstmAutoencoder {
        /// Width of encoder and decoder.
        units: Placed<Units>,
        /// Widths of several layers of the encoder, in place of `units`.
        encoder: Option<Placed<ListOf<Units>>>,
        /// Widths of several layers of the decoder, in place of `units`.
        decoder: Option<Placed<ListOf<Units>>>,
        /// Width of the code; that of the encoder where it is not given.
        latent: Option<Placed<Units>>,
        /// Whether the encoder hands on its last state or every one.
        latent_mode: Placed<Emit>,
        /// Whether the encoder reads all rows of a window but the newest.
        hide_newest: Box<Placed<bool>>,
        /// Dropout after encoder and decoder.
        dropout: Dropout,
        /// Output activation of the cells.
        activation: Activation,
        /// How it is trained.
        train: Train,
    },
    /// Foresees a window's last row from the rows before.
    LstmForecaster {
        /// Width of the layer.
        units: Placed<Units>,
        /// Widths of several layers, in place of `units`.
        layers: Option<Placed<ListOf<Units>>>,
        /// Dropout after it.
        dropout: Dropout,
        /// Output activation of the cells.
        activation: Activation,
        /// How it is trained.
        train: Train,
    },
    /// Tomorrow is as today.
    Persistence,
    /// Zero, by an exponentially weighted deviation.
    EwmaZ {
        /// Weight of the past.
        lambda: Decay,
        /// Rows the average is cut off at.
        rows: Placed<Lookback>,
        /// Fewer rows give no score.
        min_rows: Placed<Lookback>,
    },
    /// The median, by the median deviation.
    RobustZ {
        /// Rows looked back on.
        rows: Placed<Lookback>,
        /// Fewer rows give no score.
        min_rows: Placed<Lookback>,
    },
    /// The median of the training rows, by their median deviation.
    MedianDistance,
    /// The next value from the last ones, as training rows have it.
    AutoRegression {
        /// Rows that a row is regressed on.
        order: Order,
    },
    /// What the usual shapes of a window make of its last row.
    WindowPca {
        /// Rows of a window.
        rows: ComponentRows,
        /// Share of the variance that usual shapes explain.
        variance: Quantile,
    },
    /// The curve through the last rows, drawn on.
    Polynomial {
        /// Rows the curve goes through.
        rows: Placed<Lookback>,
        /// Of the curve.
        degree: Degree,
    },
    /// The nearest of a few typical windows.
    KMeans {
        /// Rows of a window.
        rows: ComponentRows,
        /// Typical windows.
        clusters: Clusters,
        /// Of the first centres.
        seed: Seed,
    },
    /// The training window that is nearest.
    NearestNeighbour {
        /// Rows of a window.
        rows: ComponentRows,
        /// Which neighbour counts.
        neighbours: Neighbours,
    },
    /// Learns from the series it scores; under `profile = "archive"` only.
    Archive(Archive),
}

const DETECTORS: [&str; 11] = [
    "lstm_autoencoder",
    "lstm_forecaster",
    "persistence",
    "ewma_z",
    "robust_z",
    "median_distance",
    "auto_regression",
    "window_pca",
    "polynomial",
    "k_means",
    "nearest_neighbour",
];
const UNITS: Units = Units::literal(64);
const DROPOUT: Dropout = Dropout::literal(0.2);
/// RiskMetrics 1996, daily data.
const LAMBDA: Decay = Decay::literal(0.94);
/// A trading year; 0.94^250 = 2e-7 of the weight is cut off.
const EWMA_ROWS: Lookback = Lookback::literal(250);
/// A quarter of a trading year.
const ROBUST_ROWS: Lookback = Lookback::literal(60);
const MIN_ROWS: Lookback = Lookback::literal(20);
/// A trading month.
const ORDER: Order = Order::literal(20);
const WINDOW_ROWS: ComponentRows = ComponentRows::literal(30);
const PCA_VARIANCE: Quantile = Quantile::literal(0.9);
const CURVE_ROWS: Lookback = Lookback::literal(20);
const DEGREE: Degree = Degree::literal(2);
const CLUSTERS: Clusters = Clusters::literal(20);
const SEED: Seed = Seed::literal(42);
const NEIGHBOURS: Neighbours = Neighbours::literal(1);

impl Profile {
    fn detectors(self) -> &'static [&'static str] {
        match self {
            Self::Nightly => &DETECTORS,
            Self::Archive => &archive::DETECTORS,
        }
    }
}

/// The models of an archive whose file names none, each called as its detector.
pub fn of_archive() -> Vec<Model> {
    let model = |variant: &str| {
        Some(Model {
            name: Slug::new(variant.to_owned())?,
            at: None,
            scope: ModelScope::Pooled,
            detector: Detector::Archive(archive::by_default(variant)),
            threshold: None,
            has_threshold: false,
            retrain: None,
        })
    };
    archive::default_models().filter_map(model).collect()
}

/// Reads `[models]`, in the order of the file.
pub fn read(mut fields: Fields<'_>, profile: Profile) -> Vec<Model> {
    let entries = fields.take_rest();
    if entries.is_empty() {
        let report = Report::new("there is no model")
            .expected("at least one [models.NAME.detector.VARIANT]")
            .found("an empty [models]")
            .hint(format!("add one: {}", profile.detectors().join(", ")));
        fields.mistakes().add(fields.at(), report);
    }
    entries
        .into_iter()
        .filter_map(|entry| {
            let name = entry.key.clone();
            fields.open(entry).and_then(|model| Model::read(name, model, profile))
        })
        .collect()
}

impl Model {
    fn read(name: String, mut fields: Fields<'_>, profile: Profile) -> Option<Self> {
        let (at, mistakes) = (fields.at(), fields.mistakes());
        let slug = Slug::new(name.clone());
        if !is_slug(&name) {
            let report = Report::new(format!("`{name}` cannot name a model"))
                .expected("1 to 64 lowercase letters, digits and _")
                .found(format!("[{}]", fields.name()))
                .hint(format!("call it `{}`", Slug::nearest(&name)));
            mistakes.add(at, report);
        }
        let scope = ModelScope::read(&mut fields, profile);
        let choice = fields
            .table("detector", &format!("[models.{name}.detector.lstm_autoencoder]"))
            .filter(|detector| is_of(detector, profile))
            .and_then(|detector| detector.choice(profile.detectors()));
        let detector = match choice {
            Some((variant, detector)) => match profile {
                Profile::Nightly => Some(Detector::read(variant, detector, &mut fields)),
                Profile::Archive => Some(Detector::read_archive(variant, detector, &mut fields)),
            },
            // Which keys [train] may have does not depend on the network.
            None => {
                let _ = fields.optional_table("train").map(Train::read);
                None
            }
        };
        let has_threshold = fields.has("threshold");
        let threshold = fields.optional_table("threshold").and_then(Threshold::read);
        let retrain = fields.optional::<Retrain>("retrain", "retrain = \"never\"");
        fields.finish();
        if let Some(own) = retrain.as_ref().filter(|own| matches!(own.value, Retrain::Every(_))) {
            let report = Report::new(format!("`{name}` cannot have a split of its own"))
                .expected(
                    "\"never\" or \"when_stale\": the split, which moves on, is the pipeline's",
                )
                .found(own.written.clone().unwrap_or_default())
                .hint("set it for all models, at the top of the file; others may say \"never\"");
            mistakes.add(own.at, report);
        }
        let (name, detector) = (slug?, detector?);
        Some(Self { name, at, scope, detector, threshold, has_threshold, retrain })
    }
}

/// Whether no detector is named that the other profile only has; it is told where there is one.
fn is_of(detector: &Fields<'_>, profile: Profile) -> bool {
    let (here, there) = match profile {
        Profile::Nightly => ("nightly", Profile::Archive),
        Profile::Archive => ("archive", Profile::Nightly),
    };
    let foreign = there
        .detectors()
        .iter()
        .find(|name| detector.has(name) && !profile.detectors().contains(name));
    let Some(name) = foreign else { return true };
    let (other, written) = match there {
        Profile::Archive => ("archive", "write `profile = \"archive\"` at the top of the file"),
        Profile::Nightly => ("nightly", "delete `profile = \"archive\"`"),
    };
    let report = Report::new(format!("`{name}` is a detector of the profile `{other}`"))
        .expected(format!("one of {}, under the profile `{here}`", profile.detectors().join(", ")))
        .found(format!("[{}.{name}]", detector.name()))
        .hint(format!("take one of these, or {written}"));
    detector.mistakes().add(detector.at(), report);
    false
}

impl Detector {
    fn read_archive(variant: &'static str, mut fields: Fields<'_>, model: &mut Fields<'_>) -> Self {
        if let Some(entry) = model.take("train") {
            let name = fields.name().to_owned();
            let report = Report::new(format!("`{}.train` has no use here", model.name()))
                .expected("what a network of an archive is told stands in its detector's table")
                .found(format!("[{}.train]", model.name()))
                .hint(format!(
                    "write `steps`, `batch_size`, `learning_rate` and `seed` in [{name}]"
                ));
            model.mistakes().add(Some(entry.key_span.start), report);
        }
        let detector = Self::Archive(archive::read(variant, &mut fields));
        fields.finish();
        detector
    }

    fn read(variant: &'static str, mut fields: Fields<'_>, model: &mut Fields<'_>) -> Self {
        let detector = match variant {
            "lstm_autoencoder" => Self::LstmAutoencoder {
                units: fields.or("units", UNITS),
                encoder: fields.optional("encoder", "encoder = [128, 64]"),
                decoder: fields.optional("decoder", "decoder = [64, 128]"),
                latent: fields.optional("latent", "latent = 16"),
                latent_mode: fields.or("latent_mode", Emit::Last),
                hide_newest: Box::new(fields.or("hide_newest", false)),
                dropout: fields.or("dropout", DROPOUT).value,
                activation: fields.or("activation", Activation::Tanh).value,
                train: Train::of_network(model),
            },
            "lstm_forecaster" => Self::LstmForecaster {
                units: fields.or("units", UNITS),
                layers: fields.optional("layers", "layers = [128, 128]"),
                dropout: fields.or("dropout", DROPOUT).value,
                activation: fields.or("activation", Activation::Tanh).value,
                train: Train::of_network(model),
            },
            baseline => {
                Train::refuse(model, baseline);
                match baseline {
                    "ewma_z" => Self::EwmaZ {
                        lambda: fields.or("lambda", LAMBDA).value,
                        rows: fields.or("rows", EWMA_ROWS),
                        min_rows: fields.or("min_rows", MIN_ROWS),
                    },
                    "robust_z" => Self::RobustZ {
                        rows: fields.or("rows", ROBUST_ROWS),
                        min_rows: fields.or("min_rows", MIN_ROWS),
                    },
                    "median_distance" => Self::MedianDistance,
                    "auto_regression" => {
                        Self::AutoRegression { order: fields.or("order", ORDER).value }
                    }
                    "window_pca" => Self::WindowPca {
                        rows: fields.or("rows", WINDOW_ROWS).value,
                        variance: fields.or("variance", PCA_VARIANCE).value,
                    },
                    "polynomial" => Self::Polynomial {
                        rows: fields.or("rows", CURVE_ROWS),
                        degree: fields.or("degree", DEGREE).value,
                    },
                    "k_means" => Self::KMeans {
                        rows: fields.or("rows", WINDOW_ROWS).value,
                        clusters: fields.or("clusters", CLUSTERS).value,
                        seed: fields.or("seed", SEED).value,
                    },
                    "nearest_neighbour" => Self::NearestNeighbour {
                        rows: fields.or("rows", WINDOW_ROWS).value,
                        neighbours: fields.or("neighbours", NEIGHBOURS).value,
                    },
                    _ => Self::Persistence,
                }
            }
        };
        fields.finish();
        detector
    }
}

impl Named for Emit {
    const NAMES: &'static [(&'static str, Self)] =
        &[("vector", Self::Last), ("sequence", Self::Sequence)];
}

impl Named for Activation {
    const NAMES: &'static [(&'static str, Self)] = &[("tanh", Self::Tanh), ("relu", Self::Relu)];
}
