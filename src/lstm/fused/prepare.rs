//! What the kernels need of the weights beside the weights: made once a batch, shared by its shards.

use rayon::prelude::*;

use super::Threads;
use super::lanes::{Lanes, MOST_LANES, Work};
use super::lstm::Shape;
use super::plan::{Kind, Lstm, Plan};

/// Fills the biases that act: one bias, or the sum of two.
pub(crate) fn biases<S: Lanes>(plan: &Plan, packed: &[S::E], prepared: &mut [S::E]) {
    for lstm in lstms(plan) {
        let [_, _, first, second] = lstm.weights.clone();
        let bias = &mut prepared[lstm.bias.clone()];
        bias.copy_from_slice(&packed[first]);
        bias.iter_mut().zip(&packed[second]).for_each(|(bias, &more)| *bias += more);
    }
}

/// Fills all of the prepared vector.
pub(crate) fn all<S: Lanes>(
    s: S,
    plan: &Plan,
    packed: &[S::E],
    threads: Threads,
    prepared: &mut [S::E],
) {
    biases::<S>(plan, packed, prepared);
    for lstm in lstms(plan) {
        let Shape { inputs, units, padded } = lstm.shape;
        let [input, recurrent, ..] = lstm.weights.clone();
        let turned = &mut prepared[lstm.recurrent_back.clone()];
        turn(s, &packed[recurrent], units, threads, turned, padded);
        if lstm.wants_input {
            let turned = &mut prepared[lstm.input_back.clone()];
            turn(s, &packed[input], inputs, threads, turned, inputs.next_multiple_of(S::N));
        }
    }
}

/// `[chunk, row, gate, lane]` to `[chunk, gate, lane, row]`, rows padded with zeros to `out_row`.
fn turn<S: Lanes>(
    s: S,
    weight: &[S::E],
    rows: usize,
    threads: Threads,
    out: &mut [S::E],
    out_row: usize,
) {
    let (from, to) = (rows * 4 * S::N, out_row * 4 * S::N);
    let chunks = threads.share_of(weight.len()) / from;
    let weight = weight.par_chunks_exact(from);
    let pieces = weight.zip(out.par_chunks_exact_mut(to)).with_min_len(chunks.max(1));
    pieces.for_each(|(weight, out)| s.run(Turn { weight, rows, out, out_row }));
}

fn lstms(plan: &Plan) -> impl Iterator<Item = &Lstm> {
    plan.body.iter().filter_map(|stage| match &stage.kind {
        Kind::Lstm(lstm) => Some(lstm),
        _ => None,
    })
}

/// `[row, gate, lane]` to `[gate, lane, row]`.
struct Turn<'a, S: Lanes> {
    weight: &'a [S::E],
    rows: usize,
    out: &'a mut [S::E],
    out_row: usize,
}

impl<S: Lanes> Work<S> for Turn<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self, s: S) {
        let panel = 4 * S::N;
        for first in (0..self.out_row).step_by(S::N) {
            for column in (0..panel).step_by(S::N) {
                let mut square = [s.splat(S::E::default()); MOST_LANES];
                for k in 0..S::N.min(self.rows - first) {
                    square[k] = s.load(self.weight, (first + k) * panel + column);
                }
                s.transpose(&mut square);
                for k in 0..S::N {
                    s.store(square[k], self.out, (column + k) * self.out_row + first);
                }
            }
        }
    }
}
