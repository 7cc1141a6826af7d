//! What a trained network expects of windows, in blocks of one fixed size.

use oddlot_series::Windows;
use rayon::prelude::*;

use super::ShardEngine;
use crate::network::Network;

/// Windows of a block. Every block has this size, the last one padded, so that a window meets the same
/// arithmetic, and gets the same bits, whichever windows are scored with it.
///
/// 96: more does not help, the states of a block no longer fit into the second-level cache.
const BLOCK_WINDOWS: usize = 96;

/// `[window, step, feature]`, in the order of the windows.
pub(super) fn expect<E: ShardEngine>(
    engine: &E,
    network: &Network,
    weights: &E::Weights,
    windows: Windows<'_>,
) -> Vec<f32> {
    let padding = vec![0.0; network.stack.input().size()];
    let size = network.stack.output().size();
    let blocks: Vec<Vec<f32>> = (0..windows.len().div_ceil(BLOCK_WINDOWS))
        .into_par_iter()
        .map(|block_idx| {
            let start = block_idx * BLOCK_WINDOWS;
            let block = windows.slice(start..windows.len().min(start + BLOCK_WINDOWS));
            let mut inputs: Vec<&[f32]> =
                block.iter().map(|window| network.input(window)).collect();
            inputs.resize(BLOCK_WINDOWS, &padding);
            let mut values = engine.forward(weights, &inputs);
            values.truncate(block.len() * size);
            values
        })
        .collect();
    blocks.concat()
}

#[cfg(test)]
mod tests {
    use oddlot_lstm::scalar::LayerWeights;
    use oddlot_series::{Model, TrainingWindows};

    use super::super::Shard;
    use super::*;
    use crate::fixture::{LENGTH, Sine, TRAINING, small_autoencoder};
    use crate::tensor::TensorModel;

    #[test]
    fn a_windows_bits_do_not_depend_on_its_neighbours() {
        let sine = Sine::new(230);
        let model = TensorModel::new(small_autoencoder(TRAINING)).unwrap();
        let data = TrainingWindows { train: sine.windows(), validation: sine.windows() };
        let fitted = model.fit(data, &mut |_| {}).unwrap();
        let all = fitted.expect(sine.windows()).unwrap();
        assert_eq!(all.len(), 230 * LENGTH);
        // Alone, in other places of a block, across the edge of one, and beside a NaN.
        for range in [0..1, 95..97, 100..101, 229..230, 7..230, 50..180] {
            let some = fitted.expect(sine.windows().slice(range.clone())).unwrap();
            assert_eq!(some, all[range.start * LENGTH..range.end * LENGTH], "{range:?}");
        }
        let broken = Sine::new(230).with(60, f32::NAN);
        let beside = fitted.expect(broken.windows()).unwrap();
        assert!(beside[60 * LENGTH].is_nan());
        // Row 60 lies in the windows 49 to 60.
        assert_eq!(beside[..49 * LENGTH], all[..49 * LENGTH]);
        assert_eq!(beside[61 * LENGTH..], all[61 * LENGTH..]);
    }

    /// Answers with the number of windows it is given at once.
    struct Counting;

    impl ShardEngine for Counting {
        type Weights = ();

        fn prepare(&self, _: &[LayerWeights<f32>]) {}

        fn forward(&self, (): &(), inputs: &[&[f32]]) -> Vec<f32> {
            vec![inputs.len() as f32; inputs.iter().map(|input| input.len()).sum()]
        }

        fn loss_and_gradient(&self, (): &(), _: &Shard<'_>) -> (f64, Vec<LayerWeights<f32>>) {
            (0.0, Vec::new())
        }
    }

    #[test]
    fn every_block_has_the_same_size() {
        let network = Network::new(small_autoencoder(TRAINING)).unwrap();
        for n in [1, BLOCK_WINDOWS, BLOCK_WINDOWS + 1] {
            let sine = Sine::new(n);
            let sizes = expect(&Counting, &network, &(), sine.windows());
            assert_eq!(sizes, vec![BLOCK_WINDOWS as f32; n * LENGTH]);
        }
    }
}
