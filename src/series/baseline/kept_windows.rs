//! Training windows as they are: what later windows are held against.
//!
//! Of each ticker and feature at most [`WINDOWS_MAX`] are kept: every one, or every second, fourth, eighth … . The
//! pooled ones are as many at most, at one such step for all tickers, so that the order in which tickers come does
//! not count, and neither what is held, what is stored nor what a row costs grows with the history.
//!
//! Shapes: windows `[window][row]`. Units: those of the feature; distances in deviations of the kept values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Expectation;
use super::training_windows::OfWindows;
use crate::archive::evenly;
use crate::moments::Moments;
use crate::statistics::to_real;

/// At most so many windows are kept: of 30 rows 30,000 numbers, as many multiplications a row, 1.3 MB in a model's
/// file.
pub(super) const WINDOWS_MAX: usize = 1000;

/// Windows of one feature, and what their values deviate by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptWindows {
    /// `[window][row]`, oldest row first; at least one, none empty.
    pub(super) windows: Vec<Vec<f64>>,
    /// Of all values of all windows; 0 where they are equal.
    deviation: f64,
}

/// The windows of one ticker and feature, as far as they are still kept.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    /// Windows there were.
    n: usize,
    /// Of them one in 2^level is left, the first among them.
    level: u32,
    windows: Vec<Vec<f64>>,
}

impl OfWindows for Gathered {
    fn of(_: usize, windows: Vec<Vec<f64>>) -> Self {
        let mut own = Self { n: windows.len(), level: 0, windows };
        while own.windows.len() > WINDOWS_MAX {
            own.thin_to(own.level + 1);
        }
        own
    }

    fn pooled<'t>(_: usize, all: impl Iterator<Item = &'t Self> + Clone) -> Self {
        let level = common_level(all.clone());
        let n = all.clone().map(|own| own.n).sum();
        let left = all.flat_map(|own| own.windows.iter().step_by(own.step_to(level)));
        let left: Vec<&Vec<f64>> = left.collect();
        // One of each ticker may still be too many.
        let kept = evenly(left.len(), WINDOWS_MAX);
        Self { n, level, windows: kept.into_iter().map(|k| left[k].clone()).collect() }
    }

    fn thin(per_ticker: &mut BTreeMap<String, Vec<Self>>) {
        let n_features = per_ticker.values().map(Vec::len).max().unwrap_or(0);
        for feature_idx in 0..n_features {
            let level = common_level(per_ticker.values().map(|own| &own[feature_idx]));
            per_ticker.values_mut().for_each(|own| own[feature_idx].thin_to(level));
        }
    }

    fn n(&self) -> usize {
        self.n
    }

    fn is_finite(&self) -> bool {
        self.deviation().is_finite()
    }
}

/// The least level at which no more than [`WINDOWS_MAX`] windows are left in all, or one of each ticker. More
/// tickers never lower it.
fn common_level<'t>(all: impl Iterator<Item = &'t Gathered> + Clone) -> u32 {
    let mut level = all.clone().map(|own| own.level).max().unwrap_or(0);
    let is_enough = |level: u32| {
        let left = all.clone().map(|own| own.windows.len().div_ceil(own.step_to(level)));
        let (sum, most) = left.fold((0, 0), |(sum, most), left| (sum + left, left.max(most)));
        sum <= WINDOWS_MAX || most <= 1
    };
    while !is_enough(level) {
        level += 1;
    }
    level
}

impl Gathered {
    /// Of the windows that are left one in so many is still left at `level`.
    fn step_to(&self, level: u32) -> usize {
        1 << level.saturating_sub(self.level)
    }

    fn thin_to(&mut self, level: u32) {
        let step = self.step_to(level);
        let mut place = 0;
        self.windows.retain(|_| {
            place += 1;
            (place - 1) % step == 0
        });
        self.level = self.level.max(level);
    }

    /// 0 of equal values, whatever rounding makes of their mean.
    fn deviation(&self) -> f64 {
        let moments = Moments::of(self.windows.iter().flatten().copied());
        if moments.min == moments.max { 0.0 } else { moments.sd() }
    }

    /// As they are.
    pub(super) fn keep(&self) -> KeptWindows {
        self.keep_as(Clone::clone)
    }

    /// What `typical` makes of them, in the place of the windows themselves.
    pub(super) fn keep_as(
        &self,
        typical: impl FnOnce(&Vec<Vec<f64>>) -> Vec<Vec<f64>>,
    ) -> KeptWindows {
        KeptWindows { windows: typical(&self.windows), deviation: self.deviation() }
    }
}

impl KeptWindows {
    /// The rows up to the newest as one window; `None` unless all of them are there.
    pub(super) fn window(&self, past: &[f64], value: f64) -> Option<Vec<f64>> {
        let n_before = self.windows.first()?.len().checked_sub(1)?;
        let first = past.len().checked_sub(n_before)?;
        let window: Vec<f64> = past[first..].iter().copied().chain([value]).collect();
        window.iter().all(|value| value.is_finite()).then_some(window)
    }

    /// The newest row of `window` is expected to be that of the kept one which is nearest; its error is the
    /// root mean square over rows of the distance whose square is `square`.
    pub(super) fn expectation(&self, nearest: usize, square: f64) -> Option<Expectation> {
        let nearest = self.windows.get(nearest)?;
        let distance = (square / to_real(nearest.len())).sqrt() / self.deviation;
        Some(Expectation {
            distance: Some(distance),
            ..Expectation::new(*nearest.last()?, self.deviation)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gathered(from: u32, n: u32) -> Gathered {
        Gathered::of(1, (from..from + n).map(|k| vec![f64::from(k)]).collect())
    }

    fn firsts(gathered: &Gathered) -> Vec<f64> {
        gathered.windows.iter().map(|window| window[0]).collect()
    }

    #[test]
    fn few_windows_are_all_kept_and_of_many_an_even_share() {
        assert_eq!(firsts(&gathered(0, 3)), [0.0, 1.0, 2.0]);
        let many = gathered(0, 1999);
        assert_eq!((many.n, many.windows.len()), (1999, WINDOWS_MAX));
        assert_eq!(firsts(&many)[..3], [0.0, 2.0, 4.0]);
        assert_eq!(firsts(&many)[999], 1998.0);
    }

    #[test]
    fn all_tickers_are_pooled_at_one_step() {
        let all = [gathered(0, 3000), gathered(5000, 3000), gathered(9000, 2)];
        let pooled = Gathered::pooled(1, all.iter());
        // 3,000 become 750, one in four; together they are still too many, and one in eight is left.
        assert_eq!((pooled.n, pooled.windows.len()), (6002, 751));
        let of = |from: f64| firsts(&pooled).iter().filter(|&&v| v >= from).count();
        assert_eq!((of(5000.0), of(9000.0)), (376, 1));
        assert_eq!(Gathered::pooled(1, [].iter()).n, 0);
    }

    #[test]
    fn a_distance_is_that_of_a_row_in_deviations() {
        // Values 1, 3, 5, 3: mean 3, deviation √2. A distance of √8 over two rows: 2 a row, √2 deviations.
        let kept = Gathered::of(2, vec![vec![1.0, 3.0], vec![5.0, 3.0]]).keep();
        let found = kept.expectation(1, 8.0).unwrap();
        assert_eq!((found.expected, found.scale), (3.0, 2.0_f64.sqrt()));
        assert!((found.distance.unwrap() - 2.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(kept.window(&[9.0, 7.0], 8.0), Some(vec![7.0, 8.0]));
        assert_eq!(kept.window(&[], 8.0), None);
        assert_eq!(kept.window(&[f64::NAN], 8.0), None);
        assert_eq!(kept.window(&[1.0], f64::INFINITY), None);
    }

    #[test]
    fn of_more_tickers_than_windows_some_give_one_and_others_none() {
        let all: Vec<Gathered> = (0..1500).map(|k| gathered(10 * k, 9)).collect();
        let pooled = Gathered::pooled(1, all.iter());
        assert_eq!(pooled.windows.len(), WINDOWS_MAX);
        assert!(firsts(&pooled).iter().all(|first| first % 10.0 == 0.0));
    }

    proptest! {
        #[test]
        fn what_is_pooled_does_not_depend_on_what_was_thinned_before(
            sizes in prop::collection::vec(0_u32..3000, 1..8),
            turned in 0_usize..8,
        ) {
            let whole: Vec<Gathered> =
                (0..).zip(&sizes).map(|(k, &n)| gathered(10_000 * k, n)).collect();
            let expected = Gathered::pooled(1, whole.iter());
            prop_assert!(expected.windows.len() <= WINDOWS_MAX);
            prop_assert_eq!(expected.n, sizes.iter().map(|&n| n as usize).sum::<usize>());
            // In another order, thinned after each.
            let mut order: Vec<usize> = (0..sizes.len()).collect();
            order.rotate_left(turned % sizes.len());
            let mut per_ticker = BTreeMap::new();
            for idx in order {
                per_ticker.insert(idx.to_string(), vec![whole[idx].clone()]);
                Gathered::thin(&mut per_ticker);
                let n_held: usize = per_ticker.values().map(|own| own[0].windows.len()).sum();
                prop_assert!(n_held <= WINDOWS_MAX.max(per_ticker.len()));
            }
            let found = Gathered::pooled(1, per_ticker.values().map(|own| &own[0]));
            prop_assert_eq!(firsts(&found), firsts(&expected));
        }
    }
}
