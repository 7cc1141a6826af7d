//! Tickers are data: whatever they look like, they come through, and reports show them harmlessly.

use std::path::PathBuf;

use datafusion::arrow::array::{Array, StringArray};

use super::*;

/// Names that a path, a shell, a parser, a terminal or an eye would take for something else.
fn hostile() -> Vec<String> {
    let mut tickers: Vec<String> = [
        "../../x",
        "BRK/B",
        "NA",
        "0005",
        "TRUE",
        "1E5",
        "CON",
        "a \"b\"",
        "'; DROP TABLE prices",
        "two\nlines",
        "\u{1b}[31mred\u{1b}]0;title\u{7}",
        "🦀",
        "تداول",
        "A\u{202e}B",
        "null",
        "-",
        "a,b",
        "NaN",
        "é",
        "e\u{301}",
        "%s{}$x",
        "\0",
        "a\tb",
    ]
    .map(str::to_owned)
    .to_vec();
    tickers.push("L".repeat(300));
    tickers
}

fn quoted(ticker: &str) -> String {
    format!("\"{}\"", ticker.replace('"', "\"\""))
}

fn tickers_of(path: &Path) -> Vec<String> {
    let mut tickers = Vec::new();
    for batch in rows_of(path) {
        let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap().clone();
        tickers.extend((0..column.len()).map(|row_idx| column.value(row_idx).to_owned()));
    }
    tickers
}

#[test]
fn hostile_tickers_come_through_unchanged() {
    // NUL within the first bytes of a file tells binary data, so it stands in no column here.
    let tickers: Vec<String> = hostile().into_iter().filter(|t| t != "\0").collect();
    let rows: String =
        tickers.iter().map(|ticker| format!("{},2020-01-02,1\n", quoted(ticker))).collect();
    let (_dir, options) = folder(&[("x.csv", &format!("ticker,date,close\n{rows}"))]);
    let report = run(&options).unwrap();
    let mut expected = tickers;
    expected.sort();
    assert_eq!(tickers_of(&report.output), expected);
}

#[test]
fn a_hostile_literal_comes_through_unchanged_and_is_no_path() {
    for ticker in hostile() {
        let (dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n")]);
        let options = ImportOptions { ticker: TickerFrom::Literal(ticker.clone()), ..options };
        let report = run(&options).unwrap();
        assert_eq!(tickers_of(&report.output), [ticker]);
        assert_eq!(report.output, dir.path().join("out/x.parquet"));
    }
}

#[test]
fn no_report_or_error_sends_a_control_character_or_a_long_ticker() {
    let tickers: Vec<String> = hostile().into_iter().filter(|t| t != "\0").collect();
    // Odd in every way that names a ticker: newest first, duplicates, contradicting prices, a zero
    // volume, a large move, a day missing; and at last a cell that is none.
    let days = ["2020-01-06,9,8,9,1,0", "2020-01-03,1,2,1,1,1", "2020-01-02,1,2,1,1,1"];
    let mut text = String::from("ticker,date,open,high,low,close,volume\n");
    for (ticker_idx, ticker) in tickers.iter().enumerate() {
        for day in &days[usize::from(ticker_idx % 5 == 0)..] {
            text.push_str(&format!("{},{day}\n", quoted(ticker)));
        }
    }
    let (_dir, options) = folder(&[("x.csv", &text)]);
    let options = ImportOptions { n_examples: 1000, ..options };
    let report = run(&options).unwrap().to_string();
    let harmless = |text: &str| {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        assert!(!text.contains(&"L".repeat(100)), "{text}");
    };
    harmless(&report);
    assert!(report.contains("\\u{1b}[31mred"));
    assert!(report.contains("two\\nlines 2020-01-06: "));
    assert!(report.contains("🦀 2020-01-06: "));

    for ticker in &tickers {
        let twice = format!(
            "ticker,date,close\n{0},2020-01-02,1\n{0},2020-01-02,2\n{0},2020-01-03,3\n",
            quoted(ticker)
        );
        let (_dir, options) = folder(&[("x.csv", &twice)]);
        harmless(&refused(&options).to_string());
    }
}

#[test]
fn an_empty_ticker_is_refused_with_its_row_or_left_out() {
    let text = "ticker,date,close\nA,2020-01-02,1\n,2020-01-03,2\n\"  \",2020-01-06,3\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let error = refused(&options);
    let places: Vec<_> = error.reports.iter().map(|r| r.place.as_deref().unwrap()).collect();
    assert!(places[0].ends_with("x.csv:3") && places[1].ends_with("x.csv:4"), "{places:?}");
    assert_eq!(error.reports[0].title, "the ticker is empty");
    assert_eq!(error.reports[0].found.as_deref(), Some(",2020-01-03,2"));
    let report = run(&on(&options, &["empty-ticker=drop"])).unwrap();
    assert_eq!(counted(&report), [(OddityKind::EmptyTicker, 2, 3)]);
    assert_eq!(tickers_of(&report.output), ["A"]);
}

#[test]
fn an_empty_literal_is_refused() {
    for ticker in ["", " "] {
        let (_dir, options) = folder(&[("x.csv", "date,close\n2020-01-02,1\n")]);
        let options = ImportOptions { ticker: TickerFrom::Literal(ticker.into()), ..options };
        assert_eq!(refused(&options).kind, Kind::Config);
    }
}

#[test]
fn blanks_around_a_ticker_are_kept_and_told() {
    let text = "ticker,date,close\nA ,2020-01-02,1\nA,2020-01-02,2\n";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    assert_eq!(tickers_of(&report.output), ["A", "A "]);
    assert_eq!(counted(&report)[0], (OddityKind::PaddedTicker, 1, 2));
}

#[test]
fn the_ticker_can_stand_in_the_file_name() {
    let day = "date,close\n2020-01-02,1\n";
    let (_dir, options) = folder(&[("AAL_data.csv", day), ("BRK.B_data.csv", day)]);
    let pattern = |pattern: &str| ImportOptions {
        ticker: TickerFrom::FileName(pattern.into()),
        ..options.clone()
    };
    let report = run(&pattern("{ticker}_data.csv")).unwrap();
    assert_eq!(tickers_of(&report.output), ["AAL", "BRK.B"]);
    let error = refused(&pattern("{ticker}-prices.csv"));
    assert_eq!(error.reports[0].found.as_deref(), Some("AAL_data.csv"));
    assert_eq!(refused(&pattern("data.csv")).kind, Kind::Config);
}

#[test]
fn a_ticker_in_several_files_is_put_together_and_told() {
    let (dir, options) = folder(&[("a.csv", "date,close\n2020-01-02,1\n")]);
    fs::create_dir(dir.path().join("later")).unwrap();
    let later: PathBuf = dir.path().join("later/a.csv");
    fs::write(&later, "date,close\n2020-01-03,2\n").unwrap();
    let files = vec![options.files[0].clone(), later];
    let report = run(&ImportOptions { files, ..options }).unwrap();
    assert_eq!(report.n_rows, 2);
    assert_eq!(counted(&report), [(OddityKind::SplitTicker, 1, 2)]);
    assert!(report.oddities[0].examples[0].content.starts_with("a, also in "));
}

#[cfg(unix)]
#[test]
fn a_hostile_file_name_is_a_ticker_too_and_reaches_no_terminal() {
    let name = "\u{1b}[31mred\nA.csv";
    let (_dir, options) = folder(&[(name, "date,close\n2020-01-02,\n2020-01-03,1\n")]);
    let report = run(&options).unwrap();
    assert_eq!(tickers_of(&report.output), ["\u{1b}[31mred\nA"; 2]);
    let told = report.to_string();
    assert!(!told.contains('\u{1b}') && told.contains("\\u{1b}[31mred\\nA.csv:2  "), "{told}");
}
