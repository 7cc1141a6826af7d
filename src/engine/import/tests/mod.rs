//! Whole imports: small files in, Parquet and a report out.

mod prices;
mod text;
mod tickers;
mod times;

use std::fs;
use std::path::Path;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::error::{Error, Kind};

/// A folder with these files, and options that import them in this order.
fn folder(files: &[(&str, &str)]) -> (TempDir, ImportOptions) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let options = ImportOptions {
        files: files.iter().map(|(name, _)| dir.path().join(name)).collect(),
        output_dir: dir.path().join("out"),
        ..ImportOptions::default()
    };
    (dir, options)
}

/// The same import with these choices.
fn on(options: &ImportOptions, choices: &[&str]) -> ImportOptions {
    let choices: Vec<Treatment> = choices.iter().map(|choice| choice.parse().unwrap()).collect();
    ImportOptions { treatments: Treatments::new(&choices), ..options.clone() }
}

fn rows_of(path: &Path) -> Vec<RecordBatch> {
    let file = fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// The rows as text, `|` between cells, without the header.
fn cells_of(path: &Path) -> Vec<String> {
    let table = pretty_format_batches(&rows_of(path)).unwrap().to_string();
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.join("|")
        })
        .collect()
}

/// What was told, how often and first on which line; but for large moves, which small prices make.
fn counted(report: &ImportReport) -> Vec<(OddityKind, u64, u64)> {
    let told = report.oddities.iter().filter(|oddity| oddity.kind != OddityKind::LargeMove);
    told.map(|oddity| (oddity.kind.clone(), oddity.count, oddity.examples[0].line)).collect()
}

/// The error of a refused import; also checks that nothing was written.
fn refused(options: &ImportOptions) -> Error {
    let output_dir = options.output_dir.join("refused");
    let error =
        run(&ImportOptions { output_dir: output_dir.clone(), ..options.clone() }).unwrap_err();
    let written = fs::read_dir(&output_dir).map(Iterator::count).unwrap_or(0);
    assert_eq!(written, 0, "a refused import writes nothing");
    error
}

#[test]
fn a_plain_file_becomes_ticker_date_and_lower_cased_numbers() {
    let (_dir, options) = folder(&[("SPX.csv", "Date,Close,Adj Close\n2020-01-02,1.5,2\n")]);
    let report = run(&options).unwrap();
    assert_eq!(report.columns, ["ticker", "date", "close", "adj_close"]);
    assert_eq!((report.n_rows, report.n_tickers), (1, 1));
    assert_eq!(counted(&report), []);
    assert!(report.output.ends_with("out/SPX.parquet"));
    assert_eq!(cells_of(&report.output), ["SPX|2020-01-02|1.5|2.0"]);
}

#[test]
fn rows_are_sorted_by_ticker_bytes_and_date() {
    let text = "date,close,Name\n2020-01-02,1,b\n2020-01-03,2,b\n2020-01-02,3,B\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    let rows = cells_of(&report.output);
    assert_eq!(rows, ["B|2020-01-02|3.0", "b|2020-01-02|1.0", "b|2020-01-03|2.0"]);
    let expected = [(OddityKind::TickersMixed, 1, 4), (OddityKind::ShortHistory, 1, 4)];
    assert_eq!(counted(&report), expected);
}

#[test]
fn newest_first_is_sorted_and_told() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n2020-01-03,2\n2020-01-02,1\n")]);
    let report = run(&options).unwrap();
    assert_eq!(cells_of(&report.output), ["x|2020-01-02|1.0", "x|2020-01-03|2.0"]);
    assert_eq!(counted(&report), [(OddityKind::NewestFirst, 2, 3)]);
}

#[test]
fn one_step_back_among_forward_steps_is_told_with_its_line() {
    let text = "date,close\n2020-01-02,1\n2020-01-06,3\n2020-01-03,2\n2020-01-07,4\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    assert_eq!(counted(&report), [(OddityKind::BackwardTime, 1, 4)]);
    assert_eq!(report.oddities[0].examples[0].content, "2020-01-03,2");
}

#[test]
fn crlf_and_a_missing_last_newline_are_told_not_mended() {
    let text = "\"Date\",\"Births\"\r\n\"1959-01-01\",35\r\n\"1959-01-02\",32";
    let (_dir, options) = folder(&[("births.csv", text)]);
    let report = run(&options).unwrap();
    let expected = [(OddityKind::CarriageReturn, 2, 1), (OddityKind::NoLastNewline, 1, 3)];
    assert_eq!(counted(&report), expected);
    assert_eq!(cells_of(&report.output).len(), 2);
}

#[test]
fn missing_numbers_stay_null_and_are_told_by_column() {
    let text = "date,close,volume\n2020-01-02,,1\n2020-01-03,NaN,2\n2020-01-06,3,\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    let rows = cells_of(&report.output);
    assert_eq!(rows, ["x|2020-01-02||1.0", "x|2020-01-03||2.0", "x|2020-01-06|3.0|"]);
    let expected = [
        (OddityKind::EmptyCell("close".into()), 1, 2),
        (OddityKind::EmptyCell("volume".into()), 1, 4),
        (OddityKind::MissingWord("close".into()), 1, 3),
    ];
    assert_eq!(counted(&report), expected);
}

#[test]
fn a_text_column_is_dropped_and_told() {
    let (_dir, options) = folder(&[("x.csv", "date,close,source\n2020-01-02,1,FRED\n")]);
    let report = run(&options).unwrap();
    assert_eq!(report.columns, ["ticker", "date", "close"]);
    assert_eq!(counted(&report), [(OddityKind::TextColumn("source".into()), 1, 2)]);
}

#[test]
fn two_digit_years_are_read_and_told() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n02-Jan-86,1\n29-Jun-18,2\n")]);
    let report = run(&options).unwrap();
    assert_eq!(cells_of(&report.output), ["x|1986-01-02|1.0", "x|2018-06-29|2.0"]);
    assert_eq!(counted(&report), [(OddityKind::TwoDigitYear, 2, 2)]);
    let told = "%d-%b-%y, the years as 1970 to 2069".to_owned();
    assert_eq!(report.time_formats, [(told, 1)]);
}

#[test]
fn instants_become_utc_microseconds() {
    let (_dir, options) = folder(&[("x.csv", "timestamp,value\n2014-04-01 00:05:00,20.0\n")]);
    let report = run(&options).unwrap();
    assert_eq!(report.columns, ["ticker", "ts", "value"]);
    assert_eq!(cells_of(&report.output), ["x|2014-04-01T00:05:00Z|20.0"]);
    assert_eq!(counted(&report), [(OddityKind::InstantWithoutZone, 1, 2)]);
}

#[test]
fn rows_without_time_are_numbered_within_their_ticker() {
    let text = "symbol,Time Stamp,class\nB,9,1\nA,9,2\nB,9,3\n";
    let (_dir, options) = folder(&[("toy.csv", text)]);
    let options =
        ImportOptions { time: TimeFrom::RowNumber, columns: Some(vec!["Class".into()]), ..options };
    let report = run(&options).unwrap();
    assert_eq!(cells_of(&report.output), ["A|1|2.0", "B|1|1.0", "B|2|3.0"]);
    assert_eq!(report.span, ("row 1".to_owned(), "row 2".to_owned()));
}

#[test]
fn a_literal_ticker_wins_over_a_column_of_that_name() {
    let (_dir, options) = folder(&[("x.csv", "name,date,close\nAcme,2020-01-02,1\n")]);
    let options = ImportOptions { ticker: TickerFrom::Literal("SPX".into()), ..options };
    let report = run(&options).unwrap();
    assert_eq!(cells_of(&report.output), ["SPX|2020-01-02|1.0"]);
    assert_eq!(counted(&report), [(OddityKind::TextColumn("name".into()), 1, 2)]);
}

#[test]
fn several_files_become_one_named_after_the_folder() {
    let (_dir, options) =
        folder(&[("B.csv", "date,close\n2020-01-02,1\n"), ("A.csv", "date,close\n2020-01-02,2\n")]);
    let report = run(&options).unwrap();
    assert!(report.output.ends_with("out/out.parquet"));
    assert_eq!(cells_of(&report.output), ["A|2020-01-02|2.0", "B|2020-01-02|1.0"]);
}

#[test]
fn equal_duplicates_are_kept_once_and_told() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n2020-01-02,1\n")]);
    let report = run(&options).unwrap();
    assert_eq!(report.n_rows, 1);
    assert_eq!(counted(&report), [(OddityKind::EqualDuplicate, 1, 3)]);
}

#[test]
fn differing_duplicates_are_refused_unless_one_is_chosen() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n2020-01-02,2\n")]);
    let error = refused(&options);
    assert_eq!(error.kind, Kind::Data);
    assert_eq!(error.reports[0].title, "two rows of x at 2020-01-02 differ");
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("x.csv:3"));
    for (choice, kept) in [("duplicate=first", "1.0"), ("duplicate=last", "2.0")] {
        let report = run(&on(&options, &[choice])).unwrap();
        assert_eq!(cells_of(&report.output), [format!("x|2020-01-02|{kept}")]);
        assert_eq!(report.oddities[0].kind, OddityKind::ConflictingDuplicate);
    }
}

#[test]
fn every_bad_row_is_named_with_its_line() {
    let text = "date,close\n2020-01-02,1\n2020-01-03,1,2\n\n2020-13-06,3\n2020-01-07,\"1,234\"\n2020-01-08,5\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let error = refused(&options);
    let places: Vec<&str> = error
        .reports
        .iter()
        .map(|r| r.place.as_deref().unwrap().rsplit(':').next().unwrap())
        .collect();
    assert_eq!(places, ["3", "5", "6"]);
    assert_eq!(error.reports[1].expected.as_deref(), Some("%Y-%m-%d, as in the rest of the file"));
    assert_eq!(error.reports[2].found.as_deref(), Some("1,234"));
}

#[test]
fn an_infinite_price_and_an_empty_ticker_are_refused() {
    let text =
        "ticker,date,close\nA,2020-01-02,1\nA,2020-01-03,inf\n,2020-01-06,2\nA,2020-01-07,2\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let titles: Vec<String> = refused(&options).reports.into_iter().map(|r| r.title).collect();
    assert_eq!(titles, ["`close` is not a number here", "the ticker is empty"]);
}

#[test]
fn dates_that_two_patterns_read_are_refused() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n03/04/2020,1\n05/04/2020,2\n")]);
    let error = refused(&options);
    assert_eq!(error.reports[0].title, "the dates of `date` can be read in two ways");
    let options = ImportOptions { date_format: Some("%m/%d/%Y".into()), ..options };
    let report = run(&options).unwrap();
    assert_eq!(report.span, ("2020-03-04".to_owned(), "2020-05-04".to_owned()));
}

#[test]
fn files_that_are_no_csv_are_named_for_what_they_are() {
    for (text, found) in
        [("PAR1xx", "a Parquet file"), ("PK\u{3}\u{4}x", "a zip archive or a spreadsheet")]
    {
        let (_dir, options) = folder(&[("x.csv", text)]);
        assert_eq!(refused(&options).reports[0].found.as_deref(), Some(found));
    }
}

#[test]
fn header_mistakes_are_refused() {
    for (text, title) in [
        ("", "the file is empty"),
        ("date,close\n", "there is no row below the column names"),
        ("2020-01-02,1\n2020-01-03,2\n", "the first line looks like data"),
        ("date;close,open\n2020-01-02;1\n", "the column names can be parted in several ways"),
        ("close,open\n1,2\n", "the file has no time column"),
        ("date,close,Close\n2020-01-02,1,2\n", "two columns are named `close`"),
        ("date,close,ts\n2020-01-02,1,2\n", "`ts` is a name that the import gives itself"),
        ("date,source\n2020-01-02,x\n", "no column of numbers to keep"),
    ] {
        let (_dir, options) = folder(&[("x.csv", text)]);
        assert_eq!(refused(&options).reports[0].title, title);
    }
}

#[test]
fn an_unknown_column_gets_a_did_you_mean() {
    let (_dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n")]);
    let options = ImportOptions { columns: Some(vec!["clsoe".into()]), ..options };
    let error = refused(&options);
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `close`?"));
}

#[test]
fn a_failed_import_leaves_the_old_result_alone() {
    let (dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n")]);
    let report = run(&options).unwrap();
    let before = fs::read(&report.output).unwrap();
    fs::write(dir.path().join("x.csv"), "date,close\nnever,1\n").unwrap();
    run(&options).unwrap_err();
    assert_eq!(fs::read(&report.output).unwrap(), before);
    assert_eq!(fs::read_dir(&options.output_dir).unwrap().count(), 1);
}

#[test]
fn the_same_import_gives_the_same_bytes() {
    let (_dir, options) =
        folder(&[("x.csv", "ticker,date,close\nA,2020-01-02,1\nB,2020-01-02,2\n")]);
    let first = fs::read(run(&options).unwrap().output).unwrap();
    assert_eq!(fs::read(run(&options).unwrap().output).unwrap(), first);
}

#[test]
fn an_output_that_cannot_be_written_is_an_output_error() {
    let (dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n")]);
    let options = ImportOptions { output_dir: dir.path().join("x.csv"), ..options };
    assert_eq!(run(&options).unwrap_err().kind, Kind::Output);
}

#[test]
fn the_report_reads_well() {
    let text = "Date,Close,Source\r\n2020-01-03,2,a\r\n2020-01-02,,b";
    let (dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap().to_string();
    let root = format!("{}/", dir.path().display());
    assert_eq!(
        report.replace(&root, ""),
        "out/x.parquet: 2 rows, 1 ticker, 2020-01-02 to 2020-01-03
  columns   ticker, date, close
  time      %Y-%m-%d
  oddities        2  lines that end in CR LF, read alike  [crlf]
                     x.csv:1  Date,Close,Source
                     x.csv:2  2020-01-03,2,a
                  1  last lines without a newline, read alike  [no-last-newline]
                     x.csv:3  2020-01-02,,b
                  2  cells of the text column `source`, dropped  [text-column]
                     x.csv:2  2020-01-03,2,a
                     x.csv:3  2020-01-02,,b
                  1  empty cells of `close`, kept as null  [empty-cell]
                     x.csv:3  2020-01-02,,b
                  2  rows that run from new to old, sorted  [newest-first]
                     x.csv:3  2020-01-02,,b"
    );
}

#[test]
fn shipped_files_have_the_checksums_that_their_sources_state() {
    use sha2::{Digest, Sha256};
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    let sources = fs::read_to_string(data.join("SOURCES.md")).unwrap();
    let stated: Vec<(&str, &str)> = sources
        .lines()
        .filter_map(|line| line.split_once("  "))
        .filter(|(sum, _)| sum.len() == 64)
        .collect();
    let shipped = fs::read_dir(&data).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let n_shipped: usize = shipped.map(|entry| fs::read_dir(entry.path()).unwrap().count()).sum();
    assert_eq!(stated.len(), n_shipped, "every shipped file is in SOURCES.md");
    for (sum, path) in stated {
        let digest = Sha256::digest(fs::read(data.join(path)).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, sum, "{path}");
    }
}
