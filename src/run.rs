//! The pipeline, as one paragraph: plan → read → split → train or load → windows → score → threshold
//! → events → write → commit.

use oddlot_engine::Error;
use oddlot_engine::failpoint::{self, Failpoint};
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::tables::run_tables::AlertRow;
use oddlot_nets::Engine;
use oddlot_series::Split;

use crate::artifact::Model;
use crate::cells::{self, Range};
use crate::claim;
use crate::faults::Faults;
use crate::plan::{ModelPlan, Plan};
use crate::prices::{self, Prices};
use crate::progress::Progress;
use crate::publish;
use crate::result::Summary;
use crate::run_id::RunId;
use crate::split;
use crate::staging::Staging;
use crate::train::{Foreign, Policy, Ready, Workshop};

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
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its identity.
    pub run_id: RunId,
    /// Cells within the range.
    pub n_cells: usize,
    /// Of them, those that were replaced.
    pub n_cells_replaced: usize,
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
pub async fn run(plan: &Plan, options: Options) -> Result<Outcome, Error> {
    let run_id = RunId::now();
    let Prepared { prices, root, staging, digest, models } =
        prepare(plan, &run_id, options).await?;

    let used: Vec<&Model> = models.iter().map(|ready| &ready.model).collect();
    let (range, anew) = (options.range, options.full_refresh);
    let job = publish::Job { plan, prices: &prices, digest: &digest, models: &models, root: &root };
    let ended = async {
        let cells = cells::choose(plan, &prices, &digest, &used, &root, range, anew).await?;
        job.run(&run_id, &cells, &staging.path, options).await
    };
    let ended = ended.await;
    staging.close().await;
    ended
}

/// Trains what has to be trained, and writes no table but `models`.
///
/// # Errors
/// As [`run`].
pub async fn train(plan: &Plan, options: Options) -> Result<(Vec<Ready>, Faults), Error> {
    let run_id = RunId::now();
    let Prepared { prices, root, staging, models, .. } = prepare(plan, &run_id, options).await?;
    let written = publish::write_models(plan, &models, &run_id, &root, &staging.path).await;
    staging.close().await;
    written?;
    Ok((models, Faults::of(&prices.tickers)))
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
    let opened = Opened::new(plan, &run_id, options).await?;
    let made = async {
        let ready = opened.workshop(plan, options).import(model, foreign).await?;
        let Opened { split, root, staging, .. } = &opened;
        split::store(plan, *split, root, &staging.path).await?;
        let models = std::slice::from_ref(&ready);
        publish::write_models(plan, models, &run_id, root, &staging.path).await?;
        Ok(ready)
    };
    let made = made.await;
    opened.staging.close().await;
    made
}

/// A source that is open and split, and models that are ready.
struct Prepared {
    prices: Prices,
    root: OutputRoot,
    staging: Staging,
    digest: InputDigest,
    models: Vec<Ready>,
}

/// Plan → read → split → train or load.
async fn prepare(plan: &Plan, run_id: &RunId, options: Options) -> Result<Prepared, Error> {
    let opened = Opened::new(plan, run_id, options).await?;
    let made = async {
        let models = opened.workshop(plan, options).train_or_load().await?;
        let Opened { root, staging, split, .. } = &opened;
        claim::store(plan, root, &staging.path).await?;
        split::store(plan, *split, root, &staging.path).await?;
        failpoint::pass(Failpoint::SplitStored)?;
        Ok(models)
    };
    match made.await {
        Ok(models) => {
            let Opened { prices, root, staging, digest, .. } = opened;
            Ok(Prepared { prices, root, staging, digest, models })
        }
        Err(error) => {
            opened.staging.close().await;
            Err(error)
        }
    }
}

/// A source that is open and split.
struct Opened {
    prices: Prices,
    root: OutputRoot,
    staging: Staging,
    split: Split,
    digest: InputDigest,
}

impl Opened {
    /// Plan → read → split. Nothing is written before the source has passed its checks.
    async fn new(plan: &Plan, run_id: &RunId, options: Options) -> Result<Self, Error> {
        let prices = prices::open(plan, options.threads).await?;
        options.range.check(&prices)?;
        let mut root = open(plan).await?;
        // Its tables are asked which flags are told already.
        root.register(&prices.session)?;
        let staging = Staging::open(&mut root, plan.pipeline.as_str(), run_id).await?;
        let read = async {
            claim::check(plan, &root).await?;
            let split = split::preview(plan, &prices, Some(&root), options.policy).await?;
            let digest = prices.digest(plan, split.spans().calibration_to).await?;
            Ok((split, digest))
        };
        match read.await {
            Ok((split, digest)) => Ok(Self { prices, root, staging, split, digest }),
            Err(error) => {
                staging.close().await;
                Err(error)
            }
        }
    }

    fn workshop<'a>(&'a self, plan: &'a Plan, options: Options) -> Workshop<'a> {
        Workshop {
            plan,
            prices: &self.prices,
            digest: &self.digest,
            split: self.split,
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
