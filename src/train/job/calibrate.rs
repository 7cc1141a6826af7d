//! What is fitted to a model's own errors: their shape, and thresholds.

use std::collections::BTreeMap;

use oddlot_engine::judged::history;
use oddlot_engine::ticker_rows::TickerRows;
use oddlot_engine::{Error, Report};
use oddlot_series::{
    CalibrateError, Detector, ErrorShape, History, Sample, Scope, Scores, Thresholds,
};

use super::Job;
use crate::lower;

impl Job {
    /// Mean and covariance of the errors of the validation span.
    pub(super) fn error_shape(&self, detector: &Detector) -> Result<ErrorShape, Error> {
        let mut errors = Vec::new();
        self.each_ticker(|rows| {
            let history = history(rows, &self.layout);
            let scores = scores(detector, rows, &history)?;
            errors.extend(ErrorShape::errors(&history, &scores, &self.split));
            Ok(())
        })?;
        ErrorShape::fit(&errors, self.layout.features.len()).map_err(|error| {
            let spans = ["split.validation_to", "split.validation"];
            let title = format!("the errors of `{}` have no mean and covariance", self.model.name);
            Error::data(
                Report::new(title)
                    .at(self.place(spans))
                    .expected("scored rows in the validation span whose errors vary")
                    .found(format!("{error}; {}", self.extent))
                    .hint("move `split.validation_to` later, or take another `norm` in [score]"),
            )
        })
    }

    pub(super) fn calibrate(&self, detector: &Detector) -> Result<Thresholds, Error> {
        let mut samples = BTreeMap::new();
        let mut is_all_constant = true;
        let (n_features, n_before) =
            (self.layout.features.len().max(1), self.rows_before(detector));
        self.each_ticker(|rows| {
            is_all_constant &= is_constant(&rows.values, n_features);
            let first = rows.days.partition_point(|&day| day <= self.split.spans().validation_to);
            let own = rows.from_row(first.saturating_sub(n_before), &self.layout);
            let history = history(&own, &self.layout);
            let scores = scores(detector, &own, &history)?;
            samples.insert(own.ticker.clone(), Sample::of(&history, &scores, &self.split));
            Ok(())
        })?;
        let threshold = lower::threshold(self.model.threshold)?;
        let mut calibration = lower::calibration(self.plan.calibration);
        if self.alone {
            calibration.scope = Scope::Pooled;
        }
        let by_hindsight = detector.decides_by_hindsight();
        Thresholds::calibrate(&threshold, &calibration, &samples, by_hindsight).map_err(|error| {
            let spans = ["split.calibration_to", "split.calibration"];
            if is_all_constant {
                return self.constant();
            }
            let (expected, hint) = match error {
                CalibrateError::TooFewScores(_) => (
                    "as many calibration scores as the smallest p-value needs",
                    "raise `alpha`, or move `split.validation_to` and `split.calibration_to`",
                ),
                CalibrateError::NoScores { .. } => (
                    "scored rows in the calibration span",
                    "move `split.validation_to` and `split.calibration_to`, or take [threshold.fixed]",
                ),
            };
            Error::data(
                Report::new(format!("the threshold of `{}` cannot be calibrated", self.model.name))
                    .at(self.place(spans))
                    .expected(expected)
                    .found(format!("{error}; {}", self.extent))
                    .hint(hint),
            )
        })
    }

    /// Rows before a row that its score depends on; all where a published protocol knows no such bound.
    pub(super) fn rows_before(&self, detector: &Detector) -> usize {
        match self.as_published() {
            Some(_) => usize::MAX,
            None => detector.rows_before(self.layout.length),
        }
    }
}

fn scores(detector: &Detector, rows: &TickerRows, history: &History<'_>) -> Result<Scores, Error> {
    detector
        .score(&rows.ticker, history)
        .map_err(|error| Error::bug(format!("ticker {}: {error}", rows.ticker)))
}

/// Whether each feature has one value in all rows that have any; values are interleaved.
fn is_constant(values: &[f64], n_features: usize) -> bool {
    (0..n_features).all(|feature| {
        let mut known =
            values.iter().skip(feature).step_by(n_features).filter(|value| value.is_finite());
        known.next().is_none_or(|first| known.all(|value| value == first))
    })
}
