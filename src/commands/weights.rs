//! `models export` and `models import`: weights as Keras and PyTorch have them.

use std::time::Duration;

use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::Engine;
use oddlot_nets::checkpoint::to_safetensors;
use oddlot_nets::layouts::{self, ForeignLayout};
use oddlot_series::FitError;
use serde_json::json;

use super::{block_on, load, stored, threads};
use crate::artifact::StoredJudge;
use crate::cells::Range;
use crate::cli::{ExportArgs, ImportWeightsArgs, Layout};
use crate::diagnostic::visible;
use crate::exit::Exit;
use crate::plan::{DetectorPlan, ModelPlan, Plan};
use crate::progress::Progress;
use crate::run::{self, Options};
use crate::settings::hint_of;
use crate::train::{Foreign, Policy, rectifies};
use crate::{say, say_json};

/// `oddlot models export`.
pub fn export(args: &ExportArgs, engine: Engine) -> Result<Exit, Error> {
    block_on(threads(None), async {
        let model = stored::find(&args.place, &args.model, args.ticker.as_deref(), engine).await?;
        let layout = layout(args.layout);
        let (StoredJudge::Network { spec, imported, .. }, Some(network)) =
            (&model.artifact.judge, &model.network)
        else {
            return Err(no_network(&model.artifact.name, &model.artifact.detector));
        };
        if layout == ForeignLayout::Pytorch && rectifies(spec) {
            tracing::warn!(
                "this network has `activation = \"relu\"`, and torch.nn.LSTM knows tanh only: there it would expect something else"
            );
        }
        let names = match imported {
            // As they were called before.
            Some(from) if args.layers.is_empty() && from.layout == layout => &from.layers,
            _ => &args.layers,
        };
        let tensors = layouts::export(layout, spec, &network.weights(), names);
        let tensors = tensors.map_err(|error| misnamed(&error))?;
        let bytes = to_safetensors(&tensors).map_err(|error| misnamed(&error))?;
        let file = args.output.clone().unwrap_or_else(|| {
            format!("{}.{}.safetensors", model.artifact.name, layout.name()).into()
        });
        let shown = file.display().to_string();
        std::fs::write(&file, bytes).map_err(|error| {
            Error::new(
                Kind::Output,
                Report::new("the weights cannot be written")
                    .at(shown.as_str())
                    .expected("a place that this user may write to, with room left")
                    .found(error.to_string())
                    .hint("name another file with `--output`"),
            )
        })?;
        for tensor in &tensors {
            say(&format!("{} {:?}\n", visible(&tensor.name), tensor.shape));
        }
        let n_weights: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
        say(&format!(
            "wrote {n_weights} weights of {}, model {}, to {shown}\n",
            model.artifact.name, model.model_id
        ));
        say_json(&json!({
            "model": model.artifact.name,
            "model_id": model.model_id,
            "layout": layout,
            "output": shown,
            "arrays": tensors.len(),
        }));
        Ok(Exit::Done)
    })
}

/// `oddlot models import`.
pub fn import(args: &ImportWeightsArgs, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    let plan = load(&args.pipeline.pipeline)?;
    let model = network_of(&plan, &args.model)?;
    let foreign = Foreign::read(&args.file, layout(args.layout), &args.layers)?;
    let options = Options {
        command: "import",
        policy: Policy::IfNeeded,
        full_refresh: false,
        range: Range::default(),
        threads: threads(args.threads),
        progress,
        engine,
        wait: Duration::ZERO,
    };
    block_on(options.threads, async {
        let ready = run::import(&plan, model, foreign, options).await?;
        let artifact = &ready.model.artifact;
        let StoredJudge::Network { training, imported: Some(from), .. } = &artifact.judge else {
            return Err(Error::bug("an imported model does not know where it comes from"));
        };
        let loss = training
            .validation_loss
            .map_or_else(String::new, |loss| format!(", validation loss {loss:.4}"));
        say(&format!(
            "imported {} ({}), model {}, threshold {:.4}{loss}\nlayers of {} in the network's order: {}\n",
            artifact.name,
            artifact.detector,
            ready.model.model_id,
            artifact.thresholds.as_ref().map_or(f64::NAN, |of| of.causal.pooled.threshold),
            visible(&from.file_name),
            visible(&from.layers.join(", "))
        ));
        say_json(&json!({
            "pipeline": plan.pipeline,
            "model": artifact.name,
            "model_id": ready.model.model_id,
            "validation_loss": training.validation_loss,
            "imported": from,
        }));
        Ok(Exit::Done)
    })
}

fn layout(layout: Layout) -> ForeignLayout {
    match layout {
        Layout::Keras => ForeignLayout::Keras,
        Layout::Pytorch => ForeignLayout::Pytorch,
    }
}

/// The network that a plan calls `name`.
fn network_of<'a>(plan: &'a Plan, name: &str) -> Result<&'a ModelPlan, Error> {
    let is_network = |model: &&ModelPlan| matches!(model.detector, DetectorPlan::Network(_));
    match plan.models.iter().find(|model| model.name.as_str() == name) {
        Some(model) if !model.scope.is_pooled() => Err(Error::config(
            Report::new(format!(
                "each ticker has its own `{name}`: weights of one network do not fit"
            ))
            .at(plan.places.place(&format!("models.{name}"), &plan.file))
            .expected("a model with one network for all tickers")
            .found("`scope = \"per_ticker\"`")
            .hint("delete `scope`, or name another model"),
        )),
        Some(model) if is_network(&model) => Ok(model),
        Some(model) => Err(no_network(name, model.detector.kind())),
        None => {
            let networks = plan.models.iter().filter(is_network);
            let names: Vec<&str> = networks.map(|model| model.name.as_str()).collect();
            let hint = hint_of(name, names.iter().copied()).unwrap_or_else(|| {
                "a network's layers come from the pipeline: give it a [models] table".into()
            });
            let expected = match names.is_empty() {
                true => "a network under [models]".to_owned(),
                false => format!("one of its networks: {}", names.join(", ")),
            };
            let report = Report::new(format!("the pipeline has no model `{name}`"));
            let report = report.at(plan.file.as_str()).expected(expected).hint(hint);
            Err(Error::new(Kind::Model, report))
        }
    }
}

fn no_network(name: &str, detector: &str) -> Error {
    Error::new(
        Kind::Model,
        Report::new(format!("`{name}` has no weights"))
            .expected("a network: lstm_autoencoder, lstm_forecaster")
            .found(format!("{detector}, which is computed")),
    )
}

fn misnamed(error: &FitError) -> Error {
    Error::config(
        Report::new("the layers cannot be named so")
            .expected("with `--layers` one name for each layer with weights")
            .found(match error {
                FitError::Weights(found) => found.clone(),
                other => other.to_string(),
            }),
    )
}
