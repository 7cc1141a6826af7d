//! How much a file may unpack to.
//!
//! A few kilobytes of Parquet can stand for any number of rows: a run length is a number, and so is
//! a reference to a text of a megabyte. Prices do not shrink like that; what does is a mistake or
//! an attack, and is refused before it is unpacked. What a footer and the headers of pages claim is
//! enough to know it, and where they lie the reading ends at the first page that contradicts them.

use datafusion::arrow::datatypes::DataType;

use super::columns::Scanned;
use super::footers::Footer;
use super::listing::Listing;
use crate::error::{Error, Kind, Report, Result};

/// Any file may unpack to this much.
const FREE_BYTES: u64 = 256 << 20;
/// And to so many times its size. Prices of a day with their dates and tickers shrink to a tenth or
/// a thirtieth.
const RATIO_MAX: u64 = 100;
/// What a text takes in a column of tickers, about.
const TEXT_BYTES: u64 = 16;
/// What a number or an instant takes.
const NUMBER_BYTES: u64 = 8;

/// What a file of `size_bytes` may unpack to.
pub(super) fn allowed(size_bytes: u64) -> u64 {
    size_bytes.saturating_mul(RATIO_MAX).max(FREE_BYTES)
}

/// Holds the rows that each footer claims against the size of its file.
pub(super) fn check(listing: &Listing, footers: &[Footer], scanned: &Scanned) -> Result<()> {
    let width = |data_type: &DataType| match data_type {
        DataType::Utf8 => TEXT_BYTES,
        _ => NUMBER_BYTES,
    };
    let row_bytes: u64 = scanned.file_fields.iter().map(|field| width(field.data_type())).sum();
    let mut reports = Vec::new();
    for (file, footer) in listing.files.iter().zip(footers) {
        let n_rows = footer.n_rows as u64;
        let bytes = n_rows.saturating_mul(row_bytes);
        if bytes > allowed(file.meta.size) {
            let found = format!("{} of {n_rows} rows", size(bytes));
            reports.push(report(&file.name(&listing.url), file.meta.size, &found));
        }
    }
    if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Data, reports }) }
}

/// A file that unpacks to more than it may; `found` says where, or to how much.
pub(super) fn report(file: &str, size_bytes: u64, found: &str) -> Report {
    Report::new("the file unpacks to more than its size bears")
        .at(file)
        .expected(format!("no more than {}, or {RATIO_MAX} times its size", size(FREE_BYTES)))
        .found(format!("{found} in a file of {}", size(size_bytes)))
        .hint("if the rows are true, write them to several files; else take the file out of the source")
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut unit_idx = 0;
    let mut unit_bytes = 1024_u64;
    while unit_idx + 1 < UNITS.len() && bytes >= unit_bytes * 1024 {
        unit_idx += 1;
        unit_bytes *= 1024;
    }
    let tenths = (u128::from(bytes) * 10 / u128::from(unit_bytes)) as u64;
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, UNITS[unit_idx]),
        tenth => format!("{}.{tenth} {}", tenths / 10, UNITS[unit_idx]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_may_unpack_to_a_fixed_size_and_a_large_one_to_a_multiple() {
        assert_eq!(allowed(1_000), FREE_BYTES);
        assert_eq!(allowed(1 << 30), 100 << 30);
        assert_eq!(allowed(u64::MAX), u64::MAX);
    }

    #[test]
    fn sizes_are_told_in_the_largest_unit_that_fits() {
        let told = [1023, 1024, 1536, 256 << 20, 5 << 30, 3 << 40, u64::MAX].map(size);
        let expected =
            ["1023 bytes", "1 KiB", "1.5 KiB", "256 MiB", "5 GiB", "3 TiB", "16777215.9 TiB"];
        assert_eq!(told, expected);
    }
}
