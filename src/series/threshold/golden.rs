//! What `tests/golden/thresholds/generate.py` computed, and the scores that it computed it of.

use serde::Deserialize;

/// The golden file.
#[derive(Deserialize)]
pub(crate) struct Golden {
    pub(crate) peaks: Vec<Peaks>,
    pub(crate) dynamic: Vec<Dynamic>,
    pub(crate) mahalanobis: Mahalanobis,
    pub(crate) smoothed: Smoothed,
}

/// Distances of three points.
#[derive(Deserialize)]
pub(crate) struct Mahalanobis {
    pub(crate) points: Vec<[f64; 3]>,
    pub(crate) distances: Vec<f64>,
}

/// Forty scores smoothed over five rows, λ = .7.
#[derive(Deserialize)]
pub(crate) struct Smoothed {
    pub(crate) mean: Vec<f64>,
    pub(crate) median: Vec<f64>,
    pub(crate) ewma: Vec<f64>,
    pub(crate) centred_mean: Vec<f64>,
    pub(crate) centred_median: Vec<f64>,
    pub(crate) centred_ewma: Vec<f64>,
}

/// A tail by SciPy.
#[derive(Deserialize)]
pub(crate) struct Peaks {
    pub(crate) n: u32,
    pub(crate) step: u64,
    pub(crate) true_shape: f64,
    pub(crate) rate: f64,
    pub(crate) initial: f64,
    pub(crate) n_above: usize,
    pub(crate) shape: f64,
    pub(crate) scale: f64,
    pub(crate) level: f64,
    pub(crate) far: f64,
    pub(crate) p_value: f64,
}

/// An epsilon by Hundman's published algorithm, and what its pruning leaves.
#[derive(Deserialize)]
pub(crate) struct Dynamic {
    pub(crate) n: u32,
    pub(crate) step: u64,
    pub(crate) bumps: Vec<(usize, usize, f64)>,
    pub(crate) epsilon: f64,
    pub(crate) peaks: Vec<f64>,
    pub(crate) unflagged: f64,
    pub(crate) kept: Vec<bool>,
}

impl Golden {
    pub(crate) fn read() -> Self {
        let text = include_str!("../../../tests/golden/thresholds/golden.json");
        serde_json::from_str(text).unwrap()
    }
}

/// Evenly spread in (0, 1), in an order that looks drawn.
pub(crate) fn uniform(n: u32, step: u64) -> Vec<f64> {
    let draw = |k: u32| (u64::from(k) * step + step / 2) % 100_003;
    let real = |draw: u64| f64::from(u32::try_from(draw).unwrap());
    (0..n).map(|k| real(draw(k)) / 100_003.0 + 1.0 / 200_006.0).collect()
}

/// Scores with a tail of the given shape.
pub(crate) fn pareto(n: u32, step: u64, shape: f64) -> Vec<f64> {
    let score = |u: f64| match shape {
        0.0 => -(-u).ln_1p(),
        _ => (-shape * (-u).ln_1p()).exp_m1() / shape,
    };
    uniform(n, step).into_iter().map(score).collect()
}
