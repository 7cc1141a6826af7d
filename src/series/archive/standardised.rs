//! A series in units of its own standard deviation, and how long its windows are.
//!
//! Shapes: `[time, feature]` → `[feature][time]`. Population deviation (ddof 0). A feature that does not
//! vary is 0 throughout.

use super::smoothing::rms2_at;
use super::{ArchiveError, Series};
use crate::moments::Moments;

/// Shorter periods count as this many rows.
const PERIOD_MIN: usize = 10;

/// Errors are smoothed over at most a fiftieth of the series: what is rare takes no more of it, and longer
/// means would only spread it.
const SHARE_SMOOTHED: usize = 50;

/// A neighbour's windows are at most a sixteenth of the series: of longer ones too few are apart.
const SHARE_COMPARED: usize = 16;

/// Beyond this magnitude sums of squares could overflow, and values are shrunk first, by a power of two.
const LARGE: f64 = 1e100;

/// A series as archive detectors see it.
///
/// `W = clip(period, 10, max(10, n / 4))` rows are a window; most detectors take
/// `W2 = min(2 W, n / 4)`, at least 1: two periods, unless the series is shorter than eight of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardised {
    columns: Vec<Vec<f64>>,
    n_rows: usize,
    period: usize,
}

impl Standardised {
    /// Standardises each feature.
    ///
    /// # Errors
    /// Values that do not divide into rows or are not finite.
    pub fn of(series: &Series<'_>) -> Result<Self, ArchiveError> {
        let (features, n_values) = (series.features, series.values.len());
        if features == 0 || n_values % features != 0 {
            return Err(ArchiveError::Shape { features, n_values });
        }
        if let Some(idx) = series.values.iter().position(|value| !value.is_finite()) {
            return Err(ArchiveError::NotFinite { row_idx: idx / features });
        }
        let column = |feature_idx| {
            standardise(series.values.iter().copied().skip(feature_idx).step_by(features))
        };
        Ok(Self {
            columns: (0..features).map(column).collect(),
            n_rows: n_values / features,
            period: series.period,
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// Whether any feature does.
    pub fn varies(&self) -> bool {
        self.columns.iter().flatten().any(|&value| value != 0.0)
    }

    /// Each feature, `[feature][time]`.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The period P: at least 10 and, since a longer one cannot be seen, at most the number of rows.
    pub fn period(&self) -> usize {
        self.period.min(self.n_rows).max(PERIOD_MIN)
    }

    /// Rows of a window of one period, W; at most the number of rows.
    pub fn window(&self) -> usize {
        self.period().min((self.n_rows / 4).max(PERIOD_MIN)).min(self.n_rows)
    }

    /// Lengths that squared errors are smoothed over: a quarter, a half, one and two periods, each at most a
    /// fiftieth of the rows and at least one row. Ascending.
    pub fn scales(&self) -> [usize; 4] {
        let (period, most) = (self.period(), self.n_rows / SHARE_SMOOTHED);
        [period / 4, period / 2, period, period.saturating_mul(2)].map(|rows| rows.min(most).max(1))
    }

    /// Squared errors `[time]` as scores: [`rms2_at`] the scales.
    pub fn smoothed(&self, squares: &[f64]) -> Vec<f64> {
        rms2_at(squares, &self.scales())
    }

    /// Rows of the windows that neighbours are sought for: half a period, one and two, each at most a
    /// sixteenth of the rows and at least two; each length once, ascending.
    pub fn compared(&self) -> Vec<usize> {
        let (period, most) = (self.period(), self.n_rows / SHARE_COMPARED);
        let lengths = [period / 2, period, period.saturating_mul(2)];
        let mut lengths = lengths.map(|rows| rows.min(most).max(2)).to_vec();
        lengths.dedup();
        lengths
    }

    /// Rows of a window of two periods, W2.
    pub fn double_window(&self) -> usize {
        (2 * self.window()).min(self.n_rows / 4).max(1)
    }
}

fn standardise(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = values.clone().map(f64::abs).fold(0.0, f64::max);
    let unit = if largest > LARGE { 2.0_f64.powi(-1000) } else { 1.0 };
    let values = values.map(|value| value * unit);
    let moments = Moments::of(values.clone());
    let sd = moments.sd();
    if moments.min < moments.max && sd > 0.0 {
        values.map(|value| (value - moments.mean) / sd).collect()
    } else {
        // Of equal values the mean may round, and leave a deviation of 1e-17 for a zero.
        values.map(|_| 0.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], features: usize, period: usize) -> Standardised {
        Standardised::of(&Series { values, features, period }).unwrap()
    }

    #[test]
    fn features_are_standardised_one_by_one() {
        // 1 3 5 7: mean 4, squares 9 1 1 9, sd √5. The other one is constant.
        let z = of(&[1.0, 0.1, 3.0, 0.1, 5.0, 0.1, 7.0, 0.1], 2, 10);
        let root = 5.0_f64.sqrt();
        assert_eq!(
            z.columns(),
            [vec![-3.0 / root, -1.0 / root, 1.0 / root, 3.0 / root], vec![0.0; 4]]
        );
    }

    #[test]
    fn values_near_the_largest_number_do_not_overflow() {
        assert_eq!(of(&[1.7e308, -1.7e308], 1, 10).columns(), [vec![1.0, -1.0]]);
        assert_eq!(of(&[f64::MIN_POSITIVE, 0.0], 1, 10).columns(), [vec![0.0, 0.0]]);
    }

    #[test]
    fn scales_follow_the_period_and_stay_below_a_fiftieth_of_the_series() {
        let scales = |n: usize, period| of(&vec![0.0; n], 1, period).scales();
        assert_eq!(scales(20_000, 100), [25, 50, 100, 200]);
        assert_eq!(scales(5000, 100), [25, 50, 100, 100]);
        assert_eq!(scales(720, 250), [14, 14, 14, 14]);
        assert_eq!(scales(5000, 3), [2, 5, 10, 20]);
        assert_eq!([scales(0, 9), scales(49, usize::MAX)], [[1; 4]; 2]);
    }

    #[test]
    fn neighbours_are_sought_for_at_three_lengths_or_fewer() {
        let compared = |n: usize, period| of(&vec![0.0; n], 1, period).compared();
        assert_eq!(compared(20_000, 100), [50, 100, 200]);
        assert_eq!(compared(2000, 100), [50, 100, 125]);
        assert_eq!(compared(720, 250), [45]);
        assert_eq!([compared(0, 9), compared(20, 9)], [[2], [2]]);
    }

    #[test]
    fn windows_follow_the_period_and_fit_a_quarter_of_the_series() {
        let lengths = |n: usize, period| {
            let z = of(&vec![0.0; n], 1, period);
            (z.period(), z.window(), z.double_window())
        };
        assert_eq!(lengths(4000, 288), (288, 288, 576));
        assert_eq!(lengths(1000, 288), (288, 250, 250));
        assert_eq!(lengths(1000, 3), (10, 10, 20));
        assert_eq!(lengths(30, 12), (12, 10, 7));
        assert_eq!(lengths(5, 12), (10, 5, 1));
        assert_eq!(lengths(1, usize::MAX), (10, 1, 1));
        assert_eq!(lengths(0, 12), (10, 0, 1));
    }
}
