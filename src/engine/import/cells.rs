//! One cell that may be a number, and which sign parts its decimals.

/// The sign before the decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    /// 1.5
    #[default]
    Point,
    /// 1,5
    Comma,
}

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
pub(super) fn read(cell: &str, decimal: Decimal) -> Cell {
    let cell = cell.trim();
    if cell.is_empty() {
        return Cell::Empty;
    }
    if MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word)) {
        return Cell::Missing;
    }
    let number = match decimal {
        Decimal::Point => cell.parse::<f64>(),
        Decimal::Comma if cell.contains('.') => return Cell::Text,
        Decimal::Comma => cell.replace(',', ".").parse(),
    };
    match number {
        Ok(number) if number.is_finite() => Cell::Number(number),
        _ => Cell::Text,
    }
}

/// True where a double cannot hold all digits of a whole number.
pub(super) fn is_rounded(cell: &str) -> bool {
    const DIGITS_SAFE: usize = 15;
    let digits = cell.trim().trim_start_matches(['+', '-']);
    digits.len() > DIGITS_SAFE
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<f64>().is_ok_and(|number| format!("{number:.0}") != digits)
}

/// How often cells of one file speak for the one sign or the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    /// Numbers only with a decimal comma, as `1,5`, `1234,56` and `0,125`.
    pub(super) n_commas: u64,
    /// Numbers with a decimal point.
    n_points: u64,
    /// `1,234`: a thousand or little more than one.
    n_ambiguous: u64,
}

impl Signs {
    pub(super) fn take(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.contains('.') {
            self.n_points += u64::from(matches!(read(cell, Decimal::Point), Cell::Number(_)));
        } else if cell.contains(',') && matches!(read(cell, Decimal::Comma), Cell::Number(_)) {
            let (whole, decimals) = cell.split_once(',').unwrap_or_default();
            let whole = whole.trim_start_matches(['+', '-']);
            let is_grouped = decimals.len() == 3 && (1..=3).contains(&whole.len());
            match is_grouped && !whole.starts_with('0') {
                true => self.n_ambiguous += 1,
                false => self.n_commas += 1,
            }
        }
    }

    /// A comma only where some cell can be read no other way and no cell has a point.
    pub(super) fn decimal(self) -> Decimal {
        match self.n_commas > 0 && self.n_points == 0 {
            true => Decimal::Comma,
            false => Decimal::Point,
        }
    }
}

/// What to try where a number was expected and this was found.
pub(super) fn hint(cell: &str) -> &'static str {
    let cell = cell.trim();
    let digits = |c: char| c.is_ascii_digit();
    if cell.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("inf") {
        "an infinite price is no price: leave the cell empty"
    } else if cell.contains(',') && cell.contains(digits) {
        "a decimal comma is read with `--decimal comma`; a separator of thousands must go"
    } else if cell.starts_with(digits) || cell.ends_with(digits) {
        "write the bare number, without sign of currency, unit or per cent"
    } else {
        "mend the cell, leave it empty, or name the columns to keep with `--columns`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(cell: &str) -> Cell {
        read(cell, Decimal::Point)
    }

    #[test]
    fn numbers_are_read_as_the_nearest_double() {
        assert_eq!(point("16.66"), Cell::Number(16.66));
        assert_eq!(point(" 1e-3 "), Cell::Number(0.001));
        assert_eq!(point("+5"), Cell::Number(5.0));
    }

    #[test]
    fn words_for_missing_are_not_text() {
        for word in ["NA", "NaN", "null", ".", "#N/A", "None"] {
            assert_eq!(point(word), Cell::Missing, "{word}");
        }
        assert_eq!(point("  "), Cell::Empty);
    }

    #[test]
    fn infinity_and_overflow_are_no_numbers() {
        for cell in ["inf", "-Infinity", "1e999", "1,234.5", "$3"] {
            assert_eq!(point(cell), Cell::Text, "{cell}");
        }
    }

    #[test]
    fn with_a_decimal_comma_a_point_is_no_number() {
        assert_eq!(read("1234,56", Decimal::Comma), Cell::Number(1234.56));
        assert_eq!(read("1.234,56", Decimal::Comma), Cell::Text);
        assert_eq!(read("1,234,567", Decimal::Comma), Cell::Text);
    }

    #[test]
    fn a_comma_is_decimal_only_where_nothing_speaks_against_it() {
        let decimal = |cells: &[&str]| {
            let mut signs = Signs::default();
            cells.iter().for_each(|cell| signs.take(cell));
            signs.decimal()
        };
        assert_eq!(decimal(&["1,5", "2", "1,234"]), Decimal::Comma);
        assert_eq!(decimal(&["0,125"]), Decimal::Comma);
        assert_eq!(decimal(&["1,234", "2,345"]), Decimal::Point);
        assert_eq!(decimal(&["1,5", "2.5"]), Decimal::Point);
    }

    #[test]
    fn a_whole_number_beyond_a_double_is_seen() {
        assert!(!is_rounded("9007199254740992"));
        assert!(is_rounded("9007199254740993"));
        assert!(!is_rounded("0.05614768446316694"));
    }
}
