//! The table as a person sees it.

use insta::assert_snapshot;
use oddlot_lstm::fused::{Cost, Isa};
use oddlot_nets::fused;

use super::*;
use crate::bench::timing::Measured;

/// A and its many on two threads at 480 GFLOP/s; C on one at 240.
fn report(isa: Isa) -> Report {
    let peak = |flops: f64| isa.flops_per_cycle().map(|_| flops);
    let figures = |name: Name, pass, models, windows, threads: usize, kernel_s: f64| {
        let program = fused::program(&name.spec(1, 32), Isa::Portable).unwrap();
        let cost = Cost::of(program.stack(), isa);
        let through_burn_s = 1.02 * kernel_s;
        let measured = Measured { name, pass, models, windows, cost, kernel_s, through_burn_s };
        Figures::of(measured, threads, peak(240e9 * threads as f64))
    };
    Report {
        version: "0.1.0",
        profile: "release",
        machine: "x86_64 linux avx512f".to_owned(),
        processor: Some("Some Processor".to_owned()),
        isa: isa.to_string(),
        quick: false,
        threads: 2,
        fma_gflops: peak(240.0),
        fma_gflops_all: peak(480.0),
        waited_share: None,
        results: vec![
            figures(Name::A, Pass::Training, 1, 32, 2, 0.54e-3),
            figures(Name::A, Pass::Scoring, 1, 3_072, 2, 19.2e-3),
            figures(Name::C, Pass::Training, 1, 256, 1, 114.1e-3),
            figures(Name::A, Pass::Training, 64, 32, 2, 0.511e-3),
        ],
    }
}

#[test]
fn columns_stand_below_their_heads() {
    assert_snapshot!(report(Isa::Avx512), @r"
    oddlot 0.1.0, release build, on Some Processor (x86_64 linux avx512f)
    computed in avx512 on up to 2 threads; fused multiply-adds alone: 240 GFLOP/s on one, 480 on all

                                             kernel                       through Burn
    model  job     threads    ms/batch windows/s GFLOP/s  of floor    ms/batch windows/s  of floor
    A      train 32      2       0.540    59,259   347.1    84.1 %       0.551    58,097    82.4 %
    A      score         2               160,000   312.4    80.4 %               156,863    78.9 %
    C      train 256     1     114.100     2,244     6.5     3.2 %     116.382     2,200     3.1 %
    64×A   train 32      2       0.511    62,622   366.8    88.8 %       0.521    61,394    87.1 %

    1,000,000 windows of A take the kernels 6.25 s on 2 threads; compare a run's scoring stage
    floor: products at the rate of multiply-adds alone, and 30 (training 62) cycles a vector of units
    ");
}

#[test]
fn without_a_floor_the_table_says_why() {
    assert_snapshot!(report(Isa::Portable), @r"
    oddlot 0.1.0, release build, on Some Processor (x86_64 linux avx512f)
    computed in portable on up to 2 threads; no floor is known: the compiler chose the vectors

                                             kernel                       through Burn
    model  job     threads    ms/batch windows/s GFLOP/s  of floor    ms/batch windows/s  of floor
    A      train 32      2       0.540    59,259   347.1         –       0.551    58,097         –
    A      score         2               160,000   312.4         –               156,863         –
    C      train 256     1     114.100     2,244     6.5         –     116.382     2,200         –
    64×A   train 32      2       0.511    62,622   366.8         –       0.521    61,394         –

    1,000,000 windows of A take the kernels 6.25 s on 2 threads; compare a run's scoring stage
    ");
}

#[test]
fn without_a_no_line_speaks_of_it() {
    let mut report = report(Isa::Avx512);
    report.results.retain(|figures| figures.model == Name::C);
    assert!(!report.to_string().contains("windows of A"));
}
