//! Names that are safe in paths, tables and SQL as they stand.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 1 to 64 lowercase letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Longest name.
const LENGTH_MAX: usize = 64;

/// Whether a name is a slug.
pub fn is_slug(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=LENGTH_MAX).contains(&name.len()) && name.bytes().all(is_allowed)
}

impl Slug {
    /// The name, if it is one.
    pub fn new(name: String) -> Option<Self> {
        is_slug(&name).then_some(Self(name))
    }

    /// A slug that looks like `name`, to propose.
    pub fn nearest(name: &str) -> String {
        let slug = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let slug: String = name.chars().take(LENGTH_MAX).map(slug).collect();
        if slug.is_empty() { "model".into() } else { slug }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::new(name).ok_or_else(|| "expected lowercase letters, digits and _".into())
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> String {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_hold_lowercase_letters_digits_and_underscores() {
        assert!(is_slug("sp500") && is_slug("5") && is_slug("a_b"));
        for name in ["", "SP500", "a-b", "a b", "../x", "é", &"x".repeat(65)] {
            assert!(!is_slug(name), "{name}");
        }
    }

    #[test]
    fn a_proposed_slug_is_one() {
        assert_eq!(Slug::nearest("My-Pipe.v2"), "my_pipe_v2");
        assert!(is_slug(&Slug::nearest(&"é".repeat(99))) && is_slug(&Slug::nearest("")));
    }
}
