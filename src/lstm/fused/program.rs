//! A network compiled for one instruction set: the engine's public face.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::lanes::{Lanes, with_lanes};
use super::plan::{Biases, Plan};
use super::rows::Added;
use super::score::Block;
use super::train::Shard;
use super::{Isa, UnknownIsa, prepare};
use crate::layers::Stack;
use crate::loss::Loss;
use crate::random::Dropout;

/// Windows of a block in scoring: more does not help, their states no longer fit into the caches.
pub const SCORE_BLOCK_WINDOWS: usize = 96;

/// A shard has at least so many windows, and a batch at most so many shards.
const SHARD_WINDOWS: usize = 16;
const SHARDS: usize = 8;

/// Who computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread: for many models side by side.
    One,
    /// The threads of the current Rayon pool.
    All,
}

/// Where plain numbers are divided among threads, each takes at least so many: a few microseconds' worth, and whole
/// vectors of every instruction set.
pub(crate) const SMALLEST_SHARE: usize = 1 << 12;

impl Threads {
    /// How many there are.
    fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::All => rayon::current_num_threads(),
        }
    }

    /// How many of `n` numbers each one takes: whole vectors, so that bits do not depend on it.
    pub(crate) fn share_of(self, n: usize) -> usize {
        match self {
            Self::One => n.max(1),
            Self::All => n.div_ceil(self.count()).max(1).next_multiple_of(SMALLEST_SHARE),
        }
    }
}

/// Windows to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, E = f32> {
    /// The buffer that windows and targets lie in, `[time, feature]` interleaved.
    pub values: &'a [E],
    /// First element of each window.
    pub inputs: &'a [u32],
    /// First element of each target, `[step, unit]` as the network's output.
    pub targets: &'a [u32],
    /// What is minimised.
    pub loss: Loss,
    /// Which values to drop; `None` drops nothing.
    pub dropout: Option<Dropout>,
}

/// A network, compiled for one instruction set.
#[derive(Clone, Debug)]
pub struct Program {
    stack: Stack,
    isa: Isa,
    plan: Plan,
}

impl Program {
    /// Compiles `stack`.
    ///
    /// # Errors
    /// This machine lacks the instruction set.
    pub fn new(stack: &Stack, biases: Biases, isa: Isa) -> Result<Self, UnknownIsa> {
        if !isa.is_available() {
            return Err(UnknownIsa { found: isa.to_string(), available: Isa::available() });
        }
        let plan = Plan::new(stack, biases, isa.lanes());
        Ok(Self { stack: stack.clone(), isa, plan })
    }

    /// The instruction set.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The network.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Weights in canonical order: layer by layer an LSTM's `[input, 4 unit]`, `[unit, 4 unit]`, `[4 unit]`
    /// (twice with [`Biases::Two`]), a dense layer's `[input, unit]`, `[unit]`.
    pub fn n_weights(&self) -> usize {
        self.plan.places.len()
    }

    /// Weights in packed order, with padding that is zero and stays so under any optimiser that moves a
    /// weight by its gradient.
    pub fn n_packed(&self) -> usize {
        self.plan.n_packed
    }

    /// Canonical to packed order.
    pub fn pack(&self, weights: &[f32]) -> Vec<f32> {
        let mut packed = vec![0.0; self.plan.n_packed];
        for (&place, &weight) in self.plan.places.iter().zip(weights) {
            packed[place as usize] = weight;
        }
        packed
    }

    /// Packed to canonical order.
    pub fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        self.plan.places.iter().map(|&place| packed[place as usize]).collect()
    }

    /// Loss, summed over the elements of the batch; `gradient` becomes that of the mean loss per element.
    ///
    /// # Shapes
    /// `packed`, `gradient`: [`Program::n_packed`].
    pub fn loss_and_gradient(
        &self,
        packed: &[f32],
        batch: &Batch<'_>,
        threads: Threads,
        gradient: &mut [f32],
    ) -> f64 {
        with_lanes!(self.isa, s => loss_and_gradient(s, &self.plan, packed, batch, threads, gradient))
    }

    /// What the network gives for each window, dropout off: `[window, step, unit]`. The bits of a window do
    /// not depend on the windows beside it.
    ///
    /// # Shapes
    /// `values`: the buffer that windows lie in; `starts`: the first element of each.
    pub fn forward(
        &self,
        packed: &[f32],
        values: &[f32],
        starts: &[u32],
        threads: Threads,
        out: &mut [f32],
    ) {
        with_lanes!(self.isa, s => forward(s, &self.plan, packed, values, starts, threads, out));
    }
}

/// How many shards a batch is cut into: by its size alone.
fn n_shards(windows: usize) -> usize {
    (windows / SHARD_WINDOWS).clamp(1, SHARDS)
}

pub(crate) fn loss_and_gradient<S: Lanes>(
    s: S,
    plan: &Plan,
    packed: &[S::E],
    batch: &Batch<'_, S::E>,
    threads: Threads,
    gradient: &mut [S::E],
) -> f64 {
    let mut prepared = Buffer::any(plan.n_prepared);
    prepare::all(s, plan, packed, threads, &mut prepared);
    let windows = batch.inputs.len();
    let n = n_shards(windows);
    let mut others = Buffer::any((n - 1) * plan.n_packed);
    let mut losses = [0.0; SHARDS];
    let shard = |k: usize, gradient: &mut [S::E]| {
        let rows = windows * k / n..windows * (k + 1) / n;
        Shard { s, plan, packed, prepared: &prepared, batch, rows }.run(gradient)
    };
    let (loss, other_losses) = losses.split_at_mut(1);
    let mut first = || loss[0] = shard(0, gradient);
    let rest = others.chunks_exact_mut(plan.n_packed).zip(other_losses).enumerate();
    match threads {
        Threads::One => {
            first();
            rest.for_each(|(k, (gradient, loss))| *loss = shard(k + 1, gradient));
        }
        Threads::All => {
            rayon::in_place_scope(|scope| {
                for (k, (gradient, loss)) in rest {
                    let shard = &shard;
                    scope.spawn(move |_| *loss = shard(k + 1, gradient));
                }
                first();
            });
        }
    }
    if n > 1 {
        let share = threads.share_of(plan.n_packed);
        gradient.par_chunks_mut(share).enumerate().for_each(|(k, total)| {
            s.run(Added { total, others: &others[k * share..], from_one_to_next: plan.n_packed });
        });
    }
    losses[..n].iter().sum()
}

pub(crate) fn forward<S: Lanes>(
    s: S,
    plan: &Plan,
    packed: &[S::E],
    values: &[S::E],
    starts: &[u32],
    threads: Threads,
    out: &mut [S::E],
) {
    let mut prepared = Buffer::any(plan.n_biases);
    prepare::biases::<S>(plan, packed, &mut prepared);
    let size = plan.output.steps * plan.output.width;
    let prepared = &prepared[..];
    let block = |(starts, out): (&[u32], &mut [S::E])| {
        Block { s, plan, packed, prepared, values, starts }.run(out);
    };
    let windows = block_windows(starts.len(), threads);
    match threads {
        Threads::One => {
            starts.chunks(windows).zip(out.chunks_mut(windows * size)).for_each(block);
        }
        Threads::All => {
            let blocks = starts.par_chunks(windows).zip(out.par_chunks_mut(windows * size));
            blocks.for_each(block);
        }
    }
}

/// Windows of a block: as many as do well, and as many blocks for each thread. A window's bits depend on
/// neither.
fn block_windows(windows: usize, threads: Threads) -> usize {
    let blocks = windows.div_ceil(SCORE_BLOCK_WINDOWS).next_multiple_of(threads.count());
    windows.div_ceil(blocks.max(1)).max(1)
}

#[cfg(test)]
mod tests;
