use super::*;

fn network(mae: f64, rival: f64) -> ModelSummary {
    ModelSummary {
        name: "forecaster".into(),
        detector: "lstm_forecaster".into(),
        is_network: true,
        mae: Some(mae),
        rivals: vec![("zero".into(), rival), ("persistence".into(), 2.0)],
        threshold: Some(4.0),
        n_scored: 400,
        n_flags: 8,
        n_events: 7,
        correlation: Some(0.99),
        like: Some(("ewma".into(), 6)),
        ..ModelSummary::default()
    }
}

#[test]
fn a_network_that_does_no_better_than_its_rival_is_told_so_in_words() {
    let verdict = |mae, rival| verdicts(&network(mae, rival))[0].clone();
    assert_eq!(
        verdict(0.9, 1.0),
        "forecaster forecasts 10.0 % better than `zero`, the best of its rivals"
    );
    assert_eq!(
        verdict(1.004, 1.0),
        "forecaster forecasts no better than `zero` (+0.4 %): it adds nothing there"
    );
    assert_eq!(
        verdict(1.1, 1.0),
        "forecaster forecasts 10.0 % worse than `zero`: it adds nothing there"
    );
    // A baseline of the pipeline is a rival like any other.
    let beaten = ModelSummary { baselines: vec![("robust".into(), 0.5)], ..network(0.6, 1.0) };
    assert_eq!(
        verdicts(&beaten)[0],
        "forecaster forecasts 20.0 % worse than `robust`: it adds nothing there"
    );
    // A constant series: 0/0 is no percentage.
    assert_eq!(
        verdict(0.0, 0.0),
        "forecaster forecasts no better than `zero`, which makes no error"
    );
}

#[test]
fn the_table_tells_shares_of_the_test_rows_and_the_strongest_events() {
    let event = |ticker: &str, days, ratio| EventSummary {
        ticker: ticker.into(),
        days,
        peak_day: days.0 + 1,
        return_pct: Some(-3.659),
        ratio,
        models: vec!["ewma".into(), "forecaster".into()],
    };
    let summary = Summary {
        is_archive: false,
        test_days: Some((0, 399)),
        n_test_rows: 400,
        outside_share: Some(0.0125),
        models: vec![network(0.9, 1.0)],
        events: vec![event("A", (10, 12), f64::MAX), event("B", (20, 20), 1.5)],
    };
    let text = summary.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "test span 1970-01-01 … 1971-02-04: 400 rows, 1.25 % of values outside the training range"
    );
    let row = lines.iter().find(|line| line.starts_with("forecaster")).unwrap();
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let expected = [
        "forecaster",
        "lstm_forecaster",
        "next row 0.9000",
        "zero 1.0000, persistence 2.0000",
        "4.000",
        "8",
        "2.00 %",
        "7",
    ];
    assert_eq!(cells, expected);
    assert!(text.contains("of forecaster's 8 flagged rows `ewma` flags 6 too; 2 are its own"));
    assert!(text.contains("correlation of 0.990: it repeats the size of the move"));
    assert!(text.contains("A       1970-01-11 … 1970-01-13, peak 1970-01-12  -3.66 %            break  ewma, forecaster"), "{text}");
    assert!(text.contains("1.50  ewma, forecaster"));
}

#[test]
fn without_a_test_row_the_result_says_so() {
    assert_eq!(Summary::default().to_string(), "no row lies in the test span\n");
}

#[test]
fn a_summary_survives_its_json() {
    let summary = Summary {
        models: vec![network(0.9, 1.0)],
        events: vec![EventSummary { ratio: f64::MAX, ..EventSummary::default() }],
        ..Summary::default()
    };
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
}

#[test]
fn an_archive_tells_what_was_flagged_and_no_held_out_error() {
    let model = ModelSummary { threshold: None, n_scored: 398, n_flags: 4, ..network(0.9, 1.0) };
    let summary = Summary {
        is_archive: true,
        test_days: Some((0, 399)),
        n_test_rows: 400,
        models: vec![model],
        ..Summary::default()
    };
    let text = summary.to_string();
    assert!(text.starts_with(
        "archive 1970-01-01 … 1971-02-04: 400 rows, all scored by what learnt from all\n"
    ));
    let row = text.lines().find(|line| line.starts_with("forecaster")).unwrap();
    assert!(row.contains("398") && row.contains("1.00 %"), "{text}");
    assert!(!text.contains("MAE") && !text.contains("0.9"), "{text}");
}
