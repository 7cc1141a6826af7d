//! Files as bytes: packed, parted otherwise, not text, not whole.

use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// A folder with one file of these bytes.
fn file(name: &str, bytes: &[u8]) -> (TempDir, ImportOptions) {
    let (dir, options) = folder(&[(name, "")]);
    fs::write(dir.path().join(name), bytes).unwrap();
    (dir, options)
}

const PLAIN: &[u8] = b"date,close\n2020-01-02,1.5\n2020-01-03,2\n";

#[test]
fn compressed_files_are_told_by_their_content_and_give_the_same_rows() {
    // Names that lie, names that tell, and gzip in two members, as log rotation writes it.
    let (head, tail) = PLAIN.split_at(20);
    let two = [gzip(head), gzip(tail)].concat();
    for (name, bytes) in [
        ("x.csv", gzip(PLAIN)),
        ("x.csv.zst", gzip(PLAIN)),
        ("x.csv.gz", zstd(PLAIN)),
        ("x.csv.gz", two),
    ] {
        let (_dir, options) = file(name, &bytes);
        let report = run(&options).unwrap();
        assert_eq!(cells_of(&report.output), ["x|2020-01-02|1.5", "x|2020-01-03|2.0"], "{name}");
        assert_eq!(counted(&report), [(OddityKind::Compressed, 1, 1)], "{name}");
        assert!(report.output.ends_with("out/x.parquet"), "{name}");
    }
}

#[test]
fn a_compressed_file_that_is_cut_short_is_refused() {
    let long: String = (0..5000).map(|n| format!("2020-01-02,{n}.{}\n", n * 7919 % 1000)).collect();
    let whole = format!("date,close\n{long}");
    for (packed, tool) in [(gzip(whole.as_bytes()), "gzip"), (zstd(whole.as_bytes()), "zstd")] {
        for n_left in [packed.len() - 3, packed.len() / 2] {
            let (_dir, options) = file("x.csv", &packed[..n_left]);
            let error = refused(&on(&options, &["duplicate=first"]));
            assert_eq!(error.kind, Kind::Data, "{tool} {n_left}");
            assert_eq!(error.reports[0].title, "the compressed file is damaged", "{tool} {n_left}");
            assert!(error.reports[0].hint.as_deref().unwrap().contains(tool));
        }
    }
}

#[test]
fn a_flipped_bit_in_a_compressed_file_is_refused() {
    let mut packed = gzip(PLAIN);
    let at = packed.len() - 6;
    packed[at] ^= 1; // Within the checksum.
    let (_dir, options) = file("x.csv", &packed);
    assert_eq!(refused(&options).reports[0].title, "the compressed file is damaged");
}

#[test]
fn what_is_no_text_is_named_for_what_it_is_also_within_gzip() {
    for (bytes, found) in [
        (b"PAR1\x15\x04".to_vec(), "a Parquet file"),
        (gzip(b"PAR1\x15\x04"), "a Parquet file, in gzip"),
        (gzip(&gzip(PLAIN)), "gzip within a compressed file, in gzip"),
        (b"\xd0\xcf\x11\xe0....".to_vec(), "an old spreadsheet"),
        (b"  {\"a\": 1}".to_vec(), "JSON"),
        (b"<!DOCTYPE html>".to_vec(), "a web page or XML"),
        (b"\xff\xfed\0a\0".to_vec(), "UTF-16 text"),
        (b"d\0a\0t\0e\0".to_vec(), "binary data: byte 1 is NUL"),
        (b"\x7fELF\x02\x01\x01\0".to_vec(), "binary data: byte 7 is NUL"),
    ] {
        let (_dir, options) = file("x.csv", &bytes);
        let error = refused(&options);
        assert_eq!(error.kind, Kind::Data);
        assert_eq!(error.reports[0].found.as_deref(), Some(found));
        assert!(error.reports[0].hint.is_some());
    }
}

#[test]
fn a_byte_that_is_no_utf8_is_named_with_its_line_and_column() {
    let (_dir, options) =
        file("x.csv", b"date,close,name\n2020-01-02,1,A\n2020-01-03,1,Z\xfcrich\n");
    let error = refused(&options);
    let report = &error.reports[0];
    assert_eq!(report.title, "the file is not UTF-8 text");
    assert!(report.place.as_deref().unwrap().ends_with("x.csv:3:15"));
    assert_eq!(report.found.as_deref(), Some("byte 0xfc after `2020-01-03,1,Z`"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    // With the mark before it, the quote would open nothing.
    let text = "\u{feff}\"close, adjusted\",date\n1,2020-01-02\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    assert_eq!(counted(&report), [(OddityKind::ByteOrderMark, 1, 1)]);
    assert_eq!(report.columns, ["ticker", "date", "close__adjusted"]);
}

#[test]
fn semicolons_tabs_and_bars_are_found_in_the_header() {
    for (delimiter, name) in [(";", "x"), ("\t", "x"), ("|", "x")] {
        let text = format!("date{delimiter}close\n2020-01-02{delimiter}1.5\n");
        let (_dir, options) = folder(&[("x.csv", &text)]);
        let report = run(&options).unwrap();
        assert_eq!(cells_of(&report.output), [format!("{name}|2020-01-02|1.5")]);
        assert_eq!(counted(&report), [(OddityKind::Delimiter, 1, 1)]);
    }
}

#[test]
fn a_header_with_two_delimiters_is_decided_by_the_user_and_quotes_do_not_count() {
    let text = "date;close, adjusted\n2020-01-02;1.5\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    assert_eq!(
        refused(&options).reports[0].title,
        "the column names can be parted in several ways"
    );
    let report = run(&ImportOptions { delimiter: Some(';'), ..options }).unwrap();
    assert_eq!(report.columns, ["ticker", "date", "close__adjusted"]);

    let (_dir, options) = folder(&[("x.csv", "date,\"close; adjusted\"\n2020-01-02,1.5\n")]);
    assert_eq!(counted(&run(&options).unwrap()), []);
}

#[test]
fn decimal_commas_are_read_where_no_other_reading_is_left() {
    let text = "Datum;Schluss;Umsatz\n2020-01-02;1234,56;1,234\n2020-01-03;0,5;7\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let options = ImportOptions { time: TimeFrom::Column("Datum".into()), ..options };
    let report = run(&options).unwrap();
    assert_eq!(cells_of(&report.output), ["x|2020-01-02|1234.56|1.234", "x|2020-01-03|0.5|7.0"]);
    let expected = [(OddityKind::Delimiter, 1, 1), (OddityKind::DecimalComma, 3, 2)];
    assert_eq!(counted(&report), expected);
}

#[test]
fn a_comma_that_may_part_thousands_is_not_guessed() {
    let text = "date;close\n2020-01-02;1,234\n2020-01-03;2,345\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let error = refused(&options);
    assert_eq!(error.reports.len(), 2);
    assert_eq!(error.reports[0].title, "`close` is not a number here");
    assert!(error.reports[0].hint.as_deref().unwrap().contains("--decimal comma"));
    let report = run(&ImportOptions { decimal: Some(Decimal::Comma), ..options }).unwrap();
    assert_eq!(cells_of(&report.output), ["x|2020-01-02|1.234", "x|2020-01-03|2.345"]);
}

#[test]
fn points_beside_decimal_commas_are_refused() {
    let (_dir, options) = folder(&[("x.csv", "date;close\n2020-01-02;1,5\n2020-01-03;2.5\n")]);
    let error = refused(&options);
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("x.csv:2"));
    assert_eq!(error.reports[0].found.as_deref(), Some("1,5"));
}

#[test]
fn ragged_rows_are_refused_with_their_lines_or_left_out() {
    let text = "date,close\n2020-01-02,1\n2020-01-03\n2020-01-06,2,3\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let error = refused(&options);
    let found: Vec<_> = error.reports.iter().map(|r| r.found.as_deref().unwrap()).collect();
    assert_eq!(found, ["1: 2020-01-03", "3: 2020-01-06,2,3"]);
    let report = run(&on(&options, &["ragged-row=drop"])).unwrap();
    assert_eq!(counted(&report), [(OddityKind::RaggedRow, 2, 3)]);
    assert_eq!((report.n_rows_read, report.n_rows), (3, 1));
    assert!(
        report.to_string().contains("1 rows, 1 ticker, 2020-01-02 to 2020-01-02; 2 rows left out")
    );
}

#[test]
fn a_quote_that_is_never_closed_is_told_where_it_opens() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,\"1\n2020-01-03,2\n")]);
    let error = refused(&options);
    assert_eq!(error.reports[0].title, "a row does not end");
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("x.csv:2"));
    // One endless line does not fill the memory either.
    let (_dir, options) = file("x.csv", &gzip(&vec![b'1'; 3 << 20]));
    assert_eq!(refused(&options).reports[0].title, "a row does not end");
}

#[test]
fn lines_that_end_in_a_carriage_return_alone_are_refused() {
    let (_dir, options) = folder(&[("x.csv", "date,close\r2020-01-02,1\r2020-01-03,2\r")]);
    assert_eq!(refused(&options).reports[0].title, "a line ends in a carriage return alone");
}

#[test]
fn cells_that_are_no_number_are_refused_made_null_or_their_rows_left_out() {
    let text = "date,close\n2020-01-02,1\n2020-01-03,$2\n2020-01-06,3\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    refused(&options);
    let nulled = run(&on(&options, &["bad-number=null"])).unwrap();
    assert_eq!(cells_of(&nulled.output)[1], "x|2020-01-03|");
    let dropped = run(&on(&options, &["bad-number=drop"])).unwrap();
    assert_eq!(cells_of(&dropped.output), ["x|2020-01-02|1.0", "x|2020-01-06|3.0"]);
    assert_eq!(counted(&dropped), [(OddityKind::BadNumber("close".into()), 1, 3)]);
}

#[test]
fn rows_with_nulls_can_be_left_out_or_refused() {
    let text = "date,close\n2020-01-02,1\n2020-01-03,\n2020-01-06,NA\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&on(&options, &["empty-cell=drop"])).unwrap();
    assert_eq!(cells_of(&report.output), ["x|2020-01-02|1.0", "x|2020-01-06|"]);
    let error = refused(&on(&options, &["empty-cell=refuse"]));
    assert_eq!(error.reports[0].title, "there are empty cells of `close`");
    assert_eq!(error.reports[0].found.as_deref(), Some("an empty cell in 2020-01-03,"));
}

#[test]
fn a_whole_number_that_a_double_cannot_hold_is_told() {
    let text = "date,volume\n2020-01-02,9007199254740993\n2020-01-03,9007199254740992\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    assert_eq!(counted(&run(&options).unwrap()), [(OddityKind::BigInteger, 1, 2)]);
    let nulled = run(&on(&options, &["big-integer=null"])).unwrap();
    assert_eq!(cells_of(&nulled.output)[0], "x|2020-01-02|");
}

#[test]
fn anything_odd_can_be_refused_and_all_of_it_is_told_at_once() {
    let text = "date,close\r\n2020-01-03,2\r\n2020-01-02,\r\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let error = refused(&on(&options, &["crlf=refuse", "newest-first=refuse"]));
    assert_eq!(error.kind, Kind::Data);
    let titles: Vec<&str> = error.reports.iter().map(|report| report.title.as_str()).collect();
    assert_eq!(titles, ["3 lines that end in CR LF", "2 rows that run from new to old"]);
    assert_eq!(error.reports[0].hint.as_deref(), Some("mend the input, or say `--on crlf=keep`"));
    let strict = refused(&on(&options, &["all=refuse"]));
    assert_eq!(strict.reports[0].title, "there are empty cells of `close`");
}

#[test]
fn only_so_many_examples_are_kept_as_are_asked_for() {
    let text = "date,close\n2020-01-02,\n2020-01-03,\n2020-01-06,\n2020-01-07,1\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    for n_examples in [1, 2, 5] {
        let report = run(&ImportOptions { n_examples, ..options.clone() }).unwrap();
        assert_eq!(report.oddities[0].count, 3);
        assert_eq!(report.oddities[0].examples.len(), n_examples.min(3));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_since_it_cannot_be_read_twice() {
    let (_dir, options) = folder(&[("x.csv", "")]);
    let options = ImportOptions { files: vec!["/dev/null".into()], ..options };
    assert_eq!(refused(&options).reports[0].title, "the input is no regular file");
}
