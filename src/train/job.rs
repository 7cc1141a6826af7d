//! Makes one model: fits scalers, trains (or takes weights over), calibrates.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oddlot_engine::Error;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::judged::history;
use oddlot_engine::tables::SCORING_VERSION;
use oddlot_engine::ticker_rows::{Layout, TickerRows};
use oddlot_nets::{Engine, mean_loss};
use oddlot_series::{
    Archive, AsPublished, Baseline, BaselineFit, Detector, EpochReport, Fitted, Form, Judge, Merge,
    ModelSpec, NamedTensor, Norm, ScalerFit, Scalers, Scaling, Scope, Split, Thresholds,
    TrainingSet,
};
use sha2::{Digest, Sha256};

use super::foreign::Foreign;
use super::own_job::unscaled;
use super::rows::LearningRows;
use super::{Keys, Means};
use crate::artifact::{
    Artifact, Course, FORMAT, Losses, Model, StoredJudge, TrainingRecord, weights_bytes,
};
use crate::lower;
use crate::plan::{DetectorPlan, ModelPlan, Plan, hex};
use crate::prices::sql_of;
use crate::settings::score::NormName;
use crate::stopwatch::{Part, TimedNetwork};

mod calibrate;
mod unfit;

/// One model to be made: owns what it needs, because it runs on another thread.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) plan: Plan,
    pub(super) model: ModelPlan,
    pub(super) keys: Keys,
    pub(super) rows: LearningRows,
    pub(super) layout: Layout,
    pub(super) split: Split,
    pub(super) learnt_from: String,
    /// From when to when the source has rows, for messages.
    pub(super) extent: String,
    /// What computes networks.
    pub(super) engine: Engine,
    pub(super) means: Means,
    /// Whether it is one ticker's own: nothing is fitted beyond its rows.
    pub(super) alone: bool,
}

/// Where a model's weights come from. Scalers and thresholds are fitted anew in any case.
pub(super) enum Weights {
    /// They are learnt, or computed.
    Train,
    /// Those of a stored model.
    Keep(Box<Model>),
    /// Those that one ticker's own network has.
    KeepOwn { training: TrainingRecord, weights: Vec<NamedTensor> },
    /// Another library's.
    Import(Foreign),
}

/// What was made, before it is stored.
pub(super) struct Learnt {
    pub(super) scalers: Scalers,
    pub(super) judge: StoredJudge,
    pub(super) merge: Option<Merge>,
    pub(super) form: Form,
    pub(super) thresholds: Thresholds,
    pub(super) network: Option<Arc<dyn Fitted>>,
    pub(super) losses: Losses,
}

impl Job {
    pub(super) fn make(self, weights: Weights) -> Result<Model, Error> {
        if let DetectorPlan::Archive(archive) = &self.model.detector {
            let archive = archive.clone();
            return self.of_archive(archive);
        }
        let learnt = self.learn(weights)?;
        let Learnt { scalers, judge, merge, form, thresholds, network, losses } = learnt;
        let model = self.model(scalers, judge, merge, form, Some(thresholds), network)?;
        Ok(Model { losses, ..model })
    }

    /// Fits scalers, trains (or takes weights over), calibrates.
    pub(super) fn learn(&self, weights: Weights) -> Result<Learnt, Error> {
        let begun = Instant::now();
        let scalers = self.scalers()?;
        let mut losses = Losses::default();
        let (judge, network) = match (&self.model.detector, weights) {
            (_, Weights::Keep(old)) => self.keep(*old, &scalers)?,
            (_, Weights::KeepOwn { training, weights }) => self.keep_own(training, &weights)?,
            (_, Weights::Import(foreign)) => self.import(&foreign, &scalers)?,
            (DetectorPlan::Baseline(baseline), Weights::Train) => {
                let baseline = lower::baseline(baseline)?;
                (StoredJudge::Baseline(self.fit_baseline(baseline)?), None)
            }
            (DetectorPlan::Network(_), Weights::Train) => self.train(&scalers, &mut losses)?,
            (DetectorPlan::Archive(_), Weights::Train) => {
                return Err(Error::bug("a detector of an archive learns as it scores"));
            }
        };
        let merge = self.plan.merge.decides.then(|| lower::merge(self.plan.merge));
        let trained = Instant::now();
        let detector = self.detector(&judge, &network, &scalers, merge)?;
        let form = detector.form.clone();
        let thresholds = self.calibrate(&detector)?;
        if !self.alone {
            let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
            tracing::info!(
                model = self.model.name.as_str(),
                train = %seconds(trained - begun),
                calibrate = %seconds(trained.elapsed()),
                peak_mib = crate::machine::peak_mib(),
                "made"
            );
        }
        Ok(Learnt { scalers, judge, merge, form, thresholds, network, losses })
    }

    /// Nothing is learnt before the series are scored: the settings are the model.
    fn of_archive(self, archive: Archive) -> Result<Model, Error> {
        let unscaled = unscaled(self.layout.features.len())?;
        let threshold = lower::threshold(self.model.threshold)?;
        let judge = StoredJudge::Archive { archive, threshold, engine: self.engine.to_string() };
        self.model(unscaled, judge, None, Form::default(), None, None)
    }

    /// The model with all that is stored of it.
    fn model(
        self,
        scalers: Scalers,
        judge: StoredJudge,
        merge: Option<Merge>,
        form: Form,
        thresholds: Option<Thresholds>,
        network: Option<Arc<dyn Fitted>>,
    ) -> Result<Model, Error> {
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
            scaling: lower::scaling(self.plan.scaling),
            scalers,
            judge,
            merge,
            form,
            thresholds,
        };
        Model::new(artifact, network, self.engine)
    }

    /// Calls `each` with the rows of every ticker, in their order.
    fn each_ticker(
        &self,
        mut each: impl FnMut(&TickerRows) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let watch = &self.means.watch;
        let mut judge = |rows: &TickerRows| watch.during(Part::Judge, || each(rows));
        watch.during(Part::Read, || self.rows.for_each(watch, &mut judge))
    }

    /// One ticker's own model is scaled by its rows, however few they are.
    fn scaling(&self) -> Scaling {
        match lower::scaling(self.plan.scaling) {
            Scaling::Standard { .. } if self.alone => Scaling::default(),
            scaling => scaling,
        }
    }

    fn scalers(&self) -> Result<Scalers, Error> {
        let mut fit = ScalerFit::new(self.scaling(), self.layout.features.len());
        self.each_ticker(|rows| {
            fit.add(&rows.ticker, &history(rows, &self.layout), &self.split);
            Ok(())
        })?;
        fit.finish().map_err(|error| self.unlearnable(&error.to_string()))
    }

    fn fit_baseline(&self, baseline: Baseline) -> Result<oddlot_series::FittedBaseline, Error> {
        let scope = match self.scaling() {
            Scaling::Standard { scope } => scope,
            Scaling::None => Scope::Pooled,
        };
        let mut fit = BaselineFit::new(baseline, scope, self.layout.features.len());
        self.each_ticker(|rows| {
            fit.add(&rows.ticker, &history(rows, &self.layout), &self.split);
            Ok(())
        })?;
        fit.finish().map_err(|error| self.unlearnable(&error.to_string()))
    }

    /// The scaled windows of the training and the validation span.
    fn training_set(&self, scalers: &Scalers) -> Result<TrainingSet, Error> {
        let mut set = TrainingSet::new(self.layout.length, self.layout.features.len());
        self.each_ticker(|rows| {
            let scaler = scalers.get(&rows.ticker).item;
            set.add(&history(rows, &self.layout), scaler, &self.split)
                .map_err(|error| Error::bug(format!("training windows: {error}")))
        })?;
        if let Some(published) = self.as_published() {
            set.hold_out_last(published.validation_share);
        }
        Ok(set)
    }

    fn as_published(&self) -> Option<AsPublished> {
        match &self.model.detector {
            DetectorPlan::Network(network) => network.as_published.map(|plan| plan.protocol),
            DetectorPlan::Baseline(_) | DetectorPlan::Archive(_) => None,
        }
    }

    fn spec(&self) -> Result<ModelSpec, Error> {
        lower::spec(&self.model, self.layout.length, self.layout.features.len())
    }

    /// Takes over foreign weights; their loss is that on the validation windows, scaled by our scalers.
    fn import(
        &self,
        foreign: &Foreign,
        scalers: &Scalers,
    ) -> Result<(StoredJudge, Option<Arc<dyn Fitted>>), Error> {
        let spec = self.spec()?;
        let engine = self.engine;
        let (network, imported) = foreign.network(&spec, &self.model, engine)?;
        let training = self.held_out(network.as_ref(), scalers)?;
        let weights_sha256 = hex(&Sha256::digest(weights_bytes(network.as_ref())?));
        let imported = Some(Box::new(imported));
        let engine = engine.to_string();
        let spec = Box::new(spec);
        let judge = StoredJudge::Network { spec, engine, weights_sha256, training, imported };
        Ok((judge, Some(network)))
    }

    /// Takes over the weights of a stored model. Imported ones fit any training settings, and their loss
    /// is that on the windows of today.
    fn keep(
        &self,
        old: Model,
        scalers: &Scalers,
    ) -> Result<(StoredJudge, Option<Arc<dyn Fitted>>), Error> {
        let Model { artifact, network, .. } = old;
        let judge = match (artifact.judge, &network) {
            (
                StoredJudge::Network { weights_sha256, engine, imported: Some(from), .. },
                Some(network),
            ) => {
                let training = self.held_out(network.as_ref(), scalers)?;
                let (spec, imported) = (Box::new(self.spec()?), Some(from));
                StoredJudge::Network { spec, engine, weights_sha256, training, imported }
            }
            (judge, _) => judge,
        };
        Ok((judge, network))
    }

    /// Takes over the weights of one ticker's own network.
    fn keep_own(
        &self,
        training: TrainingRecord,
        weights: &[NamedTensor],
    ) -> Result<(StoredJudge, Option<Arc<dyn Fitted>>), Error> {
        let (spec, engine) = (self.spec()?, self.engine);
        let network: Arc<dyn Fitted> =
            Arc::from(engine.load(spec.clone(), weights).map_err(|error| self.unfit(&error))?);
        let (spec, engine, imported) = (Box::new(spec), engine.to_string(), None);
        // The checksum is the pack's.
        let weights_sha256 = String::new();
        let judge = StoredJudge::Network { spec, engine, weights_sha256, training, imported };
        Ok((judge, Some(network)))
    }

    /// The record of weights that nothing was learnt for: their loss on the validation windows.
    fn held_out(&self, network: &dyn Fitted, scalers: &Scalers) -> Result<TrainingRecord, Error> {
        let bug = |error: String| Error::bug(format!("validation windows: {error}"));
        let set = self.training_set(scalers)?;
        let windows = set.windows().map_err(|error| bug(error.to_string()))?.validation;
        let loss = mean_loss(network, windows).map_err(|error| bug(error.to_string()))?;
        Ok(TrainingRecord {
            n_train_windows: 0,
            n_validation_windows: windows.len(),
            epochs: 0,
            best_epoch: 0,
            validation_loss: loss.filter(|loss| loss.is_finite()),
            course: None,
        })
    }

    fn train(
        &self,
        scalers: &Scalers,
        losses: &mut Losses,
    ) -> Result<(StoredJudge, Option<Arc<dyn Fitted>>), Error> {
        let set = self.training_set(scalers)?;
        let windows =
            set.windows().map_err(|error| Error::bug(format!("training windows: {error}")))?;
        let spec = self.spec()?;
        let Means { bars, threads, watch } = &self.means;
        let network = match self.alone {
            true => self.engine.model_alone(spec.clone()),
            false => self.engine.model(spec.clone(), *threads),
        };
        let network = network.map_err(|error| self.unfit(&error))?;
        let name = self.model.name.as_str();
        let bar = bars.as_ref().map(|bars| bars.of(name, spec.training.epochs));
        let mut record = TrainingRecord {
            n_train_windows: windows.train.len(),
            n_validation_windows: windows.validation.len(),
            epochs: 0,
            best_epoch: 0,
            validation_loss: None,
            course: None,
        };
        let is_published = spec.as_published.is_some();
        let mut best = None;
        let restores_best = spec.training.restore_best;
        let mut stopped = Ok(());
        let n_windows = windows.train.len() + windows.validation.len();
        let mut observe = |report: &EpochReport| {
            losses.add(report);
            record.epochs = report.epoch;
            if report.is_best || !restores_best {
                record.best_epoch = report.epoch;
                record.validation_loss = report.validation_loss;
            }
            if report.is_best {
                best = report.validation_loss;
            }
            if is_published {
                record.course = Some(Course {
                    last_train_loss: report.train_loss,
                    last_validation_loss: report.validation_loss,
                    best_validation_loss: best,
                });
            }
            if let Some(bar) = &bar {
                bar.observe(report);
            }
            if stopped.is_ok() {
                stopped = failpoint::pass(Failpoint::EpochTrained);
            }
        };
        let fitted = watch
            .during(Part::Network, || network.fit(windows, &mut observe))
            .map_err(|error| self.unfit(&error))?;
        stopped?;
        watch.count(n_windows * record.epochs);
        if let Some(bar) = &bar {
            bar.finish();
        }
        let weights_sha256 = hex(&Sha256::digest(weights_bytes(fitted.as_ref())?));
        let (training, imported, engine) = (record, None, self.engine.to_string());
        let spec = Box::new(spec);
        let judge = StoredJudge::Network { spec, engine, weights_sha256, training, imported };
        Ok((judge, Some(Arc::from(fitted))))
    }

    /// What scores, with a norm that is fitted where it has to be.
    fn detector(
        &self,
        judge: &StoredJudge,
        network: &Option<Arc<dyn Fitted>>,
        scalers: &Scalers,
        merge: Option<Merge>,
    ) -> Result<Detector, Error> {
        let judge = match (judge, network) {
            (StoredJudge::Archive { .. }, _) => {
                return Err(Error::bug("each ticker of an archive sets its own threshold"));
            }
            (StoredJudge::PerTicker(_), _) => {
                return Err(Error::bug("a job makes one model, not a pack"));
            }
            (StoredJudge::Baseline(baseline), _) => Judge::Baseline(baseline.clone()),
            (StoredJudge::Network { .. }, Some(network)) => {
                let (network, watch) = (Arc::clone(network), Arc::clone(&self.means.watch));
                let network = Arc::new(TimedNetwork { network, watch });
                Judge::Network { network, scalers: scalers.clone() }
            }
            (StoredJudge::Network { .. }, None) => {
                return Err(Error::bug("a network without weights"));
            }
        };
        let mut detector = Detector {
            name: self.model.name.as_str().to_owned(),
            model_id: String::new(),
            judge,
            merge,
            form: lower::form(&self.plan)?,
            price_links: Vec::new(),
        };
        if self.plan.score.norm == NormName::Mahalanobis {
            detector.form.norm = Norm::Mahalanobis(self.error_shape(&detector)?);
        }
        Ok(detector)
    }
}
