//! What is to be done about models of each ticker's own, and what is told of it.

use std::collections::{BTreeMap, BTreeSet};

use oddlot_engine::Error;
use oddlot_engine::fingerprint::InputDigest;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::tables::cell::part_of;

use super::keys::KeyBase;
use super::{Change, Keys, Look, Need};
use crate::artifact::{Artifact, PackPointer, Pointer};
use crate::cells;
use crate::diagnostic::name;
use crate::plan::ModelPlan;

/// So many tickers are told by name.
const TOLD_MAX: usize = 3;

/// What one ticker's own model is made from, and what is to be done about it.
pub(super) struct OwnNeed {
    pub(super) part: u32,
    pub(super) keys: Keys,
    pub(super) need: Need,
    /// The pack that has one.
    stored_in: Option<String>,
}

impl OwnNeed {
    /// The pack that has it, where it is not made from nothing.
    pub(super) fn kept_in(&self) -> Option<&String> {
        let is_kept = self.need.is_stored() || self.need == Need::Calibrate;
        self.stored_in.as_ref().filter(|_| is_kept)
    }
}

/// All tickers of a model, and the packs that are there.
pub struct OwnNeeds {
    pub(super) tickers: BTreeMap<String, OwnNeed>,
    pub(super) packs: BTreeMap<u32, PackPointer>,
    pub(super) parts: u32,
}

impl OwnNeeds {
    /// Of `model`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn of(
        look: &Look<'_>,
        model: &ModelPlan,
        root: Option<&OutputRoot>,
    ) -> Result<Self, Error> {
        let Look { plan, digest, split, engine, policy } = *look;
        let base = KeyBase::of(plan, model, split.spans(), engine)?;
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
        let parts = cells::parts(plan);
        let need = |ticker: &str| {
            let keys = base.of_ticker(digest, ticker);
            let stored = known.get(ticker);
            let pointer = stored.map(|(pack, [training, judging])| Pointer {
                model_id: pack.model_id.clone(),
                training_key: training.clone(),
                judging_key: judging.clone(),
                is_imported: false,
            });
            let need = keys.need(pointer.as_ref(), policy, Change::Settings);
            let stored_in = pointer.map(|pointer| pointer.model_id);
            (ticker.to_owned(), OwnNeed { part: part_of(ticker, parts), keys, need, stored_in })
        };
        let tickers = digest.tickers().map(need).collect();
        let mut needs = Self { tickers, packs, parts };
        if let Some(root) = root {
            needs.refine(look, model, root).await?;
        }
        Ok(needs)
    }

    /// Of models whose keys are others: what has changed, pack by pack, and whether they are kept nevertheless.
    async fn refine(
        &mut self,
        look: &Look<'_>,
        model: &ModelPlan,
        root: &OutputRoot,
    ) -> Result<(), Error> {
        for pack in self.packs.values() {
            let in_pack = |own: &&mut OwnNeed| own.stored_in.as_ref() == Some(&pack.model_id);
            let is_changed = |own: &&mut OwnNeed| matches!(own.need, Need::Changed(_));
            let changed = self.tickers.values_mut().filter(in_pack).filter(is_changed);
            let changed: Vec<&mut OwnNeed> = changed.collect();
            if changed.is_empty() {
                continue;
            }
            // What cannot be read any more is made anew, whatever has changed.
            let Ok(artifact) = Artifact::load(root, &pack.model_id).await else { continue };
            let need = look.refined_own(model, &artifact)?;
            changed.into_iter().for_each(|own| own.need = need);
        }
        Ok(())
    }

    /// The packs that are there, made for as many parts as there are now.
    pub fn pack_ids(&self) -> impl Iterator<Item = &str> {
        let own = self.packs.values().filter(|pack| pack.parts == self.parts);
        own.map(|pack| pack.model_id.as_str())
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
            .all(|(ticker, own)| own.need.is_stored() && pack.tickers.contains_key(ticker));
        (is_kept && pack.tickers.len() == n_members).then_some(pack)
    }

    /// Tickers that are in no pack.
    pub(super) fn newcomers(&self) -> BTreeSet<String> {
        let is_known =
            |name: &String| self.packs.values().any(|pack| pack.tickers.contains_key(name));
        self.tickers.keys().filter(|ticker| !is_known(ticker)).cloned().collect()
    }

    /// Tickers whose models are to be made or calibrated.
    fn made(&self) -> impl Iterator<Item = &String> {
        self.tickers.iter().filter(|(_, own)| !own.need.is_stored()).map(|(ticker, _)| ticker)
    }

    /// How many they are.
    pub(super) fn n_made(&self) -> usize {
        self.made().count()
    }

    /// Their rows up to `last_day`.
    pub(super) fn n_learnt(&self, digest: &InputDigest, last_day: i32) -> usize {
        let made: BTreeSet<&str> = self.made().map(String::as_str).collect();
        digest.n_rows_of_until(last_day, |ticker| made.contains(ticker))
    }

    /// Why tickers keep models of other rows, if any do.
    pub(super) fn kept(&self) -> Option<&'static str> {
        self.tickers.values().find_map(|own| own.need.kept())
    }

    /// Whether nothing is to be done.
    pub fn is_fresh(&self) -> bool {
        self.all_parts().into_iter().all(|part| self.fresh(part).is_some())
    }

    /// For people: why models are made anew, and of how many tickers.
    pub fn why(&self) -> String {
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
        let changes = [Change::Settings, Change::Split, Change::Rows];
        let made = [Need::First, Need::Asked, Need::Calibrate].into_iter();
        let needs = made.chain(changes.map(Need::Changed)).chain(changes.map(Need::Keep));
        let mut told: Vec<String> = needs.filter_map(of).collect();
        if !self.is_fresh() && self.n_made() == 0 {
            told.insert(0, "pack anew: a ticker has left, or there are other parts".to_owned());
        }
        match told.is_empty() {
            true => Need::Load.why().to_owned(),
            false => told.join("; "),
        }
    }
}
