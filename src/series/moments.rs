//! Mean and deviation that can be added up over tickers without losing digits.

use crate::statistics::to_real;

/// Count, mean, sum of squared deviations and range of one feature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) n: usize,
    pub(crate) mean: f64,
    squares: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { n: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Moments {
    /// Two passes: the deviations of a long series at a high level would drown in its sum of squares.
    pub(crate) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (sum, n) = values.clone().fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
        if n == 0 {
            return Self::default();
        }
        let mean = sum / to_real(n);
        values.fold(Self { n, mean, ..Self::default() }, |m, value| Self {
            squares: m.squares + (value - mean) * (value - mean),
            min: m.min.min(value),
            max: m.max.max(value),
            ..m
        })
    }

    /// Adds the values of another.
    ///
    /// Source: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for
    /// computing sample variances", equation 2.1.
    pub(crate) fn add(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        let n = self.n + other.n;
        let share = to_real(other.n) / to_real(n);
        let step = other.mean - self.mean;
        self.squares += other.squares + step * step * to_real(self.n) * share;
        self.mean += step * share;
        self.n = n;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Population standard deviation; NaN of nothing.
    pub(crate) fn sd(&self) -> f64 {
        (self.squares / to_real(self.n)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_deviation_at_a_high_level_is_not_lost() {
        // 1e9 + {1, 2, 3}: mean 1e9 + 2, sd √(2/3).
        let mut moments = Moments::of([1e9 + 1.0].into_iter());
        moments.add(&Moments::of([1e9 + 2.0, 1e9 + 3.0].into_iter()));
        assert_eq!((moments.n, moments.mean, moments.min), (3, 1e9 + 2.0, 1e9 + 1.0));
        assert!((moments.sd() - (2.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn nothing_adds_nothing() {
        let mut moments = Moments::of([1.0, 3.0].into_iter());
        moments.add(&Moments::of([].into_iter()));
        assert_eq!((moments.n, moments.mean, moments.sd()), (2, 2.0, 1.0));
        assert!(Moments::default().sd().is_nan());
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(
            values in prop::collection::vec(-100.0_f64..100.0, 1..60),
            cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = values.split_at(cut.index(values.len()));
            let whole = Moments::of(values.iter().copied());
            let mut parts = Moments::of(left.iter().copied());
            parts.add(&Moments::of(right.iter().copied()));
            prop_assert_eq!((whole.n, whole.min, whole.max), (parts.n, parts.min, parts.max));
            // Two orders of summation of 60 numbers below 100; of their squares for the deviation.
            prop_assert!((whole.mean - parts.mean).abs() < 1e-12);
            prop_assert!((whole.sd().powi(2) - parts.sd().powi(2)).abs() < 1e-10);
        }
    }
}
