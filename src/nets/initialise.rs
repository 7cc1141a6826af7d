//! Initial weights, drawn from the seed alone.
//!
//! Source: Keras 3 (`GlorotUniform`, `Orthogonal`, `unit_forget_bias`), PyTorch 2 (`nn.LSTM`, `nn.Linear`).
//! The distributions are theirs, the draws are ours.

use oddlot_lstm::random::{self, Stream};
use oddlot_series::Initialiser;

use crate::network::Network;
use crate::parameters::{Parameter, Role};

/// The flat weight vector that training starts from.
pub(crate) fn weights(network: &Network) -> Vec<f32> {
    let seed = network.spec.training.seed;
    let parameters = network.layout.parameters().iter().enumerate();
    parameters
        .flat_map(|(array_idx, parameter)| {
            let draw = Draw { seed, array_idx: array_idx as u64, n: parameter.range.len() };
            match network.spec.initialiser {
                Initialiser::Keras => keras(parameter, draw),
                Initialiser::Pytorch => {
                    draw.uniform(1.0 / (pytorch_fan(parameter, network) as f64).sqrt())
                }
            }
        })
        .map(|value| value as f32)
        .collect()
}

fn keras(parameter: &Parameter, draw: Draw) -> Vec<f64> {
    let shape = &parameter.shape;
    match parameter.role {
        Role::LstmInput | Role::DenseWeight => {
            draw.uniform((6.0 / (shape[0] + shape[1]) as f64).sqrt())
        }
        Role::LstmRecurrent => draw.orthogonal(shape[0], shape[1]),
        // Gates input, forget, candidate, output: the second quarter is the forget gate's.
        Role::LstmBias => {
            let units = draw.n / 4;
            (0..draw.n).map(|k| if k / units == 1 { 1.0 } else { 0.0 }).collect()
        }
        Role::LstmRecurrentBias | Role::DenseBias => vec![0.0; draw.n],
    }
}

/// What PyTorch bounds a parameter by: the units of an LSTM, the inputs of a dense layer.
fn pytorch_fan(parameter: &Parameter, network: &Network) -> usize {
    let placed = &network.stack.layers()[parameter.layer_idx];
    match parameter.role {
        Role::DenseWeight | Role::DenseBias => placed.input.width(),
        _ => placed.output.width(),
    }
}

/// The draws of one array.
#[derive(Clone, Copy)]
struct Draw {
    seed: u64,
    array_idx: u64,
    n: usize,
}

impl Draw {
    fn uniform(self, bound: f64) -> Vec<f64> {
        let one =
            |k| random::uniform_in(-bound, bound, self.seed, Stream::Weights, &[self.array_idx, k]);
        (0..self.n as u64).map(one).collect()
    }

    /// `rows ≤ columns` orthonormal rows: Gram and Schmidt on normal draws, each projection made twice
    /// ("twice is enough", Giraud et al. 2005). The diagonal of R is positive, so Q is Haar-distributed
    /// (Mezzadri 2007), as after the sign correction in Keras.
    fn orthogonal(self, rows: usize, columns: usize) -> Vec<f64> {
        let mut basis: Vec<f64> = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let one = |k| random::normal(self.seed, Stream::Weights, &[self.array_idx, k]);
            let mut vector: Vec<f64> =
                (0..columns).map(|k| one((row * columns + k) as u64)).collect();
            for _ in 0..2 {
                for earlier in basis.chunks_exact(columns) {
                    let along = dot(&vector, earlier);
                    vector.iter_mut().zip(earlier).for_each(|(x, e)| *x -= along * e);
                }
            }
            let length = dot(&vector, &vector).sqrt();
            basis.extend(vector.iter().map(|x| x / length));
        }
        basis
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use oddlot_series::{BiasConvention, ModelSpec};

    use super::*;
    use crate::fixture::{TRAINING, small_forecaster};

    fn drawn(initialiser: Initialiser, bias: BiasConvention, seed: u64) -> (Network, Vec<f32>) {
        let spec = small_forecaster(oddlot_series::Training { seed, ..TRAINING });
        let network = Network::new(ModelSpec { initialiser, bias, ..spec }).unwrap();
        let weights = weights(&network);
        (network, weights)
    }

    fn array(network: &Network, weights: &[f32], name: &str) -> Vec<f32> {
        network.layout.named(weights).into_iter().find(|array| array.name == name).unwrap().values
    }

    #[test]
    fn keras_draws_glorot_orthogonal_and_a_forget_bias_of_one() {
        let (network, weights) = drawn(Initialiser::Keras, BiasConvention::Single, 1);
        let input = array(&network, &weights, "lstm_0.weight_input");
        // Eight units: √(6 / (1 + 32)) = 0.4264.
        let largest = input.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
        assert!(largest <= 0.4265 && largest > 0.3, "{largest}");
        let recurrent = array(&network, &weights, "lstm_0.weight_recurrent");
        for (j, a) in recurrent.chunks_exact(32).enumerate() {
            for (k, b) in recurrent.chunks_exact(32).enumerate() {
                let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                // Rounded to f32 after orthogonalisation in f64: 32 products of 6e-8.
                assert!((product - f32::from(u8::from(j == k))).abs() < 1e-6, "{j} {k}: {product}");
            }
        }
        let bias = array(&network, &weights, "lstm_0.bias");
        assert_eq!(bias, [[0.0; 8], [1.0; 8], [0.0; 8], [0.0; 8]].concat());
        assert_eq!(array(&network, &weights, "dense_0.bias"), [0.0]);
    }

    #[test]
    fn pytorch_draws_everything_within_one_over_root_units() {
        let (network, weights) = drawn(Initialiser::Pytorch, BiasConvention::Double, 1);
        // Eight units, and eight inputs of the dense layer: 1/√8 = 0.353553.
        let largest = weights.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
        assert!(largest <= 0.353_554 && largest > 0.33, "{largest}");
        let recurrent = array(&network, &weights, "lstm_0.bias_recurrent");
        assert_ne!(recurrent, array(&network, &weights, "lstm_0.bias_input"));
        assert!(recurrent.iter().all(|&bias| bias != 0.0));
    }

    #[test]
    fn the_seed_alone_decides() {
        let draw = |seed| drawn(Initialiser::Keras, BiasConvention::Single, seed).1;
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}
