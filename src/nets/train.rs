//! The training loop.

use oddlot_lstm::random::{self, Dropout};
use oddlot_series::{EpochReport, FitError, Reduction, Training, TrainingWindows};

use crate::compute::{Compute, Trainer};
use crate::laid_out::LaidOut;
use crate::network::Network;
use crate::{expect, gradient, initialise};

/// Trains from fresh weights; returns the flat weight vector that is kept.
///
/// Without a validation window the epochs are told apart by their training loss, nothing stops early and the
/// last weights are kept.
///
/// # Errors
/// No training window, windows of another shape, or a loss that became infinite or NaN.
pub(crate) fn train<C: Compute>(
    engine: &C,
    network: &Network,
    data: TrainingWindows<'_>,
    observe: &mut dyn FnMut(&EpochReport),
) -> Result<Vec<f32>, FitError> {
    let TrainingWindows { train, validation } = data;
    if train.is_empty() {
        return Err(FitError::NoTrainingWindow);
    }
    network.check_windows(&train)?;
    let laid_out = LaidOut::new(network, train)?;
    let train = match &laid_out {
        Some(laid_out) => laid_out.windows()?,
        None => train,
    };
    let settings = &network.spec.training;
    let mut trainer = engine.trainer(initialise::weights(network), train);
    let mut best = Best { loss: f64::INFINITY, epoch: 0, weights: None };
    let mut step = 0;
    let epochs = if settings.steps.is_some() { 1 } else { settings.epochs };
    for epoch in 1..=epochs {
        let order = order(settings, epoch, train.len());
        let mut loss_sum = 0.0;
        for chosen in order.chunks(settings.batch_size.max(1)) {
            if let Some(n_steps) = settings.steps {
                let share = settings.schedule.share(step as usize, n_steps);
                trainer.set_learning_rate(settings.adam.learning_rate * share);
            }
            let dropout = Dropout { seed: settings.seed, step };
            let loss = trainer.loss_and_gradient(chosen, dropout);
            finite(loss, epoch)?;
            if !gradient::is_finite(trainer.gradient()) {
                finite(gradient::norm(trainer.gradient()), epoch)?;
            }
            if settings.reduction == Reduction::Sum {
                let n_elements = chosen.len() * network.stack.output().size();
                gradient::scale(trainer.gradient(), n_elements as f64);
            }
            if let Some(longest) = settings.clip_norm {
                gradient::clip(trainer.gradient(), longest);
            }
            trainer.step();
            loss_sum += loss;
            step += 1;
        }
        let train_loss = loss_sum / (order.len() * network.stack.output().size()) as f64;
        let validation_loss = match validation.is_empty() {
            true => None,
            false => {
                let weights = engine.prepare(&trainer.weights());
                Some(expect::mean_loss(engine, network, &weights, validation)?)
            }
        };
        finite(validation_loss.unwrap_or(train_loss), epoch)?;
        let is_best = best.improves(validation_loss.unwrap_or(train_loss), epoch);
        if is_best && settings.restore_best && validation_loss.is_some() {
            best.weights = Some(trainer.weights());
        }
        observe(&EpochReport { epoch, epochs, train_loss, validation_loss, is_best });
        let waited = epoch - best.epoch;
        if validation_loss.is_some()
            && settings.patience.is_some_and(|patience| waited >= patience.max(1))
        {
            break;
        }
    }
    Ok(best.weights.unwrap_or_else(|| trainer.weights()))
}

/// The best epoch so far.
struct Best {
    loss: f64,
    epoch: usize,
    weights: Option<Vec<f32>>,
}

impl Best {
    /// Notes `loss` if it is lower than any before.
    fn improves(&mut self, loss: f64, epoch: usize) -> bool {
        let is_best = loss < self.loss;
        if is_best {
            (self.loss, self.epoch) = (loss, epoch);
        }
        is_best
    }
}

/// The windows of an epoch in the order in which they are learnt from, batch after batch.
fn order(settings: &Training, epoch: usize, n: usize) -> Vec<u32> {
    let Training { seed, batch_size, .. } = *settings;
    match settings.steps {
        Some(n_steps) => (0..n_steps as u64)
            .flat_map(|step| random::batch(seed, step, batch_size.max(1), n))
            .collect(),
        None if settings.shuffle => random::shuffle(seed, epoch as u64, n),
        None => (0..n as u32).collect(),
    }
}

fn finite(loss: f64, epoch: usize) -> Result<(), FitError> {
    if loss.is_finite() { Ok(()) } else { Err(FitError::Diverged { epoch, loss }) }
}

#[cfg(test)]
mod tests;
