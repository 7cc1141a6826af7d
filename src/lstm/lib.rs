//! LSTM arithmetic over plain slices. No Burn, no I/O, no spec.
//!
//! `layers` says what a network is made of, `random` draws everything that is drawn, `loss` says how far
//! off an output is, and `scalar` is the slow, safe reference that every faster engine is tested against.

pub mod fused;
pub mod layers;
pub mod loss;
pub mod random;
pub mod real;
pub mod scalar;
