//! `[universe]` and `[output]`: which tickers count, and where the tables go.

use serde::{Deserialize, Serialize};

use super::{
    fields::Fields,
    range::{GapDays, Parts, Positive, Rows},
    s3::S3,
    tolerance::Tolerance,
    value::Placed,
};

/// `[universe]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Universe {
    /// A ticker with fewer rows is skipped.
    pub min_rows: Option<Rows>,
    /// A ticker whose last usable price is lower is not scored.
    pub min_price: Option<Positive>,
    /// A ticker whose last row is so many days before the end of the data is not scored.
    pub last_seen: Option<GapDays>,
    /// More failed tickers than this make the run end with exit code 1.
    pub max_failed_tickers: Option<Tolerance>,
}

/// `[output]`
#[derive(Clone, Debug)]
pub struct Output {
    /// A folder or URL; relative to the pipeline file.
    pub root: Placed<String>,
    /// Files that a table's year is split into.
    pub parts: Placed<Parts>,
    /// `[output.s3]`: how the bucket of `root` is reached.
    pub s3: Option<S3>,
}

impl Universe {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let min_rows = fields.optional("min_rows", "min_rows = 250").map(|rows| rows.value);
        let min_price = fields.optional("min_price", "min_price = 1.0").map(|least| least.value);
        let last_seen = fields.optional("last_seen", "last_seen = 30").map(|most| most.value);
        let max_failed_tickers =
            fields.optional("max_failed_tickers", "max_failed_tickers = 10").map(|most| most.value);
        fields.finish();
        Self { min_rows, min_price, last_seen, max_failed_tickers }
    }
}

impl Output {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Option<Self> {
        let root = fields.required("root", "root = \"../out\"");
        let parts = fields.or("parts", Parts::literal(1));
        let s3 = fields.optional_table("s3").map(S3::read);
        fields.finish();
        Some(Self { root: root?, parts, s3 })
    }
}
