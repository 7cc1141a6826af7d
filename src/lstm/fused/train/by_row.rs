//! Layers that treat rows by themselves, the loss, and the way back through both.

use super::Shard;
use crate::fused::buffer::Buffer;
use crate::fused::lanes::Lanes;
use crate::fused::parts::dense_weights;
use crate::fused::plan::{ByRow, Kind, Signal, Stage};
use crate::fused::rows::{Dense, DenseBack, Drop};
use crate::random::LayerMask;
use crate::real::Real;

/// One time step of a stage.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) stage: &'a Stage,
    pub(super) time: usize,
}

impl<S: Lanes> Shard<'_, S> {
    /// A layer that treats rows by themselves, on the rows of one time step.
    pub(super) fn by_row(&self, layer: &ByRow, step: Step<'_>, x: &[S::E], out: &mut [S::E]) {
        let rows = self.n_rows();
        match layer {
            ByRow::Dropout { layer_idx, rate } => self.dropped(*layer_idx, *rate, step, x, out),
            ByRow::Dense { .. } => {
                let weights = dense_weights(layer, step.stage.input, self.packed);
                let out_row = step.stage.output.stride;
                self.s.run(Dense { weights, values: x, out, out_row, rows });
            }
        }
    }

    fn dropped(
        &self,
        layer_idx: usize,
        rate: f64,
        Step { stage, time }: Step<'_>,
        values: &[S::E],
        out: &mut [S::E],
    ) {
        let Some(dropout) = self.batch.dropout else {
            out.copy_from_slice(values);
            return;
        };
        let mask: LayerMask = dropout.layer(rate, layer_idx);
        self.s.run(Drop {
            values,
            out,
            width: stage.input.stride,
            rows: self.n_rows(),
            mask,
            kept: S::E::from_f64(1.0 / (1.0 - rate)),
            first_row: self.rows.start,
            time,
        });
    }

    pub(super) fn by_row_back(
        &self,
        layer: &ByRow,
        step: Step<'_>,
        x: &[S::E],
        slope: &[S::E],
        d_x: &mut [S::E],
        gradient: &mut [S::E],
    ) {
        match layer {
            ByRow::Dropout { layer_idx, rate } => {
                self.dropped(*layer_idx, *rate, step, slope, d_x);
            }
            ByRow::Dense { weight, bias, .. } => {
                let (d_weight, d_bias) =
                    gradient[weight.start..bias.end].split_at_mut(weight.len());
                self.s.run(DenseBack {
                    weights: dense_weights(layer, step.stage.input, self.packed),
                    values: x,
                    d_out: slope,
                    d_out_row: step.stage.output.stride,
                    rows: self.n_rows(),
                    d_weight,
                    d_bias,
                    d_values: d_x,
                });
            }
        }
    }

    /// The layers after the last one that mixes time steps, the loss, and the way back through them: time
    /// step by time step. Returns the loss and the gradient of `x`.
    pub(super) fn tail(&self, x: &[S::E], gradient: &mut [S::E]) -> (f64, Buffer<S::E>) {
        let rows = self.n_rows();
        let tail = &self.plan.tail;
        let mut d_x = Buffer::any(x.len());
        let step_in = x.len() / self.plan.output.steps;
        let any = |stage: &Stage| Buffer::any(rows * stage.output.stride);
        let mut values: Vec<Buffer<S::E>> = tail.iter().map(any).collect();
        let mut slopes: Vec<Buffer<S::E>> = tail.iter().map(any).collect();
        let mut total = 0.0;
        for time in 0..self.plan.output.steps {
            let x = &x[time * step_in..(time + 1) * step_in];
            let d_x = &mut d_x[time * step_in..(time + 1) * step_in];
            for (k, stage) in tail.iter().enumerate() {
                let (before, rest) = values.split_at_mut(k);
                let x = before.last().map_or(x, |values| values);
                if let Kind::ByRow(layer) = &stage.kind {
                    self.by_row(layer, Step { stage, time }, x, &mut rest[0]);
                }
            }
            let out = values.last().map_or(x, |values| values);
            let d_out = match slopes.last_mut() {
                Some(slope) => &mut slope[..],
                None => &mut *d_x,
            };
            total += self.loss(time, out, d_out);
            for (k, stage) in tail.iter().enumerate().rev() {
                let (before, rest) = slopes.split_at_mut(k);
                let d_x = before.last_mut().map_or(&mut *d_x, |slope| slope);
                let x = if k == 0 { x } else { &values[k - 1] };
                if let Kind::ByRow(layer) = &stage.kind {
                    let step = Step { stage, time };
                    self.by_row_back(layer, step, x, &rest[0], d_x, gradient);
                }
            }
        }
        (total, d_x)
    }

    /// Loss of one output step, summed, and its gradient.
    fn loss(&self, time: usize, out: &[S::E], d_out: &mut [S::E]) -> f64 {
        let Signal { width, stride, steps } = self.plan.output;
        let scale = 1.0 / (self.batch.inputs.len() * steps * width) as f64;
        let starts = &self.batch.targets[self.rows.clone()];
        let mut total = 0.0;
        for ((&start, out), d_out) in
            starts.iter().zip(out.chunks_exact(stride)).zip(d_out.chunks_exact_mut(stride))
        {
            d_out.fill(S::E::default());
            let target = &self.batch.values[start as usize + time * width..][..width];
            for ((d_out, &out), &target) in d_out.iter_mut().zip(out).zip(target) {
                let error = out.to_f64() - target.to_f64();
                total += self.batch.loss.value(error);
                *d_out = S::E::from_f64(self.batch.loss.slope(error) * scale);
            }
        }
        total
    }
}
