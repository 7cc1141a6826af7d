//! The fused engine: whole networks on vector units, forward and back.
//!
//! All gates of a vector of units are computed in one register tile and activated there, each shard of a batch
//! runs through all layers while its activations stay in the second-level cache, and windows are read where
//! they lie. Shapes: windows `[time, feature]`, batches `[row]` of them.
//!
//! Determinism: a batch is cut into shards by its size alone and their gradients are added in shard order;
//! dropout is a hash of (seed, step, layer, row, time, unit). Bits depend on the instruction set and on nothing
//! else: not on threads, not on what runs beside.

#![allow(
    clippy::needless_range_loop,
    reason = "an iterator's closure is compiled for the instruction set only where it is inlined"
)]

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod buffer;
mod cell;
mod floor;
mod isa;
pub(crate) mod lanes;
mod lstm;
mod parts;
mod peak;
mod plan;
mod prepare;
mod product;
mod program;
mod rows;
mod score;
mod train;

pub use floor::{Cost, Pass};
pub use isa::{Isa, UnknownIsa};
pub use peak::Peak;
pub use plan::Biases;
#[cfg(test)]
pub(crate) use program::SMALLEST_SHARE;
pub use program::{Batch, Program, SCORE_BLOCK_WINDOWS, Threads};
