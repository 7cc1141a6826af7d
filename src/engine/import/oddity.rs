//! Kinds of oddities, by name, and what can be done with each.

use std::fmt;

use super::shown;

/// A thing about the input that a person should know of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OddityKind {
    /// The file is gzip or zstd.
    Compressed,
    /// The file begins with a byte-order mark.
    ByteOrderMark,
    /// Lines end in CR LF.
    CarriageReturn,
    /// The last line has no newline.
    NoLastNewline,
    /// Lines with nothing on them.
    EmptyLine,
    /// Fields are parted by something else than commas.
    Delimiter,
    /// Numbers with a comma before their decimals.
    DecimalComma,
    /// A row with more or fewer fields than the header.
    RaggedRow,
    /// A column without a name.
    NamelessColumn,
    /// This column holds text.
    TextColumn(String),
    /// Years of two digits.
    TwoDigitYear,
    /// Instants without a zone.
    InstantWithoutZone,
    /// Digits beyond the microsecond.
    FinerThanMicrosecond,
    /// A time that the format of its file does not read.
    BadTime,
    /// A row without a ticker.
    EmptyTicker,
    /// A ticker with blanks around it.
    PaddedTicker,
    /// A ticker with rows in several files.
    SplitTicker,
    /// Cells with blanks around the number.
    PaddedCell,
    /// Whole numbers that a double cannot hold.
    BigInteger,
    /// Empty cells of this column.
    EmptyCell(String),
    /// Words for "missing" in this column.
    MissingWord(String),
    /// Text in this column of numbers.
    BadNumber(String),
    /// A ticker's rows run from new to old.
    NewestFirst,
    /// Rows earlier than the row of their ticker above them.
    BackwardTime,
    /// Rows whose ticker sorts before that of the row above them.
    TickersMixed,
    /// Rows equal to an earlier row of their ticker and time.
    EqualDuplicate,
    /// Rows of the ticker and time of another row but with other values.
    ConflictingDuplicate,
    /// Instants that do not follow at the ticker's usual step.
    IrregularStep,
    /// Prices of zero or below.
    NonPositivePrice,
    /// High below low, or open or close outside them.
    Ohlc,
    /// A volume of zero.
    ZeroVolume,
    /// A close far from the one before.
    LargeMove,
    /// Sessions within a ticker's history that it has no rows for.
    Gap,
    /// A day that hardly any other ticker has.
    OffCalendar,
    /// A ticker with fewer sessions than there are.
    ShortHistory,
}

/// What is done with an oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Told, and taken as the report says.
    Keep,
    /// Left out: the row, the line, the column or the ticker.
    Drop,
    /// Made null.
    Null,
    /// The first of the rows is kept.
    First,
    /// The last of the rows is kept.
    Last,
    /// Nothing is imported.
    Refuse,
}

/// One kind of oddity as the command line and the report know it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) slug: &'static str,
    /// What it is, in the plural.
    pub(super) what: &'static str,
    /// What can be done and how that is told; the default first.
    pub(super) choices: &'static [(Action, &'static str)],
}

use Action::{Drop, First, Keep, Last, Null, Refuse};

const STOP: (Action, &str) = (Refuse, "refused");

const fn entry(
    slug: &'static str,
    what: &'static str,
    choices: &'static [(Action, &'static str)],
) -> Entry {
    Entry { slug, what, choices }
}

/// Every kind, in the order of [`OddityKind`].
pub(super) const ENTRIES: [Entry; 35] = [
    entry("compressed", "compressed files", &[(Keep, "unpacked"), STOP]),
    entry("byte-order-mark", "byte-order marks at the start", &[(Keep, "skipped"), STOP]),
    entry("crlf", "lines that end in CR LF", &[(Keep, "read alike"), STOP]),
    entry("no-last-newline", "last lines without a newline", &[(Keep, "read alike"), STOP]),
    entry("empty-line", "empty lines", &[(Drop, "skipped"), STOP]),
    entry("delimiter", "files whose fields no comma parts", &[(Keep, "read so"), STOP]),
    entry("decimal-comma", "numbers with a decimal comma", &[(Keep, "read so"), STOP]),
    entry(
        "ragged-row",
        "rows with another number of fields than the header",
        &[STOP, (Drop, "left out")],
    ),
    entry("nameless-column", "columns without a name", &[(Drop, "dropped"), STOP]),
    entry("text-column", "cells of the text column", &[(Drop, "dropped"), STOP]),
    entry("two-digit-year", "years of two digits", &[(Keep, "read within a century"), STOP]),
    entry("no-zone", "instants without a zone", &[(Keep, "read as UTC"), STOP]),
    entry("sub-microsecond", "instants finer than a microsecond", &[(Keep, "cut to it"), STOP]),
    entry("bad-time", "rows whose time cannot be read", &[STOP, (Drop, "left out")]),
    entry("empty-ticker", "rows without a ticker", &[STOP, (Drop, "left out")]),
    entry("padded-ticker", "rows with blanks around the ticker", &[(Keep, "kept as it is"), STOP]),
    entry("split-ticker", "tickers with rows in several files", &[(Keep, "put together"), STOP]),
    entry("padded-number", "cells with blanks around them", &[(Keep, "read without"), STOP]),
    entry(
        "big-integer",
        "whole numbers beyond 2^53",
        &[(Keep, "rounded to the nearest double"), (Null, "made null"), STOP],
    ),
    entry(
        "empty-cell",
        "empty cells",
        &[(Keep, "kept as null"), (Drop, "their rows left out"), STOP],
    ),
    entry(
        "missing-word",
        "cells that say missing",
        &[(Keep, "kept as null"), (Drop, "their rows left out"), STOP],
    ),
    entry(
        "bad-number",
        "cells that are no number",
        &[STOP, (Null, "made null"), (Drop, "their rows left out")],
    ),
    entry("newest-first", "rows that run from new to old", &[(Keep, "sorted"), STOP]),
    entry("backward-time", "rows earlier than the row above them", &[(Keep, "sorted"), STOP]),
    entry(
        "mixed-tickers",
        "rows whose ticker sorts before the one above",
        &[(Keep, "sorted"), STOP],
    ),
    entry("equal-duplicate", "rows equal to an earlier row", &[(Drop, "kept once"), STOP]),
    entry(
        "duplicate",
        "rows of a ticker and time met before, with other values",
        &[STOP, (First, "the first is kept"), (Last, "the last is kept")],
    ),
    entry(
        "irregular-step",
        "instants that do not follow at the usual step",
        &[(Keep, "kept"), STOP],
    ),
    entry(
        "nonpositive-price",
        "rows with a price of zero or below",
        &[(Keep, "kept"), (Drop, "left out"), STOP],
    ),
    entry(
        "ohlc",
        "rows with high below low, or open or close outside them",
        &[(Keep, "kept"), (Drop, "left out"), STOP],
    ),
    entry("zero-volume", "rows with a volume of zero", &[(Keep, "kept"), (Drop, "left out"), STOP]),
    entry(
        "large-move",
        "days whose close is far from the one before",
        &[(Keep, "kept"), (Drop, "left out"), STOP],
    ),
    entry("gap", "gaps within a ticker's history", &[(Keep, "kept"), STOP]),
    entry(
        "off-calendar",
        "rows on days that hardly any other ticker has",
        &[(Keep, "kept"), (Drop, "left out"), STOP],
    ),
    entry(
        "short-history",
        "tickers with fewer sessions than there are",
        &[(Keep, "kept"), (Drop, "left out"), STOP],
    ),
];

impl OddityKind {
    pub(super) fn entry(&self) -> &'static Entry {
        let idx = match self {
            Self::Compressed => 0,
            Self::ByteOrderMark => 1,
            Self::CarriageReturn => 2,
            Self::NoLastNewline => 3,
            Self::EmptyLine => 4,
            Self::Delimiter => 5,
            Self::DecimalComma => 6,
            Self::RaggedRow => 7,
            Self::NamelessColumn => 8,
            Self::TextColumn(_) => 9,
            Self::TwoDigitYear => 10,
            Self::InstantWithoutZone => 11,
            Self::FinerThanMicrosecond => 12,
            Self::BadTime => 13,
            Self::EmptyTicker => 14,
            Self::PaddedTicker => 15,
            Self::SplitTicker => 16,
            Self::PaddedCell => 17,
            Self::BigInteger => 18,
            Self::EmptyCell(_) => 19,
            Self::MissingWord(_) => 20,
            Self::BadNumber(_) => 21,
            Self::NewestFirst => 22,
            Self::BackwardTime => 23,
            Self::TickersMixed => 24,
            Self::EqualDuplicate => 25,
            Self::ConflictingDuplicate => 26,
            Self::IrregularStep => 27,
            Self::NonPositivePrice => 28,
            Self::Ohlc => 29,
            Self::ZeroVolume => 30,
            Self::LargeMove => 31,
            Self::Gap => 32,
            Self::OffCalendar => 33,
            Self::ShortHistory => 34,
        };
        &ENTRIES[idx]
    }

    /// Its name on the command line and in the report.
    pub fn slug(&self) -> &'static str {
        self.entry().slug
    }

    fn column(&self) -> Option<&str> {
        match self {
            Self::TextColumn(name)
            | Self::EmptyCell(name)
            | Self::MissingWord(name)
            | Self::BadNumber(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for OddityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().what)?;
        match (self, self.column()) {
            (_, None) => Ok(()),
            (Self::TextColumn(_), Some(name)) => write!(f, " `{}`", shown(name)),
            (_, Some(name)) => write!(f, " of `{}`", shown(name)),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Keep => "keep",
            Drop => "drop",
            Null => "null",
            First => "first",
            Last => "last",
            Refuse => "refuse",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_own_entry() {
        let column = || "close".to_owned();
        let slugs = [
            (OddityKind::Compressed, "compressed"),
            (OddityKind::RaggedRow, "ragged-row"),
            (OddityKind::TextColumn(column()), "text-column"),
            (OddityKind::EmptyTicker, "empty-ticker"),
            (OddityKind::BadNumber(column()), "bad-number"),
            (OddityKind::ConflictingDuplicate, "duplicate"),
            (OddityKind::Ohlc, "ohlc"),
            (OddityKind::ShortHistory, "short-history"),
        ];
        for (kind, slug) in slugs {
            assert_eq!(kind.slug(), slug);
        }
    }

    #[test]
    fn every_oddity_can_be_refused_and_has_one_default() {
        for entry in &ENTRIES {
            let n_refuse = entry.choices.iter().filter(|(action, _)| *action == Refuse).count();
            assert_eq!(n_refuse, 1, "{}", entry.slug);
            assert!(entry.choices.len() > 1, "{}", entry.slug);
        }
    }
}
