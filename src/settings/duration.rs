//! A length of time, as in `timeout = "30s"`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    schema::text,
    tree::Value,
    value::{FromToml, Mismatch},
};

/// The longest that anybody would wait for one request.
const MOST: Duration = Duration::from_secs(60 * 60);

/// Units and their milliseconds.
const UNITS: [(&str, u64); 3] = [("ms", 1), ("s", 1_000), ("m", 60_000)];

impl FromToml for Duration {
    fn expected() -> String {
        "a time such as \"500ms\", \"30s\" or \"3m\", up to an hour".into()
    }

    fn from_toml(value: &Value) -> Result<Self, Mismatch> {
        let Value::Text(text) = value else { return Err(Mismatch::Type) };
        let text = text.trim();
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim());
        let number = number.parse::<u64>().ok();
        let (Some(number), Some((_, unit_ms))) = (number, unit) else {
            return Err(Mismatch::Text("is no time"));
        };
        match number.checked_mul(*unit_ms).map(Self::from_millis) {
            Some(time) if time > Self::ZERO && time <= MOST => Ok(time),
            _ => Err(Mismatch::Range),
        }
    }

    fn to_toml(&self) -> String {
        match self.as_millis() {
            ms if ms % 60_000 == 0 => format!("\"{}m\"", ms / 60_000),
            ms if ms % 1_000 == 0 => format!("\"{}s\"", ms / 1_000),
            ms => format!("\"{ms}ms\""),
        }
    }

    fn schema() -> Json {
        text(json!({ "type": "string", "pattern": r"^\s*\d+\s*(ms|s|m)\s*$" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Duration, Mismatch> {
        Duration::from_toml(&Value::Text(text.to_owned()))
    }

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        assert_eq!(of("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(of(" 30 s "), Ok(Duration::from_secs(30)));
        assert_eq!(of("60m"), Ok(MOST));
        for wrong in ["", "30", "s", "-1s", "1.5s", "30 sec", "1h"] {
            assert_eq!(of(wrong), Err(Mismatch::Text("is no time")), "{wrong}");
        }
        for outside in ["0s", "61m", "99999999999999999m"] {
            assert_eq!(of(outside), Err(Mismatch::Range), "{outside}");
        }
        assert_eq!(Duration::from_toml(&Value::Whole(Some(30))), Err(Mismatch::Type));
    }

    #[test]
    fn what_is_told_of_it_can_be_read_back() {
        for ms in [1, 250, 1_000, 90_000, 180_000] {
            let time = Duration::from_millis(ms);
            assert_eq!(of(time.to_toml().trim_matches('"')), Ok(time));
        }
    }
}
