//! Train or load: every model of a plan, calibrated and stored.
//!
//! A network is trained again when anything that its weights depend on has changed: settings, SQL,
//! or a price row up to the end of calibration. If only its threshold has changed it keeps its
//! weights and is calibrated anew. Imported weights are kept as long as layers, SQL and scaling are theirs;
//! where those have changed it is an error: nobody trains over them unasked.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use oddlot_engine::Error;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::off_tokio;
use oddlot_engine::tables::OutputRoot;
use oddlot_nets::{Engine, Threads};
use oddlot_series::Split;

use crate::artifact::{Model, PackPointer, Pointer};
use crate::plan::{DetectorPlan, ModelPlan, Plan, hex};
use crate::prices::Prices;
use crate::progress::{Progress, TrainingBars};
use crate::stop;
use crate::stopwatch::Stopwatch;

mod abreast;
mod foreign;
mod job;
mod keys;
mod misfit;
mod need;
mod own;
mod own_job;
mod own_need;
mod ready;
mod rows;

use abreast::Abreast;
pub use foreign::{Foreign, rectifies};
use job::{Job, Weights};
use keys::KeyBase;
use misfit::{Misfit, Misfits};
pub use need::{Change, Look, Looked, Need, Outlook};
pub use own_need::OwnNeeds;
pub use ready::{Ready, reference_idx, stored};
use rows::{LearningRows, Reader};

/// What training may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Load what fits, train what does not.
    IfNeeded,
    /// Train everything.
    Always,
    /// Load only; what does not fit is an error.
    Never,
}

/// Hashes of what a model depends on.
#[derive(Clone)]
pub struct Keys {
    training: String,
    judging: String,
}

impl Keys {
    /// Of `model` in `plan` over the rows of `digest`, split as `split` says and computed by `engine`: by its
    /// name only, so that another processor makes nothing stale.
    pub fn of(
        plan: &Plan,
        model: &ModelPlan,
        digest: &InputDigest,
        split: &Split,
        engine: Engine,
    ) -> Result<Self, Error> {
        Ok(KeyBase::of(plan, model, split.spans(), engine)?.over(&digest.learnt_from))
    }

    /// Of nothing yet.
    fn none() -> Self {
        Self { training: String::new(), judging: String::new() }
    }

    /// What is to be done, given what is stored; `change` is what has changed if anything has.
    fn need(&self, stored: Option<&Pointer>, policy: Policy, change: Change) -> Need {
        match stored {
            _ if policy == Policy::Always => Need::Asked,
            None => Need::First,
            Some(pointer) if pointer.judging_key == self.judging => Need::Load,
            Some(pointer) if pointer.training_key == self.training => Need::Calibrate,
            Some(pointer) if pointer.is_imported => Need::Adjust,
            Some(_) => Need::Changed(change),
        }
    }
}

/// Everything that training and loading work with.
pub struct Workshop<'a> {
    /// What will be done.
    pub plan: &'a Plan,
    /// The open source.
    pub prices: &'a Prices,
    /// Digests of its rows.
    pub digest: &'a InputDigest,
    /// The spans as dates.
    pub split: Split,
    /// Where models are stored.
    pub root: &'a OutputRoot,
    /// Where they are written first.
    pub staging: &'a Path,
    /// What may be done.
    pub policy: Policy,
    /// Threads that models share.
    pub threads: usize,
    /// What computes networks.
    pub engine: Engine,
    /// What a person sees.
    pub progress: Progress,
}

/// What is to be done about a model.
struct Order<'a> {
    model: &'a ModelPlan,
    keys: Keys,
    task: Task,
}

enum Task {
    /// Nothing: it is stored.
    Take(Box<Model>, Need),
    Make(Need, Weights),
}

impl Order<'_> {
    fn needs_rows(&self) -> bool {
        matches!(self.task, Task::Make(..))
            && !matches!(self.model.detector, DetectorPlan::Archive(_))
    }

    fn trains_a_network(&self) -> bool {
        self.epochs_max() > 0
    }

    /// Epochs that it learns for at most.
    fn epochs_max(&self) -> u64 {
        match (&self.task, &self.model.detector) {
            (Task::Make(_, Weights::Train), DetectorPlan::Network(network)) => {
                let training = &network.training;
                if training.steps.is_some() { 1 } else { training.epochs.max(1) as u64 }
            }
            _ => 0,
        }
    }
}

/// What models are made with.
#[derive(Clone)]
struct Means {
    /// What a person sees; `None` where models of many tickers learn side by side.
    bars: Option<TrainingBars>,
    /// Threads that a network trains on.
    threads: Threads,
    /// What takes the time of all of them.
    watch: Arc<Stopwatch>,
}

impl Workshop<'_> {
    /// Every model of the plan, in its order.
    ///
    /// # Errors
    /// Training rows that suffice for no window, a loss that diverges, a stored model that does not
    /// fit where none may be trained.
    pub async fn train_or_load(&self) -> Result<Vec<Ready>, Error> {
        if self.policy == Policy::Never {
            return self.load().await;
        }
        let mut orders = Vec::new();
        for model in self.plan.models.iter().filter(|model| model.scope.is_pooled()) {
            let Looked { keys, stored, need } = self.look().at(model, Some(self.root)).await?;
            let task = self.task(model, need, stored).await?;
            orders.push(Order { model, keys, task });
        }
        let mut pooled = self.carry_out(orders).await?.into_iter();
        let mut ready = Vec::new();
        for model in &self.plan.models {
            match model.scope.is_pooled() {
                true => ready.extend(pooled.next()),
                false => ready.push(self.packs(model).await?),
            }
        }
        Ok(ready)
    }

    /// Whether every model is stored as the plan wants it, so that there is nothing to make.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn is_ready(&self) -> Result<bool, Error> {
        if self.policy == Policy::Never {
            return Ok(true);
        }
        for model in &self.plan.models {
            if !self.look().outlook(model, Some(self.root)).await?.is_stored {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn look(&self) -> Look<'_> {
        let Self { plan, digest, split, engine, policy, .. } = self;
        Look { plan, digest, split, engine: *engine, policy: *policy }
    }

    async fn task(
        &self,
        model: &ModelPlan,
        need: Need,
        stored: Option<Pointer>,
    ) -> Result<Task, Error> {
        let Some(pointer) = stored else { return Ok(Task::Make(need, Weights::Train)) };
        let load = || Model::load(self.root, &pointer.model_id, self.engine);
        Ok(match need {
            Need::Load | Need::Keep(_) => Task::Take(Box::new(load().await?), need),
            Need::Calibrate => Task::Make(need, Weights::Keep(Box::new(load().await?))),
            Need::Adjust => {
                let old = load().await?;
                self.refuse_misfit(model, &old)?;
                Task::Make(need, Weights::Keep(Box::new(old)))
            }
            Need::First | Need::Changed(_) | Need::Asked => {
                if pointer.is_imported {
                    let name = model.name.as_str();
                    tracing::warn!(model = name, "trained in place of imported weights");
                }
                Task::Make(need, Weights::Train)
            }
        })
    }

    /// Every model in the order of `orders`; as many of them at a time as is fastest.
    async fn carry_out(&self, orders: Vec<Order<'_>>) -> Result<Vec<Ready>, Error> {
        let rows = match orders.iter().any(Order::needs_rows) {
            true => self.learning_rows().await?,
            false => LearningRows::none(),
        };
        let n_networks = orders.iter().filter(|order| order.trains_a_network()).count();
        let Abreast { models, threads } = Abreast::of(n_networks, self.threads);
        let epochs = orders.iter().map(Order::epochs_max).sum();
        let bars = Some(self.progress.training(epochs));
        let means = Means { bars, threads, watch: Stopwatch::start() };
        let is_needed = orders.iter().any(Order::needs_rows);
        let made =
            orders.into_iter().map(|order| self.carry_out_one(order, rows.clone(), means.clone()));
        let ready = stream::iter(made).buffered(models).try_collect().await;
        if is_needed {
            let n_rows = self.digest.n_rows_until(self.split.spans().calibration_to);
            means.watch.read().tell("learnt", n_rows);
        }
        ready
    }

    async fn carry_out_one(
        &self,
        order: Order<'_>,
        rows: LearningRows,
        means: Means,
    ) -> Result<Ready, Error> {
        let Order { model, keys, task } = order;
        match task {
            Task::Take(stored, need) => {
                if need != Need::Load {
                    tracing::warn!(model = model.name.as_str(), "{}", need.why());
                }
                Ok(Ready { kept: need.kept(), ..Ready::one(*stored, false) })
            }
            Task::Make(need, weights) => {
                tracing::info!(model = model.name.as_str(), "{}", need.why());
                let begun = Instant::now();
                let made = self.make_and_store(model, keys, rows, means, weights).await?;
                let n_learnt = self.digest.n_rows_until(self.split.spans().calibration_to);
                Ok(Ready { n_learnt, spent: begun.elapsed(), ..made })
            }
        }
    }

    /// `model` with the weights of `foreign`: the pipeline uses it from now on.
    ///
    /// # Errors
    /// Weights that do not fit; rows that suffice for no scaler or threshold.
    pub async fn import(&self, model: &ModelPlan, foreign: Foreign) -> Result<Ready, Error> {
        let keys = Keys::of(self.plan, model, self.digest, &self.split, self.engine)?;
        let rows = self.learning_rows().await?;
        let (bars, watch) = (Some(self.progress.training(0)), Stopwatch::start());
        let means = Means { bars, threads: Threads::All, watch };
        self.make_and_store(model, keys, rows, means, Weights::Import(foreign)).await
    }

    /// Imported weights are not taken over for other input or other layers.
    fn refuse_misfit(&self, model: &ModelPlan, stored: &Model) -> Result<(), Error> {
        let mut misfits = Misfits::default();
        let layout = &self.prices.layout;
        match Misfit::of(self.plan, layout, model, &stored.artifact)? {
            // Scalers and thresholds are about to be made by this version.
            None | Some(Misfit::Version(_)) => {}
            Some(misfit) => misfits.add(misfit, model, true),
        }
        misfits.refuse(self.plan, layout)
    }

    /// The rows up to the end of calibration: nothing later may be learnt from.
    async fn learning_rows(&self) -> Result<LearningRows, Error> {
        // What sees the future would learn from it, and is told before the hours that this takes.
        self.prices.replay(self.plan).await?;
        let last_day = self.split.spans().calibration_to;
        let reader = Reader {
            relation: self.prices.windows_until(self.plan, last_day).await?,
            layout: self.prices.layout.clone(),
            last_day,
        };
        let most_bytes = self.plan.memory_limit.of_learning_rows();
        LearningRows::new(reader, self.digest.n_rows_until(last_day), most_bytes).await
    }

    /// Trains (or takes weights over) and calibrates, off tokio's threads; then stores.
    async fn make_and_store(
        &self,
        model: &ModelPlan,
        keys: Keys,
        rows: LearningRows,
        means: Means,
        weights: Weights,
    ) -> Result<Ready, Error> {
        let job = Job {
            plan: self.plan.clone(),
            model: model.clone(),
            keys,
            rows,
            layout: self.prices.layout.clone(),
            split: self.split,
            learnt_from: hex(&self.digest.learnt_from),
            extent: self.prices.extent(),
            engine: self.engine,
            means,
            alone: false,
        };
        let made = off_tokio("training", move || job.make(weights)).await??;
        let (pipeline, name) = (self.plan.pipeline.as_str(), model.name.as_str());
        let stored = async {
            made.store(self.root, self.staging).await?;
            PackPointer::tidy(self.root, pipeline, name, None).await
        };
        stop::in_one_go(stored).await?;
        Ok(Ready::one(made, true))
    }

    /// Every model as it is stored; all that do not fit are told at once.
    async fn load(&self) -> Result<Vec<Ready>, Error> {
        let mut ready = Vec::new();
        let mut misfits = Misfits::default();
        for model in &self.plan.models {
            if !model.scope.is_pooled() {
                match self.stored_packs(model).await? {
                    None => misfits.add(Misfit::NotTrained, model, false),
                    Some(packs) => {
                        let artifact = &packs.model.artifact;
                        match Misfit::of(self.plan, &self.prices.layout, model, artifact)? {
                            Some(misfit) => misfits.add(misfit, model, false),
                            None => ready.push(packs),
                        }
                    }
                }
                continue;
            }
            let stored =
                Pointer::load(self.root, self.plan.pipeline.as_str(), model.name.as_str()).await?;
            let Some(pointer) = stored else {
                misfits.add(Misfit::NotTrained, model, false);
                continue;
            };
            let loaded = Model::load(self.root, &pointer.model_id, self.engine).await?;
            let mut need = Need::Load;
            match Misfit::of(self.plan, &self.prices.layout, model, &loaded.artifact)? {
                Some(misfit) => misfits.add(misfit, model, pointer.is_imported),
                None => need = self.look().at(model, Some(self.root)).await?.need,
            }
            match need {
                Need::Load => {}
                Need::Keep(_) => tracing::warn!(model = model.name.as_str(), "{}", need.why()),
                _ => tracing::warn!(
                    model = model.name.as_str(),
                    "settings or price rows have changed since this model was trained; `oddlot train` would train it again"
                ),
            }
            ready.push(Ready { kept: need.kept(), ..Ready::one(loaded, false) });
        }
        misfits.refuse(self.plan, &self.prices.layout)?;
        Ok(ready)
    }
}
