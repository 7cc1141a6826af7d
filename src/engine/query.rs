//! `oddlot sql`: read-only questions to the tables of one output root.
//!
//! [`Catalog::open`] registers every table found under `<root>/tables/`, with its partition
//! columns. The cell tables show the models of each pipeline's last complete run; the same table
//! with `_all` behind its name shows every row there is.
//!
//! A query reads, and reads nothing but these tables: no DDL, no DML, no COPY, no SET, no file
//! named in FROM. A catalog is a view of one moment: [`Catalog::refresh`] looks again, since a
//! run may have replaced cells meanwhile. What it has seen it holds on to (`pinned`): a cell that is
//! replaced while it is read ends the query, and [`Catalog::answer`] begins anew.

mod ask;
mod bounded;
mod complete;
mod described;
mod format;
mod given;
mod held;
pub(crate) mod message;
pub(crate) mod pinned;
mod rows;
mod scored;
mod shell;
mod size;
mod tables;

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::{MemTable, MemoryCatalogProviderList};
use datafusion::common::ParamValues;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::object_store::DefaultObjectStoreRegistry;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_plan::common::collect;

use crate::error::{Error, Result};

use held::Held;

pub use ask::{count_anomalies, untold_alerts};
pub use complete::{COMPLETE, PARTIAL, SHARD};
pub use described::Described;
pub use format::{OutputFormat, TABLE_ROWS_MAX, Written, write};
pub use rows::Bound;
pub use scored::{ScoredRow, first_feature, scored_rows};
pub use shell::{Shell, Step, is_command};

/// Tables of which a reader sees one complete run: deterministic cells, replaced whole.
pub const CELL_TABLES: [&str; 4] = ["reconstructions", "errors", "anomalies", "events"];

/// Tables that grow by one object a run, or hold one row a model.
pub const RUN_TABLES: [&str; 4] = ["models", "runs", "ticker_status", "alerts"];

/// How often a reader begins anew because cells were replaced while it read.
const TRIES: usize = 20;

/// Reads anew for as long as cells are replaced meanwhile, within reason.
async fn until_unchanged<T>(read: impl AsyncFn() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES {
        match read().await {
            Err(error) if pinned::is_changed(&error) => {}
            done => return done,
        }
    }
    read().await
}

/// The tables of one output root, ready to be asked.
pub struct Catalog {
    /// What the tables are read with: functions, memory, object stores.
    base: SessionContext,
    root: String,
    context: SessionContext,
    tables: Vec<String>,
    functions: Vec<String>,
    notes: Vec<String>,
    held: &'static [NamedQuery],
}

/// A table's name, and the query whose rows it holds.
pub type NamedQuery = (&'static str, &'static str);

/// A question with all that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// One query.
    pub query: &'a str,
    /// What its `$name`s stand for.
    pub values: Values<'a>,
    /// How to write the answer.
    pub format: OutputFormat,
    /// Rows at most; `None` is all.
    pub rows_max: Option<u64>,
}

/// What the `$name`s of a query stand for.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Values as they are.
    Bound(&'a [(&'a str, Bound)]),
    /// Text, each of which becomes what the query needs there; every `$name` has one.
    Text(&'a [(String, String)]),
}

impl Catalog {
    /// Finds the tables under `root`: a folder, or a URL whose object store `context` knows.
    ///
    /// Functions, memory limit, threads and stores are those of `context`; its tables and its
    /// cache of file listings are not, so that a query sees nothing else and nothing stale.
    ///
    /// # Errors
    /// `Config` for a root that is no place, `Store` when it cannot be listed, `Data` for files
    /// that are no Parquet or do not fit together.
    pub async fn open(context: &SessionContext, root: &str) -> Result<Self> {
        Self::open_holding(context, root, &[]).await
    }

    /// The same with further tables: the rows of queries that are run once, for several others to read.
    ///
    /// # Errors
    /// Those of [`Catalog::open`] and of these queries.
    pub async fn open_holding(
        context: &SessionContext,
        root: &str,
        held: &'static [NamedQuery],
    ) -> Result<Self> {
        until_unchanged(async || Self::look(context, root, held).await).await
    }

    async fn look(
        context: &SessionContext,
        root: &str,
        held: &'static [NamedQuery],
    ) -> Result<Self> {
        let reader = reader(context)?;
        let mut catalog = Self {
            base: context.clone(),
            root: root.to_owned(),
            functions: function_names(&reader),
            context: reader,
            tables: Vec::new(),
            notes: Vec::new(),
            held,
        };
        let found = tables::register(&catalog.context, context, root).await?;
        catalog.notes.extend(found.notes);
        catalog.tables = found.names;
        let pipelines = complete::restrict(&catalog.context, &catalog.tables).await?;
        catalog.notes.extend(pipelines.into_iter().map(|pipeline| {
            format!("pipeline {pipeline} has no complete run: its rows are only in <table>_all")
        }));
        for (name, query) in held {
            catalog.hold(name, query).await?;
        }
        Ok(catalog)
    }

    async fn hold(&self, name: &str, query: &str) -> Result<()> {
        let told = |cause| message::report(cause, self.known());
        let rows = self.sql(query).await?;
        let schema = rows.schema();
        let batches = collect(rows).await.map_err(told)?;
        let table = MemTable::try_new(schema, vec![batches]).map_err(told)?;
        self.context.register_table(name, Arc::new(table)).map_err(told)?;
        Ok(())
    }

    /// Looks at the root again.
    ///
    /// # Errors
    /// Those of [`Catalog::open`].
    pub async fn refresh(&mut self) -> Result<()> {
        *self = Self::open_holding(&self.base, &self.root, self.held).await?;
        Ok(())
    }

    /// Tables present, sorted; the `_all` twins are not listed.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    /// Whether there is a table of that name.
    pub fn has(&self, table: &str) -> bool {
        self.tables.iter().any(|present| present == table)
    }

    /// What a reader should know of: pipelines without a complete run, files out of place.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Starts one query; rows come as they are read.
    ///
    /// # Errors
    /// `Config`: the query cannot be understood, names what is not there, or would write.
    /// `Store`, `Data`: a table cannot be read.
    pub async fn sql(&self, query: &str) -> Result<SendableRecordBatchStream> {
        self.start(query, Values::Bound(&[])).await
    }

    /// The same with values for the query's `$name`s: bound as values, never pasted as text.
    async fn start(&self, query: &str, values: Values<'_>) -> Result<SendableRecordBatchStream> {
        let read_only = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let told = |cause| message::report(cause, self.known());
        size::check(query)?;
        let frame = self.context.sql_with_options(query, read_only).await.map_err(told)?;
        let bound = |(name, value): &(&str, Bound)| ((*name).to_owned(), value.value().into());
        let values = match values {
            Values::Bound(values) => values.iter().map(bound).collect(),
            Values::Text(given) => given::bind(frame.logical_plan(), given, &told)?,
        };
        let frame = match values.is_empty() {
            true => frame,
            false => frame.with_param_values(ParamValues::Map(values)).map_err(told)?,
        };
        frame.execute_stream().await.map_err(told)
    }

    /// Runs one query and writes its rows; returns how many. Where a cell was replaced meanwhile and
    /// nothing is written yet, it looks again and begins anew.
    ///
    /// # Errors
    /// Those of [`Catalog::sql`], also for what happens while rows are read; `Output` when `out`
    /// cannot be written. A reader that has gone away (`| head`) is none.
    pub async fn answer(
        &self,
        query: &str,
        format: OutputFormat,
        out: &mut (dyn std::io::Write + Send),
    ) -> Result<u64> {
        self.answer_with(query, &[], format, out).await
    }

    /// The same, with values for the query's `$name`s.
    ///
    /// # Errors
    /// Those of [`Catalog::answer`].
    pub async fn answer_with(
        &self,
        query: &str,
        values: &[(&str, Bound)],
        format: OutputFormat,
        out: &mut (dyn std::io::Write + Send),
    ) -> Result<u64> {
        let values = Values::Bound(values);
        let asked = Asked { query, values, format, rows_max: format.rows_max() };
        Ok(self.answer_asked(asked, out).await?.n_rows)
    }

    /// The same of a question with all that goes with it; tells whether the answer was cut.
    ///
    /// # Errors
    /// Those of [`Catalog::answer`]; `Usage` where values and `$name`s are not the same.
    pub async fn answer_asked(
        &self,
        asked: Asked<'_>,
        out: &mut (dyn std::io::Write + Send),
    ) -> Result<Written> {
        let mut held = Held::new(out);
        let mut done = self.answer_into(asked, &mut held).await;
        for _ in 1..TRIES {
            match &done {
                Err(error) if pinned::is_changed(error) && held.forget() => {}
                _ => break,
            }
            let anew = Self::open_holding(&self.base, &self.root, self.held).await?;
            done = anew.answer_into(asked, &mut held).await;
        }
        if done.is_err() {
            // What has not passed need not look like an answer.
            held.forget();
        }
        held.pass_on().and(done)
    }

    async fn answer_into(
        &self,
        asked: Asked<'_>,
        out: &mut (dyn std::io::Write + Send),
    ) -> Result<Written> {
        let rows = self.start(asked.query, asked.values).await?;
        let told = |cause| message::report(cause, self.known());
        format::write_with(rows, asked.format, asked.rows_max, out, &told).await
    }

    fn known(&self) -> message::Known<'_> {
        message::Known { root: &self.root, tables: &self.tables, functions: &self.functions }
    }
}

/// Every function by name, sorted.
fn function_names(context: &SessionContext) -> Vec<String> {
    let state = context.state();
    let scalar = state.scalar_functions().keys();
    let names = scalar.chain(state.aggregate_functions().keys());
    let names: BTreeSet<&String> = names.chain(state.window_functions().keys()).collect();
    names.into_iter().cloned().collect()
}

/// A context of its own: no tables, no cached listings, no function that grows without measure,
/// `information_schema` for SHOW.
fn reader(base: &SessionContext) -> Result<SessionContext> {
    let cache = CacheManagerConfig::default().with_list_files_cache_limit(0);
    let runtime = RuntimeEnvBuilder::from_runtime_env(&base.runtime_env())
        .with_cache_manager(cache)
        // Its own, where each store is pinned.
        .with_object_store_registry(Arc::new(DefaultObjectStoreRegistry::new()))
        .build_arc()
        .map_err(|cause| Error::bug(format!("query session: {}", cause.strip_backtrace())))?;
    let state = base.state();
    let mut config = state.config().clone().with_information_schema(true);
    config.options_mut().sql_parser.collect_spans = true;
    let state = SessionStateBuilder::new_from_existing(state)
        .with_config(config.with_create_default_catalog_and_schema(true))
        .with_runtime_env(runtime)
        .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
        .build();
    let context = SessionContext::new_with_state(state);
    bounded::replace_growing(&context);
    Ok(context)
}

#[cfg(test)]
mod tests;
