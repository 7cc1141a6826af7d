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
    fn a_name_far_from_all_finds_none() {
        assert_eq!(nearest("horizon", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
    }
}
