//! Scores of one archive detector: a column of numbers on stdin, one score a line on stdout.
//!
//! `cargo run -p oddlot-series --example archive -- ensemble < column.txt`. The period is found as
//! `oddlot` finds it; `period` prints it alone. `tests/labelled/recipe.py --program` holds the scores against NumPy's.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use std::error::Error;
use std::io::{Read, Write};
use std::num::NonZeroUsize;

use oddlot_series::archive::{self, Archive, Ensemble, Networks, Series, ensemble::Weights};
use oddlot_series::{FitError, Model, ModelSpec};

struct NoNetworks;

impl Networks for NoNetworks {
    fn model(&self, _: ModelSpec) -> Result<Box<dyn Model>, FitError> {
        Err(FitError::Engine("this program has no networks".to_owned()))
    }
}

fn detector(name: &str) -> Option<Archive> {
    Some(match name {
        "median_distance" => Archive::MedianDistance(archive::MedianDistance::default()),
        "difference" => Archive::Difference(archive::Difference::default()),
        "auto_regression" => Archive::AutoRegression(archive::AutoRegression::default()),
        "polynomial" => Archive::Polynomial(archive::Polynomial::default()),
        "spectral_residual" => Archive::SpectralResidual(archive::SpectralResidual::default()),
        "window_pca" => Archive::WindowPca(archive::WindowPca::default()),
        "window_pca_3" => Archive::WindowPca(archive::WindowPca {
            components: NonZeroUsize::new(3),
            ..archive::WindowPca::default()
        }),
        "k_means" => Archive::KMeans(archive::KMeans::default()),
        "nearest_neighbour" => Archive::NearestNeighbour(archive::NearestNeighbour::default()),
        "matrix_profile" => Archive::MatrixProfile(archive::MatrixProfile::default()),
        "isolation_forest" => Archive::IsolationForest(archive::IsolationForest::default()),
        "ensemble" => Archive::Ensemble(Ensemble::default()),
        "ensemble_equal" => {
            Archive::Ensemble(Ensemble { weights: Weights::Equal, ..Ensemble::default() })
        }
        _ => return None,
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let values = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let period = oddlot_series::evaluate::length_rank(&values);
    if name == "period" {
        println!("{period}");
        return Ok(());
    }
    let detector = detector(&name).ok_or_else(|| format!("no archive detector `{name}`"))?;
    let scores = detector.score(&Series { values: &values, features: 1, period }, &NoNetworks)?;
    let lines: String = scores.iter().map(|score| format!("{score:?}\n")).collect();
    std::io::stdout().write_all(lines.as_bytes())?;
    Ok(())
}
