//! Adam over one flat weight vector, in one pass over weights, gradient and both moments.
//!
//! Source: Kingma and Ba 2015, algorithm 1. Epsilon is added outside the root, to the bias-corrected moment,
//! as in PyTorch. (Keras adds it before the correction, Burn's own Adam defaults to 1e-5.)

use rayon::prelude::*;

use crate::fused::lanes::{Lanes, Work, with_lanes};
use crate::fused::{Isa, Threads};
use crate::real::Real;

/// How far and how steadily to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

/// Moments and step count.
#[derive(Clone, Debug)]
pub struct Adam<E = f32> {
    settings: Settings,
    moment_1: Vec<E>,
    moment_2: Vec<E>,
    steps: i32,
}

impl<E: Real> Adam<E> {
    /// An optimiser of `n_weights` weights that has seen nothing yet.
    pub fn new(settings: Settings, n_weights: usize) -> Self {
        let zeros = || vec![E::default(); n_weights];
        Self { settings, moment_1: zeros(), moment_2: zeros(), steps: 0 }
    }

    /// Takes steps of this size from here on; the moments stay as they are.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
    }

    pub(crate) fn step_with<S: Lanes<E = E>>(
        &mut self,
        s: S,
        threads: Threads,
        weights: &mut [E],
        gradient: &[E],
    ) {
        let Settings { learning_rate, beta_1, beta_2, epsilon } = self.settings;
        self.steps = self.steps.saturating_add(1);
        let number = E::from_f64;
        let rule = Rule {
            decay: [number(beta_1), number(beta_2)],
            fresh: [number(1.0 - beta_1), number(1.0 - beta_2)],
            step_size: number(learning_rate / (1.0 - beta_1.powi(self.steps))),
            root: number(1.0 / (1.0 - beta_2.powi(self.steps)).sqrt()),
            epsilon: number(epsilon),
        };
        let n = threads.share_of(weights.len());
        let moments = self.moment_1.par_chunks_mut(n).zip(self.moment_2.par_chunks_mut(n));
        let pieces = weights.par_chunks_mut(n).zip(gradient.par_chunks(n)).zip(moments);
        pieces.for_each(|((weights, gradient), (first, second))| {
            s.run(Step { weights, gradient, moments: [first, second], rule });
        });
    }
}

impl Adam {
    /// Moves `weights` one step down `gradient`, in an instruction set of this machine.
    pub fn step(&mut self, isa: Isa, threads: Threads, weights: &mut [f32], gradient: &[f32]) {
        with_lanes!(isa, s => self.step_with(s, threads, weights, gradient));
    }
}

/// What is the same for every weight of a step; the `root` is one over that of the second moment's bias
/// correction.
#[derive(Clone, Copy)]
struct Rule<E> {
    decay: [E; 2],
    fresh: [E; 2],
    step_size: E,
    root: E,
    epsilon: E,
}

/// One step of some weights.
struct Step<'a, S: Lanes> {
    weights: &'a mut [S::E],
    gradient: &'a [S::E],
    moments: [&'a mut [S::E]; 2],
    rule: Rule<S::E>,
}

impl<S: Lanes> Work<S> for Step<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(mut self, s: S) {
        let n = self.weights.len();
        let whole = n - n % S::N;
        for at in (0..whole).step_by(S::N) {
            self.vector(s, at);
        }
        let Rule { decay, fresh, step_size, root, epsilon } = self.rule;
        for k in whole..n {
            let g = self.gradient[k];
            let [first, second] = &mut self.moments;
            first[k] = decay[0] * first[k] + fresh[0] * g;
            second[k] = decay[1] * second[k] + fresh[1] * (g * g);
            let below = second[k].sqrt() * root + epsilon;
            self.weights[k] = self.weights[k] - step_size * (first[k] / below);
        }
    }
}

impl<S: Lanes> Step<'_, S> {
    /// Moment `k` after it has seen `more`.
    #[inline(always)]
    fn decayed(&self, s: S, k: usize, at: usize, more: S::V) -> S::V {
        let fresh = s.mul(s.splat(self.rule.fresh[k]), more);
        s.fma(s.splat(self.rule.decay[k]), s.load(self.moments[k], at), fresh)
    }

    #[inline(always)]
    fn vector(&mut self, s: S, at: usize) {
        let g = s.load(self.gradient, at);
        let first = self.decayed(s, 0, at, g);
        let second = self.decayed(s, 1, at, s.mul(g, g));
        s.store(first, self.moments[0], at);
        s.store(second, self.moments[1], at);
        let Rule { step_size, root, epsilon, .. } = self.rule;
        let below = s.fma(s.sqrt(second), s.splat(root), s.splat(epsilon));
        let step = s.mul(s.splat(step_size), s.div(first, below));
        s.store(s.sub(s.load(self.weights, at), step), self.weights, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fused::SMALLEST_SHARE;
    use crate::random::{self, Stream};

    const SETTINGS: Settings =
        Settings { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.99, epsilon: 0.5 };

    #[test]
    fn two_steps_by_hand() {
        for isa in Isa::available() {
            // One in a vector, one in what is left over.
            let n = isa.lanes() + 1;
            let mut adam = Adam::new(SETTINGS, n);
            let mut weights = vec![1.0_f32; n];
            // m = 0.2, v = 0.04; corrected 2 and 4: 1 - 0.1 · 2 / (2 + 0.5) = 0.92.
            adam.step(isa, Threads::One, &mut weights, &vec![2.0; n]);
            assert!(weights.iter().all(|w| (w - 0.92).abs() < 1e-6), "{isa}: {weights:?}");
            // m = 0.18 - 0.1 = 0.08, v = 0.0396 + 0.01 = 0.0496; corrected 0.08 / 0.19 = 0.421053 and
            // 0.0496 / 0.0199 = 2.492462, root 1.578753: 0.92 - 0.1 · 0.421053 / 2.078753 = 0.899745.
            adam.step(isa, Threads::One, &mut weights, &vec![-1.0; n]);
            assert!(weights.iter().all(|w| (w - 0.899_745).abs() < 1e-6), "{isa}: {weights:?}");
        }
    }

    #[test]
    fn every_instruction_set_agrees_with_double_precision() {
        let n = 37;
        let draw = |step: u64, k: u64| random::normal(3, Stream::Sample, &[step, k]) as f32;
        let start: Vec<f32> = (0..n).map(|k| draw(0, k)).collect();
        let mut reference: Vec<f64> = start.iter().map(|&w| f64::from(w)).collect();
        let mut adam = Adam::<f64>::new(SETTINGS, n as usize);
        let portable = crate::fused::lanes::Portable::<f64>::new();
        for step in 1..=20 {
            let gradient: Vec<f64> = (0..n).map(|k| f64::from(draw(step, k))).collect();
            adam.step_with(portable, Threads::One, &mut reference, &gradient);
        }
        for isa in Isa::available() {
            let mut weights = start.clone();
            let mut adam = Adam::new(SETTINGS, n as usize);
            for step in 1..=20 {
                let gradient: Vec<f32> = (0..n).map(|k| draw(step, k)).collect();
                adam.step(isa, Threads::One, &mut weights, &gradient);
            }
            for (found, expected) in weights.iter().zip(&reference) {
                // Twenty steps of at most 0.1, each rounded to 6e-8 of a weight of size 1.
                assert!((f64::from(*found) - expected).abs() < 2e-6, "{isa}: {found} {expected}");
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        // Four shares and a few numbers that fill no vector.
        let n = 4 * SMALLEST_SHARE + 5;
        let draw = |k: usize| random::normal(3, Stream::Sample, &[k as u64]) as f32;
        let gradient: Vec<f32> = (0..n).map(draw).collect();
        for isa in Isa::available() {
            let stepped = |threads| {
                let mut weights = vec![1.0_f32; n];
                let mut adam = Adam::new(SETTINGS, n);
                (0..3).for_each(|_| adam.step(isa, threads, &mut weights, &gradient));
                weights
            };
            let alone = stepped(Threads::One);
            for n_threads in [2, 3, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                let shared = pool.install(|| stepped(Threads::All));
                assert!(shared == alone, "{isa} on {n_threads} threads");
            }
        }
    }

    #[test]
    fn a_weight_without_gradient_stays_where_it_is() {
        let mut adam = Adam::new(SETTINGS, 20);
        let mut weights = [0.0_f32; 20];
        adam.step(Isa::best(), Threads::One, &mut weights, &[0.0; 20]);
        assert_eq!(weights, [0.0; 20]);
    }
}
