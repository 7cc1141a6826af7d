//! Why a file is no Parquet, in the words of somebody who would mend it.

use object_store::{GetOptions, GetRange, ObjectStore};

use super::listing::{Listed, Listing};
use crate::error::Report;

/// The report of a damaged file, without what was expected and found.
pub(super) fn of(file: &str) -> Report {
    Report::new("the Parquet file is damaged")
        .at(file)
        .hint("write the file again, or take it out of the source")
}

/// What every Parquet file begins and ends with.
const MAGIC: &[u8] = b"PAR1";
/// How much of a file's begin is looked at.
const HEAD_BYTES: u64 = 48;

/// The report of a file whose footer cannot be read; `why` is the reader's own word for it.
pub(super) async fn report(listing: &Listing, file: &Listed, why: String) -> Report {
    let size_bytes = file.meta.size;
    let head = bytes(listing, file, GetRange::Bounded(0..HEAD_BYTES.min(size_bytes))).await;
    let tail = bytes(listing, file, GetRange::Suffix(MAGIC.len() as u64)).await;
    let report = |title: &str| {
        Report::new(title)
            .at(file.name(&listing.url))
            .expected("a file that begins and ends with the four letters PAR1")
            .hint("write the file again, or take it out of the source")
    };
    if size_bytes == 0 {
        return report("the file is empty").found("0 bytes");
    }
    match (head.starts_with(MAGIC), tail == MAGIC, first_line(&head)) {
        (true, true, _) => report("the Parquet file is damaged")
            .expected("a footer that can be read")
            .found(footer(&why)),
        (true, false, _) => report("the Parquet file is cut off")
            .found(format!("{size_bytes} bytes, and the end is missing")),
        (false, _, Some(line)) => report("this is not a Parquet file")
            .found(format!("text that begins with `{line}`"))
            .hint("turn CSV into Parquet first: `oddlot import FILE… -o DIR`"),
        (false, _, None) => report("this is not a Parquet file")
            .found(format!("{size_bytes} bytes of another kind")),
    }
}

async fn bytes(listing: &Listing, file: &Listed, range: GetRange) -> Vec<u8> {
    if file.meta.size == 0 {
        return Vec::new();
    }
    let options = GetOptions { range: Some(range), ..GetOptions::default() };
    // What cannot be read is told by the first reading; here it only loses a detail.
    let Ok(found) = listing.store.get_opts(&file.meta.location, options).await else {
        return Vec::new();
    };
    found.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default()
}

/// The first line, if the bytes are text.
fn first_line(head: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut in two at the end.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let line = text.lines().next().unwrap_or_default().trim();
    (text.chars().all(is_text) && !line.is_empty()).then(|| line.to_owned())
}

/// The reader's words without its prefixes, first line.
fn footer(why: &str) -> String {
    let line = why.lines().next().unwrap_or_default();
    let line =
        line.trim_start_matches("Parquet error: ").trim_start_matches("Invalid Parquet file. ");
    let mut letters = line.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_by_its_first_line_and_bytes_are_not() {
        assert_eq!(first_line(b"ticker,date\r\nA,2020").as_deref(), Some("ticker,date"));
        assert_eq!(first_line("prix,é".as_bytes()).as_deref(), Some("prix,é"));
        assert_eq!(first_line(&"prix,é".as_bytes()[..6]).as_deref(), Some("prix,"));
        assert_eq!(first_line(b"\x00\x01\x02"), None);
        assert_eq!(first_line(b"\xff\xfe"), None);
    }

    #[test]
    fn a_reader_is_quoted_without_its_prefixes() {
        assert_eq!(
            footer("Parquet error: Invalid Parquet file. Corrupt footer\nmore"),
            "corrupt footer"
        );
    }
}
