//! What a measurement says.

use oddlot_lstm::fused::Pass;
use serde::Serialize;

use super::models::Name;
use super::timing::Measured;

/// What was done with windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Loss, gradient and a step of Adam.
    Train,
    /// What the network expects of them.
    Score,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The network.
    pub model: Name,
    /// What was done.
    pub job: Job,
    /// Networks that learnt side by side, one thread each.
    pub models: usize,
    /// Windows that `ms` is about: a batch, or those scored at once.
    pub windows: usize,
    /// Threads.
    pub threads: usize,
    /// Floating-point operations of the products for so many windows.
    pub flops: u64,
    /// The least time for them on these threads, where it is known.
    pub floor_ms: Option<f64>,
    /// The kernels alone.
    pub kernel: Timing,
    /// Through Burn, as `oddlot train` and `oddlot run` do it.
    pub through_burn: Timing,
}

/// How fast it went; many side by side count as one after the other in less time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// Milliseconds.
    pub ms: f64,
    /// Windows a second.
    pub windows_per_s: f64,
    /// Billions of operations a second.
    pub gflops: f64,
    /// The floor divided by the time.
    pub floor_share: Option<f64>,
}

impl Figures {
    /// Of what was measured on `threads`, whose vector units together do `peak_flops` a second.
    pub fn of(measured: Measured, threads: usize, peak_flops: Option<f64>) -> Self {
        let Measured { name, pass, models, windows, cost, kernel_s, through_burn_s } = measured;
        let n = windows as f64;
        let floor_s =
            peak_flops.and_then(|flops| cost.floor_seconds(pass, flops)).map(|floor| n * floor);
        let flops = windows as u64 * cost.flops(pass);
        let timing = |seconds: f64| Timing {
            ms: 1e3 * seconds,
            windows_per_s: n / seconds,
            gflops: flops as f64 / seconds / 1e9,
            floor_share: floor_s.map(|floor| floor / seconds),
        };
        Self {
            model: name,
            job: match pass {
                Pass::Training => Job::Train,
                Pass::Scoring => Job::Score,
            },
            models,
            windows,
            threads,
            flops,
            floor_ms: floor_s.map(|floor| 1e3 * floor),
            kernel: timing(kernel_s),
            through_burn: timing(through_burn_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use oddlot_lstm::fused::{Cost, Isa};
    use oddlot_nets::fused;

    use super::*;

    #[test]
    fn times_become_rates_and_shares() {
        // Whichever machine: the cost of C's window is that of its layers.
        let program = fused::program(&Name::C.spec(1, 32), Isa::Portable).unwrap();
        let measured = |isa| Measured {
            name: Name::C,
            pass: Pass::Training,
            models: 1,
            windows: 32,
            cost: Cost::of(program.stack(), isa),
            kernel_s: 1e-3,
            through_burn_s: 2e-3,
        };
        let figures = Figures::of(measured(Isa::Avx512), 2, Some(480e9));
        // 3 · 965,760 · 32 operations; at 480 GFLOP/s 0.19315 ms, and 120 cells · 62 cycles · 32 at 7.5 GHz 0.03174 ms.
        assert_eq!(figures.flops, 92_712_960);
        assert!((figures.floor_ms.unwrap() - 0.224_896).abs() < 1e-6, "{figures:?}");
        let Timing { ms, windows_per_s, gflops, floor_share } = figures.through_burn;
        assert_eq!((ms, windows_per_s), (2.0, 16_000.0));
        assert!((gflops - 46.356_48).abs() < 1e-9);
        assert!((floor_share.unwrap() - 0.112_448).abs() < 1e-6);
        assert_eq!(figures.kernel.ms, 1.0);

        let unknown = Figures::of(measured(Isa::Portable), 2, None);
        assert_eq!((unknown.floor_ms, unknown.kernel.floor_share), (None, None));
        assert_eq!(unknown.kernel.gflops, figures.kernel.gflops);
    }

    #[test]
    fn the_networks_are_the_published_ones() {
        let flops = |name: Name| {
            let program = fused::program(&name.spec(1, 32), Isa::Portable).unwrap();
            Cost::of(program.stack(), Isa::Portable).flops(Pass::Scoring)
        };
        assert_eq!([Name::A, Name::B, Name::C].map(flops), [1_952_512, 13_506_048, 965_760]);
    }
}
