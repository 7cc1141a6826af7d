//! One DataFusion session: our functions and rule, bounded memory, one ordered stream.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

pub use datafusion::prelude::SessionContext;

use crate::contained::ContainScans;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::windows::{self, StreamRollingWindows};

/// The rule of DataFusion's that plans sorts; ours must come before it.
const PLANS_SORTS: &str = "EnsureRequirements";

/// How a pipeline's session runs.
#[derive(Clone, Copy, Debug)]
pub struct SessionOptions {
    /// Plans that are drawn up at a time. They have one partition whatever this says: the
    /// pipeline is one ordered stream, and scoring is parallel by itself.
    pub threads: usize,
    /// What sorts and aggregates may hold before they spill to disk; `None` is no limit.
    pub memory_limit_bytes: Option<usize>,
    /// What they may spill to disk at a time; `None` is DataFusion's own limit.
    pub spill_limit_bytes: Option<u64>,
    /// Rows of a batch.
    pub batch_rows: usize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { threads: 1, memory_limit_bytes: None, spill_limit_bytes: None, batch_rows: 8192 }
    }
}

/// A session for one pipeline: nothing registered but our functions.
///
/// # Errors
/// DataFusion's runtime cannot be set up.
pub fn session(options: &SessionOptions) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(options.batch_rows.max(1))
        .with_information_schema(false);
    let settings = config.options_mut();
    settings.execution.time_zone = Some("UTC".into());
    settings.execution.planning_concurrency = options.threads.max(1);
    // Plain Utf8 everywhere: a view type would show in the tables we write.
    settings.execution.parquet.schema_force_view_types = false;
    settings.sql_parser.map_string_types_to_utf8view = false;
    // A mistake in a SQL file is told with its line.
    settings.sql_parser.collect_spans = true;

    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(limit_bytes) = options.memory_limit_bytes {
        let pool = FairSpillPool::new(limit_bytes);
        let pool = TrackConsumersPool::new(pool, NonZeroUsize::MIN.saturating_add(4));
        runtime = runtime.with_memory_pool(Arc::new(pool));
    }
    if let Some(limit_bytes) = options.spill_limit_bytes {
        runtime = runtime.with_max_temp_directory_size(limit_bytes);
    }
    let runtime = runtime
        .build_arc()
        .map_err(|error| Error::bug(format!("DataFusion's runtime: {error}")))?;

    let mut rules = PhysicalOptimizer::new().rules;
    let before_sorts = rules.iter().position(|rule| rule.name() == PLANS_SORTS);
    let before_sorts =
        before_sorts.ok_or_else(|| Error::bug(format!("DataFusion has no rule {PLANS_SORTS}")))?;
    rules.insert(before_sorts, Arc::new(StreamRollingWindows));
    rules.push(Arc::new(ContainScans));

    let market = Arc::new(Market::default());
    let config = config.with_extension(Arc::clone(&market));
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_physical_optimizer_rules(rules)
        .build();
    let context = SessionContext::new_with_state(state);
    for function in windows::functions() {
        context.register_udwf(function);
    }
    context.register_udf(market.function());
    Ok(context)
}
