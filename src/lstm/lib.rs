//! LSTM arithmetic over plain slices. No Burn, no I/O, no spec.
//!
//! `layers` says what a network is made of, `random` draws everything that is drawn, `loss` says how far
//! off an output is, `fused` computes loss, gradient and output on vector units, `adam` learns from them, and
//! `scalar` is the slow, safe reference that everything faster is tested against.
//!
//! The only crate with `unsafe`: vector instructions and aligned memory, in `fused::lanes` and
//! `fused::buffer`.

pub mod adam;
pub mod fused;
pub mod layers;
pub mod loss;
pub mod random;
pub mod real;
pub mod scalar;
