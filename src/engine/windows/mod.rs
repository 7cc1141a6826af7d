//! Windows in SQL: `rolling_window(x[, y, …], n) OVER (PARTITION BY … ORDER BY …)`.
//!
//! A window holds the `n` rows of its partition that end at its row, features interleaved
//! `[time, feature]`, as a `ListView<Float32>` whose views overlap in one values buffer: 12 bytes
//! a row instead of 4·n. It exists only when all `n` rows are present and finite as `f32`;
//! `rolling_window_reason` tells why it does not. A struct argument stands for its fields.
//!
//! Above a `RollingWindowExec` no operator may sort, coalesce or repartition: concatenating
//! sliced views copies the whole buffer.

mod exec;
mod function;
mod lag;
mod rule;
mod run;
mod state;
mod streamed;

pub use exec::RollingWindowExec;
pub use function::window_type;
pub use rule::StreamRollingWindows;
pub use run::Reason;

use datafusion::logical_expr::WindowUDF;

/// Our window functions: windows, their reasons, the statistics of [`crate::rolling`], and a `lag`
/// that streams.
pub fn functions() -> Vec<WindowUDF> {
    function::ALL.into_iter().map(function::udwf).chain([lag::udwf()]).collect()
}

/// Whether `name` is one of them.
pub(crate) fn is_ours(name: &str) -> bool {
    function::ALL.into_iter().any(|function| function.name() == name)
}

#[cfg(test)]
mod tests;
