//! What a network makes of one window, with everything that going back needs.

use super::{LayerWeights, step};
use crate::layers::{Activation, Emit, Layer, Placed, Stack};
use crate::random::Dropout;
use crate::real::Real;

/// Every intermediate value of one window.
#[derive(Clone, Debug)]
pub struct Trace<T> {
    /// The window, then what each layer gave.
    pub(super) values: Vec<Vec<T>>,
    /// What each layer remembers.
    pub(super) memories: Vec<Memory<T>>,
}

/// What a layer remembers for the way back.
#[derive(Clone, Debug)]
pub(super) enum Memory<T> {
    /// Nothing.
    None,
    /// One entry a time step.
    Lstm(Vec<Cell<T>>),
    /// The factor of each value: 0 or `1 / (1 - rate)`.
    Dropout(Vec<T>),
}

/// One LSTM step.
#[derive(Clone, Debug)]
pub(super) struct Cell<T> {
    /// Activated gates `[4 units]`, input, forget, candidate, output.
    pub(super) gates: Vec<T>,
    /// Cell state `[units]`.
    pub(super) state: Vec<T>,
    /// Hidden state `[units]`.
    pub(super) hidden: Vec<T>,
}

impl<T> Trace<T> {
    /// What the last layer gave.
    pub fn output(&self) -> &[T] {
        self.values.last().map_or(&[], Vec::as_slice)
    }
}

/// Runs `window` (`[time, feature]`) through `stack`; `dropout` is `None` when scoring.
pub fn forward<T: Real>(
    stack: &Stack,
    weights: &[LayerWeights<T>],
    window: &[T],
    row: usize,
    dropout: Option<Dropout>,
) -> Trace<T> {
    let mut trace = Trace { values: vec![window.to_vec()], memories: Vec::new() };
    for (layer_idx, (placed, weights)) in stack.layers().iter().zip(weights).enumerate() {
        let input = &trace.values[layer_idx];
        let (output, memory) = match (placed.layer, weights) {
            (
                Layer::Lstm { activation, emit, .. },
                LayerWeights::Lstm { input: w, recurrent, bias },
            ) => {
                let cells = lstm(placed, activation, [w, recurrent, bias], input);
                (emitted(&cells, emit), Memory::Lstm(cells))
            }
            (Layer::Dense { .. }, LayerWeights::Dense { weight, bias }) => {
                (dense(placed, weight, bias, input), Memory::None)
            }
            (Layer::RepeatVector { steps }, _) => (input.repeat(steps), Memory::None),
            (Layer::Dropout { rate }, _) => match dropout {
                Some(dropout) => {
                    let factors = factors(placed, dropout, rate, layer_idx, row);
                    let output =
                        input.iter().zip(&factors).map(|(&x, &factor)| x * factor).collect();
                    (output, Memory::Dropout(factors))
                }
                None => (input.clone(), Memory::None),
            },
            (layer, _) => unreachable!("weights of another layer were given to {layer:?}"),
        };
        trace.values.push(output);
        trace.memories.push(memory);
    }
    trace
}

/// `bias + x · weight`, `x` being `[input]` and `weight` `[input, bias.len()]`.
pub(super) fn affine<T: Real>(bias: &[T], x: &[T], weight: &[T]) -> Vec<T> {
    let mut out = bias.to_vec();
    for (&x, row) in x.iter().zip(weight.chunks_exact(bias.len())) {
        for (out, &w) in out.iter_mut().zip(row) {
            *out += x * w;
        }
    }
    out
}

fn lstm<T: Real>(
    placed: &Placed,
    activation: Activation,
    [input, recurrent, bias]: [&Vec<T>; 3],
    values: &[T],
) -> Vec<Cell<T>> {
    let units = bias.len() / 4;
    let mut cells: Vec<Cell<T>> = Vec::with_capacity(placed.input.steps());
    for time in 0..placed.input.steps() {
        let mut gates = affine(bias, step(values, placed.input, time), input);
        if let Some(before) = cells.last() {
            gates = affine(&gates, &before.hidden, recurrent);
        }
        for (k, gate) in gates.iter_mut().enumerate() {
            *gate = if k / units == 2 { activated(activation, *gate) } else { gate.sigmoid() };
        }
        let state: Vec<T> = (0..units)
            .map(|k| {
                let kept =
                    cells.last().map_or(T::zero(), |before| gates[units + k] * before.state[k]);
                kept + gates[k] * gates[2 * units + k]
            })
            .collect();
        let hidden =
            (0..units).map(|k| gates[3 * units + k] * activated(activation, state[k])).collect();
        cells.push(Cell { gates, state, hidden });
    }
    cells
}

/// Candidate and output activation.
pub(super) fn activated<T: Real>(activation: Activation, x: T) -> T {
    match activation {
        Activation::Tanh => x.tanh(),
        Activation::Relu => x.relu(),
    }
}

fn emitted<T: Real>(cells: &[Cell<T>], emit: Emit) -> Vec<T> {
    match emit {
        Emit::Last => cells.last().map_or_else(Vec::new, |cell| cell.hidden.clone()),
        Emit::Sequence => cells.iter().flat_map(|cell| cell.hidden.iter().copied()).collect(),
    }
}

fn dense<T: Real>(placed: &Placed, weight: &[T], bias: &[T], values: &[T]) -> Vec<T> {
    (0..placed.input.steps())
        .flat_map(|time| affine(bias, step(values, placed.input, time), weight))
        .collect()
}

fn factors<T: Real>(
    placed: &Placed,
    dropout: Dropout,
    rate: f64,
    layer_idx: usize,
    row: usize,
) -> Vec<T> {
    let kept = T::from_f64(1.0 / (1.0 - rate));
    (0..placed.input.size())
        .map(|i| {
            let (time, unit) = (i / placed.input.width(), i % placed.input.width());
            if dropout.keeps(rate, layer_idx, row, time, unit) { kept } else { T::zero() }
        })
        .collect()
}
