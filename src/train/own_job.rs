//! One ticker's own model: what it is made of, and what a ticker with too few rows takes instead.

use std::sync::Arc;

use oddlot_engine::judged::history;
use oddlot_engine::ticker_rows::TickerRows;
use oddlot_engine::{Error, Kind, Report};
use oddlot_series::{
    Calibrated, Detector, Form, Judge, NamedTensor, Sample, Scaler, ScalerParts, Scalers, Span,
    Thresholds,
};

use super::Keys;
use super::job::{Job, Learnt, Weights};
use super::rows::LearningRows;
use crate::artifact::{Member, Own, OwnJudge, OwnModel, OwnOutcome, StoredJudge};
use crate::lower;
use crate::stopwatch::Part;

/// A job without the rows of any ticker.
pub(super) struct Shared {
    pub(super) job: Job,
    pub(super) min_rows: usize,
}

impl Shared {
    /// The model of one ticker, or what it takes instead; the weights of `kept` are not learnt again.
    pub(super) fn make(
        &self,
        rows: TickerRows,
        keys: Keys,
        kept: Option<Member>,
    ) -> Result<Member, Error> {
        self.job.means.watch.during(Part::Judge, || {
            let short = self.too_few(&rows);
            let rows = Arc::new(vec![rows]);
            let job = Job { rows: LearningRows::Held(Arc::clone(&rows)), ..self.job.clone() };
            let learnt = match short {
                Some(reason) => Err(reason),
                None => match job.learn(weights_of(kept)) {
                    Ok(learnt) => Ok(learnt),
                    // One bad ticker never costs the others.
                    Err(error) if error.kind == Kind::Data => Err(in_words(&error)),
                    Err(error) => return Err(error),
                },
            };
            let (outcome, weights) = match learnt {
                Ok(learnt) => self.packed(learnt)?,
                Err(reason) => {
                    let fallback =
                        rows.first().map(|rows| self.fallback(&job, rows)).transpose()?;
                    (OwnOutcome::Without { reason, fallback: fallback.flatten() }, None)
                }
            };
            Ok(Member { own: own(keys, outcome), weights })
        })
    }

    /// Why a ticker has too little to learn from.
    fn too_few(&self, rows: &TickerRows) -> Option<String> {
        let history = history(rows, &self.job.layout);
        let is_training = |row_idx: &usize| {
            self.job.split.span(history.days[*row_idx]) == Span::Train
                && !history.breaks[*row_idx]
                && history.is_whole(*row_idx)
        };
        let n_rows = (0..history.len()).filter(is_training).count();
        (n_rows < self.min_rows)
            .then(|| format!("{n_rows} training rows, min_rows = {}", self.min_rows))
    }

    fn packed(&self, learnt: Learnt) -> Result<(OwnOutcome, Option<Vec<NamedTensor>>), Error> {
        let Learnt { scalers, judge, form, thresholds, network, .. } = learnt;
        let judge = match judge {
            StoredJudge::Network { training, .. } => OwnJudge::Network(training),
            StoredJudge::Baseline(baseline) => OwnJudge::Baseline(baseline),
            StoredJudge::Archive { .. } | StoredJudge::PerTicker(_) => {
                return Err(Error::bug("one ticker's model is a network or a baseline"));
            }
        };
        let weights = network.map(|network| {
            let mut weights = network.weights();
            weights.sort_by(|a, b| a.name.cmp(&b.name));
            weights
        });
        let own = OwnModel { scaler: scalers.pooled, judge, form, thresholds };
        Ok((OwnOutcome::Model(Box::new(own)), weights))
    }

    /// The threshold of the fallback's scores of a ticker without a model.
    fn fallback(&self, job: &Job, rows: &TickerRows) -> Result<Option<Box<Calibrated>>, Error> {
        let detector = Detector {
            name: job.model.name.as_str().to_owned(),
            model_id: String::new(),
            judge: Judge::Absent,
            merge: None,
            form: Form::default(),
            price_links: Vec::new(),
        };
        let history = history(rows, &job.layout);
        let scores = detector
            .score(&rows.ticker, &history)
            .map_err(|error| Error::bug(format!("ticker {}: {error}", rows.ticker)))?;
        let sample = Sample::of(&history, &scores, &job.split);
        let threshold = lower::threshold(job.model.threshold)?;
        Ok(Thresholds::of_fallback(&threshold, &sample.fallback).map(Box::new))
    }
}

pub(super) fn own(keys: Keys, outcome: OwnOutcome) -> Own {
    Own { training_key: keys.training, judging_key: keys.judging, outcome }
}

/// The weights that a ticker keeps; one without a model has none to keep.
fn weights_of(kept: Option<Member>) -> Weights {
    let Some(Member { own, weights }) = kept else { return Weights::Train };
    let OwnOutcome::Model(model) = own.outcome else { return Weights::Train };
    match (model.judge, weights) {
        (OwnJudge::Network(training), Some(weights)) => Weights::KeepOwn { training, weights },
        _ => Weights::Train,
    }
}

/// No scaling at all, where each ticker has its own.
pub(super) fn unscaled(features: usize) -> Result<Scalers, Error> {
    let zeros = || vec![0.0; features];
    let parts = ScalerParts { mean: zeros(), sd: vec![1.0; features], min: zeros(), max: zeros() };
    let scaler =
        Scaler::try_from(parts).map_err(|error| Error::bug(format!("no scaling: {error}")))?;
    Ok(Scalers::pooled(scaler))
}

/// A finding in one line, for a table.
fn in_words(error: &Error) -> String {
    let one = |report: &Report| match &report.found {
        Some(found) => format!("{}; found {found}", report.title),
        None => report.title.clone(),
    };
    error.reports.iter().map(one).collect::<Vec<_>>().join("; ")
}
