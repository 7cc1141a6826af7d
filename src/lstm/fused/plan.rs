//! A stack of layers, brought into the order and the memory layout in which the kernels work.
//!
//! The packed weight vector holds, layer by layer, an LSTM as `[chunk, input, gate, lane]`,
//! `[chunk, unit, gate, lane]` and one or two biases `[chunk, gate, lane]`, a dense layer as
//! `[output, input]` and `[output]`; units are padded to whole vectors with zeros. The canonical flat vector
//! holds the same weights as [`LayerWeights`](crate::scalar::LayerWeights) has them.

use std::ops::Range;

use super::lstm::Shape;
use crate::layers::{Activation, Emit, Layer, Placed, Stack};

/// How many biases an LSTM learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biases {
    /// One.
    One,
    /// Two whose sum acts, as in PyTorch; both get the same gradient.
    Two,
}

/// Values between two stages: `[step, row, stride]`, of which `width` mean something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) steps: usize,
    pub(crate) width: usize,
    pub(crate) stride: usize,
}

/// An LSTM layer.
#[derive(Clone, Debug)]
pub(crate) struct Lstm {
    pub(crate) shape: Shape,
    pub(crate) activation: Activation,
    /// Time steps.
    pub(crate) steps: usize,
    pub(crate) emit: Emit,
    /// Every step reads the same vector.
    pub(crate) is_repeated: bool,
    /// Somebody wants the gradient of what it reads.
    pub(crate) wants_input: bool,
    /// Its weights in the packed vector: input, recurrent, bias, and the second bias or nothing.
    pub(crate) weights: [Range<usize>; 4],
    /// The bias that acts, in the prepared vector.
    pub(crate) bias: Range<usize>,
    /// Recurrent weights `[gate, unit]` in the prepared vector.
    pub(crate) recurrent_back: Range<usize>,
    /// Input weights `[gate, input]`, empty where nobody wants the gradient.
    pub(crate) input_back: Range<usize>,
}

/// A layer that treats each row by itself.
#[derive(Clone, Debug)]
pub(crate) enum ByRow {
    Dropout { layer_idx: usize, rate: f64 },
    Dense { outputs: usize, weight: Range<usize>, bias: Range<usize> },
}

/// What a stage does.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Lstm(Lstm),
    ByRow(ByRow),
    /// Copies one step to all; only where no LSTM reads it.
    Repeat,
}

/// One step of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) kind: Kind,
    pub(crate) input: Signal,
    pub(crate) output: Signal,
}

/// The whole plan for vectors of `lanes` numbers.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What is gathered from windows.
    pub(crate) input: Signal,
    /// Up to and with the last stage that mixes time steps.
    pub(crate) body: Vec<Stage>,
    /// What comes after it, row by row.
    pub(crate) tail: Vec<Stage>,
    pub(crate) output: Signal,
    /// Where each canonical weight lies in the packed vector.
    pub(crate) places: Vec<u32>,
    pub(crate) n_packed: usize,
    pub(crate) n_prepared: usize,
    /// Prepared numbers that scoring needs: the biases.
    pub(crate) n_biases: usize,
}

impl Plan {
    pub(crate) fn new(stack: &Stack, biases: Biases, lanes: usize) -> Self {
        let reads_rows = !matches!(stack.layers().first(), Some(first) if is_lstm(first));
        let input = stack.input();
        let stride = if reads_rows { input.width().next_multiple_of(lanes) } else { input.width() };
        let input = Signal { steps: input.steps(), width: input.width(), stride };
        let mut builder = Builder::new(lanes, biases, input);
        let mut stages: Vec<Stage> = Vec::new();
        for (layer_idx, placed) in stack.layers().iter().enumerate() {
            stages.extend(builder.stage(stack, layer_idx, placed));
        }
        builder.prepare(&mut stages);
        let mixes = |stage: &Stage| !matches!(stage.kind, Kind::ByRow(_));
        let tail = stages.split_off(stages.iter().rposition(mixes).map_or(0, |last| last + 1));
        Self {
            input,
            body: stages,
            tail,
            output: builder.signal,
            places: builder.places,
            n_packed: builder.n_packed,
            n_prepared: builder.n_prepared,
            n_biases: builder.n_biases,
        }
    }
}

fn is_lstm(placed: &Placed) -> bool {
    matches!(placed.layer, Layer::Lstm { .. })
}

struct Builder {
    lanes: usize,
    biases: Biases,
    signal: Signal,
    places: Vec<u32>,
    n_packed: usize,
    n_prepared: usize,
    n_biases: usize,
    /// A layer before has weights, so that gradients must reach it.
    has_weights: bool,
}

impl Builder {
    fn new(lanes: usize, biases: Biases, signal: Signal) -> Self {
        let (places, n_packed, n_prepared, n_biases) = (Vec::new(), 0, 0, 0);
        let has_weights = false;
        Self { lanes, biases, signal, places, n_packed, n_prepared, n_biases, has_weights }
    }

    /// The stage of a layer; none for a repetition that an LSTM reads, and for dropout of nothing.
    fn stage(&mut self, stack: &Stack, layer_idx: usize, placed: &Placed) -> Option<Stage> {
        let input = self.signal;
        let (kind, output) = match placed.layer {
            Layer::Lstm { units, activation, emit } => {
                let is_repeated = stack.input_is_repeated(layer_idx);
                let shape = Shape {
                    inputs: placed.input.width(),
                    units,
                    padded: units.next_multiple_of(self.lanes),
                };
                let lstm = Lstm {
                    shape,
                    activation,
                    steps: placed.input.steps(),
                    emit,
                    is_repeated,
                    wants_input: std::mem::replace(&mut self.has_weights, true),
                    weights: self.lstm_weights(shape),
                    bias: 0..0,
                    recurrent_back: 0..0,
                    input_back: 0..0,
                };
                let steps = placed.output.steps();
                (Kind::Lstm(lstm), Signal { steps, width: units, stride: shape.padded })
            }
            Layer::Dropout { rate } if rate > 0.0 => {
                (Kind::ByRow(ByRow::Dropout { layer_idx, rate }), input)
            }
            Layer::Dropout { .. } => return None,
            Layer::RepeatVector { steps } => {
                let next = stack.layers().get(layer_idx + 1);
                if next.is_some_and(is_lstm) {
                    return None;
                }
                (Kind::Repeat, Signal { steps, ..input })
            }
            Layer::Dense { units } => {
                self.has_weights = true;
                let (weight, bias) = self.dense_weights(input, units);
                let stride = units.next_multiple_of(self.lanes);
                let dense = ByRow::Dense { outputs: units, weight, bias };
                (Kind::ByRow(dense), Signal { steps: input.steps, width: units, stride })
            }
        };
        self.signal = output;
        Some(Stage { kind, input, output })
    }

    fn reserve(&mut self, n: usize) -> Range<usize> {
        let start = self.n_packed;
        self.n_packed += n;
        start..self.n_packed
    }

    fn lstm_weights(&mut self, shape: Shape) -> [Range<usize>; 4] {
        let Shape { inputs, units, .. } = shape;
        let ranges = [
            self.reserve(inputs * shape.gates()),
            self.reserve(units * shape.gates()),
            self.reserve(shape.gates()),
            self.reserve(if self.biases == Biases::Two { shape.gates() } else { 0 }),
        ];
        let lanes = self.lanes;
        for (range, rows) in ranges.iter().zip([inputs, units, 1, 1]) {
            let rows = if range.is_empty() { 0 } else { rows };
            for row in 0..rows {
                for gate in 0..4 {
                    for unit in 0..units {
                        let (chunk, lane) = (unit / lanes, unit % lanes);
                        let place = ((chunk * rows + row) * 4 + gate) * lanes + lane;
                        self.places.push((range.start + place) as u32);
                    }
                }
            }
        }
        ranges
    }

    fn dense_weights(&mut self, input: Signal, outputs: usize) -> (Range<usize>, Range<usize>) {
        let weight = self.reserve(outputs * input.stride);
        let bias = self.reserve(outputs.next_multiple_of(self.lanes));
        for row in 0..input.width {
            for output in 0..outputs {
                self.places.push((weight.start + output * input.stride + row) as u32);
            }
        }
        self.places.extend((0..outputs).map(|output| (bias.start + output) as u32));
        (weight, bias)
    }

    /// Lays out the prepared vector: all biases, then what the way back multiplies with.
    fn prepare(&mut self, stages: &mut [Stage]) {
        let lstms = |stages: &mut [Stage], each: &mut dyn FnMut(&mut Lstm)| {
            for stage in stages {
                if let Kind::Lstm(lstm) = &mut stage.kind {
                    each(lstm);
                }
            }
        };
        let mut end = 0;
        let mut next = |n: usize| {
            end += n;
            end - n..end
        };
        lstms(stages, &mut |lstm| lstm.bias = next(lstm.shape.gates()));
        let n_biases = next(0).end;
        let lanes = self.lanes;
        lstms(stages, &mut |lstm| {
            let Shape { inputs, padded, .. } = lstm.shape;
            lstm.recurrent_back = next(lstm.shape.gates() * padded);
            if lstm.wants_input {
                lstm.input_back = next(lstm.shape.gates() * inputs.next_multiple_of(lanes));
            }
        });
        (self.n_biases, self.n_prepared) = (n_biases, end);
    }
}
