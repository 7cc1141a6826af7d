//! Pure mathematics of anomaly detection on price history: windows, scaling, splits,
//! baselines, scores, thresholds, events.
//!
//! No async, files, clock, Arrow or Burn: nothing here can fail on I/O because nothing here does any.
//!
//! Axes are named once: a *window* is `[time, feature]` rows of one ticker; a *batch* is what a
//! device sees, `[batch, time, feature]`; an *error* is a residual. `f32` lives in windows and
//! tensors, `f64` in statistics.

pub mod model;
pub mod spec;
pub mod windows;

pub use model::{EpochReport, FitError, Fitted, Model, NamedTensor, TrainingWindows};
pub use spec::{
    Activation, Adam, BiasConvention, Emit, Initialiser, Layer, Loss, ModelSpec, Target, Training,
};
pub use windows::{ShapeError, Windows};
