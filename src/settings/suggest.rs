//! "Did you mean": the known name nearest to a misspelt one.

/// The known name that is a plausible misspelling of `written`, if there is one.
///
/// Plausible is a Damerau-Levenshtein distance of at most a third of the longer name.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let written = written.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, name), name))
        .filter(|(distance, name)| 3 * distance <= written.chars().count().max(name.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The same in words; `None` where none is near.
pub fn hint_of<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(written, known).map(|meant| format!("did you mean `{meant}`?"))
}

/// The known name that is nearest once all letters are small, as it is written.
pub fn nearest_in_small<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let small: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
    let meant = nearest(written, small.iter().map(String::as_str))?;
    small.iter().position(|name| name == meant).map(|idx| known[idx])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["length", "sql", "max_gap_days", "epochs"];

    #[test]
    fn misspelt_names_find_theirs() {
        assert_eq!(nearest("lenght", KNOWN), Some("length"));
        assert_eq!(nearest("Epoch", KNOWN), Some("epochs"));
        assert_eq!(nearest("max-gap-day", KNOWN), Some("max_gap_days"));
    }

    #[test]
    fn names_that_differ_in_case_are_near_and_told_as_they_are_written() {
        assert_eq!(nearest_in_small("brk.a", &["AAPL", "BRK.B", "Brk.A"]), Some("Brk.A"));
        assert_eq!(nearest_in_small("TSLA", &["aapl"]), None);
        assert_eq!(hint_of("Epoch", KNOWN).as_deref(), Some("did you mean `epochs`?"));
        assert_eq!(hint_of("horizon", KNOWN), None);
    }

    #[test]
    fn a_name_far_from_all_finds_none() {
        assert_eq!(nearest("horizon", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
    }
}
