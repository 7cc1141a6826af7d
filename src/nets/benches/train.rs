//! Milliseconds a training batch and windows a second in scoring: windows of 30 × 1, 64 units.
//!
//! `cargo bench --profile dev -p oddlot-nets --bench train`. Where other work shares the machine only the
//! processor time tells anything; it is read from `/proc`, so only on Linux, in steps of 10 ms.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark may stop, prints, and reads the clock"
)]

use std::time::Instant;

use oddlot_nets::tensor::TensorModel;
use oddlot_nets::{AutoencoderConfig, ForecasterConfig, autoencoder, forecaster};
use oddlot_series::{Adam, Loss, Model, ModelSpec, Training, TrainingWindows, Windows};

const LENGTH: usize = 30;
const UNITS: usize = 64;

fn main() {
    let only = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
    println!("threads {}", rayon::current_num_threads());
    for (name, spec) in [("autoencoder", autoencoder_spec()), ("forecaster", forecaster_spec())] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        for batch_size in [32, 256] {
            train(name, spec.clone(), batch_size);
        }
        score(name, spec);
    }
}

/// The best of five epochs: other work on the machine only ever adds time.
fn train(name: &str, spec: ModelSpec, batch_size: usize) {
    let n_batches = if batch_size == 32 { 40 } else { 8 };
    let values = series(n_batches * batch_size + LENGTH);
    let starts: Vec<u32> = (0..(n_batches * batch_size) as u32).collect();
    let train = Windows::new(&values, &starts, LENGTH, 1).expect("windows lie inside");
    let training = Training { batch_size, epochs: 5, ..spec.training };
    let model = TensorModel::new(ModelSpec { training, ..spec }).expect("layers fit");
    let data = TrainingWindows { train, validation: train.slice(0..0) };
    let mut best = Best::new();
    model.fit(data, &mut |_| best.lap()).expect("the loss stays finite");
    let [wall, cpu] = best.seconds.map(|seconds| seconds * 1e3 / n_batches as f64);
    println!(
        "{name:12} train batch {batch_size:3}  {wall:7.2} ms a batch, {cpu:7.2} ms of processor time"
    );
}

fn score(name: &str, spec: ModelSpec) {
    let n = 96 * 40;
    let values = series(n + LENGTH);
    let starts: Vec<u32> = (0..n as u32).collect();
    let windows = Windows::new(&values, &starts, LENGTH, 1).expect("windows lie inside");
    let training = Training { epochs: 0, ..spec.training };
    let model = TensorModel::new(ModelSpec { training, ..spec }).expect("layers fit");
    let data = TrainingWindows { train: windows, validation: windows.slice(0..0) };
    let fitted = model.fit(data, &mut |_| {}).expect("no epoch cannot fail");
    let mut best = Best::new();
    for _ in 0..5 {
        fitted.expect(windows).expect("shapes agree");
        best.lap();
    }
    let [wall, cpu] = best.seconds.map(|seconds| n as f64 / seconds);
    println!(
        "{name:12} score           {wall:9.0} windows a second, {cpu:7.0} a second of processor time"
    );
}

/// The shortest lap, by the clock and by processor time.
struct Best {
    seconds: [f64; 2],
    since: (Instant, f64),
}

impl Best {
    fn new() -> Self {
        Self { seconds: [f64::INFINITY; 2], since: (Instant::now(), processor_seconds()) }
    }

    fn lap(&mut self) {
        let now = (Instant::now(), processor_seconds());
        let lap = [(now.0 - self.since.0).as_secs_f64(), now.1 - self.since.1];
        self.seconds = [0, 1].map(|k| self.seconds[k].min(lap[k]));
        self.since = now;
    }
}

/// Processor time of all threads: fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn series(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * 0.37).sin()).collect()
}

fn autoencoder_spec() -> ModelSpec {
    let (length, features, units) = (LENGTH, 1, UNITS);
    autoencoder(AutoencoderConfig {
        length,
        features,
        units,
        latent: None,
        dropout: 0.2,
        training: TRAINING,
    })
}

fn forecaster_spec() -> ModelSpec {
    let (length, features, units) = (LENGTH, 1, UNITS);
    forecaster(ForecasterConfig { length, features, units, dropout: 0.2, training: TRAINING })
}

const TRAINING: Training = Training {
    loss: Loss::Mae,
    adam: Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
    epochs: 5,
    batch_size: 32,
    patience: None,
    restore_best: false,
    shuffle: true,
    clip_norm: None,
    seed: 42,
};
