//! Scores held against NumPy, SciPy, scikit-learn, statsmodels and stumpy: `tests/golden/archive/generate.py`.

use std::num::NonZeroUsize;

use serde::Deserialize;

use super::tests::scores;
use super::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    period: usize,
    values: Vec<f64>,
    /// Rows whose scores are there.
    rows: Vec<usize>,
    /// By detector, of those rows.
    scores: std::collections::BTreeMap<String, Vec<f64>>,
}

fn detector(name: &str) -> Archive {
    match name {
        "median_distance" => Archive::MedianDistance(MedianDistance::default()),
        "difference" => Archive::Difference(Difference::default()),
        "auto_regression" => Archive::AutoRegression(AutoRegression::default()),
        "polynomial" => Archive::Polynomial(Polynomial::default()),
        "spectral_residual" => Archive::SpectralResidual(SpectralResidual::default()),
        "window_pca" => Archive::WindowPca(WindowPca::default()),
        "window_pca_3" => {
            let components = NonZeroUsize::new(3);
            Archive::WindowPca(WindowPca { components, ..WindowPca::default() })
        }
        "nearest_neighbour" => Archive::NearestNeighbour(NearestNeighbour::default()),
        "matrix_profile" => Archive::MatrixProfile(MatrixProfile::default()),
        "ensemble" => Archive::Ensemble(Ensemble::default()),
        other => panic!("no detector {other}"),
    }
}

#[test]
fn scores_agree_with_other_libraries() {
    let golden = include_str!("../../../tests/golden/archive/scores.json");
    let cases: Vec<Case> = serde_json::from_str(golden).unwrap();
    assert!(cases.len() >= 5 && cases.iter().all(|case| case.scores.len() == 10));
    for case in cases {
        for (name, expected) in &case.scores {
            let found = scores(&detector(name), &case.values, case.period);
            assert_eq!(found.len(), case.values.len());
            for (&row_idx, expected) in case.rows.iter().zip(expected) {
                // Scores are near 1; what cancels (distances of like windows, residuals of a fit) is left
                // with the square root of the rounding of its squares.
                let gap = (found[row_idx] - expected).abs();
                assert!(
                    gap < 2e-7,
                    "{} {name} row {row_idx}: {} {expected}",
                    case.name,
                    found[row_idx]
                );
            }
        }
    }
}
