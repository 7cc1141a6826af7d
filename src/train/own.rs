//! Models of each ticker's own: made side by side, one thread each, and packed part by part.
//!
//! A ticker's model depends on that ticker's rows and the settings alone: the same bits whoever learns beside
//! it, and on however many threads. What has not changed is carried over from the packs that are there. Rows are
//! read as they are needed: what waits in memory is a few tickers and one part's weights.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use oddlot_engine::source::Part as Tickers;
use oddlot_engine::tables::SCORING_VERSION;
use oddlot_engine::ticker_rows::TickerRows;
use oddlot_engine::{Error, Report, off_tokio};
use oddlot_nets::Threads;
use sha2::{Digest, Sha256};

use super::job::Job;
use super::keys::KeyBase;
use super::own_job::{Shared, own, unscaled};
use super::own_need::{OwnNeed, OwnNeeds};
use super::rows::{LearningRows, Reader};
use super::{Keys, Means, Need, Ready, Workshop};
use crate::artifact::{
    Artifact, FORMAT, Member, Model, OwnOutcome, Pack, PackPointer, Packed, PackedKind, StoredJudge,
};
use crate::lower;
use crate::plan::{DetectorPlan, ModelPlan, hex};
use crate::prices::sql_of;
use crate::progress::LearningBar;
use crate::settings::scope::ModelScope;
use crate::stop;
use crate::stopwatch::Stopwatch;

/// Tickers whose rows wait until a thread is free, for each thread.
const WAITING: usize = 4;

impl Workshop<'_> {
    /// Every ticker's own model, packed part by part: what is stale is made, the rest carried over.
    ///
    /// # Errors
    /// No ticker has rows enough; what is not a ticker's fault; the store.
    pub(super) async fn packs(&self, model: &ModelPlan) -> Result<Ready, Error> {
        let base = KeyBase::of(self.plan, model, self.split.spans(), self.engine)?;
        let needs = OwnNeeds::of(&self.look(), model, Some(self.root)).await?;
        let is_new = !needs.is_fresh();
        if let Some(why) = needs.kept().filter(|_| !is_new) {
            tracing::warn!(model = model.name.as_str(), "{why}");
        }
        if is_new {
            tracing::info!(model = model.name.as_str(), "{}", needs.why());
            self.prices.replay(self.plan).await?;
        }
        let watch = Stopwatch::start();
        let begun = Instant::now();
        let n_made = needs.n_made();
        let n_learnt = needs.n_learnt(self.digest, self.split.spans().calibration_to);
        let bar = self.progress.learning(model.name.as_str(), n_made as u64);
        let mut heads = Vec::new();
        for part in needs.all_parts() {
            heads.push(match needs.fresh(part) {
                Some(pack) => Model::load(self.root, &pack.model_id, self.engine).await?,
                None => self.pack(model, &base, &needs, part, &watch, &bar).await?,
            });
        }
        bar.finish();
        if n_made > 0 {
            watch.read().tell("learnt", n_learnt);
        }
        refuse_without_any(self, model, &heads)?;
        let (pipeline, name) = (self.plan.pipeline.as_str(), model.name.as_str());
        stop::in_one_go(PackPointer::tidy(self.root, pipeline, name, Some(needs.parts))).await?;
        let (kept, spent) = (needs.kept(), begun.elapsed());
        Ok(Ready { kept, n_learnt, spent, ..Ready::packed(heads, is_new)? })
    }

    /// The packs as they are stored; `None` where one is missing or was made for other parts.
    pub(super) async fn stored_packs(&self, model: &ModelPlan) -> Result<Option<Ready>, Error> {
        let needs = OwnNeeds::of(&self.look(), model, Some(self.root)).await?;
        let mut heads = Vec::new();
        for part in needs.all_parts() {
            match needs.packs.get(&part).filter(|pack| pack.parts == needs.parts) {
                Some(pack) => {
                    heads.push(Model::load(self.root, &pack.model_id, self.engine).await?)
                }
                None => return Ok(None),
            }
        }
        if !needs.is_fresh() {
            tracing::warn!(
                model = model.name.as_str(),
                "settings or price rows have changed since these models were trained, `oddlot train` would train again: {}",
                needs.why()
            );
        }
        let ready = Ready::packed(heads, false)?;
        Ok(Some(Ready { newcomers: needs.newcomers(), kept: needs.kept(), ..ready }))
    }

    /// Makes the pack of `part` and stores it.
    async fn pack(
        &self,
        model: &ModelPlan,
        base: &KeyBase,
        needs: &OwnNeeds,
        part: u32,
        watch: &Arc<Stopwatch>,
        bar: &LearningBar,
    ) -> Result<Model, Error> {
        let mut members = self.kept(needs, part).await?;
        let stale: BTreeMap<&String, &OwnNeed> =
            needs.members(part).filter(|(_, own)| !own.need.is_stored()).collect();
        let orders = stale.iter().map(|(ticker, own)| {
            let kept = members.remove(*ticker).filter(|_| own.need == Need::Calibrate);
            ((*ticker).clone(), (own.keys.clone(), kept))
        });
        let mut orders: BTreeMap<String, (Keys, Option<Member>)> = orders.collect();
        if !orders.is_empty() {
            let wanted: BTreeSet<String> = orders.keys().cloned().collect();
            let rows = self.rows_of(part, needs.parts, wanted).await?;
            let shared = Arc::new(self.shared(model, watch)?);
            let ordered = rows.try_filter_map(|rows| {
                let order = orders.remove(&rows.ticker);
                std::future::ready(Ok(order.map(|order| (rows, order))))
            });
            let made = ordered.map_ok(|(rows, (keys, kept))| {
                let ticker = rows.ticker.clone();
                let shared = Arc::clone(&shared);
                let learning = off_tokio("training", move || shared.make(rows, keys, kept));
                async move {
                    let member = learning.await??;
                    bar.inc();
                    Ok::<_, Error>((ticker, member))
                }
            });
            let mut made = std::pin::pin!(made.try_buffer_unordered(self.threads.max(1)));
            while let Some((ticker, member)) = made.try_next().await? {
                members.insert(ticker, member);
            }
        }
        for (ticker, (keys, _)) in orders {
            let outcome = OwnOutcome::Without {
                reason: "no row up to the end of the calibration span".to_owned(),
                fallback: None,
            };
            members.insert(ticker, Member { own: own(keys, outcome), weights: None });
        }
        let common = self.common(model, base, (part, needs.parts), members.keys())?;
        let pack = Pack::new(common, members, self.engine)?;
        stop::in_one_go(pack.store(self.root, self.staging)).await?;
        Ok(pack.head)
    }

    /// The tickers of `part` that stay as they are or keep their weights, out of the packs that have them.
    async fn kept(&self, needs: &OwnNeeds, part: u32) -> Result<BTreeMap<String, Member>, Error> {
        let mut by_pack: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
        for (ticker, own) in needs.members(part) {
            if let Some(pack) = own.kept_in() {
                by_pack.entry(pack).or_default().push(ticker);
            }
        }
        let mut kept = BTreeMap::new();
        for (model_id, tickers) in by_pack {
            let mut pack = Pack::load(self.root, model_id, self.engine).await?;
            for ticker in tickers {
                kept.extend(pack.members.remove_entry(ticker));
            }
        }
        Ok(kept)
    }

    /// The rows to learn from of the tickers `wanted` in `part`, one ticker after the other, read ahead.
    async fn rows_of(
        &self,
        part: u32,
        of: u32,
        wanted: BTreeSet<String>,
    ) -> Result<impl stream::Stream<Item = Result<TickerRows, Error>> + use<>, Error> {
        let last_day = self.split.spans().calibration_to;
        let tickers = Tickers { part, of };
        let reader = Reader {
            relation: self.prices.windows_of_part(self.plan, tickers, last_day).await?,
            layout: self.prices.layout.clone(),
            last_day,
        };
        let (sender, receiver) = tokio::sync::mpsc::channel(WAITING * self.threads.max(1));
        tokio::spawn(async move {
            let mut rows = match reader.stream().await {
                Ok(rows) => std::pin::pin!(rows),
                Err(error) => return drop(sender.send(Err(error)).await),
            };
            while let Some(next) = rows.next().await {
                let is_wanted = next.as_ref().map_or(true, |rows| wanted.contains(&rows.ticker));
                // Nobody receives any more where the training has failed.
                if is_wanted && sender.send(next).await.is_err() {
                    return;
                }
            }
        });
        Ok(stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))))
    }

    /// What the jobs of all tickers share.
    fn shared(&self, model: &ModelPlan, watch: &Arc<Stopwatch>) -> Result<Shared, Error> {
        let ModelScope::PerTicker { min_rows } = model.scope else {
            return Err(Error::bug(format!("`{}` has one model for all tickers", model.name)));
        };
        let job = Job {
            plan: self.plan.clone(),
            model: model.clone(),
            keys: Keys::none(),
            rows: LearningRows::none(),
            layout: self.prices.layout.clone(),
            split: self.split,
            learnt_from: String::new(),
            extent: "of this ticker".to_owned(),
            engine: self.engine,
            means: Means { bars: None, threads: Threads::One, watch: Arc::clone(watch) },
            alone: true,
        };
        Ok(Shared { job, min_rows: min_rows.get() })
    }

    /// What `model.json` says of all models of a part.
    fn common<'t>(
        &self,
        model: &ModelPlan,
        base: &KeyBase,
        (part, parts): (u32, u32),
        tickers: impl Iterator<Item = &'t String>,
    ) -> Result<Artifact, Error> {
        let layout = &self.prices.layout;
        let kind = match &model.detector {
            DetectorPlan::Network(_) => {
                let spec = lower::spec(model, layout.length, layout.features.len())?;
                let steps = oddlot_nets::steps(&spec).map_err(|e| Error::bug(e.to_string()))?;
                PackedKind::Network { spec: Box::new(spec), engine: self.engine.to_string(), steps }
            }
            DetectorPlan::Baseline(baseline) => PackedKind::Baseline(lower::baseline(baseline)?),
            DetectorPlan::Archive(_) => {
                return Err(Error::bug("a detector of an archive learns as it scores"));
            }
        };
        let packed = Packed {
            part,
            parts,
            kind,
            threshold: lower::threshold(model.threshold)?,
            n_own: 0,
            without: BTreeMap::new(),
            tickers_sha256: String::new(),
            weights_sha256: None,
        };
        let mut learnt_from = Sha256::new();
        tickers.for_each(|ticker| learnt_from.update(self.digest.learnt_by(ticker)));
        let keys = base.of_settings();
        let sql = sql_of(self.plan)?;
        Ok(Artifact {
            format: FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            scoring_version: SCORING_VERSION,
            machine: crate::machine::describe(),
            pipeline: self.plan.pipeline.as_str().to_owned(),
            name: model.name.as_str().to_owned(),
            detector: model.detector.kind().to_owned(),
            training_key: keys.training,
            judging_key: keys.judging,
            learnt_from: hex(&learnt_from.finalize()),
            features_sql: sql.features.text,
            windows_sql: sql.windows.text,
            features: layout.features.clone(),
            length: layout.length,
            spans: self.split.spans(),
            scaling: lower::scaling(self.plan.scaling),
            scalers: unscaled(layout.features.len())?,
            judge: StoredJudge::PerTicker(Box::new(packed)),
            merge: self.plan.merge.decides.then(|| lower::merge(self.plan.merge)),
            form: lower::form(self.plan)?,
            thresholds: None,
        })
    }
}

/// Only if no ticker has a model is it an error.
fn refuse_without_any(
    workshop: &Workshop<'_>,
    model: &ModelPlan,
    heads: &[Model],
) -> Result<(), Error> {
    let packs = || heads.iter().filter_map(|head| head.artifact.packed());
    if packs().any(|pack| pack.n_own > 0) {
        return Ok(());
    }
    let first = packs().flat_map(|pack| &pack.without).next();
    let found = match first {
        Some((ticker, reason)) => format!("{}: {reason}", crate::diagnostic::name(ticker)),
        None => "no ticker".to_owned(),
    };
    let plan = workshop.plan;
    Err(Error::data(
        Report::new(format!("no ticker can have its own `{}`", model.name))
            .at(plan.places.place(&format!("models.{}", model.name), &plan.file))
            .expected("a ticker with rows enough in the training and calibration spans")
            .found(found)
            .hint("lower `min_rows`, move `split.train_to` later, or take `scope = \"pooled\"`"),
    ))
}
