use std::collections::BTreeMap;
use std::sync::Mutex;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::Int32Type;
use oddlot_series::{
    Baseline, BaselineFit, Calibration, Detector, EventRule, EwmaZ, Lambda, PriceLink, RobustZ,
    Sample, Scope, Spans, Split, Threshold, Thresholds,
};
use proptest::prelude::*;

use super::*;
use crate::testing::{floats, texts};

const DAY_US: i64 = 86_400_000_000;

/// Is told of nothing.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn observe(&self, _: &CalibratedDetector, _: &str, _: &History<'_>, _: &Scores, _: &Judgement) {
    }
}

/// One row a day from 1970-01-01, one segment, no window, a price wherever there are prices.
pub(crate) fn rows(ticker: &str, values: &[f64], features: usize, prices: &[f64]) -> TickerRows {
    let n = values.len() / features;
    let days: Vec<i32> = (0..i32::try_from(n).unwrap()).collect();
    TickerRows {
        ticker: ticker.to_owned(),
        ts: days.iter().map(|&day| i64::from(day) * DAY_US).collect(),
        days,
        segments: vec![0; n],
        breaks: vec![false; n],
        values: values.to_vec(),
        feature_scales: Vec::new(),
        reference_prices: prices.to_vec(),
        windowed: vec![false; n],
        skip_reasons: vec![Some("history_short"); n],
    }
}

pub(crate) fn layout(features: &[&str]) -> Layout {
    Layout {
        features: features.iter().map(|&name| name.to_owned()).collect(),
        length: 3,
        has_scales: false,
        has_reference_price: true,
    }
}

/// Calibrated on days 0 … 29 of `rows` by the median score; later days are the test span.
fn calibrated(
    name: &str,
    baseline: Baseline,
    layout: &Layout,
    learnt: &TickerRows,
) -> CalibratedDetector {
    let split =
        Split::try_from(Spans { train_to: 9, validation_to: 9, calibration_to: 29 }).unwrap();
    let history = history(learnt, layout);
    let mut fit = BaselineFit::new(baseline, Scope::Pooled, layout.features.len());
    fit.add(&learnt.ticker, &history, &split);
    let detector = Detector {
        name: name.to_owned(),
        model_id: format!("id-of-{name}"),
        judge: Judge::Baseline(fit.finish().unwrap()),
        merge: None,
        form: oddlot_series::Form::default(),
        price_links: vec![PriceLink::Return; layout.features.len()],
    };
    let scores = detector.score(&learnt.ticker, &history).unwrap();
    let samples = BTreeMap::from([(learnt.ticker.clone(), Sample::of(&history, &scores, &split))]);
    let threshold = Threshold::Quantile(oddlot_series::ByQuantile {
        q: oddlot_series::Quantile::try_from(0.5).unwrap(),
    });
    let thresholds =
        Thresholds::calibrate(&threshold, &Calibration::default(), &samples, false).unwrap();
    CalibratedDetector { detector, thresholds, split, events: EventRule::default() }
}

/// Two detectors, given in the wrong order.
pub(crate) fn judges(features: &[&str], observer: Arc<dyn Observer>) -> Judges {
    let layout = layout(features);
    let wave: Vec<f64> = (0..40 * features.len()).map(|k| ((k * k) as f64).sin()).collect();
    let prices: Vec<f64> = (0..40).map(|k| 100.0 + f64::from(k * k).cos()).collect();
    let learnt = rows("WAVE", &wave, features.len(), &prices);
    let robust = Baseline::RobustZ(RobustZ::new(10, 3).unwrap());
    let ewma = Baseline::EwmaZ(EwmaZ::new(Lambda::default(), 10, 3).unwrap());
    let detectors = vec![
        calibrated("robust", robust, &layout, &learnt),
        calibrated("ewma", ewma, &layout, &learnt),
    ];
    Judges::new(detectors, layout, observer)
}

/// Every table's rows of 40 rows with a jump on day 35 and a missing value on day 20.
fn tables(features: &[&str]) -> BTreeMap<Table, RecordBatch> {
    let n = features.len();
    let mut values: Vec<f64> = (0..40 * n).map(|k| ((k * k) as f64).sin()).collect();
    values[35 * n + (n - 1)] = 50.0;
    values[20 * n] = f64::NAN;
    let prices: Vec<f64> = (0..40).map(|k| 100.0 + f64::from(k)).collect();
    let judged = judges(features, Arc::new(Nobody)).score(&rows("A", &values, n, &prices)).unwrap();
    Table::ALL.into_iter().map(|table| (table, rows_of(table, &judged).unwrap())).collect()
}

fn instants_of(batch: &RecordBatch, name: &str) -> Vec<i64> {
    let column = batch.column_by_name(name).unwrap();
    let column = column.as_primitive::<datafusion::arrow::datatypes::TimestampMicrosecondType>();
    column.values().to_vec()
}

fn keys(batch: &RecordBatch) -> Vec<(i64, String)> {
    let models = texts(batch, "model").into_iter().flatten();
    instants_of(batch, "ts").into_iter().zip(models).collect()
}

#[test]
fn every_table_has_its_schema_and_its_order() {
    let tables = tables(&["b", "a"]);
    for (table, rows) in &tables {
        assert_eq!(rows.schema(), schema::of(*table));
    }
    let reconstructions = &tables[&Table::Reconstructions];
    assert_eq!(reconstructions.num_rows(), 40 * 2 * 2);
    let features = texts(reconstructions, "feature").into_iter().flatten();
    let order: Vec<_> = keys(reconstructions).into_iter().zip(features).collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "(ts, model, feature) rises strictly");
    let errors = keys(&tables[&Table::Errors]);
    assert_eq!(errors.len(), 40 * 2);
    assert!(errors.windows(2).all(|pair| pair[0] < pair[1]), "(ts, model) rises strictly");
    assert_eq!((errors[0].1.as_str(), errors[1].1.as_str()), ("ewma", "robust"));
}

#[test]
fn anomalies_are_the_flagged_errors() {
    let tables = tables(&["a", "b"]);
    let errors = &tables[&Table::Errors];
    let flags = errors.column_by_name("is_anomaly").unwrap().as_boolean();
    let flagged: Vec<_> = keys(errors)
        .into_iter()
        .enumerate()
        .filter(|(row, _)| flags.value(*row))
        .map(|(_, key)| key)
        .collect();
    assert!(flagged.contains(&(35 * DAY_US, "ewma".into())), "{flagged:?}");
    assert_eq!(keys(&tables[&Table::Anomalies]), flagged);
}

#[test]
fn events_cover_exactly_the_anomalies() {
    let tables = tables(&["a", "b"]);
    let (anomalies, events) = (&tables[&Table::Anomalies], &tables[&Table::Events]);
    let ids = texts(events, "event_id");
    let points = events.column_by_name("n_points").unwrap().as_primitive::<Int32Type>();
    let (starts, ends) = (instants_of(events, "start_ts"), instants_of(events, "end_ts"));
    let flagged: Vec<_> = texts(anomalies, "event_id").into_iter().zip(keys(anomalies)).collect();
    assert!(!ids.is_empty());
    for event in 0..events.num_rows() {
        let own: Vec<i64> =
            flagged.iter().filter(|row| row.0 == ids[event]).map(|row| row.1.0).collect();
        assert_eq!(own.len(), usize::try_from(points.value(event)).unwrap());
        assert_eq!(own.first().zip(own.last()), Some((&starts[event], &ends[event])));
    }
    assert_eq!(points.values().iter().sum::<i32>() as usize, anomalies.num_rows());
    let order: Vec<_> = starts.iter().zip(texts(events, "model")).collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "(start_ts, model) rises strictly");
}

#[test]
fn an_anomaly_shows_the_feature_that_is_furthest_off() {
    let tables = tables(&["b", "a"]);
    let anomalies = &tables[&Table::Anomalies];
    let row = keys(anomalies).iter().position(|key| *key == (35 * DAY_US, "ewma".into())).unwrap();
    assert_eq!(texts(anomalies, "feature")[row].as_deref(), Some("a"), "the second feature");
    assert_eq!(floats(anomalies, "value")[row], Some(50.0));
    assert_eq!(texts(anomalies, "direction")[row].as_deref(), Some("above"));
}

#[test]
fn an_error_within_bounds_of_no_width_hides_no_other_feature() {
    let point = |error: f64, upper: f64| JudgedPoint {
        value: Some(error),
        expected: Some(0.0),
        lower_bound: Some(-upper),
        upper_bound: Some(upper),
        error: Some(error),
        scaled_error: None,
        price_expected: None,
    };
    assert_eq!(worst_feature(&[point(0.0, 0.0), point(1.0, 2.0)]), 1);
    assert_eq!(worst_feature(&[point(1.0, 2.0), point(-1.0, 2.0), point(0.0, 0.0)]), 0);
    // Without bounds, by the scale.
    let of_window = |scaled_error: f64| JudgedPoint {
        lower_bound: None,
        upper_bound: None,
        scaled_error: Some(scaled_error),
        ..point(1.0, 0.0)
    };
    assert_eq!(worst_feature(&[of_window(1.0), of_window(-3.0), of_window(2.0)]), 1);
}

#[test]
fn an_event_keeps_its_name_when_it_grows_and_names_do_not_run_together() {
    assert_eq!(event_id("A", "m", 7), event_id("A", "m", 7));
    assert_eq!(event_id("A", "m", 7).len(), 16);
    assert_ne!(event_id("AB", "m", 7), event_id("A", "Bm", 7));
    assert_ne!(event_id("A", "m", 7), event_id("A", "m", 8));
}

#[test]
fn the_observer_hears_of_every_detector_and_then_that_the_ticker_is_done() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);
    impl Observer for Heard {
        fn observe(
            &self,
            judge: &CalibratedDetector,
            ticker: &str,
            _: &History<'_>,
            _: &Scores,
            _: &Judgement,
        ) {
            self.0.lock().unwrap().push(format!("{ticker} {}", judge.detector.name));
        }
        fn ticker_done(&self, ticker: &str) {
            self.0.lock().unwrap().push(format!("{ticker} done"));
        }
    }
    let heard = Arc::new(Heard::default());
    let judges = judges(&["a"], Arc::clone(&heard) as _);
    judges.score(&rows("A", &[1.0, 2.0], 1, &[1.0, 2.0])).unwrap();
    judges.scored("A");
    let mut heard = heard.0.lock().unwrap().clone();
    assert_eq!(heard.pop().unwrap(), "A done");
    heard.sort();
    assert_eq!(heard, ["A ewma", "A robust"]);
}

#[test]
fn a_ticker_without_rows_gives_tables_without_rows() {
    let judged = judges(&["a"], Arc::new(Nobody)).score(&rows("A", &[], 1, &[])).unwrap();
    for table in Table::ALL {
        assert_eq!(rows_of(table, &judged).unwrap().num_rows(), 0);
    }
}

#[test]
fn rows_of_another_relation_are_a_bug() {
    let other = RecordBatch::new_empty(Arc::new(Schema::empty()));
    for table in [Table::Errors, Table::Reconstructions] {
        assert_eq!(rows_of(table, &other).unwrap_err().kind, crate::Kind::Bug);
    }
}

/// Values with every defect: missing, infinite, huge, tiny, constant stretches.
fn any_values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        6 => -5.0_f64..5.0,
        2 => Just(0.0),
        1 => prop_oneof![Just(f64::NAN), Just(1e300), Just(-1e300), Just(5e-324)],
    ];
    prop::collection::vec(value, 0..80)
}

proptest! {
    #[test]
    fn no_judged_row_holds_nan_or_infinity(values in any_values(), prices in any_values()) {
        let n = values.len().min(prices.len()) / 2;
        let mut ticker = rows("A", &values[..2 * n], 2, &prices[..n]);
        for row in (0..n).filter(|row| row % 7 == 3) {
            ticker.breaks[row] = row % 2 == 0;
            ticker.segments[row..].iter_mut().for_each(|segment| *segment += 1);
        }
        let judged = judges(&["a", "b"], Arc::new(Nobody)).score(&ticker).unwrap();
        for table in Table::ALL {
            let rows = rows_of(table, &judged).unwrap();
            for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
                if let Some(floats) = column.as_primitive_opt::<datafusion::arrow::datatypes::Float64Type>() {
                    prop_assert!(floats.iter().flatten().all(f64::is_finite), "{}", field.name());
                }
                prop_assert!(field.is_nullable() || column.null_count() == 0, "{}", field.name());
            }
        }
    }
}

#[test]
fn a_later_row_changes_no_causal_column_of_an_earlier_one() {
    let values: Vec<f64> = (0..60).map(|k| f64::from(k * k).sin()).collect();
    let prices: Vec<f64> = (0..60).map(|k| 50.0 + f64::from(k)).collect();
    let judges = judges(&["a"], Arc::new(Nobody));
    let of = |n: usize| {
        let judged = judges.score(&rows("A", &values[..n], 1, &prices[..n])).unwrap();
        rows_of(Table::Errors, &judged).unwrap().slice(0, 2 * 45)
    };
    let (short, long) = (of(46), of(60));
    for name in ["score", "threshold", "threshold_ratio", "percentile", "p_value"] {
        let bits = |rows: &RecordBatch| -> Vec<Option<u64>> {
            floats(rows, name).into_iter().map(|value| value.map(f64::to_bits)).collect()
        };
        assert_eq!(bits(&short), bits(&long), "{name}");
    }
}
