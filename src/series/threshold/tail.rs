//! The tail of calibration scores as a generalised Pareto distribution.
//!
//! Shapes: excesses `[n]` over a level, all above 0 → shape γ `[]` and scale σ, in units of the scores.
//! P(excess > y) = (1 + γ y / σ)^(−1/γ), or exp(−y / σ) where γ is 0.
//!
//! Sources: Pickands 1975 for the distribution; Grimshaw 1993, "Computing Maximum Likelihood Estimates for
//! the Generalized Pareto Distribution", for the search in the one variable θ = γ/σ, in which γ(θ) =
//! mean ln(1 + θ y) and the likelihood is −n (1 + γ(θ) + ln(γ(θ)/θ)). γ stays at or above −1, the uniform
//! tail that ends at the largest excess: below it the likelihood has no maximum.

use serde::{Deserialize, Serialize};

use super::ByQuantile;
use super::rate::percent;
use crate::range::Quantile;
use crate::statistics::to_real;

/// Fewer excesses say nothing of a tail: the standard error of γ is about 1/√n.
pub const EXCESSES_MIN: usize = 20;

/// The least shape.
const SHAPE_MIN: f64 = -1.0;
/// Excesses of a larger shape have a mean that is infinite many times over.
const SHAPE_MAX: f64 = 4.0;
/// Points of the likelihood that are looked at before the best one is narrowed down.
const GRID: i32 = 64;
/// Halvings that narrow it down: more than a double has bits.
const HALVINGS: usize = 80;

/// What lies above an initial level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Tail {
    /// Enough to fit a distribution.
    Pareto {
        /// The initial level.
        above: f64,
        /// Scores above it.
        n_above: usize,
        /// γ.
        shape: f64,
        /// σ.
        scale: f64,
    },
    /// Too few scores for it: the quantile is the sample's own.
    TooFew {
        /// Scores above the initial level.
        n_above: usize,
    },
}

impl Tail {
    /// The tail of the finite ones among `scores` above their quantile `initial`; `None` where it has none.
    pub fn above_quantile(scores: &[f64], initial: f64) -> Option<Self> {
        let ascending = super::ascending(scores).ok()?;
        let q = Quantile::try_from(initial).ok()?;
        let tail = Self::fit(&ascending, ByQuantile { q }.of_ascending(&ascending));
        matches!(tail, Self::Pareto { .. }).then_some(tail)
    }

    /// The tail of ascending scores above `above`.
    pub fn fit(ascending: &[f64], above: f64) -> Self {
        let first = ascending.partition_point(|&score| score <= above);
        let excesses: Vec<f64> = ascending[first..].iter().map(|score| score - above).collect();
        let n_above = excesses.len();
        match fit(&excesses) {
            Some((shape, scale)) => Self::Pareto { above, n_above, shape, scale },
            None => Self::TooFew { n_above },
        }
    }

    /// The level that a share `rate` of scores exceed, of whom `n` were looked at; `None` where there is no
    /// tail, or the level would not lie in it.
    pub fn level(&self, n: usize, rate: f64) -> Option<f64> {
        let Self::Pareto { above, n_above, shape, scale } = *self else { return None };
        let share = rate * to_real(n) / to_real(n_above);
        let excess = quantile(shape, scale, share);
        let level = above + excess;
        (share < 1.0 && level.is_finite()).then_some(level)
    }

    /// The share of scores at or above `score`, of whom `n` were looked at; `None` where there is no tail
    /// or the score does not lie in it.
    pub fn p_value(&self, n: usize, score: f64) -> Option<f64> {
        let Self::Pareto { above, n_above, shape, scale } = *self else { return None };
        let of_excesses = survival(shape, scale, score - above);
        (score > above).then_some(of_excesses * to_real(n_above) / to_real(n))
    }

    /// In words, to follow a quantile.
    pub(super) fn words(&self, initial: f64, rate: f64, n: usize) -> String {
        match self {
            Self::Pareto { above, n_above, shape, scale } => format!(
                "exceeded at {} by a generalised Pareto tail (shape {shape:.3}, scale {scale:.3}) of the \
                 {n_above} scores above {above:.3} (quantile {initial}) of {n} calibration scores",
                percent(rate)
            ),
            Self::TooFew { n_above } => format!(
                "quantile {} of {n} calibration scores, since the {n_above} above their quantile \
                 {initial} are too few or too equal for a tail ({EXCESSES_MIN} are needed)",
                // 1 - .07 is .9299999999999999.
                (1e12 * (1.0 - rate)).round() / 1e12
            ),
        }
    }
}

/// The excess that a share `share` of excesses are larger than.
fn quantile(shape: f64, scale: f64, share: f64) -> f64 {
    // (share^−γ − 1)/γ, which tends to −ln share as γ tends to 0.
    let log = -share.ln();
    if shape == 0.0 { scale * log } else { scale * (shape * log).exp_m1() / shape }
}

/// The share of excesses that are larger than `excess`.
fn survival(shape: f64, scale: f64, excess: f64) -> f64 {
    if shape == 0.0 {
        return (-excess / scale).exp();
    }
    let base = (shape * excess / scale).max(-1.0);
    (-base.ln_1p() / shape).exp()
}

/// Shape and scale of most likelihood for ascending excesses above 0; `None` of too few or of equal ones.
fn fit(excesses: &[f64]) -> Option<(f64, f64)> {
    let (&least, &most) = (excesses.first()?, excesses.last()?);
    if excesses.len() < EXCESSES_MIN || least == most {
        return None;
    }
    let n = to_real(excesses.len());
    let mean = excesses.iter().map(|excess| excess / n).sum::<f64>();
    // In units of their mean θ is near γ, whatever the scale.
    let scaled: Vec<f64> = excesses.iter().map(|excess| excess / mean).collect();
    let profile = Profile { excesses: &scaled, most: most / mean };
    let theta = most_likely(&profile);
    let inner = mean_log(&scaled, theta);
    let (shape, scale) = match profile.loss_of_least_shape() < profile.loss(theta) {
        true => (SHAPE_MIN, profile.most),
        false => (inner, if theta == 0.0 { 1.0 } else { inner / theta }),
    };
    let scale = mean * scale;
    (shape.is_finite() && scale.is_finite() && scale > 0.0).then_some((shape, scale))
}

/// γ(θ).
fn mean_log(excesses: &[f64], theta: f64) -> f64 {
    excesses.iter().map(|excess| (theta * excess).ln_1p()).sum::<f64>() / to_real(excesses.len())
}

/// The likelihood along θ, of excesses in units of their mean.
struct Profile<'a> {
    excesses: &'a [f64],
    most: f64,
}

impl Profile<'_> {
    /// Minus the mean logarithm of the likelihood, less 1.
    fn loss(&self, theta: f64) -> f64 {
        let shape = mean_log(self.excesses, theta);
        // σ is the mean, 1, where θ is 0.
        let scale = if theta == 0.0 { 1.0 } else { shape / theta };
        shape + scale.ln()
    }

    /// Its derivative, of which only the sign is used: Grimshaw's equation.
    fn slope(&self, theta: f64) -> f64 {
        let n = to_real(self.excesses.len());
        if theta.abs() < 1e-9 {
            let squares = self.excesses.iter().map(|excess| excess * excess).sum::<f64>() / n;
            return 1.0 - squares / 2.0;
        }
        let shape = mean_log(self.excesses, theta);
        let rate = self.excesses.iter().map(|y| y / (1.0 + theta * y)).sum::<f64>() / n;
        rate + rate / shape - 1.0 / theta
    }

    /// [`Profile::loss`] of the least shape, whose likeliest scale is the largest excess: 1/σ each.
    fn loss_of_least_shape(&self) -> f64 {
        self.most.ln() - 1.0
    }

    /// The θ at which the shape is `shape`, which rises with it.
    fn theta_of(&self, shape: f64) -> f64 {
        // Below −1/most a logarithm has no argument; above, the mean logarithm exceeds any bound.
        let (mut low, mut high) = if shape < 0.0 { (-1.0 / self.most, 0.0) } else { (0.0, 1.0) };
        while shape > 0.0 && high < 1e300 && mean_log(self.excesses, high) < shape {
            high *= 2.0;
        }
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if mean_log(self.excesses, middle) < shape { low = middle } else { high = middle }
        }
        high
    }
}

/// The θ of least loss among those whose shape is allowed: the best of a grid, then the zero of the slope
/// beside it.
fn most_likely(profile: &Profile<'_>) -> f64 {
    // As many points on either side of 0, denser towards it, where most tails lie.
    let (least, most) = (profile.theta_of(SHAPE_MIN), profile.theta_of(SHAPE_MAX));
    let point = |step: i32| {
        let share = f64::from(step.abs()) / f64::from(GRID);
        share * share * if step < 0 { least } else { most }
    };
    let mut best = -GRID;
    for step in -GRID..=GRID {
        if profile.loss(point(step)) < profile.loss(point(best)) {
            best = step;
        }
    }
    let (mut low, mut high) = (point((best - 1).max(-GRID)), point((best + 1).min(GRID)));
    // At an end of the range the slope does not change its sign, and the halving walks to that end.
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if profile.slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Excesses at the ranks (k − ½)/n of a tail of this shape, σ = 1.
    fn ideal(shape: f64, n: u32) -> Vec<f64> {
        let share = |k: u32| 1.0 - (f64::from(k) + 0.5) / f64::from(n);
        (0..n).map(|k| quantile(shape, 1.0, share(k))).collect()
    }

    #[test]
    fn a_tail_and_its_levels_worked_by_hand() {
        // γ = 1, σ = 2: P(excess > y) = 1/(1 + y/2). Of 100 scores 20 lie above 3, so that 3 + 6 is exceeded
        // by 20/100 · 1/4 = .05 of them.
        let tail = Tail::Pareto { above: 3.0, n_above: 20, shape: 1.0, scale: 2.0 };
        assert!((tail.level(100, 0.05).unwrap() - 9.0).abs() < 1e-14);
        assert!((tail.p_value(100, 9.0).unwrap() - 0.05).abs() < 1e-16);
        assert_eq!((tail.level(100, 0.2), tail.p_value(100, 3.0)), (None, None));
        // γ = 0: exp(−y/2).
        let tail = Tail::Pareto { above: 3.0, n_above: 20, shape: 0.0, scale: 2.0 };
        assert!((tail.level(100, 0.05).unwrap() - (3.0 + 2.0 * 4.0_f64.ln())).abs() < 1e-14);
        assert!((tail.p_value(100, 5.0).unwrap() - 0.2 * (-1.0_f64).exp()).abs() < 1e-16);
        // γ = −½: nothing lies beyond σ/½.
        let tail = Tail::Pareto { above: 0.0, n_above: 20, shape: -0.5, scale: 2.0 };
        assert_eq!(tail.p_value(100, 4.1), Some(0.0));
    }

    #[test]
    fn a_rate_is_told_as_the_quantile_that_a_person_would_write() {
        let told = |rate: f64| Tail::TooFew { n_above: 3 }.words(0.9, rate, 40);
        for (rate, quantile) in [(0.07, "0.93"), (0.005, "0.995"), (1e-6, "0.999999")] {
            assert!(
                told(rate).starts_with(&format!("quantile {quantile} of 40 ")),
                "{}",
                told(rate)
            );
        }
    }

    #[test]
    fn the_shape_of_an_ideal_tail_is_found_and_stops_at_the_uniform_one() {
        for (shape, n) in [(0.3, 4000), (0.0, 4000), (-0.2, 4000), (1.5, 4000)] {
            let (found, scale) = fit(&ideal(shape, n)).unwrap();
            // The ranks cut off the outermost half of a 4,000th: .01 of γ.
            assert!(
                (found - shape).abs() < 0.02 && (scale - 1.0).abs() < 0.02,
                "{shape}: {found} {scale}"
            );
        }
        // Ranks that crowd towards their end would have γ = −2, were there a maximum of the likelihood.
        assert_eq!(fit(&ideal(-2.0, 1000)).unwrap().0, SHAPE_MIN);
    }

    #[test]
    fn the_slope_is_that_of_the_loss() {
        let excesses = ideal(0.2, 50);
        let mean = excesses.iter().sum::<f64>() / 50.0;
        let excesses: Vec<f64> = excesses.iter().map(|y| y / mean).collect();
        let profile = Profile { excesses: &excesses, most: *excesses.last().unwrap() };
        for theta in [-0.05, -1e-3, 1e-3, 0.1, 2.0] {
            let step = 1e-6;
            let slope = (profile.loss(theta + step) - profile.loss(theta - step)) / (2.0 * step);
            // A central difference of numbers near 1: 1e-16/1e-6.
            assert!((profile.slope(theta) - slope).abs() < 1e-8, "{theta}");
        }
        assert!((profile.slope(0.0) - profile.slope(2e-9)).abs() < 1e-6);
    }

    #[test]
    fn degenerate_excesses_have_no_tail() {
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[1.0; 400]), None);
        assert_eq!(fit(&ideal(0.1, 19)), None);
        assert!(fit(&ideal(0.1, 20)).is_some());
        assert_eq!(Tail::fit(&[1.0, 2.0], 2.0), Tail::TooFew { n_above: 0 });
        // One huge excess among small ones, and numbers at either end of what there is.
        let mut lopsided = vec![1e-9; 1000];
        lopsided.push(1e300);
        lopsided[0] = 1e-300;
        if let Some((shape, scale)) = fit(&lopsided) {
            assert!(shape.is_finite() && scale > 0.0, "{shape} {scale}");
        }
    }

    proptest! {
        #[test]
        fn no_other_shape_and_scale_are_likelier(
            excesses in prop::collection::vec(0.001_f64..9.0, 20..60),
            (shape, scale) in (-0.999_f64..1.5, 0.1_f64..9.0),
        ) {
            let mut excesses = excesses;
            excesses.sort_unstable_by(f64::total_cmp);
            let (best_shape, best_scale) = fit(&excesses).unwrap();
            let likelihood = |shape: f64, scale: f64| -> f64 {
                let power = 1.0 + 1.0 / shape;
                let log = |y: &f64| match power {
                    0.0 => -scale.ln(),
                    _ => -scale.ln() - power * (shape * y / scale).ln_1p(),
                };
                excesses.iter().map(log).sum()
            };
            let (best, other) = (likelihood(best_shape, best_scale), likelihood(shape, scale));
            // NaN: a shape that has no room for the largest excess.
            prop_assert!(other.is_nan() || best >= other - 1e-7, "{best} {other}");
        }

        #[test]
        fn scale_follows_the_unit_and_shape_does_not(
            excesses in prop::collection::vec(0.001_f64..9.0, 20..60),
            exponent in -20_i32..20,
        ) {
            let mut excesses = excesses;
            excesses.sort_unstable_by(f64::total_cmp);
            let unit = 2.0_f64.powi(exponent);
            let (shape, scale) = fit(&excesses).unwrap();
            let scaled: Vec<f64> = excesses.iter().map(|excess| excess * unit).collect();
            prop_assert_eq!(fit(&scaled), Some((shape, scale * unit)));
        }

        #[test]
        fn a_higher_score_is_never_likelier_and_the_level_undoes_the_p_value(
            (shape, scale) in (-0.5_f64..2.0, 0.1_f64..9.0),
            rate in 0.000_1_f64..0.019,
        ) {
            let tail = Tail::Pareto { above: 1.0, n_above: 20, shape, scale };
            let level = tail.level(1000, rate).unwrap();
            let p_value = tail.p_value(1000, level).unwrap();
            prop_assert!((p_value / rate - 1.0).abs() < 1e-9);
            prop_assert!(tail.p_value(1000, level + 1.0).unwrap() <= p_value);
        }
    }
}
