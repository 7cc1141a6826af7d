//! What is to be done about models of each ticker's own, and what is told of it.

use std::collections::{BTreeMap, BTreeSet};

use oddlot_engine::Error;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::tables::cell::part_of;
use oddlot_nets::Engine;
use oddlot_series::Split;

use super::keys::KeyBase;
use super::{Keys, Need, Policy};
use crate::artifact::{PackPointer, Pointer};
use crate::diagnostic::name;
use crate::plan::{ModelPlan, Plan};

/// So many tickers are told by name.
const TOLD_MAX: usize = 3;

/// What one ticker's own model is made from, and what is to be done about it.
pub(super) struct OwnNeed {
    pub(super) part: u32,
    pub(super) keys: Keys,
    pub(super) need: Need,
    /// The pack that has it, where it is not made from nothing.
    pub(super) kept_in: Option<String>,
}

/// All tickers of a model, and the packs that are there.
pub struct OwnNeeds {
    pub(super) tickers: BTreeMap<String, OwnNeed>,
    pub(super) packs: BTreeMap<u32, PackPointer>,
    pub(super) parts: u32,
}

impl OwnNeeds {
    /// Of `model` in `plan` over the rows of `digest`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn of(
        root: Option<&OutputRoot>,
        plan: &Plan,
        model: &ModelPlan,
        digest: &InputDigest,
        base: &KeyBase,
        policy: Policy,
    ) -> Result<Self, Error> {
        let packs = match root {
            Some(root) => {
                PackPointer::all(root, plan.pipeline.as_str(), model.name.as_str()).await?
            }
            None => BTreeMap::new(),
        };
        let mut known: BTreeMap<&str, (&PackPointer, &[String; 2])> = BTreeMap::new();
        for pointer in packs.values() {
            let own = pointer.tickers.iter().map(|(name, keys)| (name.as_str(), (pointer, keys)));
            known.extend(own);
        }
        let parts = u32::try_from(plan.output.parts).unwrap_or(1).max(1);
        let need = |ticker: &str| {
            let keys = base.of_ticker(digest, ticker);
            let stored = known.get(ticker);
            let pointer = stored.map(|(pack, [training, judging])| Pointer {
                model_id: pack.model_id.clone(),
                training_key: training.clone(),
                judging_key: judging.clone(),
                is_imported: false,
            });
            let need = keys.need(pointer.as_ref(), policy);
            let is_kept = matches!(need, Need::Load | Need::Calibrate);
            let kept_in = pointer.filter(|_| is_kept).map(|pointer| pointer.model_id);
            (ticker.to_owned(), OwnNeed { part: part_of(ticker, parts), keys, need, kept_in })
        };
        let tickers = digest.tickers().map(need).collect();
        Ok(Self { tickers, packs, parts })
    }

    /// Parts that have a ticker.
    pub fn all_parts(&self) -> Vec<u32> {
        let parts: BTreeSet<u32> = self.tickers.values().map(|own| own.part).collect();
        parts.into_iter().collect()
    }

    /// Tickers of `part`, with what is to be done.
    pub(super) fn members(&self, part: u32) -> impl Iterator<Item = (&String, &OwnNeed)> {
        self.tickers.iter().filter(move |(_, own)| own.part == part)
    }

    /// The pack of `part`, if it is what it ought to be.
    pub fn fresh(&self, part: u32) -> Option<&PackPointer> {
        let pack = self.packs.get(&part).filter(|pack| pack.parts == self.parts)?;
        let n_members = self.members(part).count();
        let is_kept = self
            .members(part)
            .all(|(ticker, own)| own.need == Need::Load && pack.tickers.contains_key(ticker));
        (is_kept && pack.tickers.len() == n_members).then_some(pack)
    }

    /// Tickers that are in no pack.
    pub(super) fn newcomers(&self) -> BTreeSet<String> {
        let is_known =
            |name: &String| self.packs.values().any(|pack| pack.tickers.contains_key(name));
        self.tickers.keys().filter(|ticker| !is_known(ticker)).cloned().collect()
    }

    /// Whether nothing is to be done.
    pub fn is_fresh(&self) -> bool {
        self.all_parts().into_iter().all(|part| self.fresh(part).is_some())
    }

    /// For people: why models are made anew, and of how many tickers.
    pub fn why(&self) -> String {
        if self.is_fresh() {
            return Need::Load.why().to_owned();
        }
        let n_all = self.tickers.len();
        let of = |need: Need| -> Option<String> {
            let own = self.tickers.iter().filter(|(_, own)| own.need == need);
            let names: Vec<&String> = own.map(|(ticker, _)| ticker).collect();
            if names.is_empty() {
                return None;
            }
            let told = match names.len() {
                n if n == n_all => String::new(),
                n => {
                    let told = names.iter().take(TOLD_MAX).map(|ticker| name(ticker).to_string());
                    let more = if n > TOLD_MAX { ", …" } else { "" };
                    format!(" ({}{more})", told.collect::<Vec<_>>().join(", "))
                }
            };
            Some(format!("{}, {} of {n_all} tickers{told}", need.why(), names.len()))
        };
        let needs = [Need::First, Need::Changed, Need::Asked, Need::Calibrate];
        let told: Vec<String> = needs.into_iter().filter_map(of).collect();
        match told.is_empty() {
            true => "pack anew: a ticker has left, or there are other parts".to_owned(),
            false => told.join("; "),
        }
    }
}

/// Whether the stored model fits, and in words what becomes of it.
///
/// # Errors
/// The store cannot be read.
pub async fn outlook(
    root: Option<&OutputRoot>,
    plan: &Plan,
    model: &ModelPlan,
    digest: &InputDigest,
    (split, engine): (&Split, Engine),
    policy: Policy,
) -> Result<Outlook, Error> {
    let base = KeyBase::of(plan, model, split, engine)?;
    if !model.scope.is_pooled() {
        let needs = OwnNeeds::of(root, plan, model, digest, &base, policy).await?;
        return Ok(Outlook { is_fresh: needs.is_fresh(), why: needs.why(), own: Some(needs) });
    }
    let stored = match root {
        Some(root) => Pointer::load(root, plan.pipeline.as_str(), model.name.as_str()).await?,
        None => None,
    };
    let need = base.over(&digest.learnt_from).need(stored.as_ref(), policy);
    Ok(Outlook { is_fresh: need == Need::Load, why: need.why().to_owned(), own: None })
}

/// What becomes of a model.
pub struct Outlook {
    /// Whether the stored one fits.
    pub is_fresh: bool,
    /// In words.
    pub why: String,
    /// Ticker by ticker, where each has its own.
    pub own: Option<OwnNeeds>,
}
