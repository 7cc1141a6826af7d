use std::fs;

use super::*;

const DAY_US: i64 = 86_400_000_000;

fn read(text: &str, map: &[(&str, &str)]) -> Result<Labels> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("labels.csv");
    fs::write(&path, text).unwrap();
    let pairs = map.iter().map(|(part, column)| ((*part).to_owned(), (*column).to_owned()));
    read_labels(&path, &ColumnMap::new("--columns", pairs).unwrap(), None, None)
}

fn reports(text: &str) -> Vec<Report> {
    read(text, &[]).unwrap_err().reports
}

#[test]
fn points_and_intervals_mark_the_same_rows() {
    let points =
        read("ticker,ts,label\nA,1970-01-03,1\nA,1970-01-04,1\nB,1970-01-03,0\n", &[]).unwrap();
    let intervals = read("ticker,start,end,name\nA,1970-01-03,1970-01-04,crash\n", &[]).unwrap();
    let ts: Vec<i64> = (0..6).map(|day| day * DAY_US + DAY_US / 2).collect();
    let expected = [false, false, true, true, false, false];
    assert_eq!(points.mark("A", &ts).labels, expected);
    assert_eq!(intervals.mark("A", &ts).labels, expected);
    assert_eq!(points.mark("B", &ts).labels, [false; 6]);
    assert!(points.tickers.contains_key("B"), "labelled, and normal throughout");
}

#[test]
fn a_day_means_all_rows_of_it_and_a_time_only_its_own() {
    let ts = [0, DAY_US - 1, DAY_US, DAY_US + 60_000_000];
    let marked = |when: &str| {
        let labels = read(&format!("ticker,ts,label\nA,{when},1\n"), &[]).unwrap();
        labels.mark("A", &ts)
    };
    assert_eq!(marked("1970-01-01").labels, [true, true, false, false]);
    assert_eq!(marked("1970-01-02T00:01:00Z").labels, [false, false, false, true]);
    let missed = marked("1970-01-02T00:02:00Z");
    assert_eq!((missed.labels.contains(&true), missed.unmatched.len()), (false, 1));
    assert!(missed.unmatched[0].place.ends_with("labels.csv:2"));
}

#[test]
fn columns_may_have_any_names() {
    let labels = read(
        "who;x,when,odd\nA,2020-01-01,1\n",
        &[("ticker", "who;x"), ("ts", "when"), ("label", "odd")],
    );
    assert_eq!(labels.unwrap().tickers["A"].len(), 1);
    let error = read("ticker,ts,labels\nA,2020-01-01,1\n", &[]).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.reports[0].hint.as_deref(), Some("did you mean `--columns label=labels`?"));
    let pair =
        |part: &str| ColumnMap::new("--columns", [(part.to_owned(), "x".to_owned())]).unwrap_err();
    assert_eq!(pair("tikcer"), "there is no part `tikcer`; did you mean `ticker`?");
}

#[test]
fn a_column_that_is_absent_is_told_with_the_option_that_names_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("labels.csv");
    let hint = |text: &str, group_by| {
        fs::write(&path, text).unwrap();
        let columns = ColumnMap::new("--columns", []).unwrap();
        let error = read_labels(&path, &columns, None, group_by).unwrap_err();
        error.reports[0].hint.clone().unwrap()
    };
    let labels = "ticker,ts,label,sector\nA,2020-01-01,1,oil\n";
    assert_eq!(hint(labels, Some("sectro")), "did you mean `--group-by sector`?");
    assert_eq!(hint(labels, Some("x")), "name it: `--group-by …`");
    assert_eq!(hint("ticker,ts,y\nA,2020-01-01,1\n", None), "name it: `--columns label=…`");
    for separator in [";", "\t"] {
        let text = labels.replace(',', separator);
        assert!(hint(&text, None).contains("separated by commas"), "{text}");
    }
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let found =
        reports("ticker,ts,label\nA,2020-01-01,2\nA,soon,1\n,2020-01-02,1\nA,2020-01-03,\n");
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|report| {
            (report.title.as_str(), report.place.as_deref().unwrap().rsplit(':').next().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a label is neither 0 nor 1", "2"),
            ("a row has no date", "3"),
            ("the row has no ticker", "4"),
            ("a label is neither 0 nor 1", "5")
        ]
    );
    let found = reports("ticker,start,end\nA,2020-01-02,2020-01-01\n");
    assert_eq!(found[0].title, "an event ends before it starts");
    assert_eq!(found[0].found.as_deref(), Some("from 2020-01-02 to 2020-01-01"));
    let many = format!("ticker,ts,label\n{}", "A,2020-01-01,7\n".repeat(9));
    assert_eq!(reports(&many)[5].title, "4 more rows cannot be understood");
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    for text in ["PAR1 and nothing of it", "ticker,ts,label\nA,2020-01-01\n"] {
        let error = read(text, &[]).unwrap_err();
        assert_eq!(
            (error.kind, error.reports[0].title.as_str()),
            (Kind::Data, "the file cannot be read")
        );
    }
}

#[test]
fn a_row_that_is_no_csv_is_told_with_its_line_and_what_to_write() {
    let report = reports("ticker,ts,label,name\nA,2020-01-01,1,x\nA,2020-01-02,1,a, b\n").remove(0);
    assert_eq!(report.title, "the file cannot be read");
    assert!(report.place.unwrap().ends_with("labels.csv:3"));
    assert_eq!(report.expected.as_deref(), Some("4 cells, as the header has"));
    assert_eq!(report.found.as_deref(), Some("5 cells"));
    assert_eq!(
        report.hint.as_deref(),
        Some("write a cell that holds a comma in quotes: `\"a, b\"`")
    );
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("labels.csv");
    fs::write(&path, b"ticker,ts,label\nM\xfcnchen,2020-01-01,1\n").unwrap();
    let columns = ColumnMap::new("--columns", []).unwrap();
    let error = read_labels(&path, &columns, None, None).unwrap_err();
    assert_eq!(error.reports[0].hint.as_deref(), Some("save the file as UTF-8"));
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("labels.csv:2"));
}

#[test]
fn a_file_without_rows_is_a_mistake() {
    for text in ["", "ticker,ts,label\n", "\n"] {
        assert_eq!(reports(text)[0].title, "the file has no row", "{text:?}");
    }
}
