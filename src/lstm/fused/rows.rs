//! Layers that treat every row by itself: dropout and dense.
//!
//! Rows are padded to whole vectors with zeros, and stay so.

use super::lanes::{Lanes, Work};
use crate::random::LayerMask;

/// `out = values · factor`, the factor being 0 or `1 / (1 - rate)`; its own way back.
pub(crate) struct Drop<'a, S: Lanes> {
    /// `[row, unit]`
    pub(crate) values: &'a [S::E],
    /// `[row, unit]`
    pub(crate) out: &'a mut [S::E],
    /// Units, padded.
    pub(crate) width: usize,
    /// How many rows.
    pub(crate) rows: usize,
    /// What is kept.
    pub(crate) mask: LayerMask,
    /// `1 / (1 - rate)`
    pub(crate) kept: S::E,
    /// Row of the batch that the first row is.
    pub(crate) first_row: usize,
    /// Time step.
    pub(crate) time: usize,
}

impl<S: Lanes> Work<S> for Drop<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        for row in 0..self.rows {
            let mask = self.mask.units(self.first_row + row, self.time);
            for unit in (0..self.width).step_by(S::N) {
                let at = row * self.width + unit;
                let factor = s.dropout(mask, unit, self.kept);
                s.store(s.mul(s.load(self.values, at), factor), self.out, at);
            }
        }
    }
}

/// Weights of a dense layer.
#[derive(Clone, Copy)]
pub(crate) struct DenseWeights<'a, E> {
    /// `[output, input]`, inputs padded.
    pub(crate) weight: &'a [E],
    /// `[output]`, padded.
    pub(crate) bias: &'a [E],
    /// Inputs, padded.
    pub(crate) inputs: usize,
    /// Outputs.
    pub(crate) outputs: usize,
}

/// `out = bias + weight · values`
pub(crate) struct Dense<'a, S: Lanes> {
    /// Weights.
    pub(crate) weights: DenseWeights<'a, S::E>,
    /// `[row, input]`
    pub(crate) values: &'a [S::E],
    /// `[row, output]`
    pub(crate) out: &'a mut [S::E],
    /// From one row of `out` to the next; what lies between becomes 0.
    pub(crate) out_row: usize,
    /// How many rows.
    pub(crate) rows: usize,
}

impl<S: Lanes> Work<S> for Dense<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        let DenseWeights { weight, bias, inputs, outputs } = self.weights;
        for row in 0..self.rows {
            let out = &mut self.out[row * self.out_row..(row + 1) * self.out_row];
            out[outputs..].fill(S::E::default());
            for (output, out) in out[..outputs].iter_mut().enumerate() {
                let mut sum = s.splat(S::E::default());
                for input in (0..inputs).step_by(S::N) {
                    let x = s.load(self.values, row * inputs + input);
                    sum = s.fma(x, s.load(weight, output * inputs + input), sum);
                }
                *out = s.sum(sum) + bias[output];
            }
        }
    }
}

/// The way back through a dense layer.
pub(crate) struct DenseBack<'a, S: Lanes> {
    /// Weights.
    pub(crate) weights: DenseWeights<'a, S::E>,
    /// What went in, `[row, input]`.
    pub(crate) values: &'a [S::E],
    /// Gradient of what came out, `[row, output]`.
    pub(crate) d_out: &'a [S::E],
    /// From one row of `d_out` to the next.
    pub(crate) d_out_row: usize,
    /// How many rows.
    pub(crate) rows: usize,
    /// Gradient of the weight, added to.
    pub(crate) d_weight: &'a mut [S::E],
    /// Gradient of the bias, added to.
    pub(crate) d_bias: &'a mut [S::E],
    /// Gradient of what went in, `[row, input]`.
    pub(crate) d_values: &'a mut [S::E],
}

impl<S: Lanes> Work<S> for DenseBack<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        let DenseWeights { weight, inputs, outputs, .. } = self.weights;
        for input in (0..inputs).step_by(S::N) {
            for row in 0..self.rows {
                let mut d_value = s.splat(S::E::default());
                for output in 0..outputs {
                    let slope = s.splat(self.d_out[row * self.d_out_row + output]);
                    d_value = s.fma(slope, s.load(weight, output * inputs + input), d_value);
                }
                s.store(d_value, self.d_values, row * inputs + input);
            }
            for output in 0..outputs {
                let mut sum = s.load(self.d_weight, output * inputs + input);
                for row in 0..self.rows {
                    let slope = s.splat(self.d_out[row * self.d_out_row + output]);
                    sum = s.fma(slope, s.load(self.values, row * inputs + input), sum);
                }
                s.store(sum, self.d_weight, output * inputs + input);
            }
        }
        for row in 0..self.rows {
            for output in 0..outputs {
                self.d_bias[output] += self.d_out[row * self.d_out_row + output];
            }
        }
    }
}

/// `total[column] += Σ_row values[row][column]`
pub(crate) struct ColumnSums<'a, S: Lanes> {
    /// `[rows, columns]`
    pub(crate) values: &'a [S::E],
    /// From one row to the next.
    pub(crate) row: usize,
    /// How many rows.
    pub(crate) rows: usize,
    /// `[columns]`, whole vectors.
    pub(crate) total: &'a mut [S::E],
}

impl<S: Lanes> Work<S> for ColumnSums<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        for column in (0..self.total.len()).step_by(S::N) {
            let mut sum = s.load(self.total, column);
            for row in 0..self.rows {
                sum = s.add(sum, s.load(self.values, row * self.row + column));
            }
            s.store(sum, self.total, column);
        }
    }
}

/// `total += Σ others`
pub(crate) struct Added<'a, S: Lanes> {
    /// `[n]`, whole vectors.
    pub(crate) total: &'a mut [S::E],
    /// The first `n` of each, `from_one_to_next` apart.
    pub(crate) others: &'a [S::E],
    /// From the first number of one to that of the next.
    pub(crate) from_one_to_next: usize,
}

impl<S: Lanes> Work<S> for Added<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        let n = self.others.len().div_ceil(self.from_one_to_next);
        for at in (0..self.total.len()).step_by(S::N) {
            let mut sum = s.load(self.total, at);
            for other in 0..n {
                sum = s.add(sum, s.load(self.others, other * self.from_one_to_next + at));
            }
            s.store(sum, self.total, at);
        }
    }
}
