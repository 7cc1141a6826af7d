use std::num::NonZeroUsize;

use super::*;
use crate::history::tests::OwnedHistory;
use crate::range::Lambda;
use crate::split::Spans;

fn ewma(rows: usize) -> FittedBaseline {
    FittedBaseline::EwmaZ(EwmaZ::new(Lambda::default(), rows, 1).unwrap())
}

#[test]
fn a_volatility_scaled_return_is_seen_as_the_plain_return() {
    let scales = [0.01, 0.02, 0.04, 0.05];
    let returns = [0.03, -0.01, 0.02, 0.04];
    let plain = OwnedHistory::new(&returns, 1, 1);
    let values: Vec<f64> = returns.iter().zip(scales).map(|(r, s)| r / s).collect();
    let mut scaled = OwnedHistory::new(&values, 1, 1);
    scaled.feature_scales = Some(scales.to_vec());
    for (baseline, min) in
        [(ewma(250), 1), (FittedBaseline::RobustZ(RobustZ::new(60, 2).unwrap()), 2)]
    {
        let of_plain = baseline.expect("A", &plain.view());
        let of_scaled = baseline.expect("A", &scaled.view());
        assert!(of_plain[..min].iter().all(Option::is_none));
        for row_idx in min..4 {
            let (plain, scaled) = (of_plain[row_idx].unwrap(), of_scaled[row_idx].unwrap());
            let z = (returns[row_idx] - plain.expected) / plain.scale;
            let z_scaled = (values[row_idx] - scaled.expected) / scaled.scale;
            // Four roundings of numbers near 1.
            assert!((z - z_scaled).abs() < 1e-14 * z.abs().max(1.0), "{z} {z_scaled}");
        }
    }
}

#[test]
fn nothing_is_looked_back_on_beyond_the_segment_or_on_a_break() {
    let history = OwnedHistory::new(&[9.0, 9.0, 1.0, 2.0, 2.0], 1, 1).cut(2, true);
    let expectations = ewma(250).expect("A", &history.view());
    let scales: Vec<Option<f64>> = expectations.iter().map(|e| e.map(|e| e.scale)).collect();
    assert_eq!(scales, [None, Some(9.0), None, None, Some(2.0)]);
}

#[test]
fn each_feature_is_its_own_series() {
    let history = OwnedHistory::new(&[1.0, 10.0, 1.0, f64::NAN, 1.0, 10.0], 2, 1);
    let expectations = ewma(1).expect("A", &history.view());
    let scales: Vec<Option<f64>> = expectations.iter().map(|e| e.map(|e| e.scale)).collect();
    assert_eq!(scales, [None, None, Some(1.0), Some(10.0), Some(1.0), None]);
}

#[test]
fn persistence_takes_its_scale_from_the_differences_of_training_rows() {
    // Differences up to day 3: 2, 4, 0 (mean 2, sd √(8/3)); later ones do not count.
    let history = OwnedHistory::new(&[1.0, 3.0, 7.0, 7.0, 99.0], 1, 1);
    let split =
        Split::try_from(Spans { train_to: 3, validation_to: 4, calibration_to: 4 }).unwrap();
    let mut fit = BaselineFit::new(Baseline::Persistence {}, Scope::Pooled, 1);
    fit.add("A", &history.view(), &split);
    let fitted = fit.finish().unwrap();
    let scale = (8.0_f64 / 3.0).sqrt();
    let expected = [None, Some(1.0), Some(3.0), Some(7.0), Some(7.0)]
        .map(|previous: Option<f64>| previous.map(|expected| Expectation::new(expected, scale)));
    assert_eq!(fitted.expect("A", &history.view()), expected);
}

/// A baseline of one feature that has learnt from the days up to `train_to`.
pub(crate) fn trained(baseline: Baseline, values: &[f64], train_to: i32) -> FittedBaseline {
    let mut fit = BaselineFit::new(baseline, Scope::Pooled, 1);
    fit.add(
        "A",
        &OwnedHistory::new(values, 1, 1).view(),
        &training_windows::tests::split(train_to),
    );
    fit.finish().unwrap()
}

/// Of the windows that end in each row, where it judges windows.
pub(super) fn distances(fitted: &FittedBaseline, values: &[f64]) -> Vec<Option<f64>> {
    let found = fitted.expect("A", &OwnedHistory::new(values, 1, 1).view());
    found.into_iter().map(|expectation| expectation?.distance).collect()
}

/// Of windows of three rows: a constant series has no deviation, and beside a hole there is no window.
pub(super) fn is_silent_where_nothing_varies_or_is_missing(baseline: Baseline) {
    let constant = trained(baseline, &[0.1; 40], 99);
    assert!(distances(&constant, &[0.1; 40]).iter().all(Option::is_none));
    let values: Vec<f64> = (0..40).map(|k| f64::from(k * k % 7)).collect();
    let found = distances(&trained(baseline, &values, 99), &[1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0]);
    let is_told: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(is_told, [false, false, false, false, false, true]);
}

/// What `tests/golden/baselines/generate.py` computed: distances by row.
#[derive(Deserialize)]
pub(super) struct Golden {
    pub(super) values: Vec<f64>,
    pub(super) to_first: Vec<(usize, f64)>,
    pub(super) to_third: Vec<(usize, f64)>,
    pub(super) centres: Vec<Vec<f64>>,
    pub(super) to_centres: Vec<(usize, f64)>,
    pub(super) mean_square: f64,
}

pub(super) fn golden() -> Golden {
    let text = include_str!("../../../tests/golden/baselines/windows.json");
    serde_json::from_str(text).unwrap()
}

/// Those that learn, fitted on 300 rows of two features.
fn learnt() -> (OwnedHistory, Vec<FittedBaseline>) {
    let values: Vec<f64> = (0..600).map(|k| f64::from(k * k % 101)).collect();
    let history = OwnedHistory::new(&values, 2, 1);
    let split = training_windows::tests::split(199);
    let fit = |baseline| {
        let mut fit = BaselineFit::new(baseline, Scope::Ticker, 2);
        fit.add("A", &history.view(), &split);
        fit.finish().unwrap()
    };
    let fitted = [
        Baseline::Persistence {},
        Baseline::MedianDistance {},
        Baseline::AutoRegression(AutoRegression { order: NonZeroUsize::new(5).unwrap() }),
        Baseline::WindowPca(WindowPca::new(8, crate::Quantile::NINE_TENTHS).unwrap()),
        Baseline::Polynomial(Polynomial::default()),
        Baseline::KMeans(KMeans::default()),
        Baseline::NearestNeighbour(NearestNeighbour::default()),
    ]
    .map(fit);
    (history, fitted.to_vec())
}

#[test]
fn no_row_changes_the_score_of_a_row_before_it_or_beyond_the_lookback() {
    let (history, fitted) = learnt();
    for baseline in fitted {
        let lookback = baseline.baseline().lookback();
        let before = baseline.expect("A", &history.view());
        let mut changed = history.clone();
        changed.values[2 * 250..].fill(1e6);
        assert_eq!(baseline.expect("A", &changed.view())[..500], before[..500]);
        let mut changed = history.clone();
        changed.values[..2 * (250 - lookback)].fill(1e6);
        assert_eq!(baseline.expect("A", &changed.view())[500..], before[500..], "{lookback}");
        let n_rows = baseline.rows_needed();
        assert!(before[..2 * (n_rows - 1)].iter().all(Option::is_none), "{baseline:?}");
        assert!(before[2 * (n_rows - 1)..].iter().all(Option::is_some), "{baseline:?}");
        assert!(
            baseline.is_pooled_fallback("A") != matches!(baseline, FittedBaseline::Polynomial(_))
        );
    }
}

#[test]
fn a_stored_baseline_is_the_same_again() {
    for baseline in learnt().1 {
        let stored = serde_json::to_string(&baseline).unwrap();
        assert_eq!(serde_json::from_str::<FittedBaseline>(&stored).unwrap(), baseline);
    }
}

#[test]
fn a_baseline_is_read_from_a_table_named_after_it() {
    #[derive(Deserialize)]
    struct File {
        detector: Baseline,
    }
    let read = |text: &str| toml::from_str::<File>(text).map(|file| file.detector);
    assert_eq!(read("[detector.persistence]").unwrap(), Baseline::Persistence {});
    assert_eq!(read("[detector.ewma_z]").unwrap(), Baseline::EwmaZ(EwmaZ::default()));
    assert_eq!(read("[detector.robust_z]\nrows = 60").unwrap().lookback(), 60);
    assert_eq!(read("[detector.median_distance]").unwrap().lookback(), 0);
    assert_eq!(read("[detector.auto_regression]\norder = 3").unwrap().lookback(), 3);
    assert_eq!(read("[detector.window_pca]").unwrap().lookback(), 29);
    assert_eq!(read("[detector.polynomial]\nrows = 8").unwrap().lookback(), 8);
    assert_eq!(read("[detector.k_means]\nrows = 8").unwrap().lookback(), 7);
    assert_eq!(read("[detector.nearest_neighbour]").unwrap().lookback(), 29);
    assert!(read("[detector.k_means]\nclusters = 0").is_err());
    assert!(read("[detector.nearest_neighbour]\nneighbours = 0").is_err());
    assert!(read("[detector.persistence]\nrows = 60").is_err());
    assert!(read("[detector.auto_regression]\norder = 0").is_err());
    assert!(read("[detector.window_pca]\nrows = 1").is_err());
    assert!(read("[detector.polynomial]\nrows = 3").is_err());
    assert!(read("[detector.ewma_z]\nlambda = nan").is_err());
    assert!(read("[detector.ewma_z]\nalpha = 0.06").is_err());
    let error = read("[detector.robust_z]\nrows = 10").unwrap_err();
    assert_eq!(error.message(), "min_rows: expected 1 <= min_rows <= rows, found 20");
    assert!(error.span().is_some());
}
