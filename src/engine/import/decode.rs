//! The bytes of an input: opened, told by their content, unpacked.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Kind, Report, Result};

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// An opened input.
pub(super) struct Opened {
    pub(super) bytes: Box<dyn BufRead>,
    pub(super) packing: Packing,
}

/// Opens a file whatever its name says: gzip and zstd are unpacked, anything else that is no text
/// is refused by what it is.
pub(super) fn open(path: &Path) -> Result<Opened> {
    let failed = |cause: io::Error| unreadable(path, &cause);
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(unreadable(path, &io::Error::from(io::ErrorKind::IsADirectory)));
    }
    if !metadata.is_file() {
        return Err(Error::data(
            Report::new("the input is no regular file")
                .at(path.display().to_string())
                .expected("a file that can be read twice")
                .found("a pipe or a device")
                .hint("write it to a file first; gzip and zstd need no unpacking"),
        ));
    }
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let packing = Packing::of(file.fill_buf().map_err(failed)?);
    let broken = |cause: io::Error| damaged(path, 1, packing, &cause);
    let mut bytes: Box<dyn BufRead> = match packing {
        Packing::Plain => Box::new(file),
        Packing::Gzip => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        Packing::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(file).map_err(broken)?;
            Box::new(BufReader::new(decoder))
        }
    };
    let head = bytes.fill_buf().map_err(broken)?;
    if head.is_empty() {
        let report = Report::new("the file is empty")
            .at(path.display().to_string())
            .expected("a line of column names and rows below it")
            .found("0 bytes")
            .hint("write the file with its rows, or leave it out");
        return Err(Error::data(report));
    }
    refuse_other_formats(path, packing, head)?;
    Ok(Opened { bytes, packing })
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    let report = Report::new("the file cannot be read")
        .at(path.display().to_string())
        .expected("a CSV file that this user may read")
        .found(match cause.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::IsADirectory => "a folder".to_owned(),
            _ => cause.to_string(),
        })
        .hint(match cause.kind() {
            io::ErrorKind::IsADirectory => "name the files in it, as `DIR/*.csv`",
            _ => "correct the path, or make the file readable",
        });
    let kind = match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => Kind::Data,
        _ => Kind::Store,
    };
    Error::new(kind, report)
}

/// Reading stopped at `line`. What no system call reports is a defect of what is packed.
pub(super) fn damaged(path: &Path, line: u64, packing: Packing, cause: &io::Error) -> Error {
    let (format, hint) = match packing {
        Packing::Plain => return unreadable(path, cause),
        Packing::Gzip => ("gzip", "fetch it again; `gzip -t` tells whether a file is whole"),
        Packing::Zstd => ("zstd", "fetch it again; `zstd -t` tells whether a file is whole"),
    };
    if cause.raw_os_error().is_some() {
        return unreadable(path, cause);
    }
    let what = match cause.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => cause.to_string(),
    };
    Error::data(
        Report::new("the compressed file is damaged")
            .at(format!("{}:{line}", path.display()))
            .expected(format!("whole {format} data"))
            .found(what)
            .hint(hint),
    )
}

/// Formats that people hand over as CSV: first bytes, what they are, what to do.
const FORMATS: [(&[u8], &str, &str); 18] = [
    (b"PAR1", "a Parquet file", "it needs no import: point `source.path` at it"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet", "save the sheet as CSV"),
    (b"\xff\xfe", "UTF-16 text", "convert it, as `iconv -f utf-16 -t utf-8`"),
    (b"\xfe\xff", "UTF-16 text", "convert it, as `iconv -f utf-16 -t utf-8`"),
    (b"\x1f\x8b", "gzip within a compressed file", "unpack it once"),
    (b"\x28\xb5\x2f\xfd", "zstd within a compressed file", "unpack it once"),
    (b"BZh", "bzip2", "unpack it first: `bunzip2`"),
    (b"\xfd7zXZ", "xz", "unpack it first: `unxz`"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"ARROW1", "an Arrow file", "write it as Parquet or CSV"),
    (b"ORC", "an ORC file", "write it as Parquet or CSV"),
    (b"SQLite format 3", "a SQLite database", "write the table as CSV"),
    (b"%PDF", "a PDF", "ask for the figures as CSV"),
    (b"{", "JSON", "write the rows as CSV; windows of labels go with `--labels`"),
    (b"[", "JSON", "write the rows as CSV"),
    (b"<", "a web page or XML", "look at it: a download may have failed"),
    (b"\x89PNG", "a picture", "ask for the figures as CSV"),
];

fn refuse_other_formats(path: &Path, packing: Packing, head: &[u8]) -> Result<()> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let known =
        FORMATS.iter().find(|(magic, ..)| head.starts_with(magic) || text.starts_with(magic));
    let nul = head.iter().position(|byte| *byte == 0);
    let (found, hint) = match (known, nul) {
        (Some((_, found, hint)), _) => ((*found).to_owned(), *hint),
        (None, Some(at)) => (format!("binary data: byte {at} is NUL"), "write it as CSV in UTF-8"),
        (None, None) => return Ok(()),
    };
    let found = match packing {
        Packing::Plain => found,
        Packing::Gzip => format!("{found}, in gzip"),
        Packing::Zstd => format!("{found}, in zstd"),
    };
    Err(Error::data(
        Report::new("the file is not CSV")
            .at(path.display().to_string())
            .expected("UTF-8 text, perhaps in gzip or zstd")
            .found(found)
            .hint(hint),
    ))
}
