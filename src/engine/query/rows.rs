//! The rows of a query as structs, and values for its `$name`s.

use datafusion::common::ScalarValue;
use serde::de::DeserializeOwned;

use super::{Catalog, OutputFormat};
use crate::error::{Error, Result};

/// What a `$name` of a query stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Text, whatever it says.
    Text(String),
    /// A day since 1970-01-01.
    Day(i32),
    /// A whole number.
    Whole(i64),
}

impl From<&str> for Bound {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Bound {
    /// What the planner binds.
    pub(super) fn value(&self) -> ScalarValue {
        match self {
            Self::Text(text) => ScalarValue::from(text.as_str()),
            Self::Day(days) => ScalarValue::Date32(Some(*days)),
            Self::Whole(n) => ScalarValue::Int64(Some(*n)),
        }
    }
}

impl Catalog {
    /// All rows of a query, each read from its columns by name. Instants and days are text there; a query that
    /// wants numbers casts them.
    ///
    /// # Errors
    /// Those of [`Catalog::answer`]; a bug where the columns are not those of `T`.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        query: &str,
        values: &[(&str, Bound)],
    ) -> Result<Vec<T>> {
        let mut lines = Vec::new();
        self.answer_with(query, values, OutputFormat::JsonLines, &mut lines).await?;
        let row = |line: &[u8]| {
            serde_json::from_slice(line)
                .map_err(|error| Error::bug(format!("a row of a query: {error}")))
        };
        lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(row).collect()
    }
}
