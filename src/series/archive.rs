//! Archive detectors: they learn from the very series they score, and see all of it.
//!
//! Each gives one score a row, higher = odder, from rows before *and after* it: for history that is
//! closed and is searched for what does not belong, never for the newest day. What scores a day from the
//! days up to it is a [`Baseline`](crate::Baseline).
//!
//! All of them look at `z = (x - mean) / sd` of each feature over the whole series, so that scores do
//! not depend on units; a feature that does not vary is 0 throughout. Of several features, squared
//! distances and errors are summed over features before roots are taken, unless a detector says
//! otherwise. Windows are as long as the series' period: see [`Standardised`].
//!
//! Shapes: values `[time, feature]` → scores `[time]`, all finite. Units: standard deviations of the
//! series, or none.

mod auto_regression;
mod difference;
pub(crate) mod draws;
pub mod ensemble;
mod fourier;
mod isolation_forest;
mod k_means;
mod matrix_profile;
mod median_distance;
mod nearest_neighbour;
mod neighbours;
mod network;
mod polynomial;
pub mod smoothing;
mod spaced;
mod spectral_residual;
mod standardised;
mod window_pca;

pub use auto_regression::AutoRegression;
pub use difference::Difference;
pub use ensemble::Ensemble;
pub use isolation_forest::IsolationForest;
pub use k_means::KMeans;
pub(crate) use k_means::{fit as centres_of, nearest as nearest_centre};
pub use matrix_profile::MatrixProfile;
pub use median_distance::MedianDistance;
pub use nearest_neighbour::NearestNeighbour;
pub use network::LstmSettings;
pub use polynomial::Polynomial;
pub(crate) use spaced::evenly;
pub use spectral_residual::SpectralResidual;
pub use standardised::Standardised;
pub use window_pca::WindowPca;

use serde::{Deserialize, Serialize};

use crate::model::{FitError, Model};
use crate::spec::ModelSpec;

/// The finite values of one ticker in time order, and what is known of them.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// `[time, feature]`, interleaved, all finite.
    pub values: &'a [f64],
    /// Values of a row, at least one.
    pub features: usize,
    /// Dominant period in rows; below 10 it counts as 10.
    pub period: usize,
}

impl Series<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.features.max(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Whoever can compute networks: this crate cannot.
pub trait Networks: Send + Sync {
    /// An untrained network.
    ///
    /// # Errors
    /// Layers that do not fit each other, or an engine this machine lacks.
    fn model(&self, spec: ModelSpec) -> Result<Box<dyn Model>, FitError>;
}

/// A series cannot be scored: our own mistake, or a network's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ArchiveError {
    /// Values do not divide into rows.
    #[error("expected rows of {features} features, found {n_values} values")]
    Shape {
        /// Values of a row.
        features: usize,
        /// Values there are.
        n_values: usize,
    },
    /// Missing values were to be left out.
    #[error("row {row_idx}: expected finite values only")]
    NotFinite {
        /// The first such row.
        row_idx: usize,
    },
    /// A network could not be trained or computed.
    #[error(transparent)]
    Network(#[from] FitError),
}

/// Which archive detector: `[detector.median_distance]` …
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Archive {
    /// Distance from the median, smoothed.
    MedianDistance(MedianDistance),
    /// Windows that an LSTM autoencoder of the series cannot tell.
    LstmAutoencoder(LstmSettings),
    /// Rows that an LSTM forecaster of the series cannot tell.
    LstmForecaster(LstmSettings),
    /// Change from row to row, smoothed.
    Difference(Difference),
    /// What the rows before do not foretell.
    AutoRegression(AutoRegression),
    /// What a curve through the neighbourhood does not foretell.
    Polynomial(Polynomial),
    /// What stands out once the usual frequencies are evened out.
    SpectralResidual(SpectralResidual),
    /// What the usual shapes of a window do not explain.
    WindowPca(WindowPca),
    /// Distance from the nearest of a few typical windows.
    KMeans(KMeans),
    /// Distance from the nearest other window.
    NearestNeighbour(NearestNeighbour),
    /// Distance in shape from the nearest other window.
    MatrixProfile(MatrixProfile),
    /// How few random cuts set a window apart.
    IsolationForest(IsolationForest),
    /// Several of them together.
    Ensemble(Ensemble),
}

impl Archive {
    /// Scores of a series, `[time]`, higher = odder, all finite.
    ///
    /// A series too short for a detector's windows is scored with shorter ones; the scores of one that
    /// does not vary are 0.
    ///
    /// # Errors
    /// Values that do not divide into rows or are not finite; a network that cannot be trained.
    pub fn score(
        &self,
        series: &Series<'_>,
        networks: &dyn Networks,
    ) -> Result<Vec<f64>, ArchiveError> {
        let standardised = Standardised::of(series)?;
        if !standardised.varies() {
            return Ok(vec![0.0; standardised.len()]);
        }
        Ok(match self {
            Self::MedianDistance(detector) => detector.score(&standardised),
            Self::LstmAutoencoder(settings) => {
                network::score_by_autoencoder(settings, &standardised, networks)?
            }
            Self::LstmForecaster(settings) => {
                network::score_by_forecaster(settings, &standardised, networks)?
            }
            Self::Difference(detector) => detector.score(&standardised),
            Self::AutoRegression(detector) => detector.score(&standardised),
            Self::Polynomial(detector) => detector.score(&standardised),
            Self::SpectralResidual(detector) => detector.score(&standardised),
            Self::WindowPca(detector) => detector.score(&standardised),
            Self::KMeans(detector) => detector.score(&standardised),
            Self::NearestNeighbour(detector) => detector.score(&standardised),
            Self::MatrixProfile(detector) => detector.score(&standardised),
            Self::IsolationForest(detector) => detector.score(&standardised),
            Self::Ensemble(_) => Remembered::default().score(self, series, networks)?,
        })
    }

    /// The detector for the series called `name`: its networks draw for that series alone, so that no score
    /// depends on which series are scored together, or in which order.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        let mut own = self.clone();
        match &mut own {
            Self::LstmAutoencoder(settings) | Self::LstmForecaster(settings) => {
                settings.seed = network::seed_of(settings.seed, name);
            }
            Self::Ensemble(ensemble) => {
                for member in &mut ensemble.members {
                    *member = member.named(name);
                }
            }
            _ => {}
        }
        own
    }
}

/// What detectors said of one series, so that a member of an ensemble that is also a model of its own is
/// computed once.
#[derive(Debug, Default)]
pub struct Remembered(Vec<(Archive, Vec<f64>)>);

impl Remembered {
    /// As [`Archive::score`]; `series` must be the one that everything here was said of.
    ///
    /// # Errors
    /// As [`Archive::score`].
    pub fn score(
        &mut self,
        archive: &Archive,
        series: &Series<'_>,
        networks: &dyn Networks,
    ) -> Result<Vec<f64>, ArchiveError> {
        if let Some((_, scores)) = self.0.iter().find(|(known, _)| known == archive) {
            return Ok(scores.clone());
        }
        let scores = match archive {
            Archive::Ensemble(Ensemble { members, weights }) => {
                let scores: Result<Vec<_>, _> =
                    members.iter().map(|member| self.score(member, series, networks)).collect();
                let standardised = Standardised::of(series)?;
                ensemble::combine(&scores?, *weights, standardised.period(), standardised.len())
            }
            alone => alone.score(series, networks)?,
        };
        self.0.push((archive.clone(), scores.clone()));
        Ok(scores)
    }
}

#[cfg(test)]
mod golden;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// For detectors that need no network.
    pub(crate) struct NoNetworks;

    impl Networks for NoNetworks {
        fn model(&self, _: ModelSpec) -> Result<Box<dyn Model>, FitError> {
            Err(FitError::Engine("this test has no networks".to_owned()))
        }
    }

    /// Scores of a series of one feature.
    pub(crate) fn scores(archive: &Archive, values: &[f64], period: usize) -> Vec<f64> {
        archive.score(&Series { values, features: 1, period }, &NoNetworks).unwrap()
    }

    /// Every detector without a network, with its defaults.
    pub(crate) fn all() -> Vec<Archive> {
        vec![
            Archive::MedianDistance(MedianDistance::default()),
            Archive::Difference(Difference::default()),
            Archive::AutoRegression(AutoRegression::default()),
            Archive::Polynomial(Polynomial::default()),
            Archive::SpectralResidual(SpectralResidual::default()),
            Archive::WindowPca(WindowPca::default()),
            Archive::KMeans(KMeans::default()),
            Archive::NearestNeighbour(NearestNeighbour::default()),
            Archive::MatrixProfile(MatrixProfile::default()),
            Archive::IsolationForest(IsolationForest::default()),
            Archive::Ensemble(Ensemble::default()),
        ]
    }

    #[test]
    fn values_that_are_no_rows_or_not_finite_are_refused() {
        let score = |values: &[f64], features| {
            all()[0].score(&Series { values, features, period: 10 }, &NoNetworks)
        };
        let shape = |features, n_values| Err(ArchiveError::Shape { features, n_values });
        assert_eq!(score(&[1.0, 2.0, 3.0], 2), shape(2, 3));
        assert_eq!(score(&[1.0], 0), shape(0, 1));
        for wrong in [f64::NAN, f64::INFINITY] {
            let refused = Err(ArchiveError::NotFinite { row_idx: 1 });
            assert_eq!(score(&[1.0, 2.0, 3.0, wrong], 2), refused);
        }
    }

    #[test]
    fn degenerate_series_have_finite_scores_and_constants_none() {
        for detector in all() {
            assert!(scores(&detector, &[], 10).is_empty(), "{detector:?}");
            for n in [1, 2, 3, 4, 5, 7, 8, 12, 40, 41, 90] {
                for period in [0, 10, 30, usize::MAX] {
                    let constant = scores(&detector, &vec![0.1; n], period);
                    assert_eq!(constant, vec![0.0; n], "{detector:?} {n} {period}");
                    let alternating: Vec<f64> =
                        (0..n).map(|k| [1e308, -1e308, 0.0][k % 3]).collect();
                    let found = scores(&detector, &alternating, period);
                    assert_eq!(found.len(), n);
                    assert!(found.iter().all(|s| s.is_finite()), "{detector:?} {n} {period}");
                }
            }
        }
    }

    #[test]
    fn a_spike_is_not_spread_over_a_short_series_with_a_long_period() {
        let noise = |k: u32| f64::from(k * k % 97).sin() / 10.0;
        let mut values: Vec<f64> =
            (0..720).map(|k| (f64::from(k) / 4.0).sin() + noise(k)).collect();
        values[400] += 4.0;
        for detector in [
            Archive::Difference(Difference::default()),
            Archive::AutoRegression(AutoRegression::default()),
            Archive::SpectralResidual(SpectralResidual::default()),
            Archive::WindowPca(WindowPca::default()),
            Archive::NearestNeighbour(NearestNeighbour::default()),
        ] {
            // Smoothed over 250 rows, rows 30 away would score as high.
            let found = scores(&detector, &values, 250);
            let highest = |scores: &[f64]| scores.iter().copied().fold(0.0, f64::max);
            let far = highest(&found[..370]).max(highest(&found[431..]));
            assert!(far < 0.5 * found[400], "{detector:?}: {far} {}", found[400]);
        }
    }

    #[test]
    fn a_copied_feature_leaves_the_order_of_scores() {
        let values: Vec<f64> = (0..400)
            .map(|k| f64::from(k) / 3.0)
            .map(|t| t.sin() + if (66.0..70.0).contains(&t) { 1.5 } else { 0.0 })
            .collect();
        let twice: Vec<f64> = values.iter().flat_map(|&value| [value, value]).collect();
        for detector in all() {
            let top = |scores: &[f64]| {
                (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
            };
            let once = scores(&detector, &values, 19);
            let series = Series { values: &twice, features: 2, period: 19 };
            let both = detector.score(&series, &NoNetworks).unwrap();
            assert!(top(&once).abs_diff(top(&both)) < 2, "{detector:?}");
        }
    }
}
