//! `oddlot bench`: how fast networks are computed on this machine, and how near that is to its limit.
//!
//! Other work on the machine only ever adds time, so each figure is the fastest of many; the two columns of a
//! line are measured by turns. The rate of multiply-adds is measured before and after all else.

mod effort;
mod figures;
mod kernel;
mod models;
mod stopwatch;
mod table;
mod timing;
mod waited;

use indicatif::ProgressBar;
use oddlot_engine::Error;
use oddlot_nets::Isa;
use rayon::ThreadPool;
use serde::Serialize;

use effort::Effort;
pub use figures::Figures;
pub use models::Name;
use stopwatch::peak_flops;
use timing::{Broken, Case};
use waited::Waited;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// These networks; many side by side are measured where A is among them.
    pub models: Vec<Name>,
    /// A few seconds instead of a minute.
    pub is_quick: bool,
    /// Threads, at most.
    pub threads: usize,
    /// In this instruction set.
    pub isa: Isa,
}

/// What came of it; as JSON its names do not change.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of oddlot.
    pub version: &'static str,
    /// `release` or `dev`.
    pub profile: &'static str,
    /// Architecture, operating system, and its widest instruction set.
    pub machine: String,
    /// The processor by name, where the system tells.
    pub processor: Option<String>,
    /// The instruction set that computed.
    pub isa: String,
    /// Whether a few seconds had to do.
    pub quick: bool,
    /// Threads, at most.
    pub threads: usize,
    /// Billions of operations a second in fused multiply-adds on one thread; none where no floor is known.
    pub fma_gflops: Option<f64>,
    /// The same on all threads at once.
    pub fma_gflops_all: Option<f64>,
    /// Share of the time that threads waited for a processor because of other work, where the system tells.
    pub waited_share: Option<f64>,
    /// Each case.
    pub results: Vec<Figures>,
}

/// Measures; `progress` counts the cases.
///
/// # Errors
/// Threads cannot be started.
pub fn run(options: &Options, progress: impl FnOnce(u64) -> ProgressBar) -> Result<Report, Error> {
    let effort = if options.is_quick { Effort::QUICK } else { Effort::FULL };
    let mut counts = vec![1];
    counts.extend((options.threads > 1).then_some(options.threads));
    let pools: Vec<ThreadPool> = counts.iter().map(|n| pool(*n)).collect::<Result<_, _>>()?;
    let before = Waited::until_now();
    let mut peaks: Vec<Option<f64>> = vec![None; pools.len()];
    let mut measure_peaks = || {
        for (peak, pool) in peaks.iter_mut().zip(&pools) {
            let now = peak_flops(pool, options.isa, effort.peak);
            *peak = now.map(|now| now.max(peak.unwrap_or(0.0)));
        }
    };
    measure_peaks();
    let cases = Case::all(&options.models, counts.len());
    let bar = progress(cases.len() as u64);
    let mut measured = Vec::new();
    for case in cases {
        let (pool, threads) = (&pools[case.pool_idx], counts[case.pool_idx]);
        let seconds =
            pool.install(|| case.measure(options.isa, threads, effort)).map_err(misfit)?;
        measured.push((case.pool_idx, threads, seconds));
        bar.inc(1);
    }
    bar.finish_and_clear();
    measure_peaks();
    let waited = Waited::until_now();
    let giga = |peak: Option<f64>| peak.map(|flops| flops / 1e9);
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        machine: crate::machine::describe(),
        processor: crate::machine::processor(),
        isa: options.isa.to_string(),
        quick: options.is_quick,
        threads: options.threads,
        fma_gflops: giga(peaks[0]),
        fma_gflops_all: giga(peaks[peaks.len() - 1]),
        waited_share: waited.zip(before).and_then(|(after, before)| after.share_since(before)),
        results: measured
            .into_iter()
            .map(|(pool_idx, threads, seconds)| Figures::of(seconds, threads, peaks[pool_idx]))
            .collect(),
    })
}

fn pool(threads: usize) -> Result<ThreadPool, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::bug(format!("threads cannot be started: {error}")))
}

fn misfit(error: Broken) -> Error {
    Error::bug(format!("a network that is built in does not fit: {error}"))
}
