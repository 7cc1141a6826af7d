//! DataFusion for oddlot: read prices, run feature SQL, cut windows, score, write tables.
//!
//! Knows `oddlot-series` and never Burn: a network reaches it as a `dyn Fitted`.

pub mod error;
pub mod import;
pub mod parquet_format;
pub mod failure;
pub mod features;
pub mod header;
mod lookahead;
pub mod relation;
pub mod rolling;
pub mod session;
pub mod sql_file;
mod step;
pub mod windows;

pub use step::instant_type;
pub use error::{Error, Kind, Report, Result};
