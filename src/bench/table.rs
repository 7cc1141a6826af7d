//! The figures as a person reads them.

use std::fmt;

use oddlot_lstm::fused::Pass;
use oddlot_report::number::fixed;

use super::figures::{Figures, Job, Timing};
use super::{Name, Report};

/// Windows of the line that a run's scoring stage compares with.
const MANY_WINDOWS: f64 = 1e6;

const HEAD: [&str; 2] = [
    "                       |                 kernel                |      through Burn",
    "model  job     threads |  ms/batch windows/s GFLOP/s  of floor |  ms/batch windows/s  of floor",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, profile, machine, isa, threads, .. } = self;
        let processor = self.processor.as_deref().unwrap_or("unknown processor");
        writeln!(f, "oddlot {version}, {profile} build, on {processor} ({machine})")?;
        let plural = if *threads == 1 { "" } else { "s" };
        write!(f, "computed in {isa} on up to {threads} thread{plural}; ")?;
        match (self.fma_gflops, self.fma_gflops_all) {
            (Some(one), Some(_)) if *threads == 1 => {
                writeln!(f, "fused multiply-adds alone: {one:.0} GFLOP/s")?;
            }
            (Some(one), Some(all)) => {
                writeln!(f, "fused multiply-adds alone: {one:.0} GFLOP/s on one, {all:.0} on all")?;
            }
            _ => writeln!(f, "no floor is known: the compiler chose the vectors")?,
        }
        writeln!(f)?;
        for line in HEAD {
            writeln!(f, "{}", line.replace('|', " "))?;
        }
        for figures in &self.results {
            write_line(f, figures)?;
        }
        writeln!(f)?;
        if let Some(seconds) = self.many_windows() {
            writeln!(
                f,
                "{} windows of A take the kernels {seconds:.2} s on {threads} thread{plural}; compare a run's scoring stage",
                fixed(MANY_WINDOWS, 0)
            )?;
        }
        if self.fma_gflops.is_some() {
            let [score, train] = [Pass::Scoring, Pass::Training].map(Pass::cycles_of_a_cell);
            writeln!(
                f,
                "floor: products at the rate of multiply-adds alone, and {score} (training {train}) cycles a vector of units"
            )?;
        }
        Ok(())
    }
}

impl Report {
    /// How long the kernels score [`MANY_WINDOWS`] of A on as many threads as there are.
    fn many_windows(&self) -> Option<f64> {
        let is_it = |figures: &&Figures| (figures.model, figures.job) == (Name::A, Job::Score);
        let scored = self.results.iter().rfind(is_it)?;
        Some(MANY_WINDOWS / scored.kernel.windows_per_s)
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, figures: &Figures) -> fmt::Result {
    let Figures { model, models, windows, threads, job, .. } = figures;
    let name = if *models == 1 { format!("{model:?}") } else { format!("{models}×{model:?}") };
    let job_of = match job {
        Job::Train => format!("train {windows}"),
        Job::Score => "score".to_owned(),
    };
    let columns = |timing: &Timing| {
        let ms = match job {
            Job::Train => format!("{:.3}", timing.ms),
            Job::Score => String::new(),
        };
        (ms, fixed(timing.windows_per_s, 0), share(timing.floor_share))
    };
    let (ms, rate, of_floor) = columns(&figures.kernel);
    let gflops = figures.kernel.gflops;
    write!(
        f,
        "{name:<5}  {job_of:<9} {threads:>5}   {ms:>9} {rate:>9} {gflops:>7.1} {of_floor:>9}"
    )?;
    let (ms, rate, of_floor) = columns(&figures.through_burn);
    writeln!(f, "   {ms:>9} {rate:>9} {of_floor:>9}")
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

#[cfg(test)]
mod tests;
