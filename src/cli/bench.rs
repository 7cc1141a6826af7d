//! `oddlot bench`.

use clap::Args;

use crate::bench::Name;

/// What the figures are, and what `--json` calls them.
pub(super) const AFTER_HELP: &str = "\
kernel: the network's own code alone. through Burn: as `oddlot train` and `oddlot run` compute it.
of floor: the least time in which this processor could do it, divided by the time it took.
ODDLOT_ISA=avx512|avx2|portable forces an instruction set.

--json: version, profile, machine, processor, isa, quick, threads, fma_gflops, fma_gflops_all,
        waited_share, results[]
results[]: model, job (train, score), models, windows, threads, flops, floor_ms, kernel{},
           through_burn{}
kernel{}, through_burn{}: ms, windows_per_s, gflops, floor_share

Example: oddlot bench --models A,C --quick";

/// `bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// The networks to measure, separated by commas; many side by side are measured with A
    #[arg(
        long,
        value_name = "MODEL,…",
        value_delimiter = ',',
        ignore_case = true,
        default_value = "A,B,C"
    )]
    pub models: Vec<Name>,
    /// Measure for a few seconds instead of up to a minute: good for a look, not for a comparison
    #[arg(long)]
    pub quick: bool,
    /// How many threads to use, at most; by default one per processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}
