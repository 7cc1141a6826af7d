//! Why an answer could not be written; a reader that has gone away is no failure.

use std::io;

use datafusion::arrow::error::ArrowError;

use super::Written;
use crate::error::{Error, Kind, Report, Result};
use crate::query::message;

/// Why rows could not be written.
pub(super) struct Failure {
    text: String,
    is_reader_gone: bool,
}

impl Failure {
    /// A reader that went away got what it wanted.
    pub(super) fn settle(self, written: Written) -> Result<Written> {
        match self.is_reader_gone {
            true => Ok(written),
            false => Err(Error::new(
                Kind::Output,
                Report::new("the answer cannot be written").found(message::printable(&self.text)),
            )),
        }
    }

    /// Some writers wrap the cause as text only.
    fn of(cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut is_reader_gone = cause.to_string().contains("Broken pipe");
        let mut next = Some(cause);
        while let Some(cause) = next {
            let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
            is_reader_gone |= io == Some(io::ErrorKind::BrokenPipe);
            next = cause.source();
        }
        Self { text: cause.to_string(), is_reader_gone }
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::of(&cause)
    }
}

impl From<csv::Error> for Failure {
    fn from(cause: csv::Error) -> Self {
        Self::of(&cause)
    }
}

impl From<ArrowError> for Failure {
    fn from(cause: ArrowError) -> Self {
        Self::of(&cause)
    }
}

impl From<datafusion::parquet::errors::ParquetError> for Failure {
    fn from(cause: datafusion::parquet::errors::ParquetError) -> Self {
        Self::of(&cause)
    }
}
