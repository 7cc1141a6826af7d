//! From a pack to what judges each ticker.

use std::collections::BTreeMap;

use oddlot_engine::Error;
use oddlot_series::{
    CalibratedDetector, Detector, EventRule, Form, Judge, OfTicker, PriceLink, Scalers, Split,
    Thresholds,
};

use super::{OwnJudge, OwnOutcome, Pack, PackedKind, packed};
use crate::artifact::damaged;

impl Pack {
    /// Ready to judge.
    ///
    /// # Errors
    /// Stored dates that are not in order, weights that do not fit the layers.
    pub fn detectors(
        &self,
        price_links: &[PriceLink],
        events: EventRule,
    ) -> Result<OfTicker, Error> {
        let artifact = &self.head.artifact;
        let kind = &packed(artifact)?.kind;
        let split = Split::try_from(artifact.spans).map_err(|error| {
            damaged(&format!("models/{}", self.head.model_id), &error.to_string())
        })?;
        let detector = |judge: Judge, form: Form, thresholds: Thresholds| CalibratedDetector {
            detector: Detector {
                name: artifact.name.clone(),
                model_id: self.head.model_id.clone(),
                judge,
                merge: artifact.merge,
                form,
                price_links: price_links.to_vec(),
            },
            thresholds,
            split,
            events,
        };
        let mut own = BTreeMap::new();
        for (ticker, member) in &self.members {
            let judge = match &member.own.outcome {
                OwnOutcome::Without { fallback, .. } => {
                    let thresholds = Thresholds::without_model(fallback.as_deref().cloned());
                    detector(Judge::Absent, Form::default(), thresholds)
                }
                OwnOutcome::Model(model) => {
                    let judge = match (&model.judge, kind, &member.weights) {
                        (OwnJudge::Baseline(baseline), ..) => Judge::Baseline(baseline.clone()),
                        (OwnJudge::Network(_), PackedKind::Network { spec, .. }, Some(weights)) => {
                            Judge::Network {
                                network: self.network(spec, weights)?,
                                scalers: Scalers::pooled(model.scaler.clone()),
                            }
                        }
                        (OwnJudge::Network(_), ..) => {
                            return Err(Error::bug("a network without weights"));
                        }
                    };
                    detector(judge, model.form.clone(), model.thresholds.clone())
                }
            };
            own.insert(ticker.clone(), judge);
        }
        let missing =
            Box::new(detector(Judge::Absent, Form::default(), Thresholds::without_model(None)));
        Ok(OfTicker::Own { own, missing })
    }
}
