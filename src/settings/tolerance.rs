//! How many tickers may fail: a number of them, or a share of all.

use serde::{Deserialize, Serialize};

use serde_json::{Value as Json, json};

use super::{
    range::{Fraction, Tickers},
    tree::Value,
    value::{FromToml, Mismatch},
};

/// More failed tickers than this make a run end with exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tolerance {
    /// So many.
    Tickers(Tickers),
    /// Such a share of all.
    Share(Fraction),
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::Tickers(Tickers::literal(0))
    }
}

impl Tolerance {
    /// Whether `n_failed` of `n_tickers` may fail.
    pub fn allows(self, n_failed: usize, n_tickers: usize) -> bool {
        match self {
            Self::Tickers(most) => n_failed <= most.get(),
            Self::Share(most) => n_failed as f64 <= most.get() * n_tickers as f64,
        }
    }
}

impl FromToml for Tolerance {
    fn expected() -> String {
        format!("{}, or a share: {}", Tickers::expected(), Fraction::expected())
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Real(_) => Fraction::from_toml(value).map(Self::Share),
            _ => Tickers::from_toml(value).map(Self::Tickers),
        }
    }

    fn to_toml(&self) -> String {
        match self {
            Self::Tickers(most) => most.to_toml(),
            Self::Share(most) => most.to_toml(),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Tickers::schema(), Fraction::schema()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> Result<Tolerance, Mismatch> {
        Tolerance::from_toml(&value)
    }

    #[test]
    fn a_whole_number_is_a_count_and_a_number_with_a_point_a_share() {
        let two = of(Value::Whole(Some(2))).unwrap();
        assert!(two.allows(2, 2) && !two.allows(3, 1_000));
        let quarter = of(Value::Real(Some(0.25))).unwrap();
        assert!(quarter.allows(1, 4) && !quarter.allows(1, 3) && quarter.allows(0, 0));
        assert!(Tolerance::default().allows(0, 5) && !Tolerance::default().allows(1, 5));
    }

    #[test]
    fn a_share_of_all_or_none_or_more_is_refused() {
        for share in [0.0, 1.0, 1.5, -0.1, f64::NAN] {
            assert_eq!(of(Value::Real(Some(share))), Err(Mismatch::Range), "{share}");
        }
        assert_eq!(of(Value::Whole(Some(-1))), Err(Mismatch::Range));
        assert_eq!(of(Value::Text("5 %".into())), Err(Mismatch::Type));
    }
}
