//! `takes`: the parameters of a question, each with its default.

use crate::error::Report;

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name, without `$`.
    pub name: String,
    /// What it is unless somebody says otherwise; may be empty.
    pub default: String,
    /// What it means.
    pub meaning: String,
}

/// `name = default: meaning; name = default: meaning`
pub(super) fn parse(value: &str) -> Result<Vec<Taken>, Report> {
    let parameter = |part: &str| {
        let (name, rest) = part.split_once('=')?;
        let (default, meaning) = rest.split_once(':')?;
        let [name, default, meaning] = [name, default, meaning].map(|text| text.trim().to_owned());
        super::is_word(&name).then_some(Taken { name, default, meaning })
    };
    value.split(';').map(str::trim).filter(|part| !part.is_empty()).try_fold(
        Vec::new(),
        |mut taken, part| match parameter(part) {
            Some(parameter) => {
                taken.push(parameter);
                Ok(taken)
            }
            None => Err(Report::new("`takes` is not understood")
                .expected("parameters as `name = default: meaning`, parted by ;")
                .found(part)
                .hint("write `-- takes  sessions = 21: how many, counted back from the newest`")),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_may_be_empty_and_meanings_may_not_be_missing() {
        let taken = parse("sessions = 21: how many; ticker = : one only").unwrap();
        let parts: Vec<_> = taken
            .iter()
            .map(|t| (t.name.as_str(), t.default.as_str(), t.meaning.as_str()))
            .collect();
        assert_eq!(parts, [("sessions", "21", "how many"), ("ticker", "", "one only")]);
        assert_eq!(parse("sessions 21").unwrap_err().found.as_deref(), Some("sessions 21"));
        assert!(parse("sessions = 21").is_err() && parse("a b = 1: x").is_err());
    }
}
