//! From the errors of all windows that cover a point to one error of the point.
//!
//! Shapes: windows that end at row `end`, each with errors `[step]` of the rows
//! `end + 1 - steps ..= end` → `[time]`. Units: scaled.
//! A point that no window covers is NaN; so is one with an error that is not finite.

use serde::{Deserialize, Serialize};

use crate::statistics::{median, to_real};

/// How the errors of one point are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The middle one: a single bad window changes little.
    #[default]
    Median,
    /// All count alike.
    Mean,
    /// The largest.
    Max,
}

impl Merge {
    /// Merges finite errors, which are reordered; NaN if one is not finite or there is none.
    pub fn merge(self, errors: &mut [f64]) -> f64 {
        if !errors.iter().all(|error| error.is_finite()) {
            return f64::NAN;
        }
        match self {
            Self::Median => median(errors).unwrap_or(f64::NAN),
            Self::Mean => errors.iter().sum::<f64>() / to_real(errors.len()),
            Self::Max => errors.iter().copied().fold(f64::NAN, f64::max),
        }
    }
}

/// Merges as windows come by, keeping only the last `steps` of them.
pub(crate) struct PointMerge {
    merge: Merge,
    steps: usize,
    /// Ring of the last windows: the one that ends at `end` lies in slot `end % steps`.
    ends: Vec<Option<usize>>,
    errors: Vec<f64>,
    merged: Vec<f64>,
    n_windows: Vec<u32>,
    covering: Vec<f64>,
}

impl PointMerge {
    pub(crate) fn new(merge: Merge, steps: usize) -> Self {
        Self {
            merge,
            steps,
            ends: vec![None; steps],
            errors: vec![f64::NAN; steps * steps],
            merged: Vec::new(),
            n_windows: Vec::new(),
            covering: Vec::with_capacity(steps),
        }
    }

    /// Adds the errors `[step]` of the window that ends at `end`. Windows come in ascending order.
    pub(crate) fn push(&mut self, end: usize, errors: impl Iterator<Item = f64>) {
        self.close_before(end + 1 - self.steps);
        let slot = end % self.steps;
        self.ends[slot] = Some(end);
        let ring = &mut self.errors[slot * self.steps..(slot + 1) * self.steps];
        ring.iter_mut().zip(errors).for_each(|(slot, error)| *slot = error);
    }

    /// Merged errors and numbers of windows of `n_rows` points, `[time]` each.
    pub(crate) fn finish(mut self, n_rows: usize) -> (Vec<f64>, Vec<u32>) {
        self.close_before(n_rows);
        (self.merged, self.n_windows)
    }

    /// Merges the points before `row_idx`, which no later window covers.
    fn close_before(&mut self, row_idx: usize) {
        for point in self.merged.len()..row_idx {
            self.covering.clear();
            let mut slot = point % self.steps;
            for (end, step) in (point..).zip((0..self.steps).rev()) {
                if self.ends[slot] == Some(end) {
                    self.covering.push(self.errors[slot * self.steps + step]);
                }
                slot = if slot + 1 == self.steps { 0 } else { slot + 1 };
            }
            self.n_windows.push(u32::try_from(self.covering.len()).unwrap_or(u32::MAX));
            self.merged.push(self.merge.merge(&mut self.covering));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(
        merge: Merge,
        steps: usize,
        n_rows: usize,
        windows: &[(usize, &[f64])],
    ) -> (Vec<f64>, Vec<u32>) {
        let mut points = PointMerge::new(merge, steps);
        for (end, errors) in windows {
            points.push(*end, errors.iter().copied());
        }
        points.finish(n_rows)
    }

    #[test]
    fn a_point_merges_the_windows_that_cover_it() {
        // Windows of three rows that end at rows 2, 3, 4:   1 2 3 · ·
        // row 2 is covered by 3, 20 and 100.                · 10 20 30 ·
        //                                                   · · 100 200 300
        let windows: [(usize, &[f64]); 3] =
            [(2, &[1.0, 2.0, 3.0]), (3, &[10.0, 20.0, 30.0]), (4, &[100.0, 200.0, 300.0])];
        let (median, n_windows) = merged(Merge::Median, 3, 5, &windows);
        assert_eq!(median, [1.0, 6.0, 20.0, 115.0, 300.0]);
        assert_eq!(n_windows, [1, 2, 3, 2, 1]);
        assert_eq!(merged(Merge::Mean, 3, 5, &windows).0, [1.0, 6.0, 41.0, 115.0, 300.0]);
        assert_eq!(merged(Merge::Max, 3, 5, &windows).0, [1.0, 10.0, 100.0, 200.0, 300.0]);
    }

    #[test]
    fn points_without_a_window_have_no_error() {
        let (errors, n_windows) = merged(Merge::Median, 2, 5, &[(3, &[1.0, 2.0])]);
        assert_eq!(n_windows, [0, 0, 1, 1, 0]);
        assert_eq!(errors[2..4], [1.0, 2.0]);
        assert!(errors[0].is_nan() && errors[1].is_nan() && errors[4].is_nan());
        assert!(merged(Merge::Median, 2, 0, &[]).0.is_empty());
    }

    #[test]
    fn nothing_and_nan_merge_to_nan() {
        for merge in [Merge::Median, Merge::Mean, Merge::Max] {
            assert!(merge.merge(&mut []).is_nan());
            assert!(merge.merge(&mut [1.0, f64::NAN]).is_nan());
            assert_eq!(merge.merge(&mut [7.0]), 7.0);
            assert_eq!(merge.merge(&mut [7.0, 7.0, 7.0]), 7.0);
        }
    }

    #[test]
    fn merged_errors_agree_with_numpy() {
        // python3 -c "import numpy as np; print([np.nanmedian([np.sin(e*7.+p) for e in range(max(p,4),min(p+5,20))]) for p in (0,9,19)])"
        let windows: Vec<(usize, Vec<f64>)> = (4_u32..20)
            .map(|end| (end, (end - 4..=end).map(|p| f64::from(end * 7 + p).sin()).collect()))
            .map(|(end, errors)| (usize::try_from(end).unwrap(), errors))
            .collect();
        let windows: Vec<(usize, &[f64])> = windows.iter().map(|(end, e)| (*end, &e[..])).collect();
        let (errors, _) = merged(Merge::Median, 5, 20, &windows);
        for (point, golden) in
            [(0, 0.27090578830786904), (9, -0.5063656411097588), (19, 0.933320523748862)]
        {
            // sin may differ by one ulp between libraries.
            assert!((errors[point] - golden).abs() < 1e-15, "{point}");
        }
    }

    proptest! {
        #[test]
        fn median_and_mean_lie_between_the_errors_and_max_is_one_of_them(
            errors in prop::collection::vec(0.0_f64..9.0, 1..40),
        ) {
            let merged = |merge: Merge| merge.merge(&mut errors.clone());
            let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
            let most = merged(Merge::Max);
            prop_assert!(errors.contains(&most));
            for merge in [Merge::Median, Merge::Mean] {
                // The mean of equal numbers may be off by some roundings.
                prop_assert!((least - 1e-13..=most + 1e-13).contains(&merged(merge)));
            }
        }
    }
}
