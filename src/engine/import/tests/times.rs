//! Times that can be read in several ways, or follow each other oddly.

use super::*;

fn dates(rows: &[&str]) -> String {
    let rows: String = rows.iter().map(|date| format!("{date},1\n")).collect();
    format!("date,close\n{rows}")
}

#[test]
fn two_formats_in_one_column_are_refused_with_the_rows_of_the_rarer() {
    let text = dates(&["2020-01-02", "03-Jan-20", "2020-01-06", "2020-01-07"]);
    let (_dir, options) = folder(&[("x.csv", &text)]);
    let error = refused(&options);
    assert_eq!(error.reports.len(), 1);
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("x.csv:3"));
    assert_eq!(error.reports[0].found.as_deref(), Some("03-Jan-20"));
    let report = run(&on(&options, &["bad-time=drop"])).unwrap();
    assert_eq!(counted(&report), [(OddityKind::BadTime, 1, 3)]);
}

#[test]
fn days_and_months_in_both_orders_are_refused_also_where_bad_times_are_left_out() {
    // Two rows read only as day first, one only as month first, one as either.
    let text = dates(&["25/12/2020", "26/12/2020", "12/27/2020", "01/02/2021"]);
    let (_dir, options) = folder(&[("x.csv", &text)]);
    for options in [on(&options, &[]), on(&options, &["bad-time=drop"])] {
        let error = refused(&options);
        assert_eq!(error.reports[0].title, "the dates of `date` are written in several ways");
        assert!(error.reports[0].place.as_deref().unwrap().ends_with("x.csv:5"));
    }
}

#[test]
fn one_day_beyond_the_twelfth_decides_for_its_file_but_not_for_another() {
    let (_dir, options) = folder(&[("x.csv", &dates(&["03/04/2020", "25/04/2020"]))]);
    assert_eq!(run(&options).unwrap().span.0, "2020-04-03");
    let sure = dates(&["03/04/2020", "25/04/2020"]);
    let (_dir, options) = folder(&[("x.csv", &sure), ("y.csv", &dates(&["03/04/2020"]))]);
    let error = refused(&options);
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("y.csv:2"));
}

#[test]
fn the_century_of_a_two_digit_year_is_the_users() {
    let (_dir, options) = folder(&[("x.csv", &dates(&["03-Jan-50", "29-Jun-18"]))]);
    let report = run(&options).unwrap();
    assert_eq!(report.span, ("2018-06-29".to_owned(), "2050-01-03".to_owned()));
    let report = run(&ImportOptions { first_year: 1930, ..options }).unwrap();
    assert_eq!(report.span, ("1950-01-03".to_owned(), "2018-06-29".to_owned()));
    assert_eq!(report.oddities[0].kind, OddityKind::TwoDigitYear);
}

#[test]
fn an_empty_time_is_refused_with_its_row() {
    let (_dir, options) = folder(&[("x.csv", &dates(&["2020-01-02", "", "2020-01-06"]))]);
    let error = refused(&options);
    assert!(error.reports[0].place.as_deref().unwrap().ends_with("x.csv:3"));
    assert_eq!(error.reports[0].found.as_deref(), Some("an empty cell"));
}

#[test]
fn instants_off_the_usual_step_are_told() {
    let text = "timestamp,value
2014-04-01T00:00:00Z,1
2014-04-01T00:05:00Z,1
2014-04-01T00:10:00Z,1
2014-04-01T01:40:00Z,1
2014-04-01T01:45:00Z,1
";
    let (_dir, options) = folder(&[("x.csv", text)]);
    let report = run(&options).unwrap();
    assert_eq!(counted(&report), [(OddityKind::IrregularStep, 1, 5)]);
    let told = "x 2014-04-01T01:40:00Z: 1 h 30 min after the row before it, usually 5 min";
    assert_eq!(report.oddities[0].examples[0].content, told);
}

#[test]
fn a_list_of_days_needs_no_column_of_numbers() {
    let (_dir, options) = folder(&[("x.csv", "seed,date\na,2020-01-03\nb,2020-01-02\n")]);
    assert_eq!(refused(&options).reports[0].title, "no column of numbers to keep");
    let ticker = TickerFrom::Column("seed".into());
    let report = run(&ImportOptions { ticker, no_columns: true, ..options }).unwrap();
    assert_eq!(cells_of(&report.output), ["a|2020-01-03", "b|2020-01-02"]);
}

#[test]
fn rows_within_a_window_of_labels_are_labelled() {
    let text = "timestamp,value\n2014-04-01 00:00:00,1\n2014-04-01 00:05:00,2\n2014-04-01 00:10:00,3\n2014-04-01 00:15:00,4\n";
    let (dir, options) = folder(&[("x.csv", text), ("y.csv", text)]);
    let labels = dir.path().join("windows.json");
    let with = |json: &str| {
        fs::write(&labels, json).unwrap();
        ImportOptions { labels: Some(labels.clone()), ..options.clone() }
    };
    let windows =
        r#"{"x.csv": [["2014-04-01 00:05:00.000000", "2014-04-01 00:10:00"]], "y.csv": []}"#;
    let report = run(&with(windows)).unwrap();
    assert_eq!(report.columns, ["ticker", "ts", "value", "label"]);
    let labels: Vec<String> = cells_of(&report.output)
        .iter()
        .map(|row| row.rsplit('|').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(labels, ["0.0", "1.0", "1.0", "0.0", "0.0", "0.0", "0.0", "0.0"]);

    for (json, title) in [
        (r#"{"x.csv": []}"#, "the labels do not name this file once"),
        (
            r#"{"x.csv": [["soon", "2014-04-01 00:10:00"]], "y.csv": []}"#,
            "an end of a window of labels is no instant",
        ),
        ("[", "the labels cannot be read"),
    ] {
        assert_eq!(refused(&with(json)).reports[0].title, title);
    }
}
