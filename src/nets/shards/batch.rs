//! Loss and gradient of one batch, computed by shards.
//!
//! A batch is cut into shards by its size alone and their gradients are added in shard order, so the sum has
//! the same bits whether one thread computes it or seven.

use oddlot_lstm::random::Dropout;
use oddlot_series::Windows;
use rayon::prelude::*;

use super::{Shard, ShardEngine};
use crate::network::Network;

/// Windows of a shard: two shards for the usual batch of 32, so that a second core helps, and no smaller
/// ones: a tensor operation costs nearly the same for 16 windows as for 8.
fn shard_windows(batch: usize) -> usize {
    if batch <= 32 { 16 } else { 32 }
}

/// Loss summed over the elements of the batch, and the gradient of the mean loss as a flat vector.
pub(super) fn loss_and_gradient<E: ShardEngine>(
    engine: &E,
    network: &Network,
    weights: &[f32],
    windows: Windows<'_>,
    batch: &[u32],
    dropout: Dropout,
) -> (f64, Vec<f32>) {
    let prepared = engine.prepare(&network.layout.gather(weights));
    let n_elements = batch.len() * network.stack.output().size();
    let shard_windows = shard_windows(batch.len());
    let shards: Vec<(f64, Vec<f32>)> = batch
        .par_chunks(shard_windows)
        .enumerate()
        .map(|(shard_idx, chunk)| {
            let (inputs, targets) =
                chunk.iter().map(|&idx| network.split(windows.get(idx as usize))).unzip();
            let shard = Shard {
                inputs,
                targets,
                first_row: shard_idx * shard_windows,
                loss: network.loss(),
                scale: 1.0 / n_elements as f64,
                dropout,
            };
            let (loss, gradient) = engine.loss_and_gradient(&prepared, &shard);
            (loss, network.layout.scatter(&gradient))
        })
        .collect();
    let mut total = (0.0, vec![0.0; weights.len()]);
    for (loss, gradient) in shards {
        total.0 += loss;
        total.1.iter_mut().zip(gradient).for_each(|(total, more)| *total += more);
    }
    total
}
