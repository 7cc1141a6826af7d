//! Milliseconds a training batch of models A, B and C of PERFORMANCE.md: window 30, one feature.
//!
//! `cargo bench -p oddlot-nets --bench train -- [A] [B] [C] [32] [256] [1t] [2t] [kernel] [fused] [tensor] [stock]`;
//! words of one kind choose, none of a kind chooses all. What is timed:
//!
//! - `kernel`: loss, gradient and Adam on the packed weights, nothing of Burn;
//! - `fused`: the same through Burn's operation and the training loop, as `oddlot train` runs it;
//! - `tensor`: the other engine; `stock`: `nn::Lstm` with Burn's own autodiff and Adam (A and C only).
//!
//! Other work on the machine only ever adds time, so each figure is the fastest of many batches; those of `kernel`
//! and `fused` alternate. An epoch has one batch, so that the loop tells when it is done.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark may stop, prints, and reads the clock"
)]

#[path = "train/models.rs"]
mod models;
#[path = "train/stock.rs"]
mod stock;
#[path = "train/stopwatch.rs"]
mod stopwatch;

use models::{Kernel, Name, Series, spec};
use oddlot_nets::{Engine, Isa, Threads};
use oddlot_series::{Training, TrainingWindows};
use stopwatch::Stopwatch;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let asked = |kind: &[&str], word: &str| {
        let of_kind = |have: &&String| kind.contains(&have.as_str());
        words.iter().any(|have| have == word) || !words.iter().any(|have| of_kind(&have))
    };
    let isa = Isa::best();
    println!("{isa}; milliseconds a batch, the fastest of many");
    for threads in [1, 2] {
        if !asked(&["1t", "2t"], &format!("{threads}t")) {
            continue;
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads can be started");
        for name in [Name::A, Name::B, Name::C] {
            for batch in [32, 256] {
                let is_asked = asked(&["A", "B", "C"], &format!("{name:?}"))
                    && asked(&["32", "256"], &batch.to_string());
                if is_asked {
                    let engines = ["kernel", "fused", "tensor", "stock"];
                    let case = Case { name, batch, threads, isa };
                    pool.install(|| case.run(&|word| asked(&engines, word)));
                }
            }
        }
    }
}

/// One line of figures.
struct Case {
    name: Name,
    batch: usize,
    threads: usize,
    isa: Isa,
}

impl Case {
    fn run(&self, asked: &dyn Fn(&str) -> bool) {
        let Self { name, batch, threads, .. } = self;
        print!("{name:?} train {batch:3} {threads}t");
        if asked("kernel") || asked("fused") {
            let [kernel, fused] = self.kernel_and_fused();
            print!(
                "  kernel {kernel:7.3}  fused {fused:7.3} ({:+.1} %)",
                (fused / kernel - 1.0) * 1e2
            );
        }
        if asked("tensor") {
            print!("  tensor {:7.3}", self.engine(Engine::Tensor, 20, &mut || {}));
        }
        if asked("stock")
            && let Some(stock) = stock::milliseconds(self.name, self.batch)
        {
            print!("  stock {stock:7.3}");
        }
        println!();
    }

    /// Both alternately: after each epoch of the one a batch of the other.
    fn kernel_and_fused(&self) -> [f64; 2] {
        let series = Series::new(self.name, self.batch);
        let mut kernel = Kernel::new(self.name, self.isa, self.kernel_threads());
        let mut watch = Stopwatch::new();
        let fused = self.engine(Engine::Fused(self.isa), self.n_batches(), &mut || {
            watch.start();
            kernel.step(&series);
            watch.lap();
        });
        [watch.milliseconds(), fused]
    }

    /// Epochs of one batch each; `between` runs after each, unmeasured.
    fn engine(&self, engine: Engine, epochs: usize, between: &mut dyn FnMut()) -> f64 {
        let series = Series::new(self.name, self.batch);
        let mut spec = spec(self.name);
        spec.training = Training { epochs, batch_size: self.batch, ..spec.training };
        let model = engine.model(spec, self.kernel_threads()).expect("layers fit");
        let train = series.windows();
        let data = TrainingWindows { train, validation: train.slice(0..0) };
        let mut watch = Stopwatch::new();
        let observe = &mut |_: &_| {
            watch.lap();
            between();
            watch.start();
        };
        model.fit(data, observe).expect("the loss stays finite");
        watch.milliseconds()
    }

    fn n_batches(&self) -> usize {
        // About two seconds of each.
        let milliseconds = match self.name {
            Name::A => 1.0,
            Name::B => 7.0,
            Name::C => 0.5,
        };
        (2000.0 / (milliseconds * self.batch as f64 / 32.0)).max(20.0) as usize
    }

    fn kernel_threads(&self) -> Threads {
        if self.threads == 1 { Threads::One } else { Threads::All }
    }
}
