//! The table contract: what oddlot writes, cell by cell, and how a cell is replaced whole.
//!
//! ```text
//! <root>/tables/<table>/pipeline=<slug>/year=<YYYY>/part-00000.parquet   cells: deterministic
//! <root>/tables/<table>/pipeline=<slug>/year=<YYYY>/run-<id>.parquet     run tables: one object a run
//! <root>/models/<model_id>/…                                             immutable artifacts
//! <root>/_state/…                                                        ledger, leases and pointers
//! <root>/_staging/<run_id>/…                                             unfinished work, local disks only
//! ```
//! Nothing else lies under `tables/<table>`: markers, manifests and temporary files there break
//! at least one of DuckDB, Polars and pyarrow.

mod carry;
pub mod cell;
mod durable;
pub mod lease;
pub mod ledger;
pub mod root;
pub mod run_tables;
pub mod schema;
pub mod spans;
pub mod writer;

pub use carry::{Carried, Made};
pub use cell::{Cell, Table};
pub use lease::{Asked, Holder, Lease, Terms};
pub use ledger::{CellEntry, Ledger, MadeOf, Origin, Removed};
pub use root::{OutputRoot, TRAINING, part_name};
pub use spans::EventSpans;
pub use writer::{CellWriter, StagedCell};

/// Version of the tables' schemas; part of every file's metadata.
pub const SCHEMA_VERSION: u32 = 1;

/// Bumped only when output bits change for equal inputs: it makes every cell stale.
pub const SCORING_VERSION: u32 = 4;
