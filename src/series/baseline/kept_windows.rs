//! Training windows as they are: what later windows are held against.
//!
//! Of each ticker and feature at most [`WINDOWS_MAX`] are kept, evenly spaced over its training windows; the
//! pooled ones are as many again, each ticker giving the same number as far as it has them. Neither what is
//! stored nor what a row costs grows with the history.
//!
//! Shapes: windows `[window][row]`. Units: those of the feature; distances in deviations of the kept values.

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

/// The windows of one feature before it is known which of them are kept.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    n: usize,
    windows: Vec<Vec<f64>>,
}

impl OfWindows for Gathered {
    fn of(_: usize, mut windows: Vec<Vec<f64>>) -> Self {
        let n = windows.len();
        let kept = evenly(n, WINDOWS_MAX);
        Self { n, windows: kept.into_iter().map(|k| std::mem::take(&mut windows[k])).collect() }
    }

    fn pooled<'t>(_: usize, all: impl ExactSizeIterator<Item = &'t Self>) -> Self {
        let each = WINDOWS_MAX.div_ceil(all.len().max(1));
        let mut pooled = Self { n: 0, windows: Vec::new() };
        for own in all {
            pooled.n += own.n;
            let kept = evenly(own.windows.len(), each);
            pooled.windows.extend(kept.into_iter().map(|k| own.windows[k].clone()));
        }
        let kept = evenly(pooled.windows.len(), WINDOWS_MAX);
        Self { windows: kept.into_iter().map(|k| pooled.windows[k].clone()).collect(), ..pooled }
    }

    fn n(&self) -> usize {
        self.n
    }

    fn is_finite(&self) -> bool {
        self.deviation().is_finite()
    }
}

impl Gathered {
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
    fn tickers_give_alike_to_what_is_pooled() {
        let all = [gathered(0, 3000), gathered(5000, 3000), gathered(9000, 2)];
        let pooled = Gathered::pooled(1, all.iter());
        assert_eq!((pooled.n, pooled.windows.len()), (6002, 670));
        let of = |from: f64| firsts(&pooled).iter().filter(|&&v| v >= from).count();
        assert_eq!((of(5000.0), of(9000.0)), (336, 2));
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

    proptest! {
        #[test]
        fn no_more_are_kept_than_there_may_be(sizes in prop::collection::vec(0_u32..1500, 1..6)) {
            let all: Vec<Gathered> = sizes.iter().map(|&n| gathered(0, n)).collect();
            let pooled = Gathered::pooled(1, all.iter());
            prop_assert!(pooled.windows.len() <= WINDOWS_MAX);
            prop_assert_eq!(pooled.n, sizes.iter().map(|&n| n as usize).sum::<usize>());
            prop_assert!(all.iter().all(|own| own.windows.len() == own.n.min(WINDOWS_MAX)));
        }
    }
}
