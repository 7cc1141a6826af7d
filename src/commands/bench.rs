//! `bench`: how fast networks are computed here.

use oddlot_engine::{Error, Report};
use oddlot_nets::{Engine, Isa};

use super::threads;
use crate::bench::{self, Options};
use crate::cli::BenchArgs;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::{colour, diagnostic, say, tell};

/// Figures are worth doubting where threads wait longer than this share of their time.
const WAITED_TOO_LONG: f64 = 0.05;

/// `oddlot bench`.
pub fn bench(args: &BenchArgs, progress: Progress, engine: Engine) -> Result<Exit, Error> {
    let isa = match engine {
        Engine::Fused(isa) => isa,
        Engine::Tensor => Isa::best(),
    };
    let mut models = args.models.clone();
    models.sort_unstable();
    models.dedup();
    let threads = threads(args.threads);
    let options = Options { models, is_quick: args.quick, threads, isa };
    let report = bench::run(&options, |cases| progress.measuring(cases))?;
    match args.json {
        true => say(&format!("{}\n", json(&report)?)),
        false => say(&report.to_string()),
    }
    for warning in warnings(&report) {
        tell(&diagnostic::warning(&warning, colour()));
    }
    Ok(Exit::Done)
}

fn json(report: &bench::Report) -> Result<String, Error> {
    serde_json::to_string(report)
        .map_err(|error| Error::bug(format!("the figures are no JSON: {error}")))
}

/// Why these figures may not be those of the product on this machine.
fn warnings(report: &bench::Report) -> Vec<Report> {
    let mut warnings = Vec::new();
    if report.profile == "dev" {
        warnings.push(
            Report::new("this is a dev build: its figures are not the product's")
                .hint("`cargo install --path . --locked` makes a release build"),
        );
    }
    if let Some(share) = report.waited_share.filter(|share| *share > WAITED_TOO_LONG) {
        let title = format!("threads waited {:.0} % of their time for a processor", 100.0 * share);
        warnings.push(Report::new(title).hint(
            "stop other work, and ask for no more threads than there are processors: these figures are too low",
        ));
    }
    warnings
}
