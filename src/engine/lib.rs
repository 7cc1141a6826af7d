//! DataFusion for oddlot: read prices, run feature SQL, cut windows, score, write tables.
//!
//! Knows `oddlot-series` and never Burn: a network reaches it as a `dyn Fitted`.

pub mod alerts;
pub mod checks;
mod contained;
pub mod doctor;
pub mod error;
pub mod failpoint;
pub mod failure;
pub mod features;
pub mod fingerprint;
pub mod header;
pub mod import;
pub mod inspect;
pub mod judged;
pub mod labelled;
mod lookahead;
pub mod market;
mod off_tokio;
pub mod parquet_format;
mod pin;
pub mod places;
pub mod query;
pub mod relation;
pub mod rolling;
pub mod s3;
pub mod score;
pub mod session;
#[cfg(test)]
mod slt;
pub mod source;
pub mod sql_file;
mod step;
pub mod tables;
#[cfg(test)]
mod testing;
pub mod ticker_rows;
pub mod verify;
pub mod visible;
pub mod windows;

pub use datafusion::arrow::array::RecordBatch;
pub use datafusion::arrow::datatypes::SchemaRef;
pub use error::{Error, Kind, Report, Result};
pub use off_tokio::off_tokio;
pub use step::instant_type;
