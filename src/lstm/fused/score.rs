//! What a network gives for a block of windows; nothing is remembered.

use std::marker::PhantomData;

use super::buffer::Buffer;
use super::cell::{Relu, Squash, Tanh};
use super::lanes::Lanes;
use super::lstm::{Forward, Input, waiting_gates};
use super::parts::{copy, dense_weights, gather, lstm_weights, project};
use super::plan::{ByRow, Kind, Lstm, Plan, Signal, Stage};
use super::rows::Dense;
use crate::layers::{Activation, Emit};

/// A block of windows.
pub(crate) struct Block<'a, S: Lanes> {
    pub(crate) s: S,
    pub(crate) plan: &'a Plan,
    pub(crate) packed: &'a [S::E],
    pub(crate) prepared: &'a [S::E],
    pub(crate) values: &'a [S::E],
    /// First element of each window.
    pub(crate) starts: &'a [u32],
}

impl<S: Lanes> Block<'_, S> {
    /// `[window, step, unit]`
    pub(crate) fn run(&self, out: &mut [S::E]) {
        let mut x = gather::<S>(self.plan.input, self.values, self.starts);
        let body = &self.plan.body;
        for (k, stage) in body.iter().enumerate() {
            // The last LSTM hands every step to the tail and keeps none of them.
            if k + 1 == body.len()
                && let Kind::Lstm(lstm) = &stage.kind
            {
                self.lstm(lstm, stage.input, &x, &mut |time, hidden| self.tail(time, hidden, out));
                return;
            }
            x = self.stage(stage, &x);
        }
        let step = x.len() / self.plan.output.steps;
        for (time, x) in x.chunks_exact(step).enumerate() {
            self.tail(time, x, out);
        }
    }

    fn stage(&self, stage: &Stage, x: &[S::E]) -> Buffer<S::E> {
        let rows = self.starts.len();
        let Signal { steps, stride, .. } = stage.output;
        let mut out = Buffer::any(steps * rows * stride);
        match &stage.kind {
            Kind::Lstm(lstm) => {
                let step = rows * stride;
                self.lstm(lstm, stage.input, x, &mut |time, hidden| {
                    out[time * step..(time + 1) * step].copy_from_slice(hidden);
                });
            }
            Kind::ByRow(ByRow::Dropout { .. }) => out.copy_from_slice(x),
            Kind::ByRow(layer) => {
                let weights = dense_weights(layer, stage.input, self.packed);
                let rows = steps * rows;
                self.s.run(Dense { weights, values: x, out: &mut out, out_row: stride, rows });
            }
            Kind::Repeat => {
                for step in out.chunks_exact_mut(x.len()) {
                    step.copy_from_slice(x);
                }
            }
        }
        out
    }

    /// The layers after the last one that mixes time steps, for the rows of one of them.
    fn tail(&self, time: usize, x: &[S::E], out: &mut [S::E]) {
        let rows = self.starts.len();
        let mut last: Option<Buffer<S::E>> = None;
        for stage in &self.plan.tail {
            if let Kind::ByRow(layer @ ByRow::Dense { .. }) = &stage.kind {
                let weights = dense_weights(layer, stage.input, self.packed);
                let out_row = stage.output.stride;
                let mut next = Buffer::any(rows * out_row);
                let values = last.as_deref().unwrap_or(x);
                self.s.run(Dense { weights, values, out: &mut next, out_row, rows });
                last = Some(next);
            }
        }
        let Signal { width, stride, steps } = self.plan.output;
        let values = last.as_deref().unwrap_or(x);
        for (row, out) in values.chunks_exact(stride).zip(out.chunks_exact_mut(steps * width)) {
            copy(&row[..width], &mut out[time * width..]);
        }
    }

    /// Runs a layer; `emit` sees what it gives, `[row, unit]`, step by step.
    fn lstm(&self, lstm: &Lstm, input: Signal, x: &[S::E], emit: &mut dyn FnMut(usize, &[S::E])) {
        match lstm.activation {
            Activation::Tanh => self.steps::<Tanh>(lstm, input, x, emit),
            Activation::Relu => self.steps::<Relu>(lstm, input, x, emit),
        }
    }

    fn steps<Q: Squash>(
        &self,
        lstm: &Lstm,
        input: Signal,
        x: &[S::E],
        emit: &mut dyn FnMut(usize, &[S::E]),
    ) {
        let rows = self.starts.len();
        let step = rows * lstm.shape.padded;
        let mut hidden = Buffer::any(2 * step);
        let mut state = Buffer::any(step);
        let mut waiting = Buffer::any(waiting_gates::<S>());
        let weights = lstm_weights(lstm, self.packed, self.prepared);
        let projected =
            lstm.is_repeated.then(|| project(self.s, lstm, weights, rows, x, input.stride));
        for time in 0..lstm.steps {
            let input = match &projected {
                Some(projected) => Input::Projected(projected),
                None => Input::Values(&x[time * rows * input.stride..], input.stride),
            };
            // The two halves of `hidden` take turns.
            let (old, new) = ((time + 1) % 2 * step, time % 2 * step);
            self.s.run(Forward::<S, Q> {
                shape: lstm.shape,
                rows,
                weights,
                input,
                hidden: &mut hidden,
                hidden_at: new,
                state: &mut state,
                state_at: 0,
                before: (time > 0).then_some([old, 0]),
                waiting: &mut waiting,
                remember: None,
                squash: PhantomData,
            });
            match lstm.emit {
                Emit::Sequence => emit(time, &hidden[new..new + step]),
                Emit::Last if time + 1 == lstm.steps => emit(0, &hidden[new..new + step]),
                Emit::Last => {}
            }
        }
    }
}
