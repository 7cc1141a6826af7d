//! `memory_limit`: how much memory a run may take for what grows with its input.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    schema::text,
    tree::Value,
    value::{FromToml, Mismatch},
};

/// As in `memory_limit = "1GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryLimit(u64);

/// Below it a batch of rows and its windows would not fit.
const LEAST: ByteSize = ByteSize::mib(64);

impl MemoryLimit {
    /// What sorts and aggregates may hold before they spill to disk: half of it.
    pub fn of_queries(self) -> usize {
        usize::try_from(self.0 / 2).unwrap_or(usize::MAX)
    }

    /// What the rows that models learn from may take before they are read again for each use: a quarter.
    pub fn of_learning_rows(self) -> u64 {
        self.0 / 4
    }
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self(ByteSize::gib(2).as_u64())
    }
}

impl FromToml for MemoryLimit {
    fn expected() -> String {
        format!("a size such as \"1GiB\", {} at least", LEAST.display().iec())
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        let Value::Text(text) = value else { return Err(Mismatch::Type) };
        match text.parse::<ByteSize>() {
            Ok(size) if size >= LEAST => Ok(Self(size.as_u64())),
            Ok(_) => Err(Mismatch::Range),
            Err(_) => Err(Mismatch::Text("is no size")),
        }
    }

    fn to_toml(&self) -> String {
        format!("\"{}B\"", self.0)
    }

    fn schema() -> Json {
        text(
            json!({ "type": "string", "pattern": r"^\s*\d+(\.\d*)?\s*([kKmMgGtTpPeE]i?)?[bB]?\s*$" }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<u64, Mismatch> {
        MemoryLimit::from_toml(&Value::Text(text.to_owned())).map(|limit| limit.0)
    }

    #[test]
    fn sizes_have_units_and_a_least() {
        assert_eq!(of("1GiB"), Ok(1 << 30));
        assert_eq!(of("1.5 GiB"), Ok(3 << 29));
        assert_eq!(of("2000 MB"), Ok(2_000_000_000));
        assert_eq!(of("67108864"), Ok(64 << 20));
        assert_eq!(of("63MiB"), Err(Mismatch::Range));
        assert_eq!(of("plenty"), Err(Mismatch::Text("is no size")));
        assert_eq!(MemoryLimit::from_toml(&Value::Whole(Some(1))), Err(Mismatch::Type));
        assert_eq!(MemoryLimit::expected(), "a size such as \"1GiB\", 64.0 MiB at least");
    }

    #[test]
    fn what_is_told_of_it_can_be_written_back() {
        let limit = MemoryLimit::default();
        let Ok(text) = toml::from_str::<toml::Table>(&format!("x = {}", limit.to_toml())) else {
            panic!("no TOML");
        };
        assert_eq!(of(text["x"].as_str().unwrap()), Ok(limit.0));
    }
}
