//! Times of day.

use serde_json::{Value as Json, json};

use super::{
    schema::text,
    tree::Value,
    value::{FromToml, Mismatch},
};

/// Minutes after the midnight, UTC, that a session's date begins with; 1,440 is the midnight that it ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// When US exchanges are closed, in winter and in summer.
    pub const US_CLOSE: Self = Self(21 * 60);

    /// Minutes after midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl FromToml for TimeOfDay {
    fn expected() -> String {
        "a time of day, UTC, from \"00:00\" to \"24:00\"".into()
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        let Value::Text(text) = value else { return Err(Mismatch::Type) };
        let two_digits =
            |text: &str| match text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) {
                true => text.parse::<u16>().ok(),
                false => None,
            };
        let time = text.split_once(':').and_then(|(hours, minutes)| {
            two_digits(hours).zip(two_digits(minutes).filter(|minutes| *minutes < 60))
        });
        match time.map(|(hours, minutes)| hours * 60 + minutes) {
            Some(minutes) if minutes <= 24 * 60 => Ok(Self(minutes)),
            _ => Err(Mismatch::Text("is no time of day")),
        }
    }

    fn to_toml(&self) -> String {
        format!("\"{:02}:{:02}\"", self.0 / 60, self.0 % 60)
    }

    fn schema() -> Json {
        text(json!({ "type": "string", "pattern": r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_hours_and_minutes_of_two_digits() {
        let of = |text: &str| TimeOfDay::from_toml(&Value::Text(text.into()));
        for (text, minutes) in [("00:00", 0), ("06:30", 390), ("21:00", 1_260), ("24:00", 1_440)] {
            assert_eq!(of(text), Ok(TimeOfDay(minutes)));
            assert_eq!(TimeOfDay(minutes).to_toml(), format!("\"{text}\""));
        }
        for text in ["24:01", "9:00", "21", "21:60", "21:00:00", "-1:00", "", "+1:00"] {
            assert_eq!(of(text), Err(Mismatch::Text("is no time of day")), "{text}");
        }
        assert_eq!(TimeOfDay::from_toml(&Value::Whole(Some(21))), Err(Mismatch::Type));
    }
}
