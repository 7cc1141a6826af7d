use proptest::prelude::*;

use super::*;
use crate::by_ticker::ByTicker;
use crate::distribution::Distribution;
use crate::history::tests::OwnedHistory;
use crate::merge::Merge;
use crate::score::tests::{archive, ewma, mean_of_window};
use crate::smoothing::Smoothing;
use crate::split::Spans;

fn calibrated(threshold: f64) -> ByTicker<Calibrated> {
    let distribution = Distribution::new(&[1.0, 2.0, 3.0]);
    ByTicker::pooled(Calibrated { threshold, distribution, origin: None, tail: None })
}

fn judge_with(detector: Detector) -> CalibratedDetector {
    let spans = Spans { train_to: 1, validation_to: 2, calibration_to: 3 };
    CalibratedDetector {
        detector,
        thresholds: Thresholds {
            causal: calibrated(2.0),
            hindsight: Some(calibrated(2.5)),
            fallback: Some(calibrated(4.0)),
        },
        split: Split::try_from(spans).unwrap(),
        events: EventRule::default(),
    }
}

#[test]
fn a_scored_row_is_compared_with_the_causal_threshold() {
    // Windows of two rows expect their mean: 1 5 → 3, error 2, at the threshold; 5 −3 → 1, error −4.
    let mut history = OwnedHistory::new(&[1.0, 5.0, -3.0], 1, 2);
    history.reference_prices = Some(vec![100.0, 110.0, 99.0]);
    let judgement = judge_with(mean_of_window(2, 2, 1)).judge("A", &history.view()).unwrap();
    let [_, at, above] = judgement.rows[..] else { panic!("three rows") };
    assert_eq!((at.score, at.threshold_ratio, at.is_anomaly), (Some(2.0), Some(1.0), false));
    assert_eq!((at.rule, at.skip_reason), (Some(Rule::Model), None));
    assert_eq!((at.span, above.span), (Span::Train, Span::Validation));
    assert_eq!((above.score, above.threshold), (Some(4.0), Some(2.0)));
    assert_eq!((above.threshold_ratio, above.is_anomaly), (Some(2.0), true));
    // 4 is above all of 1 2 3: 100 %, (1 + 0)/(3 + 1).
    assert_eq!((above.percentile, above.p_value), (Some(100.0), Some(0.25)));
    assert_eq!((at.direction, above.direction), (Some(Direction::Above), Some(Direction::Below)));
    // 99/110 − 1 = −10 %, through a logarithm and back.
    assert!((above.return_pct.unwrap() + 10.0).abs() < 1e-12);
    assert_eq!(above.n_windows, 1);
    // Both hindsight scores exist and decide nothing: row 1 has errors 2 and 4.
    assert_eq!((at.score_hindsight, above.score_hindsight), (Some(3.0), Some(4.0)));
    assert!(!at.is_interim && !above.is_interim);
    assert_eq!((judgement.events.len(), above.event_idx), (1, Some(0)));
}

#[test]
fn hindsight_decides_where_the_pipeline_says_so() {
    let history = OwnedHistory::new(&[1.0, 5.0, -3.0], 1, 2);
    let detector = Detector { merge: Some(Merge::Max), ..mean_of_window(2, 2, 1) };
    let rows = judge_with(detector).judge("A", &history.view()).unwrap().rows;
    // Errors by window: 2 2 ·, · 4 4.
    assert_eq!(rows[0].score_hindsight, Some(2.0));
    assert_eq!((rows[0].score, rows[0].rule), (None, Some(Rule::Model)));
    assert_eq!(rows[0].skip_reason, Some(SkipReason::HistoryShort));
    assert_eq!((rows[0].threshold, rows[0].is_anomaly), (Some(2.5), false));
    assert_eq!((rows[1].score, rows[1].score_hindsight), (Some(2.0), Some(4.0)));
    assert_eq!((rows[1].threshold_ratio, rows[1].is_anomaly), (Some(1.6), true));
    assert_eq!(rows.iter().map(|row| row.is_interim).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_row_without_a_score_is_decided_by_the_fallback() {
    // Ten changes of ±1 in a row, then one of 9: 9/1.4826 = 6.07 > 4.
    let mut values: Vec<f64> = (0..11).map(|k| f64::from(k % 2)).collect();
    values.push(9.0);
    let history = OwnedHistory::new(&values, 1, 30);
    let judgement = judge_with(mean_of_window(30, 30, 1)).judge("A", &history.view()).unwrap();
    let row = judgement.rows[11];
    assert_eq!((row.rule, row.is_anomaly), (Some(Rule::Fallback), true));
    assert_eq!(row.skip_reason, Some(SkipReason::HistoryShort));
    assert_eq!((row.score, row.threshold), (Some(9.0 / 1.482_602_218_505_602), Some(4.0)));
    assert_eq!((row.direction, row.return_pct), (Some(Direction::Above), None));
    let first = judgement.rows[0];
    assert_eq!((first.rule, first.score, first.is_anomaly), (None, None, false));
    // Without a calibrated fallback the score stands and flags nothing.
    let mut judge = judge_with(mean_of_window(30, 30, 1));
    judge.thresholds.fallback = None;
    let row = judge.judge("A", &history.view()).unwrap().rows[11];
    assert_eq!((row.rule, row.is_anomaly), (Some(Rule::Fallback), false));
    assert!(row.score.is_some() && row.threshold.is_none() && row.p_value.is_none());
}

#[test]
fn a_break_is_flagged_without_a_score() {
    let history = OwnedHistory::new(&[1.0, 1.0, -9.0, 1.0], 1, 2).cut(2, true);
    for detector in [mean_of_window(2, 2, 1), ewma()] {
        let judgement = judge_with(detector).judge("A", &history.view()).unwrap();
        let row = judgement.rows[2];
        assert_eq!((row.rule, row.is_anomaly, row.score), (Some(Rule::Break), true, None));
        assert_eq!((row.skip_reason, row.threshold), (Some(SkipReason::Break), None));
        assert_eq!(row.direction, Some(Direction::Below));
        assert_eq!(judgement.events.len(), 1);
    }
}

#[test]
fn a_baseline_without_a_scale_says_so() {
    let history = OwnedHistory::new(&[0.0, 0.0, f64::NAN], 1, 1);
    let rows = judge_with(ewma()).judge("A", &history.view()).unwrap().rows;
    let reasons: Vec<&str> = rows.iter().map(|row| row.skip_reason.unwrap().name()).collect();
    assert_eq!(reasons, ["history_short", "no_scale", "null_value"]);
}

#[test]
fn bounds_are_where_a_value_alone_would_be_flagged() {
    // Two features, both expected at their mean: 0 8 → 4 and 0 0 → 0. Reach 2 · √2.
    let history = OwnedHistory::new(&[0.0, 0.0, 8.0, 0.0], 2, 2);
    let judgement = judge_with(mean_of_window(2, 2, 2)).judge("A", &history.view()).unwrap();
    let reach = 2.0 * 2.0_f64.sqrt();
    let point = judgement.points[2];
    assert_eq!((point.value, point.expected, point.error), (Some(8.0), Some(4.0), Some(4.0)));
    assert_eq!((point.lower_bound, point.upper_bound), (Some(4.0 - reach), Some(4.0 + reach)));
    // √((16 + 0)/2) = √8 = 2√2 > 2: flagged, as 8 > 4 + 2√2.
    assert!(judgement.rows[1].is_anomaly && point.value > point.upper_bound);
    assert_eq!(judgement.points[0].expected, None);
    assert_eq!(judgement.points[0].value, Some(0.0));
}

#[test]
fn where_scores_are_smoothed_bounds_are_those_of_a_value_that_lasts() {
    // The mean of two scores is held against 2: an error of 2.5 is flagged in its second row, (2.5 + 2.5)/2.
    let smoothed = |values: &[f64]| {
        let mut detector = mean_of_window(2, 2, 1);
        detector.form.smoothing = Some(Smoothing::Mean { rows: 2 });
        judge_with(detector).judge("A", &OwnedHistory::new(values, 1, 2).view()).unwrap()
    };
    // Windows of two rows expect their mean: 0 5 → 2.5, error 2.5; 5 0 → 2.5, error 2.5; 0 0: none.
    let judgement = smoothed(&[0.0, 0.0, 5.0, 0.0, 0.0]);
    let beyond = |row: usize| {
        let point = judgement.points[row];
        point.value > point.upper_bound || point.value < point.lower_bound
    };
    assert_eq!([1, 2, 3, 4].map(beyond), [false, true, true, false]);
    // Means of two: 0, 1.25, 2.5, 1.25.
    let flags: Vec<bool> = judgement.rows.iter().map(|row| row.is_anomaly).collect();
    assert_eq!(flags, [false, false, false, true, false]);
    assert_eq!(judgement.points[3].lower_bound, Some(2.5 - 2.0));
    // Errors of 1.5 lie within and are never flagged, however long they last.
    let within = smoothed(&[0.0, 3.0, 0.0, 3.0, 0.0, 3.0]);
    assert!(within.rows.iter().all(|row| !row.is_anomaly));
    assert!(
        within.points[1..].iter().all(|p| p.value >= p.lower_bound && p.value <= p.upper_bound)
    );
}

#[test]
fn where_whole_windows_are_judged_no_value_has_bounds() {
    let values: Vec<f64> = (0..40).map(|k| f64::from(k * k % 7)).collect();
    let rows = std::num::NonZeroUsize::new(3).unwrap();
    let baseline = crate::baseline::NearestNeighbour { rows, ..Default::default() };
    let fitted = crate::baseline::tests::trained(
        crate::Baseline::NearestNeighbour(baseline),
        &values[..10],
        9,
    );
    let detector = Detector { judge: Judge::Baseline(fitted), ..ewma() };
    let history = OwnedHistory::new(&[1.0, 2.0, 4.0, 90.0], 1, 3);
    let judgement = judge_with(detector).judge("A", &history.view()).unwrap();
    let (row, point) = (judgement.rows[3], judgement.points[3]);
    assert!(row.is_anomaly && row.direction == Some(Direction::Above));
    assert!(point.expected.is_some() && point.error.is_some());
    assert_eq!((point.lower_bound, point.upper_bound), (None, None));
    // The score is the distance of the window and not of its newest row alone.
    assert_eq!(judgement.rows[2].skip_reason, None);
    assert_eq!(judgement.rows[2].n_windows, 1);
}

#[test]
fn an_expectation_becomes_a_price() {
    let mut history = OwnedHistory::new(&[1.0, 3.0], 1, 2);
    history.reference_prices = Some(vec![50.0, 60.0]);
    history.feature_scales = Some(vec![0.1, 0.5]);
    let price = |link| {
        let detector = Detector { price_links: vec![link], ..mean_of_window(2, 2, 1) };
        let judgement = judge_with(detector).judge("A", &history.view()).unwrap();
        assert_eq!(judgement.points[0].price_expected, None);
        judgement.points[1].price_expected
    };
    // Expected is 2: a log return of 2 · 0.5 from 50.
    assert_eq!(price(PriceLink::Return), Some(50.0 * 1.0_f64.exp()));
    assert_eq!(price(PriceLink::Level), Some(2.0));
    assert_eq!(price(PriceLink::None), None);
}

#[test]
fn no_return_leads_on_from_a_price_that_has_no_logarithm() {
    for before in [0.0, -50.0, f64::NAN] {
        let mut history = OwnedHistory::new(&[1.0, 3.0], 1, 2);
        history.reference_prices = Some(vec![before, 60.0]);
        let links = vec![PriceLink::Return];
        let judge = judge_with(Detector { price_links: links, ..mean_of_window(2, 2, 1) });
        let judgement = judge.judge("A", &history.view()).unwrap();
        assert_eq!(judgement.points[1].price_expected, None, "{before}");
    }
}

#[test]
fn an_empty_and_an_all_missing_history_are_judged() {
    let judge = judge_with(mean_of_window(2, 2, 1));
    let empty = judge.judge("A", &OwnedHistory::new(&[], 1, 2).view()).unwrap();
    assert!(empty.rows.is_empty() && empty.points.is_empty() && empty.events.is_empty());
    let missing = judge.judge("A", &OwnedHistory::new(&[f64::NAN; 20], 1, 2).view()).unwrap();
    assert!(missing.rows.iter().all(|row| row.rule.is_none() && !row.is_anomaly));
    assert!(missing.points.iter().all(|point| point.value.is_none() && point.error.is_none()));
}

#[test]
fn constant_values_raise_no_flag() {
    for detector in [mean_of_window(5, 5, 1), mean_of_window(5, 1, 1), ewma()] {
        let history = OwnedHistory::new(&[7.0; 40], 1, 5);
        let judgement = judge_with(detector).judge("A", &history.view()).unwrap();
        assert!(judgement.events.is_empty());
    }
}

/// What must not change when later rows come or change: everything but hindsight and its events.
fn causal(judgement: &Judgement, n_rows: usize) -> Vec<(JudgedRow, String)> {
    let without_hindsight = |row: &JudgedRow| JudgedRow {
        score_hindsight: None,
        n_windows: 0,
        event_idx: None,
        ..*row
    };
    let point = |row: &JudgedRow| {
        let features = judgement.points.len() / judgement.rows.len();
        // Debug prints the shortest text that gives the same bits back.
        let of_row = row.row_idx * features..(row.row_idx + 1) * features;
        format!("{:?}", &judgement.points[of_row])
    };
    let rows = judgement.rows[..n_rows].iter();
    rows.map(|row| (without_hindsight(row), point(row))).collect()
}

/// Values with holes, two features, a gap and a break somewhere, prices and feature scales.
fn histories() -> impl Strategy<Value = OwnedHistory> {
    let value = || prop::option::weighted(0.95, -3.0_f64..3.0);
    let rows = prop::collection::vec((value(), value(), 1.0_f64..9.0, 0.1_f64..2.0), 3..50);
    (rows, any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
        |(rows, gap, brk)| {
            let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
            let values: Vec<f64> =
                rows.iter().flat_map(|row| [or_nan(row.0), or_nan(row.1)]).collect();
            let mut history = OwnedHistory::new(&values, 2, 4)
                .cut(gap.index(rows.len()), false)
                .cut(brk.index(rows.len()), true);
            history.reference_prices = Some(rows.iter().map(|row| row.2).collect());
            history.feature_scales = Some(rows.iter().flat_map(|row| [row.3, row.3]).collect());
            history
        },
    )
}

/// The history without its rows from `n_rows` on.
fn first_rows(history: &OwnedHistory, n_rows: usize) -> OwnedHistory {
    let mut first = history.clone();
    first.days.truncate(n_rows);
    first.values.truncate(n_rows * 2);
    first.segments.truncate(n_rows);
    first.breaks.truncate(n_rows);
    first.windowed.truncate(n_rows);
    first.reference_prices.as_mut().unwrap().truncate(n_rows);
    first.feature_scales.as_mut().unwrap().truncate(n_rows * 2);
    first
}

fn detectors() -> [CalibratedDetector; 3] {
    let links = vec![PriceLink::Return, PriceLink::Level];
    [mean_of_window(4, 4, 2), mean_of_window(4, 1, 2), ewma()]
        .map(|detector| judge_with(Detector { price_links: links.clone(), ..detector }))
}

proptest! {
    #[test]
    fn one_more_row_leaves_every_earlier_causal_row_bit_identical(history in histories()) {
        let n_rows = history.days.len() - 1;
        for judge in detectors() {
            let whole = judge.judge("A", &history.view()).unwrap();
            let before = judge.judge("A", &first_rows(&history, n_rows).view()).unwrap();
            prop_assert_eq!(causal(&whole, n_rows), causal(&before, n_rows));
        }
    }

    #[test]
    fn a_changed_row_changes_no_earlier_causal_row(
        history in histories(),
        changed in any::<prop::sample::Index>(),
        value in -1e6_f64..1e6,
    ) {
        let changed = changed.index(history.days.len());
        let mut other = history.clone();
        if other.view().is_whole(changed) {
            other.values[changed * 2] = value;
        }
        other.reference_prices.as_mut().unwrap()[changed] = value.abs();
        for judge in detectors() {
            let one = judge.judge("A", &history.view()).unwrap();
            let two = judge.judge("A", &other.view()).unwrap();
            prop_assert_eq!(causal(&one, changed), causal(&two, changed));
        }
    }

    #[test]
    fn every_number_in_a_judgement_is_finite_and_flags_exceed_their_threshold(
        history in histories(),
    ) {
        for judge in detectors() {
            let judgement = judge.judge("A", &history.view()).unwrap();
            let text = format!("{judgement:?}");
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
            for row in judgement.rows {
                let exceeds = row.rule == Some(Rule::Break) || row.score > row.threshold;
                prop_assert_eq!(row.is_anomaly, exceeds && row.rule.is_some());
            }
        }
    }
}

#[test]
fn an_archive_detector_sets_each_ticker_its_own_threshold_and_flags_no_missing_value() {
    // Medians 0: distances 1 … 9 in units of their own deviation; the middle of them is the threshold.
    let mut values: Vec<f64> = (1..=9).flat_map(|k| [f64::from(k), -f64::from(k)]).collect();
    values.insert(5, f64::NAN);
    let history = OwnedHistory::new(&values, 1, 1).cut(5, true);
    let mut detector = archive();
    let Judge::Archive(judge) = &mut detector.judge else { panic!("an archive") };
    judge.threshold = toml::from_str("quantile = { q = 0.5 }").unwrap();
    let judgement = judge_with(detector).judge("A", &history.view()).unwrap();
    let rows = &judgement.rows;
    let gap = &rows[5];
    assert_eq!(
        (gap.skip_reason, gap.rule, gap.is_anomaly),
        (Some(SkipReason::NullValue), None, false)
    );
    assert_eq!((gap.threshold, gap.score_hindsight), (None, None));
    let others = || rows.iter().filter(|row| row.row_idx != 5);
    assert!(others().all(|row| row.rule == Some(Rule::Model) && row.skip_reason.is_none()));
    assert!(others().all(|row| row.score.is_none() && row.threshold == rows[0].threshold));
    assert!((rows[18].threshold_ratio.unwrap() - 9.0 / 5.0).abs() < 1e-12);
    // Above 5 are 6, 7, 8 and 9, each twice.
    assert_eq!(others().filter(|row| row.is_anomaly).count(), 8);
    // 9 and its mirror image stand at the top: (1 + 2)/(18 + 1).
    assert_eq!(rows[18].p_value, Some(3.0 / 19.0));
    assert!(judgement.points.iter().all(|point| point.expected.is_none()));
}

#[test]
fn an_archive_detector_flags_a_jump_where_jumps_are_asked_for() {
    let history = OwnedHistory::new(&[1.0, 1.5, 1.0, 2.0], 1, 1).cut(2, true);
    let judgement = judge_with(archive()).judge("A", &history.view()).unwrap();
    assert_eq!(judgement.rows[2].rule, Some(Rule::Break));
    assert!(judgement.rows[2].is_anomaly && judgement.rows[2].score_hindsight.is_some());
}

#[test]
fn an_archive_detector_flags_nothing_in_a_constant_series() {
    let history = OwnedHistory::new(&[7.0; 60], 1, 1);
    let judgement = judge_with(archive()).judge("A", &history.view()).unwrap();
    assert!(judgement.rows.iter().all(|row| !row.is_anomaly && row.score_hindsight == Some(0.0)));
    let nothing = OwnedHistory::new(&[f64::NAN; 3], 1, 1);
    let judgement = judge_with(archive()).judge("A", &nothing.view()).unwrap();
    assert!(judgement.rows.iter().all(|row| !row.is_anomaly && row.threshold.is_none()));
}
