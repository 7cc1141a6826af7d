//! A golden case: which network and windows it is about, and what torch made of them in `f64`.
//!
//! Weights `[n_weights]` are flat in canonical order: of an LSTM input `[in, 4 units]`, recurrent
//! `[units, 4 units]` and bias `[4 units]`, of a dense layer weight `[in, units]` and bias `[units]`.
//! They and the values `[row, feature]` are drawn as `draws.py` draws them; README.md tells how.

use oddlot_lstm::layers::{Activation, Emit, Layer, Stack};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::{self, Stream};

/// Loss and gradient of one batch of every network.
pub(crate) const GRADIENTS: &str = include_str!("gradients.txt");
/// Losses of the first 64 batches under Adam.
pub(crate) const ADAM: &str = include_str!("adam.txt");

/// One network with its windows.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) stack: Stack,
    pub(crate) loss: Loss,
    /// Mean loss per element of each batch in turn; of the first 64 under Adam, else of one.
    pub(crate) losses: Vec<f64>,
    /// Gradient of the first batch, an entry an array; empty under Adam.
    pub(crate) gradient: Vec<Array>,
    seed: u64,
    n_windows: usize,
    forecasts: bool,
    batch: usize,
    left_out: Vec<u32>,
}

/// Gradient of one array.
pub(crate) struct Array {
    pub(crate) len: usize,
    /// Every so many elements one is kept, from the first.
    pub(crate) stride: usize,
    pub(crate) values: Vec<f64>,
    /// The largest absolute value, of all elements.
    pub(crate) largest: f64,
    /// Root of the sum of the squares of all elements.
    pub(crate) norm: f64,
}

/// Where the windows of a batch begin in [`Case::values`], and their targets.
pub(crate) struct Batch {
    pub(crate) inputs: Vec<u32>,
    pub(crate) targets: Vec<u32>,
}

impl Case {
    /// All cases of a file.
    pub(crate) fn read_all(text: &str) -> Vec<Self> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.chunk_by(|_, next| !next.starts_with("case ")).map(Self::read).collect()
    }

    fn read(lines: &[&str]) -> Self {
        let rows: Vec<Vec<&str>> =
            lines.iter().map(|line| line.split_whitespace().collect()).collect();
        // `case NAME`, then `windows N of LENGTH features F target window|next`.
        let (name, about) = (rows[0][1].to_owned(), &rows[1]);
        let layers: Vec<Layer> = rows.iter().filter_map(|row| layer(row)).collect();
        let row = |key: &str| rows.iter().find(|row| row[0] == key).map_or(&[][..], |r| &r[1..]);
        let seed = row("seed");
        let losses = [row("value"), row("losses")].concat();
        Self {
            name,
            stack: Stack::new(&layers, number(about[3]), number(about[5])).unwrap(),
            loss: loss(row("loss")),
            losses: losses.into_iter().map(number).collect(),
            gradient: rows.iter().filter(|row| row[0] == "array").map(|row| array(row)).collect(),
            seed: number(seed[0]),
            n_windows: number(about[1]),
            forecasts: about[7] == "next",
            batch: number(seed[2]),
            left_out: row("left_out").iter().map(|row| number(row)).collect(),
        }
    }

    /// Uniform in ±1/√units of an LSTM, ±1/√inputs of a dense layer; words 0, array, element.
    pub(crate) fn weights(&self) -> Vec<f32> {
        let mut weights = Vec::new();
        for (array_idx, (len, fan)) in lengths(&self.stack).into_iter().enumerate() {
            let bound = 1.0 / (fan as f64).sqrt();
            weights.extend((0..len as u64).map(|k| {
                let words = [0, array_idx as u64, k];
                random::uniform_in(-bound, bound, self.seed, Stream::Sample, &words) as f32
            }));
        }
        weights
    }

    /// `[row, feature]`: a mean-reverting walk, standardised; words 1, row, feature.
    pub(crate) fn values(&self) -> Vec<f32> {
        let (steps, features) = (self.stack.input().steps(), self.stack.input().width());
        let rows = self.n_windows + steps;
        let mut values = vec![0.0_f32; rows * features];
        for feature in 0..features {
            let mut level = 0.0;
            let walk: Vec<f64> = (0..rows as u64)
                .map(|row| {
                    let words = [1, row, feature as u64];
                    level = 0.95 * level
                        + random::uniform_in(-1.0, 1.0, self.seed, Stream::Sample, &words);
                    level
                })
                .collect();
            // Sums in order, as on the other side: every bit counts once the result is rounded.
            let mean = walk.iter().fold(0.0, |sum, x| sum + x) / rows as f64;
            let squares = walk.iter().fold(0.0, |sum, x| sum + (x - mean) * (x - mean));
            let deviation = (squares / rows as f64).sqrt();
            for (row, x) in walk.iter().enumerate() {
                values[row * features + feature] = ((x - mean) / deviation) as f32;
            }
        }
        values
    }

    /// The batches in order: a shuffle of all windows without those left out.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        let (steps, features) = (self.stack.input().steps(), self.stack.input().width());
        let mut order = random::shuffle(self.seed, 1, self.n_windows);
        order.retain(|window| !self.left_out.contains(window));
        let ahead = if self.forecasts { steps } else { 0 };
        let starts = |windows: &[u32], ahead: usize| -> Vec<u32> {
            windows.iter().map(|&window| (window + ahead as u32) * features as u32).collect()
        };
        order
            .chunks_exact(self.batch)
            .take(self.losses.len())
            .map(|windows| Batch { inputs: starts(windows, 0), targets: starts(windows, ahead) })
            .collect()
    }
}

/// Elements of each array in canonical order, and what its bound is the root of.
pub(crate) fn lengths(stack: &Stack) -> Vec<(usize, usize)> {
    let of = |placed: &oddlot_lstm::layers::Placed| {
        let inputs = placed.input.width();
        match placed.layer {
            Layer::Lstm { units, .. } => {
                vec![(inputs * 4 * units, units), (units * 4 * units, units), (4 * units, units)]
            }
            Layer::Dense { units } => vec![(inputs * units, inputs), (units, inputs)],
            Layer::Dropout { .. } | Layer::RepeatVector { .. } => Vec::new(),
        }
    };
    stack.layers().iter().flat_map(of).collect()
}

fn number<T: std::str::FromStr>(word: &str) -> T {
    word.parse().unwrap_or_else(|_| panic!("{word} is not a number of the wanted kind"))
}

fn layer(row: &[&str]) -> Option<Layer> {
    Some(match row {
        ["lstm", units, activation, emit] => Layer::Lstm {
            units: number(units),
            activation: if *activation == "relu" { Activation::Relu } else { Activation::Tanh },
            emit: if *emit == "last" { Emit::Last } else { Emit::Sequence },
        },
        ["dropout", rate] => Layer::Dropout { rate: number(rate) },
        ["repeat", steps] => Layer::RepeatVector { steps: number(steps) },
        ["dense", units] => Layer::Dense { units: number(units) },
        _ => return None,
    })
}

fn loss(row: &[&str]) -> Loss {
    match row {
        ["mae"] => Loss::Mae,
        ["mse"] => Loss::Mse,
        ["huber", delta] => Loss::Huber { delta: number(delta) },
        _ => panic!("no loss: {row:?}"),
    }
}

/// `array LEN stride S max M norm N values V…`
fn array(row: &[&str]) -> Array {
    Array {
        len: number(row[1]),
        stride: number(row[3]),
        largest: number(row[5]),
        norm: number(row[7]),
        values: row[9..].iter().map(|value| number(value)).collect(),
    }
}
