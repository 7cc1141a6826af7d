use super::*;
use crate::history::tests::OwnedHistory;
use crate::range::Quantile;
use crate::split::Spans;
use crate::threshold::{ByQuantile, Fixed, Level};

fn median() -> Threshold {
    Threshold::Quantile(ByQuantile { q: Quantile::try_from(0.5).unwrap() })
}

fn sample(causal: &[f64]) -> Sample {
    Sample { causal: causal.to_vec(), ..Sample::default() }
}

fn split(validation_to: i32, calibration_to: i32) -> Split {
    Split::try_from(Spans { train_to: 0, validation_to, calibration_to }).unwrap()
}

#[test]
fn a_sample_holds_the_calibration_span_without_breaks() {
    let history = OwnedHistory::new(&[1.0; 16], 1, 2).cut(14, true);
    let mut scores = Scores::empty(16, 1, 1);
    scores.causal[10..].copy_from_slice(&[0.0, 1.0, 2.0, f64::NAN, 4.0, 5.0]);
    // The usual change is 1 from row 10 on: fewer than half are larger.
    scores.changes = vec![1.0; 16];
    scores.changes[11..].copy_from_slice(&[10.0, 20.0, 30.0, 40.0, 50.0]);
    let sample = Sample::of(&history.view(), &scores, &split(11, 14));
    let usual = crate::statistics::SIGMA_PER_MAD;
    assert_eq!((sample.causal, sample.fallback), (vec![2.0], vec![20.0 / usual, 30.0 / usual]));
}

#[test]
fn a_hindsight_point_counts_only_if_all_its_windows_end_in_calibration() {
    // Windows of three rows; calibration is days 2 … 5. Row 4 is covered by the window that ends
    // on day 6, row 3 is not. Row 2 is covered by windows that end on days 2, 3, 4.
    let history = OwnedHistory::new(&[1.0; 8], 1, 3);
    let mut scores = Scores::empty(8, 1, 3);
    scores.hindsight = (0..8).map(f64::from).collect();
    let of = |scores: &Scores, history: &OwnedHistory, to| {
        Sample::of(&history.view(), scores, &split(1, to)).hindsight
    };
    assert_eq!(of(&scores, &history, 5), [2.0, 3.0]);
    // A new segment on day 6 has its first window on day 8: nothing leaves calibration.
    let cut = OwnedHistory::new(&[1.0; 8], 1, 3).cut(6, false);
    assert_eq!(of(&scores, &cut, 5), [2.0, 3.0, 4.0, 5.0]);
    // The newest points are not final.
    scores.is_interim[6] = true;
    scores.is_interim[7] = true;
    assert_eq!(of(&scores, &history, 7), [2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn a_ticker_with_few_rows_takes_the_pooled_threshold() {
    let samples = BTreeMap::from([
        ("A".to_owned(), sample(&[1.0, 2.0, 3.0])),
        ("B".to_owned(), sample(&[10.0])),
    ]);
    let calibration = Calibration { scope: Scope::Ticker, min_rows: 3, ..Calibration::default() };
    let thresholds =
        Thresholds::calibrate(&median(), &calibration, &samples, false).unwrap().causal;
    assert_eq!(thresholds.get("A").item.threshold, 2.0);
    assert_eq!(thresholds.get("B").item.threshold, 2.5);
    assert!(thresholds.get("B").is_pooled_fallback);
    assert_eq!(thresholds.get("B").item.distribution.n(), 4);
    let pooled = Calibration::default();
    let thresholds = Thresholds::calibrate(&median(), &pooled, &samples, false).unwrap().causal;
    assert_eq!(thresholds.get("A").item.threshold, 2.5);
}

#[test]
fn the_score_that_decides_must_have_a_sample() {
    let samples = BTreeMap::from([("A".to_owned(), sample(&[1.0]))]);
    let calibrate = |samples, by_hindsight| {
        Thresholds::calibrate(&median(), &Calibration::default(), samples, by_hindsight)
    };
    let thresholds = calibrate(&samples, false).unwrap();
    assert!(thresholds.hindsight.is_none() && thresholds.fallback.is_none());
    let refused = CalibrateError::NoScores { score: "score_hindsight" };
    assert_eq!(calibrate(&samples, true), Err(refused));
    let refused = CalibrateError::NoScores { score: "score" };
    assert_eq!(calibrate(&BTreeMap::new(), false), Err(refused));
}

#[test]
fn a_fixed_threshold_needs_no_sample_and_leaves_the_fallback_to_a_quantile() {
    let fixed = Threshold::Fixed(Fixed { value: Level::try_from(0.65).unwrap() });
    let calibrate = |samples: BTreeMap<String, Sample>| {
        Thresholds::calibrate(&fixed, &Calibration::default(), &samples, false).unwrap()
    };
    let none = calibrate(BTreeMap::new());
    assert_eq!((none.causal.pooled.threshold, none.causal.pooled.distribution.n()), (0.65, 0));
    assert_eq!(none.fallback, None);
    let sample = Sample { fallback: vec![7.0], ..Sample::default() };
    let some = calibrate(BTreeMap::from([("A".to_owned(), sample)]));
    assert_eq!(some.fallback.unwrap().pooled.threshold, 7.0);
}

#[test]
fn stored_thresholds_keep_their_bits() {
    let samples = BTreeMap::from([("A".to_owned(), sample(&[0.1, 0.2, 0.30000000000000004]))]);
    let calibration = Calibration { scope: Scope::Ticker, min_rows: 1, ..Calibration::default() };
    let thresholds =
        Thresholds::calibrate(&Threshold::default(), &calibration, &samples, false).unwrap();
    let text = serde_json::to_string(&thresholds).unwrap();
    assert_eq!(serde_json::from_str::<Thresholds>(&text).unwrap(), thresholds);
}

#[test]
fn calibration_settings_have_defaults_and_refuse_unknown_keys() {
    assert_eq!(toml::from_str::<Calibration>("").unwrap(), Calibration::default());
    let ticker = toml::from_str::<Calibration>("scope = 'ticker'").unwrap();
    assert_eq!(
        ticker,
        Calibration { scope: Scope::Ticker, min_rows: 250, ..Calibration::default() }
    );
    assert!(toml::from_str::<Calibration>("rows = 3").is_err());
}

#[test]
fn a_threshold_that_asks_too_much_of_the_sample_is_refused_with_what_it_needs() {
    let conformal = |alpha: f64| {
        let alpha = Rate::try_from(alpha).unwrap();
        Threshold::Conformal(crate::threshold::ByConformal { alpha })
    };
    let many: Vec<f64> = (0..99).map(f64::from).collect();
    let samples = BTreeMap::from([
        ("A".to_owned(), sample(&many)),
        ("B".to_owned(), Sample { fallback: vec![7.0], ..sample(&many[..50]) }),
    ]);
    let each = Calibration { scope: Scope::Ticker, min_rows: 10, ..Calibration::default() };
    // 149 in all have a p-value of 1/150, A's 99 one of 1/100, B's 50 none below 1/51.
    let calibrate = |alpha| Thresholds::calibrate(&conformal(alpha), &each, &samples, false);
    let thresholds = calibrate(0.01).unwrap();
    assert!(!thresholds.causal.get("A").is_pooled_fallback);
    assert!(thresholds.causal.get("B").is_pooled_fallback);
    // One fallback score is too few for α too: it takes the default quantile.
    let fallback = &thresholds.fallback.unwrap().pooled;
    assert_eq!(
        (fallback.threshold, fallback.origin.unwrap().threshold),
        (7.0, Threshold::default())
    );
    let refused = calibrate(0.001).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "149 calibration scores give no p-value below 1/150, and alpha is 0.001: 999 are needed"
    );
}

#[test]
fn p_values_are_of_the_scores_that_the_threshold_was_calibrated_on() {
    let samples = BTreeMap::from([
        ("A".to_owned(), sample(&[1.0, 2.0, 3.0])),
        ("B".to_owned(), sample(&[10.0])),
    ]);
    for threshold in [median(), Threshold::Fixed(Fixed { value: Level::try_from(0.65).unwrap() })] {
        let each = Calibration { scope: Scope::Ticker, min_rows: 3, ..Calibration::default() };
        let own = Thresholds::calibrate(&threshold, &each, &samples, false).unwrap().causal;
        // A: (1 + those of 1 2 3 at or above)/4; B, for want of rows, among all four.
        assert_eq!(own.get("A").item.p_value(3.0), Some(0.5));
        assert_eq!(own.get("A").item.p_value(9.0), Some(0.25));
        assert_eq!(own.get("B").item.p_value(9.0), Some(0.4));
        assert_eq!(own.get("A").item.p_value(f64::NAN), None);
    }
}

#[test]
fn a_tail_gives_p_values_beyond_the_largest_score_and_leaves_the_others() {
    let scores = crate::threshold::golden::pareto(2000, 61_803, 0.25);
    let largest = scores.iter().copied().fold(0.0, f64::max);
    let samples = BTreeMap::from([("A".to_owned(), sample(&scores))]);
    let with = |p_values| {
        let calibration = Calibration { p_values, ..Calibration::default() };
        let all = Thresholds::calibrate(&median(), &calibration, &samples, false).unwrap();
        all.causal.pooled
    };
    let (rank, tail) = (with(PValues::Rank), with(PValues::Tail));
    let p_values = |score| (rank.p_value(score).unwrap(), tail.p_value(score).unwrap());
    for score in [0.0, 1.0, largest / 2.0, largest] {
        assert_eq!(p_values(score).0, p_values(score).1, "{score}");
    }
    let mut before = 1.0;
    for factor in 1..60 {
        let (of_rank, of_tail) = p_values(largest * f64::from(factor) + 1e-9);
        assert_eq!(of_rank, 1.0 / 2001.0);
        assert!(of_tail <= of_rank && of_tail <= before && of_tail >= P_VALUE_MIN);
        before = of_tail;
    }
    assert!(before < 1e-5, "{before}");
    assert_eq!(tail.p_value(1e300), Some(P_VALUE_MIN));
    // Too few scores have no tail.
    let few = BTreeMap::from([("A".to_owned(), sample(&scores[..100]))]);
    let calibration = Calibration { p_values: PValues::Tail, ..Calibration::default() };
    let few = Thresholds::calibrate(&median(), &calibration, &few, false).unwrap().causal.pooled;
    assert_eq!(few.p_value(1e300), Some(1.0 / 101.0));
}

#[test]
fn a_calibrated_threshold_says_what_it_is_and_an_older_one_what_is_known() {
    let scores: Vec<f64> = (1..=400).map(f64::from).collect();
    let calibrated = Calibrated::new(&Threshold::default(), &scores).unwrap();
    let words = "quantile 0.995 of 400 calibration scores: level 398.005, stated rate 0.50 %";
    assert_eq!(calibrated.words(), words);
    let text = r#"{"threshold":2.5,"distribution":{"n":2,"kept":[1.0,2.0]}}"#;
    let older: Calibrated = serde_json::from_str(text).unwrap();
    let words = "calibrated on 2 scores by an older oddlot: level 2.500, no rate stated";
    assert_eq!((older.words(), older.stated_rate()), (words.to_owned(), None));
    assert_eq!(serde_json::to_string(&older).unwrap(), text);
}
