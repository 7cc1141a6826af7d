//! Integration tests: one binary, which runs the real one on real and on generated prices.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "nobody imports a test binary, and a test may panic"
)]

mod archive;
mod asked;
mod bad_input;
mod begin;
mod bench;
mod bombs;
mod checks;
mod cloud;
mod commands;
mod daily;
mod doctor;
mod engine;
mod evaluate;
mod failpoints;
mod faults;
mod forged;
mod hostile;
mod hostile_queries;
mod imports;
mod interrupted;
mod learnt;
mod long_event;
mod look;
mod lookahead;
mod market;
mod nightly;
mod nights;
mod objects;
mod own;
mod planner;
mod preprocessing;
mod prompt;
mod questions;
mod range;
mod readers;
mod readme;
mod rerun;
mod residual;
mod retraining;
mod revision;
mod s3;
mod schedules;
mod scores;
mod seeds;
mod segments;
mod selection;
mod server;
mod shards;
mod signals;
mod sp500;
mod tickers;
mod two_runs;
mod types;
mod verify;
mod views;
mod weights;
mod workshop;
