//! Our side of the comparison with PyTorch and others: answers the requests of `src/lstm/benches/peers`.
//!
//! `cargo bench -q -p oddlot-nets --bench worker -- ENGINE` reads a JSON object a line from stdin and answers each
//! with a line on stdout; `peers/README.md` has the protocol. ENGINE says what is timed:
//!
//! - `kernel`: loss, gradient and Adam on the packed weights, or the forward pass; nothing of Burn;
//! - `op`: the same through Burn's operation and the training loop, as `oddlot train` runs it;
//! - `tensor`: the other engine, likewise; not in bulk;
//! - `stock`: `nn::Lstm` with Burn's own autodiff and Adam on burn-ndarray; models A and C, not in bulk.
//!
//! Other work on the machine only ever adds time, so an answer is the fastest of many batches. What a request
//! needs is built when first asked for, and sleeps between requests.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a benchmark may stop, prints, and reads the clock"
)]

#[path = "worker/course.rs"]
mod course;
#[path = "worker/kernel.rs"]
mod kernel;
#[path = "worker/laps.rs"]
mod laps;
#[path = "worker/models.rs"]
mod models;
#[path = "worker/product.rs"]
mod product;
#[path = "worker/relay.rs"]
mod relay;
#[path = "worker/request.rs"]
mod request;
#[path = "worker/stock.rs"]
mod stock;

use std::collections::HashMap;
use std::io::{BufRead, Write};

use course::Course;
use laps::Slice;
use models::Name;
use oddlot_nets::Isa;
use request::{Op, Request, Setting};
use serde_json::{Value, json};

fn main() {
    let Some(engine) = std::env::args().skip(1).find_map(|word| Engine::named(&word)) else {
        eprintln!(
            "usage: worker kernel|op|tensor|stock; src/lstm/benches/peers/README.md has the rest"
        );
        return;
    };
    let mut courses = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("stdin is text");
        let answer = match Request::parse(&line) {
            Ok(Request::Describe) => engine.describe(),
            Ok(Request::Measure { setting, seconds }) => {
                engine.measured(&mut courses, setting, seconds)
            }
            Err(why) => unsupported(&why),
        };
        println!("{answer}");
        std::io::stdout().flush().expect("somebody reads the answers");
    }
}

fn unsupported(why: &str) -> Value {
    json!({ "unsupported": why })
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Kernel,
    Op,
    Tensor,
    Stock,
}

impl Engine {
    fn named(name: &str) -> Option<Self> {
        match name {
            "kernel" => Some(Self::Kernel),
            "op" => Some(Self::Op),
            "tensor" => Some(Self::Tensor),
            "stock" => Some(Self::Stock),
            _ => None,
        }
    }

    fn describe(self) -> Value {
        let what = format!("{self:?}").to_lowercase();
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::Kernel | Self::Op => {
                let isa = Isa::best().to_string();
                json!({ "name": what, "version": version, "isa": isa, "profile": profile })
            }
            Self::Tensor => json!({ "name": what, "version": version, "profile": profile }),
            Self::Stock => {
                json!({ "name": what, "version": "burn 0.22.1, ndarray", "profile": profile })
            }
        }
    }

    /// The answer to a request; `courses` are those of earlier ones.
    fn measured(
        self,
        courses: &mut HashMap<Setting, Course>,
        setting: Setting,
        seconds: f64,
    ) -> Value {
        if let Some(why) = self.refuses(&setting) {
            return unsupported(why);
        }
        let isa = match setting.isa() {
            Ok(isa) => isa,
            Err(why) => return unsupported(&why),
        };
        let is_bulk = setting.op == Op::Bulk;
        let course = courses.entry(setting.clone()).or_insert_with(|| {
            let setting = setting.clone();
            Course::new(setting.threads.get(), move |lap| self.run(&setting, isa, lap))
        });
        let laps = course.timed(Slice { seconds, warms_up: !is_bulk });
        let n_batches = setting.batches_of_a_lap();
        let seconds_per_batch = laps.shortest_seconds() / n_batches as f64;
        let mut answer = json!({
            "seconds_per_batch": seconds_per_batch,
            "batches": laps.timed() * n_batches,
            "windows_per_second": setting.batch.get() as f64 / seconds_per_batch,
        });
        if is_bulk {
            answer["seconds_per_epoch"] = laps.shortest_seconds().into();
        }
        answer
    }

    /// Why this engine cannot do it.
    fn refuses(self, setting: &Setting) -> Option<&'static str> {
        match (self, setting.op) {
            (Self::Tensor | Self::Stock, Op::Bulk) => Some("bulk is for kernel and op"),
            (Self::Tensor | Self::Stock, _) if setting.has_isa() => {
                Some("an instruction set is for kernel and op")
            }
            (Self::Stock, _) if setting.model == Name::B => Some("stock layers: models A and C"),
            _ => None,
        }
    }

    /// Computes for ever, and calls `lap` after each batch, in bulk after each epoch of all models. The first
    /// call says that it is ready.
    fn run(self, setting: &Setting, isa: Isa, lap: &mut dyn FnMut()) {
        match self {
            Self::Kernel => kernel::run(setting, isa, lap),
            Self::Op => product::run(setting, oddlot_nets::Engine::Fused(isa), lap),
            Self::Tensor => product::run(setting, oddlot_nets::Engine::Tensor, lap),
            Self::Stock => stock::run(setting, lap),
        }
    }
}
