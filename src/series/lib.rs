//! Pure mathematics of anomaly detection on price history: windows, scaling, splits,
//! baselines, scores, thresholds, events.
//!
//! No async, files, clock, Arrow or Burn: nothing here can fail on I/O because nothing here does any.
//!
//! Axes are named once: a *window* is `[time, feature]` rows of one ticker; a *batch* is what a
//! device sees, `[batch, time, feature]`; an *error* is a residual. `f32` lives in windows and
//! tensors, `f64` in statistics.

//! One row's way: [`History`] → [`Detector::score`] → [`Scores`] → ([`Sample`] →
//! [`Thresholds::calibrate`] once, then) [`CalibratedDetector::judge`] → [`Judgement`].
//!
//! ```
//! use std::collections::BTreeMap;
//! use oddlot_series::*;
//!
//! // 400 quiet log returns and a crash on day 350; windows are cut elsewhere.
//! let mut returns: Vec<f64> = (0..400).map(|k| 0.01 * f64::from(k * k).sin()).collect();
//! returns[350] = -0.2;
//! let days: Vec<i32> = (0..400).collect();
//! let history = History {
//!     days: &days,
//!     values: &returns,
//!     features: 1,
//!     feature_scales: None,
//!     reference_prices: None,
//!     segments: &[0; 400],
//!     breaks: &[false; 400],
//!     windowed: &[false; 400],
//!     length: 30,
//! };
//! let split = Split::try_from(Spans { train_to: 99, validation_to: 99, calibration_to: 299 })?;
//!
//! let mut fit = BaselineFit::new(Baseline::EwmaZ(EwmaZ::default()), Scope::Pooled, 1);
//! fit.add("ODD", &history, &split);
//! let detector = Detector {
//!     name: "ewma".to_owned(),
//!     model_id: "…".to_owned(),
//!     judge: Judge::Baseline(fit.finish()?),
//!     merge: None,
//!     form: Form::default(),
//!     price_links: vec![PriceLink::Return],
//! };
//!
//! let scores = detector.score("ODD", &history)?;
//! let samples = BTreeMap::from([("ODD".to_owned(), Sample::of(&history, &scores, &split))]);
//! let thresholds = Thresholds::calibrate(
//!     &Threshold::default(),
//!     &Calibration::default(),
//!     &samples,
//!     detector.decides_by_hindsight(),
//! )?;
//!
//! let events = EventRule::default();
//! let judge = CalibratedDetector { detector, thresholds, split, events };
//! let judgement = judge.judge_scores("ODD", &history, &scores);
//! assert!(judgement.rows[350].is_anomaly);
//! assert_eq!(judgement.rows[350].direction, Some(Direction::Below));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod as_published;
mod least_squares;
mod moments;
mod range;
mod squared_distance;
mod statistics;

pub mod model;
pub mod spec;
pub mod windows;

pub mod archive;
pub mod baseline;
pub mod by_ticker;
pub mod calibration;
pub mod distribution;
pub mod drift;
pub mod error_shape;
pub mod evaluate;
pub mod events;
pub mod fallback;
pub mod form;
pub mod history;
pub mod judge;
pub mod merge;
pub mod metrics;
mod network;
pub mod norm;
pub mod proportion;
pub mod rolling;
pub mod scale;
pub mod score;
pub mod simulate;
pub mod smoothing;
pub mod split;
pub mod threshold;
pub mod training;

pub use archive::{Archive, ArchiveError, Networks, Remembered, Series};
pub use baseline::{Baseline, BaselineFit, EwmaZ, Expectation, FittedBaseline, RobustZ};
pub use by_ticker::{ByTicker, Chosen, Scope};
pub use calibration::{
    CalibrateError, Calibrated, Calibration, Origin, PValues, Sample, Thresholds,
};
pub use distribution::Distribution;
pub use drift::{Drift, ScoreBins};
pub use error_shape::{ErrorShape, NoShape};
pub use events::{Event, EventRule};
pub use form::Form;
pub use history::{History, HistoryError, SkipReason};
pub use judge::{CalibratedDetector, Direction, JudgedPoint, JudgedRow, Judgement, OfTicker, Rule};
pub use merge::Merge;
pub use metrics::{HeldOut, Mean};
pub use model::{EpochReport, FitError, Fitted, Model, NamedTensor, TrainingWindows};
pub use norm::Norm;
pub use proportion::Proportion;
pub use range::{Lambda, OutOfRange, Quantile};
pub use scale::{ScaleError, Scaler, ScalerFit, ScalerParts, Scalers, Scaling};
pub use score::{ArchiveJudge, Detector, Judge, PriceLink, ScoreError, Scores};
pub use smoothing::Smoothing;
pub use spec::{
    Activation, Adam, AsPublished, BiasConvention, Emit, Initialiser, Layer, Loss, ModelSpec,
    Reduction, Schedule, Target, Training, WindowScore,
};
pub use split::{Fractions, Span, Spans, Split, SplitError};
pub use threshold::{
    Alerts, ByBudget, ByConformal, ByDynamic, ByKSigma, ByMad, ByPeaks, ByQuantile, Fixed, Level,
    Rate, Stated, Threshold, Uncalibrated,
};
pub use training::{TrainingSet, TrainingSetError};
pub use windows::{ShapeError, Windows};
