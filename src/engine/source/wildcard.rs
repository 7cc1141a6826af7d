//! Globs over object paths: `*` and `?` within a name, `**` for any number of directories.

/// Whether `text` holds a wildcard.
pub(super) fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether the path's names match the pattern's names.
pub(super) fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            matches(rest, path)
                || path.split_first().is_some_and(|(_, deeper)| matches(pattern, deeper))
        }
        (Some((pattern, patterns)), Some((name, names))) => {
            name_matches(pattern.as_bytes(), name.as_bytes()) && matches(patterns, names)
        }
        _ => false,
    }
}

fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            name_matches(rest, name)
                || name.split_first().is_some_and(|(_, tail)| name_matches(pattern, tail))
        }
        (Some((b'?', patterns)), Some((_, names))) => name_matches(patterns, names),
        (Some((wanted, patterns)), Some((found, names))) => {
            wanted == found && name_matches(patterns, names)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stays_within_a_name() {
        assert!(matches(&["*.parquet"], &["a.parquet"]));
        assert!(!matches(&["*.parquet"], &["sub", "a.parquet"]));
        assert!(matches(&["20??", "p*"], &["2021", "part-0"]));
        assert!(!matches(&["20??"], &["202"]));
    }

    #[test]
    fn two_stars_are_any_number_of_directories() {
        assert!(matches(&["**", "*.parquet"], &["a.parquet"]));
        assert!(matches(&["**", "*.parquet"], &["x", "y", "a.parquet"]));
        assert!(!matches(&["**", "*.parquet"], &["x", "a.csv"]));
    }
}
