//! One cell that may be a number.

/// What a cell of a numeric column says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    /// A finite number.
    Number(f64),
    /// Nothing, or blanks.
    Empty,
    /// A word for "missing", as `NA`.
    Missing,
    /// Anything else, infinities included.
    Text,
}

/// Words that stand for a missing number, in any case. FRED writes `.`, spreadsheets `#N/A`.
const MISSING: [&str; 10] = ["na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "."];

/// Reads a cell; blanks around it do not count.
pub(super) fn read(cell: &str) -> Cell {
    let cell = cell.trim();
    if cell.is_empty() {
        return Cell::Empty;
    }
    if MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word)) {
        return Cell::Missing;
    }
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => Cell::Number(number),
        _ => Cell::Text,
    }
}

/// What to try where a number was expected and this was found.
pub(super) fn hint(cell: &str) -> &'static str {
    let cell = cell.trim();
    let digits = |c: char| c.is_ascii_digit();
    if cell.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("inf") {
        "an infinite price is no price: leave the cell empty"
    } else if cell.contains(',') && cell.contains(digits) {
        "write numbers with a decimal point and no thousands separators"
    } else if cell.starts_with(digits) || cell.ends_with(digits) {
        "write the bare number, without sign of currency, unit or per cent"
    } else {
        "mend the cell, leave it empty, or name the columns to keep with `--columns`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_nearest_double() {
        assert_eq!(read("16.66"), Cell::Number(16.66));
        assert_eq!(read(" 1e-3 "), Cell::Number(0.001));
        assert_eq!(read("+5"), Cell::Number(5.0));
    }

    #[test]
    fn words_for_missing_are_not_text() {
        for word in ["NA", "NaN", "null", ".", "#N/A", "None"] {
            assert_eq!(read(word), Cell::Missing, "{word}");
        }
        assert_eq!(read("  "), Cell::Empty);
    }

    #[test]
    fn infinity_and_overflow_are_no_numbers() {
        for cell in ["inf", "-Infinity", "1e999", "1,234.5", "$3"] {
            assert_eq!(read(cell), Cell::Text, "{cell}");
        }
    }
}
