//! A whole stack of layers on a Burn device.

use burn::tensor::{Device, Tensor};
use oddlot_lstm::layers::{Emit, Layer, Placed, Stack};
use oddlot_lstm::random::Dropout;
use oddlot_lstm::scalar::LayerWeights;

use super::dense::Dense;
use super::host;
use super::lstm::{Lstm, Trace};
use crate::shards::{Shard, ShardEngine};

/// Computes a stack by tensor operations.
pub(crate) struct TensorEngine {
    stack: Stack,
    device: Device,
}

/// The weights of a stack as tensors.
pub(crate) struct TensorWeights(Vec<Weights>);

enum Weights {
    None,
    Lstm(Box<Lstm>),
    Dense(Box<Dense>),
}

/// What a layer remembers for the way back.
enum Memory {
    Nothing,
    Lstm(Trace, Emit),
    Dense(Tensor<3>),
    Dropout(Tensor<3>),
}

impl TensorEngine {
    pub(super) fn new(stack: Stack, device: Device) -> Self {
        Self { stack, device }
    }

    fn input(&self, windows: &[&[f32]]) -> Tensor<3> {
        let input = self.stack.input();
        let values = host::swapped(windows, input.width());
        host::tensor(values, [input.steps(), windows.len(), input.width()], &self.device)
    }

    /// `[time, batch, unit]`, and what each layer remembers.
    ///
    /// A repeated vector stays one step until a layer makes its steps differ.
    fn run(
        &self,
        weights: &TensorWeights,
        x: Tensor<3>,
        dropout: Option<(Dropout, usize)>,
    ) -> (Tensor<3>, Vec<Memory>) {
        let mut memories = Vec::with_capacity(self.stack.layers().len());
        let mut x = x;
        for (layer_idx, placed) in self.stack.layers().iter().enumerate() {
            let memory = match (placed.layer, &weights.0[layer_idx], dropout) {
                (Layer::Lstm { emit, .. }, Weights::Lstm(lstm), _) => {
                    let trace = lstm.forward(x, placed.input.steps());
                    x = trace.output(emit);
                    Memory::Lstm(trace, emit)
                }
                (Layer::Dense { .. }, Weights::Dense(dense), _) => {
                    let input = x.clone();
                    x = dense.forward(x);
                    Memory::Dense(input)
                }
                (Layer::Dropout { rate }, _, Some((dropout, first_row))) if rate > 0.0 => {
                    let batch = x.dims()[1];
                    let factors =
                        self.factors(placed, dropout, rate, (layer_idx, first_row, batch));
                    x = x * factors.clone();
                    Memory::Dropout(factors)
                }
                _ => Memory::Nothing,
            };
            memories.push(memory);
        }
        if x.dims()[0] < self.stack.output().steps() {
            x = x.repeat_dim(0, self.stack.output().steps());
        }
        (x, memories)
    }

    /// Gradients of every layer from that of the output.
    fn run_back(
        &self,
        weights: &TensorWeights,
        memories: Vec<Memory>,
        slope: Tensor<3>,
    ) -> Vec<LayerWeights<f32>> {
        let mut gradients = vec![LayerWeights::None; memories.len()];
        let mut slope = Some(slope);
        for (layer_idx, memory) in memories.into_iter().enumerate().rev() {
            let Some(given) = slope.take() else { break };
            let wants_input = layer_idx > 0;
            slope = match (memory, &weights.0[layer_idx], self.stack.layers()[layer_idx].layer) {
                (Memory::Lstm(trace, emit), Weights::Lstm(lstm), _) => {
                    let (gradient, d_x) = lstm.backward(trace, given, emit, wants_input);
                    gradients[layer_idx] = gradient;
                    d_x
                }
                (Memory::Dense(x), Weights::Dense(dense), _) => {
                    let given = if x.dims()[0] == 1 { given.sum_dim(0) } else { given };
                    let (gradient, d_x) = dense.backward(x, given, wants_input);
                    gradients[layer_idx] = gradient;
                    d_x
                }
                (Memory::Dropout(factors), ..) => Some(given * factors),
                (_, _, Layer::RepeatVector { .. }) => Some(given.sum_dim(0)),
                _ => Some(given),
            };
        }
        gradients
    }

    /// `[time, batch, unit]`: 0 where a value is dropped, `1 / (1 - rate)` where it is kept.
    fn factors(
        &self,
        placed: &Placed,
        dropout: Dropout,
        rate: f64,
        (layer_idx, first_row, batch): (usize, usize, usize),
    ) -> Tensor<3> {
        let (steps, width) = (placed.input.steps(), placed.input.width());
        let kept = (1.0 / (1.0 - rate)) as f32;
        let mut values = Vec::with_capacity(steps * width * batch);
        for time in 0..steps {
            for row in first_row..first_row + batch {
                let mask = dropout.layer(rate, layer_idx).units(row, time);
                values.extend((0..width).map(|unit| if mask.keeps(unit) { kept } else { 0.0 }));
            }
        }
        host::tensor(values, [steps, batch, width], &self.device)
    }
}

impl ShardEngine for TensorEngine {
    type Weights = TensorWeights;

    fn prepare(&self, layers: &[LayerWeights<f32>]) -> TensorWeights {
        let prepared = self.stack.layers().iter().zip(layers).map(|(placed, weights)| {
            match (placed.layer, weights) {
                (Layer::Lstm { activation, .. }, LayerWeights::Lstm { input, recurrent, bias }) => {
                    let arrays = [input.as_slice(), recurrent, bias];
                    Weights::Lstm(Box::new(Lstm::new(arrays, activation, &self.device)))
                }
                (_, LayerWeights::Dense { weight, bias }) => {
                    Weights::Dense(Box::new(Dense::new(weight, bias, &self.device)))
                }
                _ => Weights::None,
            }
        });
        TensorWeights(prepared.collect())
    }

    fn forward(&self, weights: &TensorWeights, inputs: &[&[f32]]) -> Vec<f32> {
        let (out, _) = self.run(weights, self.input(inputs), None);
        let [steps, batch, width] = out.dims();
        let values = host::values(out);
        let steps: Vec<&[f32]> = values.chunks_exact(values.len() / steps).collect();
        debug_assert_eq!(batch, inputs.len());
        host::swapped(&steps, width)
    }

    fn loss_and_gradient(
        &self,
        weights: &TensorWeights,
        shard: &Shard<'_>,
    ) -> (f64, Vec<LayerWeights<f32>>) {
        let dropout = Some((shard.dropout, shard.first_row));
        let (out, memories) = self.run(weights, self.input(&shard.inputs), dropout);
        let shape = out.dims();
        let [_, batch, width] = shape;
        let mut total = 0.0;
        let slope: Vec<f32> = host::values(out)
            .into_iter()
            .enumerate()
            .map(|(k, found)| {
                let (step, row, unit) = (k / width / batch, k / width % batch, k % width);
                let error = f64::from(found) - f64::from(shard.targets[row][step * width + unit]);
                total += shard.loss.value(error);
                (shard.loss.slope(error) * shard.scale) as f32
            })
            .collect();
        let slope = host::tensor(slope, shape, &self.device);
        (total, self.run_back(weights, memories, slope))
    }
}
