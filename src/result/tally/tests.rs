use oddlot_series::{
    ByTicker, Calibrated, Detector, EventRule, EwmaZ, FittedBaseline, Fixed, Judge, Lambda, Level,
    Spans, Split, Threshold, Thresholds,
};

use super::*;

/// Flags scores above 3; days 0 … 9 are not in the test span.
fn judge(name: &str, rows: usize) -> CalibratedDetector {
    let threshold = Calibrated::new(
        &Threshold::Fixed(Fixed { value: Level::try_from(3.0).unwrap() }),
        &[1.0, 2.0],
    )
    .unwrap();
    let baseline = EwmaZ::new(Lambda::default(), rows, 1).unwrap();
    CalibratedDetector {
        detector: Detector {
            name: name.into(),
            model_id: name.into(),
            judge: Judge::Baseline(FittedBaseline::EwmaZ(baseline)),
            merge: None,
            form: oddlot_series::Form::default(),
            price_links: Vec::new(),
        },
        thresholds: Thresholds {
            causal: ByTicker::pooled(threshold),
            hindsight: None,
            fallback: None,
        },
        split: Split::try_from(Spans { train_to: 3, validation_to: 3, calibration_to: 9 }).unwrap(),
        events: EventRule::default(),
    }
}

fn tally() -> Tally {
    Tally { scalers: None, counts: Mutex::default() }
}

/// Ones, with a ten at each of `jumps`; four rows a day, as bars of an hour would be.
fn observe(tally: &Tally, ticker: &str, jumps: &[usize], judges: &[CalibratedDetector]) {
    let values: Vec<f64> =
        (0..80).map(|row| if jumps.contains(&row) { 10.0 } else { 1.0 }).collect();
    let days: Vec<i32> = (0..80).map(|row| row / 4).collect();
    let history = History {
        days: &days,
        values: &values,
        features: 1,
        feature_scales: None,
        reference_prices: None,
        segments: &[0; 80],
        breaks: &[false; 80],
        windowed: &[false; 80],
        length: 2,
    };
    for judge in judges {
        let scores = judge.detector.score(ticker, &history).unwrap();
        let judgement = judge.judge_scores(ticker, &history, &scores);
        tally.observe(judge, ticker, &history, &scores, &judgement);
    }
    tally.ticker_done(ticker);
}

#[test]
fn every_flagged_row_of_the_test_span_counts_also_two_of_one_day() {
    let tally = tally();
    // Row 20 is of day 5, before the test span; 60 and 62 are both of day 15.
    observe(&tally, "A", &[20, 60, 62], &[judge("short", 1)]);
    let counts = tally.counts.lock().unwrap();
    let short = &counts.models["short"];
    assert_eq!((short.n_rows, short.n_flags, short.n_events), (40, 2, 2));
    assert_eq!(counts.test_days, Some((10, 19)));
}

#[test]
fn shared_flags_are_those_of_equal_rows_of_one_ticker() {
    let tally = tally();
    // After a ten one row back looks small and eighty do not: the second of two tens is `short`'s not.
    let judges = [judge("long", 80), judge("short", 1)];
    observe(&tally, "A", &[50], &judges);
    observe(&tally, "B", &[60, 61], &judges);
    let counts = tally.counts.lock().unwrap();
    let shared = |a: &str, b: &str| counts.shared[&(a.to_owned(), b.to_owned())];
    assert_eq!(counts.models["long"].n_flags, shared("long", "long"));
    assert_eq!(counts.models["short"].n_flags, shared("short", "short"));
    assert_eq!(shared("long", "short"), shared("short", "long"));
    assert_eq!(shared("long", "short"), 2, "row 50 of A and row 60 of B");
    assert_eq!((counts.models["long"].n_flags, counts.models["short"].n_flags), (3, 2));
}

#[test]
fn what_is_kept_does_not_grow_with_the_number_of_tickers() {
    let tally = tally();
    for ticker in 0..50 {
        observe(&tally, &format!("T{ticker:02}"), &[50, 60, 70], &[judge("short", 1)]);
    }
    let counts = tally.counts.lock().unwrap();
    assert_eq!(counts.models["short"].n_flags, 150);
    assert!(counts.judged.is_empty());
    assert_eq!(counts.strongest.len(), EVENTS_TOLD);
    assert_eq!(counts.strongest[0].ticker, "T00");
}

#[test]
fn a_correlation_is_pearsons_and_none_where_nothing_varies() {
    let of = |pairs: &[(f64, f64)]| {
        let mut moments = Moments::default();
        pairs.iter().for_each(|(x, y)| moments.add(*x, *y));
        moments.correlation()
    };
    assert_eq!(of(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]), Some(1.0));
    // x: -1 0 1, y: 1 -2 1 about their means.
    assert_eq!(of(&[(1.0, 3.0), (2.0, 0.0), (3.0, 3.0)]), Some(0.0));
    assert_eq!(of(&[(1.0, 1.0), (1.0, 2.0)]), None);
    assert_eq!(of(&[]), None);
}

#[test]
fn no_model_and_no_row_are_an_empty_summary() {
    assert_eq!(tally().summary(&[]), Summary::default());
}
