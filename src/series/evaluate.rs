//! Scores and flags against labels: how well anomalies that are known were found.
//!
//! One metric a file. A metric that needs an anomaly is undefined where there is none, never 0.

mod length_rank;

pub use length_rank::{LENGTH_WITHOUT_PERIOD, length_rank};
