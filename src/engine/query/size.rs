//! How long a query may be, and how deep what it says may nest.
//!
//! Planning recurses over what a query says. Brackets are counted by the parser, which stops at
//! fifty of them; but `1 + 1 + 1 + …` nests by its length alone, and so does a chain of UNION, of
//! joins or of casts. Words and signs are what such a chain is made of. Literals, commas and
//! brackets are not: a list in IN may be as long as the text.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, Report, Result};

/// A list of a hundred thousand tickers fits. What it is parsed into takes a hundred times as much, and a literal
/// becomes a column of a batch.
const BYTES_MAX: usize = 2 << 20;

/// Words and signs. A chain as long as that is planned on 256 MiB of stack (`sql` has that), if slowly.
const WORDS_MAX: usize = 4_000;

/// Refuses what is too long to be planned.
///
/// # Errors
/// `Config`.
pub(super) fn check(query: &str) -> Result<()> {
    if query.len() > BYTES_MAX {
        return Err(too_long(
            &format!("at most {BYTES_MAX} bytes"),
            &format!("{} bytes", query.len()),
        ));
    }
    // What cannot be parted into words is told by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, query).tokenize() else { return Ok(()) };
    let n_words = tokens.iter().filter(|token| is_counted(token)).count();
    match n_words > WORDS_MAX {
        true => {
            let expected = format!("at most {WORDS_MAX} words and signs, literals aside");
            Err(too_long(&expected, &format!("{n_words}")))
        }
        false => Ok(()),
    }
}

fn too_long(expected: &str, found: &str) -> Error {
    let report = Report::new("the query is too long").expected(expected).found(found);
    Error::config(
        report.hint("ask for a range, or join with what the tables have, instead of listing it"),
    )
}

fn is_counted(token: &Token) -> bool {
    !matches!(
        token,
        Token::EOF
            | Token::Whitespace(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Comma
            | Token::LParen
            | Token::RParen
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_taken_and_long_chains_are_not() {
        let list = vec!["'AAPL'"; 100_000].join(", ");
        assert_eq!(check(&format!("SELECT * FROM errors WHERE ticker IN ({list})")), Ok(()));
        for chain in ["1+".repeat(4_001), "SELECT 1 UNION ".repeat(2_001), "errors,".repeat(4_001)]
        {
            let error = check(&chain).unwrap_err();
            assert_eq!(error.reports[0].title, "the query is too long", "{}", &chain[..8]);
        }
        let error = check(&format!("SELECT '{}'", "x".repeat(BYTES_MAX))).unwrap_err();
        assert_eq!(error.reports[0].expected.as_deref(), Some("at most 2097152 bytes"));
    }
}
