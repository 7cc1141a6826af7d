//! `[models.NAME.train]`: how a network learns.

use oddlot_engine::Report;
use oddlot_series::{Initialiser, Reduction};

use super::{
    fields::Fields,
    range::{BatchSize, Epochs, Patience, Positive, Seed},
    value::{Named, OrOff, Placed},
};

/// `[models.NAME.train]`
#[derive(Clone, Debug, PartialEq)]
pub struct Train {
    /// At most so many passes over the training windows.
    pub epochs: Epochs,
    /// Windows in a batch.
    pub batch_size: BatchSize,
    /// Where every draw starts.
    pub seed: Seed,
    /// Adam's step size.
    pub learning_rate: Positive,
    /// Epochs without a better validation loss before it stops; zero or off never stops early.
    pub patience: OrOff<Patience>,
    /// What is minimised.
    pub loss: LossName,
    /// Where Huber's loss turns linear.
    pub huber_delta: Positive,
    /// Largest gradient norm.
    pub clip_norm: OrOff<Positive>,
    /// What the gradient is taken of.
    pub reduction: Reduction,
    /// Whether windows are shuffled each epoch.
    pub shuffle: bool,
    /// Whether the best epoch's weights are kept.
    pub restore_best: bool,
    /// How weights are drawn.
    pub initialiser: Initialiser,
}

/// The loss by name; Huber's needs `huber_delta` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossName {
    /// Mean absolute error.
    Mae,
    /// Mean squared error.
    Mse,
    /// Huber 1964.
    Huber,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            epochs: Epochs::literal(30),
            batch_size: BatchSize::literal(32),
            seed: Seed::literal(42),
            learning_rate: Positive::literal(1e-3),
            patience: OrOff::On(Patience::literal(5)),
            loss: LossName::Mae,
            huber_delta: Positive::literal(1.0),
            clip_norm: OrOff::On(Positive::literal(1.0)),
            reduction: Reduction::Mean,
            shuffle: true,
            restore_best: true,
            initialiser: Initialiser::Keras,
        }
    }
}

impl Train {
    /// Reads `[train]` of a network, or takes the defaults.
    pub fn of_network(model: &mut Fields<'_>) -> Self {
        model.optional_table("train").map(Self::read).unwrap_or_default()
    }

    /// A baseline has nothing to train.
    pub fn refuse(model: &mut Fields<'_>, baseline: &str) {
        let Some(entry) = model.take("train") else { return };
        let report = Report::new(format!("`{}.train` belongs to a network", model.name()))
            .expected(format!("no [train]: the baseline `{baseline}` learns nothing"))
            .found(format!("[{}.train]", model.name()))
            .hint(format!("delete [{}.train]", model.name()));
        model.mistakes().add(Some(entry.key_span.start), report);
    }

    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let default = Self::default();
        let loss = fields.or("loss", default.loss);
        let huber_delta: Placed<Positive> = fields.or("huber_delta", default.huber_delta);
        if huber_delta.written.is_some() && loss.value != LossName::Huber {
            let report = Report::new(format!("`{}.huber_delta` has no use here", fields.name()))
                .expected("`loss = \"huber\"` beside it")
                .found(loss.written.clone().unwrap_or("no `loss`, so \"mae\"".into()))
                .hint("delete `huber_delta`, or set `loss = \"huber\"`");
            fields.mistakes().add(huber_delta.at, report);
        }
        let train = Self {
            epochs: fields.or("epochs", default.epochs).value,
            batch_size: fields.or("batch_size", default.batch_size).value,
            seed: fields.or("seed", default.seed).value,
            learning_rate: fields.or("learning_rate", default.learning_rate).value,
            patience: fields.or("patience", default.patience).value,
            loss: loss.value,
            huber_delta: huber_delta.value,
            clip_norm: fields.or("clip_norm", default.clip_norm).value,
            reduction: fields.or("reduction", default.reduction).value,
            shuffle: fields.or("shuffle", default.shuffle).value,
            restore_best: fields.or("restore_best", default.restore_best).value,
            initialiser: fields.or("initialiser", default.initialiser).value,
        };
        fields.finish();
        train
    }
}

impl Named for LossName {
    const NAMES: &'static [(&'static str, Self)] =
        &[("mae", Self::Mae), ("mse", Self::Mse), ("huber", Self::Huber)];
}

impl Named for Reduction {
    const NAMES: &'static [(&'static str, Self)] = &[("mean", Self::Mean), ("sum", Self::Sum)];
}

impl Named for Initialiser {
    const NAMES: &'static [(&'static str, Self)] =
        &[("keras", Self::Keras), ("pytorch", Self::Pytorch)];
}
