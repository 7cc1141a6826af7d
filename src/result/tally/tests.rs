use oddlot_series::{
    ByTicker, Calibrated, Detector, EventRule, EwmaZ, FittedBaseline, Fixed, Judge, Lambda, Level,
    Spans, Split, Threshold, Thresholds,
};

use super::*;
use crate::result::Summary;

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
    Tally::new(Units::None, BTreeMap::new(), Reading::default(), 0)
}

/// As [`observe_from`], from the first day on.
fn observe(tally: &Tally, ticker: &str, jumps: &[usize], judges: &[CalibratedDetector]) {
    observe_from(0, tally, ticker, jumps, judges);
}

/// Ones, with a ten at each of `jumps`; four rows a day, as bars of an hour would be.
fn observe_from(
    first_day: i32,
    tally: &Tally,
    ticker: &str,
    jumps: &[usize],
    judges: &[CalibratedDetector],
) {
    let values: Vec<f64> =
        (0..80).map(|row| if jumps.contains(&row) { 10.0 } else { 1.0 }).collect();
    let days: Vec<i32> = (0..80).map(|row| first_day + row / 4).collect();
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
    let years = tally.years();
    let counts = &years[&1970];
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
    let years = tally.years();
    let counts = &years[&1970];
    let shared = |a: &str, b: &str| counts.shared[a][b];
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
    assert!(tally.counts.lock().unwrap().judged.is_empty());
    let years = tally.years();
    let counts = &years[&1970];
    assert_eq!(counts.models["short"].n_flags, 150);
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
    assert!(tally().years().is_empty());
    assert_eq!(Summary::of(&[], std::iter::empty()), Summary::default());
}

/// `A` over the turn of the year: row 0 is of 27 December 1969, row 20 of New Year's Day.
fn observe_turn(tally: &Tally, jumps: &[usize]) {
    let spans = Spans { train_to: -9, validation_to: -9, calibration_to: -8 };
    let judge = CalibratedDetector { split: Split::try_from(spans).unwrap(), ..judge("short", 1) };
    observe_from(-5, tally, "A", jumps, &[judge]);
}

#[test]
fn years_are_counted_apart_and_together_are_the_whole() {
    let tally = tally();
    observe_turn(&tally, &[4, 30, 60]);
    let years = tally.years();
    assert_eq!(years.keys().copied().collect::<Vec<_>>(), [1969, 1970]);
    let of = |counts: &YearCounts| {
        let short = &counts.models["short"];
        (short.n_rows, short.n_flags, short.n_events, counts.test_days, counts.strongest.len())
    };
    assert_eq!(of(&years[&1969]), (20, 1, 1, Some((-5, -1)), 1));
    assert_eq!(of(&years[&1970]), (60, 2, 2, Some((0, 14)), 2));
    let mut all = YearCounts::default();
    years.values().for_each(|year| all.add(year));
    assert_eq!(of(&all), (80, 3, 3, Some((-5, 14)), 3));
    assert_eq!(all.shared["short"]["short"], 3);
}

#[test]
fn rows_that_were_read_for_later_ones_are_not_counted() {
    let from_1970 = Tally::new(
        Units::None,
        BTreeMap::new(),
        Reading { first_year: 1970, ..Reading::default() },
        0,
    );
    observe_turn(&from_1970, &[4, 30, 60]);
    let whole = tally();
    observe_turn(&whole, &[4, 30, 60]);
    assert_eq!(
        from_1970.years().into_iter().collect::<Vec<_>>(),
        [(1970, whole.years()[&1970].clone())]
    );
}

#[test]
fn an_event_that_may_have_begun_before_what_was_read_asks_for_more() {
    let reaches_back = |ticker: &str, n_warm, jumps: &[usize]| {
        let cut = BTreeSet::from([ticker.to_owned()]);
        let tally =
            Tally::new(Units::None, BTreeMap::new(), Reading { first_year: 1970, cut, n_warm }, 0);
        observe_turn(&tally, jumps);
        tally.reaches_back()
    };
    // After a ten one row back, a ten is not flagged, so that an event has one row: 19 is of 1969, 20 of 1970.
    assert!(reaches_back("A", 20, &[20]));
    assert!(!reaches_back("A", 19, &[20]), "it begins where rows are judged as they ought to be");
    assert!(!reaches_back("A", 20, &[19]), "nothing is told of it in 1970");
    assert!(!reaches_back("B", 20, &[20]), "A has no rows before these");
}
