//! Figures as people read them: `32 ± 2.8`.

use serde::Deserialize;

/// How a figure is written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "toml::Value")]
pub(super) enum Digits {
    /// So many after the point.
    After(usize),
    /// A day, of the number 20161227.
    Date,
}

impl Default for Digits {
    fn default() -> Self {
        Self::After(4)
    }
}

impl TryFrom<toml::Value> for Digits {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Integer(digits @ 0..=12) => Ok(Self::After(digits as usize)),
            toml::Value::String(text) if text == "date" => Ok(Self::Date),
            other => Err(format!("expected digits from 0 to 12, or \"date\", found {other}")),
        }
    }
}

impl Digits {
    /// Mean ± standard deviation (of a sample) of one value a seed, of days the first and the last; a single
    /// one where all are alike.
    pub(super) fn spread(self, values: &[f64]) -> String {
        let Some((first, others)) = values.split_first() else { return "–".to_owned() };
        let is_same = others.iter().all(|value| value == first);
        match self {
            Self::After(digits) if is_same => number(*first, digits),
            Self::After(digits) => mean_and_deviation(values, digits),
            Self::Date if is_same => date(*first),
            Self::Date => {
                let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
                let ends = values.iter().fold((least, most), |(l, m), v| (l.min(*v), m.max(*v)));
                format!("{} … {}", date(ends.0), date(ends.1))
            }
        }
    }
}

fn mean_and_deviation(values: &[f64], digits: usize) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = |value: &f64| (value - mean) * (value - mean);
    let sd = (values.iter().map(square).sum::<f64>() / (n - 1.0)).sqrt();
    let sd_digits = if digits == 0 { 1 } else { digits };
    format!("{} ± {}", number(mean, digits), number(sd, sd_digits))
}

/// Whole numbers in groups of three; what rounds away in powers of ten.
fn number(value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let is_lost = value != 0.0
        && digits > 0
        && plain.trim_start_matches('-').chars().all(|c| "0.".contains(c));
    if is_lost {
        return format!("{value:.1e}");
    }
    if digits > 0 || value.abs() < 10_000.0 {
        return plain;
    }
    let (sign, digits) = plain.split_at(usize::from(value < 0.0));
    let first = match digits.len() % 3 {
        0 => 3,
        first => first,
    };
    let (mut grouped, mut rest) = (format!("{sign}{}", &digits[..first]), &digits[first..]);
    while !rest.is_empty() {
        grouped.push(',');
        grouped.push_str(&rest[..3]);
        rest = &rest[3..];
    }
    grouped
}

fn date(value: f64) -> String {
    let digits = format!("{value:.0}");
    match digits.len() {
        8 => format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_by_hand() {
        // Mean 32, squares 4 and 4 over one degree of freedom: √8.
        assert_eq!(Digits::After(0).spread(&[30.0, 34.0]), "32 ± 2.8");
        assert_eq!(Digits::After(0).spread(&[198_273.0; 5]), "198,273");
        assert_eq!(Digits::After(4).spread(&[1.6e-5]), "1.6e-5");
        assert_eq!(Digits::After(4).spread(&[0.0, 0.0]), "0.0000");
        assert_eq!(Digits::Date.spread(&[20_161_227.0; 2]), "2016-12-27");
        // The mean of two days as numbers would be the 65th of the 66th month.
        assert_eq!(Digits::Date.spread(&[20_170_103.0, 20_161_227.0]), "2016-12-27 … 2017-01-03");
    }

    #[test]
    fn whole_numbers_are_written_in_groups_of_three() {
        let shown = |value: f64| Digits::After(0).spread(&[value]);
        assert_eq!([9_999.0, 10_000.0].map(shown), ["9999", "10,000"]);
        assert_eq!([1_234_567.0, -198_273.0].map(shown), ["1,234,567", "-198,273"]);
    }

    #[test]
    fn nothing_is_a_dash() {
        assert_eq!(Digits::After(2).spread(&[]), "–");
        assert_eq!(Digits::Date.spread(&[]), "–");
    }
}
