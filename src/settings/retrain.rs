//! `retrain`: when a model that is there is made anew.

use serde_json::{Value as Json, json};

use super::{
    schema::text,
    tree::Value,
    value::{FromToml, Mismatch},
};

/// When a trained model is trained again. Another setting of its own always asks for another model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retrain {
    /// Never: not even where the rows that it learnt from have been restated.
    Never,
    /// As soon as a row that it learnt from, or was calibrated on, is another.
    #[default]
    WhenStale,
    /// So besides, and each time that the data have gone on by so many days: the split moves along.
    Every(Days),
}

/// Calendar days of the data, 1 to 3,650.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u16);

/// Ten years: a split that moves less often is better moved by hand.
const DAYS_MOST: u16 = 3_650;

impl Days {
    /// The number.
    pub fn get(self) -> i32 {
        i32::from(self.0)
    }
}

impl FromToml for Retrain {
    fn expected() -> String {
        "\"never\", \"when_stale\", or \"every 90d\" with 1 to 3650 days".into()
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        let Value::Text(text) = value else { return Err(Mismatch::Type) };
        match text.as_str() {
            "never" => Ok(Self::Never),
            "when_stale" => Ok(Self::WhenStale),
            text => every(text).ok_or(Mismatch::Text("says no such time")),
        }
    }

    fn to_toml(&self) -> String {
        match self {
            Self::Never => "\"never\"".into(),
            Self::WhenStale => "\"when_stale\"".into(),
            Self::Every(days) => format!("\"every {}d\"", days.0),
        }
    }

    fn schema() -> Json {
        let every = json!({ "type": "string", "pattern": r"^every \d+d$" });
        text(json!({ "anyOf": [{ "enum": ["never", "when_stale"] }, every] }))
    }
}

/// `every 90d`
fn every(text: &str) -> Option<Retrain> {
    let number = text.strip_prefix("every ")?.strip_suffix('d')?;
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let days = number.parse().ok().filter(|days| is_plain && (1..=DAYS_MOST).contains(days))?;
    Some(Retrain::Every(Days(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_or_a_number_of_days() {
        let of = |text: &str| Retrain::from_toml(&Value::Text(text.into()));
        assert_eq!(of("never"), Ok(Retrain::Never));
        assert_eq!(of("when_stale"), Ok(Retrain::WhenStale));
        for days in [1, 90, 3_650] {
            let text = format!("every {days}d");
            assert_eq!(of(&text), Ok(Retrain::Every(Days(days))));
            assert_eq!(of(&text).unwrap().to_toml(), format!("{text:?}"));
        }
        for wrong in [
            "every 0d",
            "every 3651d",
            "every d",
            "every +9d",
            "every 90",
            "every90d",
            "always",
            "",
        ] {
            assert_eq!(of(wrong), Err(Mismatch::Text("says no such time")), "{wrong}");
        }
        assert_eq!(Retrain::from_toml(&Value::Whole(Some(90))), Err(Mismatch::Type));
    }
}
