//! Train or load: every model of a plan, calibrated and stored.
//!
//! A network is trained again when anything that its weights depend on has changed: settings, SQL,
//! or a price row up to the end of calibration. If only its threshold has changed it keeps its
//! weights and is calibrated anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::judged::history;
use oddlot_engine::tables::{OutputRoot, SCORING_VERSION};
use oddlot_engine::ticker_rows::{TickerRows, by_ticker};
use oddlot_engine::{Error, Kind, Report};
use oddlot_series::{
    Baseline, BaselineFit, Detector, FitError, Fitted, Judge, Merge, Sample, ScalerFit, Scalers,
    Scope, Split, Thresholds, TrainingSet,
};
use sha2::{Digest, Sha256};

use crate::artifact::{
    Artifact, FORMAT, Model, Pointer, StoredJudge, TrainingRecord, hex, weights_bytes,
};
use crate::lower;
use crate::plan::{DetectorPlan, ModelPlan, Plan};
use crate::prices::{Prices, sql_of};
use crate::progress::Progress;

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

/// What becomes of a model and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The stored one fits.
    Load,
    /// Its weights fit, its threshold does not.
    Calibrate,
    /// There is none.
    First,
    /// Settings, SQL or training rows have changed.
    Changed,
    /// The user asked for it.
    Asked,
}

/// Hashes of what a model depends on.
pub struct Keys {
    training: String,
    judging: String,
}

impl Keys {
    /// Of `model` in `plan` over the rows of `digest`.
    pub fn of(plan: &Plan, model: &ModelPlan, digest: &InputDigest) -> Result<Self, Error> {
        let sql = sql_of(plan)?;
        let version = SCORING_VERSION.to_string();
        let shared = [sql.features.text.as_str(), sql.windows.text.as_str(), version.as_str()];
        let key = |own: &str| {
            let mut hasher = Sha256::new();
            for part in shared.into_iter().chain([own]) {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.update(digest.learnt_from);
            hex(&hasher.finalize())
        };
        Ok(Self {
            training: key(&plan.training_json(model)),
            judging: key(&plan.judging_json(model)),
        })
    }

    /// What is to be done, given what is stored.
    pub fn need(&self, stored: Option<&Pointer>, policy: Policy) -> Need {
        match stored {
            _ if policy == Policy::Always => Need::Asked,
            None => Need::First,
            Some(pointer) if pointer.judging_key == self.judging => Need::Load,
            Some(pointer) if pointer.training_key == self.training => Need::Calibrate,
            Some(_) => Need::Changed,
        }
    }
}

impl Need {
    /// For people.
    pub fn why(self) -> &'static str {
        match self {
            Self::Load => "trained already",
            Self::Calibrate => "calibrate: only the threshold has changed",
            Self::First => "train: no model yet",
            Self::Changed => "train: settings, SQL or training rows have changed",
            Self::Asked => "train: full refresh",
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
    /// What a person sees.
    pub progress: Progress,
}

/// A model and whether this run made it.
pub struct Ready {
    /// The model.
    pub model: Model,
    /// Whether it is new.
    pub is_new: bool,
}

impl Workshop<'_> {
    /// Every model of the plan, in its order.
    ///
    /// # Errors
    /// Training rows that suffice for no window, a loss that diverges, a stored model that does not
    /// fit where none may be trained.
    pub async fn train_or_load(&self) -> Result<Vec<Ready>, Error> {
        let mut rows: Option<Arc<Vec<TickerRows>>> = None;
        let mut ready = Vec::new();
        for model in &self.plan.models {
            let keys = Keys::of(self.plan, model, self.digest)?;
            let stored =
                Pointer::load(self.root, self.plan.pipeline.as_str(), model.name.as_str()).await?;
            let need = keys.need(stored.as_ref(), self.policy);
            if self.policy == Policy::Never {
                let pointer = stored.ok_or_else(|| not_trained(self.plan, model))?;
                let loaded = Model::load(self.root, &pointer.model_id).await?;
                self.refuse_mismatch(model, &loaded.artifact, need)?;
                ready.push(Ready { model: loaded, is_new: false });
                continue;
            }
            if need == Need::Load
                && let Some(pointer) = &stored
            {
                ready.push(Ready {
                    model: Model::load(self.root, &pointer.model_id).await?,
                    is_new: false,
                });
                continue;
            }
            tracing::info!(model = model.name.as_str(), "{}", need.why());
            let rows = match &rows {
                Some(rows) => Arc::clone(rows),
                None => Arc::clone(rows.insert(Arc::new(self.learning_rows().await?))),
            };
            let old = match (&stored, need) {
                (Some(pointer), Need::Calibrate) => {
                    Some(Model::load(self.root, &pointer.model_id).await?)
                }
                _ => None,
            };
            let made = self.make(model, keys, &rows, old).await?;
            made.store(self.root, self.staging).await?;
            ready.push(Ready { model: made, is_new: true });
        }
        Ok(ready)
    }

    /// The rows up to the end of calibration: nothing later may be learnt from.
    async fn learning_rows(&self) -> Result<Vec<TickerRows>, Error> {
        let last_day = self.split.spans().calibration_to;
        let windows = self.prices.relation.stream().await?;
        by_ticker(windows, self.prices.layout.clone())
            .map_ok(|mut rows| {
                rows.truncate_after(last_day);
                rows
            })
            .try_filter(|rows| std::future::ready(!rows.is_empty()))
            .try_collect()
            .await
    }

    /// Trains (or takes over the weights of `old`) and calibrates, off tokio's threads.
    async fn make(
        &self,
        model: &ModelPlan,
        keys: Keys,
        rows: &Arc<Vec<TickerRows>>,
        old: Option<Model>,
    ) -> Result<Model, Error> {
        let job = Job {
            plan: self.plan.clone(),
            model: model.clone(),
            keys,
            rows: Arc::clone(rows),
            layout: self.prices.layout.clone(),
            split: self.split,
            learnt_from: hex(&self.digest.learnt_from),
            progress: self.progress,
        };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        rayon::spawn(move || {
            // The receiver is gone when the job was stopped.
            drop(sender.send(job.make(old)));
        });
        receiver.await.map_err(|_| Error::bug("training panicked"))?
    }

    /// A model that was trained for something else is never used in silence.
    fn refuse_mismatch(
        &self,
        model: &ModelPlan,
        stored: &Artifact,
        need: Need,
    ) -> Result<(), Error> {
        let sql = sql_of(self.plan)?;
        let layout = &self.prices.layout;
        let refuse = |what: &str, expected: String, found: String| {
            Err(Error::new(
                Kind::Model,
                Report::new(format!("model `{}` was trained with {what}", model.name))
                    .at(self.plan.file.as_str())
                    .expected(expected)
                    .found(found)
                    .hint(format!("train it again: `oddlot train {}`", self.plan.file)),
            ))
        };
        if stored.length != layout.length {
            let rows = |length| format!("windows.length = {length}");
            return refuse("another window length", rows(layout.length), rows(stored.length));
        }
        if stored.features != layout.features {
            return refuse(
                "other features",
                layout.features.join(", "),
                stored.features.join(", "),
            );
        }
        if stored.features_sql != sql.features.text || stored.windows_sql != sql.windows.text {
            return refuse("other SQL", "the query it was trained on".into(), sql.features.name);
        }
        if stored.detector != model.detector.kind() {
            return refuse(
                "another detector",
                model.detector.kind().into(),
                stored.detector.clone(),
            );
        }
        if need != Need::Load {
            // Which of the two keys differs tells settings from data.
            tracing::warn!(
                model = model.name.as_str(),
                "settings or price rows have changed since this model was trained; `oddlot train` would train it again"
            );
        }
        Ok(())
    }
}

fn not_trained(plan: &Plan, model: &ModelPlan) -> Error {
    Error::new(
        Kind::Model,
        Report::new(format!("model `{}` is not trained", model.name))
            .at(plan.file.as_str())
            .expected(format!("a model under {}", plan.output.root))
            .found("none")
            .hint(format!("train it first: `oddlot train {}`", plan.file)),
    )
}

/// One model to be made: owns what it needs, because it runs on another thread.
struct Job {
    plan: Plan,
    model: ModelPlan,
    keys: Keys,
    rows: Arc<Vec<TickerRows>>,
    layout: oddlot_engine::ticker_rows::Layout,
    split: Split,
    learnt_from: String,
    progress: Progress,
}

impl Job {
    fn make(self, old: Option<Model>) -> Result<Model, Error> {
        let scalers = self.scalers()?;
        let (judge, network) = match (&self.model.detector, old) {
            (_, Some(Model { artifact, network, .. })) => (artifact.judge, network),
            (DetectorPlan::Baseline(baseline), None) => {
                let baseline = lower::baseline(baseline)?;
                (StoredJudge::Baseline(self.fit_baseline(baseline)?), None)
            }
            (DetectorPlan::Network(_), None) => self.train(&scalers)?,
        };
        let merge = self.plan.merge.decides.then(|| lower::merge(self.plan.merge));
        let thresholds = self.calibrate(&judge, &network, &scalers, merge)?;
        let sql = sql_of(&self.plan)?;
        let artifact = Artifact {
            format: FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            scoring_version: SCORING_VERSION,
            machine: crate::machine::describe(),
            pipeline: self.plan.pipeline.as_str().to_owned(),
            name: self.model.name.as_str().to_owned(),
            detector: self.model.detector.kind().to_owned(),
            training_key: self.keys.training,
            judging_key: self.keys.judging,
            learnt_from: self.learnt_from,
            features_sql: sql.features.text,
            windows_sql: sql.windows.text,
            features: self.layout.features.clone(),
            length: self.layout.length,
            spans: self.split.spans(),
            scalers,
            judge,
            merge,
            thresholds,
        };
        Model::new(artifact, network)
    }

    fn scalers(&self) -> Result<Scalers, Error> {
        let mut fit = ScalerFit::new(lower::scaling(self.plan.scaling), self.layout.features.len());
        for rows in self.rows.iter() {
            fit.add(&rows.ticker, &history(rows, &self.layout), &self.split);
        }
        fit.finish().map_err(|error| self.unlearnable(&error.to_string()))
    }

    fn fit_baseline(&self, baseline: Baseline) -> Result<oddlot_series::FittedBaseline, Error> {
        let scope = match self.plan.scaling {
            crate::settings::split::Scaling::Standard { scope } => lower::scope(scope),
            crate::settings::split::Scaling::None => Scope::Pooled,
        };
        let mut fit = BaselineFit::new(baseline, scope, self.layout.features.len());
        for rows in self.rows.iter() {
            fit.add(&rows.ticker, &history(rows, &self.layout), &self.split);
        }
        fit.finish().map_err(|error| self.unlearnable(&error.to_string()))
    }

    fn train(&self, scalers: &Scalers) -> Result<(StoredJudge, Option<Arc<dyn Fitted>>), Error> {
        let features = self.layout.features.len();
        let mut set = TrainingSet::new(self.layout.length, features);
        for rows in self.rows.iter() {
            let scaler = scalers.get(&rows.ticker).item;
            set.add(&history(rows, &self.layout), scaler, &self.split)
                .map_err(|error| Error::bug(format!("training windows: {error}")))?;
        }
        let windows =
            set.windows().map_err(|error| Error::bug(format!("training windows: {error}")))?;
        let spec = lower::spec(&self.model, self.layout.length, features)?;
        let network = lower::engine(spec.clone()).map_err(|error| self.unfit(&error))?;
        let bar = self.progress.training(self.model.name.as_str(), spec.training.epochs);
        let mut record = TrainingRecord {
            n_train_windows: windows.train.len(),
            n_validation_windows: windows.validation.len(),
            epochs: 0,
            best_epoch: 0,
            validation_loss: None,
        };
        let restores_best = spec.training.restore_best;
        let fitted = network
            .fit(windows, &mut |report| {
                record.epochs = report.epoch;
                if report.is_best || !restores_best {
                    record.best_epoch = report.epoch;
                    record.validation_loss = report.validation_loss;
                }
                bar.observe(report);
            })
            .map_err(|error| self.unfit(&error))?;
        bar.finish();
        let weights_sha256 = hex(&Sha256::digest(weights_bytes(fitted.as_ref())?));
        let judge = StoredJudge::Network { spec, weights_sha256, training: record };
        Ok((judge, Some(Arc::from(fitted))))
    }

    fn calibrate(
        &self,
        judge: &StoredJudge,
        network: &Option<Arc<dyn Fitted>>,
        scalers: &Scalers,
        merge: Option<Merge>,
    ) -> Result<Thresholds, Error> {
        let judge = match (judge, network) {
            (StoredJudge::Baseline(baseline), _) => Judge::Baseline(baseline.clone()),
            (StoredJudge::Network { .. }, Some(network)) => {
                Judge::Network { network: Arc::clone(network), scalers: scalers.clone() }
            }
            (StoredJudge::Network { .. }, None) => {
                return Err(Error::bug("a network without weights"));
            }
        };
        let detector = Detector {
            name: self.model.name.as_str().to_owned(),
            model_id: String::new(),
            judge,
            merge,
            price_links: Vec::new(),
        };
        let mut samples = BTreeMap::new();
        for rows in self.rows.iter() {
            let history = history(rows, &self.layout);
            let scores = detector
                .score(&rows.ticker, &history)
                .map_err(|error| Error::bug(format!("ticker {}: {error}", rows.ticker)))?;
            samples.insert(rows.ticker.clone(), Sample::of(&history, &scores, &self.split));
        }
        let threshold = lower::threshold(self.model.threshold)?;
        let calibration = lower::calibration(self.plan.calibration);
        let by_hindsight = detector.decides_by_hindsight();
        Thresholds::calibrate(&threshold, &calibration, &samples, by_hindsight).map_err(|error| {
            Error::data(
                Report::new(format!("the threshold of `{}` cannot be calibrated", self.model.name))
                    .at(self.plan.file.as_str())
                    .expected("scored rows in the calibration span")
                    .found(error.to_string())
                    .hint("move `split.validation_to` and `split.calibration_to`, or take [threshold.fixed]"),
            )
        })
    }

    fn unlearnable(&self, found: &str) -> Error {
        Error::data(
            Report::new(format!("`{}` has nothing to learn from", self.model.name))
                .at(self.plan.file.as_str())
                .expected("rows with a value in the training span")
                .found(found)
                .hint("move `split.train_to`, or add history"),
        )
    }

    fn unfit(&self, error: &FitError) -> Error {
        let kind = match error {
            FitError::Layers { .. } | FitError::Diverged { .. } => Kind::Config,
            FitError::NoTrainingWindow => Kind::Data,
            FitError::Shape { .. } | FitError::Weights(_) => Kind::Bug,
        };
        let report = Report::new(format!("`{}` cannot be trained", self.model.name))
            .at(self.plan.file.as_str())
            .found(error.to_string());
        Error::new(
            kind,
            match error {
                FitError::NoTrainingWindow => report
                    .expected("a full window that lies wholly in the training span")
                    .hint("move `split.train_to` later, or lower `windows.length`"),
                _ => report,
            },
        )
    }
}
