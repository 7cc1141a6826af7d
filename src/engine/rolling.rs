//! Statistics of the last `n` rows, each frame computed afresh and in a fixed order.
//!
//! `rolling_mean(x, n)`, `rolling_std(x, n)`, `rolling_median(x, n)` and `ewma(x, lambda, n)`
//! take `x` as `f64` and give `f64`: NULL unless the last `n` rows of the partition, today's
//! included, are all present and finite (the rule that windows follow).
//!
//! Why not DataFusion's own `avg` and `stddev` over a sliding frame: they add the newest value
//! and *retract* the oldest, so that their rounding depends on every row since the read began.
//! Here a value depends on its own `n` rows only, bit for bit, wherever a read starts and
//! however it is cut into batches.
//!
//! `running_count(condition)` counts the true rows of the partition so far (`Int64`); it numbers
//! the segments, and the plan knows that its result grows along the partition.

pub(crate) use oddlot_series::rolling::{ewma, mean, median, standard_deviation};
