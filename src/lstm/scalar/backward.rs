//! Back-propagation through time, one window.

use super::forward::{Cell, Memory, Trace, activated};
use super::{LayerWeights, step};
use crate::layers::{Activation, Emit, Layer, Placed, Stack};
use crate::real::Real;

/// Adds to `gradient` what `slope`, the derivative of the loss by the output, says of every weight.
pub fn backward<T: Real>(
    stack: &Stack,
    weights: &[LayerWeights<T>],
    trace: &Trace<T>,
    slope: Vec<T>,
    gradient: &mut [LayerWeights<T>],
) {
    let mut slope = slope;
    for (layer_idx, placed) in stack.layers().iter().enumerate().rev() {
        let input = &trace.values[layer_idx];
        slope = match (placed.layer, &weights[layer_idx], &trace.memories[layer_idx]) {
            (Layer::Lstm { activation, emit, .. }, w, Memory::Lstm(cells)) => {
                lstm(placed, (activation, emit), w, cells, input, &slope, &mut gradient[layer_idx])
            }
            (Layer::Dense { .. }, w, _) => {
                dense(placed, w, input, &slope, &mut gradient[layer_idx])
            }
            (Layer::RepeatVector { .. }, ..) => summed_over_time(placed, &slope),
            (_, _, Memory::Dropout(factors)) => {
                slope.iter().zip(factors).map(|(&slope, &factor)| slope * factor).collect()
            }
            _ => slope,
        };
    }
}

/// Gradients of `out = bias + x · weight`; returns that of `x`.
fn affine<T: Real>(x: &[T], weight: &[T], slope: &[T], d_weight: &mut [T]) -> Vec<T> {
    let mut d_x = Vec::with_capacity(x.len());
    for (k, &x) in x.iter().enumerate() {
        let row = k * slope.len()..(k + 1) * slope.len();
        let mut sum = T::zero();
        for ((d_w, &w), &slope) in d_weight[row.clone()].iter_mut().zip(&weight[row]).zip(slope) {
            *d_w += x * slope;
            sum += w * slope;
        }
        d_x.push(sum);
    }
    d_x
}

fn add<T: Real>(total: &mut [T], more: &[T]) {
    for (total, &more) in total.iter_mut().zip(more) {
        *total += more;
    }
}

fn dense<T: Real>(
    placed: &Placed,
    weights: &LayerWeights<T>,
    input: &[T],
    slope: &[T],
    gradient: &mut LayerWeights<T>,
) -> Vec<T> {
    let (
        LayerWeights::Dense { weight, .. },
        LayerWeights::Dense { weight: d_weight, bias: d_bias },
    ) = (weights, gradient)
    else {
        return Vec::new();
    };
    (0..placed.input.steps())
        .flat_map(|time| {
            let slope = step(slope, placed.output, time);
            add(d_bias, slope);
            affine(step(input, placed.input, time), weight, slope, d_weight)
        })
        .collect()
}

fn summed_over_time<T: Real>(placed: &Placed, slope: &[T]) -> Vec<T> {
    let mut sum = vec![T::zero(); placed.input.width()];
    for time in 0..placed.output.steps() {
        add(&mut sum, step(slope, placed.output, time));
    }
    sum
}

fn lstm<T: Real>(
    placed: &Placed,
    (activation, emit): (Activation, Emit),
    weights: &LayerWeights<T>,
    cells: &[Cell<T>],
    input: &[T],
    slope: &[T],
    gradient: &mut LayerWeights<T>,
) -> Vec<T> {
    let (
        LayerWeights::Lstm { input: weight, recurrent, .. },
        LayerWeights::Lstm { input: d_weight, recurrent: d_recurrent, bias: d_bias },
    ) = (weights, gradient)
    else {
        return Vec::new();
    };
    let units = placed.output.width();
    let nothing = vec![T::zero(); units];
    let (mut d_hidden, mut d_state) = (nothing.clone(), nothing.clone());
    let mut d_input = vec![T::zero(); placed.input.size()];
    for time in (0..cells.len()).rev() {
        match emit {
            Emit::Sequence => add(&mut d_hidden, step(slope, placed.output, time)),
            Emit::Last if time + 1 == cells.len() => add(&mut d_hidden, slope),
            Emit::Last => {}
        }
        let before = time.checked_sub(1).map(|earlier| &cells[earlier]);
        let state_before = before.map_or(&nothing, |cell| &cell.state);
        let d_gates = cell(activation, &cells[time], state_before, &d_hidden, &mut d_state);
        add(d_bias, &d_gates);
        let x = step(input, placed.input, time);
        let width = placed.input.width();
        d_input[time * width..(time + 1) * width]
            .copy_from_slice(&affine(x, weight, &d_gates, d_weight));
        let hidden_before = before.map_or(&nothing, |cell| &cell.hidden);
        d_hidden = affine(hidden_before, recurrent, &d_gates, d_recurrent);
    }
    d_input
}

/// Gradient of the gates before activation `[4 units]`; `d_state` becomes that of the earlier state.
fn cell<T: Real>(
    activation: Activation,
    cell: &Cell<T>,
    state_before: &[T],
    d_hidden: &[T],
    d_state: &mut [T],
) -> Vec<T> {
    let units = d_hidden.len();
    let mut d_gates = vec![T::zero(); 4 * units];
    for k in 0..units {
        let [i, f, g, o] = [0, 1, 2, 3].map(|gate| cell.gates[gate * units + k]);
        let out = activated(activation, cell.state[k]);
        let d_c = d_state[k] + d_hidden[k] * o * steepness(activation, out);
        d_gates[k] = d_c * g * i * (T::ONE - i);
        d_gates[units + k] = d_c * state_before[k] * f * (T::ONE - f);
        d_gates[2 * units + k] = d_c * i * steepness(activation, g);
        d_gates[3 * units + k] = d_hidden[k] * out * o * (T::ONE - o);
        d_state[k] = d_c * f;
    }
    d_gates
}

/// Derivative of an activation, told from its result.
fn steepness<T: Real>(activation: Activation, result: T) -> T {
    match activation {
        Activation::Tanh => T::ONE - result * result,
        Activation::Relu if result > T::zero() => T::ONE,
        Activation::Relu => T::zero(),
    }
}
