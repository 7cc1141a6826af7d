//! Labels and scores in files of the user's, for `oddlot evaluate`.
//!
//! A file is CSV or Parquet, whichever its first bytes say. Columns are found by their usual names unless a map
//! names them. What is wrong is told with its line (CSV) or row (Parquet), several mistakes at once.

mod columns;
mod file;
mod labels;
mod scores;
mod when;

pub use columns::{ColumnMap, PARTS};
pub use labels::{Interval, Labels, Marked, read_labels};
pub use scores::{GivenScores, read_scores};
pub use when::When;
