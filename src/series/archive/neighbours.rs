//! The nearest neighbour of every window among all others that do not overlap it.
//!
//! Both detectors that compare all windows with all go along the diagonals of the matrix of pairs: the
//! sum over the windows i and j differs from that over i − 1 and j − 1 by one term at either end. Sums
//! are taken afresh every [`ROWS_AFRESH`] windows, so that rounding does not gather.
//!
//! Shapes: columns `[feature][time]` → [`Neighbour`] `[window]`. Time: windows² / 2, memory: windows.

use super::Standardised;

/// Windows after which sums of a diagonal are taken afresh.
const ROWS_AFRESH: usize = 256;

/// What of a pair of values is summed over a window, and how distances come of it.
pub(super) trait Pairs {
    /// Of the values of one feature at two rows.
    fn term(a: f64, b: f64) -> f64;

    /// Adds the squared distances of window `first` from the windows `others ..` to `distances`, given
    /// the sums over the pairs of values.
    fn add(
        &self,
        feature_idx: usize,
        first: usize,
        others: usize,
        sums: &[f64],
        distances: &mut [f64],
    );
}

/// The window nearest to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Neighbour {
    /// Its squared distance; 0 where there is none.
    pub(super) square: f64,
    /// Its first row; of several the one that is met first. The window itself where there is none.
    pub(super) first: usize,
}

/// Of each window of `length` rows the nearest that begins at least `length` rows away, `[window]`.
pub(super) fn nearest<P: Pairs>(series: &Standardised, length: usize, pairs: &P) -> Vec<Neighbour> {
    let n_windows = (series.len() + 1).saturating_sub(length);
    let n_diagonals = n_windows.saturating_sub(length);
    let mut nearest = vec![f64::INFINITY; n_windows];
    let mut firsts: Vec<usize> = (0..n_windows).collect();
    let mut sums = vec![vec![0.0; n_diagonals]; series.columns().len()];
    let mut distances = vec![0.0; n_diagonals];
    for first in 0..n_diagonals {
        let n_others = n_diagonals - first;
        let distances = &mut distances[..n_others];
        distances.fill(0.0);
        for (feature_idx, (column, sums)) in series.columns().iter().zip(&mut sums).enumerate() {
            let sums = &mut sums[..n_others];
            if first % ROWS_AFRESH == 0 {
                sum_afresh::<P>(column, first, length, sums);
            } else {
                advance::<P>(column, first, length, sums);
            }
            pairs.add(feature_idx, first, first + length, sums, distances);
        }
        let (before, after) = nearest.split_at_mut(first + length);
        let places = &mut firsts[first + length..];
        for ((nearest, place), &distance) in after.iter_mut().zip(places).zip(distances.iter()) {
            // Written as choices, so that several are made at a time.
            let is_nearer = distance < *nearest;
            *nearest = if is_nearer { distance } else { *nearest };
            *place = if is_nearer { first } else { *place };
        }
        let best = smallest(distances);
        if best < before[first] {
            before[first] = best;
            let place = distances.iter().position(|&distance| distance == best);
            firsts[first] = first + length + place.unwrap_or_default();
        }
    }
    let finite = |square: f64| if square.is_finite() { square.max(0.0) } else { 0.0 };
    let neighbour = |(square, first)| Neighbour { square: finite(square), first };
    nearest.into_iter().zip(firsts).map(neighbour).collect()
}

/// Sums over the windows `first` and `first + length + k`, for each k.
fn sum_afresh<P: Pairs>(column: &[f64], first: usize, length: usize, sums: &mut [f64]) {
    let window = &column[first..first + length];
    let others = column[first + length..].windows(length);
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum = window.iter().zip(other).fold(0.0, |sum, (&a, &b)| sum + P::term(a, b));
    }
}

/// The same from the sums over the windows one row before.
fn advance<P: Pairs>(column: &[f64], first: usize, length: usize, sums: &mut [f64]) {
    let (left, entered) = (column[first - 1], column[first + length - 1]);
    let others = column[first + length - 1..].iter().zip(&column[first + 2 * length - 1..]);
    for (sum, (&other_left, &other_entered)) in sums.iter_mut().zip(others) {
        *sum += P::term(entered, other_entered) - P::term(left, other_left);
    }
}

/// The least of values of which none is NaN, in lanes; infinity of none.
fn smallest(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [f64::INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder().iter().copied().fold(f64::INFINITY, f64::min);
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value < *lane { value } else { *lane };
        }
    }
    lanes.into_iter().fold(rest, f64::min)
}
