//! The pipeline, as one paragraph: plan → read → split → train or load → windows → score → threshold
//! → events → write → commit.

use std::time::{Duration, Instant};

use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::run_tables::AlertRow;
use oddlot_engine::tables::{Ledger, OutputRoot, Table};
use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::Engine;

use crate::artifact::Model;
use crate::cells::{self, Range};
use crate::claim;
use crate::faults::{Faults, lacking};
use crate::plan::{ModelPlan, Plan};
use crate::prices::{self, Prices};
use crate::progress::{Progress, Stage};
use crate::publish;
use crate::rates::{Measured, Pace, Rates};
use crate::result::Summary;
use crate::run_id::RunId;
use crate::selection::Selection;
use crate::sessions::{Days, When};
use crate::shard::Shard;
use crate::split;
use crate::staging::{Staging, Unit};
use crate::stop::{self, Care};
use crate::train::{Foreign, Look, Policy, Ready, Workshop};

/// How a run works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which command it is.
    pub command: &'static str,
    /// What training may do.
    pub policy: Policy,
    /// Whether cells are written even where nothing has changed.
    pub full_refresh: bool,
    /// Which trade dates are written.
    pub range: Range,
    /// Threads of DataFusion and Rayon alike.
    pub threads: usize,
    /// What computes the networks.
    pub engine: Engine,
    /// What a person sees.
    pub progress: Progress,
    /// How long another run may train while this one waits for its models.
    pub wait: Duration,
}

/// What a run is about, besides what its pipeline says.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Which days.
    pub when: When,
    /// Which tickers, as patterns; none is all.
    pub tickers: &'a [String],
    /// Which parts; `None` is all.
    pub shard: Option<Shard>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// Everything is up to date.
    Done(Box<Outcome>),
    /// There is no session in the days that were asked for, and why.
    NoSession(String),
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its identity.
    pub run_id: RunId,
    /// The days that it was about.
    pub range: Range,
    /// The shard that it wrote, and whether the others are there too.
    pub shard: Option<(Shard, bool)>,
    /// Cells within the range.
    pub n_cells: usize,
    /// Of them, those that were replaced.
    pub n_cells_replaced: usize,
    /// Cells that nothing belonged to any more and that were removed.
    pub n_cells_removed: usize,
    /// Rows that were scored, and how long that took; `None` where none was.
    pub scored: Option<Pace>,
    /// Models that were kept though what they learnt from has changed, and why.
    pub kept: Vec<(String, &'static str)>,
    /// Tickers that failed, wholly or in part.
    pub faults: Faults,
    /// Flagged rows within the range, of all models.
    pub n_anomalies: u64,
    /// Flags told for the first time.
    pub alerts: Vec<AlertRow>,
    /// What the tables say.
    pub summary: Summary,
}

/// Runs a pipeline from its source to its tables.
///
/// # Errors
/// Whatever stops it; cells that were committed before stay, and stay whole.
pub async fn run(plan: &Plan, options: Options, asked: Asked<'_>) -> Result<Ended, Error> {
    let run_id = RunId::now();
    let begun = Instant::now();
    if let Some(shard) = asked.shard {
        shard.check(plan)?;
    }
    let prices = prices::open(plan, options.threads).await?;
    let selection = Selection::of(&prices, asked.tickers)?;
    let selection = selection.in_shard(asked.shard, cells::parts(plan));
    let range = match asked.when.resolve(plan, &prices).await? {
        Days::Within(range) => range,
        Days::None(why) => return Ok(Ended::NoSession(why)),
    };
    let as_of = range.to.filter(|_| matches!(asked.when, When::AsOf(_))).map(split::day);
    let options = Options { range, ..options };
    let parts = selection.parts(cells::parts(plan)).into_iter().map(Unit::Part);
    let _care = Care::take();
    let opened = Opened::new(plan, prices, &run_id, options, parts.collect(), as_of).await?;
    let open = Pace::new(opened.digest.n_rows(), begun.elapsed());
    let scored = opened.score(plan, &run_id, &selection, asked.shard, options, open);
    let ended = stop::unless_asked(scored).await;
    opened.staging.close().await;
    Ok(Ended::Done(Box::new(ended?)))
}

/// Trains what has to be trained, and writes no table but `models`.
///
/// # Errors
/// As [`run`].
pub async fn train(plan: &Plan, options: Options) -> Result<(Vec<Ready>, Faults), Error> {
    let run_id = RunId::now();
    let prices = prices::open(plan, options.threads).await?;
    let _care = Care::take();
    let opened = Opened::new(plan, prices, &run_id, options, Vec::new(), None).await?;
    let made = async {
        let models = opened.models(plan, options).await?;
        let Opened { root, staging, .. } = &opened;
        staging.hold(Unit::Commit, publish::COMMIT_WAIT).await?;
        let written = publish::write_models(plan, &models, &run_id, root, &staging.path);
        stop::in_one_go(written).await?;
        let tickers = lacking(opened.prices.tickers.clone(), &models, plan);
        Ok((models, Faults::of(&tickers).with_checks(&opened.prices.findings)))
    };
    let made = stop::unless_asked(made).await;
    opened.staging.close().await;
    made
}

/// Makes `model` of the weights of `foreign`, and writes no table but `models`.
///
/// # Errors
/// As [`train`], and weights that do not fit the model.
pub async fn import(
    plan: &Plan,
    model: &ModelPlan,
    foreign: Foreign,
    options: Options,
) -> Result<Ready, Error> {
    let run_id = RunId::now();
    let prices = prices::open(plan, options.threads).await?;
    let _care = Care::take();
    let opened = Opened::new(plan, prices, &run_id, options, Vec::new(), None).await?;
    let made = async {
        let Opened { split, root, staging, .. } = &opened;
        staging.hold(Unit::Training, options.wait).await?;
        let ready = opened.workshop(plan, options).import(model, foreign).await?;
        split::store(plan, *split, root, &staging.path).await?;
        let models = std::slice::from_ref(&ready);
        staging.hold(Unit::Commit, publish::COMMIT_WAIT).await?;
        publish::write_models(plan, models, &run_id, root, &staging.path).await?;
        Ok(ready)
    };
    let made = stop::unless_asked(made).await;
    opened.staging.close().await;
    made
}

/// A source that is open and split.
struct Opened {
    prices: Prices,
    root: OutputRoot,
    staging: Staging,
    split: split::Resolved,
    digest: InputDigest,
}

impl Opened {
    /// Output → split. Nothing is written before the source has passed its checks.
    async fn new(
        plan: &Plan,
        prices: Prices,
        run_id: &RunId,
        options: Options,
        units: Vec<Unit>,
        as_of: Option<i32>,
    ) -> Result<Self, Error> {
        let root = open(plan).await?;
        // Its tables are asked which flags are told already.
        root.register(&prices.session)?;
        let staging = Staging::open(&root, plan.pipeline.as_str(), run_id, &units).await?;
        let _stage = Stage::endless("reading");
        let read = async {
            claim::check(plan, &root).await?;
            let split = split::preview(plan, &prices, Some(&root), options.policy, as_of).await?;
            let digest = prices.digest(plan, split.split.spans().calibration_to).await?;
            Ok((split, digest))
        };
        match stop::unless_asked(read).await {
            Ok((split, digest)) => Ok(Self { prices, root, staging, split, digest }),
            Err(error) => {
                staging.close().await;
                Err(error)
            }
        }
    }

    /// Train or load. Of runs side by side one trains, and the others wait for its models.
    async fn models(&self, plan: &Plan, options: Options) -> Result<Vec<Ready>, Error> {
        let workshop = self.workshop(plan, options);
        let Self { root, staging, split, .. } = self;
        if !workshop.is_ready().await? {
            staging.hold(Unit::Training, options.wait).await?;
        }
        let models = workshop.train_or_load().await?;
        claim::store(plan, root, &staging.path).await?;
        split::store(plan, *split, root, &staging.path).await?;
        staging.let_go(Unit::Training).await;
        failpoint::pass(Failpoint::SplitStored)?;
        Ok(models)
    }

    /// Train or load → windows → score → threshold → events → write → commit.
    async fn score(
        &self,
        plan: &Plan,
        run_id: &RunId,
        selection: &Selection,
        shard: Option<Shard>,
        options: Options,
        open: Pace,
    ) -> Result<Outcome, Error> {
        self.refuse_training_beside(plan, selection, options).await?;
        let begun = Instant::now();
        let models = self.models(plan, options).await?;
        let train = Measured::of_training(&models, begun.elapsed());
        let used: Vec<&Model> = models.iter().flat_map(Ready::all).collect();
        let Options { range, full_refresh, .. } = options;
        let which = cells::Asked { range, selection, full_refresh, to_train: &[] };
        let Self { prices, root, digest, staging, .. } = self;
        let cells = cells::choose(plan, prices, digest, &used, Some(root), which).await?;
        let job =
            publish::Job { plan, prices, digest, models: &models, root, staging, selection, shard };
        let outcome = job.run(run_id, &cells, options).await?;
        let score = outcome.scored;
        if score.is_some() || !train.is_empty() {
            let measured = Measured { open: Some(open), train, score };
            let pipeline = plan.pipeline.as_str();
            // The run is committed: that nobody can tell how long the next one takes does not undo it.
            if let Err(error) = Rates::add(root, pipeline, measured, &staging.path).await {
                tracing::warn!("how long this run took cannot be noted: {error}");
            }
        }
        Ok(outcome)
    }

    /// New models score all tickers: beside rows of older ones those of chosen tickers cannot stand.
    async fn refuse_training_beside(
        &self,
        plan: &Plan,
        selection: &Selection,
        options: Options,
    ) -> Result<(), Error> {
        let pipeline = plan.pipeline.as_str();
        let ledger = Ledger::new(self.root.clone());
        if selection.is_whole() || ledger.cells(Table::Errors, pipeline).await?.is_empty() {
            return Ok(());
        }
        let Options { engine, policy, .. } = options;
        let look = Look { plan, digest: &self.digest, split: &self.split.split, engine, policy };
        for model in &plan.models {
            let outlook = look.outlook(model, Some(&self.root)).await?;
            if !outlook.is_stored {
                return Err(Error::new(
                    Kind::Model,
                    Report::new("a model would be made anew, and only some tickers are chosen")
                        .at(plan.file.as_str())
                        .expected("models that score the other tickers as they are in the tables")
                        .found(format!("{}: {}", model.name, outlook.why))
                        .hint("run once without `--tickers`; nothing has changed"),
                ));
            }
        }
        Ok(())
    }

    fn workshop<'a>(&'a self, plan: &'a Plan, options: Options) -> Workshop<'a> {
        Workshop {
            plan,
            prices: &self.prices,
            digest: &self.digest,
            split: self.split.split,
            root: &self.root,
            staging: &self.staging.path,
            policy: options.policy,
            threads: options.threads,
            engine: options.engine,
            progress: options.progress,
        }
    }
}

/// The output root, writable; where it is not, the finding points to the line that names it.
async fn open(plan: &Plan) -> Result<OutputRoot, Error> {
    let opened = async {
        let root = OutputRoot::open(&plan.output.root)?;
        root.check_writable().await?;
        Ok(root)
    };
    opened.await.map_err(|mut error: Error| {
        for report in &mut error.reports {
            report.place = Some(plan.places.place("output.root", &plan.file).to_owned());
        }
        error
    })
}
