//! `[models.NAME.detector.VARIANT]` under `profile = "archive"`: detectors that learn from the series
//! they score.

use std::num::NonZeroUsize;

use oddlot_engine::Report;
use oddlot_series::Archive;
use oddlot_series::archive::ensemble::Weights;
use oddlot_series::archive::{
    AutoRegression, Difference, Ensemble, IsolationForest, KMeans, LstmSettings, MatrixProfile,
    MedianDistance, NearestNeighbour, Polynomial, SpectralResidual, WindowPca,
};

use super::{
    fields::Fields,
    range::{BatchSize, Count, Degree, Positive, Quantile, Seed, Smoothing, Steps, Times, Units},
    value::{FromToml, Named},
};

/// Variants of an archive, in the order in which messages list them.
pub const DETECTORS: [&str; 13] = [
    "ensemble",
    "nearest_neighbour",
    "matrix_profile",
    "window_pca",
    "lstm_autoencoder",
    "lstm_forecaster",
    "k_means",
    "polynomial",
    "auto_regression",
    "spectral_residual",
    "isolation_forest",
    "difference",
    "median_distance",
];

/// Members of the ensemble that a file says nothing of, in the order in which their scores are added, and how many
/// times each counts.
const MEMBERS: [(&str, usize); 2] = [("nearest_neighbour", 2), ("lstm_forecaster", 1)];

/// What else is worth comparing with it.
const BESIDE: [&str; 4] = ["lstm_autoencoder", "auto_regression", "window_pca", "matrix_profile"];

/// Models of an archive whose file has no [models]: the ensemble, its members, and others beside them.
pub fn default_models() -> impl Iterator<Item = &'static str> {
    std::iter::once("ensemble").chain(MEMBERS.map(|(variant, _)| variant)).chain(BESIDE)
}

/// A detector with its defaults.
pub fn by_default(variant: &str) -> Archive {
    match variant {
        "ensemble" => {
            let times = |(variant, times)| std::iter::repeat_n(by_default(variant), times);
            let members = MEMBERS.into_iter().flat_map(times).collect();
            Archive::Ensemble(Ensemble { members, ..Ensemble::default() })
        }
        "nearest_neighbour" => Archive::NearestNeighbour(NearestNeighbour::default()),
        "matrix_profile" => Archive::MatrixProfile(MatrixProfile::default()),
        "window_pca" => Archive::WindowPca(WindowPca::default()),
        "lstm_autoencoder" => Archive::LstmAutoencoder(LstmSettings::AUTOENCODER),
        "lstm_forecaster" => Archive::LstmForecaster(LstmSettings::FORECASTER),
        "k_means" => Archive::KMeans(KMeans::default()),
        "polynomial" => Archive::Polynomial(Polynomial::default()),
        "auto_regression" => Archive::AutoRegression(AutoRegression::default()),
        "spectral_residual" => Archive::SpectralResidual(SpectralResidual::default()),
        "isolation_forest" => Archive::IsolationForest(IsolationForest::default()),
        "difference" => Archive::Difference(Difference::default()),
        _ => Archive::MedianDistance(MedianDistance::default()),
    }
}

/// The variant's name in the pipeline file.
pub fn name(archive: &Archive) -> &'static str {
    match archive {
        Archive::Ensemble(_) => "ensemble",
        Archive::NearestNeighbour(_) => "nearest_neighbour",
        Archive::MatrixProfile(_) => "matrix_profile",
        Archive::WindowPca(_) => "window_pca",
        Archive::LstmAutoencoder(_) => "lstm_autoencoder",
        Archive::LstmForecaster(_) => "lstm_forecaster",
        Archive::KMeans(_) => "k_means",
        Archive::Polynomial(_) => "polynomial",
        Archive::AutoRegression(_) => "auto_regression",
        Archive::SpectralResidual(_) => "spectral_residual",
        Archive::IsolationForest(_) => "isolation_forest",
        Archive::Difference(_) => "difference",
        Archive::MedianDistance(_) => "median_distance",
    }
}

/// Reads the settings of a variant; the table is left to its owner to finish.
pub fn read(variant: &str, fields: &mut Fields<'_>) -> Archive {
    let mut archive = by_default(variant);
    match &mut archive {
        Archive::Ensemble(own) => ensemble(fields, own),
        Archive::LstmAutoencoder(own) | Archive::LstmForecaster(own) => network(fields, own),
        Archive::WindowPca(own) => {
            if let Ok(share) = Quantile::try_from(own.variance.get()) {
                let share = fields.or("variance", share).value.get();
                own.variance = oddlot_series::Quantile::try_from(share).unwrap_or(own.variance);
            }
            let components = fields.optional::<Count>("components", "components = 3");
            own.components = components.and_then(|n| NonZeroUsize::new(n.value.get()));
        }
        Archive::KMeans(own) => {
            above_zero(fields, "clusters", &mut own.clusters);
            seed(fields, &mut own.seed);
        }
        Archive::IsolationForest(own) => {
            above_zero(fields, "trees", &mut own.trees);
            above_zero(fields, "sample", &mut own.sample);
            seed(fields, &mut own.seed);
        }
        Archive::AutoRegression(own) => above_zero(fields, "order", &mut own.order),
        Archive::Polynomial(own) => {
            let mut degree = usize::from(own.degree);
            whole::<Degree>(fields, "degree", &mut degree);
            own.degree = u8::try_from(degree).unwrap_or(own.degree);
        }
        Archive::MedianDistance(own) => whole::<Smoothing>(fields, "smooth", &mut own.smooth),
        Archive::NearestNeighbour(_)
        | Archive::MatrixProfile(_)
        | Archive::SpectralResidual(_)
        | Archive::Difference(_) => {}
    }
    archive
}

/// `[….ensemble.members.VARIANT]`, each with its settings; in a fixed order, so that that of the file
/// changes no bit.
fn ensemble(fields: &mut Fields<'_>, own: &mut Ensemble) {
    own.weights = fields.or("weights", own.weights).value;
    let Some(mut members) = fields.optional_table("members") else { return };
    own.members.clear();
    for variant in DETECTORS.into_iter().filter(|variant| *variant != "ensemble") {
        if let Some(mut member) = members.optional_table(variant) {
            let mut times = 1;
            whole::<Times>(&mut member, "times", &mut times);
            own.members.extend(std::iter::repeat_n(read(variant, &mut member), times));
            member.finish();
        }
    }
    if own.members.is_empty() {
        let report = Report::new("the ensemble has no member")
            .expected("a table for each member, under its detector's name")
            .found(members.title())
            .hint(format!(
                "add one, or delete the table for {}",
                MEMBERS.map(|(variant, _)| variant).join(", ")
            ));
        members.mistakes().add(members.at(), report);
    }
    members.finish();
}

/// What both networks of an archive are told.
fn network(fields: &mut Fields<'_>, own: &mut LstmSettings) {
    whole::<Units>(fields, "units", &mut own.units);
    whole::<Steps>(fields, "steps", &mut own.steps);
    whole::<BatchSize>(fields, "batch_size", &mut own.batch_size);
    if let Ok(rate) = Positive::try_from(own.learning_rate) {
        own.learning_rate = fields.or("learning_rate", rate).value.get();
    }
    seed(fields, &mut own.seed);
}

fn seed(fields: &mut Fields<'_>, seed: &mut u64) {
    if let Ok(own) = Seed::try_from(*seed) {
        *seed = fields.or("seed", own).value.into();
    }
}

/// Reads a whole number of the range of `T` in place of its default.
fn whole<T: FromToml + TryFrom<u64> + Into<u64>>(
    fields: &mut Fields<'_>,
    key: &'static str,
    number: &mut usize,
) {
    let Ok(own) = T::try_from(*number as u64) else { return };
    let read: u64 = fields.or(key, own).value.into();
    *number = usize::try_from(read).unwrap_or(*number);
}

fn above_zero(fields: &mut Fields<'_>, key: &'static str, number: &mut NonZeroUsize) {
    let mut own = number.get();
    whole::<Count>(fields, key, &mut own);
    *number = NonZeroUsize::new(own).unwrap_or(*number);
}

impl Named for Weights {
    const NAMES: &'static [(&'static str, Self)] =
        &[("peakedness", Self::Peakedness), ("equal", Self::Equal)];
}
